#include "backends/accept/connection_passing.h"

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "backends/accept/connection_limit.h"
#include "base/logging.h"
#include "net/signals.h"
#include "net/statistics.h"

namespace polyserve {

namespace {

constexpr size_t kFirstInherited = 2;  // Among the descriptors of a Process.

// The client was counted as accepted; its descriptor is closed on this side, and unknown on the other.
void NoteLost(const absl::Status& why, ServerContext& context) {
  LOG_FLOOD(WARNING) << "lost a client on its way to a worker: " << why.message();
  CountEnd(context.statistics.counters(), context.connection_limit.get());
}

}  // namespace

absl::Status SendClient(int inlet, const Connection& client, ServerContext& context) {
  static_assert(kClientParcelBytes == 4);
  // An index: a pointer or the number of a descriptor would mean nothing in another process.
  const std::string text = absl::StrCat(absl::Dec(client.listener - context.listeners.data(), absl::kZeroPad4));
  const absl::Status sent = SendParcel(inlet, text, {client.fd.get()});
  if (!sent.ok()) NoteLost(sent, context);
  return sent;
}

// The number comes from our own parent: if it is out of range, at() ends the process, as a CHECK would.
absl::StatusOr<Connection> TakeClient(absl::StatusOr<Parcel> parcel, ServerContext& context) {
  size_t at = 0;
  if (parcel.ok() && !parcel->descriptors.empty() && absl::SimpleAtoi(parcel->text, &at)) {
    return Connection{std::move(parcel->descriptors[0]), &context.listeners.at(at)};
  }
  NoteLost(parcel.status(), context);
  return absl::UnavailableError("a client is lost");
}

absl::StatusOr<Connection> AdoptClient(absl::StatusOr<Parcel> parcel, ServerContext& context) {
  absl::StatusOr<Connection> client = TakeClient(std::move(parcel), context);
  // One that is lost has to move, too: its end counts in this worker's row, so that is where it must have come in. A
  // row that has more ends than clients would make CountLost() wrong.
  context.statistics.TakeOver(client.ok() ? client->listener->number : kNoService, 1);
  // For a moment it counted in both rows, and an acceptor may have found the server full.
  if (context.connection_limit != nullptr) context.connection_limit->Release();
  return client;
}

// SIOCINQ by its other name: for a SOCK_SEQPACKET socket, the kernel sums up all messages in the queue
// (unix_inq_len()).
int CountClients(int outlet) {
  int bytes = 0;
  return ::ioctl(outlet, FIONREAD, &bytes) == 0 ? bytes / kClientParcelBytes : 0;
}

// The descriptors are the connection, the statistics, those of inherited_fds, and the connection's channel of
// misdelivered datagrams, if any; the argument is the listener's index, and the end of the grace (0: the server does
// not stop).
ProcessArguments PackClient(const Connection& client, const ServerContext& context) {
  std::vector<int> descriptors = {client.fd.get(), context.statistics.fd()};
  for (const InheritedFd& inherited : context.inherited_fds) descriptors.push_back(inherited.fd);
  if (client.misdelivered.ok()) descriptors.push_back(client.misdelivered.get());
  return {std::move(descriptors), absl::StrCat(client.listener - context.listeners.data(), " ", Signals::grace_end())};
}

absl::StatusOr<Connection> UnpackClient(std::vector<UniqueFd> descriptors, absl::string_view argument,
                                        ServerContext& context) {
  const std::vector<absl::string_view> numbers = absl::StrSplit(argument, ' ');
  size_t at = 0;
  int64_t grace_end = 0;
  const size_t inherited_end = kFirstInherited + context.inherited_fds.size();
  if (numbers.size() != 2 || !absl::SimpleAtoi(numbers[0], &at) || at >= context.listeners.size() ||
      !absl::SimpleAtoi(numbers[1], &grace_end) || descriptors.size() < inherited_end) {
    return absl::InvalidArgumentError("not what a client comes with");
  }
  // First of all: a fresh image starts slowly, and the server's grace has begun without it.
  if (grace_end != 0) Signals::RequestStop(grace_end);
  if (absl::Status status = context.statistics.Adopt(std::move(descriptors[1])); !status.ok()) return status;
  Connection client{std::move(descriptors[0]), &context.listeners[at]};
  for (size_t i = 0; i < context.inherited_fds.size(); ++i) {
    context.inherited_fds[i].adopt(std::move(descriptors[kFirstInherited + i]));
  }
  if (descriptors.size() > inherited_end) client.misdelivered = std::move(descriptors.back());
  return client;
}

}  // namespace polyserve
