#include "backends/udp/udp_socket.h"

#include <poll.h>

#include <iterator>
#include <utility>

#include "backends/connection/fairness.h"
#include "backends/udp/datagram_steps.h"
#include "backends/udp/send_datagrams.h"
#include "base/logging.h"
#include "base/mailbox.h"
#include "net/coarse_clock.h"

namespace polyserve {

namespace {

// The most datagrams that are answered once the server stops, and how long to wait for the socket to take an answer.
constexpr int kMostAtTheEnd = 16 * 1024;
constexpr int kWritableMilliseconds = 100;

}  // namespace

struct UdpSocket::Mail final : public Wakeable {
  Mail(UdpSocket& port, Peers::iterator peer)
      : port(port),
        peer(peer),
        entry(port.wakes_, *this, *peer->conversation.mailbox()),
        later([this] { OnReady(); }) {}
  void OnReady() override { port.OnMail(peer); }

  UdpSocket& port;
  const Peers::iterator peer;
  WakeList::Entry entry;
  Timer later;
};

UdpSocket::Peer::Peer(const DatagramPath& path, std::unique_ptr<Session> session, uint32_t last_served)
    : path(path), conversation(std::move(session)), last_served(last_served) {}

UdpSocket::Peer::~Peer() = default;

UdpSocket::UdpSocket(const Listener& listener, ServerContext& context, Timers& timers, WakeList& wakes)
    : listener_(listener),
      counters_(OfService(context.statistics.counters(), listener.number)),
      connection_limit_(context.connection_limit.get()),
      timers_(timers),
      wakes_(wakes),
      sources_(UdpEndpoints(context)) {}

UdpSocket::~UdpSocket() {
  for (size_t i = 0; i < peers_.size(); ++i) CountEnd(counters_, connection_limit_);
}

bool UdpSocket::Serve() {
  if (is_blocked()) return GoOn();
  for (int i = 0; i < kDatagramsPerTurn && !is_blocked(); ++i) {
    if (!ServeOne()) return i > 0;
  }
  return true;
}

// False: nothing had come.
bool UdpSocket::ServeOne() {
  DatagramPath path;
  const ssize_t size = ReceiveDatagram(fd(), buffer_, path);
  if (size < 0) return false;
  Counters::Add(counters_.bytes_in, size);
  const Peers::iterator peer = Find(path);
  if (peer != none()) Show(absl::string_view(buffer_, static_cast<size_t>(size)), peer);
  return true;
}

void UdpSocket::Show(absl::string_view datagram, Peers::iterator peer) {
  peer->conversation.OnDatagram(datagram, output_);
  if (TakeSteps(peer)) Place(peer);
}

void UdpSocket::OnTimer(Peers::iterator peer) {
  if (is_blocked()) return SetTimer(peer, kRetryBlocked);
  peer->conversation.OnTimer();
  if (TakeSteps(peer)) Place(peer);
}

// Mail is no sign of life, so this does not put off the time-out.
void UdpSocket::OnMail(Peers::iterator peer) {
  if (peer->conversation.is_cut_off()) return End(peer);
  if (is_blocked() && *blocked_ != peer) GoOn();
  if (is_blocked()) return timers_.Set(peer->mail->later, kRetryBlocked);
  TakeSteps(peer);
}

// Takes steps until the next one has to wait, with the peer that the output belongs to. False: the peer is forgotten.
bool UdpSocket::TakeSteps(Peers::iterator peer) {
  if (peer->mail == nullptr && peer->conversation.mailbox() != nullptr)
    peer->mail = std::make_unique<Mail>(*this, peer);
  blocked_.reset();
  while (true) {
    switch (TakeDatagramSteps(peer->conversation, fd(), &peer->path, output_, counters_)) {
      case Step::kSend:
        blocked_ = peer;
        return true;
      case Step::kSetTimer:
        SetTimer(peer, peer->conversation.TakeTimer(output_));
        break;
      case Step::kResume:
        peer->mail->entry.Wake();  // After the others' turn.
        output_.Clear();
        return true;
      case Step::kEnd:
        output_.Clear();
        return End(peer), false;
      default:
        output_.Clear();
        return true;
    }
  }
}

bool UdpSocket::GoOn() {
  const int64_t unsent = output_.unsent_bytes();
  TakeSteps(*blocked_);
  return !is_blocked() || output_.unsent_bytes() < unsent;
}

void UdpSocket::End(Peers::iterator peer) {
  const absl::string_view closing_message = peer->conversation.closing_message();
  if (peer->conversation.is_cut_off() && !is_blocked() && !closing_message.empty()) {
    const ssize_t sent = SendDatagram(fd(), closing_message, peer->path);
    if (sent > 0) Counters::Add(counters_.bytes_out, sent);
  }
  Forget(peer);
}

void UdpSocket::SetTimer(Peers::iterator peer, absl::Duration after) {
  if (peer->timer == nullptr) peer->timer = std::make_unique<Timer>([this, peer] { OnTimer(peer); });
  timers_.Set(*peer->timer, after);
}

// The peer of this path, a new one if it was not known; none() if it is refused.
UdpSocket::Peers::iterator UdpSocket::Find(const DatagramPath& path) {
  const auto found = peers_.find(path);
  if (found != peers_.end()) return found->second;
  if (!sources_.MayAnswer(path, listener_.own_ports)) {
    Refuse(path, "a server has this port, and the two would answer each other");
    return none();
  }
  if (!MakeRoom() || !Enter()) {
    Refuse(path, "there are too many others");
    return none();
  }
  Peers& fresh = by_rank_[kUnverified];
  fresh.emplace_back(path, listener_.make_session(), ticks_);
  const Peers::iterator peer = std::prev(fresh.end());
  peers_.emplace(path, peer);
  return peer;
}

void UdpSocket::Refuse(const DatagramPath& path, absl::string_view why) {
  Counters::Add(counters_.refused, 1);
  LOG_EVERY_N(WARNING, 1000) << "refused a peer of " << listener_.service << ", " << path.peer.ToString() << ": " << why
                             << " (refused so far: " << counters_.refused << ")";
}

bool UdpSocket::MakeRoom() { return peers_.size() < kMaxPeers || Evict(); }

// Counts one more peer; if the server is full, another one is forgotten for it.
bool UdpSocket::Enter() {
  if (connection_limit_ == nullptr) return Counters::Add(counters_.accepted, 1), true;
  return connection_limit_->TryAcquire(counters_) || (Evict() && connection_limit_->TryAcquire(counters_));
}

// Forgets the peer that matters least. False: all are known to be there.
bool UdpSocket::Evict() {
  for (const Rank rank : {kStateless, kUnverified}) {
    if (by_rank_[rank].empty()) continue;
    Forget(by_rank_[rank].begin());
    return true;
  }
  return false;
}

// Notes that it was just served, and whether it still matters.
void UdpSocket::Place(Peers::iterator peer) {
  Peers& from = ListOf(*peer);
  peer->last_served = ticks_;
  const Session& session = peer->conversation.session();
  peer->rank = session.is_stateless() ? kStateless : session.is_verified() ? kKnown : kUnverified;
  Peers& to = ListOf(*peer);
  to.splice(to.end(), from, peer);
}

void UdpSocket::Forget(Peers::iterator peer) {
  if (blocked_ == peer) {
    blocked_.reset();
    output_.Clear();
  }
  CountEnd(counters_, connection_limit_);
  peers_.erase(peer->path);
  ListOf(*peer).erase(peer);
}

void UdpSocket::OnTick() {
  ++ticks_;
  for (Peers& list : by_rank_) {
    while (!list.empty() && ticks_ - list.front().last_served > kTicksPerTimeout) Forget(list.begin());
  }
}

void UdpSocket::Drain() {
  for (int i = 0; i < kMostAtTheEnd; ++i) {
    if (is_blocked()) {
      pollfd writable = {fd(), POLLOUT, 0};
      if (::poll(&writable, 1, kWritableMilliseconds) <= 0 || !GoOn()) break;
    } else if (!ServeOne()) {
      break;
    }
  }
  for (Peers& list : by_rank_) {
    while (!list.empty()) Forget(list.begin());
  }
}

}  // namespace polyserve
