// SampleRoot: a folder with a few files, for the fuzz targets of sessions that serve files.
#ifndef POLYSERVE_TESTS_FUZZ_SAMPLE_ROOT_H_
#define POLYSERVE_TESTS_FUZZ_SAMPLE_ROOT_H_

#include <memory>
#include <string>

#include "files/library.h"

namespace polyserve {

// Made anew in a temporary folder, and removed with it. Holds "a", "a.gz", "two words", "page.html", "sub/deep".
class SampleRoot {
 public:
  SampleRoot();
  ~SampleRoot();
  SampleRoot(const SampleRoot&) = delete;
  SampleRoot& operator=(const SampleRoot&) = delete;

  std::shared_ptr<const Library> Open(const Library::Options& options) const;

 private:
  std::string path_;
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_FUZZ_SAMPLE_ROOT_H_
