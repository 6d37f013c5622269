#include "room/hub_room.h"

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "base/mutex.h"
#include "net/deadline.h"
#include "net/fd_passing.h"
#include "room/hub_wire.h"

namespace polyserve {

namespace {

// Beyond it, mail is left in the socket, and then with the hub, which counts it against the room's budget.
constexpr size_t kMaxCollectedBytes = 64 * 1024;

absl::Status Gone() { return absl::UnavailableError("the room does not answer; try again later"); }

}  // namespace

// A member whose seat in the room is with the hub. Collect() is locked because the driver may collect while the session
// polls for its answer, from another thread; all else is called by one thread at a time.
//
//   not announced ─ Join(): the hub_end goes to the hub ─▶ awaits an answer ─▶ joined, or may try another name
//                                                                └─ none within kHubPatience ─▶ lost, for good
class HubRoom::HubMember : public Member {
 public:
  // Both ends are empty if there were no descriptors for them.
  HubMember(HubRoom& room, UniqueFd hub, UniqueFd hub_end)
      : Member(room.limits_), room_(room), hub_(std::move(hub)), hub_end_(std::move(hub_end)) {}

  // One more try for a message that was held back; then the socket closes, and the hub sees that the member has left.
  ~HubMember() override { IsReady(); }

  // The name is checked here, so that a bad one costs the hub nothing.
  absl::Status Join(absl::string_view name) override {
    CHECK(name_.empty()) << "it has joined already";
    if (absl::Status status = CheckMemberName(name); !status.ok()) return status;
    if (awaits_answer() || !hub_.ok() || is_lost_) return Gone();
    if (!Introduce(name)) return Gone();
    wanted_.assign(name.data(), name.size());
    deadline_.emplace(kHubPatience);
    return absl::OkStatus();
  }

  // No more than one packet is held back: may_command() is false until it is sent, and the session reads no further
  // command. Any error but EAGAIN means that the hub is gone, which Collect() will find out.
  void Say(absl::string_view text) override { Tell(kHubSay, text); }

  void Execute(absl::string_view text) override { Tell(kHubExecute, text); }

  // Each packet wakes the hub, and with it those who hear what is said.
  void Cork() override { is_corked_ = true; }

  void Uncork() override {
    is_corked_ = false;
    SendUnsaid();
  }

  // A hub that has no room for it yet is told by PollAnswer(), or, if nobody polls, by the end of the socket. It
  // answers in any case: were that answer not awaited, a later join would take it for its own.
  void Leave() override {
    if (name_.empty()) return;
    name_.clear();
    wanted_.clear();
    AddLine(kHubLeave, "");
    SendUnsaid();
    deadline_.emplace(kHubPatience);
  }

  bool awaits_answer() const override { return deadline_.has_value(); }

  // Collects first: the answer comes through the same socket as the mail, and behind it.
  std::optional<absl::Status> PollAnswer() override {
    SendUnsaid();
    Collect();
    const char answer = answer_.exchange(0);
    if (answer == 0 && !is_lost_ && !deadline_->passed()) return std::nullopt;
    deadline_.reset();
    if (answer == 0 || is_lost_) return Lose(), Gone();
    if (answer == kHubTaken) return NameIsTaken();
    if (answer == kHubAdmins) return NameIsAdministrators(room_.admin_name_);
    if (answer == kHubBanned) return WordsOfBan();
    // The answer to a leave is the same letter. Then wanted_ is empty, and so the member has neither a name nor a place
    // to lose.
    name_ = std::exchange(wanted_, "");
    has_joined_ = !name_.empty();
    return absl::OkStatus();
  }

  int fd() const override { return hub_.get(); }

  void Collect() override {
    MutexLock lock(collecting_);
    while (!is_cut_off() && !is_lost_) {
      // While the mailbox is full the socket is left alone, so its end would go unnoticed behind the mail: a hang-up is
      // looked for separately.
      const bool is_full = waiting_bytes() > kMaxCollectedBytes;
      set_full(is_full);
      if (is_full && HasHungUp()) OnEnd();
      if (is_full || !Receive()) return;
    }
  }

 protected:
  // While it is corked, one more command of any size has to fit, and an E behind it.
  bool IsReady() override {
    const size_t line = 2 + kMaxTextBytes;
    return (is_corked_ && unsaid_.size() + line + 2 <= kMaxHubLinesBytes) || SendUnsaid();
  }

 private:
  // Announces this member to the hub, or, if that was done before, asks for one more name. The hub's end of the socket
  // is given away and closed here, so that this side sees end-of-file if the hub dies.
  bool Introduce(absl::string_view name) {
    const std::string packet = absl::StrCat(std::string(1, kHubJoin), name, "\n", address_);
    if (!hub_end_.ok()) return Send(packet);
    const absl::Status status = SendParcelAtOnce(room_.join_fd_.get(), packet, {hub_end_.get()});
    if (!status.ok()) LOG_FLOOD(WARNING) << "cannot connect a client to the chat room's hub: " << status.message();
    if (status.ok()) hub_end_.reset();
    return status.ok();
  }

