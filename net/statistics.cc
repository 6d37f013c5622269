#include "net/statistics.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/line_output.h"
#include "base/log_flood.h"
#include "base/sys_error.h"
#include "net/connection_table.h"

namespace polyserve {

namespace {

// Each row that is in use makes every sum longer, and --max_connections makes one for each client.
constexpr int kMaxNewcomerRows = 16;

int64_t SteadyMicroseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

void QueueCounters::CountArrival(int64_t length) {
  Counters::Add(tasks, 1);
  Counters::Add(waiting, 1);
  // Whoever counts is alone, so that nothing comes between the look and the store.
  if (length > longest.load(std::memory_order_relaxed)) longest.store(length, std::memory_order_relaxed);
}

void QueueCounters::CountTurn(std::chrono::nanoseconds waited) {
  const int64_t us = std::chrono::ceil<std::chrono::microseconds>(waited).count();  // So that no wait is nothing.
  Counters::Add(waiting, -1);
  Counters::Add(waited_us, us);
  if (us > longest_wait_us.load(std::memory_order_relaxed)) longest_wait_us.store(us, std::memory_order_relaxed);
}

void QueueTotals::Add(const QueueCounters& queue) {
  tasks += queue.tasks;
  waiting += queue.waiting;
  longest = std::max<int64_t>(longest, queue.longest);
  waited_us += queue.waited_us;
  longest_wait_us = std::max<int64_t>(longest_wait_us, queue.longest_wait_us);
  refused += queue.refused;
  dropped += queue.dropped;
  stolen += queue.stolen;
}

// What the memory holds, for every process of the server: so its layout must not depend on the process, and it has no
// pointers.
struct Statistics::Table {
  std::atomic<int64_t> started;  // In microseconds of CLOCK_MONOTONIC, which all processes share.
  LogHealth access_log;
  LogHealth server_log;
  std::atomic<int64_t> root_openings;
  std::atomic<int64_t> root_holder;
  std::atomic<int64_t> certificate_readings;
  uint8_t secret[kSecretBytes];
  StopTimes stop_times;
  std::atomic<int> workers_in_use;
  // The server's rows, then the workers', then those of a pool's UDP worker. Untouched pages cost no memory.
  Counters rows[(1 + kMaxWorkers + 1) * kRowsOfWorker];
  // One for each of these workers.
  QueueCounters queues[1 + kMaxWorkers + 1];
  WorkerSlots::Table places;
  ConnectionTable::Table connections;
  LogFloods log_floods;
  alignas(64) char extra[kExtraBytes];
};

struct Statistics::Page {
  UniqueFd fd;
  Table* table;
  ~Page() { ::munmap(table, sizeof(Table)); }
};

// Counts in the first row, that of the server, until OfWorker() chooses another.
Statistics::Statistics(std::shared_ptr<const Page> page) : page_(std::move(page)), own_(page_->table->rows) {}

// A memfd rather than anonymous shared memory: it has a descriptor, which a fresh program image can inherit, and on
// which WorkerSlots can lock. ftruncate(2) gives it its size, all zeroes, without any pages.
absl::StatusOr<Statistics> Statistics::Create() {
  UniqueFd fd(::memfd_create("polyserve-statistics", MFD_CLOEXEC));
  if (!fd.ok()) return SysError("memfd_create");
  if (::ftruncate(fd.get(), sizeof(Table)) != 0) return SysError("ftruncate");
  absl::StatusOr<Statistics> statistics = Map(std::move(fd));
  if (!statistics.ok()) return statistics;
  // So few bytes come at once, or not at all (getrandom(2)).
  if (::getrandom(statistics->page_->table->secret, kSecretBytes, 0) != kSecretBytes) return SysError("getrandom");
  statistics->page_->table->started = SteadyMicroseconds();
  statistics->page_->table->places.server = ::getpid();
  return statistics;
}

absl::StatusOr<Statistics> Statistics::Map(UniqueFd fd) {
  void* memory = ::mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return SysError("mmap");
  newcomer_rows();  // Asked once, in every process that is not forked: each child would have to ask the system again.
  // The kernel's zeroes are valid counters: atomics of integers without a constructor to run.
  static_assert(std::atomic<int64_t>::is_always_lock_free && std::atomic<int>::is_always_lock_free);
  return Statistics(std::shared_ptr<const Page>(new Page{std::move(fd), static_cast<Table*>(memory)}));
}

// MAP_FIXED puts the new memory at the address of the old, in one step (mmap(2)): no pointer to a counter becomes
// invalid. The descriptor keeps its number as well, by dup3(2), since WorkerSlots objects hold it.
absl::Status Statistics::Adopt(UniqueFd fd) const {
  if (fd.get() == page_->fd.get()) {  // In a forked child it is the very same, and so is the memory.
    fd.release();
    return absl::OkStatus();
  }
  const int flags = MAP_SHARED | MAP_FIXED;
  void* memory = ::mmap(page_->table, sizeof(Table), PROT_READ | PROT_WRITE, flags, fd.get(), 0);
  if (memory == MAP_FAILED) return SysError("mmap");
  if (::dup3(fd.get(), page_->fd.get(), O_CLOEXEC) < 0) return SysError("dup3");
  return absl::OkStatus();
}

// workers_in_use only grows, so that the sums reach each row that was ever counted in: a counter of a worker that has
// ended is still a part of the total.
Statistics Statistics::OfWorker(int slot) const {
  Statistics worker = *this;
  worker.own_ = &page_->table->rows[(1 + slot) * kRowsOfWorker];
  std::atomic<int>& in_use = page_->table->workers_in_use;
  for (int before = in_use; before < slot + 1 && !in_use.compare_exchange_weak(before, slot + 1);) {
  }
  return worker;
}

Statistics Statistics::OfNewcomer(int64_t number) const {
  Statistics newcomer = OfWorker(static_cast<int>(number % newcomer_rows()));
  newcomer.shares_rows_ = true;
  return newcomer;
}

// As many as can count at the same moment, which is the number of processors, but at most kMaxNewcomerRows. With fewer
// they would contend for cache lines, with more the sums would take longer. hardware_concurrency() may return 0 if it
// does not know; then there is one.
int Statistics::newcomer_rows() {
  static const int rows = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxNewcomerRows);
  return rows;
}

void Statistics::TakeOver(int service, int64_t clients) const {
  // The server itself serves the client, so both rows are one.
  if (own_ == page_->table->rows) return;
  Counters::Add(OfService(*own_, service).accepted, clients);  // First, so that the sum is never too small.
  Counters::Add(OfService(page_->table->rows[0], service).accepted, -clients);
}

// A killed worker's `ended` is less than its `accepted` by the clients that it had. Counting these as ended in the dead
// worker's own row makes the next worker in that slot start even.
int64_t Statistics::CountLost(int slot, int64_t untaken) const {
  const Statistics worker = OfWorker(slot);
  const int64_t lost = worker.OwnTotal().active() - untaken;
  Counters::Add(worker.counters().ended, lost);
  worker.queue().waiting.store(0, std::memory_order_relaxed);
  return lost;
}

Totals Statistics::Total() const { return Sum(0, 1, RowsInUse()); }

Totals Statistics::TotalOf(int service) const { return Sum(1 + service, kRowsOfWorker, RowsInUse()); }

Totals Statistics::OwnTotal() const { return Sum(own_row(), 1, own_row() + kRowsOfWorker); }

int Statistics::own_row() const { return static_cast<int>(own_ - page_->table->rows); }

QueueCounters& Statistics::queue() const { return page_->table->queues[own_row() / kRowsOfWorker]; }

QueueTotals Statistics::TotalOfQueues() const {
  QueueTotals total;
  for (int worker = 0; worker < 1 + page_->table->workers_in_use; ++worker) total.Add(page_->table->queues[worker]);
  return total;
}

WorkerSlots::Account Statistics::OwnAccount() const {
  if (shares_rows_) return {};
  return {static_cast<int>(own_ - page_->table->rows) / kRowsOfWorker, OwnTotal().requests};
}

// Not less than zero: the account may still be that of the worker before.
std::optional<int64_t> Statistics::RequestsOf(const WorkerSlots::Worker& worker) const {
  if (worker.account.row < 0) return std::nullopt;
  const int begin = worker.account.row * kRowsOfWorker;
  return std::max<int64_t>(Sum(begin, 1, begin + kRowsOfWorker).requests - worker.account.requests_before, 0);
}

int Statistics::RowsInUse() const { return (1 + page_->table->workers_in_use) * kRowsOfWorker; }

// Rows of one worker lie together, so a step of kRowsOfWorker walks over one service in all workers. No lock holds the
// workers still meanwhile, so the counters of a busy server are of slightly different moments. So all rows are asked
// for the accepted clients first, and then for the ended ones. Row by row, the end of a client in a row that was read
// already would be missed, and its successor in a later row would count: more would seem active than there ever were.
Totals Statistics::Sum(int first_row, int step, int end_row) const {
  Totals total;
  for (int row = first_row; row < end_row; row += step) total.accepted += page_->table->rows[row].accepted;
  for (int row = first_row; row < end_row; row += step) {
    const Counters& counters = page_->table->rows[row];
    total.ended += counters.ended;
    total.refused += counters.refused;
    total.bytes_in += counters.bytes_in;
    total.bytes_out += counters.bytes_out;
    total.requests += counters.requests;
    total.errors += counters.errors;
  }
  return total;
}

ConnectionTable Statistics::connections() const { return ConnectionTable(page_->table->connections); }

WorkerSlots Statistics::places() const { return WorkerSlots(page_->table->places, page_->fd.get()); }

// In the server's row, whichever process sweeps: the rows of newcomers are shared, and no worker's to correct.
void Statistics::Sweep() const {
  if (const int64_t lost = places().Sweep(); lost > 0) Counters::Add(page_->table->rows[0].ended, lost);
}

absl::Duration Statistics::uptime() const { return absl::Microseconds(SteadyMicroseconds() - page_->table->started); }

LogHealth& Statistics::access_log() const { return page_->table->access_log; }
LogHealth& Statistics::server_log() const { return page_->table->server_log; }
LogFloods& Statistics::log_floods() const { return page_->table->log_floods; }
std::atomic<int64_t>& Statistics::root_openings() const { return page_->table->root_openings; }
std::atomic<int64_t>& Statistics::root_holder() const { return page_->table->root_holder; }
std::atomic<int64_t>& Statistics::certificate_readings() const { return page_->table->certificate_readings; }
const uint8_t* Statistics::secret() const { return page_->table->secret; }

void* Statistics::extra_memory() const { return page_->table->extra; }

StopTimes& Statistics::stop_times() const { return page_->table->stop_times; }

int Statistics::fd() const { return page_->fd.get(); }

std::string Statistics::ToString() const {
  Sweep();
  const Totals total = Total();
  return absl::StrCat("accepted ", total.accepted, ", active ", total.active(), ", refused ", total.refused,
                      ", bytes in ", total.bytes_in, ", bytes out ", total.bytes_out);
}

WorkerSlot::WorkerSlot(const Statistics& statistics, int64_t clients)
    : statistics_(statistics), place_(statistics.places().Take(clients, statistics.OwnAccount())) {}

WorkerSlot::~WorkerSlot() { statistics_.places().Leave(place_); }

}  // namespace polyserve
