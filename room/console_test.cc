// Console: lines become messages; the end of the input, and of the console, is quiet.
#include "room/console.h"

#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

class ConsoleTest : public testing::Test {
 protected:
  ConsoleTest() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_end_.reset(ends[0]);
    write_end_.reset(ends[1]);
  }

  void Start(int input) {
    absl::StatusOr<std::unique_ptr<Console>> started = Console::Start(input, [this](absl::string_view text) {
      MutexLock lock(mutex_);
      said_.emplace_back(text);
      changed_.notify_all();
    });
    ASSERT_TRUE(started.ok());
    operator_ = *std::move(started);
  }

  void Type(absl::string_view bytes) {
    EXPECT_EQ(::write(write_end_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  // Waits for this many lines.
  std::vector<std::string> AwaitLines(size_t count) {
    MutexLock lock(mutex_);
    while (said_.size() < count) changed_.wait(mutex_);
    return said_;
  }

  UniqueFd read_end_, write_end_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::string> said_;
  std::unique_ptr<Console> operator_;
};

TEST_F(ConsoleTest, LinesAreSaidHoweverTheyCome) {
  Start(read_end_.get());
  Type("hel");
  Type("lo\n\n你好\r\nlast");
  EXPECT_EQ(AwaitLines(2), (std::vector<std::string>{"hello", "你好"}));
  write_end_.reset();
  EXPECT_EQ(AwaitLines(3).back(), "last");
}

TEST_F(ConsoleTest, WhatCannotBeSaidIsPassedOver) {
  Start(read_end_.get());
  Type("\xff\n\x1b[2J\n");
  Type(absl::StrCat(std::string(1025, 'x'), "\n", std::string(1024, 'y'), "\n"));
  Type(absl::StrCat(std::string(30000, 'z'), "\nend\n"));
  EXPECT_EQ(AwaitLines(2), (std::vector<std::string>{std::string(1024, 'y'), "end"}));
}

TEST_F(ConsoleTest, EndsWhileItWaits) {
  Start(read_end_.get());
  operator_ = nullptr;
}

TEST_F(ConsoleTest, EndsWhereThereIsNobody) {
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Start(null.get());
  operator_ = nullptr;
  EXPECT_TRUE(said_.empty());
}

}  // namespace
}  // namespace polyserve