  void Tell(HubPacket kind, absl::string_view text) {
    if (name_.empty()) return;
    AddLine(kind, text);
    if (!is_corked_) SendUnsaid();
  }

  void AddLine(HubPacket kind, absl::string_view text) {
    absl::StrAppend(&unsaid_, unsaid_.empty() ? "" : "\n", std::string(1, kind), text);
  }

  // False: the hub has no room for it.
  bool SendUnsaid() {
    if (!unsaid_.empty() && !Send(unsaid_) && errno == EAGAIN) return false;
    unsaid_.clear();
    return true;
  }

  absl::Status WordsOfBan() {
    MutexLock lock(collecting_);
    return IsBanned(words_);
  }

  // False, with errno, if the hub has no room for it (EAGAIN), or is gone. Waits for nothing. A packet is sent as a
  // whole or not at all, so nothing has to be taken up again.
  bool Send(absl::string_view packet) {
    ssize_t sent = 0;
    do {
      sent = ::send(hub_.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent > 0;
  }

  // Receives one packet, and puts messages into the mailbox. False if there is none.
  bool Receive() ABSL_EXCLUSIVE_LOCKS_REQUIRED(collecting_) {
    char packet[kMaxHubPacketBytes];
    const ssize_t size = ::recv(hub_.get(), packet, sizeof(packet), MSG_DONTWAIT);
    // ECONNRESET, once: the hub has closed the socket without reading all. What it has sent comes before its end.
    if (size < 0 && (errno == EINTR || errno == ECONNRESET)) return true;
    if (size < 0 && errno == EAGAIN) return false;
    if (size <= 0) return OnEnd(), false;
    absl::string_view lines(packet + 1, static_cast<size_t>(size) - 1);
    if (packet[0] == kHubPutOut) return OnPutOut(lines), false;
    if (packet[0] == kHubBanned) words_.assign(lines.data(), lines.size());
    if (packet[0] != kHubMail) answer_ = packet[0];
    // The hub packs as many lines into a packet as were due; here they are messages again.
    while (!lines.empty() && packet[0] == kHubMail) {
      const size_t end = lines.find('\n') + 1;
      if (!Push(std::make_shared<const std::string>(lines.substr(0, end)))) break;
      lines.remove_prefix(end);
    }
    return true;
  }

  // POLLHUP is reported even if no event is asked for (poll(2)).
  bool HasHungUp() const {
    pollfd hub = {hub_.get(), 0, 0};
    return ::poll(&hub, 1, 0) == 1;
  }

  // The hub is gone, or has cut the member off for what it did not take. A member that has not joined learns of it from
  // the answer that it waits for. If mail was left behind in the socket, the backlog was the reason, not the hub's end.
  void OnEnd() {
    const bool was_full = is_full();
    set_full(false);
    is_lost_ = true;
    if (!has_joined_) return;
    LOG_FLOOD(WARNING) << "a member has lost the room: the hub has ended, or has disconnected it";
    if (!was_full) NoteLostRoom();
    CutOff();
  }

  // The others have heard already that it has left.
  void OnPutOut(absl::string_view why) {
    set_full(false);
    is_lost_ = true;
    Evict(std::string(why));
  }

  // The hub may still answer, and would then keep a member that has no session; the end of the socket prevents that.
  // shutdown(2) rather than close(2): a driver may be waiting for this descriptor, and its number must not come to mean
  // another file meanwhile.
  void Lose() {
    is_lost_ = true;
    ::shutdown(hub_.get(), SHUT_RDWR);
  }

  HubRoom& room_;
  const UniqueFd hub_;
  UniqueFd hub_end_;                  // Until the hub has been sent it.
  std::optional<Deadline> deadline_;  // Of the answer that is awaited.
  std::string wanted_;                // The name that was asked for; empty if it leaves.
  std::string unsaid_;                // Lines of a packet that is corked, or that the hub had no room for.
  bool is_corked_ = false;
  Mutex collecting_;
  std::string words_ ABSL_GUARDED_BY(collecting_);  // Of a ban.
  std::atomic<char> answer_{0};
  std::atomic<bool> has_joined_{false};  // Once.
  std::atomic<bool> is_lost_{false};
};

void HubRoom::ReachBy(UniqueFd join_fd) {
  if (join_fd_.get() == join_fd.get()) join_fd_.release();  // A forked child is handed what it has already.
  join_fd_ = std::move(join_fd);
}

// The sockets are made for each connection to the chat, before it is known whether that will join: drivers ask for the
// descriptor of a mailbox when they begin to watch it.
std::unique_ptr<Member> HubRoom::NewMember() {
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> ends = MakeParcelSockets();
  if (ends.ok()) return std::make_unique<HubMember>(*this, std::move(ends->first), std::move(ends->second));
  LOG_FLOOD(WARNING) << "cannot connect a client to the chat room's hub: " << ends.status().message();
  return std::make_unique<HubMember>(*this, UniqueFd(), UniqueFd());
}

}  // namespace polyserve
