// XDP links and what is attached to an interface.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>

#include "fd.h"
#include "netns.h"
#include "registers.h"

namespace lbt {

// xdpLinkCreate(program, ifname, netns, flags) -> {rc, step, ifindex?, link?}
static Napi::Value xdpLinkCreate(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  FdBox& program = fdBox(info[0], Kind::Program, "program");
  std::string name = text(info[1], "ifname");
  std::string path = netnsPath(info[2]);
  struct bpf_link_create_opts options = {};
  options.sz = sizeof(options);
  options.flags = u32(info[3], "flags");
  if (program.fd < 0) return answer(env, -EBADF, "attach");

  unsigned int index = 0;
  int fd = 0;
  {
    NetnsGuard guard(path);
    if (guard.error() != 0) return answer(env, guard.error(), "netns");
    index = if_nametoindex(name.c_str());
    if (index == 0) return answer(env, -errno, "interface");
    fd = errnoOf(bpf_link_create(program.fd, static_cast<int>(index), BPF_XDP, &options));
  }
  Napi::Object result = answer(env, fd < 0 ? fd : 0, "attach");
  result.Set("ifindex", Napi::Number::New(env, index));
  if (fd >= 0) result.Set("link", adoptFd(env, fd, Kind::Link));
  return result;
}

// linkUpdate(link, program, expected | null) -> rc: replaces the program in one step
static Napi::Value linkUpdate(const Napi::CallbackInfo& info) {
  FdBox& link = fdBox(info[0], Kind::Link, "link");
  FdBox& program = fdBox(info[1], Kind::Program, "program");
  struct bpf_link_update_opts options = {};
  options.sz = sizeof(options);
  if (!info[2].IsNull()) {
    FdBox& expected = fdBox(info[2], Kind::Program, "expected");
    if (expected.fd < 0) return rc(info.Env(), -EBADF);
    options.flags = BPF_F_REPLACE;
    options.old_prog_fd = static_cast<uint32_t>(expected.fd);
  }
  if (link.fd < 0 || program.fd < 0) return rc(info.Env(), -EBADF);
  return rc(info.Env(), errnoOf(bpf_link_update(link.fd, program.fd, &options)));
}

// linkDetach(link) -> rc
static Napi::Value linkDetach(const Napi::CallbackInfo& info) {
  FdBox& link = fdBox(info[0], Kind::Link, "link");
  if (link.fd < 0) return rc(info.Env(), -EBADF);
  return rc(info.Env(), errnoOf(bpf_link_detach(link.fd)));
}

// linkInfo(link) -> {id, type, programId, ifindex} | rc; ifindex is 0 for other types and for a detached link
static Napi::Value linkInfo(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  FdBox& link = fdBox(info[0], Kind::Link, "link");
  if (link.fd < 0) return rc(env, -EBADF);
  struct bpf_link_info kernel = {};
  uint32_t length = sizeof(kernel);
  int result = errnoOf(bpf_obj_get_info_by_fd(link.fd, &kernel, &length));
  if (result < 0) return rc(env, result);
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", Napi::Number::New(env, kernel.id));
  object.Set("type", Napi::Number::New(env, kernel.type));
  object.Set("programId", Napi::Number::New(env, kernel.prog_id));
  object.Set("ifindex", Napi::Number::New(env, kernel.type == BPF_LINK_TYPE_XDP ? kernel.xdp.ifindex : 0));
  return object;
}

// xdpQuery(ifname, netns) -> {rc, step, ifindex?, attachMode?, native?, generic?, offload?}
static Napi::Value xdpQuery(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string name = text(info[0], "ifname");
  std::string path = netnsPath(info[1]);
  struct bpf_xdp_query_opts query = {};
  query.sz = sizeof(query);
  unsigned int index = 0;
  int code = 0;
  {
    NetnsGuard guard(path);
    if (guard.error() != 0) return answer(env, guard.error(), "netns");
    index = if_nametoindex(name.c_str());
    if (index == 0) return answer(env, -errno, "interface");
    code = errnoOf(bpf_xdp_query(static_cast<int>(index), 0, &query));
  }
  Napi::Object result = answer(env, code, "query");
  result.Set("ifindex", Napi::Number::New(env, index));
  result.Set("attachMode", Napi::Number::New(env, query.attach_mode));
  // With a single program the kernel reports it in prog_id; with several only in the id of each mode.
  result.Set("programId", Napi::Number::New(env, query.prog_id));
  result.Set("native", Napi::Number::New(env, query.drv_prog_id));
  result.Set("generic", Napi::Number::New(env, query.skb_prog_id));
  result.Set("offload", Napi::Number::New(env, query.hw_prog_id));
  return result;
}

void registerLink(Napi::Object exports) {
  method<xdpLinkCreate>(exports, "xdpLinkCreate");
  method<linkUpdate>(exports, "linkUpdate");
  method<linkDetach>(exports, "linkDetach");
  method<linkInfo>(exports, "linkInfo");
  method<xdpQuery>(exports, "xdpQuery");
}

}  // namespace lbt
