// libbpf's own log is kept per thread until the caller takes it: nothing is ever printed.
#pragma once

#include "handle.h"

namespace lbt {

void installLog();
void registerLog(Napi::Object exports);

}  // namespace lbt
