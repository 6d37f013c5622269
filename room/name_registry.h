// NameRegistry: the names of a room, of which no two look alike, and none like the administrator's. What is compared is
// not the name but its skeleton (Unicode Technical Standard 39, section 4): after compatibility composition and case
// folding (NFKC_Casefold) and traditional Chinese characters made simplified ones, all characters that readers take for
// each other are one. So of "ada", "Ada", "аda" with a Cyrillic а, and "é" as one character or as two, one is taken.
// Against the administrator's name, accents and the difference of l, I and 1 do not count either.
//
// By ICU: its confusables, and its rules for Chinese. The first Chinese name costs some milliseconds. Not thread-safe.
#ifndef POLYSERVE_ROOM_NAME_REGISTRY_H_
#define POLYSERVE_ROOM_NAME_REGISTRY_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace polyserve {

class NameRegistry {
 public:
  explicit NameRegistry(std::string admin_name) : admin_name_(std::move(admin_name)) {}

  // Takes a name that has passed CheckMemberName(). PermissionDenied: it contains one that looks like the
  // administrator's. AlreadyExists: one that looks like it is taken. If ICU's data cannot be used, compares the names
  // as they are, and logs that.
  absl::Status Take(absl::string_view name);
  // Gives back a name that was taken, in the same bytes; does nothing for any other.
  void Release(absl::string_view name);

  // The taken name that looks like this one; "" if there is none. Any bytes may be asked for.
  std::string Find(absl::string_view name) const;
  // Names that look alike have the same key. The name has passed CheckMemberName().
  static std::string KeyOf(absl::string_view name);

 private:
  const std::string admin_name_;
  std::optional<std::string> admin_skeleton_;                // Made when the first name is taken: it costs the most.
  absl::flat_hash_map<std::string, std::string> skeletons_;  // By name.
  absl::flat_hash_map<std::string, std::string> taken_;      // Names by their skeletons.
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_NAME_REGISTRY_H_
