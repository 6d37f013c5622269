// StoreUpload: gives an upload its name when its turn comes. Uploads into one directory take their names one after the
// other (see Upload::Store()); an upload that finds another one at it tries again in a moment, and no loop waits.
#ifndef POLYSERVE_PROTOCOL_STORE_UPLOAD_H_
#define POLYSERVE_PROTOCOL_STORE_UPLOAD_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "files/library.h"
#include "protocol/output.h"

namespace polyserve {

// The others need some microseconds each. If it takes this many times as long, a program that is not this server holds
// the directory: Unavailable.
constexpr absl::Duration kStorePause = absl::Milliseconds(5);
constexpr int kMaxStoreTries = 400;

// Writes the reply. The upload is there until it returns.
using StoreReply = std::function<void(const absl::StatusOr<Upload::Stored>&, const Upload&, Output&)>;

// Stores the upload, at once or in tasks of `output`, and calls `reply`, which must not touch the session.
void StoreUpload(std::unique_ptr<Upload> upload, Upload::Condition condition, StoreReply reply, Output& output);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_STORE_UPLOAD_H_
