// RedisConnection: one connection to Redis, which never blocks: commands go in, answers come out, in order. Whoever
// owns it waits for fd(), together with what else there is to wait for, and then calls OnEvents().
//
//   connecting ─▶ TLS, if any ─▶ AUTH, SELECT, PING ─▶ ready: Send(), Next()
//        └───────────────┴──────────────┴──────────────────┴─ a status that is not OK: destroy it
//
// Not thread-safe.
#ifndef POLYSERVE_ROOM_REDIS_REDIS_CONNECTION_H_
#define POLYSERVE_ROOM_REDIS_REDIS_CONNECTION_H_

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/unique_fd.h"
#include "net/deadline.h"
#include "net/endpoint.h"
#include "room/redis/redis_reply.h"
#include "room/redis/redis_url.h"

namespace polyserve {

// A Redis that can be connected to. Immutable; any thread, and forked children, may use it.
struct RedisServer {
  RedisUrl url;
  Endpoints at;  // Looked up once: a loop must not wait for name servers.
  // Null without TLS. It has the authorities already, so that no file is needed later.
  std::shared_ptr<SSL_CTX> tls = nullptr;
  // How long Redis may take to accept a connection, and for each answer. It answers within milliseconds, unless it is
  // stopped, out of reach, or busy with a script of another user.
  absl::Duration patience = absl::Seconds(2);
};

// A context that trusts the authorities of this file, and checks for whom a certificate is. InvalidArgument, with the
// path: it cannot be used.
absl::StatusOr<std::shared_ptr<SSL_CTX>> MakeRedisTls(const std::string& authorities);

class RedisConnection {
 public:
  // Begins to connect. `attempt` numbers the attempts: they take turns with the addresses. Fails if the system has no
  // descriptor left, or refuses at once.
  static absl::StatusOr<std::unique_ptr<RedisConnection>> Open(const RedisServer& server, size_t attempt);
  ~RedisConnection();

  int fd() const { return fd_.get(); }
  // What to wait for (poll(2)), and until when at most: then call OnEvents() as well.
  short events() const;
  Deadline deadline() const { return deadline_; }

  // Connects, sends and receives what is possible now. Errors, with the server's name in them:
  //   PermissionDenied    Redis refuses the user or the password
  //   InvalidArgument     it refuses the database; it is no Redis; its certificate cannot be trusted
  //   Unavailable         all else, which may be better the next time
  absl::Status OnEvents();

  // True once commands are welcome.
  bool is_ready() const { return stage_ == Stage::kReady; }
  // Queues a command; each gets one answer. It is ready. `wait`: what Redis was asked to take longer for it.
  void Send(absl::Span<const absl::string_view> words, absl::Duration wait = absl::ZeroDuration());
  // Sends as much of that as the system takes, and receives nothing: an answer that comes in the same moment stays in
  // the socket, where poll(2) reports it. Errors as for OnEvents().
  absl::Status Flush();
  // Bytes that the system has not taken yet.
  size_t unsent() const { return unsent_.size() - sent_; }
  // Commands that have no answer yet.
  size_t unanswered() const { return unanswered_; }
  // The next answer; false if there is none. Look at fault() then. OnEvents() may have received several, of which
  // poll(2) knows nothing any more: after it, and after each Send(), take answers until there is none.
  bool Next(RedisReply& reply);
  // InvalidArgument: what has come is no answer of Redis.
  absl::Status fault() const;

 private:
  enum class Stage { kConnecting, kTls, kGreeting, kReady };

  RedisConnection(const RedisServer& server, UniqueFd fd);

  absl::Status OnConnected();
  absl::Status ShakeHands();
  void Greet();
  absl::Status OnGreeted();
  absl::Status Receive();
  // As read(2) and write(2): -1 with errno, EAGAIN if it has to wait.
  ssize_t Read(char* bytes, size_t size);
  ssize_t Write(absl::string_view bytes);
  ssize_t ResultOfTls(int result, size_t count);
  absl::Status Error(absl::StatusCode code, absl::string_view what) const;
  absl::Status SystemError(const char* call) const;

  const RedisServer& server_;
  const UniqueFd fd_;
  SSL* ssl_ = nullptr;
  bool tls_waits_to_write_ = false;  // Whatever was asked of it.
  Stage stage_ = Stage::kConnecting;
  Deadline deadline_;
  absl::Duration patience_;  // Until something comes.
  int greetings_ = 0;        // Answers that are still to come before it is ready.
  std::string unsent_;
  size_t sent_ = 0;  // Of unsent_.
  size_t unanswered_ = 0;
  RedisParser parser_;
};

// Connects once, and waits for the end of it, as long as its patience goes. OK: Redis lets this user in. The errors are
// those of OnEvents().
absl::Status TryRedis(const RedisServer& server);

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_REDIS_REDIS_CONNECTION_H_
