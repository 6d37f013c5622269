#include "room/ban_list.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

constexpr size_t kNetworkBytes = 8;  // Of an IPv6 address.

}  // namespace

std::string AddressBanKey(absl::string_view address) {
  const std::string text(address.substr(0, address.find('%')));  // Without the scope of a link-local address.
  in_addr v4;
  in6_addr v6;
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return absl::StrCat("4 ", v4.s_addr);
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return "";
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {  // A client of IPv4 at a socket for both (RFC 4291, section 2.5.5.2).
    std::memcpy(&v4, v6.s6_addr + sizeof(v6) - sizeof(v4), sizeof(v4));
    return absl::StrCat("4 ", v4.s_addr);
  }
  return absl::StrCat("6 ", absl::string_view(reinterpret_cast<const char*>(&v6), kNetworkBytes));
}

std::string NameBanKey(absl::string_view key_of_name) { return absl::StrCat("n ", key_of_name); }

// Expired bans stay until their place is needed, or their name or address is banned anew: nothing has to run for them.
absl::Status BanList::Add(const std::string& key, absl::string_view shown, absl::Time until, absl::Time now) {
  if (bans_.size() >= kMaxBans) absl::erase_if(bans_, [now](const auto& ban) { return ban.second.until <= now; });
  if (bans_.size() >= kMaxBans && !bans_.contains(key)) {
    return absl::ResourceExhaustedError(absl::StrCat("there are ", kMaxBans, " bans, which is the most"));
  }
  bans_.insert_or_assign(key, Ban{std::string(shown), until});
  return absl::OkStatus();
}

bool BanList::Remove(const std::string& key, absl::Time now) {
  const bool held = Left(key, now) > absl::ZeroDuration();
  bans_.erase(key);
  return held;
}

absl::Duration BanList::Left(const std::string& key, absl::Time now) const {
  const auto ban = bans_.find(key);
  return ban == bans_.end() ? absl::ZeroDuration() : std::max(absl::ZeroDuration(), ban->second.until - now);
}

std::vector<std::string> BanList::List(absl::Time now) const {
  std::vector<std::string> lines;
  for (const auto& [key, ban] : bans_) {
    if (ban.until > now) lines.push_back(absl::StrCat(ban.shown, " for ", MinutesLeft(ban.until - now)));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string MinutesLeft(absl::Duration left) {
  const int64_t minutes = absl::ToInt64Minutes(absl::Ceil(left, absl::Minutes(1)));
  return absl::StrCat(minutes, " more minute", minutes == 1 ? "" : "s");
}

}  // namespace polyserve
