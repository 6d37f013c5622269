// BanList: the names and addresses that may not join a room, each until a time. It knows no names that look alike: the
// room passes a name's key (NameRegistry::KeyOf()), so that a ban holds for all of them.
#ifndef POLYSERVE_ROOM_BAN_LIST_H_
#define POLYSERVE_ROOM_BAN_LIST_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace polyserve {

// What a ban of an address goes by: the address, of IPv6 its first 64 bits, since a network gives each customer at
// least as many (RFC 6177); "" if the text is no address. Names and addresses have different keys: a name that looks
// like an address is one.
std::string AddressBanKey(absl::string_view address);
std::string NameBanKey(absl::string_view key_of_name);

// Not thread-safe. `now` is a parameter for tests; any clock that does not go backwards will do.
class BanList {
 public:
  static constexpr size_t kMaxBans = 256;  // A person keeps them; the list has to fit on a member's screen.

  // Adds a ban, or changes the time of one that is there; `shown` is what the list says. ResourceExhausted: there are
  // kMaxBans, none of which has expired.
  absl::Status Add(const std::string& key, absl::string_view shown, absl::Time until, absl::Time now);
  // False if there is none.
  bool Remove(const std::string& key, absl::Time now);
  // How long it still holds; zero if there is none.
  absl::Duration Left(const std::string& key, absl::Time now) const;
  // Those that hold, as "'bob' for 59 more minutes", in the order of these texts.
  std::vector<std::string> List(absl::Time now) const;
  // Whether none was ever added, or all were removed: then keys need not be made.
  bool empty() const { return bans_.empty(); }

 private:
  struct Ban {
    std::string shown;
    absl::Time until;
  };

  absl::flat_hash_map<std::string, Ban> bans_;
};

// "59 more minutes", rounded up.
std::string MinutesLeft(absl::Duration left);

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_BAN_LIST_H_
