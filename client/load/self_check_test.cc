// Verdicts of the self-test, on figures that are known.
#include "client/load/self_check.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

using Verdict = SelfCheck::Verdict;

Verdict VerdictOf(const std::vector<double>& own, const std::vector<double>& others) {
  return CompareRates("wrk", own, others).verdict;
}

TEST(SelfCheckTest, RatesThatAreNearlyTheSameAgree) {
  EXPECT_EQ(VerdictOf({100, 101, 99}, {100, 99, 101}), Verdict::kPassed);
  EXPECT_EQ(VerdictOf({100, 101, 102}, {108, 108, 109}), Verdict::kPassed);
}

TEST(SelfCheckTest, RatesThatDifferEachTimeDoNot) {
  EXPECT_EQ(VerdictOf({100, 101, 102}, {130, 131, 132}), Verdict::kFailed);
  EXPECT_EQ(VerdictOf({130, 131, 132}, {100, 101, 102}), Verdict::kFailed);
}

TEST(SelfCheckTest, NoiseIsNotTakenForADifferenceNorForAgreement) {
  EXPECT_EQ(VerdictOf({100, 130, 102}, {150, 160, 170}), Verdict::kTooNoisy);
  EXPECT_EQ(VerdictOf({100, 200, 100}, {100, 100, 200}), Verdict::kTooNoisy);
}

TEST(SelfCheckTest, OnlyAFailureFailsTheWhole) {
  const std::vector<SelfCheck> fine = {
      {"a", Verdict::kPassed, "x"}, {"b", Verdict::kTooNoisy, "y"}, {"c", Verdict::kSkipped, "z"}};
  EXPECT_TRUE(AllPassed(fine));
  std::vector<SelfCheck> bad = fine;
  bad.push_back({"d", Verdict::kFailed, "figures"});
  EXPECT_FALSE(AllPassed(bad));
  const nlohmann::json json = nlohmann::json::parse(SelfChecksAsJson(bad));
  EXPECT_EQ(json["passed"], false);
  EXPECT_EQ(json["self_test"][3]["verdict"], "FAILED");
  EXPECT_NE(SelfChecksAsText(bad).find("too noisy to tell"), std::string::npos);
}

}  // namespace
}  // namespace polyserve
