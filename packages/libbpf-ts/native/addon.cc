// The addon: thin, synchronous calls into libbpf. Kernel errors are answered as negative errno numbers, wrong arguments are
// thrown as TypeErrors with code ERR_LIBBPF_ARGUMENT. All policy and all texts are in TypeScript.
#include "fd.h"
#include "log.h"
#include "netns.h"
#include "registers.h"

static Napi::Object init(Napi::Env, Napi::Object exports) {
  lbt::installLog();
  lbt::registerLog(exports);
  lbt::registerFd(exports);
  lbt::registerNetns(exports);
  lbt::registerMap(exports);
  lbt::registerProgram(exports);
  lbt::registerObject(exports);
  lbt::registerLink(exports);
  lbt::registerTc(exports);
  lbt::registerRcu(exports);
  lbt::registerRing(exports);
  lbt::registerPoller(exports);
  lbt::registerSystem(exports);
  return exports;
}

NODE_API_MODULE(NODE_GYP_MODULE_NAME, init)
