// What the kernel and libbpf can do, and the bpf file system.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstring>

#include "fd.h"
#include "registers.h"

namespace lbt {

// possibleCpus() -> number | rc
static Napi::Value possibleCpus(const Napi::CallbackInfo& info) { return rc(info.Env(), libbpf_num_possible_cpus()); }

static Napi::Value libbpfVersion(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), libbpf_version_string());
}

// probeMapType(type), probeProgramType(type), probeHelper(programType, helper) -> 1 yes, 0 no, negative: cannot tell
static Napi::Value probeMapType(const Napi::CallbackInfo& info) {
  return rc(info.Env(), libbpf_probe_bpf_map_type(static_cast<enum bpf_map_type>(u32(info[0], "type")), nullptr));
}

static Napi::Value probeProgramType(const Napi::CallbackInfo& info) {
  return rc(info.Env(), libbpf_probe_bpf_prog_type(static_cast<enum bpf_prog_type>(u32(info[0], "type")), nullptr));
}

/**
 * libbpf before 1.5 takes a helper for usable unless the verifier says "unknown func"; newer kernels say "program of this type
 * cannot use helper". Asks again and reads that answer too.
 */
static bool helperRefused(enum bpf_prog_type type, uint32_t helper) {
  struct bpf_insn instructions[2] = {};
  instructions[0].code = BPF_JMP | BPF_CALL;
  instructions[0].imm = static_cast<int32_t>(helper);
  instructions[1].code = BPF_JMP | BPF_EXIT;
  char log[4096] = {};
  struct bpf_prog_load_opts options = {};
  options.sz = sizeof(options);
  options.log_buf = log;
  options.log_size = sizeof(log);
  options.log_level = 1;
  int fd = bpf_prog_load(type, nullptr, "GPL", instructions, 2, &options);
  if (fd >= 0) {
    ::close(fd);
    return false;
  }
  return std::strstr(log, "cannot use helper") != nullptr;
}

static Napi::Value probeHelper(const Napi::CallbackInfo& info) {
  enum bpf_prog_type type = static_cast<enum bpf_prog_type>(u32(info[0], "type"));
  uint32_t helper = u32(info[1], "helper");
  int result = libbpf_probe_bpf_helper(type, static_cast<enum bpf_func_id>(helper), nullptr);
  return rc(info.Env(), result == 1 && helperRefused(type, helper) ? 0 : result);
}

// helperNames() -> names by id, from the kernel header the addon was built with
static Napi::Value helperNames(const Napi::CallbackInfo& info) {
#define LBT_NAME(name, ...) #name
  static const char* const names[] = {__BPF_FUNC_MAPPER(LBT_NAME)};
#undef LBT_NAME
  Napi::Array result = Napi::Array::New(info.Env());
  uint32_t at = 0;
  for (const char* name : names) result.Set(at++, Napi::String::New(info.Env(), name));
  return result;
}

// typeNames(kind) -> names by number as libbpf spells them
static Napi::Value typeNames(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string kind = text(info[0], "kind");
  Napi::Array result = Napi::Array::New(env);
  for (uint32_t at = 0; at < 256; at++) {
    const char* name = kind == "map"       ? libbpf_bpf_map_type_str(static_cast<enum bpf_map_type>(at))
                       : kind == "program" ? libbpf_bpf_prog_type_str(static_cast<enum bpf_prog_type>(at))
                                           : libbpf_bpf_link_type_str(static_cast<enum bpf_link_type>(at));
    if (name == nullptr) break;
    result.Set(at, Napi::String::New(env, name));
  }
  return result;
}

// mountBpffs(path) -> rc
static Napi::Value mountBpffs(const Napi::CallbackInfo& info) {
  std::string path = text(info[0], "path");
  return rc(info.Env(), mount("bpf", path.c_str(), "bpf", 0, "mode=0700") < 0 ? -errno : 0);
}

// enableStats() -> handle | rc: the kernel counts run time of programs until the handle is closed
static Napi::Value enableStats(const Napi::CallbackInfo& info) {
  return adoptFd(info.Env(), bpf_enable_stats(BPF_STATS_RUN_TIME), Kind::Stats);
}

void registerSystem(Napi::Object exports) {
  method<possibleCpus>(exports, "possibleCpus");
  method<libbpfVersion>(exports, "libbpfVersion");
  method<probeMapType>(exports, "probeMapType");
  method<probeProgramType>(exports, "probeProgramType");
  method<probeHelper>(exports, "probeHelper");
  method<helperNames>(exports, "helperNames");
  method<typeNames>(exports, "typeNames");
  method<mountBpffs>(exports, "mountBpffs");
  method<enableStats>(exports, "enableStats");
}

}  // namespace lbt
