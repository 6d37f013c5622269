#include "backends/nonblock_client.h"

#include <utility>

#include "backends/connection/closing_message.h"
#include "base/mailbox.h"
#include "net/tcp_bytes.h"

namespace polyserve {

NonblockClient::NonblockClient(Connection connection, NonblockShared& shared)
    : shared_(shared),
      counters_(OfService(shared.counters, connection.listener->number)),
      fd_(std::move(connection.fd)),
      watch_(shared.ticks),
      steps_(*connection.listener, fd_.get()) {}

NonblockClient::~NonblockClient() {
  SendClosingMessage(fd_.get(), steps_.conversation(), counters_);
  CountEnd(counters_, shared_.connection_limit);
}

// A mailbox with a descriptor of its own is asked as the socket is.
NonblockClient::Outcome NonblockClient::TakeTurn() {
  if (Mailbox* const mailbox = steps_.conversation().mailbox(); mailbox != nullptr) mailbox->Collect();
  const Outcome outcome = steps_.TakeTurn(shared_.space, counters_);
  if (outcome == Outcome::kMoved) watch_.NoteMove(shared_.ticks);
  return outcome;
}

bool NonblockClient::OnTick() {
  const Debt owed = steps_.conversation().debt();
  if (JudgeProgress(fd_.get(), shared_.limits, owed, shared_.ticks, watch_) == Progress::kAlive) return true;
  // The peer learns that its reply was cut short, and the kernel frees what is unsent.
  if (owed == Debt::kAcknowledgement) ResetOnClose(fd_.get());
  return false;
}

}  // namespace polyserve
