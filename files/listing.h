// Listing: a directory as text, sorted, however large it is: made in short steps, so that a loop can do other
// things between two of them, and in little memory. What is sorted and written is kept in a temporary file without a
// name, as with any sort that does not fit (Knuth, volume 3, 5.4): runs of entries are sorted in memory, then merged.
//
//   std::unique_ptr<Listing> listing = *Listing::Start(library, "", format);
//   while (!*listing->Step()) { ... }
//   listing->size(), and listing->file() or listing->text()
//
// Bound: kRunBytes for the entries, and kReadBytes for each run (some 3,000 files) while they are merged; the text of
// one that is finished is in the file if it has more than kMaxTextBytes.
#ifndef POLYSERVE_FILES_LISTING_H_
#define POLYSERVE_FILES_LISTING_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "files/library.h"

namespace polyserve {

// What entries are sorted by. Names are compared by their bytes, and decide among equals in any order, upwards.
struct ListingOrder {
  enum class By : uint8_t { kName, kSize, kDate };
  By by = By::kName;
  bool is_descending = false;

  friend bool operator==(const ListingOrder&, const ListingOrder&) = default;
};

// The stages, of which each Step() does a part:
//
//   kReading ─▶ all fits in memory: sort ─▶ kWriting ─▶ kFinished
//      └──────▶ it does not: runs in a file ─▶ kMerging ───┘
//
// One thread at a time.
class Listing {
 public:
  // Bounds how long a step keeps a loop from its other clients.
  static constexpr int kNamesPerStep = 128;
  // Entries are sorted in memory up to this size.
  static constexpr size_t kRunBytes = 256 * 1024;
  // The piece of a run that is in memory while runs are merged.
  static constexpr size_t kReadBytes = 4 * 1024;
  // A text above this size is moved to a file.
  static constexpr size_t kMaxTextBytes = 64 * 1024;

  // Appends the text of an entry to the string; appends nothing to leave it out. Called once for each entry, in order.
  using Format = std::function<void(const Library::Entry&, std::string&)>;

  // Opens the directory, "" for the root, and reads nothing yet. The library must outlive it. Errors as
  // Library::OpenDirectory().
  static absl::StatusOr<std::unique_ptr<Listing>> Start(const Library& library, absl::string_view name, Format format,
                                                        ListingOrder order = {});
  ~Listing();

  // Does the next kNamesPerStep names, or what costs as much. True: the listing is finished. Do not call it again after
  // that, or after an error. Unavailable: the system is short of descriptors. ResourceExhausted: there is no room for
  // temporary files.
  absl::StatusOr<bool> Step();

  // What a finished listing has: either a file or, if that is null, a text. The size is in bytes, and of the one that
  // it has. A file has no name, and is gone when the last descriptor of it is closed.
  int64_t size() const { return file_ != nullptr ? file_bytes_ : static_cast<int64_t>(text_.size()); }
  const std::shared_ptr<const UniqueFd>& file() const { return file_; }
  const std::string& text() const { return text_; }

 private:
  class Run;
  enum class Stage { kReading, kWriting, kMerging, kFinished };

  Listing(Library::Directory directory, Format format, ListingOrder order);
  absl::Status Read();
  absl::Status EndRun();
  absl::Status StartMerging();
  absl::Status Write();
  absl::Status Merge();
  absl::Status Append(const Library::Entry& entry);
  absl::Status FlushText();
  absl::Status Finish();
  void Sort();
  // For the heaps of the standard library, which have the largest in front: the run whose entry comes first.
  bool ComesLast(const std::unique_ptr<Run>& a, const std::unique_ptr<Run>& b) const;

  Library::Directory directory_;
  const Format format_;
  const ListingOrder order_;
  Stage stage_ = Stage::kReading;
  std::vector<Library::Entry> entries_;  // Of the present run,
  size_t entries_bytes_ = 0;             // which take this much memory.
  size_t written_ = 0;                   // How many of them are in the text.
  UniqueFd runs_file_;
  int64_t runs_file_bytes_ = 0;
  std::vector<std::unique_ptr<Run>> runs_;  // While they are merged: a heap, the first name in front.
  std::string text_;
  std::shared_ptr<const UniqueFd> file_;
  int64_t file_bytes_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_FILES_LISTING_H_
