#include "net/shortage.h"

#include <poll.h>

namespace polyserve {

// poll(2) without descriptors: a sleep that a signal ends, which sleep functions of libraries take up again.
void PauseForShortage() { ::poll(nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(kShortagePause))); }

}  // namespace polyserve
