// The server's announcement on standard output that it is ready.
#ifndef POLYSERVE_ANNOUNCE_H_
#define POLYSERVE_ANNOUNCE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backends/accept/server_context.h"
#include "backends/registry.h"
#include "base/line_output.h"

namespace polyserve {

// Writes the lines that scripts wait for, in one piece:
//
//   listening http tcp 127.0.0.1:8080        for each listener, with the port that the system has chosen
//   ready model=thread pid=17350
//
// If standard output is a terminal, it writes the banner (banner.h) instead, which says the same to a person. `root` is
// the path of the directory that is served. `standard_output` comes from LineOutput::Own().
//
// Call it last, when nothing can fail any more, with all listeners bound. Never blocks: if standard output is closed,
// or a full pipe, the lines are lost, and the log says so. Returns an error if the address of a listener cannot be
// determined.
absl::Status AnnounceReady(const ServerContext& context, const Model& model, absl::string_view root,
                           const LineOutput& standard_output);

}  // namespace polyserve

#endif  // POLYSERVE_ANNOUNCE_H_
