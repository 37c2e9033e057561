#include "poller.h"

#include <uv.h>

#include "handle.h"
#include "registers.h"
#include "ring.h"

namespace lbt {

struct Poller {
  uv_poll_t handle;
  napi_env env;
  RingBox* ring;
  Napi::FunctionReference callback;
  Napi::ObjectReference ringObject;  // keeps the ring alive while we listen
  std::unique_ptr<Napi::AsyncContext> context;
  napi_async_cleanup_hook_handle hook = nullptr;
  bool closing = false;
};

static void onClosed(uv_handle_t* handle) {
  Poller* poller = static_cast<Poller*>(handle->data);
  napi_async_cleanup_hook_handle hook = poller->hook;
  {
    Napi::HandleScope scope(poller->env);
    delete poller;  // with its async context: not earlier, because close() may be called inside the callback
  }
  napi_remove_async_cleanup_hook(hook);
}

void closePoller(Poller* poller) {
  if (poller->closing) return;
  poller->closing = true;
  if (poller->ring != nullptr) poller->ring->poller = nullptr;
  poller->ring = nullptr;
  uv_poll_stop(&poller->handle);
  poller->callback.Reset();
  poller->ringObject.Reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&poller->handle), onClosed);
}

// The environment (main thread or worker) ends while we listen: it waits until onClosed removed the hook.
static void onEnvironmentEnd(napi_async_cleanup_hook_handle, void* data) { closePoller(static_cast<Poller*>(data)); }

// Plain Node-API, and no status is taken for fatal: the callback also runs, or cannot run, while a worker is terminated.
static void onReadable(uv_poll_t* handle, int status, int) {
  Poller* poller = static_cast<Poller*>(handle->data);
  if (poller->closing) return;
  napi_env env = poller->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value receiver, callback, argument;
  if (napi_get_global(env, &receiver) == napi_ok &&
      napi_get_reference_value(env, poller->callback, &callback) == napi_ok && callback != nullptr &&
      napi_create_int32(env, status, &argument) == napi_ok &&
      napi_make_callback(env, *poller->context, receiver, callback, 1, &argument, nullptr) == napi_pending_exception) {
    napi_value error = nullptr;
    // As an exception in any other event-loop callback: to process 'uncaughtException'.
    if (napi_get_and_clear_last_exception(env, &error) == napi_ok && error != nullptr) napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

// ringListen(ring, callback(status)) -> rc
static Napi::Value ringListen(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  RingBox& ring = unwrap<RingBox>(info[0], "ring");
  if (!info[1].IsFunction()) badArgument(env, "callback must be a function");
  if (ring.fd < 0) return rc(env, -EBADF);
  if (ring.poller != nullptr) return rc(env, -EEXIST);
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return rc(env, -ENOSYS);

  auto poller = std::make_unique<Poller>();
  poller->env = env;
  poller->ring = &ring;
  int code = uv_poll_init(loop, &poller->handle, ring.fd);
  if (code != 0) return rc(env, code);
  poller->handle.data = poller.get();
  Poller* raw = poller.release();  // from here on libuv owns it, until onClosed
  if (napi_add_async_cleanup_hook(env, onEnvironmentEnd, raw, &raw->hook) != napi_ok) {
    uv_close(reinterpret_cast<uv_handle_t*>(&raw->handle), [](uv_handle_t* h) { delete static_cast<Poller*>(h->data); });
    return rc(env, -ENOMEM);
  }
  raw->callback = Napi::Persistent(info[1].As<Napi::Function>());
  raw->ringObject = Napi::Persistent(info[0].As<Napi::Object>());
  raw->context = std::make_unique<Napi::AsyncContext>(env, "libbpf-ts:RingBuffer");
  ring.poller = raw;
  code = uv_poll_start(&raw->handle, UV_READABLE, onReadable);
  if (code != 0) closePoller(raw);
  return rc(env, code);
}

// ringUnlisten(ring): stops the listener, if any
static Napi::Value ringUnlisten(const Napi::CallbackInfo& info) {
  RingBox& ring = unwrap<RingBox>(info[0], "ring");
  if (ring.poller != nullptr) closePoller(ring.poller);
  return info.Env().Undefined();
}

// ringRef(ring, keep): whether the listener keeps the event loop alive
static Napi::Value ringRef(const Napi::CallbackInfo& info) {
  RingBox& ring = unwrap<RingBox>(info[0], "ring");
  bool keep = flag(info[1], "keep");
  if (ring.poller == nullptr) return rc(info.Env(), -EBADF);
  uv_handle_t* handle = reinterpret_cast<uv_handle_t*>(&ring.poller->handle);
  if (keep) uv_ref(handle);
  else uv_unref(handle);
  return rc(info.Env(), 0);
}

void registerPoller(Napi::Object exports) {
  method<ringListen>(exports, "ringListen");
  method<ringUnlisten>(exports, "ringUnlisten");
  method<ringRef>(exports, "ringRef");
}

}  // namespace lbt
