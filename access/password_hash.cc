#include "access/password_hash.h"

#include <crypt.h>
#include <nettle/memops.h>
#include <string.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace polyserve {

namespace {

static_assert(kMaxSecretBytes < CRYPT_MAX_PASSPHRASE_SIZE);

// Their lengths, as crypt(5) has them. A hash that was cut off when it was copied would never fit, and its user would
// look for the fault elsewhere.
constexpr size_t kBcryptBytes = 60;
constexpr size_t kYescryptDigestBytes = 43;

bool HasWholeDigest(absl::string_view hash) {
  if (!absl::StartsWith(hash, "$y$")) return hash.size() == kBcryptBytes;
  const size_t last = hash.rfind('$');
  return hash.size() - last - 1 == kYescryptDigestBytes;
}

}  // namespace

bool IsPasswordHash(absl::string_view text) {
  const bool is_known = absl::StartsWith(text, "$y$") || absl::StartsWith(text, "$2a$") ||
                        absl::StartsWith(text, "$2b$") || absl::StartsWith(text, "$2y$");
  if (!is_known || !HasWholeDigest(text)) return false;
  return ::crypt_checksalt(std::string(text).c_str()) == CRYPT_SALT_OK;
}

// crypt_data has 32 KiB, too much for a helper thread's stack. The copy of the secret is wiped; crypt_r(3) wipes its
// own.
bool MatchesPasswordHash(absl::string_view secret, absl::string_view hash) {
  if (secret.size() > kMaxSecretBytes || absl::StrContains(secret, '\0')) return false;
  const auto data = std::make_unique<crypt_data>();
  std::string copy(secret);
  const std::string setting(hash);
  const char* computed = ::crypt_r(copy.c_str(), setting.c_str(), data.get());
  // The lengths are no secret: they follow from the method. crypt_r(3) reports a failure by null or a text that begins
  // with '*', which no hash does.
  const bool matches = computed != nullptr && ::strlen(computed) == setting.size() &&
                       ::nettle_memeql_sec(computed, setting.data(), setting.size()) != 0;
  ::explicit_bzero(copy.data(), copy.size());
  ::explicit_bzero(data.get(), sizeof(crypt_data));
  return matches;
}

}  // namespace polyserve
