#include "room/hub_loop.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "net/fd_passing.h"
#include "room/hub_wire.h"

namespace polyserve {

namespace {

constexpr int kEventsPerTurn = 64;
constexpr size_t kKeptBytes = 1024;  // A guest keeps no larger buffer between two iterations.
constexpr int kPacketsPerTurn = 16;  // Of one guest, before the others' turn.

HubPacket AnswerTo(const absl::Status& joined) {
  if (joined.ok()) return kHubDone;
  return absl::IsPermissionDenied(joined) ? kHubAdmins : kHubTaken;
}

}  // namespace

// A member, as the hub has it. It destroys itself when its process has gone, or does not take what is due to it.
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
    OnPacket(packet[0], packet.substr(1));
    return Send();
  }

  void OnEvents(uint32_t events) {
    if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0 && !Receive()) return delete this;
    if ((events & EPOLLOUT) != 0) OnReady();
  }

  void OnReady() override {
    if (member_->is_cut_off() || !Send()) delete this;
  }

 private:
  // False if the other side has gone.
  bool Receive() {
    char packet[1 + kMaxTextBytes];
    for (int i = 0; i < kPacketsPerTurn; ++i) {
      const ssize_t size = ::recv(fd_.get(), packet, sizeof(packet), MSG_DONTWAIT);
      if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
      if (size < 0 && errno == ECONNRESET) continue;  // It left mail unread. That comes before what it had said.
      if (size <= 0) return false;
      OnPacket(packet[0], absl::string_view(packet + 1, static_cast<size_t>(size) - 1));
      if (!answer_.empty() && !Send()) return false;
    }
    return true;
  }

  void OnPacket(char kind, absl::string_view text) {
    if (kind == kHubSay && CheckText(text).ok()) member_->Say(text);
    if (kind == kHubJoin && member_->name().empty()) answer_.assign(1, AnswerTo(member_->Join(text)));
    if (kind != kHubLeave) return;
    member_->Leave();
    answer_.assign(1, kHubDone);
  }

  // Sends what is due, and the answer behind it. What the socket does not take waits. False if it cannot be watched.
  bool Send() {
    while (!is_deaf_) {
      if (packet_.empty()) Pack();
      if (packet_.empty()) break;
      const ssize_t sent = ::send(fd_.get(), packet_.data(), packet_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno == EAGAIN) return WaitForRoom(true);
      is_deaf_ = sent < 0;  // It has gone, but what it had said is still to come.
      packet_.clear();
    }
    if (packet_.capacity() > kKeptBytes) packet_ = std::string();
    return WaitForRoom(false);
  }

  // The next packet: as many messages as fit, or else the answer.
  void Pack() {
    while (packet_.size() + kMaxTextBytes + kMaxNameBytes + 64 < kMaxHubPacketBytes) {
      const Message message = member_->Next();
      if (message == nullptr) break;
      if (packet_.empty()) packet_.assign(1, kHubMail);
      packet_ += *message;
    }
    if (packet_.empty()) packet_.swap(answer_);
  }

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
  bool waits_ = false;  // For room in the socket.
  std::string packet_;  // Not sent yet.
  std::string answer_;  // The same, behind all messages.
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

HubLoop::~HubLoop() {
  while (!guests_->empty()) delete &guests_->front();
}

absl::Status HubLoop::Watch(int fd, void* tag) const {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = tag;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? absl::OkStatus() : SysError("epoll_ctl");
}

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

// Takes in a guest. False if there will be no more.
bool HubLoop::Receive() {
  absl::StatusOr<Parcel> parcel = ReceiveParcel(join_fd_);
  if (absl::IsCancelled(parcel.status())) return false;
  if (!parcel.ok() || parcel->descriptors.size() != 1) {
    LOG_EVERY_N(WARNING, 100) << "a member is lost on its way to the chat room: " << parcel.status().message();
    return true;
  }
  Guest* const guest = new Guest(*this, std::move(parcel->descriptors[0]));
  if (!Watch(guest->fd(), guest).ok() || !guest->Welcome(parcel->text)) delete guest;
  return true;
}

}  // namespace polyserve
