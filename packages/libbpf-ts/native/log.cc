#include "log.h"

#include <bpf/libbpf.h>

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <utility>
#include <vector>

namespace lbt {

namespace {

// A verifier log has 16 MiB at most per program; beyond this many bytes lines are dropped until the log is taken.
constexpr size_t kLogLimit = 64u << 20;

thread_local std::vector<std::pair<int, std::string>> lines;
thread_local size_t linesSize = 0;
std::atomic<int> maximumLevel{LIBBPF_INFO};

int capture(enum libbpf_print_level level, const char* format, va_list arguments) {
  if (level > maximumLevel.load(std::memory_order_relaxed) || linesSize > kLogLimit) return 0;
  va_list copy;
  va_copy(copy, arguments);
  int length = std::vsnprintf(nullptr, 0, format, copy);
  va_end(copy);
  if (length <= 0) return 0;
  try {
    std::string line(static_cast<size_t>(length) + 1, '\0');
    std::vsnprintf(&line[0], line.size(), format, arguments);
    line.resize(static_cast<size_t>(length));
    linesSize += line.size();
    lines.emplace_back(static_cast<int>(level), std::move(line));
  } catch (const std::bad_alloc&) {
    return 0;  // a C++ exception must not pass through libbpf
  }
  return length;
}

}  // namespace

void installLog() { libbpf_set_print(capture); }

// takeLog() -> [level, text, level, text, ...] since the last call on this thread
static Napi::Value takeLog(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Array result = Napi::Array::New(env, lines.size() * 2);
  uint32_t at = 0;
  for (const auto& [level, line] : lines) {
    result.Set(at++, Napi::Number::New(env, level));
    result.Set(at++, Napi::String::New(env, line));
  }
  lines.clear();
  linesSize = 0;
  return result;
}

// setLogLevel(level): 0 warn, 1 info, 2 debug; for the whole process
static Napi::Value setLogLevel(const Napi::CallbackInfo& info) {
  maximumLevel.store(static_cast<int>(integer(info[0], "level", 0, 2)), std::memory_order_relaxed);
  return info.Env().Undefined();
}

void registerLog(Napi::Object exports) {
  method<takeLog>(exports, "takeLog");
  method<setLogLevel>(exports, "setLogLevel");
}

}  // namespace lbt
