// chat: the room of a server that speaks the chat service over TCP. Lines that are typed are said to all others; what
// these say is shown.
#ifndef POLYSERVE_CLIENT_CHAT_H_
#define POLYSERVE_CLIENT_CHAT_H_

#include <string>

#include "absl/status/status.h"
#include "client/connection.h"
#include "net/endpoint.h"

namespace polyserve {

struct ChatOptions {
  Endpoints server;
  ConnectionOptions connection;  // Its idle time-out is for answers: in a room silence is nothing unusual.
  std::string name;
  int input = 0;  // Standard input and output.
  int output = 1;
};

// Joins, and returns OK when the user has left: by the line "##", the end of the input, or an interrupt (see
// client/interrupt.h), which is cleared. FailedPrecondition: the server refuses the name, in its words.
// InvalidArgument: it can be no name. Others: see Connection.
absl::Status Chat(const ChatOptions& options);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_CHAT_H_
