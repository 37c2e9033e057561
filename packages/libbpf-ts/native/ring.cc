#include "ring.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

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

void registerRing(Napi::Object exports) {
  method<ringOpen>(exports, "ringOpen");
  method<ringClose>(exports, "ringClose");
  method<ringPending>(exports, "ringPending");
  method<ringConsume>(exports, "ringConsume");
}

}  // namespace lbt
