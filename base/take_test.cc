#include "base/take.h"

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(TakeTest, KeepsWhatWasMadeAlsoIfItCannotBeCopied) {
  std::unique_ptr<int> value;
  EXPECT_TRUE(Take(absl::StatusOr<std::unique_ptr<int>>(std::make_unique<int>(7)), value).ok());
  EXPECT_EQ(*value, 7);
  std::optional<std::string> text;
  EXPECT_TRUE(Take(absl::StatusOr<std::string>("seven"), text).ok());
  EXPECT_EQ(text, "seven");
}

TEST(TakeTest, AnErrorLeavesTheValueAndTheFirstOneIsTheResult) {
  int value = 7;
  absl::Status status = Take(absl::StatusOr<int>(absl::NotFoundError("first")), value);
  status.Update(Take(absl::StatusOr<int>(absl::NotFoundError("second")), value));
  EXPECT_EQ(status.message(), "first");
  EXPECT_EQ(value, 7);
}

}  // namespace
}  // namespace polyserve
