#include "fetch/fetch_loop.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/logging.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

constexpr int kEventsPerTurn = 64;
constexpr int kParcelsPerTurn = 256;
constexpr size_t kMaxNameBytes = 4096;
constexpr int kNamesPerRead = 256;  // Of a directory.

// In an event's tag; ids are never used twice, so that an event of something that is gone meanwhile finds nothing.
enum Source : uint64_t { kRequests, kAsker, kFlight };

constexpr uint64_t TagOf(Source source, uint64_t id = 0) { return id << 2 | source; }

bool Register(int epoll, int operation, int fd, uint32_t events, uint64_t tag) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = tag;
  return ::epoll_ctl(epoll, operation, fd, &event) == 0;
}

struct FoundCopy {
  int64_t touched;
  std::string name;
  int64_t bytes;
};

// Opens every file, since only the file itself tells. Links are passed over: what they lead to is found under its own
// name, and two links to a directory above would double the names with each level, forty times over.
std::vector<FoundCopy> FindCopies(const Library& library) {
  std::vector<FoundCopy> found;
  std::vector<std::string> directories = {""};
  while (!directories.empty()) {
    const std::string directory = std::move(directories.back());
    directories.pop_back();
    absl::StatusOr<Library::Directory> names = library.OpenDirectory(directory);
    std::vector<Library::Entry> entries;
    while (names.ok() && names->Read(kNamesPerRead, entries).value_or(false)) {
    }
    for (const Library::Entry& entry : entries) {
      if (entry.is_link) continue;
      std::string name = directory.empty() ? entry.name : absl::StrCat(directory, "/", entry.name);
      if (entry.is_directory) {
        directories.push_back(std::move(name));
      } else if (const absl::StatusOr<Library::File> file = library.Find(name); file.ok() && file->copy != nullptr) {
        found.push_back({file->touched, std::move(name), file->size});
      }
    }
  }
  return found;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FetchLoop>> FetchLoop::Create(int request_fd, FetchOptions options) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return SysError("epoll_create1");
  if (::fcntl(request_fd, F_SETFL, O_NONBLOCK) != 0) return SysError("fcntl");
  if (!Register(epoll.get(), EPOLL_CTL_ADD, request_fd, EPOLLIN, TagOf(kRequests))) return SysError("epoll_ctl");
  std::unique_ptr<FetchLoop> loop(new FetchLoop(request_fd, std::move(options), std::move(epoll)));
  loop->FollowRoot();
  return loop;
}

FetchLoop::FetchLoop(int request_fd, FetchOptions options, UniqueFd epoll)
    : request_fd_(request_fd), options_(std::move(options)), epoll_(std::move(epoll)) {}

FetchLoop::~FetchLoop() = default;

// After a SIGHUP the root may be another directory, with copies of its own.
void FetchLoop::FollowRoot() {
  if (!is_bounded()) return;
  const absl::StatusOr<Library::File> root = options_.library->FindFileOrDirectory("");
  if (!root.ok() || (root->inode == root_inode_ && root->device == root_device_)) return;
  root_inode_ = root->inode;
  root_device_ = root->device;
  ListCopies();
}

// By the time of their last change, which is that of the last fetch or renewal: the nearest to a use that is known of
// those that an earlier server has left.
void FetchLoop::ListCopies() {
  std::vector<FoundCopy> found = FindCopies(*options_.library);
  copies_ = CopyList();
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.touched < b.touched; });
  for (const FoundCopy& copy : found) copies_.Note(copy.name, copy.bytes);
  RemoveOldest(options_.max_copied_bytes, "");
}

// Fetches whose time is over, or that try again to store a file, have no event.
absl::Status FetchLoop::Run() {
  while (!is_over_) {
    epoll_event events[kEventsPerTurn];
    const int count = ::epoll_wait(epoll_.get(), events, kEventsPerTurn, Milliseconds());
    if (count < 0 && errno != EINTR) return SysError("epoll_wait");
    for (int i = 0; i < count; ++i) OnEvent(events[i].data.u64);
    std::vector<uint64_t> due;
    for (const auto& [id, flight] : flights_) {
      if (flight.fetch != nullptr && (flight.fetch->fd() < 0 || flight.fetch->Left() == absl::ZeroDuration())) {
        due.push_back(id);
      }
    }
    for (const uint64_t id : due) StepFlight(id);
    while (fetches_ < kMaxFetches && !waiting_.empty()) StartNext();
  }
  return absl::OkStatus();
}

