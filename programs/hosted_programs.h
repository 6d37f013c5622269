// HostedPrograms: the programs as a process of the server sees them that serves clients. They are children of the host
// (programs/host.h); each is connected by a stream socket, of which this side holds one end. That is the descriptor of
// the program's mailbox. When it is closed, for any reason, the host ends the program.
#ifndef POLYSERVE_PROGRAMS_HOSTED_PROGRAMS_H_
#define POLYSERVE_PROGRAMS_HOSTED_PROGRAMS_H_

#include <memory>

#include "base/unique_fd.h"
#include "programs/program.h"

namespace polyserve {

class HostedPrograms : public Programs {
 public:
  // Sets the socket through which the host is asked for programs; see ProgramHost::TakeRequestFd(). Before that, and
  // when the host has gone, none can be started. Before there are other threads.
  void ReachBy(UniqueFd request_fd);
  int request_fd() const { return request_fd_.get(); }
  // The server stops: programs that run on are ended within the drain time-out. Any thread. Does not wait, so the host
  // may miss it if much else is under way: call it again.
  void TellStop() const;

  std::unique_ptr<Program> NewProgram(int number) override;

 private:
  class HostedProgram;

  UniqueFd request_fd_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROGRAMS_HOSTED_PROGRAMS_H_
