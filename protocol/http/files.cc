#include "protocol/http/files.h"

#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "files/library.h"
#include "files/listing.h"
#include "files/name.h"
#include "protocol/http/conditions.h"
#include "protocol/http/date.h"
#include "protocol/http/directory.h"
#include "protocol/http/encoding.h"
#include "protocol/http/range.h"
#include "protocol/http/reply.h"
#include "protocol/http/reply_cache.h"
#include "protocol/make_listing.h"

namespace polyserve {

namespace {

// The file that is sent for a directory, if it exists.
constexpr absl::string_view kIndexName = "index.html";

using Encodings = absl::InlinedVector<HttpEncoding, 3>;

// A request whose reply depends on nothing but the files, as most do: only such replies are kept, and found again.
bool IsPlain(const HttpRequest& request) {
  return request.method == HttpMethod::kGet && !request.range.has_value() && !request.conditional();
}

// The key of a plain request in the reply cache: the name, and the codings that the client accepts in its order of
// preference, since they decide which file is sent. Names hold no zero bytes, so the parts cannot run into each other.
std::string KeyOf(absl::string_view name, const Encodings& encodings) {
  std::string key(name);
  for (const HttpEncoding& encoding : encodings) absl::StrAppend(&key, absl::string_view("\0", 1), encoding.name);
  return key;
}

// Answers from the cache; false if it has no reply. Without codings the name itself is the key, so that the usual
// lookup allocates nothing. What is kept begins behind Connection: the status line, the date and the connection's own
// line are made anew for each reply.
bool AnswerKept(const HttpSite& site, const HttpRequest& request, absl::string_view name, const Encodings& encodings,
                Output& output) {
  if (!IsPlain(request)) return false;
  const HttpReplyCache::Reply rest =
      site.reply_cache().Find(site.library(), encodings.empty() ? name : KeyOf(name, encodings));
  if (rest == nullptr) return false;
  HttpReply(200, request.terms, site).WriteTo(output, rest);
  HttpReply::Finish(request.terms, output);
  return true;
}

// What is sent for a name: the file itself, or a compressed one beside it (a "representation" of RFC 9110,
// section 3.2).
struct Representation {
  absl::string_view name;  // That was asked for.
  Library::File file;
  std::string type;            // Of the name, whatever the coding.
  absl::string_view encoding;  // "" for none.
  std::string key;             // See KeyOf().
  HttpReplyCache::Sources sources;
  bool depends_on_more = false;  // Than the sources tell.
};

// Whether the file may have changed since `encoded` was made from it. `encoded` must be at least as new (mtime), and
// must have been created or moved there after the file's last change (ctime), because a program may set any mtime.
bool IsOutdated(const FileStamp& encoded, const FileStamp& file) {
  const auto time_of = [](const FileStamp& stamp) { return std::pair(stamp.mtime, stamp.mtime_nanoseconds); };
  return time_of(encoded) < time_of(file) || encoded.touched <= file.touched;
}

// Replaces the file by a compressed one beside it if the client accepts that and it is up to date. Every neighbour that
// was looked for becomes a source of the reply, the missing ones too: as soon as one appears, the kept reply is wrong.
// Copies of another server's files have none and are none: their change times are those of fetches and validations, and
// each would be stale at a time of its own.
void PreferEncoded(const Library& library, const Encodings& encodings, Representation& representation) {
  if (representation.file.copy != nullptr) return;
  for (const HttpEncoding& encoding : encodings) {
    const std::string name = absl::StrCat(representation.name, encoding.end_of_name);
    absl::StatusOr<Library::File> encoded = library.Find(name);
    representation.sources.push_back({name, encoded.ok() ? std::optional<FileStamp>(*encoded) : std::nullopt});
    // One that is there, but cannot be read, may change in ways that its stamp does not show.
    if (!encoded.ok() && !absl::IsNotFound(encoded.status())) representation.depends_on_more = true;
    if (!encoded.ok() || encoded->copy != nullptr || IsOutdated(*encoded, representation.file)) continue;
    representation.file = *std::move(encoded);
    representation.encoding = encoding.name;
    return;
  }
}

// True for the types whose scripts a browser runs when it opens the file. The names of types are in lower case; a
// parameter such as "charset" may follow. Any XML may run scripts: SVG has them as elements, and other documents get
// them by a style sheet (xml-stylesheet).
bool IsPage(absl::string_view type) {
  type = type.substr(0, type.find(';'));
  return type == "text/html" || absl::EndsWith(type, "/xml") || absl::EndsWith(type, "+xml") || type == "text/xsl";
}

// Without "allow-same-origin", the page gets an opaque origin: its scripts run, but can neither read this server's
// files nor speak in its chat, since requests from such an origin count as another site's (the directive "sandbox" of
// Content Security Policy Level 3).
constexpr absl::string_view kSandbox =
    "Content-Security-Policy: sandbox allow-scripts allow-forms allow-popups allow-downloads\r\n";

// The reply to a GET or HEAD for a file that is open. The order is that of RFC 9110, section 13.2.2: conditions first,
// then If-Range and Range. Validators and content come from the same descriptor, so a file that is replaced meanwhile
// does not mix with its successor.
class FileReply {
 public:
  FileReply(const HttpSite& site, const HttpRequest& request, const Representation& representation, Output& output)
      : site_(site),
        request_(request),
        representation_(representation),
        file_(representation.file),
        etag_(HttpETagOf(file_)),
        last_modified_(site.NotAfterDate(file_.mtime)),
        output_(output) {}

