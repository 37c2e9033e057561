// Waiting for an RCU grace period, off the event loop: membarrier(2) with MEMBARRIER_CMD_GLOBAL is synchronize_rcu().
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "handle.h"
#include "registers.h"

namespace lbt {

namespace {

struct GracePeriod {
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;
  int code = 0;
};

void wait(napi_env, void* data) {
  if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0) static_cast<GracePeriod*>(data)->code = -errno;
}

// Plain Node-API, and no status is taken for fatal: it also runs while a worker is terminated, where nothing can be resolved.
void finish(napi_env env, napi_status, void* data) {
  std::unique_ptr<GracePeriod> period(static_cast<GracePeriod*>(data));
  napi_value code;
  if (napi_create_int32(env, period->code, &code) == napi_ok) napi_resolve_deferred(env, period->deferred, code);
  napi_delete_async_work(env, period->work);
}

}  // namespace

// rcuGracePeriod() -> Promise<rc>
static Napi::Value rcuGracePeriod(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto period = std::make_unique<GracePeriod>();
  napi_value promise;
  Napi::String name = Napi::String::New(env, "libbpf-ts:rcuGracePeriod");
  if (napi_create_promise(env, &period->deferred, &promise) != napi_ok ||
      napi_create_async_work(env, nullptr, name, wait, finish, period.get(), &period->work) != napi_ok ||
      napi_queue_async_work(env, period->work) != napi_ok)
    badArgument(env, "the wait could not be queued");
  period.release();  // finish() deletes it
  return Napi::Value(env, promise);
}

void registerRcu(Napi::Object exports) { method<rcuGracePeriod>(exports, "rcuGracePeriod"); }

}  // namespace lbt
