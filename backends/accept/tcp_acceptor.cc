#include "backends/accept/tcp_acceptor.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "backends/accept/no_client.h"
#include "base/logging.h"
#include "base/mutex.h"
#include "base/sys_error.h"
#include "net/shortage.h"
#include "net/signals.h"
#include "net/statistics.h"

namespace polyserve {

namespace {

// Threads share their process's descriptors: if one of them gives up its spare to turn a client away, another could use
// that number for a client of its own. So from the first failure on they accept one after the other, until one of them
// finds that the shortage is over. Without a shortage, no thread takes the lock.
std::atomic<bool> g_is_short = false;
Mutex g_shortage;

// How many errors of single clients in a row count as bad luck; more are a fault of the system.
constexpr int kMaxClientErrors = 64;

UniqueFd OpenSpare() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// Of descriptors, in this process (EMFILE) or in the system (ENFILE), or of memory for the socket.
bool IsShortage(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

// An error that a client brought along: Linux passes a pending network error of the new socket to accept(2), and takes
// the client off the queue (accept(2), "Error handling").
bool IsOfOneClient(int error) {
  return error == ECONNABORTED || error == EPROTO || error == ENETDOWN || error == ENETUNREACH || error == ENONET ||
         error == EHOSTDOWN || error == EHOSTUNREACH || error == ENOPROTOOPT;
}

}  // namespace

TcpAcceptor::TcpAcceptor(const ServerContext& context, bool non_blocking)
    : context_(context), non_blocking_(non_blocking), spare_(OpenSpare()) {}

void TcpAcceptor::RestoreSpare() {
  if (!spare_.ok()) spare_ = OpenSpare();
}

absl::StatusOr<Connection> TcpAcceptor::TryAccept(const Listener& listener) {
  // Relaxed is enough: a thread that sees the old value makes an attempt in vain, or takes the lock needlessly.
  if (!g_is_short.load(std::memory_order_relaxed)) {
    absl::StatusOr<Connection> connection = TryAcceptNow(listener);
    if (absl::IsAborted(connection.status())) return PutOff(listener, connection.status());
    if (!absl::IsResourceExhausted(connection.status())) return connection;
  }
  // Tried again under the lock: another thread may have turned clients away meanwhile, and the shortage may be over.
  const MutexLock lock(g_shortage);
  absl::StatusOr<Connection> connection = TryAcceptNow(listener);
  if (absl::IsAborted(connection.status())) return PutOff(listener, connection.status());
  g_is_short = absl::IsResourceExhausted(connection.status());
  // Still under the lock: no other thread may take the descriptor that is given up for this client.
  if (g_is_short) TurnAwayWithSpare(listener, connection.status());
  return connection;
}

// One attempt. ResourceExhausted: no descriptor is left. Aborted: the system refuses, and the client stays in the
// queue.
absl::StatusOr<Connection> TcpAcceptor::TryAcceptNow(const Listener& listener) {
  for (int errors = 0;;) {
    // On Linux a connection does not inherit the listener's O_NONBLOCK (accept(2)), so the flag is passed here.
    // SOCK_CLOEXEC as well: a program that another thread starts before an fcntl(2) would inherit the descriptor.
    UniqueFd fd(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | (non_blocking_ ? SOCK_NONBLOCK : 0)));
    if (fd.ok()) return Connection{std::move(fd), &listener};
    // EINVAL: the listener was shut down, while others still hold it (the workers of a pool).
    if (errno == EAGAIN || errno == EINVAL) return NoClient();
    if (IsShortage(errno)) return absl::ResourceExhaustedError(SysError("accept", listener.service).message());
    if (errno == EINTR || (IsOfOneClient(errno) && ++errors < kMaxClientErrors)) continue;
    // Forbidden (EPERM, EACCES), or an error that we do not know: trying again at once could go on for ever.
    return absl::AbortedError(SysError("accept", listener.service).message());
  }
}

// The system refuses to accept. While the server serves, it tries again after a pause. A server that stops does not
// wait for that: it resets the clients in the queue.
absl::Status TcpAcceptor::PutOff(const Listener& listener, const absl::Status& why) {
  if (Signals::stopping()) {
    if (!listener.stays_open()) ::shutdown(listener.fd.get(), SHUT_RDWR);
    return absl::UnavailableError(why.message());
  }
  LOG_EVERY_T(WARNING, kSecondsBetweenShortageLogs)
      << "cannot accept a connection: " << why.message() << "; trying again every " << kShortagePause;
  return absl::ResourceExhaustedError(why.message());
}

// A client that is closed learns at once that it is not served, and the queue moves on. The spare may be lost to
// another part of the process at this moment; then no client is accepted, and RestoreSpare() opens a new one later.
void TcpAcceptor::TurnAwayWithSpare(const Listener& listener, const absl::Status& why) {
  spare_.reset();
  {
    const UniqueFd turned_away(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (turned_away.ok()) Counters::Add(OfService(context_.statistics.counters(), listener.number).refused, 1);
  }  // Closed before its number is needed for the next spare.
  spare_ = OpenSpare();
  LogShortage(why.message());
}

void TcpAcceptor::LogShortage(absl::string_view why) const {
  LOG_FLOOD(WARNING) << "cannot accept a connection: " << why << "; pausing for " << kShortagePause
                     << " (raise the limit with 'ulimit -n'; refused so far: " << context_.statistics.Total().refused
                     << ")";
}

}  // namespace polyserve