  void Write() {
    switch (CheckHttpConditions(request_, &file_, etag_)) {
      case HttpVerdict::kNotModified:
        return WriteNotModified();
      case HttpVerdict::kFailed:
        return WriteHttpError(412, "the file is not in the state that the request names", request_.terms, site_,
                              output_);
      case HttpVerdict::kGoOn:
        break;
    }
    // Range is defined for GET alone; for HEAD it must be ignored (section 14.2).
    const bool may_have_ranges = request_.range.has_value() && request_.method == HttpMethod::kGet;
    if (!may_have_ranges || !HttpRangeApplies(request_, file_, etag_)) return WriteWhole();
    const HttpRanges ranges = ParseHttpRanges(*request_.range, file_.size);
    switch (ranges.kind) {
      case HttpRanges::Kind::kWhole:
        return WriteWhole();
      case HttpRanges::Kind::kUnsatisfiable:
        // The field tells the client the size, so that it can ask again (RFC 9110, section 14.4).
        return WriteHttpError(416, "the file is shorter", request_.terms, site_, output_,
                              absl::StrCat("Content-Range: bytes */", file_.size, "\r\n"));
      case HttpRanges::Kind::kParts:
        return ranges.parts.size() == 1 ? WritePart(ranges.parts[0]) : WriteParts(ranges);
    }
  }

 private:
  // The fields that tell caches what they hold: those of a 200 that 304 repeats (RFC 9110, section 15.4.5). Vary stands
  // in every reply, compressed or not: a cache must not give the one to a client that asked for the other (RFC 9111,
  // section 4.1), and a neighbour may appear at any time.
  std::string Validators() const {
    return absl::StrCat("ETag: ", etag_, "\r\nLast-Modified: ", FormatHttpDate(last_modified_), "\r\n",
                        site_.options().precompressed ? "Vary: Accept-Encoding\r\n" : "", Freshness());
  }

  // Of a copy, what the other server has said of its file: else the caches of clients, and servers that have this one
  // as their upstream, would take it for fresh for as long as they think right. A point in time, since the reply may be
  // kept. One that has passed, and must-revalidate, are together what no-cache is.
  std::string Freshness() const {
    if (file_.copy == nullptr) return "";
    return absl::StrCat("Expires: ", FormatHttpDate(file_.copy->fresh_until), "\r\n",
                        file_.copy->must_validate ? "Cache-Control: must-revalidate\r\n" : "");
  }

