#include "backends/connection/refusal.h"

#include <sys/socket.h>

#include <cstdint>

#include "backends/connection/conversation.h"
#include "backends/connection/flush.h"
#include "backends/connection/start_conversation.h"
#include "net/socket.h"
#include "net/statistics.h"
#include "protocol/output.h"

namespace polyserve {

bool SayRefusal(const Connection& client, const ServerContext& context) {
  if (!client.listener->refuses_in_words) return false;
  const int fd = client.fd.get();
  Conversation conversation = StartConversation(*client.listener, fd);
  if (conversation.is_refused()) return false;
  Output output;
  conversation.Refuse(output);
  if (output.empty() || !SetNonBlocking(fd, true).ok()) return false;
  Counters& counters = OfService(context.statistics.counters(), client.listener->number);
  if (Flush(fd, output, INT64_MAX, counters, conversation.entry()) != Flushed::kAll) return false;
  return ::shutdown(fd, SHUT_WR) == 0;
}

}  // namespace polyserve
