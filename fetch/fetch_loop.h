// FetchLoop: the event loop of the process that fetches files (fetch/fetch_process.h).
//
//   request_fd ─▶ "ask" and a stream ─▶ an asker ─ a line, the name ─┐
//   request_fd ─▶ "refresh NAME" ────────────────────────────────────┴▶ a flight, one for each name
//   flight ─▶ waits for its turn ─▶ OriginFetch ─▶ over ─▶ a line to each of its askers, whose streams then end
//                                                    └────▶ copies beyond the bound are removed, the oldest first
//
// A refresh for which no connection is free is dropped: as long as the stale copy is in demand, the next one comes
// soon. An asker that leaves is forgotten; its flight goes on, for the next one. A name that the other server does not
// have is remembered for a moment, so that a crowd that wants it does not become a crowd there. One thread.
#ifndef POLYSERVE_FETCH_FETCH_LOOP_H_
#define POLYSERVE_FETCH_FETCH_LOOP_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "fetch/copy_list.h"
#include "fetch/origin_fetch.h"
#include "files/library.h"
#include "net/deadline.h"
#include "net/fd_passing.h"
#include "protocol/file_fetch.h"

namespace polyserve {

// What the processes of a server send to it, each in a parcel of its own.
constexpr absl::string_view kAskParcel = "ask";           // With a stream.
constexpr absl::string_view kRefreshParcel = "refresh ";  // And a name.

struct FetchOptions {
  std::shared_ptr<const Library> library;  // Has copies, and is not read-only.
  std::shared_ptr<const Origin> origin;
  int64_t max_copied_bytes = 0;  // Of all copies together; 0: any number.
  // Their number, if their bytes are bounded: an empty file has none, and yet takes room on the disk and in the list.
  size_t max_copies = 1'000'000;
};

class FetchLoop {
 public:
  // Connections to the other server at a time.
  static constexpr size_t kMaxFetches = 32;
  // Names that are fetched, or wait for that; askers for further ones are turned away.
  static constexpr size_t kMaxFlights = 4096;
  // How long it is remembered that the other server lacks a file; not at all if nothing is ever fresh.
  static constexpr absl::Duration kAbsenceKnown = absl::Seconds(1);
  static constexpr size_t kMaxAbsences = 1024;

  // The request_fd stays the caller's, and must outlive it; becomes non-blocking. With a bound of bytes, looks at all
  // files of the library, which blocks for as long as that takes; so does Run() if the library has got another root.
  // Fails if the system has no descriptor left.
  static absl::StatusOr<std::unique_ptr<FetchLoop>> Create(int request_fd, FetchOptions options);
  ~FetchLoop();

  // Blocks until no process holds the other end of the request_fd any more. Fails only if the kernel refuses to wait.
  absl::Status Run();

 private:
  struct Asker {
    UniqueFd stream;
    std::string line;  // As far as it has come.
    bool has_asked = false;
  };
  struct Flight {
    std::string name;
    std::vector<uint64_t> askers;                  // Some may have left.
    std::unique_ptr<OriginFetch> fetch = nullptr;  // Null: it waits for its turn.
    uint32_t watched = 0;                          // Events, of the descriptor that is in the epoll; 0: none is.
  };

  FetchLoop(int request_fd, FetchOptions options, UniqueFd epoll);

  void FollowRoot();
  void ListCopies();
  int Milliseconds() const;
  void OnEvent(uint64_t tag);
  void OnRequests();
  void OnRequest(Parcel parcel);
  void OnAsker(uint64_t id);
  void Want(absl::string_view name, uint64_t asker);
  void Join(Flight& flight, uint64_t asker);
  void Answer(uint64_t asker, const FetchAnswer& answer);
  bool IsKnownAbsent(absl::string_view name);
  void StartNext();
  void StepFlight(uint64_t id);
  bool Watch(uint64_t id, Flight& flight);
  void OnOver(uint64_t id);
  bool is_bounded() const { return options_.max_copied_bytes > 0; }
  void NoteCopy(const std::string& name, int64_t bytes);
  void MakeRoom(int64_t bytes);
  // Until there are no more than that. Never the newest one.
  void RemoveOldest(int64_t most_bytes, absl::string_view newest);

  const int request_fd_;
  const FetchOptions options_;
  const UniqueFd epoll_;
  uint64_t next_id_ = 1;
  std::map<uint64_t, Asker> askers_;
  std::map<uint64_t, Flight> flights_;
  absl::flat_hash_map<std::string, uint64_t> names_;  // Of flights.
  std::deque<uint64_t> waiting_;                      // Flights.
  size_t fetches_ = 0;                                // Flights that do not wait.
  absl::flat_hash_map<std::string, Deadline> absent_;
  CopyList copies_;  // Empty unless they are bounded. Those beneath this root:
  uint64_t root_inode_ = 0;
  uint64_t root_device_ = 0;
  bool is_over_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_FETCH_FETCH_LOOP_H_
