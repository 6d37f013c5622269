#include "tests/fuzz/sample_root.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/logging.h"

namespace polyserve {

namespace fs = std::filesystem;

SampleRoot::SampleRoot() : path_((fs::temp_directory_path() / "polyserve-fuzz-XXXXXX").string()) {
  PCHECK(::mkdtemp(path_.data()) != nullptr);
  const fs::path root = path_;
  fs::create_directories(root / "sub");
  for (const char* name : {"a", "a.gz", "two words", "page.html", "sub/deep"}) {
    std::ofstream(root / name) << "content of " << name;
    const timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    PCHECK(::utimensat(AT_FDCWD, (root / name).c_str(), times, 0) == 0);
  }
}

SampleRoot::~SampleRoot() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::shared_ptr<const Library> SampleRoot::Open(const Library::Options& options) const {
  return *Library::Open(path_, options);
}

}  // namespace polyserve
