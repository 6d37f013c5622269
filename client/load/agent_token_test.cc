// The token of coordinators and agents: it is proved, and not told.
#include "client/load/agent_token.h"

#include <sys/stat.h>

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(AgentTokenTest, ProofIsHmacSha256) {
  // RFC 4231, test case 2.
  EXPECT_EQ(ProofOf("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(AgentTokenTest, ProofIsForOneTokenAndOneChallenge) {
  const std::string challenge = NewChallenge();
  const std::string proof = ProofOf("a token of some length", challenge);
  EXPECT_TRUE(IsProof(proof, "a token of some length", challenge));
  EXPECT_FALSE(IsProof(proof, "a token of some lengtH", challenge));
  EXPECT_FALSE(IsProof(proof, "", challenge));
  EXPECT_FALSE(IsProof(proof, "a token of some length", NewChallenge()));
  EXPECT_FALSE(IsProof(proof.substr(1), "a token of some length", challenge));
  EXPECT_FALSE(IsProof("", "a token of some length", challenge));
  EXPECT_TRUE(IsProof(ProofOf("", challenge), "", challenge)) << "both sides may have none";
}

TEST(AgentTokenTest, NoChallengeIsUsedTwice) {
  EXPECT_EQ(NewChallenge().size(), 64u);
  EXPECT_NE(NewChallenge(), NewChallenge());
}

absl::StatusOr<std::string> TokenIn(absl::string_view content) {
  const std::string path = absl::StrCat(testing::TempDir(), "/token");
  std::ofstream(path) << content;
  return ReadToken(path);
}

TEST(AgentTokenTest, TokenIsTheFirstLineOfItsFile) {
  EXPECT_EQ(TokenIn("sixteen letters.\nand a remark\n").value(), "sixteen letters.");
  EXPECT_EQ(TokenIn("sixteen letters.\r\n").value(), "sixteen letters.");
  EXPECT_EQ(TokenIn("sixteen letters.").value(), "sixteen letters.");
  EXPECT_EQ(ReadToken("").value(), "");
}

TEST(AgentTokenTest, TokenThatCouldBeGuessedIsRefused) {
  for (const std::string& content : {std::string(), std::string("\n"), std::string("fifteen letters\n"),
                                     std::string("\nsixteen letters.\n"), std::string(4097, 'x')}) {
    EXPECT_TRUE(absl::IsInvalidArgument(TokenIn(content).status())) << content;
  }
  EXPECT_TRUE(absl::IsNotFound(ReadToken("/no/such/token").status()));
}

TEST(AgentTokenTest, FileThatAllMayReadIsNoticed) {
  const std::string path = absl::StrCat(testing::TempDir(), "/secret");
  std::ofstream(path) << "sixteen letters.\n";
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_TRUE(MayAllRead(path));
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  EXPECT_FALSE(MayAllRead(path));
  EXPECT_FALSE(MayAllRead("/no/such/token"));
  EXPECT_FALSE(MayAllRead(""));
}

}  // namespace
}  // namespace polyserve
