#include "room/hub_room.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "net/deadline.h"
#include "net/fd_passing.h"
#include "room/hub_wire.h"

namespace polyserve {

namespace {

constexpr int kPacketsPerTurn = 16;  // Then the driver sends what has come, and comes back.

absl::Status Gone() { return absl::UnavailableError("the room is gone, until the server is started anew"); }

class HubMember : public Member {
 public:
  HubMember(const std::string& admin_name, UniqueFd hub) : admin_name_(admin_name), hub_(std::move(hub)) {}

  absl::Status Join(absl::string_view name) override {
    CHECK(name_.empty()) << "it has joined already";
    if (absl::Status status = CheckMemberName(name); !status.ok()) return status;
    const std::optional<char> answer = Ask(kHubJoin, name);
    if (!answer.has_value()) return Gone();
    if (*answer == kHubTaken) return NameIsTaken();
    if (*answer == kHubAdmins) return NameIsAdministrators(admin_name_);
    name_.assign(name.data(), name.size());
    return absl::OkStatus();
  }

  void Say(absl::string_view text) override {
    if (!name_.empty() && !Send(kHubSay, text)) Lose();
  }

  void Leave() override {
    if (name_.empty()) return;
    name_.clear();
    Ask(kHubLeave, "");
  }

  int fd() const override { return hub_.get(); }

  void Collect() override {
    for (int i = 0; i < kPacketsPerTurn && !is_cut_off(); ++i) {
      if (!Receive(MSG_DONTWAIT).has_value()) return;
    }
  }

 private:
  // Waits while the hub has no room for it, which is not long.
  bool Send(HubPacket kind, absl::string_view text) {
    char letter = kind;
    iovec pieces[] = {{&letter, 1}, {const_cast<char*>(text.data()), text.size()}};
    msghdr message = {};
    message.msg_iov = pieces;
    message.msg_iovlen = 2;
    ssize_t sent = 0;
    do {
      sent = ::sendmsg(hub_.get(), &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent > 0;
  }

  // Sends it, and waits for the answer; messages that come before are put into the mailbox. Nothing: the hub is gone.
  std::optional<char> Ask(HubPacket kind, absl::string_view text) {
    if (!hub_.ok() || is_cut_off()) return std::nullopt;
    const Deadline deadline(kHubPatience);
    bool is_there = Send(kind, text);
    while (is_there && !deadline.passed() && !is_cut_off()) {
      pollfd answer = {hub_.get(), POLLIN, 0};
      if (::poll(&answer, 1, deadline.PollMilliseconds()) <= 0) continue;  // EINTR, or the deadline.
      const std::optional<char> kind_of_answer = Receive(MSG_DONTWAIT);
      if (kind_of_answer.has_value() && *kind_of_answer != kHubMail) return kind_of_answer;
    }
    Lose();
    return std::nullopt;
  }

  // Receives one packet, puts messages into the mailbox, and returns what it was. Nothing: there is none.
  std::optional<char> Receive(int flags) {
    char packet[kMaxHubPacketBytes];
    const ssize_t size = ::recv(hub_.get(), packet, sizeof(packet), flags);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
    if (size <= 0) {
      Lose();
      return std::nullopt;
    }
    absl::string_view lines(packet + 1, static_cast<size_t>(size) - 1);
    while (!lines.empty() && packet[0] == kHubMail) {
      const size_t end = lines.find('\n') + 1;
      if (!Push(std::make_shared<const std::string>(lines.substr(0, end)))) break;
      lines.remove_prefix(end);
    }
    return packet[0];
  }

  void Lose() {
    if (!is_cut_off()) LOG(WARNING) << "a member has lost the room: its hub is gone, or has cut it off";
    CutOff();
  }

  const std::string& admin_name_;
  const UniqueFd hub_;  // Empty where there was no hub.
};

}  // namespace

void HubRoom::ReachBy(UniqueFd reception) {
  if (reception_.get() == reception.get()) reception_.release();  // A forked child is handed what it has already.
  reception_ = std::move(reception);
}

std::unique_ptr<Member> HubRoom::NewMember() {
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> ends = MakeParcelSockets();
  absl::Status status = ends.status();
  if (status.ok()) status = SendParcel(reception_.get(), "+", {ends->second.get()});
  if (status.ok()) return std::make_unique<HubMember>(admin_name_, std::move(ends->first));
  LOG_EVERY_N(WARNING, 100) << "nobody can be brought to the chat room's hub: " << status.message();
  return std::make_unique<HubMember>(admin_name_, UniqueFd());
}

}  // namespace polyserve
