#include "room_host.h"

#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<RoomHost>> RoomHost::Create(const std::string& admin_name, const RoomLimits& limits,
                                                           bool shares_memory) {
  const absl::Status status = CheckMemberName(admin_name);
  if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat("--admin_name: ", status.message()));
  std::unique_ptr<RoomHost> host(new RoomHost(admin_name, limits));
  if (shares_memory) host->local_room_ = std::make_shared<LocalRoom>(admin_name, limits);
  if (!shares_memory) host->hub_room_ = std::make_shared<HubRoom>(admin_name, limits);
  return host;
}

RoomHost::~RoomHost() {
  if (hub_room_ != nullptr) hub_room_->ReachBy(UniqueFd());  // Else the hub would not end.
}

std::shared_ptr<Room> RoomHost::room() const {
  if (local_room_ != nullptr) return local_room_;
  return hub_room_;
}

void RoomHost::Bequeath(ServerContext& context) {
  if (hub_room_ == nullptr) return;
  if (hub_ != nullptr) context.inherited_fds = {hub_room_->join_fd()};
  context.adopt_inherited_fds = [room = hub_room_](std::vector<UniqueFd> descriptors) {
    if (descriptors.size() == 1) room->ReachBy(std::move(descriptors[0]));
  };
}

absl::Status RoomHost::Open(ServerContext& context, bool has_operator) {
  if (hub_room_ == nullptr) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<Hub>> hub = Hub::Start(admin_name_, limits_, has_operator ? STDIN_FILENO : -1);
  if (!hub.ok()) return hub.status();
  hub_ = *std::move(hub);
  hub_room_->ReachBy(hub_->TakeReception());
  context.hub_process = &hub_->process();
  return absl::OkStatus();
}

absl::Status RoomHost::OpenToOperator() {
  if (local_room_ == nullptr) return absl::OkStatus();
  const auto say = [room = local_room_](absl::string_view text) { room->SayAsAdmin(text); };
  absl::StatusOr<std::unique_ptr<Console>> op = Console::Start(STDIN_FILENO, say);
  if (op.ok()) operator_ = *std::move(op);
  return op.status();
}

}  // namespace polyserve
