// TftpSource: a file as the sequence of blocks that TFTP sends. Blocks that are not acknowledged can be read again;
// nothing of the file is held, only where each of those blocks begins (16 bytes each, and about as many as a window has
// blocks).
//
//   forgotten │ can be read again │ next
//   ... 7   8 │  9   10   11   12 │  13            after ForgetBefore(9) and Read(12)
//
// In octet mode the place of a block could be computed. In netascii it depends on every byte before it, hence the list.
#ifndef POLYSERVE_PROTOCOL_TFTP_SOURCE_H_
#define POLYSERVE_PROTOCOL_TFTP_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/status/statusor.h"
#include "files/library.h"

namespace polyserve {

class TftpSource {
 public:
  // `block_bytes` is the size of all blocks but the last (TftpTerms::block_bytes).
  TftpSource(Library::File file, bool is_netascii, size_t block_bytes);

  // Forgets where the blocks before this one begin. They must not be read again.
  void ForgetBefore(int64_t block);
  // Reads a block; the first one has the number 1. A result shorter than `block_bytes`, perhaps empty, is the last one.
  // Blocks with a read from the disk. Returns DataLoss if the file cannot be read or has become shorter.
  // REQUIRES: the block is the next one, or was read before and is not forgotten.
  absl::StatusOr<std::string> Read(int64_t block);
  // The number of the last block; 0 until it is read.
  int64_t last_block() const { return last_block_; }

 private:
  // Where a block begins. In netascii one byte of the file may become two on the wire, and the border may fall between.
  struct Begin {
    int64_t offset;  // In the file.
    size_t skip;     // Bytes on the wire, of that byte of the file, that belong to the block before.
  };

  absl::StatusOr<std::string> ReadFile(int64_t offset, size_t count) const;
  absl::StatusOr<std::string> ReadAt(Begin at, Begin& end) const;

  const Library::File file_;
  const bool is_netascii_;
  const size_t block_bytes_;
  int64_t first_ = 1;  // The block that begins_ starts with.
  std::deque<Begin> begins_ = {{0, 0}};
  int64_t last_block_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TFTP_SOURCE_H_
