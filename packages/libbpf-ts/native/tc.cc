// Classic tc (clsact) attachments through libbpf's netlink code.
#include <bpf/libbpf.h>
#include <net/if.h>

#include "fd.h"
#include "netns.h"
#include "registers.h"

namespace lbt {

static struct bpf_tc_hook hookOf(unsigned int ifindex, bool ingress) {
  struct bpf_tc_hook hook = {};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(ifindex);
  hook.attach_point = ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  return hook;
}

static struct bpf_tc_opts filterOf(uint32_t handle, uint32_t priority) {
  struct bpf_tc_opts options = {};
  options.sz = sizeof(options);
  options.handle = handle;
  options.priority = priority;
  return options;
}

// tcAttach(program, ifname, netns, ingress, handle, priority, replace)
//   -> {rc, step, ifindex?, handle?, priority?, programId?, hookCreated?, netnsInode?}; handle and priority 0: the kernel chooses
static Napi::Value tcAttach(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  FdBox& program = fdBox(info[0], Kind::Program, "program");
  std::string name = text(info[1], "ifname");
  std::string path = netnsPath(info[2]);
  bool ingress = flag(info[3], "ingress");
  struct bpf_tc_opts options = filterOf(u32(info[4], "handle"), u32(info[5], "priority"));
  if (flag(info[6], "replace")) options.flags = BPF_TC_F_REPLACE;
  if (program.fd < 0) return answer(env, -EBADF, "attach");
  options.prog_fd = program.fd;

  unsigned int index = 0;
  int code = 0;
  bool created = false;
  uint64_t inode = 0;
  {
    NetnsGuard guard(path);
    if (guard.error() != 0) return answer(env, guard.error(), "netns");
    inode = guard.inode();
    index = if_nametoindex(name.c_str());
    if (index == 0) return answer(env, -errno, "interface");
    struct bpf_tc_hook hook = hookOf(index, ingress);
    code = bpf_tc_hook_create(&hook);
    if (code != 0 && code != -EEXIST) return answer(env, code, "hook");
    created = code == 0;
    code = errnoOf(bpf_tc_attach(&hook, &options));
    if (code != 0 && created) {  // a failed call leaves nothing behind
      hook.attach_point = static_cast<enum bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
      bpf_tc_hook_destroy(&hook);
    }
  }
  Napi::Object result = answer(env, code, "attach");
  result.Set("ifindex", Napi::Number::New(env, index));
  result.Set("handle", Napi::Number::New(env, options.handle));
  result.Set("priority", Napi::Number::New(env, options.priority));
  result.Set("programId", Napi::Number::New(env, options.prog_id));
  result.Set("hookCreated", Napi::Boolean::New(env, created));
  result.Set("netnsInode", Napi::BigInt::New(env, inode));
  return result;
}

// tcDetach(ifindex, netns, netnsInode, ingress, handle, priority, programId, destroyHook) -> {rc, step}
// Detaches only if the filter still runs this program; -ESTALE when the namespace or the program is another one by now.
static Napi::Value tcDetach(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint32_t index = u32(info[0], "ifindex");
  std::string path = netnsPath(info[1]);
  uint64_t inode = u64(info[2], "netnsInode");
  bool ingress = flag(info[3], "ingress");
  uint32_t handle = u32(info[4], "handle");
  uint32_t priority = u32(info[5], "priority");
  uint32_t programId = u32(info[6], "programId");
  bool destroyHook = flag(info[7], "destroyHook");

  NetnsGuard guard(path);
  if (guard.error() != 0) return answer(env, guard.error(), "netns");
  if (guard.inode() != inode) return answer(env, -ESTALE, "netns");
  struct bpf_tc_hook hook = hookOf(index, ingress);
  struct bpf_tc_opts query = filterOf(handle, priority);
  int code = errnoOf(bpf_tc_query(&hook, &query));
  if (code != 0) return answer(env, code, "query");
  if (query.prog_id != programId) return answer(env, -ESTALE, "query");
  struct bpf_tc_opts options = filterOf(handle, priority);
  code = errnoOf(bpf_tc_detach(&hook, &options));
  if (code != 0) return answer(env, code, "detach");
  if (destroyHook) {
    hook.attach_point = static_cast<enum bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
    code = errnoOf(bpf_tc_hook_destroy(&hook));
  }
  return answer(env, code, "hook");
}

// tcQuery(ifname, netns, ingress, handle, priority) -> {rc, step, programId?}
static Napi::Value tcQuery(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string name = text(info[0], "ifname");
  std::string path = netnsPath(info[1]);
  bool ingress = flag(info[2], "ingress");
  struct bpf_tc_opts query = filterOf(u32(info[3], "handle"), u32(info[4], "priority"));
  int code = 0;
  {
    NetnsGuard guard(path);
    if (guard.error() != 0) return answer(env, guard.error(), "netns");
    unsigned int index = if_nametoindex(name.c_str());
    if (index == 0) return answer(env, -errno, "interface");
    struct bpf_tc_hook hook = hookOf(index, ingress);
    code = errnoOf(bpf_tc_query(&hook, &query));
  }
  Napi::Object result = answer(env, code, "query");
  result.Set("programId", Napi::Number::New(env, query.prog_id));
  return result;
}

void registerTc(Napi::Object exports) {
  method<tcAttach>(exports, "tcAttach");
  method<tcDetach>(exports, "tcDetach");
  method<tcQuery>(exports, "tcQuery");
}

}  // namespace lbt
