#include "client/load/schedule.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/printable.h"
#include "client/load/ask_once.h"

namespace polyserve {

namespace {

constexpr double kSecond = 1e9;
// A longer schedule would take a year.
constexpr double kMostSeconds = 366 * 86400.0;

struct Row {
  absl::string_view time, method, path, bytes, client;
};

// The path may contain commas: two fields are counted from the front, two from the back. Quoting, as other tables with
// commas have it, would need a rule for quotes in paths.
std::optional<Row> Split(absl::string_view line) {
  const size_t first = line.find(','), last = line.rfind(',');
  if (first == absl::string_view::npos || last == first) return std::nullopt;
  const size_t second = line.find(',', first + 1), third = line.rfind(',', last - 1);
  if (second == last || third <= second) return std::nullopt;
  return Row{line.substr(0, first), line.substr(first + 1, second - first - 1),
             line.substr(second + 1, third - second - 1), line.substr(third + 1, last - third - 1),
             line.substr(last + 1)};
}

class Reader {
 public:
  explicit Reader(const Endpoint& server) : server_(server) {}

  absl::Status Add(absl::string_view line) {
    const std::optional<Row> row = Split(line);
    if (!row.has_value()) return absl::InvalidArgumentError("it is not time,method,path,bytes,client");
    double seconds = 0;
    // Written so that NaN fails, too: every comparison with it is false.
    if (!absl::SimpleAtod(row->time, &seconds) || !(seconds >= 0 && seconds <= kMostSeconds)) {
      return absl::InvalidArgumentError(absl::StrCat("'", row->time, "' is not a time in seconds"));
    }
    const int64_t due = std::llround(seconds * kSecond);
    // Refused rather than sorted: a log that is out of order often was merged from two clocks, and sorting would hide
    // that.
    if (!schedule_.requests.empty() && due < schedule_.requests.back().due) {
      return absl::InvalidArgumentError("it is earlier than the line before it");
    }
    const absl::StatusOr<uint32_t> target = TargetOf(*row);
    if (!target.ok()) return target.status();
    schedule_.requests.push_back({due, ClientOf(row->client), *target, row->client.empty()});
    return absl::OkStatus();
  }

  absl::StatusOr<Schedule> Finish() {
    if (schedule_.requests.empty()) return absl::InvalidArgumentError("there is no request in it");
    const int64_t last = schedule_.requests.back().due;
    const auto intervals = static_cast<int64_t>(std::max<size_t>(schedule_.requests.size() - 1, 1));
    // A mean interval lies between the last request and the first one of the next pass, so that the rate stays the same
    // where the schedule begins again. If all requests are due at once there is no interval: a pass is a second then.
    // At least a nanosecond, since `length` must be above every `due`.
    schedule_.length = last == 0 ? static_cast<int64_t>(kSecond) : last + std::max<int64_t>(last / intervals, 1);
    return std::move(schedule_);
  }

 private:
  absl::StatusOr<uint32_t> TargetOf(const Row& row) {
    // Other methods have contents, which a log does not hold, or change the server's files for those who come after
    // them.
    if (row.method != "GET" && row.method != "HEAD") {
      return absl::InvalidArgumentError(absl::StrCat("the method '", row.method,
                                                     "' cannot be replayed, only GET and "
                                                     "HEAD"));
    }
    // A blank or a line end in it would make another request, or two.
    if (!absl::StartsWith(row.path, "/") || !absl::c_all_of(row.path, absl::ascii_isgraph)) {
      return absl::InvalidArgumentError("the path must begin with a slash, and contain visible ASCII characters only");
    }
    uint64_t bytes = 0;
    if (!absl::SimpleAtoi(row.bytes, &bytes)) {
      return absl::InvalidArgumentError(absl::StrCat("'", row.bytes, "' is not a number of bytes"));
    }
    // Each different request is stored once, whatever the number of rows: a log of millions has some thousands of them.
    // The length is part of the key, since a file may have changed while the log was written.
    const auto [entry, is_new] = targets_.try_emplace(absl::StrCat(row.method, " ", row.path, " ", bytes),
                                                      static_cast<uint32_t>(schedule_.targets.size()));
    if (is_new) {
      schedule_.targets.push_back(
          {HttpRequestHead(row.method, row.path, server_) + "\r\n", row.method == "HEAD", bytes, std::nullopt});
    }
    return entry->second;
  }

  uint32_t ClientOf(absl::string_view name) {
    // A client that makes this one request.
    if (name.empty()) return schedule_.clients++;
    const auto [entry, is_new] = clients_.try_emplace(std::string(name), schedule_.clients);
    if (is_new) ++schedule_.clients;
    return entry->second;
  }

  const Endpoint server_;
  Schedule schedule_;
  absl::flat_hash_map<std::string, uint32_t> targets_;  // By method, path and length.
  absl::flat_hash_map<std::string, uint32_t> clients_;  // By their names.
};

}  // namespace

absl::StatusOr<Schedule> ParseSchedule(std::istream& table, const Endpoint& server) {
  Reader reader(server);
  std::string line;
  for (int number = 1; std::getline(table, line); ++number) {
    // With the "\r" of tables that were written on Windows.
    const absl::string_view row = absl::StripTrailingAsciiWhitespace(line);
    if (row.empty() || (number == 1 && row == "time,method,path,bytes,client")) continue;
    if (absl::Status status = reader.Add(row); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("line ", number, ": ", Printable(status.message())));
    }
  }
  return reader.Finish();
}

absl::StatusOr<Schedule> ReadSchedule(const std::string& path, const Endpoint& server) {
  std::ifstream file(path);
  if (!file.is_open()) return absl::NotFoundError(absl::StrCat(path, " cannot be opened"));
  absl::StatusOr<Schedule> schedule = ParseSchedule(file, server);
  if (!schedule.ok()) return absl::InvalidArgumentError(absl::StrCat(path, ": ", schedule.status().message()));
  return schedule;
}

}  // namespace polyserve
