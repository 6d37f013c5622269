// Output: what is appended comes out at the front, in order, and nothing is kept for longer than needed.
#include "protocol/output.h"

#include <fcntl.h>
#include <sys/uio.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

std::shared_ptr<const UniqueFd> OpenNull() {
  return std::make_shared<const UniqueFd>(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

// The memory at the front, as one text.
std::string Front(const Output& output) {
  iovec pieces[16];
  const int count = output.FrontMemory(pieces, 16);
  std::string text;
  for (int i = 0; i < count; ++i) text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return text;
}

TEST(OutputTest, GathersCopiesAndSharedBytesInOrder) {
  Output output;
  output.Write("one ");
  output.Write("two ");
  output.WriteShared(std::make_shared<const std::string>("three "));
  output.Write("four");
  EXPECT_EQ(Front(output), "one two three four");
  iovec pieces[16];
  EXPECT_EQ(output.FrontMemory(pieces, 16), 3) << "neighbouring copies are one piece";
  output.Sent(6);
  EXPECT_EQ(Front(output), "o three four");
  output.Sent(12);
  EXPECT_TRUE(output.empty());
}

TEST(OutputTest, StopsMemoryAtAFileAndCountsThatDown) {
  Output output;
  output.Write("head");
  output.WriteFile(OpenNull(), 100, 50);
  output.Write("tail");
  EXPECT_EQ(Front(output), "head");
  EXPECT_EQ(output.FrontFile(), nullptr);
  output.Sent(4);
  ASSERT_NE(output.FrontFile(), nullptr);
  output.Sent(20);
  EXPECT_EQ(output.FrontFile()->offset, 120);
  EXPECT_EQ(output.FrontFile()->length, 30);
  output.Sent(30);
  EXPECT_EQ(Front(output), "tail");
  EXPECT_EQ(output.file_ranges(), 0u);
}

TEST(OutputTest, LetsGoOfAFileAsSoonAsItIsSent) {
  Output output;
  const std::shared_ptr<const UniqueFd> file = OpenNull();
  output.WriteFile(file, 0, 10);
  output.Write("tail");
  output.Sent(10);
  EXPECT_EQ(file.use_count(), 1);
}

TEST(OutputTest, WantsNoMoreAtTheHighWaterMark) {
  Output output;
  output.Write(std::string(Output::kHighWaterBytes - 1, 'x'));
  EXPECT_TRUE(output.wants_more());
  output.Write("x");
  EXPECT_FALSE(output.wants_more());
  output.Sent(1);
  EXPECT_TRUE(output.wants_more());
}

TEST(OutputTest, WantsNoMoreFilesThanDescriptorsItMayHold) {
  Output output;
  for (size_t i = 0; i < Output::kMaxFileRanges; ++i) {
    EXPECT_TRUE(output.wants_more());
    output.WriteFile(OpenNull(), 0, 1);
  }
  EXPECT_FALSE(output.wants_more());
}

TEST(OutputTest, WantsNoMoreAfterWorkOrClose) {
  Output working, closing;
  working.Work([](Output& result) { result.Write("done"); });
  EXPECT_FALSE(working.wants_more());
  working.TakeWork()(working);
  EXPECT_EQ(Front(working), "done");
  EXPECT_TRUE(working.wants_more());
  closing.Close();
  EXPECT_FALSE(closing.wants_more());
}

TEST(OutputTest, PauseIsWorkThatComesAfterAWait) {
  Output output;
  output.Write("before");
  output.Pause(absl::Milliseconds(100), [](Output& result) { result.Work([](Output&) {}); });
  EXPECT_FALSE(output.wants_more());
  EXPECT_TRUE(output.has_work());
  EXPECT_EQ(output.pause().length, absl::Milliseconds(100));
  output.TakeWork()(output);
  EXPECT_TRUE(output.has_work());
  EXPECT_EQ(output.pause().length, absl::ZeroDuration()) << "the next task has no pause of its own";
}

TEST(OutputTest, WorkAfterATimeKnowsItsEndAtOnce) {
  Output output;
  output.WorkAfter(absl::Milliseconds(100), [](Output& result) { result.Write("done"); });
  EXPECT_FALSE(output.wants_more());
  EXPECT_TRUE(output.waits_before_work());
  EXPECT_TRUE(output.pause().end.has_value());
  output.TakeWork()(output);
  EXPECT_EQ(Front(output), "done");
  EXPECT_FALSE(output.waits_before_work());
}

TEST(OutputTest, QuestionHoldsTheSessionUpUntilItIsAnswered) {
  Output output;
  const auto passes_on = [](absl::StatusOr<std::string> reply, Output& result) { result.Write(*reply); };
  output.Ask({.to = {}, .line = "one", .max_reply_bytes = 10, .patience = absl::Seconds(1)},
             [passes_on](absl::StatusOr<std::string> reply, Output& result) {
               result.Write(*reply);
               result.Ask({.to = {}, .line = "two", .max_reply_bytes = 10, .patience = absl::Seconds(1)}, passes_on);
             });
  EXPECT_TRUE(output.asks());
  EXPECT_FALSE(output.wants_more());
  EXPECT_FALSE(output.has_work());
  output.Answer("first");
  EXPECT_EQ(Front(output), "first");
  EXPECT_EQ(output.asked().question.line, "two") << "the answer may lead to the next question";
  output.Sent(5);
  output.Answer("second");
  EXPECT_EQ(Front(output), "second");
  EXPECT_FALSE(output.asks());
  EXPECT_TRUE(output.wants_more());
}

TEST(OutputTest, AsksForTheLastWakeOnly) {
  Output output;
  EXPECT_FALSE(output.asks_for_wake());
  output.SetTimer(absl::Seconds(1));
  output.SetTimer(absl::Seconds(2));
  EXPECT_TRUE(output.wants_more()) << "waiting keeps nobody from reading";
  EXPECT_EQ(output.TakeWakeIn(), absl::Seconds(2));
  EXPECT_FALSE(output.asks_for_wake());
  output.SetTimer(absl::Seconds(1));
  output.Clear();
  EXPECT_FALSE(output.asks_for_wake());
}

TEST(OutputTest, DoesNotGrowWhileItIsNeverQuiteEmpty) {
  Output output;
  output.Write("x");
  for (int i = 0; i < 10'000; ++i) {
    output.Write(std::string(1000, static_cast<char>('a' + i % 26)));
    output.Sent(1000);
  }
  EXPECT_EQ(output.unsent_bytes(), 1);
  EXPECT_EQ(Front(output), std::string(1, 'a' + 9999 % 26));
  EXPECT_LT(output.copied_bytes_held(), 4 * Output::kHighWaterBytes);
}

TEST(OutputTest, KeepsTheBordersOfDatagrams) {
  Output output(Output::Kind::kDatagrams);
  EXPECT_TRUE(output.empty());
  output.Write("one");
  output.Write("");
  output.WriteShared(std::make_shared<const std::string>("shared"));
  output.Write("two");
  for (absl::string_view datagram : {"one", "", "shared", "two"}) {
    ASSERT_FALSE(output.empty());
    EXPECT_EQ(output.FrontDatagram(), datagram);
    output.DropDatagram();
  }
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(output.unsent_bytes(), 0);
  output.Write("again");
  output.Clear();
  EXPECT_TRUE(output.empty());
  output.Write("a");
  output.Write("b");
  EXPECT_EQ(output.FrontDatagram(), "a") << "it is still of datagrams";
}

}  // namespace
}  // namespace polyserve
