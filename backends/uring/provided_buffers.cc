#include "backends/uring/provided_buffers.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "base/sys_error.h"
#include "net/socket.h"

namespace polyserve {

namespace {

// As many requests as may wait in one batch before a receive has to be armed anew; 2 MiB if all are in use. Has to be a
// power of two (io_uring_register_buf_ring(3)).
constexpr uint16_t kRequestBuffers = 1024;

// With bundles a single receive may take all of them, for a connection whose input is not wanted yet: so they are
// fewer, 512 KiB.
constexpr uint16_t kBundledBuffers = 256;

// The flags of a completion say whether the kernel has used a buffer, and its number (io_uring_register_buf_ring(3)).
bool HasBuffer(const io_uring_cqe& completion) { return (completion.flags & IORING_CQE_F_BUFFER) != 0; }

uint16_t BufferId(const io_uring_cqe& completion) {
  return static_cast<uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
}

}  // namespace

void UringBuffers::Unmap::operator()(void* memory) const { ::munmap(memory, bytes); }

absl::Status UringBuffers::LendTo(io_uring& ring, bool bundles, bool stamps) {
  bundles_ = bundles;
  if (stamps) {
    stamped_receive_.msg_controllen = CMSG_SPACE(sizeof(timespec));
    head_bytes_ = sizeof(io_uring_recvmsg_out) + stamped_receive_.msg_controllen;
  }
  const uint16_t requests = bundles ? kBundledBuffers : kRequestBuffers;
  pools_[kRequests] = {0, requests, kRequestBytes, {}, {}, std::vector<uint16_t>(requests)};
  pools_[kStreams] = {kRequestBuffers, kStreamBuffers, kReadBytes, {}, {}, std::vector<uint16_t>(kStreamBuffers)};
  for (const Group group : {kRequests, kStreams}) {
    if (absl::Status status = Map(pools_[group]); !status.ok()) return status;
    if (absl::Status status = Register(ring, group, pools_[group]); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// By mmap(2), because the ring of descriptions has to begin at a page, and because pages that were never written to
// take no memory.
absl::Status UringBuffers::Map(Pool& pool) {
  const auto map = [](size_t bytes, Mapping& mapping) {
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return SysError("mmap");
    mapping = Mapping(static_cast<char*>(memory), Unmap{bytes});
    return absl::OkStatus();
  };
  absl::Status status = map(pool.count * sizeof(io_uring_buf), pool.descriptions);
  if (status.ok()) status = map(pool.count * pool.buffer_bytes, pool.buffers);
  return status;
}

// From here on the kernel holds the address of the descriptions, until the ring is closed.
absl::Status UringBuffers::Register(io_uring& ring, Group group, Pool& pool) {
  io_uring_buf_reg request = {};
  request.ring_addr = reinterpret_cast<uintptr_t>(pool.descriptions.get());
  request.ring_entries = pool.count;
  request.bgid = group;
  // As all of liburing, it returns the error number, negated, and does not set errno.
  if (const int result = io_uring_register_buf_ring(&ring, &request, 0); result < 0) {
    return absl::ErrnoToStatus(-result, "io_uring_register_buf_ring");
  }
  io_uring_buf_ring_init(DescriptionsOf(pool));
  for (uint16_t i = 0; i < pool.count; ++i) Add(pool, static_cast<uint16_t>(pool.first_id + i));
  return absl::OkStatus();
}

io_uring_buf_ring* UringBuffers::DescriptionsOf(const Pool& pool) {
  return reinterpret_cast<io_uring_buf_ring*>(pool.descriptions.get());
}

char* UringBuffers::BufferOf(const Pool& pool, uint16_t id) {
  return pool.buffers.get() + static_cast<size_t>(id - pool.first_id) * pool.buffer_bytes;
}

// No system call: the kernel sees the new tail when it next looks for a buffer. Buffers go back in any order.
void UringBuffers::Add(Pool& pool, uint16_t id) {
  io_uring_buf_ring* ring = DescriptionsOf(pool);
  pool.places[static_cast<size_t>(id - pool.first_id)] = ring->tail & (pool.count - 1);
  io_uring_buf_ring_add(ring, BufferOf(pool, id), static_cast<unsigned>(pool.buffer_bytes), id,
                        io_uring_buf_ring_mask(pool.count), 0);
  // Only this makes the entry visible to the kernel (io_uring_buf_ring_advance(3)).
  io_uring_buf_ring_advance(ring, 1);
}

// The streams' buffers are numbered behind those for requests; see LendTo().
UringBuffers::Group UringBuffers::GroupOf(uint16_t id) { return id < kRequestBuffers ? kRequests : kStreams; }

size_t UringBuffers::HeadOf(const io_uring_cqe& completion) const {
  return HasBuffer(completion) && GroupOf(BufferId(completion)) == kRequests ? head_bytes_ : 0;
}

size_t UringBuffers::SizeOf(const io_uring_cqe& completion) const {
  return static_cast<size_t>(completion.res) - HeadOf(completion);
}

std::optional<timespec> UringBuffers::ArrivalOf(const io_uring_cqe& completion) const {
  if (HeadOf(completion) == 0) return std::nullopt;
  const char* const buffer = BufferOf(pools_[kRequests], BufferId(completion));
  io_uring_recvmsg_out head;
  std::memcpy(&head, buffer, sizeof(head));
  cmsghdr part;
  if (head.controllen < CMSG_LEN(sizeof(timespec))) return std::nullopt;
  std::memcpy(&part, buffer + sizeof(head), sizeof(part));
  if (part.cmsg_level != SOL_SOCKET || part.cmsg_type != SCM_TIMESTAMPNS) return std::nullopt;
  timespec arrival;
  std::memcpy(&arrival, buffer + sizeof(head) + CMSG_LEN(0), sizeof(arrival));
  return arrival;
}

// The kernel fills each buffer before it takes the next one.
int UringBuffers::CountOf(const io_uring_cqe& completion) const {
  if (!HasBuffer(completion) || completion.res <= 0) return 0;
  if (HeadOf(completion) > 0) return SizeOf(completion) > 0 ? 1 : 0;
  const size_t bytes = pools_[GroupOf(BufferId(completion))].buffer_bytes;
  return static_cast<int>((static_cast<size_t>(completion.res) + bytes - 1) / bytes);
}

// The kernel only reads the ring of descriptions, and an entry is written anew only when its buffer comes back.
uint16_t UringBuffers::IdAt(const Pool& pool, uint16_t place, int number) {
  return DescriptionsOf(pool)->bufs[(place + number) & (pool.count - 1)].bid;
}

absl::string_view UringBuffers::BytesOf(const io_uring_cqe& completion, int number) const {
  const uint16_t first = BufferId(completion);
  const Pool& pool = pools_[GroupOf(first)];
  const uint16_t id = IdAt(pool, pool.places[static_cast<size_t>(first - pool.first_id)], number);
  if (const size_t head = HeadOf(completion); head > 0) return {BufferOf(pool, id) + head, SizeOf(completion)};
  const size_t before = static_cast<size_t>(number) * pool.buffer_bytes;
  return {BufferOf(pool, id), std::min(pool.buffer_bytes, static_cast<size_t>(completion.res) - before)};
}

// Each description is read before the same place may be written again. A receive that brought nothing, but names a
// buffer, has taken it; a bundle takes what it fills.
void UringBuffers::GiveBack(const io_uring_cqe& completion) {
  if (!HasBuffer(completion)) return;
  const uint16_t first = BufferId(completion);
  Pool& pool = pools_[GroupOf(first)];
  const uint16_t place = pool.places[static_cast<size_t>(first - pool.first_id)];
  const bool takes_one = GroupOf(first) == kStreams || !bundles_;
  const int count = takes_one ? 1 : CountOf(completion);
  for (int i = 0; i < count; ++i) Add(pool, IdAt(pool, place, i));
}

}  // namespace polyserve
