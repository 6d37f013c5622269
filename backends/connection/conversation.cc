#include "backends/connection/conversation.h"

#include <utility>

namespace polyserve {

void Conversation::OnBytes(absl::string_view bytes, Output& output, bool more_may_follow) {
  was_asked_ = is_leaving_;
  more_may_follow_ = more_may_follow;
  if (unconsumed_.empty()) return Show(bytes, output);  // The usual case: nothing is copied.
  unconsumed_.append(bytes.data(), bytes.size());
  Show(absl::string_view(unconsumed_).substr(unconsumed_begin_), output);
}

void Conversation::HoldBack(absl::string_view bytes) {
  was_asked_ = is_leaving_;
  unconsumed_.append(bytes.data(), bytes.size());
  paused_ = true;
}

void Conversation::OnEnd(Output& output) {
  end_came_ = true;
  if (paused_) return;
  ended_ = true;
  session_->OnEndOfInput(output);
}

void Conversation::OnTime(Output& output) {
  session_->OnTime(output);
  paused_ = !output.wants_more();
  CloseIfLast(output);
}

void Conversation::OnStop() {
  if (std::exchange(is_leaving_, true)) return;
  session_->OnStop();
}

// Closes behind the answer to what has come since the stop.
void Conversation::CloseIfLast(Output& output) {
  if (!was_asked_ || more_may_follow_ || mailbox_ != nullptr || output.closing() || !idle()) return;
  output.Close();
}

bool Conversation::ContinueInput(Output& output) {
  if (!paused_) return ShowMail(output);
  session_->OnResume(output);  // First: what it has to say may be that the peer hears others from now on.
  if (!output.wants_more()) return true;
  mail_first_ = !mail_first_;
  if (mail_first_ && ShowMail(output) && !output.wants_more()) return true;
  paused_ = false;
  const bool has_rest = !unconsumed_.empty();
  if (has_rest) Show(absl::string_view(unconsumed_).substr(unconsumed_begin_), output);
  if (end_came_ && !paused_ && !output.closing()) OnEnd(output);
  CloseIfLast(output);
  return has_rest || end_came_ || output.closing() || ShowMail(output) || !output.empty();
}

// As much as the output takes, so that what is due to the peer leaves in one piece.
bool Conversation::ShowMail(Output& output) {
  bool has_shown = false;
  while (has_mail() && output.wants_more()) {
    const Message message = mailbox_->Next();
    if (message == nullptr) break;  // Cut off meanwhile.
    session_->OnMessage(message, output);
    has_shown = true;
  }
  return has_shown;
}

void Conversation::Show(absl::string_view bytes, Output& output) {
  Input input(bytes, more_may_follow_);
  session_->OnInput(input, output);
  if (mailbox_ == nullptr) mailbox_ = session_->mailbox();
  paused_ = !output.wants_more();
  KeepRest(input.bytes());
  CloseIfLast(output);
}

void Conversation::KeepRest(absl::string_view rest) {
  if (rest.empty()) {
    unconsumed_ = std::string();  // Idle sessions hold no buffer.
    unconsumed_begin_ = 0;
  } else if (unconsumed_.empty()) {
    unconsumed_.assign(rest.data(), rest.size());
  } else {
    unconsumed_begin_ = unconsumed_.size() - rest.size();
    if (unconsumed_begin_ > unconsumed_.size() / 2) {  // Half at least, so that moving stays linear.
      unconsumed_.erase(0, unconsumed_begin_);
      unconsumed_begin_ = 0;
    }
  }
}

}  // namespace polyserve
