// The consumer's side of a BPF ring buffer (kernel: Documentation/bpf/ringbuf.rst), mapped by ourselves so that a batch is
// one copy into the caller's buffer.
#pragma once

#include "handle.h"

namespace lbt {

struct Poller;

struct RingBox {
  static constexpr napi_type_tag tag = {0x6c69626270662d74ULL, 0x732d72696e672d62ULL};
  static constexpr const char* title = "ring buffer";

  int fd = -1;                   // our own descriptor: the map handle may be closed
  uint8_t* consumer = nullptr;   // page with the consumer position, written by us
  uint8_t* producer = nullptr;   // page with the producer position, then the data twice in a row
  size_t page = 0;
  size_t size = 0;               // of the data, a power of two
  Poller* poller = nullptr;      // the listener, if any

  ~RingBox() { close(); }
  void close();
};

}  // namespace lbt
