// Chat: a member of the chat room of a server (protocol/chat/session.h, over TCP). Lines that the user types go to all
// other members; their lines are shown above the one being typed.
//
//   connect ──▶ "L <name>" ──▶ "OK" ──▶ poll(2) on the socket, the input and Interrupt ──▶ "E <name>" ──▶ "EXIT"
#ifndef POLYSERVE_CLIENT_CHAT_H_
#define POLYSERVE_CLIENT_CHAT_H_

#include <string>

#include "absl/status/status.h"
#include "client/connection.h"
#include "client/server_address.h"

namespace polyserve {

struct ChatOptions {
  ServerAddress server;
  ConnectionOptions connection;  // Its idle time-out limits the wait for answers only: a quiet room is not an error.
  std::string name;              // Of the member: one word, not taken by another.
  int input = 0;                 // Descriptors, by default standard input and output; they stay the caller's.
  int output = 1;
};

// Joins the room, and returns when the user has left. Blocks meanwhile, in the calling thread alone.
//   OK                  the user left: by the line "##", the end of the input, or an interrupt (client/interrupt.h),
//                       which is cleared
//   FailedPrecondition  the server refuses the name or the credentials; the message is the server's
//   InvalidArgument     the name cannot be sent
//   others              see Connection
absl::Status Chat(const ChatOptions& options);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_CHAT_H_
