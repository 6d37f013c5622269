// RecordFiles: what a run leaves in files, beside its report: a row for each interval (--rows), and the distribution of
// its response times (--hgrm).
#ifndef POLYSERVE_CLIENT_LOAD_RECORD_FILES_H_
#define POLYSERVE_CLIENT_LOAD_RECORD_FILES_H_

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/load/plan.h"
#include "client/load/tally.h"

namespace polyserve {

// The files are made before the run, so that one that cannot be made costs nobody a measurement, and empty those of an
// earlier one. Not thread-safe.
class RecordFiles {
 public:
  // Makes the files, empty. `rows` ends in .csv or .ndjson, which decides the format; "": none. InvalidArgument: it
  // does not, or a file cannot be made.
  static absl::StatusOr<RecordFiles> Open(const std::string& rows, const std::string& hgrm);

  bool has_rows() const { return !rows_path_.empty(); }

  // Fills the files, and closes them. REQUIRES: the plan keeps rows if has_rows(). Call once. InvalidArgument: the file
  // system takes no more.
  absl::Status Write(const LoadPlan& plan, const LoadTally& tally);

 private:
  std::string rows_path_, hgrm_path_;  // "": no file.
  std::ofstream rows_, hgrm_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_RECORD_FILES_H_
