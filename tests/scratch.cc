#include "tests/scratch.h"

#include <openssl/sha.h>
#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace polyserve {

Scratch::Scratch() : path_(absl::StrCat(testing::TempDir(), "/scratch-XXXXXX")) {
  if (::mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "cannot make " << path_;
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Scratch::PathOf(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

void Scratch::Write(absl::string_view name, absl::string_view bytes) const {
  std::ofstream stream(PathOf(name), std::ios::binary);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  EXPECT_TRUE(stream.good()) << "cannot write " << PathOf(name);
}

// Sparse: it takes no room on the disk, and no time (ftruncate(2)).
void Scratch::WriteZeroes(absl::string_view name, int64_t size) const {
  Write(name, "");
  std::filesystem::resize_file(PathOf(name), static_cast<uintmax_t>(size));
}

void Scratch::MakeDirectory(absl::string_view name) const { std::filesystem::create_directory(PathOf(name)); }

std::string Scratch::Read(absl::string_view name) const {
  std::ifstream stream(PathOf(name), std::ios::binary | std::ios::ate);
  if (!stream.good()) return "";
  std::string bytes(static_cast<size_t>(stream.tellg()), '\0');
  stream.seekg(0);
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

std::vector<std::string> Scratch::Names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string RandomBytes(size_t count, unsigned seed) {
  // Xorshift (Marsaglia, 2003): good enough to tell bytes apart, and fast where nothing is optimised.
  uint64_t state = 88172645463325252 + seed;
  std::string bytes(count + sizeof(state), '\0');
  for (size_t at = 0; at < count; at += sizeof(state)) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    std::memcpy(&bytes[at], &state, sizeof(state));
  }
  bytes.resize(count);
  return bytes;
}

std::string Sha256(absl::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

}  // namespace polyserve
