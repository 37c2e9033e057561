// bpf_object: opened from memory, adjusted, loaded. Programs and maps leave it as duplicated descriptors, so that nothing
// in JavaScript points into memory that bpf_object__close frees.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "fd.h"
#include "registers.h"

namespace lbt {

namespace {

struct ObjectBox {
  static constexpr napi_type_tag tag = {0x6c69626270662d74ULL, 0x732d6f626a656374ULL};
  static constexpr const char* title = "BPF object";

  struct bpf_object* object = nullptr;

  ~ObjectBox() { close(); }
  void close() {
    if (object != nullptr) bpf_object__close(object);
    object = nullptr;
  }
};

struct bpf_program* findProgram(const ObjectBox& box, const std::string& name) {
  return box.object == nullptr ? nullptr : bpf_object__find_program_by_name(box.object, name.c_str());
}

/** Maps go by their position: bpf_map__reuse_fd changes a map's name to that of the one that is reused. */
struct bpf_map* findMap(const ObjectBox& box, uint32_t position) {
  if (box.object == nullptr) return nullptr;
  struct bpf_map* map = bpf_object__next_map(box.object, nullptr);
  for (; map != nullptr && position > 0; position--) map = bpf_object__next_map(box.object, map);
  return map;
}

}  // namespace

// objectOpen(elf, name, pinRoot | null) -> handle | rc
static Napi::Value objectOpen(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Bytes elf = bytes(info[0], "elf");
  std::string name = text(info[1], "name");
  std::string pinRoot;
  struct bpf_object_open_opts options = {};
  options.sz = sizeof(options);
  options.object_name = name.c_str();
  if (!info[2].IsNull()) {
    pinRoot = text(info[2], "pinRoot");
    options.pin_root_path = pinRoot.c_str();
  }
  std::vector<uint8_t> aligned(elf.data, elf.data + elf.size);  // libelf reads structures in place
  struct bpf_object* object = bpf_object__open_mem(aligned.data(), aligned.size(), &options);
  if (object == nullptr) return rc(env, errno != 0 ? -errno : -EINVAL);
  auto box = std::make_unique<ObjectBox>();
  box->object = object;
  return wrap(env, std::move(box));
}

static Napi::Value objectClose(const Napi::CallbackInfo& info) {
  unwrap<ObjectBox>(info[0], "object").close();
  return info.Env().Undefined();
}

static Napi::Value objectLoad(const Napi::CallbackInfo& info) {
  ObjectBox& box = unwrap<ObjectBox>(info[0], "object");
  if (box.object == nullptr) return rc(info.Env(), -EBADF);
  return rc(info.Env(), errnoOf(bpf_object__load(box.object)));
}

// objectPrograms(object) -> [{name, section, type, autoload}] | rc
static Napi::Value objectPrograms(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  ObjectBox& box = unwrap<ObjectBox>(info[0], "object");
  if (box.object == nullptr) return rc(env, -EBADF);
  Napi::Array result = Napi::Array::New(env);
  uint32_t at = 0;
  struct bpf_program* program;
  bpf_object__for_each_program(program, box.object) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", bpf_program__name(program));
    entry.Set("section", bpf_program__section_name(program));
    entry.Set("type", Napi::Number::New(env, bpf_program__type(program)));
    entry.Set("autoload", Napi::Boolean::New(env, bpf_program__autoload(program)));
    result.Set(at++, entry);
  }
  return result;
}

// objectMaps(object) -> by position [{name, type, keySize, valueSize, maxEntries, flags, internal, pinPath}] | rc
static Napi::Value objectMaps(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  ObjectBox& box = unwrap<ObjectBox>(info[0], "object");
  if (box.object == nullptr) return rc(env, -EBADF);
  Napi::Array result = Napi::Array::New(env);
  uint32_t at = 0;
  struct bpf_map* map;
  bpf_object__for_each_map(map, box.object) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", bpf_map__name(map));
    entry.Set("type", Napi::Number::New(env, bpf_map__type(map)));
    entry.Set("keySize", Napi::Number::New(env, bpf_map__key_size(map)));
    entry.Set("valueSize", Napi::Number::New(env, bpf_map__value_size(map)));
    entry.Set("maxEntries", Napi::Number::New(env, bpf_map__max_entries(map)));
    entry.Set("flags", Napi::Number::New(env, bpf_map__map_flags(map)));
    entry.Set("internal", Napi::Boolean::New(env, bpf_map__is_internal(map)));
    const char* pinPath = bpf_map__pin_path(map);
    entry.Set("pinPath", pinPath == nullptr ? env.Null() : Napi::Value(Napi::String::New(env, pinPath)));
    result.Set(at++, entry);
  }
  return result;
}

