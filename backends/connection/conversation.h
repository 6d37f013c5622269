// Conversation: what every driver does between a read and a write: it shows a session its input, keeps what the session
// leaves for later, holds input back while enough is unsent, and shows what is in the session's mailbox. Free of I/O.
#ifndef POLYSERVE_BACKENDS_CONNECTION_CONVERSATION_H_
#define POLYSERVE_BACKENDS_CONNECTION_CONVERSATION_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "base/mailbox.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

class Conversation {
 public:
  explicit Conversation(std::unique_ptr<Session> session)
      : session_(std::move(session)), mailbox_(session_->mailbox()) {}

  // Shows bytes that were read, behind those left over. Not while paused(). `more_may_follow`: the read was as long as
  // it could be.
  void OnBytes(absl::string_view bytes, Output& output, bool more_may_follow = false);

  // Keeps bytes that came although the output is not performed yet, for ContinueInput() to show; from now on it is
  // paused(), even where there are none (the end has come). For drivers that cannot stop the kernel from reading at
  // once.
  void HoldBack(absl::string_view bytes);

  // Notes that the peer sends no more; the session is told once it has been shown all that came before.
  void OnEnd(Output& output);

  // The time that the session asked for has passed. When all output is performed, and not while paused().
  void OnTime(Output& output);

  // Goes on with a session that was held up, or has mail. To be called when all output is performed, and when mail has
  // come. Returns false where there was nothing to go on with: time to read.
  bool ContinueInput(Output& output);

  // The server stops. To be called before more input is shown; repeating it changes nothing. From now on the output is
  // closed behind the answer to what comes next.
  void OnStop();
  // While the server stops, and when all output is performed: true if the connection is to be closed as soon as what
  // has come is answered, since it has no request under way and the grace is over. A session with a mailbox has no next
  // request to wait for, and thus no grace.
  bool ends(bool grace_is_over) const { return is_leaving_ && (grace_is_over || mailbox_ != nullptr) && idle(); }

  // Nothing may be shown before ContinueInput().
  bool paused() const { return paused_; }

  // The session was told that the peer sends no more: close when all output is performed.
  bool ended() const { return ended_; }

  // The session's, to be looked after; null where it has none, and then the next two cost nothing. It may be there all
  // at once after each call that shows input.
  Mailbox* mailbox() const { return mailbox_; }
  bool has_mail() const { return mailbox_ != nullptr && mailbox_->has_mail(); }
  // To be ended at once, whatever is unsent.
  bool is_cut_off() const { return mailbox_ != nullptr && mailbox_->is_cut_off(); }

  // For whoever ends it without being asked to; see SendClosingMessage() of backends/connection/closing_message.h.
  absl::string_view closing_message() const { return session_->closing_message(); }

  // The peer owes the rest of a request. To be asked when all output is performed.
  bool awaits_rest_of_request() const { return !paused_ && session_->awaits_rest_of_request(); }

  // Between requests: as far as this side knows, closing now would cut off nothing.
  bool idle() const { return unconsumed_.empty() && !paused_ && session_->idle(); }

 private:
  void Show(absl::string_view bytes, Output& output);
  bool ShowMail(Output& output);
  void CloseIfLast(Output& output);
  void KeepRest(absl::string_view rest);

  std::unique_ptr<Session> session_;
  Mailbox* mailbox_;
  std::string unconsumed_;  // Shown, but not consumed; the first unconsumed_begin_ bytes of it are done with.
  size_t unconsumed_begin_ = 0;
  bool mail_first_ = false;  // At the next ContinueInput(): input that is held up and mail take turns.
  bool paused_ = false;      // There may be more to show as soon as the output is performed.
  bool more_may_follow_ = false;
  bool is_leaving_ = false;  // The server stops.
  bool was_asked_ = false;   // Something has come since.
  bool end_came_ = false;
  bool ended_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_CONVERSATION_H_
