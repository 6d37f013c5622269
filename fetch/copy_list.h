// CopyList: the copies that a server keeps of another one's files, in the order of their last use, and their bytes
// together. Names and numbers alone: the files are the caller's affair. One thread.
#ifndef POLYSERVE_FETCH_COPY_LIST_H_
#define POLYSERVE_FETCH_COPY_LIST_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace polyserve {

class CopyList {
 public:
  CopyList() = default;
  CopyList(CopyList&&) = default;  // A copy's index would have views of the other one's names.
  CopyList& operator=(CopyList&&) = default;

  // The copy is there, with this size, and was used just now.
  void Note(absl::string_view name, int64_t bytes);
  // It was used just now. Nothing, if it is not in the list.
  void Touch(absl::string_view name);
  void Forget(absl::string_view name);

  int64_t bytes() const { return bytes_; }
  size_t size() const { return copies_.size(); }
  // The one whose last use is longest ago; null if there is none. Valid until the next call.
  const std::string* Oldest() const { return copies_.empty() ? nullptr : &copies_.front().name; }

 private:
  struct Copy {
    std::string name;
    int64_t bytes;
  };
  using Copies = std::list<Copy>;  // Its elements never move, so the index has views of their names.

  Copies copies_;  // The oldest first.
  absl::flat_hash_map<absl::string_view, Copies::iterator> index_;
  int64_t bytes_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_FETCH_COPY_LIST_H_
