#include "client/load/json_fields.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

const nlohmann::json& Nothing() {
  static const auto* const nothing = new nlohmann::json();
  return *nothing;
}

// What was parsed is unsigned unless it is below 0; what a program has made of an int is not.
bool IsCount(const nlohmann::json& json, uint64_t most) {
  if (!json.is_number_unsigned() && !(json.is_number_integer() && json.get<int64_t>() >= 0)) return false;
  return json.get<uint64_t>() <= most;
}

}  // namespace

JsonFields::JsonFields(const nlohmann::json& json, absl::string_view what) : json_(json), what_(what) {
  if (!json.is_object()) Fail("it is no object");
}

const nlohmann::json& JsonFields::Find(const char* name) const {
  // After a fault nothing is read any more; and of what is no object, nothing can be.
  if (!status_.ok()) return Nothing();
  const auto found = json_.find(name);
  return found == json_.end() ? Nothing() : *found;
}

uint64_t JsonFields::Count(const char* name, uint64_t most) {
  const nlohmann::json& field = Find(name);
  if (IsCount(field, most)) return field.get<uint64_t>();
  Fail(absl::StrCat(name, " is no number from 0 to ", most));
  return 0;
}

double JsonFields::Number(const char* name) {
  const nlohmann::json& field = Find(name);
  if (field.is_number() && std::isfinite(field.get<double>()) && field.get<double>() >= 0) return field.get<double>();
  Fail(absl::StrCat(name, " is no number"));
  return 0;
}

bool JsonFields::Bool(const char* name) {
  const nlohmann::json& field = Find(name);
  if (field.is_boolean()) return field.get<bool>();
  Fail(absl::StrCat(name, " is neither true nor false"));
  return false;
}

std::string JsonFields::Text(const char* name) {
  const nlohmann::json& field = Find(name);
  if (field.is_string()) return field.get<std::string>();
  Fail(absl::StrCat(name, " is no text"));
  return "";
}

std::vector<uint64_t> JsonFields::Counts(const char* name, size_t most) {
  std::vector<uint64_t> counts;
  for (const nlohmann::json& element : List(name, most)) {
    if (!IsCount(element, kMostCount)) {
      Fail(absl::StrCat(name, " has more than counts in it"));
      return {};
    }
    counts.push_back(element.get<uint64_t>());
  }
  return counts;
}

const nlohmann::json& JsonFields::List(const char* name, size_t most) {
  const nlohmann::json& field = Find(name);
  if (field.is_array() && field.size() <= most) return field;
  Fail(absl::StrCat(name, " is no list of at most ", most));
  return Nothing();
}

const nlohmann::json& JsonFields::Object(const char* name) {
  const nlohmann::json& field = Find(name);
  if (field.is_object()) return field;
  Fail(absl::StrCat(name, " is no object"));
  return Nothing();
}

bool JsonFields::Has(const char* name) const { return !Find(name).is_null(); }

void JsonFields::Fail(absl::string_view fault) {
  status_.Update(absl::InvalidArgumentError(absl::StrCat(what_, ": ", fault)));
}

}  // namespace polyserve
