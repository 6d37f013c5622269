// OriginFetch: one GET of one file from the other server, into the library. It waits for nothing itself.
//
//   kConnect ──▶ kSend ──▶ kReceive ──▶ kStore ──▶ kOver: the file is there
//       └───────────┴──────────┴──────────┴─ an error, or the time is over ──▶ kOver: why not
//                              └─ 304: the copy that is there is as good as new ──▶ kOver
//
//   while (!fetch.Step()) ... wait until fd() is writable (wants_room()), or else readable, for Left() at most
//
// The file is visible when it is whole, or not at all (files/upload.h). If there is a copy already, the other server is
// asked whether it has changed (If-None-Match), and if that fails, it stays as it is. A file that is not a copy is
// never touched. Each fetch has a connection of its own. One thread; no call blocks but on the disk.
#ifndef POLYSERVE_FETCH_ORIGIN_FETCH_H_
#define POLYSERVE_FETCH_ORIGIN_FETCH_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "fetch/origin_reply.h"
#include "files/copy_note.h"
#include "files/library.h"
#include "net/deadline.h"
#include "net/endpoint.h"
#include "protocol/file_fetch.h"

namespace polyserve {

// The other server, and what holds for all that is fetched from it. Plain data.
struct Origin {
  Endpoint at = {};
  std::string host = {};    // As the operator has written it, for the field Host: "HOST:PORT".
  std::string prefix = {};  // In front of each name: "", or "/pub" without a slash at its end.
  // For its head, and then for each kMinBytes of the content.
  absl::Duration timeout = absl::Seconds(10);
  // How long a copy is fresh, if the other server does not say.
  absl::Duration fresh = absl::Minutes(1);
  int64_t max_file_bytes = INT64_MAX;
};

class OriginFetch {
 public:
  // Slower than that is too slow: the clients that wait have nothing meanwhile.
  static constexpr int64_t kMinBytes = 10 * 1024;

  // The library must have copies, and not be read-only. The name is one that CheckNameToRead() accepts.
  OriginFetch(std::shared_ptr<const Library> library, std::shared_ptr<const Origin> origin, std::string name);
  ~OriginFetch();

  // Goes on as far as that is possible at once, within bounds; true: it is over. May be called in vain.
  bool Step();
  bool is_over() const { return phase_ == Phase::kOver; }
  // What to wait for before the next Step(), unless it is over. -1: for the time alone.
  int fd() const { return fd_.get(); }
  bool wants_room() const { return phase_ != Phase::kReceive; }
  absl::Duration Left() const;

  const std::string& name() const { return name_; }
  // Once it is over. For clients: texts say nothing of where the other server is.
  const FetchAnswer& answer() const { return answer_; }
  // The size of the copy that was stored, or found to be as new; nothing if there is none.
  std::optional<int64_t> copy_bytes() const { return copy_bytes_; }
  // What would have been stored, as far as is known, if the disk or the quota had had room for it; else 0.
  int64_t lacking_bytes() const { return lacking_bytes_; }
  // The copy that was there is gone: the other server does not let it be kept any more.
  bool has_removed_copy() const { return has_removed_copy_; }
  // A request was sent to the other server.
  bool has_asked() const { return has_asked_; }

 private:
  enum class Phase : uint8_t { kConnect, kSend, kReceive, kStore, kOver };

  std::string MakeRequest() const;
  bool Connect();
  bool Send();
  bool Receive();
  bool Store();
  // Of the head that has come. False: the fetch is over, or its content is not wanted.
  bool TakeHead();
  bool TakeRefusal(int status);
  bool Renew();
  bool StartUpload();
  absl::Status MakeDirectories() const;
  bool TakeContent();
  CopyNote MakeNote() const;
  // All these end it, and return false.
  bool End(int code, absl::string_view text);
  bool FailCall(absl::string_view call);
  bool FailToKeep(const absl::Status& error);
  bool LeaveOld();
  // The time is over, if it is.
  bool CheckTime();

  const std::shared_ptr<const Library> library_;
  const std::shared_ptr<const Origin> origin_;
  const std::string name_;
  absl::StatusOr<Library::File> old_;  // What has the name at the start.
  std::string request_;
  absl::string_view unsent_;  // Of request_.
  OriginReply reply_;
  std::string content_;              // Taken from the reply, not yet in the file.
  int64_t received_bytes_ = 0;       // Of the content,
  int64_t window_bytes_ = 0;         // and since the deadline was set.
  std::unique_ptr<Upload> upload_;   // Null until the head says that there is content.
  std::optional<CopyNote> note_;     // Of the new copy.
  std::optional<int64_t> modified_;  // When the other server's file last changed.
  int store_tries_ = 0;
  Phase phase_ = Phase::kConnect;
  Deadline deadline_;
  FetchAnswer answer_ = {500, ""};
  std::optional<int64_t> copy_bytes_;
  int64_t lacking_bytes_ = 0;
  bool has_removed_copy_ = false;
  bool has_asked_ = false;
  UniqueFd fd_;
};

}  // namespace polyserve

#endif  // POLYSERVE_FETCH_ORIGIN_FETCH_H_
