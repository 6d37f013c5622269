// Hashes of passwords: those of others are recognised, and fit their passwords alone.
#include "access/password_hash.h"

#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

// Of "secret", at the lowest cost: the tests compute some dozen.
const std::string kBcrypt = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
const std::string kYescrypt = "$y$j75$FOg3mcwWpsQTZd/h/4V9O0$C3n38nGF37ubmcgAacHcYamFCb3qv65mVpNtHRIju99";

TEST(PasswordHashTest, SecretFitsItsHashAlone) {
  for (const std::string& hash : {kBcrypt, kYescrypt}) {
    EXPECT_TRUE(MatchesPasswordHash("secret", hash)) << hash;
    EXPECT_FALSE(MatchesPasswordHash("Secret", hash)) << hash;
    EXPECT_FALSE(MatchesPasswordHash("secret ", hash)) << hash;
    EXPECT_FALSE(MatchesPasswordHash("", hash)) << hash;
  }
}

// crypt(3) takes the secret up to its first zero byte.
TEST(PasswordHashTest, WhatStandsBehindAZeroByteIsNotIgnored) {
  EXPECT_FALSE(MatchesPasswordHash(std::string("secret\0more", 11), kBcrypt));
  EXPECT_FALSE(MatchesPasswordHash(std::string("secret\0", 7), kBcrypt));
}

TEST(PasswordHashTest, SecretThatIsTooLongFitsNothing) {
  EXPECT_FALSE(MatchesPasswordHash(std::string(kMaxSecretBytes + 1, 'x'), kYescrypt));
}

TEST(PasswordHashTest, HashesOfStrongMethodsAreRecognised) {
  EXPECT_TRUE(IsPasswordHash(kBcrypt));
  EXPECT_TRUE(IsPasswordHash(kYescrypt));
  EXPECT_TRUE(IsPasswordHash("$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW")) << "htpasswd's";
  for (const absl::string_view text : {"", "secret", "*", "!", "$1$salt$qJH7.N4xYta3aEG/dfqo/0", "ab8nwcZ41nF8A"}) {
    EXPECT_FALSE(IsPasswordHash(text)) << text;
  }
}

TEST(PasswordHashTest, HashThatIsCutOffIsNotRecognised) {
  EXPECT_FALSE(IsPasswordHash(kBcrypt.substr(0, kBcrypt.size() - 1)));
  EXPECT_FALSE(IsPasswordHash(kYescrypt.substr(0, kYescrypt.size() - 1)));
  EXPECT_FALSE(IsPasswordHash("$y$j75$"));
}

}  // namespace

}  // namespace polyserve
