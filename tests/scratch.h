// Scratch: a directory for one test's files, removed with all that is in it at the end.
//
//   Scratch root;
//   root.Write("a", "hello");
//   ServerProcess server({.flags = {"--model=thread", "--root=" + root.path()}});
#ifndef POLYSERVE_TESTS_SCRATCH_H_
#define POLYSERVE_TESTS_SCRATCH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace polyserve {

// Names are relative to the directory. Expects (EXPECT_...) that making and writing work.
class Scratch {
 public:
  // Makes the directory, under a name of its own in the test's temporary directory.
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& path() const { return path_; }
  std::string PathOf(absl::string_view name) const;

  // Makes the file, or replaces what is in it.
  void Write(absl::string_view name, absl::string_view bytes) const;
  // A file of zeroes that takes no room on the disk.
  void WriteZeroes(absl::string_view name, int64_t size) const;
  void MakeDirectory(absl::string_view name) const;
  // All of the file; "" if there is none.
  std::string Read(absl::string_view name) const;
  // All names in it, the hidden ones too, sorted; those in directories within it are not.
  std::vector<std::string> Names() const;

 private:
  std::string path_;
};

// Bytes without a pattern, the same for the same seed: a comparison then finds a piece that is missing, repeated or in
// the wrong place, as it would not among zeroes.
std::string RandomBytes(size_t count, unsigned seed);

// The SHA-256 of the bytes in hexadecimal digits: what a failed comparison of large files prints.
std::string Sha256(absl::string_view bytes);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_SCRATCH_H_
