#include "netns.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace lbt {

static constexpr const char* kOwn = "/proc/thread-self/ns/net";

NetnsGuard::NetnsGuard(const std::string& path) {
  const char* wanted = path.empty() ? kOwn : path.c_str();
  int target = open(wanted, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (target < 0) {
    error_ = -errno;
    return;
  }
  struct stat status = {};
  if (fstat(target, &status) == 0) inode_ = status.st_ino;
  if (!path.empty()) {
    original_ = open(kOwn, O_RDONLY | O_CLOEXEC);
    if (original_ < 0) {
      error_ = -errno;
    } else if (setns(target, CLONE_NEWNET) < 0) {
      error_ = -errno;
      close(original_);
      original_ = -1;
    }
  }
  close(target);
}

NetnsGuard::~NetnsGuard() {
  if (original_ < 0) return;
  if (setns(original_, CLONE_NEWNET) < 0) {
    std::perror("libbpf-ts: cannot return to the original network namespace");
    std::abort();
  }
  close(original_);
}

Napi::Object answer(Napi::Env env, int code, const char* step) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("rc", Napi::Number::New(env, code));
  result.Set("step", Napi::String::New(env, step));
  return result;
}

std::string netnsPath(const Napi::Value& value) {
  if (value.IsNull() || value.IsUndefined()) return "";
  std::string path = text(value, "netns");
  if (path.empty()) badArgument(value.Env(), "netns must not be empty");
  return path;
}

// interfaceIndex(ifname, netns) -> {rc, step, ifindex?}
static Napi::Value interfaceIndex(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string name = text(info[0], "ifname");
  std::string path = netnsPath(info[1]);
  unsigned int index = 0;
  int code = 0;
  {
    NetnsGuard guard(path);
    if (guard.error() != 0) return answer(env, guard.error(), "netns");
    index = if_nametoindex(name.c_str());
    if (index == 0) code = -errno;
  }
  Napi::Object result = answer(env, code, "interface");
  result.Set("ifindex", Napi::Number::New(env, index));
  return result;
}

void registerNetns(Napi::Object exports) { method<interfaceIndex>(exports, "interfaceIndex"); }

}  // namespace lbt
