#include "files/quota.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

// A file that goes, or cannot be looked at, while this runs counts nothing.
int64_t SumUp(int directory) {
  namespace fs = std::filesystem;
  int64_t sum = 0;
  std::error_code error;
  // The slash makes it the directory, not the link to it.
  fs::recursive_directory_iterator entry(absl::StrCat("/proc/self/fd/", directory, "/"),
                                         fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code of_entry;
    if (!fs::is_regular_file(entry->symlink_status(of_entry)) || of_entry) continue;
    const auto size = entry->file_size(of_entry);
    if (!of_entry) sum += static_cast<int64_t>(size);
  }
  return sum;
}

}  // namespace

// The difference is added, so that what is stored meanwhile stays counted.
void LibraryQuota::Recount(int directory) const {
  const int64_t before = *used_;
  *used_ += SumUp(directory) - before;
}

bool LibraryQuota::HasRoomFor(int64_t bytes) const {
  if (bytes <= 0 || *used_ <= most_ - bytes) return true;
  CountBound(counters_, &BoundCounters::library_quota);
  return false;
}

bool LibraryQuota::Add(int64_t bytes) const {
  int64_t before = *used_;
  do {
    if (bytes > 0 && before > most_ - bytes) {
      CountBound(counters_, &BoundCounters::library_quota);
      return false;
    }
  } while (!used_->compare_exchange_weak(before, before + bytes));
  return true;
}

}  // namespace polyserve