int FetchLoop::Milliseconds() const {
  int left = -1;
  for (const auto& [id, flight] : flights_) {
    if (flight.fetch == nullptr) continue;
    const int of_this = Deadline(flight.fetch->Left()).PollMilliseconds();
    left = left < 0 ? of_this : std::min(left, of_this);
  }
  return left;
}

void FetchLoop::OnEvent(uint64_t tag) {
  switch (static_cast<Source>(tag & 3)) {
    case kRequests:
      return OnRequests();
    case kAsker:
      return OnAsker(tag >> 2);
    case kFlight:
      return StepFlight(tag >> 2);
  }
}

// A parcel that was lost for want of descriptors has closed the asker's stream: it sees the end.
void FetchLoop::OnRequests() {
  for (int i = 0; i < kParcelsPerTurn; ++i) {
    absl::StatusOr<Parcel> parcel = ReceiveParcel(request_fd_);
    if (absl::IsUnavailable(parcel.status())) return;
    if (absl::IsCancelled(parcel.status())) {
      is_over_ = true;
      return;
    }
    if (parcel.ok()) {
      OnRequest(*std::move(parcel));
    } else {
      LOG_FLOOD(WARNING) << "a client's file is not fetched: " << parcel.status().message();
    }
  }
}

void FetchLoop::OnRequest(Parcel parcel) {
  absl::string_view text = parcel.text;
  if (absl::ConsumePrefix(&text, kRefreshParcel)) {
    copies_.Touch(text);
    return Want(text, 0);
  }
  if (text != kAskParcel || parcel.descriptors.size() != 1) return;  // Our own never are.
  const uint64_t id = next_id_++;
  Asker& asker = askers_[id];
  asker.stream = std::move(parcel.descriptors[0]);
  if (!Register(epoll_.get(), EPOLL_CTL_ADD, asker.stream.get(), EPOLLIN, TagOf(kAsker, id))) askers_.erase(id);
}

// The whole line is there soon: the other end sends it at once. Whatever comes behind it is its end.
void FetchLoop::OnAsker(uint64_t id) {
  const auto found = askers_.find(id);
  if (found == askers_.end()) return;
  Asker& asker = found->second;
  char bytes[kMaxNameBytes];
  const ssize_t count = ::recv(asker.stream.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count > 0) asker.line.append(bytes, static_cast<size_t>(count));
  const bool is_too_long = asker.line.size() > kMaxNameBytes;
  if (count <= 0 || asker.has_asked || is_too_long) return static_cast<void>(askers_.erase(found));
  if (asker.line.back() != '\n') return;
  asker.has_asked = true;
  asker.line.pop_back();
  const std::string name = std::exchange(asker.line, "");
  copies_.Touch(name);
  Want(name, id);
}

// `asker` 0: nobody waits for it.
void FetchLoop::Want(absl::string_view name, uint64_t asker) {
  if (IsKnownAbsent(name)) return Answer(asker, {404, "there is no such file"});
  const auto found = names_.find(name);
  if (found != names_.end()) {
    if (asker != 0) Join(flights_[found->second], asker);
    return;
  }
  // Those for whom nobody waits must not stand before others, nor take their places in the queue.
  if (asker == 0 && fetches_ + waiting_.size() >= kMaxFetches) return;
  if (flights_.size() >= kMaxFlights) return Answer(asker, {503, "too many files are being fetched; try again"});
  const uint64_t id = next_id_++;
  Flight& flight = flights_[id];
  flight.name = std::string(name);
  if (asker != 0) flight.askers.push_back(asker);
  names_[name] = id;
  waiting_.push_back(id);
}

