// Passwords and tokens against their hashes, by crypt(3) of libxcrypt. The only file that knows it.
#ifndef POLYSERVE_ACCESS_PASSWORD_HASH_H_
#define POLYSERVE_ACCESS_PASSWORD_HASH_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace polyserve {

// The longest secret that is compared: crypt(3) takes no longer ones (CRYPT_MAX_PASSPHRASE_SIZE).
constexpr size_t kMaxSecretBytes = 511;

// Whether the text is a whole hash of yescrypt ("$y$...") or bcrypt ("$2b$...", and htpasswd's "$2y$..."), which this
// system's library can compute. Older methods are too quick to guess.
bool IsPasswordHash(absl::string_view text);

// Whether the secret has this hash. Takes as much processor time as the hash asks for, some milliseconds to hundreds of
// them, and yescrypt's default takes 16 MiB of memory meanwhile: call it in a task (Output::Work()). The comparison
// takes the same time wherever the hashes differ. False if the secret holds a zero byte or is longer than
// kMaxSecretBytes, or if memory is lacking. Any thread.
bool MatchesPasswordHash(absl::string_view secret, absl::string_view hash);

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_PASSWORD_HASH_H_
