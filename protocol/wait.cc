#include "protocol/wait.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace polyserve {

void WaitSession::Answer(uint64_t milliseconds, Output& output) {
  output.WorkAfter(absl::Milliseconds(milliseconds),
                   [milliseconds](Output& result) { result.Write(absl::StrCat("OK ", milliseconds, "\n")); });
}

}  // namespace polyserve
