// Map operations on a map's file descriptor. Sizes are compared with the kernel's before any call.
#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "fd.h"
#include "registers.h"

namespace lbt {

static const void* keyPointer(const FdBox& map, const Napi::Value& value) {
  if (map.keySize == 0 && (value.IsNull() || value.IsUndefined())) return nullptr;  // queue, stack
  Bytes key = exactBytes(value, "key", map.keySize);
  return map.keySize == 0 ? nullptr : key.data;
}

// mapLookup(map, key, value, flags) -> rc; value is filled
static Napi::Value mapLookup(const Napi::CallbackInfo& info) {
  FdBox& map = fdBox(info[0], Kind::Map, "map");
  if (map.fd < 0) return rc(info.Env(), -EBADF);
  const void* key = keyPointer(map, info[1]);
  Bytes value = exactBytes(info[2], "value", map.elementSize);
  return rc(info.Env(), errnoOf(bpf_map_lookup_elem_flags(map.fd, key, value.data, u64(info[3], "flags"))));
}

// mapLookupAndDelete(map, key, value, flags) -> rc
static Napi::Value mapLookupAndDelete(const Napi::CallbackInfo& info) {
  FdBox& map = fdBox(info[0], Kind::Map, "map");
  if (map.fd < 0) return rc(info.Env(), -EBADF);
  const void* key = keyPointer(map, info[1]);
  Bytes value = exactBytes(info[2], "value", map.elementSize);
  return rc(info.Env(), errnoOf(bpf_map_lookup_and_delete_elem_flags(map.fd, key, value.data, u64(info[3], "flags"))));
}

// mapUpdate(map, key, value, flags) -> rc
static Napi::Value mapUpdate(const Napi::CallbackInfo& info) {
  FdBox& map = fdBox(info[0], Kind::Map, "map");
  if (map.fd < 0) return rc(info.Env(), -EBADF);
  const void* key = keyPointer(map, info[1]);
  Bytes value = exactBytes(info[2], "value", map.elementSize);
  return rc(info.Env(), errnoOf(bpf_map_update_elem(map.fd, key, value.data, u64(info[3], "flags"))));
}

// mapDelete(map, key) -> rc
static Napi::Value mapDelete(const Napi::CallbackInfo& info) {
  FdBox& map = fdBox(info[0], Kind::Map, "map");
  if (map.fd < 0) return rc(info.Env(), -EBADF);
  return rc(info.Env(), errnoOf(bpf_map_delete_elem(map.fd, keyPointer(map, info[1]))));
}

// mapNextKey(map, key | null, next) -> rc, -ENOENT at the end
static Napi::Value mapNextKey(const Napi::CallbackInfo& info) {
  FdBox& map = fdBox(info[0], Kind::Map, "map");
  if (map.fd < 0) return rc(info.Env(), -EBADF);
  const void* key = nullptr;
  if (!info[1].IsNull()) key = exactBytes(info[1], "key", map.keySize).data;
  Bytes next = exactBytes(info[2], "next", map.keySize);
  return rc(info.Env(), errnoOf(bpf_map_get_next_key(map.fd, key, next.data)));
}

/** The first `count` elements of `size` bytes must lie in the buffer. */
static Bytes manyBytes(const Napi::Value& value, const char* name, uint64_t count, uint64_t size) {
  Bytes result = bytes(value, name);
  if (count * size > result.size)
    badArgument(value.Env(), std::string(name) + " has " + std::to_string(result.size) + " bytes, " +
                                 std::to_string(count) + " elements need " + std::to_string(count * size));
  return result;
}

// mapLookupBatch(map, cursorIn | null, cursorOut, keys, values, count, andDelete, out) -> rc; out[0] = elements read
static Napi::Value mapLookupBatch(const Napi::CallbackInfo& info) {
  FdBox& map = fdBox(info[0], Kind::Map, "map");
  if (map.fd < 0) return rc(info.Env(), -EBADF);
  // The kernel's cursor is a bucket number or a key.
  size_t cursorSize = std::max<size_t>(map.keySize, 8);
  Bytes in = optionalBytes(info[1], "cursorIn");
  if (in.data != nullptr) in = exactBytes(info[1], "cursorIn", cursorSize);
  Bytes next = exactBytes(info[2], "cursorOut", cursorSize);
  uint32_t count = u32(info[5], "count");
  Bytes keys = manyBytes(info[3], "keys", count, map.keySize);
  Bytes values = manyBytes(info[4], "values", count, map.elementSize);
  bool andDelete = flag(info[6], "andDelete");
  uint32_t* out = u32Out(info[7], "out", 1);
  out[0] = 0;
  uint32_t done = count;
  int result = andDelete ? bpf_map_lookup_and_delete_batch(map.fd, in.data, next.data, keys.data, values.data, &done, nullptr)
                         : bpf_map_lookup_batch(map.fd, in.data, next.data, keys.data, values.data, &done, nullptr);
  result = errnoOf(result);
  // On errors other than "end of the map" the count is not to be trusted; it never exceeds what was asked for.
  out[0] = (result == 0 || result == -ENOENT) ? std::min(done, count) : 0;
  return rc(info.Env(), result);
}

// mapUpdateBatch(map, keys, values, count, flags, out) -> rc; out[0] = elements written
static Napi::Value mapUpdateBatch(const Napi::CallbackInfo& info) {
  FdBox& map = fdBox(info[0], Kind::Map, "map");
  if (map.fd < 0) return rc(info.Env(), -EBADF);
  uint32_t count = u32(info[3], "count");
  Bytes keys = manyBytes(info[1], "keys", count, map.keySize);
  Bytes values = manyBytes(info[2], "values", count, map.elementSize);
  struct bpf_map_batch_opts options = {};
  options.sz = sizeof(options);
  options.elem_flags = u64(info[4], "flags");
  uint32_t* out = u32Out(info[5], "out", 1);
  uint32_t done = count;
  int result = errnoOf(bpf_map_update_batch(map.fd, keys.data, values.data, &done, &options));
  // "Not supported" and "no such command" leave the count as it was passed in.
  out[0] = result == 0 ? count : (done < count ? done : 0);
  return rc(info.Env(), result);
}

// mapDeleteBatch(map, keys, count, out) -> rc; out[0] = elements deleted
static Napi::Value mapDeleteBatch(const Napi::CallbackInfo& info) {
  FdBox& map = fdBox(info[0], Kind::Map, "map");
  if (map.fd < 0) return rc(info.Env(), -EBADF);
  uint32_t count = u32(info[2], "count");
  Bytes keys = manyBytes(info[1], "keys", count, map.keySize);
  uint32_t* out = u32Out(info[3], "out", 1);
  uint32_t done = count;
  int result = errnoOf(bpf_map_delete_batch(map.fd, keys.data, &done, nullptr));
  out[0] = result == 0 ? count : (done < count ? done : 0);
  return rc(info.Env(), result);
}

// mapFreeze(map) -> rc
static Napi::Value mapFreeze(const Napi::CallbackInfo& info) {
  FdBox& map = fdBox(info[0], Kind::Map, "map");
  if (map.fd < 0) return rc(info.Env(), -EBADF);
  return rc(info.Env(), errnoOf(bpf_map_freeze(map.fd)));
}

// mapCreate(type, name, keySize, valueSize, maxEntries, flags, innerMap | null, mapExtra) -> handle | rc
static Napi::Value mapCreate(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint32_t type = u32(info[0], "type");
  std::string name = text(info[1], "name");
  struct bpf_map_create_opts options = {};
  options.sz = sizeof(options);
  options.map_flags = u32(info[5], "flags");
  if (!info[6].IsNull()) {
    FdBox& inner = fdBox(info[6], Kind::Map, "innerMap");
    if (inner.fd < 0) return rc(env, -EBADF);
    options.inner_map_fd = static_cast<uint32_t>(inner.fd);
  }
  options.map_extra = u64(info[7], "mapExtra");
  int fd = bpf_map_create(static_cast<enum bpf_map_type>(type), name.empty() ? nullptr : name.c_str(),
                          u32(info[2], "keySize"), u32(info[3], "valueSize"), u32(info[4], "maxEntries"), &options);
  return adoptFd(env, fd, Kind::Map);
}

// mapSizes(map) -> {type, keySize, valueSize, elementSize, maxEntries, flags}, as read when the handle was made
static Napi::Value mapSizes(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  FdBox& map = fdBox(info[0], Kind::Map, "map");
  Napi::Object result = Napi::Object::New(env);
  result.Set("type", Napi::Number::New(env, map.type));
  result.Set("keySize", Napi::Number::New(env, map.keySize));
  result.Set("valueSize", Napi::Number::New(env, map.valueSize));
  result.Set("elementSize", Napi::Number::New(env, static_cast<double>(map.elementSize)));
  result.Set("maxEntries", Napi::Number::New(env, map.maxEntries));
  result.Set("flags", Napi::Number::New(env, map.flags));
  return result;
}

// mapInfo(map) -> {id, name, type, keySize, valueSize, maxEntries, flags, ifindex, btfId, mapExtra} | rc
static Napi::Value mapInfo(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  FdBox& map = fdBox(info[0], Kind::Map, "map");
  if (map.fd < 0) return rc(env, -EBADF);
  struct bpf_map_info kernel = {};
  uint32_t length = sizeof(kernel);
  int result = errnoOf(bpf_obj_get_info_by_fd(map.fd, &kernel, &length));
  if (result < 0) return rc(env, result);
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", Napi::Number::New(env, kernel.id));
  object.Set("name", Napi::String::New(env, kernel.name, strnlen(kernel.name, sizeof(kernel.name))));
  object.Set("type", Napi::Number::New(env, kernel.type));
  object.Set("keySize", Napi::Number::New(env, kernel.key_size));
  object.Set("valueSize", Napi::Number::New(env, kernel.value_size));
  object.Set("maxEntries", Napi::Number::New(env, kernel.max_entries));
  object.Set("flags", Napi::Number::New(env, kernel.map_flags));
  object.Set("ifindex", Napi::Number::New(env, kernel.ifindex));
  object.Set("btfId", Napi::Number::New(env, kernel.btf_id));
  object.Set("mapExtra", Napi::BigInt::New(env, static_cast<uint64_t>(kernel.map_extra)));
  return object;
}

// mapMmap(map) -> ArrayBuffer over the kernel's memory of an array with BPF_F_MMAPABLE | rc. Unmapped by its finalizer.
static Napi::Value mapMmap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  FdBox& map = fdBox(info[0], Kind::Map, "map");
  if (map.fd < 0) return rc(env, -EBADF);
  if (map.type != BPF_MAP_TYPE_ARRAY || (map.flags & BPF_F_MMAPABLE) == 0) return rc(env, -EOPNOTSUPP);
  size_t stride = (static_cast<size_t>(map.valueSize) + 7) & ~size_t{7};
  size_t length = stride * map.maxEntries;
  size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  size_t mapped = (length + page - 1) / page * page;
  // Always writable: JavaScript cannot be kept from writing to an ArrayBuffer, and a write to a read-only mapping would
  // kill the process. For a frozen map the kernel refuses with EPERM.
  void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, map.fd, 0);
  if (memory == MAP_FAILED) return rc(env, -errno);
  napi_value buffer;
  napi_status status = napi_create_external_arraybuffer(
      env, memory, length, [](napi_env, void* data, void* hint) { munmap(data, reinterpret_cast<size_t>(hint)); },
      reinterpret_cast<void*>(mapped), &buffer);
  if (status != napi_ok) {
    munmap(memory, mapped);
    return rc(env, -ENOMEM);
  }
  return Napi::Value(env, buffer);
}

void registerMap(Napi::Object exports) {
  method<mapLookup>(exports, "mapLookup");
  method<mapLookupAndDelete>(exports, "mapLookupAndDelete");
  method<mapUpdate>(exports, "mapUpdate");
  method<mapDelete>(exports, "mapDelete");
  method<mapNextKey>(exports, "mapNextKey");
  method<mapLookupBatch>(exports, "mapLookupBatch");
  method<mapUpdateBatch>(exports, "mapUpdateBatch");
  method<mapDeleteBatch>(exports, "mapDeleteBatch");
  method<mapFreeze>(exports, "mapFreeze");
  method<mapCreate>(exports, "mapCreate");
  method<mapSizes>(exports, "mapSizes");
  method<mapInfo>(exports, "mapInfo");
  method<mapMmap>(exports, "mapMmap");
}

}  // namespace lbt