// Those that have left are taken out when they are the most: in a fetch that takes hours they would add up.
void FetchLoop::Join(Flight& flight, uint64_t asker) {
  if (flight.askers.size() > 2 * askers_.size()) {
    std::erase_if(flight.askers, [this](uint64_t id) { return !askers_.contains(id); });
  }
  flight.askers.push_back(asker);
}

// A line into an empty socket, which has room for it. If the asker has left, nobody misses it.
void FetchLoop::Answer(uint64_t asker, const FetchAnswer& answer) {
  const auto found = askers_.find(asker);
  if (found == askers_.end()) return;
  const std::string line = absl::StrCat(answer.ToLine(), "\n");
  static_cast<void>(::send(found->second.stream.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  askers_.erase(found);
}

bool FetchLoop::IsKnownAbsent(absl::string_view name) {
  const auto found = absent_.find(name);
  if (found == absent_.end()) return false;
  if (!found->second.passed()) return true;
  absent_.erase(found);
  return false;
}

void FetchLoop::StartNext() {
  const uint64_t id = waiting_.front();
  waiting_.pop_front();
  Flight& flight = flights_[id];
  flight.fetch = std::make_unique<OriginFetch>(options_.library, options_.origin, flight.name);
  ++fetches_;
  StepFlight(id);
}

void FetchLoop::StepFlight(uint64_t id) {
  const auto found = flights_.find(id);
  if (found == flights_.end()) return;
  Flight& flight = found->second;
  if (flight.fetch->Step()) return OnOver(id);
  // The kernel forgets a descriptor that is closed.
  if (flight.fetch->fd() < 0) return;
  if (!Watch(id, flight)) OnOver(id);
}

// False: the system has no memory for it. The fetch then ends as it is, with an error.
bool FetchLoop::Watch(uint64_t id, Flight& flight) {
  const uint32_t events = flight.fetch->wants_room() ? EPOLLOUT : EPOLLIN;
  if (events == flight.watched) return true;
  const int operation = flight.watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (!Register(epoll_.get(), operation, flight.fetch->fd(), events, TagOf(kFlight, id))) return false;
  flight.watched = events;
  return true;
}

void FetchLoop::OnOver(uint64_t id) {
  const auto found = flights_.find(id);
  const Flight flight = std::move(found->second);
  flights_.erase(found);
  names_.erase(flight.name);
  --fetches_;
  FollowRoot();
  const FetchAnswer& answer = flight.fetch->answer();
  if (flight.fetch->has_removed_copy()) copies_.Forget(flight.name);
  if (answer.code == 404) {
    if (absent_.size() >= kMaxAbsences) absent_.clear();
    if (options_.origin->fresh > absl::ZeroDuration()) absent_.insert_or_assign(flight.name, Deadline(kAbsenceKnown));
  }
  if (const std::optional<int64_t> bytes = flight.fetch->copy_bytes()) NoteCopy(flight.name, *bytes);
  MakeRoom(flight.fetch->lacking_bytes());
  for (const uint64_t asker : flight.askers) Answer(asker, answer);
}

void FetchLoop::NoteCopy(const std::string& name, int64_t bytes) {
  if (!is_bounded()) return;  // Else the list would have all names that were ever fetched.
  copies_.Note(name, bytes);
  RemoveOldest(options_.max_copied_bytes, name);
}

// The disk is full, or the quota is used up, before the bound of the copies is reached. The next request finds the
// room. Not for more than all copies have: they would go, and it might not fit all the same.
void FetchLoop::MakeRoom(int64_t bytes) {
  if (bytes > 0 && bytes <= copies_.bytes()) RemoveOldest(copies_.bytes() - bytes, "");
}

// Those that are no copies any more are forgotten with them. If a directory is locked just now, the rest has to wait
// for the next time.
void FetchLoop::RemoveOldest(int64_t most_bytes, absl::string_view newest) {
  while (copies_.bytes() > most_bytes || copies_.size() > options_.max_copies) {
    const std::string name = *copies_.Oldest();
    if (name == newest || absl::IsUnavailable(options_.library->RemoveCopy(name))) return;
    copies_.Forget(name);
  }
}

}  // namespace polyserve
