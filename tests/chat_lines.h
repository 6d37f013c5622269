// What members of the chat room hear, as lines with their ends. For tests of every kind.
#ifndef POLYSERVE_TESTS_CHAT_LINES_H_
#define POLYSERVE_TESTS_CHAT_LINES_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// The lines that the other members hear when a member joins, leaves, or says something, with their ends. The words are
// those of the course that this project grew out of; see docs/protocols.md.
inline std::string Arrival(absl::string_view name) { return absl::StrCat("欢迎 '", name, "' 进入聊天室\n"); }
inline std::string Departure(absl::string_view name) { return absl::StrCat("'", name, "' 退出聊天室\n"); }
inline std::string Saying(absl::string_view name, absl::string_view text) {
  return absl::StrCat(name, " : ", text, "\n");
}

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_CHAT_LINES_H_
