// Waiting for a ring buffer on the event loop of the thread that asked, without a thread of its own.
#pragma once

namespace lbt {

struct Poller;

/** Stops it now; its memory is freed when libuv has closed the handle. A second call does nothing. */
void closePoller(Poller* poller);

}  // namespace lbt
