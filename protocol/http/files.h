// GET and HEAD of the library: files, whole or in parts (Range), in the coding that the client prefers, or only if they
// have changed (conditions); and the pages of directories.
//
//   a plain GET ─▶ HttpReplyCache ─ not there ─▶ open the file ─▶ conditions ─▶ ranges ─▶ reply, kept if small
//                                                  └─ none: have it fetched, if another server may have it, and again
#ifndef POLYSERVE_PROTOCOL_HTTP_FILES_H_
#define POLYSERVE_PROTOCOL_HTTP_FILES_H_

#include <cstdint>
#include <memory>

#include "protocol/file_fetch.h"
#include "protocol/http/request.h"
#include "protocol/http/site.h"
#include "protocol/http/target.h"
#include "protocol/output.h"

namespace polyserve {

// Up to this size a file is copied into the output, so that head and content leave in one call: a sendfile(2) of its
// own costs more than the copy that it saves.
constexpr int64_t kMaxCopiedFileBytes = 32 * 1024;

// Appends the whole reply, errors included, and closes the output if the request's terms say so. The page of a
// directory is made in tasks (Output::Work()), so nothing may be appended afterwards if output.has_work(). `fetch` is
// null unless the site has a fetcher. False: the file is being fetched, and the request has to be passed again.
bool AnswerHttpRead(const std::shared_ptr<const HttpSite>& site, const HttpRequest& request, const HttpTarget& target,
                    FileFetch* fetch, Output& output);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_FILES_H_
