// SampleRoot: a folder with a few files, for the fuzz targets of sessions that serve files.
//
//   static const SampleRoot root;
//   CheckAnyCut([] { return std::make_unique<FileSession>(root.Open({.read_only = true})); }, data, size, kBound);
#ifndef POLYSERVE_TESTS_FUZZ_SAMPLE_ROOT_H_
#define POLYSERVE_TESTS_FUZZ_SAMPLE_ROOT_H_

#include <memory>
#include <string>

#include "files/library.h"

namespace polyserve {

// Made anew in a temporary folder, and removed with the object. Holds "a", "a.gz", "two words", "page.html",
// "sub/deep", all of one fixed date, so that replies (Last-Modified, listings) are the same in each run. A target that
// uploads makes a new one now and then: thousands of files would make the fuzzer slow.
class SampleRoot {
 public:
  SampleRoot();
  ~SampleRoot();
  SampleRoot(const SampleRoot&) = delete;
  SampleRoot& operator=(const SampleRoot&) = delete;

  // The library of this folder, which must outlive it. REQUIRES: it can be opened.
  std::shared_ptr<const Library> Open(const Library::Options& options) const;

 private:
  std::string path_;
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_FUZZ_SAMPLE_ROOT_H_
