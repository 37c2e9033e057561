#include "fd.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cstring>

namespace lbt {

void FdBox::close() {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

static const char* kindName(Kind kind) {
  switch (kind) {
    case Kind::Map: return "map";
    case Kind::Program: return "program";
    case Kind::Link: return "link";
    case Kind::Stats: return "statistics";
  }
  return "?";
}

FdBox& fdBox(const Napi::Value& value, Kind kind, const char* name) {
  FdBox& box = unwrap<FdBox>(value, name);
  if (box.kind != kind) badArgument(value.Env(), std::string(name) + " is not a " + kindName(kind));
  return box;
}

static Kind kindArgument(const Napi::Value& value) {
  std::string kind = text(value, "kind");
  if (kind == "map") return Kind::Map;
  if (kind == "program") return Kind::Program;
  if (kind == "link") return Kind::Link;
  badArgument(value.Env(), "kind must be map, program or link");
}

/** Whether the descriptor is of this kind: the kernel shows it in the name of the anonymous inode. */
static bool isKind(int fd, Kind kind) {
  char target[64] = {};
  std::string link = "/proc/self/fd/" + std::to_string(fd);
  if (readlink(link.c_str(), target, sizeof(target) - 1) < 0) return false;
  switch (kind) {
    case Kind::Map: return std::strstr(target, "bpf-map") != nullptr;
    case Kind::Program: return std::strstr(target, "bpf-prog") != nullptr;
    case Kind::Link:  // one spelling when it was created, the other when it was opened again
      return std::strstr(target, "bpf_link") != nullptr || std::strstr(target, "bpf-link") != nullptr;
    case Kind::Stats: return true;
  }
  return false;
}

static bool isPerCpu(uint32_t type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
         type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

Napi::Value adoptFd(Napi::Env env, int fd, Kind kind) {
  if (fd < 0) return rc(env, errnoOf(fd));
  auto box = std::make_unique<FdBox>();
  box->fd = fd;
  box->kind = kind;
  if (kind == Kind::Map) {
    struct bpf_map_info info = {};
    uint32_t length = sizeof(info);
    int result = bpf_obj_get_info_by_fd(fd, &info, &length);
    if (result < 0) return rc(env, errnoOf(result));
    box->type = info.type;
    box->keySize = info.key_size;
    box->valueSize = info.value_size;
    box->maxEntries = info.max_entries;
    box->flags = info.map_flags;
    box->elementSize = info.value_size;
    if (isPerCpu(info.type)) {
      int cpus = libbpf_num_possible_cpus();
      if (cpus < 0) return rc(env, cpus);
      box->elementSize = ((static_cast<size_t>(info.value_size) + 7) & ~size_t{7}) * static_cast<size_t>(cpus);
    }
  }
  return wrap(env, std::move(box));
}

// fdClose(handle): closes; a second call does nothing.
static Napi::Value fdClose(const Napi::CallbackInfo& info) {
  unwrap<FdBox>(info[0], "handle").close();
  return info.Env().Undefined();
}

// fdNumber(handle) -> number, -1 when closed
static Napi::Value fdNumber(const Napi::CallbackInfo& info) { return rc(info.Env(), unwrap<FdBox>(info[0], "handle").fd); }

// fdPin(handle, path) -> rc
static Napi::Value fdPin(const Napi::CallbackInfo& info) {
  FdBox& box = unwrap<FdBox>(info[0], "handle");
  std::string path = text(info[1], "path");
  if (box.fd < 0) return rc(info.Env(), -EBADF);
  return rc(info.Env(), errnoOf(bpf_obj_pin(box.fd, path.c_str())));
}

// fdFromPin(kind, path) -> handle | rc; -EPROTOTYPE when something of another kind is pinned there
static Napi::Value fdFromPin(const Napi::CallbackInfo& info) {
  Kind kind = kindArgument(info[0]);
  std::string path = text(info[1], "path");
  int fd = bpf_obj_get(path.c_str());
  if (fd < 0) return rc(info.Env(), errnoOf(fd));
  if (!isKind(fd, kind)) {
    ::close(fd);
    return rc(info.Env(), -EPROTOTYPE);
  }
  return adoptFd(info.Env(), fd, kind);
}

// fdFromId(kind, id) -> handle | rc
static Napi::Value fdFromId(const Napi::CallbackInfo& info) {
  Kind kind = kindArgument(info[0]);
  uint32_t id = u32(info[1], "id");
  int fd = kind == Kind::Map       ? bpf_map_get_fd_by_id(id)
           : kind == Kind::Program ? bpf_prog_get_fd_by_id(id)
                                   : bpf_link_get_fd_by_id(id);
  return adoptFd(info.Env(), fd, kind);
}

// nextId(kind, id) -> the next id after this one | rc (-ENOENT at the end)
static Napi::Value nextId(const Napi::CallbackInfo& info) {
  Kind kind = kindArgument(info[0]);
  uint32_t id = u32(info[1], "id");
  uint32_t next = 0;
  int result = kind == Kind::Map       ? bpf_map_get_next_id(id, &next)
               : kind == Kind::Program ? bpf_prog_get_next_id(id, &next)
                                       : bpf_link_get_next_id(id, &next);
  if (result < 0) return rc(info.Env(), errnoOf(result));
  return Napi::Number::New(info.Env(), next);
}

void registerFd(Napi::Object exports) {
  method<fdClose>(exports, "fdClose");
  method<fdNumber>(exports, "fdNumber");
  method<fdPin>(exports, "fdPin");
  method<fdFromPin>(exports, "fdFromPin");
  method<fdFromId>(exports, "fdFromId");
  method<nextId>(exports, "nextId");
}

}  // namespace lbt