  std::string Fields(absl::string_view type, int64_t length) const {
    const absl::string_view encoding = representation_.encoding;
    const bool is_sandboxed = site_.options().sandboxes_pages && IsPage(representation_.type);
    return absl::StrCat("Content-Type: ", type, "\r\nContent-Length: ", length, "\r\nAccept-Ranges: bytes\r\n",
                        is_sandboxed ? kSandbox : "",
                        encoding.empty() ? "" : absl::StrCat("Content-Encoding: ", encoding, "\r\n"), Validators());
  }

  void WriteNotModified() {
    HttpReply(304, request_.terms, site_).AddLines(Validators()).WriteTo(output_);
    HttpReply::Finish(request_.terms, output_);
  }

  void WriteWhole() {
    const bool is_to_be_kept = IsPlain(request_) && !representation_.depends_on_more;
    if (is_to_be_kept && file_.size <= kMaxCopiedFileBytes && WriteAndKeep()) return;
    HttpReply reply(200, request_.terms, site_);
    reply.AddLines(Fields(representation_.type, file_.size));
    WriteWith(reply, {0, file_.size});
  }

  // Sends the file from memory, and keeps the reply for the next request. False, and nothing is written, if the file
  // has become shorter since it was opened. The stamp was taken before the read: if the file changes in between, the
  // kept reply has a stamp that is no longer the file's, and is never found.
  bool WriteAndKeep() {
    std::string rest = absl::StrCat(Fields(representation_.type, file_.size), "\r\n");
    const size_t head_size = rest.size();
    rest.resize(head_size + static_cast<size_t>(file_.size));
    if (::pread(file_.fd->get(), &rest[head_size], static_cast<size_t>(file_.size), 0) != file_.size) return false;
    const auto kept = std::make_shared<const std::string>(std::move(rest));
    const int64_t fresh_until = file_.copy != nullptr ? file_.copy->fresh_until : INT64_MAX;
    site_.reply_cache().Keep(representation_.key, representation_.sources, kept, fresh_until);
    HttpReply(200, request_.terms, site_).WriteTo(output_, kept);
    HttpReply::Finish(request_.terms, output_);
    return true;
  }

  void WritePart(const HttpRange& range) {
    HttpReply reply(206, request_.terms, site_);
    reply.AddLines(Fields(representation_.type, range.length)).Add("Content-Range", ContentRange(range));
    WriteWith(reply, range);
  }

  // multipart/byteranges (RFC 9110, section 14.6). The heads of the parts are made first, because Content-Length has to
  // be known before the first byte is sent. There is no Content-Range in the head, since each part has its own (section
  // 15.3.7.2).
  void WriteParts(const HttpRanges& ranges) {
    // The boundary is unlikely to occur in the file: its author could not know the inode and the time in advance.
    // Of its own tag, whatever it is a copy of: what another server's holds may not stand in a boundary.
    const std::string etag = HttpETag(file_);
    const std::string boundary = absl::StrCat("polyserve-", absl::string_view(etag).substr(1, etag.size() - 2));
    const std::string end = absl::StrCat("\r\n--", boundary, "--\r\n");
    // Each boundary begins with the CR LF that ends what is before it (RFC 2046, section 5.1.1): the first time that is
    // nothing, an empty preamble.
    std::vector<std::string> heads;
    int64_t length = static_cast<int64_t>(end.size());
    for (const HttpRange& range : ranges.parts) {
      heads.push_back(absl::StrCat("\r\n--", boundary, "\r\nContent-Type: ", representation_.type,
                                   "\r\nContent-Range: ", ContentRange(range), "\r\n\r\n"));
      length += static_cast<int64_t>(heads.back().size()) + range.length;
    }
    HttpReply reply(206, request_.terms, site_);
    reply.AddLines(Fields(absl::StrCat("multipart/byteranges; boundary=", boundary), length)).WriteTo(output_);
    for (size_t i = 0; i < heads.size(); ++i) {
      output_.Write(heads[i]);
      output_.WriteFile(file_.fd, ranges.parts[i].begin, ranges.parts[i].length);
    }
    output_.Write(end);
    HttpReply::Finish(request_.terms, output_);
  }

