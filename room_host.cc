#include "room_host.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<RoomHost>> RoomHost::Create(const std::string& admin_name, const RoomLimits& limits,
                                                           bool shares_memory, const RoomLinkOptions& link) {
  // The rules for members hold for the operator as well: members are refused names that contain the operator's, and an
  // empty one, for example, would be contained in every name.
  const absl::Status status = CheckMemberName(admin_name);
  if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat("--admin_name: ", status.message()));
  std::unique_ptr<RoomHost> host(new RoomHost(admin_name, limits, link));
  // Shared, because each listener's services hold the room as well, and may outlive this object.
  if (shares_memory) host->local_room_ = std::make_shared<LocalRoom>(admin_name, limits);
  if (!shares_memory) host->hub_room_ = std::make_shared<HubRoom>(admin_name, limits);
  return host;
}

RoomHost::~RoomHost() {
  // Before hub_ is destroyed, which waits for the hub to end. The hub does so when no process holds this descriptor any
  // more. The members follow in the reverse order of their declaration, so the operator's thread ends before the room
  // in which it speaks.
  if (hub_room_ != nullptr) hub_room_->ReachBy(UniqueFd());
}

std::shared_ptr<Room> RoomHost::room() const {
  if (local_room_ != nullptr) return local_room_;
  return hub_room_;
}

void RoomHost::AddInheritedFd(ServerContext& context) {
  if (hub_room_ == nullptr) return;
  // In an image join_fd() is -1, and the other half counts: what to do with the descriptor that the server has passed
  // on.
  context.inherited_fds.push_back(
      {hub_room_->join_fd(), [room = hub_room_](UniqueFd join) { room->ReachBy(std::move(join)); }});
}

absl::Status RoomHost::Open(ServerContext& context, bool has_operator, const std::function<void()>& in_hub) {
  if (absl::Status status = CheckLink(); !status.ok()) return status;
  if (hub_room_ == nullptr) return absl::OkStatus();
  // The operator speaks where the room is: without an operator, the hub leaves standard input alone.
  absl::StatusOr<std::unique_ptr<Hub>> hub =
      Hub::Start(admin_name_, limits_, has_operator ? STDIN_FILENO : -1, in_hub, link_options_.make);
  if (!hub.ok()) return hub.status();
  hub_ = *std::move(hub);
  // From here on every process that is forked inherits the way to the hub. A model that starts fresh images passes it
  // on explicitly instead; see AddInheritedFd().
  hub_room_->ReachBy(hub_->TakeJoinFd());
  context.child_observers.push_back(this);
  return absl::OkStatus();
}

// hub_ is there: Open() registers this observer only once the hub has started.
bool RoomHost::OnChildEnd(pid_t pid, int wait_status) { return hub_->process().NoteEnd(pid, wait_status); }

// What may be better the next time is for the link to try again: the server serves its own clients meanwhile.
absl::Status RoomHost::CheckLink() const {
  const absl::Status status = link_options_.check == nullptr ? absl::OkStatus() : link_options_.check();
  return absl::IsUnavailable(status) ? absl::OkStatus() : status;
}

// A thread in this process does no harm here: only a model whose clients share memory has a LocalRoom, and those models
// fork no processes for their clients.
absl::Status RoomHost::StartThreads(bool has_operator) {
  if (local_room_ == nullptr) return absl::OkStatus();
  if (link_options_.make != nullptr) {
    absl::StatusOr<std::unique_ptr<RoomLink>> link = link_options_.make(*local_room_);
    if (!link.ok()) return link.status();
    link_ = *std::move(link);
  }
  if (!has_operator) return absl::OkStatus();
  const auto take = [room = local_room_](absl::string_view line) { room->TakeOperatorLine(line); };
  absl::StatusOr<std::unique_ptr<Console>> op = Console::Start(STDIN_FILENO, take);
  if (!op.ok()) return op.status();
  operator_ = *std::move(op);
  return absl::OkStatus();
}

}  // namespace polyserve
