// What a server may say to the client: a reply with any number of figures, or a line of a listing.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "client/reply.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view line(reinterpret_cast<const char*>(data), size);
  for (size_t count = 0; count < 4; ++count) {
    const absl::StatusOr<std::vector<int64_t>> reply = polyserve::ParseReply(line, count);
    if (reply.ok()) CHECK(reply->size() == count && (count == 0 || reply->front() >= 0));
    if (reply.ok()) continue;
    const std::optional<int> code = polyserve::RefusalCode(reply.status());
    CHECK(!code.has_value() || (*code >= 400 && *code <= 599));
  }
  const absl::StatusOr<polyserve::FileInfo> file = polyserve::ParseListLine(line);
  if (file.ok()) CHECK(!file->name.empty() && file->size >= 0);
  return 0;
}
