#include "room/console.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/strip.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "base/thread.h"
#include "net/shortage.h"
#include "room/room.h"

namespace polyserve {

namespace {

// How long until reading is tried again at a terminal whose foreground is another job.
constexpr int kBackgroundMilliseconds = 1000;

}  // namespace

absl::StatusOr<std::unique_ptr<Console>> Console::Start(int input, Say say) {
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop.ok()) return SysError("eventfd");
  std::unique_ptr<Console> self(new Console(input, std::move(say), std::move(stop)));
  // The signals end the other threads' waits. And a read from the background of a terminal fails with EIO for a thread
  // that blocks SIGTTIN; otherwise it would stop the whole server.
  absl::StatusOr<std::thread> thread = StartThreadWithoutSignals([self = self.get()] { self->Run(); });
  if (!thread.ok()) return thread.status();
  self->thread_ = *std::move(thread);
  return self;
}

// Not pthread_cancel(3) nor a signal: the thread waits for the eventfd as well, so it ends between two lines.
Console::~Console() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof(one));
  if (thread_.joinable()) thread_.join();
}

// EIO means that the server runs in the background of its terminal. The terminal stays readable meanwhile, so without
// the pause this would spin. EAGAIN: another process shares the open file, and has set it O_NONBLOCK. What stands
// before end-of-file without a line end is said as well.
void Console::Run() {
  while (AwaitInput()) {
    char bytes[4096];
    const ssize_t count = ::read(input_, bytes, sizeof(bytes));
    if (count > 0) {
      Take(absl::string_view(bytes, static_cast<size_t>(count)));
    } else if (count < 0 && errno == EIO) {
      pollfd stop = {stop_.get(), POLLIN, 0};
      ::poll(&stop, 1, kBackgroundMilliseconds);
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      break;
    }
  }
  if (!line_.empty()) TakeLine(line_);
}

// False if the thread is to end. What poll(2) says of the input is not looked at: read(2) tells bytes, the end and
// errors apart, and does not wait for any of them. No signal can end the wait, because the thread blocks all.
bool Console::AwaitInput() {
  pollfd waits[] = {{stop_.get(), POLLIN, 0}, {input_, POLLIN, 0}};
  // It fails only for want of memory (ENOMEM). The read, without it, might wait for ever, and miss the end.
  while (::poll(waits, 2, -1) < 0) PauseForShortage();
  return waits[0].revents == 0;
}

// A line may come in pieces. One that is too long is refused as soon as that is known, and the rest of it skipped, so
// that no more than a line is held.
void Console::Take(absl::string_view bytes) {
  for (size_t end; (end = bytes.find('\n')) != absl::string_view::npos; bytes.remove_prefix(end + 1)) {
    line_.append(bytes.data(), end);
    if (!is_skipping_) TakeLine(line_);
    line_.clear();
    is_skipping_ = false;
  }
  if (!is_skipping_) line_.append(bytes.data(), bytes.size());
  if (line_.size() <= kMaxTextBytes) return;
  TakeLine(line_);  // Which refuses it.
  line_.clear();
  is_skipping_ = true;
}

// An empty line is passed over in silence: it is what pressing Enter twice makes.
void Console::TakeLine(absl::string_view line) {
  absl::ConsumeSuffix(&line, "\r");
  if (line.empty()) return;
  const absl::Status status = CheckText(line);
  if (status.ok()) return say_(line);
  LOG(WARNING) << "cannot send a line of the operator's to the room: " << status.message();
}

}  // namespace polyserve
