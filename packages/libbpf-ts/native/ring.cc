#include "ring.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "fd.h"
#include "poller.h"
#include "registers.h"

namespace lbt {

namespace {

size_t roundUp8(size_t value) { return (value + 7) & ~size_t{7}; }

unsigned long loadAcquire(const uint8_t* at) {
  return __atomic_load_n(reinterpret_cast<const unsigned long*>(at), __ATOMIC_ACQUIRE);
}

void storeRelease(uint8_t* at, unsigned long value) {
  __atomic_store_n(reinterpret_cast<unsigned long*>(at), value, __ATOMIC_RELEASE);
}

// Offsets and sizes of a scatter, in the order of layoutWords() in src/scatter.ts, which checks them.
struct ScatterLayout {
  uint32_t headBytes, group, dataLength, dataOffset, time, timeDelta, headsStart, dataStart, maxRecords, clips, clip[4];
};

struct ScatterGroups {
  std::vector<uint8_t*> buffers;
  size_t size;
  uint32_t* counts;
  uint32_t* ends;
  uint64_t* timeBases;
};

enum class Sorted { Yes, Malformed, Full };

template <typename T>
T load(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

template <typename T>
void store(uint8_t* at, T value) {
  std::memcpy(at, &value, sizeof(value));
}

// scatterOne() of src/scatter.ts is the model of this.
Sorted scatterOne(const uint8_t* record, uint32_t length, const ScatterLayout& layout, ScatterGroups& groups, uint32_t& group) {
  if (length < layout.headBytes) return Sorted::Malformed;
  const uint32_t dataLength = load<uint32_t>(record + layout.dataLength);
  if (dataLength > length - layout.headBytes) return Sorted::Malformed;
  group = load<uint32_t>(record + layout.group) & (static_cast<uint32_t>(groups.buffers.size()) - 1);
  const uint32_t count = groups.counts[group];
  const size_t end = count == 0 ? layout.dataStart : groups.ends[group];
  const uint64_t time = load<uint64_t>(record + layout.time);
  if (count == 0) {
    if (end + dataLength > groups.size) return Sorted::Malformed;
    groups.timeBases[group] = time;
  }
  const int64_t delta = static_cast<int64_t>(time - groups.timeBases[group]);
  if (count >= layout.maxRecords || end > groups.size || dataLength > groups.size - end || delta > INT64_C(0xffffffff)) return Sorted::Full;
  uint8_t* buffer = groups.buffers[group];
  uint8_t* head = buffer + layout.headsStart + size_t{count} * layout.headBytes;
  std::memcpy(head, record, layout.headBytes);
  store<uint64_t>(head + layout.time, 0);
  store<uint32_t>(head + layout.timeDelta, delta < 0 ? 0 : static_cast<uint32_t>(delta));
  store<uint32_t>(head + layout.dataOffset, static_cast<uint32_t>(end - layout.dataStart));
  for (uint32_t i = 0; i < layout.clips; i++) {
    uint8_t* at = head + layout.clip[i];
    if (load<uint16_t>(at) > dataLength) store<uint16_t>(at, 0xffff);
  }
  std::memcpy(buffer + end, record + layout.headBytes, dataLength);
  const size_t dataEnd = end + dataLength;
  const size_t aligned = roundUp8(dataEnd) < groups.size ? roundUp8(dataEnd) : groups.size;
  std::memset(buffer + dataEnd, 0, aligned - dataEnd);
  groups.counts[group] = count + 1;
  groups.ends[group] = static_cast<uint32_t>(aligned);
  return Sorted::Yes;
}

}  // namespace

void RingBox::close() {
  if (poller != nullptr) closePoller(poller);
  poller = nullptr;
  if (consumer != nullptr) munmap(consumer, page);
  if (producer != nullptr) munmap(producer, page + 2 * size);
  consumer = producer = nullptr;
  if (fd >= 0) ::close(fd);
  fd = -1;
}

// ringOpen(map) -> handle | rc
static Napi::Value ringOpen(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  FdBox& map = fdBox(info[0], Kind::Map, "map");
  if (map.fd < 0) return rc(env, -EBADF);
  if (map.type != BPF_MAP_TYPE_RINGBUF) return rc(env, -EPROTOTYPE);
  auto box = std::make_unique<RingBox>();
  box->fd = fcntl(map.fd, F_DUPFD_CLOEXEC, 3);
  if (box->fd < 0) return rc(env, -errno);
  box->page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  box->size = map.maxEntries;
  void* memory = mmap(nullptr, box->page, PROT_READ | PROT_WRITE, MAP_SHARED, box->fd, 0);
  if (memory == MAP_FAILED) return rc(env, -errno);
  box->consumer = static_cast<uint8_t*>(memory);
  memory = mmap(nullptr, box->page + 2 * box->size, PROT_READ, MAP_SHARED, box->fd, static_cast<off_t>(box->page));
  if (memory == MAP_FAILED) return rc(env, -errno);
  box->producer = static_cast<uint8_t*>(memory);
  return wrap(env, std::move(box));
}

// ringClose(ring): stops the listener, unmaps, closes
static Napi::Value ringClose(const Napi::CallbackInfo& info) {
  unwrap<RingBox>(info[0], "ring").close();
  return info.Env().Undefined();
}

// ringPending(ring) -> bytes between consumer and producer (headers and padding included) | rc
static Napi::Value ringPending(const Napi::CallbackInfo& info) {
  RingBox& ring = unwrap<RingBox>(info[0], "ring");
  if (ring.consumer == nullptr) return rc(info.Env(), -EBADF);
  unsigned long pending = loadAcquire(ring.producer) - loadAcquire(ring.consumer);
  return Napi::Number::New(info.Env(), static_cast<double>(pending));
}

// ringConsume(ring, out, stats) -> bytes written | rc; stats = [records, oversized, more]
//
// Copies committed records until the ring is empty, its next record is not yet committed, or the next one does not fit any
// more. A record that would not fit the whole buffer is passed over and counted, so that it can never block the ring.
static Napi::Value ringConsume(const Napi::CallbackInfo& info) {
  RingBox& ring = unwrap<RingBox>(info[0], "ring");
  Bytes out = bytes(info[1], "buffer");
  uint32_t* stats = u32Out(info[2], "stats", 3);
  if (ring.consumer == nullptr) return rc(info.Env(), -EBADF);

  const uint8_t* data = ring.producer + ring.page;
  const unsigned long mask = ring.size - 1;
  unsigned long position = loadAcquire(ring.consumer);
  size_t written = 0;
  uint32_t records = 0, oversized = 0;
  bool more = false;

  for (;;) {
    const unsigned long start = position;
    const unsigned long limit = loadAcquire(ring.producer);
    while (position < limit) {
      const uint8_t* record = data + (position & mask);
      const uint32_t header = __atomic_load_n(reinterpret_cast<const uint32_t*>(record), __ATOMIC_ACQUIRE);
      if ((header & BPF_RINGBUF_BUSY_BIT) != 0) break;
      const uint32_t length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
      const size_t whole = roundUp8(size_t{length} + BPF_RINGBUF_HDR_SZ);
      if ((header & BPF_RINGBUF_DISCARD_BIT) == 0) {
        if (whole > out.size) {
          oversized++;
        } else if (whole > out.size - written) {
          more = true;
          break;
        } else {
          uint8_t* target = out.data + written;
          const uint32_t prefix[2] = {length, 0};
          std::memcpy(target, prefix, sizeof(prefix));
          std::memcpy(target + sizeof(prefix), record + BPF_RINGBUF_HDR_SZ, whole - BPF_RINGBUF_HDR_SZ);
          written += whole;
          records++;
        }
      }
      position += whole;
    }
    if (position == start) break;
    storeRelease(ring.consumer, position);
    if (more) break;
    // The producer wakes us only if it finds us caught up: it commits, then reads our position. We write our position, then
    // look again; the fence keeps that order, so that one of the two sees the other (and no wake-up is lost).
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
  }
  stats[0] = records;
  stats[1] = oversized;
  stats[2] = more ? 1 : 0;
  return Napi::Number::New(info.Env(), static_cast<double>(written));
}

// ringScatter(ring, layout, groups, counts, ends, timeBases, stats) -> 0 | rc; stats = [records, malformed, full group + 1]
//
// Sorts committed records into the groups' buffers until the ring is empty, its next record is not yet committed, or a
// group has no room for the next one.
static Napi::Value ringScatter(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  RingBox& ring = unwrap<RingBox>(info[0], "ring");
  ScatterLayout layout{};
  const uint32_t* words = u32Out(info[1], "layout", 10);
  std::memcpy(&layout, words, 10 * sizeof(uint32_t));
  if (layout.clips > 4) badArgument(env, "layout has too many offsets");
  std::memcpy(layout.clip, u32Out(info[1], "layout", 10 + layout.clips) + 10, layout.clips * sizeof(uint32_t));
  if (!info[2].IsArray()) badArgument(env, "groups must be an array");
  Napi::Array list = info[2].As<Napi::Array>();
  ScatterGroups groups{};
  for (uint32_t i = 0; i < list.Length(); i++) {
    Bytes buffer = bytes(list.Get(i), "group");
    if (i > 0 && buffer.size != groups.size) badArgument(env, "groups must have buffers of one size");
    groups.size = buffer.size;
    groups.buffers.push_back(buffer.data);
  }
  const size_t count = groups.buffers.size();
  if (count == 0 || (count & (count - 1)) != 0) badArgument(env, "groups must be a power of two");
  const uint64_t heads = uint64_t{layout.headsStart} + uint64_t{layout.maxRecords} * layout.headBytes;
  if (heads > layout.dataStart || layout.dataStart > groups.size) badArgument(env, "layout does not fit the groups");
  groups.counts = u32Out(info[3], "counts", count);
  groups.ends = u32Out(info[4], "ends", count);
  groups.timeBases = u64Out(info[5], "timeBases", count);
  uint32_t* stats = u32Out(info[6], "stats", 3);
  if (ring.consumer == nullptr) return rc(env, -EBADF);

  const uint8_t* data = ring.producer + ring.page;
  const unsigned long mask = ring.size - 1;
  unsigned long position = loadAcquire(ring.consumer);
  uint32_t records = 0, malformed = 0, full = 0;

  for (;;) {
    const unsigned long start = position;
    const unsigned long limit = loadAcquire(ring.producer);
    while (position < limit) {
      const uint8_t* record = data + (position & mask);
      const uint32_t header = __atomic_load_n(reinterpret_cast<const uint32_t*>(record), __ATOMIC_ACQUIRE);
      if ((header & BPF_RINGBUF_BUSY_BIT) != 0) break;
      const uint32_t length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
      if ((header & BPF_RINGBUF_DISCARD_BIT) == 0) {
        uint32_t group = 0;
        const Sorted sorted = scatterOne(record + BPF_RINGBUF_HDR_SZ, length, layout, groups, group);
        if (sorted == Sorted::Full) {
          full = group + 1;
          break;
        }
        if (sorted == Sorted::Yes) records++;
        else malformed++;
      }
      position += roundUp8(size_t{length} + BPF_RINGBUF_HDR_SZ);
    }
    if (position != start) storeRelease(ring.consumer, position);
    if (position == start || full != 0) break;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);  // as in ringConsume
  }
  stats[0] = records;
  stats[1] = malformed;
  stats[2] = full;
  return rc(env, 0);
}

void registerRing(Napi::Object exports) {
  method<ringOpen>(exports, "ringOpen");
  method<ringClose>(exports, "ringClose");
  method<ringPending>(exports, "ringPending");
  method<ringConsume>(exports, "ringConsume");
  method<ringScatter>(exports, "ringScatter");
}

}  // namespace lbt
