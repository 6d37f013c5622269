// TftpSource: a file as the blocks that TFTP sends of it. Any block that is not acknowledged yet can be had again,
// since it is read again: nothing of the file is held.
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
  TftpSource(Library::File file, bool is_netascii, size_t block_bytes);

  // The blocks from this one on will not be asked for again when those before it are forgotten.
  void ForgetBefore(int64_t block);
  // The bytes of a block, counted from 1. Ask for the first time in order. One that is shorter than a block is the last
  // one. Fails if the file cannot be read, or has become shorter.
  absl::StatusOr<std::string> Read(int64_t block);
  // The last block; 0 as long as it was not read.
  int64_t last_block() const { return last_block_; }

 private:
  // Where a block begins: in netascii a byte of the file may be cut in two by the border.
  struct Begin {
    int64_t offset;
    size_t skip;  // Of what the file's bytes from there on are on the wire.
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
