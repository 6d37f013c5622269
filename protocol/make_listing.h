// MakeListing: a directory's listing as work between other clients' turns: a task for each of its steps. And how what
// comes of it is sent.
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

using ListingReply = std::function<void(const absl::StatusOr<std::shared_ptr<const Listing>>&, Output&)>;

// Calls `reply` when it is finished, or could not be. `reply` must not touch the session, and `name` is the
// directory's.
void MakeListing(std::shared_ptr<const Library> library, std::string name, Listing::Format format, ListingReply reply,
                 Output& output);

// Appends a finished listing's text: little memory, or a range of a file.
void WriteListing(const Listing& listing, Output& output);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_MAKE_LISTING_H_