  // The last position is included, hence the 1: "bytes 0-99/500" are a hundred bytes.
  std::string ContentRange(const HttpRange& range) const {
    return absl::StrCat("bytes ", range.begin, "-", range.begin + range.length - 1, "/", file_.size);
  }

  // The head, and this part of the file behind it. A small part is read into the same piece of memory, so that both
  // leave in one send(2). If the file has become shorter, WriteFile() finds that out and resets the connection: the
  // length was announced already, or is about to be.
  void WriteWith(HttpReply& reply, const HttpRange& range) {
    char buffer[kMaxCopiedFileBytes];
    const bool is_copied =
        range.length <= kMaxCopiedFileBytes && !request_.terms.omits_content &&
        ::pread(file_.fd->get(), buffer, static_cast<size_t>(range.length), range.begin) == range.length;
    reply.WriteTo(output_, is_copied ? absl::string_view(buffer, static_cast<size_t>(range.length)) : "");
    if (!is_copied && !request_.terms.omits_content) output_.WriteFile(file_.fd, range.begin, range.length);
    HttpReply::Finish(request_.terms, output_);
  }

  const HttpSite& site_;
  const HttpRequest& request_;
  const Representation& representation_;
  const Library::File& file_;
  const std::string etag_;
  const int64_t last_modified_;  // As replies may tell it (RFC 9110, section 8.8.2.1).
  Output& output_;
};

void AnswerFile(const HttpSite& site, const HttpRequest& request, absl::string_view name, const Encodings& encodings,
                Library::File file, Output& output) {
  // The type is that of the name asked for: Content-Encoding tells the client to undo the compression, and what it then
  // has is of this type.
  Representation representation{.name = name,
                                .file = std::move(file),
                                .type = site.types().Find(name),
                                .encoding = "",
                                .key = KeyOf(name, encodings),
                                .sources = {}};
  representation.sources.push_back({std::string(name), representation.file});
  PreferEncoded(site.library(), encodings, representation);
  FileReply(site, request, representation, output).Write();
}

// Links within a page are relative, so they need the slash. "Location" is a path, which is valid whatever name or proxy
// the client has used to get here (RFC 9110, section 10.2.2). A client may keep a 301 for good (section 15.4.2): if the
// directory becomes a file one day, that client gets a 404 for it until it forgets the address with the slash.
void Redirect(const HttpSite& site, const HttpRequest& request, const HttpTarget& target, Output& output) {
  const std::string fields = absl::StrCat("Location: /", EncodeHttpPath(target.name), "/", target.query, "\r\n");
  WriteHttpError(301, "a directory's address ends with a slash", request.terms, site, output, fields);
}

// Hidden files do not exist for a reader. The same 404 is given for every hidden name, so the answer does not reveal
// whether there is such a file.
int ReadErrorCode(absl::string_view name, const absl::Status& error) {
  return absl::IsPermissionDenied(CheckNameToRead(name)) ? 404 : HttpCode(error);
}

void RefuseRead(const HttpSite& site, const HttpRequest& request, absl::string_view name, const absl::Status& error,
                Output& output) {
  const int code = ReadErrorCode(name, error);
  const absl::string_view why = code == 404 ? "there is no such file" : error.message();
  WriteHttpError(code, why, request.terms, site, output);
}

// "no-cache" has every cache ask again (RFC 9111, section 5.2.2.4). Without it a cache may guess how long the page
// stays fresh (section 4.2.2), and show files that are gone.
void WriteDirectoryPage(const HttpSite& site, const HttpReplyTerms& terms, absl::string_view name,
                        const HttpDirectoryView& view, const Listing& listing, Output& output) {
  const std::string head = view.is_json ? HttpDirectoryJsonHead(name) : HttpDirectoryHead(name, view.order);
  const absl::string_view end = view.is_json ? HttpDirectoryJsonEnd() : HttpDirectoryEnd();
  const int64_t size = static_cast<int64_t>(head.size() + end.size()) + listing.size();
  HttpReply reply(200, terms, site);
  reply.Add("Content-Type", view.is_json ? "application/json" : "text/html; charset=utf-8");
  reply.Add("Content-Length", size).Add("Cache-Control", "no-cache").WriteTo(output, head);
  if (!terms.omits_content) {
    WriteListing(listing, output);
    output.Write(end);
  }
  HttpReply::Finish(terms, output);
}

// A large directory takes long to list, so it is done in tasks. They outlive the request: they get copies of the name
// and the terms. A HEAD pays for the whole listing, too: its Content-Length is that of the page (RFC 9110, section
// 9.3.2).
void ListDirectory(const std::shared_ptr<const HttpSite>& site, const HttpRequest& request, const std::string& name,
                   const HttpDirectoryView& view, Output& output) {
  HttpReplyTerms terms = request.terms;
  // The page at /-/ asks for JSON while it asks for other things, too. A browser keeps a connection to use it again,
  // and under a model that serves one client at a time the other requests would wait behind it until it is idle for too
  // long.
  if (view.is_json) terms.keep_alive = false;
  const auto reply = [site, name, view, terms](const absl::StatusOr<std::shared_ptr<const Listing>>& listing,
                                               Output& result) {
    if (listing.ok()) return WriteDirectoryPage(*site, terms, name, view, **listing, result);
    const bool is_there = !absl::IsNotFound(listing.status());
    const absl::string_view why = is_there ? "the directory cannot be listed" : "there is no such directory";
    WriteHttpError(HttpCode(listing.status()), why, terms, *site, result);
  };
  const Listing::Format format = view.is_json ? MakeHttpDirectoryJsonRows() : &AppendHttpDirectoryRow;
  MakeListing(site->shared_library(), name, view.order, format, reply, output);
}

// The index, or else the page of the directory. An index that exists but cannot be served (its permissions, a link that
// leads nowhere or out of the root, a FIFO, a lease) is refused: with an index, its owner does not want a listing. Not
// even as JSON, which therefore has to be told from the index by its type. Another server's directories are not listed:
// only it knows what is in them. False as AnswerHttpRead().
bool AnswerDirectory(const std::shared_ptr<const HttpSite>& site, const HttpRequest& request, const HttpTarget& target,
                     const Encodings& encodings, FileFetch* fetch, Output& output) {
  const std::string& name = target.name;
  const std::string index = name.empty() ? std::string(kIndexName) : absl::StrCat(name, "/", kIndexName);
  if (AnswerKept(*site, request, index, encodings, output)) return true;
  absl::StatusOr<Library::File> file = site->library().Find(index);
  if (fetch != nullptr && fetch->Awaits(index, file, output)) return false;
  if (file.ok()) {
    AnswerFile(*site, request, index, encodings, *std::move(file), output);
  } else if (!absl::IsNotFound(file.status())) {
    RefuseRead(*site, request, name, file.status(), output);
  } else if (site->library().HasName(index)) {
    WriteHttpError(403, "the index of the directory leads nowhere", request.terms, *site, output);
  } else {
    ListDirectory(site, request, name, ParseHttpDirectoryQuery(target.query), output);
  }
  return true;
}

}  // namespace

bool AnswerHttpRead(const std::shared_ptr<const HttpSite>& site, const HttpRequest& request, const HttpTarget& target,
                    FileFetch* fetch, Output& output) {
  Encodings encodings;
  if (site->options().precompressed && request.accept_encoding.has_value()) {
    encodings = AcceptedHttpEncodings(*request.accept_encoding);
  }
  if (target.is_directory) return AnswerDirectory(site, request, target, encodings, fetch, output);
  if (AnswerKept(*site, request, target.name, encodings, output)) return true;
  absl::StatusOr<Library::File> file = site->library().FindFileOrDirectory(target.name);
  if (fetch != nullptr && fetch->AwaitsFileOrDirectory(target.name, file, output)) return false;
  if (!file.ok()) {
    RefuseRead(*site, request, target.name, file.status(), output);
  } else if (file->is_directory) {
    // Only the file system, or the other server, knows that the name without a slash is a directory's.
    Redirect(*site, request, target, output);
  } else {
    AnswerFile(*site, request, target.name, encodings, *std::move(file), output);
  }
  return true;
}

}  // namespace polyserve
