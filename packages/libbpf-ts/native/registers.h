// Each file puts its functions on the addon's exports.
#pragma once

#include <napi.h>

namespace lbt {

void registerMap(Napi::Object exports);
void registerProgram(Napi::Object exports);
void registerObject(Napi::Object exports);
void registerLink(Napi::Object exports);
void registerTc(Napi::Object exports);
void registerRcu(Napi::Object exports);
void registerRing(Napi::Object exports);
void registerPoller(Napi::Object exports);
void registerSystem(Napi::Object exports);

}  // namespace lbt
