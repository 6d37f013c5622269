// JsonFields: the fields of an object of JSON that comes from another program, and may be anything. The first field
// that is not as it must be fails the whole object, so that the caller asks once, at the end:
//
//   JsonFields fields(json, "tally");
//   tally.replies = fields.Count("replies");
//   tally.seconds = fields.Number("seconds");
//   return fields.status();   // InvalidArgument: "tally: replies is no number from 0 to 4503599627370496"
#ifndef POLYSERVE_CLIENT_LOAD_JSON_FIELDS_H_
#define POLYSERVE_CLIENT_LOAD_JSON_FIELDS_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// Every method but status() returns a harmless value (0, "", an empty list) from the first fault on. Fields that nobody
// asks for are ignored. Not thread-safe.
class JsonFields {
 public:
  // So that thousands of them can be added up.
  static constexpr uint64_t kMostCount = uint64_t{1} << 52;

  // `json` must outlive this object; anything but an object fails at once. `what` is for the
  // text of an error.
  JsonFields(const nlohmann::json& json, absl::string_view what);

  // A whole number.
  uint64_t Count(const char* name, uint64_t most = kMostCount);
  // Finite, and not below 0.
  double Number(const char* name);
  bool Bool(const char* name);
  std::string Text(const char* name);
  std::vector<uint64_t> Counts(const char* name, size_t most);
  // A list of at most so many elements, or an object, of what may be anything. Valid as long as the JSON.
  const nlohmann::json& List(const char* name, size_t most);
  const nlohmann::json& Object(const char* name);
  // Whether there is a field of that name, and it is not null.
  bool Has(const char* name) const;

  // For a fault that the caller has found.
  void Fail(absl::string_view fault);
  absl::Status status() const { return status_; }

 private:
  // The field; null if there is none.
  const nlohmann::json& Find(const char* name) const;

  const nlohmann::json& json_;
  const std::string what_;
  absl::Status status_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_JSON_FIELDS_H_
