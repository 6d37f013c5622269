#include "net/statistics.h"

#include <sys/mman.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sys_error.h"

namespace polyserve {

absl::StatusOr<Statistics> Statistics::Create() {
  UniqueFd fd(::memfd_create("polyserve-statistics", MFD_CLOEXEC));
  if (!fd.ok()) return SysError("memfd_create");
  if (::ftruncate(fd.get(), sizeof(Counters)) != 0) return SysError("ftruncate");
  return Map(std::move(fd));
}

absl::StatusOr<Statistics> Statistics::Map(UniqueFd fd) {
  void* memory = ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return SysError("mmap");
  // The kernel's zeroes are valid counters: atomics of integers without a constructor to run.
  static_assert(std::atomic<int64_t>::is_always_lock_free);
  return Statistics(std::move(fd), static_cast<Counters*>(memory));
}

Statistics::Statistics(Statistics&& other) noexcept
    : fd_(std::move(other.fd_)), counters_(std::exchange(other.counters_, nullptr)) {}

Statistics& Statistics::operator=(Statistics&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(counters_, other.counters_);
  return *this;
}

Statistics::~Statistics() {
  if (counters_ != nullptr) ::munmap(counters_, sizeof(Counters));
}

std::string Statistics::ToString() const {
  const int64_t accepted = counters_->accepted;
  return absl::StrCat("accepted ", accepted, ", active ", accepted - counters_->ended, ", refused ",
                      counters_->refused.load(), ", bytes in ", counters_->bytes_in.load(), ", bytes out ",
                      counters_->bytes_out.load());
}

}  // namespace polyserve
