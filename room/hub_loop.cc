#include "room/hub_loop.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "net/fd_passing.h"
#include "room/hub_wire.h"

namespace polyserve {

namespace {

// Events beyond these are reported by the next call; the kernel lets the ready descriptors take turns.
constexpr int kEventsPerTurn = 64;
constexpr size_t kKeptBytes = 1024;  // A guest keeps no larger buffer between two iterations.
constexpr int kPacketsPerTurn = 16;  // Of one guest, before the others' turn.
// A text of the largest size, with the names of a speaker, a member and an address around it.
constexpr size_t kMaxLineBytes = kMaxTextBytes + 3 * kMaxNameBytes + 128;

std::string PacketOf(HubPacket kind, absl::string_view text = "") { return absl::StrCat(std::string(1, kind), text); }

// The errors of Member::Join() that can occur here: the name itself was checked by the member before it was sent.
std::string AnswerTo(const absl::Status& joined) {
  if (joined.ok()) return PacketOf(kHubDone);
  if (absl::IsFailedPrecondition(joined)) return PacketOf(kHubBanned, joined.message());
  return PacketOf(absl::IsPermissionDenied(joined) ? kHubAdmins : kHubTaken);
}

}  // namespace

// A member, as the hub has it. It destroys itself when its process has gone, or does not take what is due to it; the
// Member in it then leaves the room. So nothing may touch a guest after OnEvents() or OnReady(). Order on its socket:
// all mail that was due before an answer is sent before it, as with a room in one process; but the answer to a join
// comes first, since the history behind it may be more than the other side collects at once.
class HubLoop::Guest : public boost::intrusive::list_base_hook<>, public Wakeable {
 public:
  Guest(HubLoop& loop, UniqueFd fd)
      : loop_(loop), fd_(std::move(fd)), member_(loop.room_.NewMember()), wake_(*loop.wakes_, *this, *member_) {
    loop.guests_->push_back(*this);
  }
  virtual ~Guest() { loop_.guests_->erase(loop_.guests_->iterator_to(*this)); }

  int fd() const { return fd_.get(); }

  // What came with its socket. False if the answer cannot be sent.
  bool Welcome(absl::string_view packet) {
    OnPacket(packet);
    return Send();
  }

  // Errors and hang-ups are found by receiving, too: what the peer sent before it ended is still there, and is to be
  // said in the room.
  void OnEvents(uint32_t events) {
    if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0 && !Receive()) return delete this;
    if ((events & EPOLLOUT) != 0) OnReady();
  }

  void OnReady() override {
    if (is_joining_) TakeAnswer();
    if (member_->is_cut_off()) SayWhy();
    if (member_->is_cut_off() || !Send()) delete this;
  }

 private:
  // Executes what the member has sent, at most kPacketsPerTurn packets: epoll_wait(2) reports the rest again. An answer
  // leaves at once, behind the mail that is due. False if the other side has gone.
  bool Receive() {
    char packet[kMaxHubLinesBytes];
    for (int i = 0; i < kPacketsPerTurn; ++i) {
      // One packet for each call (SOCK_SEQPACKET). The kernel cuts off what exceeds the buffer; a member never sends
      // that much, since it checks names and texts itself.
      const ssize_t size = ::recv(fd_.get(), packet, sizeof(packet), MSG_DONTWAIT);
      if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
      if (size < 0 && errno == ECONNRESET) continue;  // It left mail unread. That comes before what it had said.
      if (size <= 0) return false;
      if (OnPacket(absl::string_view(packet, static_cast<size_t>(size))) && !Send()) return false;
    }
    return true;
  }

  // These return whether there is an answer. A join of a member that has a name, and a malformed text, are ignored: our
  // own members send neither.
  bool OnPacket(absl::string_view packet) {
    if (packet[0] == kHubJoin) return Join(packet.substr(1));
    bool is_answered = false;
    for (const absl::string_view line : absl::StrSplit(packet, '\n', absl::SkipEmpty())) {
      is_answered = OnLine(line[0], line.substr(1)) || is_answered;
    }
    return is_answered;
  }

  bool OnLine(char kind, absl::string_view text) {
    if (kind == kHubSay && CheckText(text).ok()) member_->Say(text);
    if (kind == kHubExecute && CheckText(text).ok()) member_->Execute(text);
    if (kind != kHubLeave) return false;
    member_->Leave();
    is_joining_ = false;
    answer_ = PacketOf(kHubDone);
    return true;
  }

  // A member that joins has no mail from before: the answer to its last leave came behind that.
  bool Join(absl::string_view name_and_address) {
    if (!member_->name().empty() || is_joining_) return false;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(name_and_address, absl::MaxSplits('\n', 1));
    member_->set_address(parts.second);
    const absl::Status joined = member_->Join(parts.first);
    // The room is shared with other servers, and asks them; it wakes the guest when they have answered.
    is_joining_ = joined.ok() && member_->awaits_answer();
    if (!is_joining_) (packet_.empty() ? packet_ : answer_) = AnswerTo(joined);
    return !is_joining_;
  }

  void TakeAnswer() {
    const std::optional<absl::Status> joined = member_->PollAnswer();
    if (!joined.has_value()) return;
    is_joining_ = false;
    (packet_.empty() ? packet_ : answer_) = AnswerTo(*joined);
  }

