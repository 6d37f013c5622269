#include "net/statistics.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sys_error.h"

namespace polyserve {

absl::StatusOr<Statistics> Statistics::Create() {
  UniqueFd fd(::memfd_create("polyserve-statistics", MFD_CLOEXEC));
  if (!fd.ok()) return SysError("memfd_create");
  if (::ftruncate(fd.get(), sizeof(Table)) != 0) return SysError("ftruncate");
  return Map(std::move(fd));
}

absl::StatusOr<Statistics> Statistics::Map(UniqueFd fd) {
  void* memory = ::mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return SysError("mmap");
  // The kernel's zeroes are valid counters: atomics of integers without a constructor to run.
  static_assert(std::atomic<int64_t>::is_always_lock_free && std::atomic<int>::is_always_lock_free);
  return Statistics(std::shared_ptr<const Page>(new Page{std::move(fd), static_cast<Table*>(memory)}));
}

Statistics::Page::~Page() { ::munmap(table, sizeof(Table)); }

Statistics Statistics::OfWorker(int slot) const {
  Statistics worker = *this;
  worker.own_ = &page_->table->rows[1 + slot];
  std::atomic<int>& in_use = page_->table->rows_in_use;
  for (int before = in_use; before < slot + 2 && !in_use.compare_exchange_weak(before, slot + 2);) {
  }
  return worker;
}

int64_t Statistics::CountLost(int slot, int64_t untaken) const {
  Counters& counters = OfWorker(slot).counters();
  const int64_t lost = counters.accepted - counters.ended - untaken;
  Counters::Add(counters.ended, lost);
  return lost;
}

Totals Statistics::Total() const {
  Totals total;
  const int rows = std::max(1, page_->table->rows_in_use.load());
  for (int row = 0; row < rows; ++row) {
    const Counters& counters = page_->table->rows[row];
    total.accepted += counters.accepted;
    total.ended += counters.ended;
    total.refused += counters.refused;
    total.bytes_in += counters.bytes_in;
    total.bytes_out += counters.bytes_out;
  }
  return total;
}

int Statistics::fd() const { return page_->fd.get(); }

std::string Statistics::ToString() const {
  const Totals total = Total();
  return absl::StrCat("accepted ", total.accepted, ", active ", total.active(), ", refused ", total.refused,
                      ", bytes in ", total.bytes_in, ", bytes out ", total.bytes_out);
}

}  // namespace polyserve
