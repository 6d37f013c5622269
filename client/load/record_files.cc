#include "client/load/record_files.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/load/hgrm.h"
#include "client/load/rows.h"

namespace polyserve {

namespace {

absl::Status CannotWrite(absl::string_view path) {
  return absl::InvalidArgumentError(absl::StrCat(path, " cannot be written"));
}

absl::Status Make(const std::string& path, std::ofstream& file) {
  if (path.empty()) return absl::OkStatus();
  file.open(path, std::ios::binary | std::ios::trunc);
  return file.is_open() ? absl::OkStatus() : CannotWrite(path);
}

// Closed here, because what is left in the buffer may be what does not fit.
absl::Status Fill(const std::string& path, const std::string& text, std::ofstream& file) {
  file << text;
  file.close();
  return file.good() ? absl::OkStatus() : CannotWrite(path);
}

}  // namespace

absl::StatusOr<RecordFiles> RecordFiles::Open(const std::string& rows, const std::string& hgrm) {
  if (!rows.empty() && !absl::EndsWith(rows, ".csv") && !absl::EndsWith(rows, ".ndjson")) {
    return absl::InvalidArgumentError(absl::StrCat("--rows=", rows, " does not end in .csv or .ndjson"));
  }
  RecordFiles files;
  files.rows_path_ = rows;
  files.hgrm_path_ = hgrm;
  absl::Status status = Make(rows, files.rows_);
  status.Update(Make(hgrm, files.hgrm_));
  if (!status.ok()) return status;
  return files;
}

absl::Status RecordFiles::Write(const LoadPlan& plan, const LoadTally& tally) {
  absl::Status status;
  if (has_rows()) {
    const std::vector<LoadRow> rows = RowsOf(plan, tally);
    status = Fill(rows_path_, absl::EndsWith(rows_path_, ".csv") ? RowsAsCsv(rows) : RowsAsNdjson(rows), rows_);
  }
  if (!hgrm_path_.empty()) status.Update(Fill(hgrm_path_, AsHgrm(tally.response), hgrm_));
  return status;
}

}  // namespace polyserve
