#include "backends/pool/client_channel.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backends/accept/connection_passing.h"
#include "net/fd_passing.h"
#include "net/shortage.h"
#include "net/socket.h"
#include "net/wait_set.h"

namespace polyserve {

namespace {

// Sent instead of a client: the worker that receives it leaves.
constexpr absl::string_view kLeave = "exit";
static_assert(kLeave.size() == kClientParcelBytes);  // CountClients() divides the bytes that wait by this length.

// A worker's end of the channel. It leaves only when the channel says so, never for a signal, since a client may be on
// its way.
class ChannelSource : public ClientSource {
 public:
  ChannelSource(int outlet, WaitSet waits, Scoreboard& scoreboard, ServerContext& context)
      : outlet_(outlet), waits_(std::move(waits)), scoreboard_(scoreboard), context_(context) {}

  absl::StatusOr<Connection> Next() override {
    scoreboard_.Wake();  // The parent accepts only while a worker is idle, and may be waiting for this one.
    while (true) {
      // One worker wakes for each message (EPOLLEXCLUSIVE). It may be killed before it receives: then the message stays
      // in the socket for the next worker.
      if (const absl::Status status = waits_.Wait().status(); !status.ok()) {
        if (absl::IsResourceExhausted(status)) PauseForShortage();
        continue;
      }
      absl::StatusOr<Parcel> parcel = ReceiveParcel(outlet_);
      if (absl::IsUnavailable(parcel.status())) continue;  // Another worker was quicker.
      if (absl::IsCancelled(parcel.status())) return parcel.status();
      if (parcel.ok() && parcel->text == kLeave) return absl::CancelledError("dismissed");
      const bool is_short = absl::IsResourceExhausted(parcel.status());
      // Also if the parcel is lost: the client that was in it has to be counted out.
      absl::StatusOr<Connection> client = AdoptClient(std::move(parcel), context_);
      if (client.ok()) return client;
      scoreboard_.Wake();                // The client is lost, so there is room for another one.
      if (is_short) PauseForShortage();  // The next clients are for workers that have descriptors for them.
    }
  }

 private:
  const int outlet_;
  WaitSet waits_;
  Scoreboard& scoreboard_;
  ServerContext& context_;
};

}  // namespace

absl::StatusOr<ClientChannel> ClientChannel::Create() {
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> sockets = MakeParcelSockets();
  if (!sockets.ok()) return sockets.status();
  // The flag belongs to the open file (fcntl(2)), so it holds for the copies of all workers.
  if (absl::Status status = SetNonBlocking(sockets->second.get(), true); !status.ok()) return status;
  return ClientChannel(std::move(sockets->first), std::move(sockets->second));
}

void ClientChannel::Push(const Connection& client, ServerContext& context) {
  SendClient(inlet_.get(), client, context).IgnoreError();  // Logged and counted there.
}

int ClientChannel::CountUntaken() const { return CountClients(outlet_.get()); }

// If it cannot be sent, no worker leaves this time, and the pool asks again a second later.
void ClientChannel::DismissOne() { SendParcel(inlet_.get(), kLeave, {}).IgnoreError(); }

absl::StatusOr<std::unique_ptr<ClientSource>> ClientChannel::Open(Scoreboard& scoreboard,
                                                                  ServerContext& context) const {
  // In the worker: all would share an epoll that was made before the fork, and its wake-ups.
  // A process of several threads would otherwise get all clients until each of its threads has one.
  absl::StatusOr<WaitSet> waits =
      WaitSet::Create(scoreboard.slots_per_worker() > 1 ? WaitSet::Order::kLast : WaitSet::Order::kStays);
  if (!waits.ok()) return waits.status();
  absl::Status status = waits->Add(outlet_.get(), nullptr, WaitSet::Wakes::kOne);
  if (!status.ok()) return status;
  return std::make_unique<ChannelSource>(outlet_.get(), *std::move(waits), scoreboard, context);
}

}  // namespace polyserve
