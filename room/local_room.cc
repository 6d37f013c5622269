#include "room/local_room.h"

#include <utility>

#include "base/logging.h"

namespace polyserve {

// Its place among the seats, and whether it has one, are guarded by the room's lock: the room may drop it at any time,
// on the thread of another member. name_ stays until the member's own thread leaves, so its session sees no change
// meanwhile.
class LocalRoom::LocalMember : public Member {
 public:
  explicit LocalMember(LocalRoom& room) : Member(room.limits_), room_(room) {}
  ~LocalMember() override { Leave(); }

  absl::Status Join(absl::string_view name) override {
    CHECK(name_.empty()) << "it has joined already";
    absl::Status status = room_.Add(*this, name);
    if (status.ok()) name_.assign(name.data(), name.size());
    return status;
  }

  void Say(absl::string_view text) override { room_.Say(*this, text); }

  void Leave() override {
    if (name_.empty()) return;
    room_.Remove(*this);
    name_.clear();
  }

 private:
  friend class LocalRoom;
  static constexpr size_t kNowhere = static_cast<size_t>(-1);

  LocalRoom& room_;
  size_t place_ = kNowhere;
  std::string known_as_;  // name_ is for the member's own thread.
};

std::unique_ptr<Member> LocalRoom::NewMember() { return std::make_unique<LocalMember>(*this); }

// The registry, the seat and the announcement change under one hold of the lock: a member that joins hears everything
// that is said after its arrival was announced, and nothing from before.
absl::Status LocalRoom::Add(LocalMember& seat, absl::string_view name) {
  if (absl::Status status = CheckMemberName(name); !status.ok()) return status;
  MutexLock lock(mutex_);
  if (absl::Status status = names_.Take(name); !status.ok()) return status;
  seat.place_ = seats_.size();
  seat.known_as_.assign(name.data(), name.size());
  seats_.push_back(&seat);
  TellAllBut(&seat, MakeArrival(name));
  return absl::OkStatus();
}

// The line is made before the lock is taken; within it there is only the pushing. The name is read without the lock:
// only the member's own thread, which is this one, changes it.
void LocalRoom::Say(LocalMember& seat, absl::string_view text) {
  if (seat.name().empty()) return;
  const Message message = MakeSaying(seat.name(), text);
  MutexLock lock(mutex_);
  if (seat.place_ != LocalMember::kNowhere) TellAllBut(&seat, message);
}

void LocalRoom::SayAsAdmin(absl::string_view text) {
  const Message message = MakeSaying(admin_name_, text);
  MutexLock lock(mutex_);
  TellAllBut(nullptr, message);
}

// A member that was dropped has left already, and the others have heard so.
void LocalRoom::Remove(LocalMember& seat) {
  MutexLock lock(mutex_);
  if (seat.place_ == LocalMember::kNowhere) return;
  Drop(seat);
  TellAllBut(nullptr, MakeDeparture(seat.known_as_));
}

// Gives the message to all; a member that is cut off by it leaves, which the others hear next. All members hear the
// same messages, so what the slowest one holds contains what all others hold; only the places for them are counted for
// each. The departures are said after the walk over the seats, since saying one may cut off another member in turn.
// That ends: each such call has one seat less.
void LocalRoom::TellAllBut(const LocalMember* one, const Message& message) {
  std::vector<Message> departures;
  size_t places = 0;
  LocalMember* slowest = nullptr;
  for (size_t i = 0; i < seats_.size();) {
    LocalMember& seat = *seats_[i];
    if (&seat != one && !seat.Push(message)) {
      CutOff(seat, departures);  // Another one takes its place, and has its turn now.
      continue;
    }
    places += seat.waiting_messages();
    // Drivers lower these numbers while they are read, so the sum may be a little too high; that errs on the safe side.
    if (slowest == nullptr || seat.waiting_bytes() > slowest->waiting_bytes()) slowest = &seat;
    ++i;
  }
  const bool is_too_much =
      slowest != nullptr && slowest->waiting_bytes() + places * Mailbox::kBytesPerMessage > limits_.waiting_bytes;
  if (is_too_much) {
    // Also empties the mailbox, so that the memory is free at once; a Push() that fails does so itself.
    slowest->Mailbox::CutOff();
    CutOff(*slowest, departures);
  }
  for (const Message& departure : departures) TellAllBut(nullptr, departure);
}

void LocalRoom::CutOff(LocalMember& seat, std::vector<Message>& departures) {
  LOG_EVERY_T(WARNING, 1) << "a member of the room does not read its messages, and is disconnected";
  departures.push_back(MakeDeparture(seat.known_as_));
  Drop(seat);
}

// The last seat takes the dropped one's place: constant time, and the order of seats means nothing. The name is free
// from here on, even if the member was cut off and does not know it yet.
void LocalRoom::Drop(LocalMember& seat) {
  names_.Release(seat.known_as_);
  seats_[seat.place_] = seats_.back();
  seats_[seat.place_]->place_ = seat.place_;
  seats_.pop_back();
  seat.place_ = LocalMember::kNowhere;
}

}  // namespace polyserve
