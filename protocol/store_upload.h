// StoreUpload: gives a finished upload its name in the library. Uploads into one directory take its lock in turn (see
// Upload::Store()). If the lock is held, the upload tries again kStorePause later, so that no loop waits for it. An
// upload that is durable is stored in a task, since it waits for the disk: a loop with helpers (--offload) goes on
// meanwhile, and one without them stands still.
//
//   Store() ─ Unavailable: Pause(kStorePause), up to kMaxStoreTries times ─▶ Store() ─ ... ─▶ reply(result, ...)
#ifndef POLYSERVE_PROTOCOL_STORE_UPLOAD_H_
#define POLYSERVE_PROTOCOL_STORE_UPLOAD_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "files/library.h"
#include "protocol/output.h"

namespace polyserve {

// An upload holds the lock for some microseconds. If it is still held after all tries (2 seconds), a program other than
// this server holds it, and the reply gets Unavailable.
constexpr absl::Duration kStorePause = absl::Milliseconds(5);
constexpr int kMaxStoreTries = 400;

// Writes the session's answer. It may run inside a task, perhaps on another thread, so it must not touch the session.
// The Upload is valid until it returns.
using StoreReply = std::function<void(const absl::StatusOr<Upload::Stored>&, const Upload&, Output&)>;

// Stores the upload and calls `reply` exactly once: before this function returns, or in a task of `output`. Nothing may
// be appended to `output` afterwards if it has_work(). `condition`, if not null, is checked under the directory's lock.
// Errors that `reply` gets are those of Upload::Store().
// REQUIRES: a stream, since datagrams have no pauses; TftpSession retries with its own timer.
void StoreUpload(std::unique_ptr<Upload> upload, Upload::Condition condition, StoreReply reply, Output& output);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_STORE_UPLOAD_H_
