// Program information and test runs.
#include <bpf/bpf.h>

#include <algorithm>
#include <vector>

#include "fd.h"
#include "netns.h"
#include "registers.h"

namespace lbt {

// programInfo(program) -> {...} | rc
static Napi::Value programInfo(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  FdBox& program = fdBox(info[0], Kind::Program, "program");
  if (program.fd < 0) return rc(env, -EBADF);
  struct bpf_prog_info kernel = {};
  uint32_t length = sizeof(kernel);
  int result = errnoOf(bpf_obj_get_info_by_fd(program.fd, &kernel, &length));
  if (result < 0) return rc(env, result);

  std::vector<uint32_t> maps(kernel.nr_map_ids);
  if (!maps.empty()) {
    struct bpf_prog_info second = {};
    second.nr_map_ids = static_cast<uint32_t>(maps.size());
    second.map_ids = reinterpret_cast<uint64_t>(maps.data());
    length = sizeof(second);
    result = errnoOf(bpf_obj_get_info_by_fd(program.fd, &second, &length));
    if (result < 0) return rc(env, result);
    maps.resize(std::min<size_t>(maps.size(), second.nr_map_ids));
  }

  static const char digits[] = "0123456789abcdef";
  std::string tag;
  for (unsigned char byte : kernel.tag) {
    tag += digits[byte >> 4];
    tag += digits[byte & 15];
  }
  Napi::Array mapIds = Napi::Array::New(env, maps.size());
  for (uint32_t i = 0; i < maps.size(); i++) mapIds.Set(i, Napi::Number::New(env, maps[i]));

  Napi::Object object = Napi::Object::New(env);
  object.Set("id", Napi::Number::New(env, kernel.id));
  object.Set("name", Napi::String::New(env, kernel.name, strnlen(kernel.name, sizeof(kernel.name))));
  object.Set("tag", Napi::String::New(env, tag));
  object.Set("type", Napi::Number::New(env, kernel.type));
  object.Set("gplCompatible", Napi::Boolean::New(env, kernel.gpl_compatible != 0));
  object.Set("loadTimeNs", Napi::BigInt::New(env, static_cast<uint64_t>(kernel.load_time)));
  object.Set("createdByUid", Napi::Number::New(env, kernel.created_by_uid));
  object.Set("runCount", Napi::BigInt::New(env, static_cast<uint64_t>(kernel.run_cnt)));
  object.Set("runTimeNs", Napi::BigInt::New(env, static_cast<uint64_t>(kernel.run_time_ns)));
  object.Set("jitedSize", Napi::Number::New(env, kernel.jited_prog_len));
  object.Set("translatedSize", Napi::Number::New(env, kernel.xlated_prog_len));
  object.Set("verifiedInstructions", Napi::Number::New(env, kernel.verified_insns));
  object.Set("btfId", Napi::Number::New(env, kernel.btf_id));
  object.Set("mapIds", mapIds);
  return object;
}

// programTestRun(program, {data, dataOut, ctx, ctxOut: Uint8Array | null, repeat, flags, cpu, batchSize, netns})
//   -> {rc, step, retval, durationNs, dataSize, ctxSize}
static Napi::Value programTestRun(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  FdBox& program = fdBox(info[0], Kind::Program, "program");
  if (!info[1].IsObject()) badArgument(env, "options must be an object");
  Napi::Object options = info[1].As<Napi::Object>();
  if (program.fd < 0) return answer(env, -EBADF, "run");

  Bytes data = optionalBytes(options.Get("data"), "data");
  Bytes dataOut = optionalBytes(options.Get("dataOut"), "dataOut");
  Bytes ctx = optionalBytes(options.Get("ctx"), "ctx");
  Bytes ctxOut = optionalBytes(options.Get("ctxOut"), "ctxOut");
  struct bpf_test_run_opts run = {};
  run.sz = sizeof(run);
  run.data_in = data.data;
  run.data_size_in = static_cast<uint32_t>(data.size);
  run.data_out = dataOut.data;
  run.data_size_out = static_cast<uint32_t>(dataOut.size);
  run.ctx_in = ctx.data;
  run.ctx_size_in = static_cast<uint32_t>(ctx.size);
  run.ctx_out = ctxOut.data;
  run.ctx_size_out = static_cast<uint32_t>(ctxOut.size);
  run.repeat = static_cast<int>(integer(options.Get("repeat"), "repeat", 0, 2147483647));
  run.flags = u32(options.Get("flags"), "flags");
  run.cpu = u32(options.Get("cpu"), "cpu");
  run.batch_size = u32(options.Get("batchSize"), "batchSize");
  std::string netns = netnsPath(options.Get("netns"));

  int result;
  {
    NetnsGuard guard(netns);
    if (guard.error() != 0) return answer(env, guard.error(), "netns");
    result = errnoOf(bpf_prog_test_run_opts(program.fd, &run));
  }
  Napi::Object object = answer(env, result, "run");
  object.Set("retval", Napi::Number::New(env, run.retval));
  object.Set("durationNs", Napi::Number::New(env, run.duration));
  object.Set("dataSize", Napi::Number::New(env, run.data_size_out));
  object.Set("ctxSize", Napi::Number::New(env, run.ctx_size_out));
  return object;
}

void registerProgram(Napi::Object exports) {
  method<programInfo>(exports, "programInfo");
  method<programTestRun>(exports, "programTestRun");
}

}  // namespace lbt
