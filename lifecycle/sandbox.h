// Sandbox: what a server leaves itself once it serves, so that a fault in it harms less (--sandbox=on).
//
//   Check()           can this system do that? At the start, and by --check
//   RestrictFiles()   when the files of the flags are open, before there is another process or thread: what is started
//                     from then on has the same files (file_rules.h)
//   RestrictCalls()   when everything is bound, in each process that was started before, and in a fresh image of the
//                     program: what it starts from then on has the same calls (call_filter.h)
//
// Two steps, since binding needs calls that serving does not. One set of rules about files for all processes: those of
// another set could not look at each other in /proc (landlock(7)), as /-/status does.
#ifndef POLYSERVE_LIFECYCLE_SANDBOX_H_
#define POLYSERVE_LIFECYCLE_SANDBOX_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "lifecycle/call_filter.h"
#include "lifecycle/file_rules.h"

namespace polyserve {

class Sandbox {
 public:
  struct Options {
    std::vector<FileRule> files;
    std::vector<uint16_t> tcp_ports = {};  // Of the servers that it asks, whatever their addresses.
    CallNeeds calls;
  };

  Sandbox() = default;  // None: nothing is given up.
  explicit Sandbox(Options options) : is_on_(true), options_(std::move(options)) {}

  bool is_on() const { return is_on_; }

  // Unimplemented, with a text that names the flag: the system lacks a part of it. Half a sandbox there is not.
  absl::Status Check() const;
  absl::Status RestrictFiles() const;
  absl::Status RestrictCalls() const;
  // For a process that needs other calls than those that serve.
  absl::Status RestrictCallsTo(const CallNeeds& needs) const;

 private:
  bool is_on_ = false;
  Options options_;
};

}  // namespace polyserve

#endif  // POLYSERVE_LIFECYCLE_SANDBOX_H_
