// UringBuffers: memory that is lent to the kernel, which picks a piece of it when bytes have come, not before
// ("provided buffers", io_uring_register_buf_ring(3)). So ten thousand connections can wait to receive, and none of
// them holds a buffer.
//
//   LendTo() ─▶ kernel ─▶ bytes come: it picks a buffer ─▶ completion ─▶ BytesOf() ─▶ GiveBack() ─▶ kernel
//
// There are two groups. Requests are small and come from many peers at once: many small buffers, so that a receive that
// stays armed for all of them ("multishot") does not run out. A stream is read in pieces as large as the other models'.
// With bundles (IORING_RECVSEND_BUNDLE) one receive takes as many small buffers as there are bytes for, one after the
// other in the order in which they were lent; its completion names the first.
//
// If a group is empty, a receive completes with ENOBUFS; the connection then waits for its turn
// (UringShared::awaiting_buffer). Bytes that find no buffer stay in the socket: nothing is lost.
#ifndef POLYSERVE_BACKENDS_URING_PROVIDED_BUFFERS_H_
#define POLYSERVE_BACKENDS_URING_PROVIDED_BUFFERS_H_

#include <liburing.h>
#include <sys/socket.h>
#include <time.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// One thread, that of the ring.
class UringBuffers {
 public:
  // What a receive names as its buf_group.
  enum Group : uint16_t { kRequests, kStreams };
  // The size of a buffer for requests; a receive that fills it marks its connection as a stream.
  static constexpr size_t kRequestBytes = 2048;
  // So at most 1 MiB of streams is received in one batch.
  static constexpr uint16_t kStreamBuffers = 16;

  // Maps the memory and lends all of it to the kernel. Call it once; destroy this object after the ring, because the
  // kernel writes into the memory until then. Memory that is never received into is never touched, and costs address
  // space only. Fails if the system has no memory, or the kernel is too old.
  // `bundles`: receives for requests ask for them. `stamps`: they are those of stamped_receive(); one of the two.
  absl::Status LendTo(io_uring& ring, bool bundles, bool stamps = false);

  // Of a recvmsg(2) for requests that brings the moment of the arrival with the bytes, in front of them. The kernel may
  // look at it as long as such a receive is armed.
  msghdr* stamped_receive() { return &stamped_receive_; }
  // That moment, of the last byte; nothing if the kernel has not told, or the receive was another one.
  std::optional<timespec> ArrivalOf(const io_uring_cqe& completion) const;

  // The most bytes that a receive for requests brings in one buffer: then there are probably more.
  size_t request_bytes() const { return kRequestBytes - head_bytes_; }
  // How many bytes a receive that has not failed has brought; 0: the peer's end.
  size_t SizeOf(const io_uring_cqe& completion) const;

  // How many buffers a receive has filled; 0 if it brought nothing (the peer's end, or an error).
  int CountOf(const io_uring_cqe& completion) const;
  // The bytes in one of them. Valid until GiveBack(): what is needed for longer has to be copied.
  absl::string_view BytesOf(const io_uring_cqe& completion, int number) const;
  // Lends the buffers of a receive, if it has used any, to the kernel again. Owed for each completion of a receive, at
  // once: the next batch has only what was given back.
  void GiveBack(const io_uring_cqe& completion);

 private:
  struct Unmap {
    size_t bytes;
    void operator()(void* memory) const;
  };
  using Mapping = std::unique_ptr<char, Unmap>;

  // A ring of descriptions, which the kernel reads, and the buffers that it describes. The buffers' numbers are unique
  // among all groups, because a completion brings a number and not its group.
  struct Pool {
    uint16_t first_id;
    uint16_t count;  // A power of two.
    size_t buffer_bytes;
    Mapping descriptions;
    Mapping buffers;
    std::vector<uint16_t> places;  // Of each buffer, by its number: where in the ring of descriptions it was last lent.
  };

  static absl::Status Map(Pool& pool);
  static absl::Status Register(io_uring& ring, Group group, Pool& pool);
  static io_uring_buf_ring* DescriptionsOf(const Pool& pool);
  static char* BufferOf(const Pool& pool, uint16_t id);
  static void Add(Pool& pool, uint16_t id);
  // The buffer that was lent `number` places behind the one at `place`, if none of them was lent anew.
  static uint16_t IdAt(const Pool& pool, uint16_t place, int number);
  static Group GroupOf(uint16_t id);
  size_t HeadOf(const io_uring_cqe& completion) const;

  Pool pools_[2];
  bool bundles_ = false;
  size_t head_bytes_ = 0;  // In front of the bytes of each receive for requests, in its buffer.
  msghdr stamped_receive_ = {};
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_URING_PROVIDED_BUFFERS_H_
