// Doing one thing in another network namespace, on the calling thread.
#pragma once

#include "handle.h"

namespace lbt {

/**
 * Enters the namespace for its life time. The destructor returns to the original one, and aborts the process if that
 * fails: going on in the wrong namespace could attach programs to the wrong machine's interfaces.
 * An empty path means: stay.
 */
class NetnsGuard {
 public:
  explicit NetnsGuard(const std::string& path);
  ~NetnsGuard();
  NetnsGuard(const NetnsGuard&) = delete;
  NetnsGuard& operator=(const NetnsGuard&) = delete;

  /** 0 or -errno; on an error the thread stayed where it was. */
  int error() const { return error_; }
  /** Inode number of the namespace the thread is in now; tells a namespace from a later one of the same name. */
  uint64_t inode() const { return inode_; }

 private:
  int original_ = -1;
  int error_ = 0;
  uint64_t inode_ = 0;
};

/** {rc, step}: the shape of every answer of a call that works on an interface. */
Napi::Object answer(Napi::Env env, int code, const char* step);

/** The namespace argument: a path, or null/undefined for the current one. */
std::string netnsPath(const Napi::Value& value);

void registerNetns(Napi::Object exports);

}  // namespace lbt
