#include "backends/udp/datagram_steps.h"

#include <utility>

#include "backends/udp/send_datagrams.h"

namespace polyserve {

Step TakeDatagramSteps(Conversation& conversation, int fd, const DatagramPath* path, Output& output,
                       Counters& counters) {
  for (bool has_shown_mail = false;;) {
    const Step step = conversation.Next(output);
    switch (step) {
      case Step::kSend:
        if (!SendDatagrams(fd, path, output, counters)) return step;
        break;
      case Step::kAwaitAck:
      case Step::kRunTask:
        output.TakeWork()(output);
        break;
      case Step::kResume:
        if (conversation.has_mail() && std::exchange(has_shown_mail, true)) return step;
        conversation.Resume(output);
        break;
      case Step::kLinger:
        return Step::kEnd;  // Closing a socket of datagrams takes nothing back that was sent.
      case Step::kRead:
      case Step::kReadLast:
      case Step::kSetTimer:
      case Step::kEnd:
        return step;
    }
  }
}

}  // namespace polyserve
