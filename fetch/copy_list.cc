#include "fetch/copy_list.h"

#include <iterator>

namespace polyserve {

void CopyList::Note(absl::string_view name, int64_t bytes) {
  Forget(name);
  copies_.push_back({std::string(name), bytes});
  index_[copies_.back().name] = std::prev(copies_.end());
  bytes_ += bytes;
}

void CopyList::Touch(absl::string_view name) {
  const auto found = index_.find(name);
  if (found != index_.end()) copies_.splice(copies_.end(), copies_, found->second);
}

void CopyList::Forget(absl::string_view name) {
  const auto found = index_.find(name);
  if (found == index_.end()) return;
  const Copies::iterator copy = found->second;
  index_.erase(found);  // First: its key is a view of the name.
  bytes_ -= copy->bytes;
  copies_.erase(copy);
}

}  // namespace polyserve