  // Its last packet, if the socket takes it at once: a member that does not read learns only that it was cut off.
  void SayWhy() const {
    if (member_->eviction().empty()) return;
    const std::string packet = PacketOf(kHubPutOut, member_->eviction());
    ::send(fd_.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  // Sends what is due, and the answer behind it. A packet that the socket does not take is kept, and no other is made
  // meanwhile: what follows stays in the mailbox, where it counts. False if the socket cannot be watched, or there is
  // no memory for the packet.
  bool Send() {
    while (!is_deaf_) {
      if (packet_.empty()) Pack();
      if (packet_.empty()) break;
      const ssize_t sent = ::send(fd_.get(), packet_.data(), packet_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno == EAGAIN) return WaitForRoom(true);
      // For want of memory. A guest that missed a message and stayed would never know.
      if (sent < 0 && errno != EPIPE && errno != ECONNRESET) return false;
      is_deaf_ = sent < 0;  // It has gone, but what it had said is still to come.
      packet_.clear();
    }
    // There may be thousands of guests, and most are silent most of the time.
    if (packet_.capacity() > kKeptBytes) packet_ = std::string();
    return WaitForRoom(false);
  }

  // The next packet: as many messages as fit, or else the answer.
  void Pack() {
    while (packet_.size() + kMaxLineBytes < kMaxHubPacketBytes) {
      const Message message = member_->Next();
      if (message == nullptr) break;
      if (packet_.empty()) packet_.assign(1, kHubMail);
      packet_ += *message;
    }
    if (packet_.empty()) packet_.swap(answer_);
  }

  // EPOLLOUT only while a packet is held back: a socket is nearly always writable, and would wake the loop for nothing.
  bool WaitForRoom(bool waits) {
    if (waits == waits_) return true;
    waits_ = waits;
    epoll_event event = {};
    event.events = waits ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.ptr = this;
    return ::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_MOD, fd_.get(), &event) == 0;
  }

  HubLoop& loop_;
  const UniqueFd fd_;
  bool is_deaf_ = false;
  bool waits_ = false;       // For room in the socket.
  bool is_joining_ = false;  // The room has not answered yet.
  std::string packet_;       // Not sent yet.
  std::string answer_;       // The same, behind all messages.
  const std::unique_ptr<Member> member_;
  WakeList::Entry wake_;
};

absl::StatusOr<std::unique_ptr<HubLoop>> HubLoop::Create(int join_fd, UniqueFd server, Room& room) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return SysError("epoll_create1");
  absl::StatusOr<std::unique_ptr<WakeList>> wakes = WakeList::Create();
  if (!wakes.ok()) return wakes.status();
  std::unique_ptr<HubLoop> loop(new HubLoop(std::move(epoll), join_fd, std::move(server), *std::move(wakes), room));
  absl::Status status = loop->Watch(join_fd, nullptr);
  status.Update(loop->Watch(loop->server_.get(), loop.get()));
  status.Update(loop->Watch(loop->wakes_->fd(), loop->wakes_.get()));
  if (!status.ok()) return status;
  return loop;
}

HubLoop::HubLoop(UniqueFd epoll, int join_fd, UniqueFd server, std::unique_ptr<WakeList> wakes, Room& room)
    : epoll_(std::move(epoll)),
      join_fd_(join_fd),
      server_(std::move(server)),
      wakes_(std::move(wakes)),
      room_(room),
      guests_(std::make_unique<Guests>()) {}

// Each guest leaves the list in its destructor.
HubLoop::~HubLoop() {
  while (!guests_->empty()) delete &guests_->front();
}

absl::Status HubLoop::Watch(int fd, void* tag) const {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = tag;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? absl::OkStatus() : SysError("epoll_ctl");
}

// Mail is delivered once for each iteration, after all events: if ten members speak in one, each of the others gets the
// ten lines in one packet. With guests listed already the wait is only a look (a time-out of 0). Each descriptor is in
// a batch of events at most once, and a guest destroys no other one: a neighbour whose mailbox its words have filled is
// only listed, and goes in Deliver(). So no event points to a guest that is gone.
absl::Status HubLoop::Run() {
  wakes_->BelongToThisThread();
  while (true) {
    epoll_event events[kEventsPerTurn];
    const int count = ::epoll_wait(epoll_.get(), events, kEventsPerTurn, wakes_->empty() ? -1 : 0);
    if (count < 0 && errno != EINTR) return SysError("epoll_wait");
    bool has_visitor = false;
    for (int i = 0; i < count; ++i) {
      void* const tag = events[i].data.ptr;
      if (tag == this) return absl::OkStatus();
      has_visitor = has_visitor || tag == nullptr;
      if (tag == wakes_.get()) wakes_->TakeWake();
      if (tag != nullptr && tag != wakes_.get()) static_cast<Guest*>(tag)->OnEvents(events[i].events);
    }
    // Last, so that a name whose owner has left in this iteration is free for the member that comes.
    if (has_visitor && !Receive()) return absl::OkStatus();
    wakes_->Deliver();  // All that this iteration has brought to a guest leaves with one call.
  }
}

// Takes in a guest, by its first packet, which came along with its socket. False if there will be no more: all other
// ends of the join_fd are closed. A parcel that was lost for want of descriptors only costs its sender kHubPatience.
bool HubLoop::Receive() {
  absl::StatusOr<Parcel> parcel = ReceiveParcel(join_fd_);
  if (absl::IsCancelled(parcel.status())) return false;
  if (!parcel.ok() || parcel->descriptors.size() != 1) {
    LOG_FLOOD(WARNING) << "lost a member on its way to the chat room: " << parcel.status().message();
    return true;
  }
  // It owns itself from here on: the list only finds it again at the end.
  Guest* const guest = new Guest(*this, std::move(parcel->descriptors[0]));
  if (!Watch(guest->fd(), guest).ok() || !guest->Welcome(parcel->text)) delete guest;
  return true;
}

}  // namespace polyserve
