// ConversationTest: a conversation with a session that obeys lines, for the tests of which step follows which. No
// socket, no clock. A case takes the driver's part:
//
//   EXPECT_EQ(OnBytes("one\n"), Step::kSend);
//   EXPECT_EQ(Send(), "[one]");
//   EXPECT_EQ(Next(), Step::kRead);
#ifndef POLYSERVE_BACKENDS_CONNECTION_CONVERSATION_TEST_FIXTURE_H_
#define POLYSERVE_BACKENDS_CONNECTION_CONVERSATION_TEST_FIXTURE_H_

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/connection/conversation.h"
#include "base/mailbox.h"
#include "gtest/gtest.h"
#include "protocol/line_reader.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

inline Message Mail(absl::string_view text) { return std::make_shared<const std::string>(text); }

// Answers each line with itself in brackets, but some words are commands. Has a mailbox once it was told to "join".
class LineSession : public Session {
 public:
  void OnInput(Input& input, Output& output) override {
    while (!input.empty() && output.wants_more() && !mail.awaits_room()) {
      const std::optional<absl::string_view> line = lines_.Next(input);
      if (!line.has_value()) return;
      Obey(*line, output);
    }
  }
  void OnEndOfInput(Output& output) override { output.Write("[end]"); }
  bool outlives_input() const override { return outlives; }
  void OnTime(Output& output) override { output.Write("[time]"); }
  void OnResume(Output& output) override {
    if (std::exchange(has_worked_, false)) output.Write("[resumed]");
  }
  void OnStop() override { ++stops; }
  void OnClosing(Output& output) override { output.Write("[closing]"); }
  void OnOverload(Output& output) override { output.Write("[too much to do]"); }
  bool is_opening() const override { return is_opening_; }
  bool is_refusable() const override { return !is_opening_; }
  void OnMessage(const Message& message, Output& output) override {
    if (message->empty()) return output.Close();
    output.Write(*message);
  }
  Mailbox* mailbox() override { return has_joined_ ? &mail : nullptr; }
  bool awaits_rest_of_request() const override { return awaits_rest; }
  absl::string_view closing_message() const override { return "bye"; }

  // One with a stream behind it.
  struct Stream : Mailbox {
    using Mailbox::AwaitRoom;
    using Mailbox::NoteRoom;
  };
  Stream mail;
  bool awaits_rest = false;
  bool outlives = false;
  int stops = 0;

 private:
  void Obey(absl::string_view line, Output& output) {
    if (line == "work") {
      has_worked_ = true;
      output.Work([](Output& result) { result.Write("[worked]"); });
    } else if (line == "pause") {
      output.Write("[before]");
      output.Pause(absl::Seconds(1), [](Output& result) { result.Write("[after]"); });
    } else if (line == "ask") {
      has_worked_ = true;
      output.Write("[before]");
      output.Ask({.to = {}, .line = "x", .max_reply_bytes = 10, .patience = absl::Seconds(1)},
                 [](absl::StatusOr<std::string> reply, Output& result) { result.Write("[" + *reply + "]"); });
    } else if (line == "big") {
      output.Write(std::string(Output::kHighWaterBytes, 'b'));
    } else if (line == "timer") {
      output.SetTimer(absl::Seconds(1));
    } else if (line == "full") {
      mail.AwaitRoom();
    } else if (line == "close") {
      output.Close();
    } else if (line == "count") {
      output.CountRequest();
    } else if (line == "open") {
      is_opening_ = true;
      output.Write("[opening]");
    } else if (line == "join") {
      has_joined_ = true;
    } else {
      output.Write("[" + std::string(line) + "]");
    }
  }

  LineReader lines_{1 << 24};
  bool has_joined_ = false;
  bool is_opening_ = false;
  bool has_worked_ = false;
};

class ConversationTest : public testing::Test {
 protected:
  Step Next() { return conversation_.Next(output_); }

  Step OnBytes(absl::string_view bytes, bool is_full = false) {
    conversation_.OnBytes(bytes, output_, is_full);
    return Next();
  }

  // Does kSend, and returns what is sent.
  std::string Send() {
    EXPECT_EQ(conversation_.step(), Step::kSend);
    std::string sent;
    for (iovec piece; output_.FrontMemory(&piece, 1) == 1;) {
      sent.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      output_.Sent(static_cast<int64_t>(piece.iov_len));
    }
    output_.TakeCounts();
    return sent;
  }

  void RunTask() { RunTaskOf(conversation_); }
  void RunTaskOf(const Conversation& conversation) {
    EXPECT_EQ(conversation.step(), Step::kRunTask);
    output_.TakeWork()(output_);
  }

  void Resume() {
    EXPECT_EQ(conversation_.step(), Step::kResume);
    conversation_.Resume(output_);
  }

  LineSession* const session_ = new LineSession();
  Conversation conversation_{std::unique_ptr<Session>(session_)};
  Output output_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_CONVERSATION_TEST_FIXTURE_H_
