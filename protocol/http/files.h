// GET and HEAD of what is in the library: files, whole or in parts, in the coding that the client likes best, if it has
// changed; and the pages of directories.
#ifndef POLYSERVE_PROTOCOL_HTTP_FILES_H_
#define POLYSERVE_PROTOCOL_HTTP_FILES_H_

#include <cstdint>
#include <memory>

#include "protocol/http/request.h"
#include "protocol/http/site.h"
#include "protocol/http/target.h"
#include "protocol/output.h"

namespace polyserve {

// Up to this size a file is copied into the output, so that head and content leave in one call; sendfile costs more
// than the copy it saves there.
constexpr int64_t kMaxCopiedFileBytes = 32 * 1024;

// Appends the whole reply, closing included if the request's terms say so. The page of a directory is blocking work.
void AnswerHttpRead(const std::shared_ptr<const HttpSite>& site, const HttpRequest& request, const HttpTarget& target,
                    Output& output);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_FILES_H_
