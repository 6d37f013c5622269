// RecordingFetcher: for tests of sessions whose library lacks files that another server has. It fetches nothing: the
// test answers in its place, and sees which copies were to be refreshed.
#ifndef POLYSERVE_PROTOCOL_RECORDING_FETCHER_H_
#define POLYSERVE_PROTOCOL_RECORDING_FETCHER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "protocol/file_fetch.h"

namespace polyserve {

class RecordingFetcher : public FileFetcher {
 public:
  absl::StatusOr<UniqueFd> Connect() const override { return absl::UnimplementedError("the test answers"); }
  std::unique_ptr<PolledFetch> Begin(absl::string_view) const override { return nullptr; }
  void Refresh(absl::string_view name) const override { refreshed.emplace_back(name); }

  mutable std::vector<std::string> refreshed;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_RECORDING_FETCHER_H_
