// File descriptors of kernel objects, owned by a handle: closed once, by close() or by the finalizer.
#pragma once

#include "handle.h"

namespace lbt {

enum class Kind { Map, Program, Link, Stats };

struct FdBox {
  static constexpr napi_type_tag tag = {0x6c69626270662d74ULL, 0x732d66642d626f78ULL};
  static constexpr const char* title = "file descriptor";

  int fd = -1;
  Kind kind = Kind::Map;
  // Of maps: what the kernel reads and writes in one element operation.
  uint32_t type = 0;
  uint32_t keySize = 0;
  uint32_t valueSize = 0;
  uint32_t maxEntries = 0;
  uint32_t flags = 0;
  size_t elementSize = 0;  // valueSize, or for per-CPU maps 8-byte stride times possible CPUs

  ~FdBox() { close(); }
  void close();
};

/** The handle's box, of the wanted kind; a closed one has fd -1. */
FdBox& fdBox(const Napi::Value& value, Kind kind, const char* name);

/** Takes the descriptor over. A map's sizes are read from the kernel. Answers the handle, or -errno as a number. */
Napi::Value adoptFd(Napi::Env env, int fd, Kind kind);

void registerFd(Napi::Object exports);

}  // namespace lbt
