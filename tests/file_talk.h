// Requests to the file service, for tests: each sends one, and reads the whole reply. See protocol/file.h.
//
//   Peer peer(server.address("file"));
//   EXPECT_EQ(Put(peer, "a", "hello").code(), "OK 5");
//   EXPECT_EQ(Get(peer, "a").body, "hello");
#ifndef POLYSERVE_TESTS_FILE_TALK_H_
#define POLYSERVE_TESTS_FILE_TALK_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tests/peer.h"

namespace polyserve {

struct FileReply {
  std::string line;  // "OK 5", "ERR 404 there is no such file"; without its end.
  std::string body;  // What follows it; L, G and R only.

  // The line without the text for people: "OK 5", "ERR 404".
  std::string code() const;
};

// Sends a command, to which it adds the line end, and waits for the reply, kPatience at most. The first letter of the
// command decides whether a body follows an OK. Both parts are empty if no reply comes; the body is short if it is cut
// off.
FileReply Ask(Peer& peer, absl::string_view command);

// The same for G and P. Names go as they are: a test may send bad ones.
FileReply Get(Peer& peer, absl::string_view name);
FileReply Put(Peer& peer, absl::string_view name, absl::string_view bytes);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_FILE_TALK_H_
