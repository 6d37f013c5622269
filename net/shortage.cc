#include "net/shortage.h"

#include <poll.h>

namespace polyserve {

void PauseForShortage() { ::poll(nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(kShortagePause))); }

}  // namespace polyserve
