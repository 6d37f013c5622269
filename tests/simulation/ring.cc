#include "tests/simulation/ring.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/simulation/gather_bytes.h"
#include "tests/simulation/random.h"

namespace polyserve::simulation {

namespace {

constexpr uint32_t kErrors = POLLERR | POLLHUP;
constexpr unsigned kKnownFlags = IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS | IOSQE_FIXED_FILE;
// What liburing 2.3 does not name yet (linux/io_uring.h).
constexpr uint16_t kReceiveBundle = 1U << 4;
// Of a buffer that is lent: enough to be seen.
constexpr size_t kSpoiltBytes = 64;

template <typename T>
T* PointerOf(uint64_t number) {
  return reinterpret_cast<T*>(number);  // NOLINT(performance-no-int-to-ptr): as the kernel has it
}

bool HasPieces(const io_uring_sqe& asked) {
  return asked.opcode == IORING_OP_SENDMSG || asked.opcode == IORING_OP_SENDMSG_ZC;
}

// What a send is to send: how much, and the first of it.
size_t SizeToSend(const io_uring_sqe& asked) {
  return HasPieces(asked) ? SizeOf(*PointerOf<const msghdr>(asked.addr)) : asked.len;
}

std::string BytesToSend(const io_uring_sqe& asked, size_t most) {
  if (HasPieces(asked)) return GatherBytes(*PointerOf<const msghdr>(asked.addr), most);
  return {PointerOf<const char>(asked.addr), most};
}

bool IsLending(const io_uring_sqe& asked) {
  return asked.opcode == IORING_OP_SEND_ZC || asked.opcode == IORING_OP_SENDMSG_ZC;
}

}  // namespace

// Fewer places than asked for are as if there were more clients, which fill the others.
Ring::Ring(Kernel& kernel, io_uring& ring, const io_uring_params& wanted) : kernel_(kernel), ring_(ring) {
  constexpr unsigned kCompletionsEach = 8;
  operations_.resize(kernel.random().OneOf<unsigned>({4, 16, 1024}));
  completions_.resize(operations_.size() * kCompletionsEach);
  ring = {};
  ring.flags = wanted.flags;
  ring.features = ~0U;
  ring.sq.khead = &submitted_;
  ring.sq.ktail = &prepared_;
  ring.sq.kflags = &no_flags_;
  ring.sq.sqes = operations_.data();
  ring.sq.ring_entries = static_cast<unsigned>(operations_.size());
  ring.sq.ring_mask = ring.sq.ring_entries - 1;
  ring.cq.khead = &taken_;
  ring.cq.ktail = &completed_;
  ring.cq.kflags = &no_flags_;
  ring.cq.cqes = completions_.data();
  ring.cq.ring_entries = static_cast<unsigned>(completions_.size());
  ring.cq.ring_mask = ring.cq.ring_entries - 1;
}

void Ring::LendBuffers(const io_uring_buf_reg& buffers) {
  groups_[buffers.bgid] = {.descriptions = PointerOf<io_uring_buf_ring>(buffers.ring_addr),
                           .mask = static_cast<uint16_t>(buffers.ring_entries - 1)};
}

bool Ring::IsUsing(int fd) const {
  return std::any_of(under_way_.begin(), under_way_.end(), [fd](const auto& other) { return other.second.fd == fd; }) ||
         std::any_of(table_.begin(), table_.end(), [fd](const auto& place) { return place.second == fd; });
}

int Ring::Submit() {
  SpoilLentBuffers();
  const unsigned prepared = ring_.sq.sqe_tail - submitted_;
  unsigned count = prepared;
  if (count > 0 && kernel_.random().OneIn(200)) count = static_cast<unsigned>(kernel_.random().Below(count));
  for (unsigned i = 0; i < count; ++i) {
    const io_uring_sqe asked = operations_[submitted_ & ring_.sq.ring_mask];
    ++submitted_;
    Start(asked);
  }
  prepared_ = submitted_;
  ring_.sq.sqe_head = submitted_;
  return count == 0 && prepared > 0 ? -EAGAIN : static_cast<int>(count);
}

void Ring::Start(const io_uring_sqe& asked) {
  if ((asked.flags & ~kKnownFlags) != 0) kernel_.Fail(absl::StrCat("operation flags are not simulated: ", asked.flags));
  Operation operation = {.asked = asked, .fd = asked.fd};
  if ((asked.flags & IOSQE_FIXED_FILE) != 0) {
    const auto place = table_.find(asked.fd);
    if (place == table_.end()) kernel_.Fail(absl::StrCat("an operation names place ", asked.fd, ", which is empty"));
    operation.fd = place->second;
  }
  if (asked.opcode == IORING_OP_TIMEOUT) {
    const auto* const time = PointerOf<const __kernel_timespec>(asked.addr);
    const Time wait = time->tv_sec * kSecond + time->tv_nsec;
    operation.ends = kernel_.now() + wait;
    kernel_.After(wait, [] {});  // So that the clock stops there.
  }
  kernel_.trace().Add(kernel_.now(), "  operation", operation.fd, asked.opcode, asked.len);
  if (Try(operation)) return;
  under_way_.emplace(number_++, std::move(operation));
}

void Ring::Work() {
  PostLeft();
  std::vector<UnderWay::iterator> able;
  for (auto each = under_way_.begin(); each != under_way_.end(); ++each) {
    if (CanGoOn(each->second)) able.push_back(each);
  }
  Random& random = kernel_.random();
  for (size_t i = 1; i < able.size(); ++i) std::swap(able[i], able[random.Below(i + 1)]);
  if (able.size() > 1 && random.OneIn(8)) able.resize(1 + random.Below(able.size()));
  for (const UnderWay::iterator each : able) {
    if (Try(each->second)) under_way_.erase(each);
  }
}

bool Ring::CanGoOn(const Operation& operation) {
  if (operation.lent_to != nullptr) {
    return operation.lent_to->is_reset || operation.lent_to->acknowledged_total >= operation.lent_until;
  }
  if (operation.is_cancelled) return true;
  switch (operation.asked.opcode) {
    case IORING_OP_TIMEOUT:
      return kernel_.now() >= operation.ends;
    case IORING_OP_POLL_ADD:
      return (kernel_.Ready(operation.fd) & (operation.asked.poll32_events | kErrors)) != 0;
    case IORING_OP_ACCEPT:
    case IORING_OP_RECV:
      return (kernel_.Ready(operation.fd) & (POLLIN | kErrors)) != 0;
    default:
      return (kernel_.Ready(operation.fd) & (POLLOUT | kErrors)) != 0;
  }
}

bool Ring::Try(Operation& operation) {
  if (operation.lent_to != nullptr) return EndLoan(operation);
  if (operation.is_cancelled) return Complete(operation, -ECANCELED);
  switch (operation.asked.opcode) {
    case IORING_OP_TIMEOUT:
      return kernel_.now() >= operation.ends && Complete(operation, -ETIME);
    case IORING_OP_POLL_ADD:
      return Poll(operation);
    case IORING_OP_ACCEPT:
      return Accept(operation);
    case IORING_OP_CONNECT:
      return Connect(operation);
    case IORING_OP_RECV:
      return (operation.asked.flags & IOSQE_BUFFER_SELECT) != 0 ? Receive(operation) : ReceiveOnce(operation);
    case IORING_OP_SEND:
    case IORING_OP_SENDMSG:
    case IORING_OP_SEND_ZC:
    case IORING_OP_SENDMSG_ZC:
      return Send(operation);
    case IORING_OP_CLOSE:
      return Close(operation);
    case IORING_OP_ASYNC_CANCEL:
      return Cancel(operation);
    case IORING_OP_FILES_UPDATE:
      return UpdateTable(operation);
    default:
      kernel_.Fail(absl::StrCat("an operation that is not simulated: ", operation.asked.opcode));
  }
}

bool Ring::Poll(const Operation& operation) {
  const uint32_t ready = kernel_.Ready(operation.fd) & (operation.asked.poll32_events | kErrors);
  return ready != 0 && Complete(operation, ready);
}

bool Ring::Accept(const Operation& operation) {
  const bool is_multishot = (operation.asked.ioprio & IORING_ACCEPT_MULTISHOT) != 0;
  while (true) {
    const int fd = kernel_.Accept(operation.fd, (operation.asked.accept_flags & SOCK_NONBLOCK) != 0);
    if (fd < 0 && errno == EAGAIN) return false;
    if (fd < 0) return Complete(operation, -errno);
    if (!is_multishot) return Complete(operation, fd);
    if (!CompleteOnce(operation, fd)) return true;
  }
}

// To an address of IPv4.
bool Ring::Connect(const Operation& operation) {
  const auto* const to = PointerOf<const sockaddr_in>(operation.asked.addr);
  if (kernel_.ConnectTo(operation.fd, ntohs(to->sin_port)) == 0) return Complete(operation, 0);
  return errno != EINPROGRESS && errno != EALREADY && Complete(operation, -errno);
}

// Into memory of the server's own.
bool Ring::ReceiveOnce(const Operation& operation) {
  const io_uring_sqe& asked = operation.asked;
  const ssize_t count = kernel_.Receive(operation.fd, PointerOf<char>(asked.addr), asked.len, /*waits=*/false);
  if (count < 0 && errno == EAGAIN && (asked.msg_flags & MSG_DONTWAIT) == 0) return false;
  return Complete(operation, count < 0 ? -errno : count);
}

// Without a buffer it ends, whether or not there is anything to receive. Others of the process may have them all for
// the moment.
bool Ring::Receive(const Operation& operation) {
  const bool is_multishot = (operation.asked.ioprio & IORING_RECV_MULTISHOT) != 0;
  Group& group = groups_.at(operation.asked.buf_group);
  while (true) {
    if (group.next == group.descriptions->tail || kernel_.random().OneIn(100)) return Complete(operation, -ENOBUFS);
    uint16_t first = 0;
    const uint16_t before = group.next;
    const ssize_t count = FillBuffers(operation, group, first);
    if (count == -EAGAIN && (operation.asked.msg_flags & MSG_DONTWAIT) == 0) return false;
    if (count < 0) return Complete(operation, count);
    // Linux 6.0 gives a buffer with the end of input, later ones do not.
    if (count == 0 && kernel_.random().OneIn(4)) ++group.next;
    const bool has_buffer = group.next != before;
    const unsigned flags = has_buffer ? IORING_CQE_F_BUFFER | unsigned{first} << IORING_CQE_BUFFER_SHIFT : 0;
    if (count == 0 || !is_multishot) return Complete(operation, count, flags);
    if (!CompleteOnce(operation, count, flags)) return true;
  }
}

// One buffer, or, with a bundle, as many as there are bytes for. Returns what recv(2) would, and the first buffer.
ssize_t Ring::FillBuffers(const Operation& operation, Group& group, uint16_t& first) {
  const auto description = [&]() -> const io_uring_buf& {
    return group.descriptions->bufs[group.next & group.mask];  // The first of them has the tail in a field of its own.
  };
  first = description().bid;
  ssize_t total = 0;
  do {
    const io_uring_buf& buffer = description();
    const size_t most = operation.asked.len == 0 ? buffer.len : std::min(buffer.len, operation.asked.len);
    const ssize_t count = kernel_.Receive(operation.fd, PointerOf<char>(buffer.addr), most, /*waits=*/false);
    if (count <= 0) return total > 0 ? total : count < 0 ? -errno : 0;
    ++group.next;
    total += count;
    if (static_cast<size_t>(count) < most) break;
  } while ((operation.asked.ioprio & kReceiveBundle) != 0 && group.next != group.descriptions->tail &&
           kernel_.FindStream(operation.fd)->arrived_bytes() > 0);
  return total;
}

// The kernel may write to a buffer from the moment on at which it has it, and here it does.
void Ring::SpoilLentBuffers() {
  for (auto& [id, group] : groups_) {
    const uint16_t tail = group.descriptions->tail;
    if (!std::exchange(group.was_seen, true)) group.seen = tail;
    for (; group.seen != tail; ++group.seen) {
      const io_uring_buf& buffer = group.descriptions->bufs[group.seen & group.mask];
      std::memset(PointerOf<char>(buffer.addr), '!', std::min<size_t>(buffer.len, kSpoiltBytes));
    }
  }
}

// It takes what there is room for; if there is none, it waits. Without a copy the memory is the kernel's until the peer
// has acknowledged it.
bool Ring::Send(Operation& operation) {
  const auto gather = [&](size_t most) { return BytesToSend(operation.asked, most); };
  const ssize_t count = kernel_.Send(operation.fd, SizeToSend(operation.asked), gather, /*waits=*/false);
  if (count < 0 && errno == EAGAIN && (operation.asked.msg_flags & MSG_DONTWAIT) == 0) return false;
  const int64_t result = count < 0 ? -errno : count;
  if (!IsLending(operation.asked) || count < 0) return Complete(operation, result);
  Stream& stream = *kernel_.FindStream(operation.fd);
  Post({.user_data = operation.asked.user_data, .res = static_cast<int>(result), .flags = IORING_CQE_F_MORE});
  operation.lent_to = stream.shared_from_this();
  ++stream.loans;
  stream.peer->OnOutput();
  operation.lent_until = stream.written_total;
  operation.lent = BytesToSend(operation.asked, static_cast<size_t>(count));
  operation.fd = -1;  // The descriptor may be closed meanwhile.
  return false;
}

bool Ring::EndLoan(const Operation& operation) {
  if (BytesToSend(operation.asked, operation.lent.size()) != operation.lent)
    kernel_.Fail("memory was changed while it was lent to a send");
  Post({.user_data = operation.asked.user_data, .res = 0, .flags = IORING_CQE_F_NOTIF});
  --operation.lent_to->loans;
  operation.lent_to->peer->OnOutput();
  return true;
}

bool Ring::Close(const Operation& operation) {
  if (operation.asked.file_index == 0) {
    return Complete(operation, kernel_.Close(operation.fd));
  }
  return Complete(operation, table_.erase(static_cast<int>(operation.asked.file_index) - 1) == 1 ? 0 : -EBADF);
}

bool Ring::Cancel(const Operation& operation) {
  const unsigned flags = operation.asked.cancel_flags;
  const bool is_by_file = (flags & IORING_ASYNC_CANCEL_FD) != 0;
  const bool is_for_all = (flags & IORING_ASYNC_CANCEL_ALL) != 0;
  int found = 0;
  for (auto& [number, other] : under_way_) {
    const bool is_meant = is_by_file ? other.fd == operation.fd
                                     : other.asked.user_data == operation.asked.addr && other.lent_to == nullptr;
    if (!is_meant || std::exchange(other.is_cancelled, true)) continue;
    ++found;
    if (!is_for_all) break;
  }
  return Complete(operation, found == 0 && !is_for_all ? -ENOENT : is_for_all ? found : 0);
}

bool Ring::UpdateTable(const Operation& operation) {
  if (!has_table_) return Complete(operation, -ENXIO);
  const int* const files = PointerOf<const int>(operation.asked.addr);
  for (unsigned i = 0; i < operation.asked.len; ++i) table_[static_cast<int>(operation.asked.off + i)] = files[i];
  return Complete(operation, operation.asked.len);
}

bool Ring::Complete(const Operation& operation, int64_t result, unsigned flags) {
  if (result < 0 || (operation.asked.flags & IOSQE_CQE_SKIP_SUCCESS) == 0) {
    Post({.user_data = operation.asked.user_data, .res = static_cast<int>(result), .flags = flags});
  }
  return true;
}

bool Ring::CompleteOnce(const Operation& operation, int64_t result, unsigned flags) {
  const bool has_room = completed_ - taken_ < ring_.cq.ring_entries && left_.empty();
  const bool goes_on = has_room && !kernel_.random().OneIn(200);
  Complete(operation, result, goes_on ? flags | IORING_CQE_F_MORE : flags);
  return goes_on;
}

void Ring::Post(const io_uring_cqe& completion) {
  kernel_.trace().Add(kernel_.now(), "  completion", 0, completion.flags, completion.res);
  left_.push_back(completion);
  PostLeft();
}

void Ring::PostLeft() {
  while (!left_.empty() && completed_ - taken_ < ring_.cq.ring_entries) {
    completions_[completed_ & ring_.cq.ring_mask] = left_.front();
    left_.pop_front();
    ++completed_;
  }
}

}  // namespace polyserve::simulation