static Napi::Value objectSetAutoload(const Napi::CallbackInfo& info) {
  struct bpf_program* program = findProgram(unwrap<ObjectBox>(info[0], "object"), text(info[1], "program"));
  bool autoload = flag(info[2], "autoload");
  if (program == nullptr) return rc(info.Env(), -ENOENT);
  return rc(info.Env(), errnoOf(bpf_program__set_autoload(program, autoload)));
}

static Napi::Value objectSetMaxEntries(const Napi::CallbackInfo& info) {
  struct bpf_map* map = findMap(unwrap<ObjectBox>(info[0], "object"), u32(info[1], "map"));
  uint32_t count = u32(info[2], "maxEntries");
  if (map == nullptr) return rc(info.Env(), -ENOENT);
  return rc(info.Env(), errnoOf(bpf_map__set_max_entries(map, count)));
}

// objectSetValueSize(object, position, bytes) -> rc; of a map of maps: the value size of the maps that go in
static Napi::Value objectSetValueSize(const Napi::CallbackInfo& info) {
  struct bpf_map* map = findMap(unwrap<ObjectBox>(info[0], "object"), u32(info[1], "map"));
  uint32_t size = u32(info[2], "valueSize");
  if (map == nullptr) return rc(info.Env(), -ENOENT);
  struct bpf_map* inner = bpf_map__inner_map(map);
  return rc(info.Env(), errnoOf(bpf_map__set_value_size(inner == nullptr ? map : inner, size)));
}

// objectReuseMap(object, position, map) -> rc; libbpf duplicates the descriptor. It would also pin a map that was declared to
// be pinned by its name: whoever gives the map decides about its pins.
static Napi::Value objectReuseMap(const Napi::CallbackInfo& info) {
  struct bpf_map* map = findMap(unwrap<ObjectBox>(info[0], "object"), u32(info[1], "map"));
  FdBox& other = fdBox(info[2], Kind::Map, "map");
  if (map == nullptr) return rc(info.Env(), -ENOENT);
  if (other.fd < 0) return rc(info.Env(), -EBADF);
  int result = errnoOf(bpf_map__reuse_fd(map, other.fd));
  if (result == 0) result = errnoOf(bpf_map__set_pin_path(map, nullptr));
  return rc(info.Env(), result);
}

// objectInitialBytes(object, map, offset, bytes, write) -> rc: reads or writes a part of a section's initial contents
static Napi::Value objectInitialBytes(const Napi::CallbackInfo& info) {
  struct bpf_map* map = findMap(unwrap<ObjectBox>(info[0], "object"), u32(info[1], "map"));
  uint32_t offset = u32(info[2], "offset");
  Bytes data = bytes(info[3], "bytes");
  bool write = flag(info[4], "write");
  if (map == nullptr) return rc(info.Env(), -ENOENT);
  size_t size = 0;
  uint8_t* initial = static_cast<uint8_t*>(const_cast<void*>(bpf_map__initial_value(map, &size)));
  if (initial == nullptr) return rc(info.Env(), -EINVAL);
  if (offset > size || data.size > size - offset) return rc(info.Env(), -ERANGE);
  if (data.size == 0) return rc(info.Env(), 0);
  if (write) std::memcpy(initial + offset, data.data, data.size);
  else std::memcpy(data.data, initial + offset, data.size);
  return rc(info.Env(), 0);
}

static Napi::Value duplicate(Napi::Env env, int fd, Kind kind) {
  if (fd < 0) return rc(env, errnoOf(fd));
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return rc(env, -errno);
  return adoptFd(env, copy, kind);
}

static Napi::Value objectProgramFd(const Napi::CallbackInfo& info) {
  struct bpf_program* program = findProgram(unwrap<ObjectBox>(info[0], "object"), text(info[1], "program"));
  if (program == nullptr) return rc(info.Env(), -ENOENT);
  return duplicate(info.Env(), bpf_program__fd(program), Kind::Program);
}

static Napi::Value objectMapFd(const Napi::CallbackInfo& info) {
  struct bpf_map* map = findMap(unwrap<ObjectBox>(info[0], "object"), u32(info[1], "map"));
  if (map == nullptr) return rc(info.Env(), -ENOENT);
  return duplicate(info.Env(), bpf_map__fd(map), Kind::Map);
}

void registerObject(Napi::Object exports) {
  method<objectOpen>(exports, "objectOpen");
  method<objectClose>(exports, "objectClose");
  method<objectLoad>(exports, "objectLoad");
  method<objectPrograms>(exports, "objectPrograms");
  method<objectMaps>(exports, "objectMaps");
  method<objectSetAutoload>(exports, "objectSetAutoload");
  method<objectSetMaxEntries>(exports, "objectSetMaxEntries");
  method<objectSetValueSize>(exports, "objectSetValueSize");
  method<objectReuseMap>(exports, "objectReuseMap");
  method<objectInitialBytes>(exports, "objectInitialBytes");
  method<objectProgramFd>(exports, "objectProgramFd");
  method<objectMapFd>(exports, "objectMapFd");
}

}  // namespace lbt
