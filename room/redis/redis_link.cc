#include "room/redis/redis_link.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "base/thread.h"
#include "room/redis/redis_scripts.h"

namespace polyserve {

namespace {

// How long XREAD waits for something new: as long as Redis may be silent without being asked whether it is there.
constexpr absl::Duration kReadWait = absl::Seconds(1);
constexpr int kEntriesPerRead = 256;

constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(5);
constexpr absl::Duration kFlushTime = absl::Seconds(1);  // For what is queued at the end.

// If a member has more than this waiting, nothing is read for a moment: what comes after an outage comes faster than
// members speak, and a member that reads must not be cut off for it. One that does not read is not waited for.
constexpr size_t kMuchWaiting = size_t{1} << 20;
constexpr absl::Duration kHoldUp = absl::Milliseconds(20);
constexpr int kMaxHoldUps = 50;

constexpr absl::string_view kLost =
    "the other servers of this room cannot be reached; until they can, only this server's members hear you";
constexpr absl::string_view kBack = "the other servers of this room can be reached again";

uint64_t RandomNumber() {
  uint64_t number = 0;
  PCHECK(::getrandom(&number, sizeof(number), 0) == sizeof(number));
  return number;
}

// "1 line", "2 lines".
std::string Lines(int64_t count) { return absl::StrCat(count, count == 1 ? " line" : " lines"); }

}  // namespace

std::string RedisLink::MakeServerId() { return absl::StrFormat("%016x", RandomNumber()); }

absl::StatusOr<std::unique_ptr<RoomLink>> RedisLink::Start(Options options, LocalRoom& room) {
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.ok()) return SysError("eventfd");
  options.outbox.origin = MakeServerId();
  std::unique_ptr<RedisLink> link(new RedisLink(std::move(options), room, std::move(wake)));
  room.SetLink(link.get());
  absl::StatusOr<std::thread> thread = StartThreadWithoutSignals([link = link.get()] { link->Run(); });
  if (!thread.ok()) return thread.status();
  link->thread_ = *std::move(thread);
  MutexLock lock(link->mutex_);
  while (!link->has_attempted_) link->attempted_.wait(link->mutex_);
  return std::unique_ptr<RoomLink>(std::move(link));
}

RedisLink::RedisLink(Options options, LocalRoom& room, UniqueFd wake)
    : options_(std::move(options)),
      room_(room),
      wake_(std::move(wake)),
      outbox_(options_.outbox, [this] { Wake(); }),
      inbox_(options_.outbox.server, options_.outbox.origin),
      next_attempt_(absl::ZeroDuration()),
      next_refresh_(absl::ZeroDuration()),
      may_bury_(absl::InfiniteDuration()),
      may_read_(absl::ZeroDuration()) {}

RedisLink::~RedisLink() {
  room_.SetLink(nullptr);
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
  }
  Wake();
  if (thread_.joinable()) thread_.join();
}

// The only error is EAGAIN: it is readable already.
void RedisLink::Wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
}

void RedisLink::Run() {
  const auto is_stopping = [this] {
    MutexLock lock(mutex_);
    return is_stopping_;
  };
  while (!is_stopping()) {
    if (const absl::Status status = Serve(); !status.ok()) Lose(status);
    Await(absl::InfiniteDuration());
  }
  if (!is_connected_) return;
  // From here on there is nothing to hear, and no lease to renew: Await() must not end for either.
  reader_.reset();
  next_refresh_ = Deadline(absl::InfiniteDuration());
  outbox_.SayGoodbye();
  for (const Deadline end(kFlushTime); !end.passed() && writer_->OnEvents().ok() && Write().ok() && !outbox_.empty();)
    Await(end.Left());
}

