#include "backends/udp/udp_socket.h"

#include <poll.h>

#include <iterator>
#include <utility>

#include "backends/connection/fairness.h"
#include "backends/udp/send_datagrams.h"
#include "base/logging.h"
#include "base/mailbox.h"
#include "net/coarse_clock.h"

namespace polyserve {

namespace {

// The most datagrams that are answered once the server stops: peers that go on sending must not keep it from ending.
// The queue of the socket, some megabytes, seldom holds more.
constexpr int kMostAtTheEnd = 16 * 1024;
// How long to wait then for the socket to take an answer. It drains at the speed of the network, within milliseconds.
constexpr int kWritableMilliseconds = 100;

}  // namespace

// `later` tries again while the socket is full: the list would call at once, over and over.
struct UdpSocket::Mail final : public Wakeable {
  Mail(UdpSocket& port, Peers::iterator peer)
      : port(port), peer(peer), entry(port.wakes_, *this, *peer->session->mailbox()), later([this] { OnReady(); }) {}
  void OnReady() override { port.TellMail(peer); }

  UdpSocket& port;
  const Peers::iterator peer;
  WakeList::Entry entry;
  Timer later;
};

UdpSocket::Peer::Peer(const DatagramPath& path, std::unique_ptr<Session> session, uint32_t last_served)
    : path(path), session(std::move(session)), last_served(last_served) {}

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

// While a reply is unsent nothing is received: the kernel's queue bounds what waits, and drops what is too much.
bool UdpSocket::Serve() {
  if (is_blocked()) return GoOn();
  for (int i = 0; i < kDatagramsPerTurn && !is_blocked(); ++i) {
    if (!ServeOne()) return i > 0;
  }
  return true;
}

// False if nothing had come. A datagram of a peer that is refused counts as served.
bool UdpSocket::ServeOne() {
  DatagramPath path;
  // The path has both ends: a reply has to leave from the address that was asked, or the peer does not accept it.
  const ssize_t size = ReceiveDatagram(fd(), buffer_, path);
  if (size < 0) return false;
  Counters::Add(counters_.bytes_in, size);
  const Peers::iterator peer = Find(path);
  if (peer != nobody()) Show(absl::string_view(buffer_, static_cast<size_t>(size)), peer);
  return true;
}

void UdpSocket::Show(absl::string_view datagram, Peers::iterator peer) {
  Input input(datagram);
  peer->session->OnInput(input, output_);
  Answer(peer);
}

// While the socket is full no session can answer, so the timer is put off until there is room.
void UdpSocket::TellTime(Peers::iterator peer) {
  if (is_blocked()) return SetTimer(peer, kRetryBlocked);
  peer->session->OnTime(output_);
  Answer(peer);
}

// Mail is sent to the peer and is no sign of life from it, so this does not put off the time-out. One output for each
// call: a busy room must not keep the other peers waiting.
void UdpSocket::TellMail(Peers::iterator peer) {
  Mailbox& mailbox = *peer->session->mailbox();
  // There was too much mail, or the room has gone: the peer gets the reason, if the socket takes it.
  if (mailbox.is_cut_off()) {
    const absl::string_view closing_message = peer->session->closing_message();
    if (!is_blocked() && !closing_message.empty()) output_.Write(closing_message), PerformAll(peer);
    return Forget(peer);
  }
  if (is_blocked()) GoOn();
  if (is_blocked()) return timers_.Set(peer->mail->later, kRetryBlocked);
  while (output_.wants_more()) {
    const Message message = mailbox.Next();
    if (message == nullptr) break;
    peer->session->OnMessage(message, output_);
  }
  if (!PerformAll(peer)) return Forget(peer);
  if (mailbox.has_mail()) peer->mail->entry.Wake();  // After the others' turn.
}

// Performs the output of this peer's session.
void UdpSocket::Answer(Peers::iterator peer) {
  if (!PerformAll(peer)) return Forget(peer);
  Place(peer);
}

// The same; false if the session has ended. What the socket does not take moves to blocked_, with its timer and its
// tasks: GoOn() sees to them.
bool UdpSocket::PerformAll(Peers::iterator peer) {
  const bool is_sent = Perform(peer->path, output_);
  // Before the output moves away.
  const bool closing = output_.closing();
  if (is_sent && output_.asks_for_wake()) SetTimer(peer, output_.TakeWakeIn());
  if (!is_sent) blocked_.emplace(Blocked{peer->path, std::exchange(output_, Output(Output::Kind::kDatagrams))});
  output_.Clear();
  return !closing;
}

// False if the socket takes no more for now.
bool UdpSocket::Perform(const DatagramPath& path, Output& output) {
  while (SendDatagrams(fd(), &path, output, counters_)) {
    if (!output.has_work()) return true;
    output.TakeWork()(output);  // In place: here it keeps all the others waiting.
  }
  return false;
}

// Returns whether anything has moved. The peer is looked up again: it may have closed, or been evicted, since.
bool UdpSocket::GoOn() {
  const int64_t unsent = blocked_->output.unsent_bytes();
  if (!Perform(blocked_->path, blocked_->output)) return blocked_->output.unsent_bytes() < unsent;
  const auto peer = peers_.find(blocked_->path);
  if (blocked_->output.asks_for_wake() && peer != peers_.end()) {
    SetTimer(peer->second, blocked_->output.TakeWakeIn());
  }
  blocked_.reset();
  return true;
}

// The peer owns the timer, so the iterator in its call is good whenever it fires.
void UdpSocket::SetTimer(Peers::iterator peer, absl::Duration after) {
  if (peer->wake == nullptr) peer->wake = std::make_unique<Timer>([this, peer] { TellTime(peer); });
  timers_.Set(*peer->wake, after);
}

// The peer of this path, a new one if it was not known; nobody() if it is refused. The check of its source comes before
// a place is taken, so a forged datagram that is not answered anyway evicts no peer.
UdpSocket::Peers::iterator UdpSocket::Find(const DatagramPath& path) {
  const auto found = peers_.find(path);
  if (found != peers_.end()) return found->second;
  if (!sources_.MayAnswer(path, listener_.own_ports)) {
    Refuse(path, "a server has this port, and the two would answer each other");
    return nobody();
  }
  if (!MakeRoom() || !Enter()) {
    Refuse(path, "there are too many others");
    return nobody();
  }
  // Unverified for now; Place() asks the session after the first answer.
  Peers& fresh = by_rank_[kUnverified];
  fresh.emplace_back(path, listener_.make_session(), ticks_);
  const Peers::iterator peer = std::prev(fresh.end());
  if (peer->session->wants_peer()) peer->session->OnPeer(path.peer.Host());
  if (peer->session->mailbox() != nullptr) peer->mail = std::make_unique<Mail>(*this, peer);
  peers_.emplace(path, peer);
  return peer;
}

// No answer: it would go to an address that may be forged.
void UdpSocket::Refuse(const DatagramPath& path, absl::string_view why) {
  Counters::Add(counters_.refused, 1);
  LOG_FLOOD(WARNING) << "refused a peer of " << listener_.service << ", " << path.peer.ToString() << ": " << why
                     << " (refused so far: " << counters_.refused << ")";
}

bool UdpSocket::MakeRoom() { return peers_.size() < kMaxPeers || Evict(); }

// Counts one more in, in the place of another one if the server is full. The second attempt may fail, too: another
// thread or process may have taken the place that was freed.
bool UdpSocket::Enter() {
  if (connection_limit_ == nullptr) return Counters::Add(counters_.accepted, 1), true;
  return connection_limit_->TryAcquire(counters_) || (Evict() && connection_limit_->TryAcquire(counters_));
}

// False if all peers are known.
bool UdpSocket::Evict() {
  for (const Rank rank : {kBlank, kUnverified}) {
    if (by_rank_[rank].empty()) continue;
    Forget(by_rank_[rank].begin());
    return true;
  }
  return false;
}

// Notes that it was just served, and whether it still matters. Moved to the end of its list, so the front of each list
// is the peer that has been silent for longest: OnTick() and Evict() look no further. splice() keeps the iterators
// valid that peers_, timers and mail hold.
void UdpSocket::Place(Peers::iterator peer) {
  Peers& from = ListOf(*peer);
  peer->last_served = ticks_;
  peer->rank = peer->session->is_stateless() ? kBlank : peer->session->is_verified() ? kKnown : kUnverified;
  Peers& to = ListOf(*peer);
  to.splice(to.end(), from, peer);
}

// Destroys the peer, with its session, timer and mail; a reply of it that is unsent still goes out (blocked_).
void UdpSocket::Forget(Peers::iterator peer) {
  CountEnd(counters_, connection_limit_);
  // First the map, whose key is taken from the peer.
  peers_.erase(peer->path);
  ListOf(*peer).erase(peer);
}

// Unsigned, so the difference is right when the ticks wrap around.
void UdpSocket::OnTick() {
  ++ticks_;
  for (Peers& list : by_rank_) {
    while (!list.empty() && ticks_ - list.front().last_served > kTicksPerTimeout) Forget(list.begin());
  }
}

// Here the socket is waited for, which no turn of a loop does: nothing would come back to it after the stop.
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
