#include "protocol/make_listing.h"

#include <utility>

namespace polyserve {

namespace {

// What a task hands to the next one: everything, so that the session need not exist any more.
struct Making {
  std::shared_ptr<const Library> library;  // First, since the listing needs it to its end.
  std::shared_ptr<Listing> listing;
  ListingReply reply;
};

// Each task does one step and appends the next task, so a driver with one thread serves others between two steps. The
// chain ends with the conversation: an output that is dropped takes its task with it.
void Step(Making making, Output& output) {
  const absl::StatusOr<bool> is_finished = making.listing->Step();
  if (!is_finished.ok()) return making.reply(is_finished.status(), output);
  if (*is_finished) return making.reply(std::shared_ptr<const Listing>(std::move(making.listing)), output);
  output.Work([making = std::move(making)](Output& result) mutable { Step(std::move(making), result); });
}

}  // namespace

void MakeListing(std::shared_ptr<const Library> library, std::string name, ListingOrder order, Listing::Format format,
                 ListingReply reply, Output& output) {
  // Even opening the directory is left to the task, as it may wait for a disk.
  output.Work([library = std::move(library), name = std::move(name), order, format = std::move(format),
               reply = std::move(reply)](Output& result) mutable {
    absl::StatusOr<std::unique_ptr<Listing>> listing = Listing::Start(*library, name, std::move(format), order);
    if (!listing.ok()) return reply(listing.status(), result);
    Step({std::move(library), *std::move(listing), std::move(reply)}, result);
  });
}

// The file has no name, so the output that holds its descriptor is its last owner. A text is copied into the output,
// and freed with the listing.
void WriteListing(const Listing& listing, Output& output) {
  if (listing.file() == nullptr) return output.Write(listing.text());
  output.WriteFile(listing.file(), 0, listing.size());
}

}  // namespace polyserve