// Until something can be done: by the connections, for the room, or because it is time.
void RedisLink::Await(absl::Duration at_most) {
  pollfd waits[3] = {{wake_.get(), POLLIN, 0}};
  nfds_t count = 1;
  int milliseconds = Deadline(at_most).PollMilliseconds();
  const auto until = [&milliseconds](const Deadline& deadline) {
    milliseconds = std::min(milliseconds, deadline.PollMilliseconds());
  };
  for (const RedisConnection* connection : {writer_.get(), reader_.get()}) {
    if (connection == nullptr) continue;
    waits[count++] = {connection->fd(), connection->events(), 0};
    until(connection->deadline());
  }
  if (writer_ == nullptr) until(next_attempt_);
  if (is_connected_) until(next_refresh_);
  if (is_connected_ && reader_ != nullptr && reading_ == Reading::kNothing) until(may_read_);
  ::poll(waits, count, milliseconds);
  uint64_t wakes = 0;
  [[maybe_unused]] const ssize_t read = ::read(wake_.get(), &wakes, sizeof(wakes));
}

absl::Status RedisLink::Serve() {
  if (writer_ == nullptr && !next_attempt_.passed()) return absl::OkStatus();
  absl::Status status;
  if (writer_ == nullptr) status = Connect();
  if (status.ok()) status = writer_->OnEvents();
  if (status.ok()) status = reader_->OnEvents();
  if (status.ok() && !is_connected_ && writer_->is_ready() && reader_->is_ready()) {
    outbox_.Connect();
    is_connected_ = true;
    next_refresh_ = Deadline(options_.outbox.expiry / 3);
  }
  if (!status.ok() || !is_connected_) return status;
  status = Write();
  if (status.ok()) status = Read();
  if (status.ok() && !is_up_ && is_settled_ && has_read_) NoteUp();
  return status;
}

// Two connections: one that waits for the stream answers nothing else meanwhile.
absl::Status RedisLink::Connect() {
  for (std::unique_ptr<RedisConnection>* connection : {&writer_, &reader_}) {
    absl::StatusOr<std::unique_ptr<RedisConnection>> opened = RedisConnection::Open(options_.server, attempts_);
    if (!opened.ok()) return opened.status();
    *connection = *std::move(opened);
  }
  return absl::OkStatus();
}

absl::Status RedisLink::Write() {
  absl::Status status;
  if (next_refresh_.passed()) {
    outbox_.Refresh(may_bury_.passed());
    next_refresh_ = Deadline(options_.outbox.expiry / 3);
  }
  RedisOutbox::Effects effects;
  RedisReply reply;
  while (true) {
    while (status.ok() && writer_->Next(reply)) status = outbox_.TakeReply(reply, effects);
    // As long as the system takes it.
    if (!status.ok() || writer_->unsent() > 0 || !outbox_.SendTo(*writer_)) break;
    status = writer_->Flush();
  }
  CarryOut(effects);
  is_settled_ = is_settled_ || effects.is_settled;
  return status.ok() ? writer_->fault() : status;
}

// Ends with a question to which the answer is still in the socket, or on its way, or to come: what has been received
// already is not reported by poll(2) again. No more is received here, so that it ends.
absl::Status RedisLink::Read() {
  absl::Status status;
  RedisReply reply;
  while (status.ok()) {
    if (reading_ == Reading::kNothing && !may_read_.passed()) break;
    if (reading_ == Reading::kNothing) {
      Ask();
      status = reader_->Flush();
      continue;
    }
    if (!reader_->Next(reply)) return reader_->fault();
    const Reading asked = std::exchange(reading_, Reading::kNothing);
    status = reply.is_error()            ? absl::UnavailableError(reply.text)
             : asked == Reading::kNewest ? TakeNewest(reply)
                                         : TakeNext(reply);
  }
  return status;
}

void RedisLink::Ask() {
  if (has_read_) {
    reading_ = Reading::kNext;
    reader_->Send({"XREAD", "COUNT", absl::StrCat(kEntriesPerRead), "BLOCK",
                   absl::StrCat(absl::ToInt64Milliseconds(kReadWait)), "STREAMS", kRedisStream, inbox_.cursor()},
                  kReadWait);
  } else {
    reading_ = Reading::kNewest;
    const size_t count = inbox_.cursor().empty() ? std::max(options_.history_lines, size_t{1}) : 1;
    reader_->Send({"XREVRANGE", kRedisStream, "+", "-", "COUNT", absl::StrCat(count)});
  }
}

