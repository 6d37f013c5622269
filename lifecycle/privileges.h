// Privileges: what a server gives up, so that a fault in it harms less.
//
//   Create()       looks the user up, while /etc is there
//   EnterRoot()    --chroot: before any file of a flag is opened, so that all paths of flags are paths in it
//   BecomeUser()   --user: when the files that only root may read are open (keys), and before any socket or process is
//                  made, which then belong to that user; may still bind ports below 1024
//   GiveUpAll()    when everything is bound, and in each process that was forked before: nothing is left of root
//
// In the main thread, before there are others; what is forked afterwards inherits all of it.
#ifndef POLYSERVE_LIFECYCLE_PRIVILEGES_H_
#define POLYSERVE_LIFECYCLE_PRIVILEGES_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace polyserve {

class Privileges {
 public:
  struct Options {
    std::string user;    // A name or a number; empty: stay who we are.
    std::string group;   // Instead of the user's own groups.
    std::string chroot;  // A directory; empty: none.
  };

  // InvalidArgument, with a text that names the flag: there is no such user, group or directory, or this process may
  // not become another user.
  static absl::StatusOr<Privileges> Create(const Options& options);

  absl::Status EnterRoot() const;
  // Also without --user: no program that a process of the server starts gets more rights than the server has
  // (no_new_privs, prctl(2)).
  absl::Status BecomeUser() const;
  absl::Status GiveUpAll() const;

  bool has_chroot() const { return !options_.chroot.empty(); }

  Privileges() = default;  // Those that the process has.

 private:
  // Nothing to do if the process is that user already, as after an upgrade.
  bool is_user() const;

  Options options_;
  uid_t user_ = static_cast<uid_t>(-1);  // -1: stays.
  gid_t group_ = static_cast<gid_t>(-1);
  std::vector<gid_t> groups_;  // All of them.
};

}  // namespace polyserve

#endif  // POLYSERVE_LIFECYCLE_PRIVILEGES_H_
