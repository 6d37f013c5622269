// Access: who may do what, for all sessions of a server. It knows the users of --auth_file, verifies their passwords
// and tokens, and reads the file anew when told to. A server without --auth_file has none, and everyone may do
// everything.
//
//   Permissions everyone = access->Everyone();
//   if (access->Recall(name, secret)) ...            right, and found right lately: costs a keyed hash
//   else if (access->Verify(name, secret, address))  in a task: costs a crypt(3)
//   permissions.Allow(Right::kRead, "public/a")
//
// A session gets from credentials to permissions by a Login (protocol/login.h). Where the transport proves a name, as
// TLS does with a client's certificate, PermissionsOf(name) takes the place of a password.
//
// All processes of a server use the same version of the file, the one that its own process has read and found right:
// the text is in shared memory, and so are the cache of logins and the limit of failures.
#ifndef POLYSERVE_ACCESS_ACCESS_H_
#define POLYSERVE_ACCESS_ACCESS_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "access/auth_file.h"
#include "access/failure_limit.h"
#include "access/keyed_hash.h"
#include "access/login_cache.h"
#include "access/shared_text.h"
#include "base/mutex.h"

namespace polyserve {

// What a peer may do. A value that is cheap to copy; it keeps the version of the file that it comes from.
class Permissions {
 public:
  // Nothing.
  Permissions() = default;

  // `name` as for AuthUser::May().
  bool Allow(Right right, absl::string_view name = "") const {
    return file_ != nullptr && (file_->everyone().May(right, name) || (user_ != nullptr && user_->May(right, name)));
  }
  // The name that was proved; "" if none was.
  absl::string_view user() const { return user_ == nullptr ? absl::string_view() : user_->name; }

 private:
  friend class Access;
  Permissions(std::shared_ptr<const AuthFile> file, const AuthUser* user) : file_(std::move(file)), user_(user) {}

  std::shared_ptr<const AuthFile> file_;
  const AuthUser* user_ = nullptr;  // In file_; null: no name was proved.
};

// All calls from any thread of any process, unless they say otherwise. None blocks but Verify() and Reload().
class Access {
 public:
  // What the processes of a server share. All zeroes at first.
  struct Table {
    HashKey key;
    std::atomic<int64_t> wrong;
    std::atomic<int64_t> refused;
    SharedText::Table text;
    FailureLimit::Table failures;
    LoginCache::Table logins;
  };

  struct Options {
    std::string path;              // Of the file.
    int failures_per_minute = 10;  // Wrong passwords from one address; 0: any number.
  };

  // Reads the file, in the server's own process, before there are others. `table` must outlive it. Errors name the
  // file, the line and the reason.
  static absl::StatusOr<std::shared_ptr<Access>> Open(const Options& options, Table& table);
  // For a program image that the server has started: uses what the server has published in the table, which need not be
  // there before the first call.
  static std::shared_ptr<Access> OfServer(const Options& options, Table& table);

  // Reads the file again. On an error all processes keep the version that they have. Does nothing in other processes
  // than the one that has called Open(). May block as reading a file does.
  absl::Status Reload();

  Permissions Everyone() const { return Permissions(Current(), nullptr); }
  // Of the user whose name the transport has proved; those of everyone if the file does not have it.
  Permissions PermissionsOf(absl::string_view name) const;
  // The same permissions by the present version of the file: of its user if its hash is unchanged, else of everyone.
  // Costs a lock.
  Permissions Renew(const Permissions& permissions) const;

  // The permissions of a user whose secret was found right lately; nothing if that is not known.
  std::optional<Permissions> Recall(absl::string_view name, absl::string_view secret) const;

  // Since the start, of all processes.
  struct Figures {
    int64_t wrong = 0;    // Passwords that were verified, and were wrong.
    int64_t refused = 0;  // Logins that were refused without a look at the password.
  };
  Figures figures() const { return {table_.wrong, table_.refused}; }
  // Call for each login that is refused because MayVerify() does not allow it.
  void CountRefused() const { table_.refused.fetch_add(1, std::memory_order_relaxed); }

  // When an address that has failed too often may try again, in seconds from then.
  int retry_seconds() const { return failures_.retry_seconds(); }
  // Whether an attempt from this address may be verified now. kGo has to be followed by Verify().
  FailureLimit::Answer MayVerify(absl::string_view address) const;
  // Whether this is the user's secret. Blocks for the time that a hash takes, and longer if as many others are being
  // verified as there are processors: call it in a task. Takes as long if there is no such user.
  bool Verify(absl::string_view name, absl::string_view secret, absl::string_view address) const;

 private:
  Access(const Options& options, Table& table, pid_t owner);

  std::shared_ptr<const AuthFile> Current() const;
  HashDigest DigestOf(const AuthUser& user, absl::string_view secret) const;

  const std::string path_;
  Table& table_;
  const pid_t owner_;  // The process that reloads; 0: another one.
  const SharedText text_;
  const FailureLimit failures_;
  const LoginCache logins_;
  // Each hash under way takes a processor, and yescrypt some megabytes: more at a time than there are processors would
  // only need more memory.
  mutable std::counting_semaphore<> verifiers_;
  mutable Mutex mutex_;
  mutable int64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable std::shared_ptr<const AuthFile> file_ ABSL_GUARDED_BY(mutex_);
};

// What everyone may do: the rights of a peer whose protocol has no passwords. `access` may be null: there is no
// --auth_file.
inline bool MayEveryone(const Access* access, Right right, absl::string_view name = "") {
  return access == nullptr || access->Everyone().Allow(right, name);
}

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_ACCESS_H_