absl::Status RedisLink::TakeNewest(const RedisReply& reply) {
  const absl::StatusOr<std::vector<RoomEvent>> events = inbox_.TakeNewest(reply);
  if (!events.ok()) return events.status();
  for (const RoomEvent& event : *events) room_.Recall(event);
  has_read_ = true;
  return absl::OkStatus();
}

absl::Status RedisLink::TakeNext(const RedisReply& reply) {
  const absl::StatusOr<std::vector<RoomEvent>> events = inbox_.TakeNext(reply);
  if (!events.ok()) return events.status();
  const int64_t missing = inbox_.TakeMissing();
  if (missing > 0) room_.Notify(absl::StrCat(Lines(missing), " of other servers did not reach this one"));
  const size_t backlog = room_.Hear(*events);
  if (backlog < kMuchWaiting || hold_ups_ >= kMaxHoldUps) {
    hold_ups_ = 0;
    return absl::OkStatus();
  }
  ++hold_ups_;
  may_read_ = Deadline(kHoldUp);
  return absl::OkStatus();
}

void RedisLink::CarryOut(const RedisOutbox::Effects& effects) {
  for (const auto& [target, length] : effects.bans) room_.AddBan(target, length);
  for (const auto& [claim, is_granted] : effects.claims) room_.AnswerClaim(claim, is_granted);
  for (const std::string& name : effects.taken) room_.TakeAway(name);
  for (const auto& [asker, line] : effects.answers) room_.Answer(asker, line);
}

// Nothing is buried for a while: if it was Redis that was away, the others may still be about to come back.
void RedisLink::NoteUp() {
  is_up_ = true;
  attempts_ = 0;
  may_bury_ = Deadline(options_.outbox.expiry);
  LOG(INFO) << "the chat room is shared through " << options_.server.url.shown();
  const int64_t lost = outbox_.TakeLost();
  if (std::exchange(is_told_lost_, false)) {
    room_.Notify(lost == 0 ? std::string(kBack)
                           : absl::StrCat(kBack, "; ", Lines(lost), " of this server's will not reach them"));
  }
  NoteFirstAttempt();
}

void RedisLink::Lose(const absl::Status& why) {
  writer_.reset();
  reader_.reset();
  reading_ = Reading::kNothing;
  if (std::exchange(is_connected_, false)) CarryOut(outbox_.Disconnect());
  is_settled_ = false;
  has_read_ = false;
  may_bury_ = Deadline(absl::InfiniteDuration());
  const bool was_up = std::exchange(is_up_, false);
  if (was_up) {
    LOG(WARNING) << "the chat room has lost the other servers: " << why.message() << "; it tries again";
  } else {
    LOG_EVERY_T(WARNING, 10) << "the chat room cannot reach the other servers: " << why.message() << "; it tries again";
  }
  if (!std::exchange(is_told_lost_, true)) room_.Notify(kLost);
  // All servers lose Redis at the same moment, and should not all come back at the same moment. Before a lease ends,
  // there are several attempts.
  const absl::Duration longest = std::min(kLongestPause, options_.outbox.expiry / 3);
  const absl::Duration pause = std::min(longest, kFirstPause * (int64_t{1} << std::min<size_t>(attempts_, 10)));
  ++attempts_;
  next_attempt_ = Deadline(pause * (0.5 + 0.5 * static_cast<double>(RandomNumber() % 1000) / 1000));
  NoteFirstAttempt();
}

void RedisLink::NoteFirstAttempt() {
  MutexLock lock(mutex_);
  has_attempted_ = true;
  attempted_.notify_all();
}

}  // namespace polyserve
