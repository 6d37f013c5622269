#include "backends/datagram_port.h"

#include <poll.h>

#include <iterator>
#include <utility>

#include "backends/idle_ticks.h"
#include "backends/send_datagrams.h"
#include "base/logging.h"
#include "room/mailbox.h"

namespace polyserve {

namespace {

// Answered in one turn, before the others'.
constexpr int kDatagramsPerTurn = 64;
// As many are answered once the server stops, and so long is waited for the socket to take an answer.
constexpr int kMostAtTheEnd = 16 * 1024;
constexpr int kWritableMilliseconds = 100;
// Whose time has come while an answer of somebody else waits for the socket is told so later.
constexpr absl::Duration kTellLater = absl::Milliseconds(5);

}  // namespace

struct DatagramPort::Mail final : public Wakeable {
  Mail(DatagramPort& port, Peers::iterator peer)
      : port(port), peer(peer), entry(port.wakes_, *this, *peer->session->mailbox()), later([this] { OnWoken(); }) {}
  void OnWoken() override { port.TellMail(peer); }

  DatagramPort& port;
  const Peers::iterator peer;
  WakeList::Entry entry;
  Alarm later;
};

DatagramPort::Peer::Peer(const DatagramPath& path, std::unique_ptr<Session> session, uint32_t last_served)
    : path(path), session(std::move(session)), last_served(last_served) {}

DatagramPort::Peer::~Peer() = default;

DatagramPort::DatagramPort(const Listener& listener, ServeContext& context, Alarms& alarms, WakeList& wakes)
    : listener_(listener),
      counters_(OfService(context.statistics.counters(), listener.number)),
      turnstile_(context.turnstile.get()),
      alarms_(alarms),
      wakes_(wakes),
      sources_(context.listeners) {}

DatagramPort::~DatagramPort() {
  for (size_t i = 0; i < peers_.size(); ++i) CountEnd(counters_, turnstile_);
}

bool DatagramPort::Serve() {
  if (is_blocked()) return GoOn();
  for (int i = 0; i < kDatagramsPerTurn && !is_blocked(); ++i) {
    if (!ServeOne()) return i > 0;
  }
  return true;
}

// False where nothing had come.
bool DatagramPort::ServeOne() {
  DatagramPath path;
  const ssize_t size = ReceiveDatagram(fd(), buffer_, path);
  if (size < 0) return false;
  Counters::Add(counters_.bytes_in, size);
  const Peers::iterator peer = Find(path);
  if (peer != nobody()) Show(absl::string_view(buffer_, static_cast<size_t>(size)), peer);
  return true;
}

void DatagramPort::Show(absl::string_view datagram, Peers::iterator peer) {
  Input input(datagram);
  peer->session->OnInput(input, output_);
  Answer(peer);
}

void DatagramPort::TellTime(Peers::iterator peer) {
  if (is_blocked()) return WakeIn(peer, kTellLater);
  peer->session->OnTime(output_);
  Answer(peer);
}

// Hearing something is no sign of life, so this does not put off the time-out.
void DatagramPort::TellMail(Peers::iterator peer) {
  Mailbox& mailbox = *peer->session->mailbox();
  if (mailbox.is_cut_off()) {
    const absl::string_view farewell = peer->session->farewell();
    if (!is_blocked() && !farewell.empty()) output_.Write(farewell), PerformAll(peer);
    return Forget(peer);
  }
  if (is_blocked()) GoOn();
  if (is_blocked()) return alarms_.Set(peer->mail->later, kTellLater);
  while (output_.wants_more()) {
    const Message message = mailbox.Next();
    if (message == nullptr) break;
    peer->session->OnMessage(message, output_);
  }
  if (!PerformAll(peer)) return Forget(peer);
  if (mailbox.has_mail()) peer->mail->entry.Wake();  // After the others' turn.
}

// Performs the output of this peer's session.
void DatagramPort::Answer(Peers::iterator peer) {
  if (!PerformAll(peer)) return Forget(peer);
  Place(peer);
}

// The same; false where the session has ended.
bool DatagramPort::PerformAll(Peers::iterator peer) {
  const bool is_sent = Perform(peer->path, output_);
  const bool closing = output_.closing();
  if (is_sent && output_.asks_for_wake()) WakeIn(peer, output_.TakeWakeIn());
  if (!is_sent) blocked_.emplace(Blocked{peer->path, std::exchange(output_, Output(Output::Kind::kDatagrams))});
  output_.Clear();
  return !closing;
}

// False where the socket takes no more for now.
bool DatagramPort::Perform(const DatagramPath& path, Output& output) {
  while (SendDatagrams(fd(), &path, output, counters_)) {
    if (!output.has_work()) return true;
    output.TakeWork()(output);  // In place: here it keeps all the others waiting.
  }
  return false;
}

bool DatagramPort::GoOn() {
  const int64_t unsent = blocked_->output.unsent_bytes();
  if (!Perform(blocked_->path, blocked_->output)) return blocked_->output.unsent_bytes() < unsent;
  const auto peer = peers_.find(blocked_->path);
  if (blocked_->output.asks_for_wake() && peer != peers_.end()) {
    WakeIn(peer->second, blocked_->output.TakeWakeIn());
  }
  blocked_.reset();
  return true;
}

void DatagramPort::WakeIn(Peers::iterator peer, absl::Duration after) {
  if (peer->wake == nullptr) peer->wake = std::make_unique<Alarm>([this, peer] { TellTime(peer); });
  alarms_.Set(*peer->wake, after);
}

// The peer of this path, a new one where it was not known; nobody() where it is refused.
DatagramPort::Peers::iterator DatagramPort::Find(const DatagramPath& path) {
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
  Peers& fresh = by_rank_[kUnverified];
  fresh.emplace_back(path, listener_.make_session(), ticks_);
  const Peers::iterator peer = std::prev(fresh.end());
  if (peer->session->mailbox() != nullptr) peer->mail = std::make_unique<Mail>(*this, peer);
  peers_.emplace(path, peer);
  return peer;
}

void DatagramPort::Refuse(const DatagramPath& path, absl::string_view why) {
  Counters::Add(counters_.refused, 1);
  LOG_EVERY_N(WARNING, 1000) << "refused a peer of " << listener_.service << ", " << path.peer.ToString() << ": " << why
                             << " (refused so far: " << counters_.refused << ")";
}

bool DatagramPort::MakeRoom() { return peers_.size() < kMaxPeers || Evict(); }

// Counts one more in, in the place of another one where the server is full.
bool DatagramPort::Enter() {
  if (turnstile_ == nullptr) return Counters::Add(counters_.accepted, 1), true;
  return turnstile_->TryEnter(counters_) || (Evict() && turnstile_->TryEnter(counters_));
}

// False where all are known to be there.
bool DatagramPort::Evict() {
  for (const Rank rank : {kBlank, kUnverified}) {
    if (by_rank_[rank].empty()) continue;
    Forget(by_rank_[rank].begin());
    return true;
  }
  return false;
}

// Notes that it was just served, and whether it still matters.
void DatagramPort::Place(Peers::iterator peer) {
  Peers& from = ListOf(*peer);
  peer->last_served = ticks_;
  peer->rank = peer->session->is_blank() ? kBlank : peer->session->is_verified() ? kKnown : kUnverified;
  Peers& to = ListOf(*peer);
  to.splice(to.end(), from, peer);
}

void DatagramPort::Forget(Peers::iterator peer) {
  CountEnd(counters_, turnstile_);
  peers_.erase(peer->path);
  ListOf(*peer).erase(peer);
}

void DatagramPort::OnTick() {
  ++ticks_;
  for (Peers& list : by_rank_) {
    while (!list.empty() && ticks_ - list.front().last_served > kTicksPerTimeout) Forget(list.begin());
  }
}

void DatagramPort::Drain() {
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
