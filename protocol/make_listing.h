// MakeListing: makes the listing of a directory in short tasks, one for each step of Listing, so that a loop serves its
// other clients in between. WriteListing sends the result.
//
//   Work(step) ─▶ Work(step) ─▶ ... ─▶ reply(listing, output) ─▶ WriteListing(**listing, output)
#ifndef POLYSERVE_PROTOCOL_MAKE_LISTING_H_
#define POLYSERVE_PROTOCOL_MAKE_LISTING_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "files/library.h"
#include "files/listing.h"
#include "protocol/output.h"

namespace polyserve {

// Receives the finished listing or the error that ended it, and writes the session's answer. It runs inside a task,
// perhaps on another thread, so it must not touch the session.
using ListingReply = std::function<void(const absl::StatusOr<std::shared_ptr<const Listing>>&, Output&)>;

// Appends the first task to `output` and returns at once; nothing may be appended after it (see Output::Work()).
//   library  is kept alive until the listing is finished.
//   name     the directory, relative to the root; "" is the root.
//   order    the order of the entries.
//   format   turns an entry into text; called in the tasks.
//   reply    is called exactly once, unless the conversation ends first. Errors are those of Listing::Start() and
//            Listing::Step().
void MakeListing(std::shared_ptr<const Library> library, std::string name, ListingOrder order, Listing::Format format,
                 ListingReply reply, Output& output);

// Appends the text of a finished listing: a copy if it is small, otherwise a range of the unnamed file that holds it.
// REQUIRES: a stream; datagrams carry no file ranges.
void WriteListing(const Listing& listing, Output& output);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_MAKE_LISTING_H_
