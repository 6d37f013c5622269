// What a line of the log looks like, in both forms, whatever its message holds.
#include "base/log_format.h"

#include <unistd.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/line_output.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

std::string JsonLine(absl::string_view message) {
  return LogLineOf(LogFormat::kJson, {LogSeverity::ERROR, "some_file.cc:7", message});
}

// Expects that the line is one object, and returns its message.
std::string MessageOf(absl::string_view line) {
  EXPECT_TRUE(absl::EndsWith(line, "}\n")) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
  return nlohmann::json::parse(line)["message"];
}

// Expects that the time is RFC 3339's, in UTC and with microseconds, and not before this moment.
void ExpectIsTime(const std::string& text, absl::Time earliest) {
  EXPECT_THAT(text, testing::MatchesRegex("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T"
                                          "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\\.[0-9][0-9][0-9][0-9][0-9][0-9]Z"));
  absl::Time time;
  std::string error;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << error;
  EXPECT_GE(time, absl::FromUnixMicros(absl::ToUnixMicros(earliest)));
  EXPECT_LE(time, absl::Now());
}

TEST(LogFormatTest, TextIsInTheFormOfGlog) {
  EXPECT_THAT(LogLineOf(LogFormat::kText, {LogSeverity::WARNING, "some_file.cc:7", "no descriptor"}),
              testing::MatchesRegex("W[0-9]+ [0-9][0-9]:[0-9][0-9]:[0-9][0-9]\\.[0-9]+ [0-9]+ "
                                    "some_file.cc:7\\] no descriptor\n"));
}

TEST(LogFormatTest, JsonSaysHowBadItIsAndWhenAndWhereAndWho) {
  const absl::Time before = absl::Now();
  const nlohmann::json line = nlohmann::json::parse(JsonLine("no descriptor"));
  EXPECT_EQ(line["severity"], "ERROR");
  EXPECT_EQ(line["pid"], ::getpid());
  EXPECT_EQ(line["tid"], ::gettid());
  EXPECT_EQ(line["source"], "some_file.cc:7");
  EXPECT_EQ(line["message"], "no descriptor");
  EXPECT_EQ(line.size(), 6u);
  ExpectIsTime(line["time"], before);
}

TEST(LogFormatTest, MessageOfAPeerStaysOneStringOfOneLineAndComesBackWhole) {
  for (const absl::string_view message :
       {absl::string_view("\",\"pid\":0}\n{\"a\\"), absl::string_view("a\0b\t\r\x7f\x1b[2J", 10),
        absl::string_view("名 é \u202E\u2028 👩‍👩‍👧 \U000E0041"), absl::string_view("")}) {
    EXPECT_EQ(MessageOf(JsonLine(message)), message);
  }
  for (const char character : JsonLine("\x1b\x7f\xc2\x9b\u202E")) {
    EXPECT_TRUE(character == '\n' || (character >= ' ' && character <= '~')) << static_cast<int>(character);
  }
}

TEST(LogFormatTest, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(MessageOf(JsonLine("a\xff名\xe5\x90 \xed\xa0\x80")), "a\uFFFD名\uFFFD\uFFFD \uFFFD\uFFFD\uFFFD");
}

// Each character takes one to twelve bytes as an escape: none may be cut in two, whatever stands in front of it.
TEST(LogFormatTest, LineThatIsTooLongIsCutAndStaysAnObject) {
  for (const absl::string_view character : {"x", "\"", "é", "名", "\x01", "\xff", "\U000E0041"}) {
    for (size_t shift = 0; shift < 12; ++shift) {
      std::string message(shift, '.');
      while (message.size() < 2 * kMaxLogLineBytes) message += std::string(character);
      const std::string line = JsonLine(message);
      EXPECT_LE(line.size(), kMaxLogLineBytes);
      EXPECT_GT(line.size(), kMaxLogLineBytes - 20);
      const std::string cut = MessageOf(line);
      EXPECT_TRUE(absl::EndsWith(cut, " ...")) << cut;
      if (character == "\xff") continue;  // Those become another character.
      EXPECT_TRUE(absl::StartsWith(message, cut.substr(0, cut.size() - 4))) << cut;
    }
  }
  const std::string text = LogLineOf(LogFormat::kText, {LogSeverity::INFO, "a.cc:1", std::string(9000, 'x')});
  EXPECT_EQ(text.size(), kMaxLogLineBytes);
  EXPECT_TRUE(absl::EndsWith(text, "xx ...\n"));
}

TEST(LogFormatTest, MessageThatJustFitsIsNotCut) {
  const size_t most = kMaxLogLineBytes - JsonLine("").size();
  EXPECT_EQ(MessageOf(JsonLine(std::string(most, 'x'))), std::string(most, 'x'));
  EXPECT_TRUE(absl::EndsWith(MessageOf(JsonLine(std::string(most + 1, 'x'))), " ..."));
}

TEST(LogFormatTest, LineOfAHandlerIsAnObjectAsWell) {
  const absl::Time before = absl::Now();
  char buffer[256];
  const size_t size = WriteJsonLineInHandler("--drain_timeout has passed", buffer, sizeof(buffer));
  const std::string text(buffer, size);
  EXPECT_EQ(MessageOf(text), "--drain_timeout has passed");
  const nlohmann::json line = nlohmann::json::parse(text);
  EXPECT_EQ(line["severity"], "WARNING");
  EXPECT_EQ(line["pid"], ::getpid());
  ExpectIsTime(line["time"], before);
  EXPECT_EQ(WriteJsonLineInHandler("--drain_timeout has passed", buffer, size - 1), 0u) << "rather than half a line";
}

TEST(LogFormatTest, PlaceHasNoFolders) {
  EXPECT_EQ(SourceOf("a/b/some_file.cc", 7), "some_file.cc:7");
  EXPECT_EQ(SourceOf("some_file.cc", 7), "some_file.cc:7");
}

}  // namespace

}  // namespace polyserve
