#include "client/load/agent_token.h"

#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

constexpr size_t kMostTokenBytes = 4096;
constexpr size_t kChallengeBytes = 32;

}  // namespace

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  if (path.empty()) return "";
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("--token_file: ", path, " cannot be opened"));
  std::string token(kMostTokenBytes + 2, '\0');
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<size_t>(file.gcount()));
  token.resize(std::min(token.size(), token.find_first_of("\r\n")));
  if (token.size() >= kLeastTokenBytes && token.size() <= kMostTokenBytes) return token;
  return absl::InvalidArgumentError(absl::StrCat("--token_file: the first line of ", path, " has to have ",
                                                 kLeastTokenBytes, " to ", kMostTokenBytes, " characters"));
}

bool MayAllRead(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && (info.st_mode & S_IROTH) != 0;
}

std::string NewChallenge() {
  std::string bytes(kChallengeBytes, '\0');
  // Fails only if a signal comes while it waits for the generator.
  while (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
  }
  return absl::BytesToHexString(bytes);
}

std::string ProofOf(absl::string_view token, absl::string_view challenge) {
  hmac_sha256_ctx context;
  ::hmac_sha256_set_key(&context, token.size(), reinterpret_cast<const uint8_t*>(token.data()));
  ::hmac_sha256_update(&context, challenge.size(), reinterpret_cast<const uint8_t*>(challenge.data()));
  std::string digest(SHA256_DIGEST_SIZE, '\0');
  ::hmac_sha256_digest(&context, digest.size(), reinterpret_cast<uint8_t*>(digest.data()));
  return absl::BytesToHexString(digest);
}

// The length of a proof is no secret.
bool IsProof(absl::string_view proof, absl::string_view token, absl::string_view challenge) {
  const std::string right = ProofOf(token, challenge);
  return proof.size() == right.size() && ::memeql_sec(proof.data(), right.data(), right.size()) != 0;
}

}  // namespace polyserve
