// The token that a coordinator and its agents have in common: a secret in a file, without which an agent takes no
// order. It is never sent. The coordinator proves that it has it, by a code over a challenge that is never used again
// (HMAC-SHA-256, RFC 2104): who listens learns neither the token, nor anything with which another agent could be had.
//
//   agent        const std::string challenge = NewChallenge();   ──▶ coordinator
//   coordinator  ProofOf(token, challenge)                       ──▶ agent
//   agent        IsProof(proof, token, challenge)
//
// The rest of the conversation is in the clear: who can change it on its way can give orders. Over networks of others,
// start agents by ssh.
#ifndef POLYSERVE_CLIENT_LOAD_AGENT_TOKEN_H_
#define POLYSERVE_CLIENT_LOAD_AGENT_TOKEN_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// Whoever hears a proof can try tokens against it, so that a short one would be found.
constexpr size_t kLeastTokenBytes = 16;

// The first line of the file. InvalidArgument: it has fewer than kLeastTokenBytes, or more than 4096. NotFound: the
// file cannot be read. `path` "": no token, which is "".
absl::StatusOr<std::string> ReadToken(const std::string& path);

// Whether every user of the system may read the file, and so give orders to all agents that have this token. False if
// there is no such file.
bool MayAllRead(const std::string& path);

// 32 random bytes in hexadecimal digits. Blocks only while the system has not started its generator, at boot.
std::string NewChallenge();

// Of any token, "" as well: both sides may have none.
std::string ProofOf(absl::string_view token, absl::string_view challenge);

// The time that it takes does not depend on where a wrong proof begins to differ.
bool IsProof(absl::string_view proof, absl::string_view token, absl::string_view challenge);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_AGENT_TOKEN_H_
