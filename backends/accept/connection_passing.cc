#include "backends/accept/connection_passing.h"

#include <sys/ioctl.h>

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "backends/accept/connection_limit.h"
#include "base/logging.h"
#include "net/statistics.h"

namespace polyserve {

namespace {

void NoteLost(const absl::Status& why, ServerContext& context) {
  LOG(WARNING) << "a client is lost on its way to a worker: " << why.message();
  CountEnd(context.statistics.counters(), context.connection_limit.get());
}

}  // namespace

absl::Status SendClient(int inlet, const Connection& client, ServerContext& context) {
  static_assert(kClientParcelBytes == 4);
  const std::string text = absl::StrCat(absl::Dec(client.listener - context.listeners.data(), absl::kZeroPad4));
  const absl::Status sent = SendParcel(inlet, text, {client.fd.get()});
  if (!sent.ok()) NoteLost(sent, context);
  return sent;
}

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
  context.statistics.TakeOver(client.ok() ? client->listener->number : kNoService, 1);
  // For a moment it counted twice, and somebody may have found the server full.
  if (context.connection_limit != nullptr) context.connection_limit->Release();
  return client;
}

int CountClients(int outlet) {
  int bytes = 0;
  return ::ioctl(outlet, FIONREAD, &bytes) == 0 ? bytes / kClientParcelBytes : 0;
}

}  // namespace polyserve
