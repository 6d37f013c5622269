// LocalRoom::LocalMember: a member of a LocalRoom, with its seat. For the room's own files alone.
//
// Its place among the seats, and whether it has one, are guarded by the room's lock: the room may drop it at any time,
// on the thread of another member. name_ stays until the member's own thread leaves, so its session sees no change
// meanwhile.
#ifndef POLYSERVE_ROOM_LOCAL_MEMBER_H_
#define POLYSERVE_ROOM_LOCAL_MEMBER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "room/local_room.h"
#include "room/room.h"

namespace polyserve {

class LocalRoom::LocalMember : public Member {
 public:
  explicit LocalMember(LocalRoom& room) : Member(room.limits_), room_(room) {}
  ~LocalMember() override { Leave(); }

  absl::Status Join(absl::string_view name) override {
    CHECK(name_.empty() && !is_claiming_) << "it has joined already";
    absl::Status status = room_.Add(*this, name);
    if (status.ok() && !is_claiming_) name_.assign(name.data(), name.size());
    return status;
  }

  void Say(absl::string_view text) override { room_.Say(*this, text); }

  void Execute(absl::string_view text) override { room_.Execute(*this, text); }

  void Cork() override { is_corked_ = true; }

  void Uncork() override {
    is_corked_ = false;
    if (std::exchange(is_unheard_, false)) room_.WakeListeners();
  }

  void Leave() override {
    if (name_.empty() && !is_claiming_) return;
    room_.Remove(*this);
    name_.clear();
    is_claiming_ = false;
  }

  bool awaits_answer() const override { return is_claiming_; }

  std::optional<absl::Status> PollAnswer() override {
    if (!is_claiming_) return absl::OkStatus();
    std::optional<absl::Status> answer = room_.FinishJoin(*this);
    if (!answer.has_value()) return std::nullopt;
    is_claiming_ = false;
    if (answer->ok()) name_ = known_as_;
    return answer;
  }

 private:
  friend class LocalRoom;
  static constexpr size_t kNowhere = static_cast<size_t>(-1);

  // With the room's lock held. It has no stream that could have room, so this only wakes a driver that waits (the hub).
  void TakeClaimAnswer(bool is_granted) {
    claim_answer_ = is_granted;
    NoteRoom();
  }

  LocalRoom& room_;
  bool is_corked_ = false;   // For the member's own thread alone, as name_;
  bool is_unheard_ = false;  // it has said something since, for which nobody was woken.
  size_t place_ = kNowhere;
  std::string known_as_;  // name_ is for the member's own thread.
  std::string address_key_;
  bool is_claiming_ = false;  // For the member's own thread: the name was asked for (RoomLink::Claim()).
  // If the room has a link. Guarded by the room's lock.
  std::string key_;                   // Of known_as_.
  int64_t claim_ = 0;                 // While is_claiming_.
  std::optional<bool> claim_answer_;  // To that.
};

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_LOCAL_MEMBER_H_
