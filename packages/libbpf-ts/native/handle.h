// Handles and arguments: everything that crosses from JavaScript is checked here, so that no wrong value reaches libbpf.
#pragma once

#include <napi.h>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>

namespace lbt {

/** A view of the bytes of a Uint8Array (or Buffer); valid for the duration of the call. */
struct Bytes {
  uint8_t* data = nullptr;
  size_t size = 0;
};

[[noreturn]] inline void badArgument(Napi::Env env, const std::string& message) {
  Napi::TypeError error = Napi::TypeError::New(env, message);
  error.Set("code", "ERR_LIBBPF_ARGUMENT");
  throw error;
}

inline Napi::Value rc(Napi::Env env, int code) { return Napi::Number::New(env, code); }

/** libbpf 1.x answers -errno; a few calls answer -1 and set errno. */
inline int errnoOf(int result) { return result == -1 && errno != 0 ? -errno : result; }

inline double integer(const Napi::Value& value, const char* name, double low, double high) {
  if (!value.IsNumber()) badArgument(value.Env(), std::string(name) + " must be a number");
  double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= low && number <= high) || std::floor(number) != number)
    badArgument(value.Env(), std::string(name) + " is out of range");
  return number;
}

inline uint32_t u32(const Napi::Value& value, const char* name) {
  return static_cast<uint32_t>(integer(value, name, 0, 4294967295.0));
}

inline bool flag(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) badArgument(value.Env(), std::string(name) + " must be a boolean");
  return value.As<Napi::Boolean>().Value();
}

inline uint64_t u64(const Napi::Value& value, const char* name) {
  if (value.IsNumber()) return static_cast<uint64_t>(integer(value, name, 0, 9007199254740991.0));
  if (!value.IsBigInt()) badArgument(value.Env(), std::string(name) + " must be a number or a bigint");
  bool lossless = false;
  uint64_t number = value.As<Napi::BigInt>().Uint64Value(&lossless);
  if (!lossless) badArgument(value.Env(), std::string(name) + " does not fit 64 unsigned bits");
  return number;
}

/** A string without NUL characters (C would see only its first part). */
inline std::string text(const Napi::Value& value, const char* name) {
  if (!value.IsString()) badArgument(value.Env(), std::string(name) + " must be a string");
  std::string result = value.As<Napi::String>().Utf8Value();
  if (result.find('\0') != std::string::npos) badArgument(value.Env(), std::string(name) + " contains a NUL character");
  return result;
}

inline Bytes bytes(const Napi::Value& value, const char* name) {
  Bytes result;
  napi_typedarray_type type;
  void* data = nullptr;
  if (!value.IsTypedArray() ||
      napi_get_typedarray_info(value.Env(), value, &type, &result.size, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array)
    badArgument(value.Env(), std::string(name) + " must be a Uint8Array");
  result.data = static_cast<uint8_t*>(data);
  return result;
}

inline Bytes exactBytes(const Napi::Value& value, const char* name, size_t size) {
  Bytes result = bytes(value, name);
  if (result.size != size)
    badArgument(value.Env(), std::string(name) + " has " + std::to_string(result.size) + " bytes, must have " +
                                 std::to_string(size));
  return result;
}

inline Bytes optionalBytes(const Napi::Value& value, const char* name) {
  if (value.IsNull() || value.IsUndefined()) return Bytes{};
  return bytes(value, name);
}

/** A Uint32Array with at least `count` elements, for out parameters. */
inline uint32_t* u32Out(const Napi::Value& value, const char* name, size_t count) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (!value.IsTypedArray() ||
      napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint32_array || length < count)
    badArgument(value.Env(), std::string(name) + " must be a Uint32Array of " + std::to_string(count));
  return static_cast<uint32_t*>(data);
}

/** A BigUint64Array with at least `count` elements, for in-out parameters. */
inline uint64_t* u64Out(const Napi::Value& value, const char* name, size_t count) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (!value.IsTypedArray() ||
      napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_biguint64_array || length < count)
    badArgument(value.Env(), std::string(name) + " must be a BigUint64Array of " + std::to_string(count));
  return static_cast<uint64_t*>(data);
}

/**
 * Puts a C++ object behind an opaque JavaScript object, freed by its finalizer. The type tag makes it impossible to
 * pass one kind of handle for another.
 */
template <typename T>
Napi::Object wrap(Napi::Env env, std::unique_ptr<T> native) {
  Napi::Object object = Napi::Object::New(env);
  object.TypeTag(&T::tag);
  T* raw = native.get();
  napi_status status = napi_wrap(
      env, object, raw, [](napi_env, void* data, void*) { delete static_cast<T*>(data); }, nullptr, nullptr);
  if (status != napi_ok) badArgument(env, "the handle could not be made");
  native.release();
  return object;
}

template <typename T>
T& unwrap(const Napi::Value& value, const char* name) {
  void* raw = nullptr;
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&T::tag) ||
      napi_unwrap(value.Env(), value, &raw) != napi_ok || raw == nullptr)
    badArgument(value.Env(), std::string(name) + " is not a " + T::title + " handle");
  return *static_cast<T*>(raw);
}

template <Napi::Value (*F)(const Napi::CallbackInfo&)>
void method(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<F>(exports.Env(), name));
}

}  // namespace lbt
