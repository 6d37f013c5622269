#include "fetch/origin_fetch.h"

#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/logging.h"
#include "base/printable.h"
#include "fetch/freshness.h"
#include "files/file_stamp.h"
#include "net/socket.h"
#include "protocol/http/date.h"
#include "protocol/http/target.h"

namespace polyserve {

namespace {

constexpr int kReadsPerStep = 16;  // Then other fetches have their turn.
// Another upload holds the directory for some microseconds. If it still does after two seconds, a program that is no
// server does.
constexpr absl::Duration kStorePause = absl::Milliseconds(5);
constexpr int kMaxStoreTries = 400;

int64_t Now() {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

// As FileFetch judges it: a copy that another client has had fetched meanwhile needs no look.
bool IsGood(const Library::File& file) {
  return file.is_directory || file.copy == nullptr || file.copy->IsFresh(Now());
}

// An entity tag (RFC 9110, section 8.8.3), which is passed on to clients as it is.
bool IsTag(absl::string_view text) {
  absl::ConsumePrefix(&text, "W/");
  if (!absl::ConsumePrefix(&text, "\"") || !absl::ConsumeSuffix(&text, "\"")) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '"' && c != 0x7f; });
}

// By weak comparison (RFC 9110, section 8.8.3.2), as for If-None-Match.
bool IsSameTag(absl::string_view a, absl::string_view b) {
  return absl::StripPrefix(a, "W/") == absl::StripPrefix(b, "W/");
}

// How long after its Date a reply expires, which is at once if that is no date (RFC 9111, section 5.3). By the other
// server's clock alone: ours may be another one.
std::optional<int64_t> ExpiresIn(const OriginHead& head) {
  if (head.expires.empty()) return std::nullopt;
  const std::optional<int64_t> end = ParseHttpDate(head.expires);
  return end.has_value() ? *end - ParseHttpDate(head.date).value_or(Now()) : 0;
}

// Whether Location is this path with a slash behind it, which is what servers say of a directory, whatever name they
// have for themselves. Decoded: each server has its own way to encode a name.
bool IsDirectoryOf(absl::string_view location, absl::string_view path) {
  const absl::StatusOr<HttpTarget> target = ParseHttpTarget(location);
  const absl::StatusOr<HttpTarget> own = ParseHttpTarget(path);
  return target.ok() && own.ok() && target->is_directory && target->name == own->name && target->query.empty();
}

}  // namespace

OriginFetch::OriginFetch(std::shared_ptr<const Library> library, std::shared_ptr<const Origin> origin, std::string name)
    : library_(std::move(library)),
      origin_(std::move(origin)),
      name_(std::move(name)),
      old_(library_->FindFileOrDirectory(name_)),
      deadline_(origin_->timeout) {
  if (old_.ok() && IsGood(*old_)) {
    End(200, "");
    return;
  }
  if (!old_.ok() && !absl::IsNotFound(old_.status())) {
    End(HttpCode(old_.status()), old_.status().message());
    return;
  }
  request_ = MakeRequest();
  unsent_ = request_;
  fd_ = UniqueFd(::socket(origin_->at.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_.ok()) End(503, "this server cannot fetch the file now; try again");
}

OriginFetch::~OriginFetch() = default;

// The content as it is, without a coding: what is kept has to be the file itself.
std::string OriginFetch::MakeRequest() const {
  std::string conditions;
  if (old_.ok() && !old_->copy->etag.empty()) absl::StrAppend(&conditions, "If-None-Match: ", old_->copy->etag, "\r\n");
  if (old_.ok() && !old_->copy->last_modified.empty()) {
    absl::StrAppend(&conditions, "If-Modified-Since: ", old_->copy->last_modified, "\r\n");
  }
  return absl::StrCat("GET ", origin_->prefix, "/", EncodeHttpPath(name_), " HTTP/1.1\r\nHost: ", origin_->host,
                      "\r\nUser-Agent: polyserve\r\nAccept-Encoding: identity\r\nConnection: close\r\n", conditions,
                      "\r\n");
}

absl::Duration OriginFetch::Left() const { return phase_ == Phase::kStore ? kStorePause : deadline_.Left(); }

// Each phase begins with its system call, since readiness is only a hint. False of a phase: nothing more is possible
// now, or it is over.
bool OriginFetch::Step() {
  bool goes_on = !is_over();
  while (goes_on) {
    switch (phase_) {
      case Phase::kConnect:
        goes_on = Connect();
        break;
      case Phase::kSend:
        goes_on = Send();
        break;
      case Phase::kReceive:
        goes_on = Receive();
        break;
      case Phase::kStore:
        goes_on = Store();
        break;
      case Phase::kOver:
        goes_on = false;
        break;
    }
  }
  return is_over();
}

bool OriginFetch::End(int code, absl::string_view text) {
  phase_ = Phase::kOver;
  answer_ = {code, std::string(text)};
  upload_ = nullptr;
  fd_.reset();
  if (code >= 500) LOG_FLOOD(WARNING) << "--upstream: " << Printable(name_) << ": " << text;
  return false;
}

// What the system says of it, the log says; a client hears that there was no answer.
bool OriginFetch::FailCall(absl::string_view call) {
  LOG_FLOOD(WARNING) << "--upstream: " << call << " " << origin_->at.ToString() << ": " << std::strerror(errno);
  return End(502, "the other server cannot be reached");
}

// What keeps this server from storing it, such as the rights of a directory, is for the log: to a client, 403 would
// mean that it may not have the file.
bool OriginFetch::FailToKeep(const absl::Status& error) {
  if (absl::IsResourceExhausted(error)) {
    lacking_bytes_ = std::max<int64_t>({reply_.head().length.value_or(0), received_bytes_, 1});
  }
  if (absl::IsResourceExhausted(error) || absl::IsUnavailable(error)) return End(HttpCode(error), error.message());
  LOG_FLOOD(WARNING) << "--upstream: cannot keep a file: " << error.message();
  return End(502, absl::IsFailedPrecondition(error) ? "a file or directory of this server is in the way"
                                                    : "this server cannot keep the file");
}

bool OriginFetch::CheckTime() {
  if (deadline_.passed()) End(504, "the other server takes too long");
  return false;
}

// connect(2) is called again for the outcome: 0 or EISCONN once the connection is there.
bool OriginFetch::Connect() {
  if (::connect(fd_.get(), origin_->at.address(), origin_->at.size()) != 0 && errno != EISCONN) {
    if (errno == EINPROGRESS || errno == EALREADY) return CheckTime();
    return errno == EINTR || FailCall("connect to");
  }
  errno = OutcomeOfConnecting(fd_.get());
  if (errno != 0) return FailCall("connect to");
  phase_ = Phase::kSend;
  return true;
}

bool OriginFetch::Send() {
  has_asked_ = true;
  const ssize_t count = ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (count < 0 && errno == EAGAIN) return CheckTime();
  if (count < 0) return errno == EINTR || FailCall("send to");
  unsent_.remove_prefix(static_cast<size_t>(count));
  if (unsent_.empty()) phase_ = Phase::kReceive;
  return true;
}

bool OriginFetch::Receive() {
  char bytes[kReadBytes];
  for (int reads = 0; reads < kReadsPerStep; ++reads) {
    const ssize_t count = ::recv(fd_.get(), bytes, sizeof(bytes), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return CheckTime();
    if (count < 0) return FailCall("receive from");
    const bool had_head = reply_.state() != OriginReply::State::kHead;
    if (count == 0) {
      reply_.TakeEnd();
    } else {
      reply_.Take(absl::string_view(bytes, static_cast<size_t>(count)), content_);
    }
    if (reply_.state() == OriginReply::State::kWrong)
      return End(502, absl::StrCat("the other server ", reply_.fault()));
    if (reply_.state() == OriginReply::State::kHead) continue;
    if (!had_head && !TakeHead()) return false;
    if (!TakeContent()) return false;
    if (reply_.state() != OriginReply::State::kWhole) continue;
    phase_ = Phase::kStore;
    return true;
  }
  return CheckTime();  // More may be there: the descriptor is readable.
}

// What is not wanted is not read either: the connection ends with this object.
bool OriginFetch::TakeHead() {
  const OriginHead& head = reply_.head();
  const Freshness freshness =
      FreshnessOf(head.cache_control, head.age, absl::ToInt64Seconds(origin_->fresh), ExpiresIn(head));
  if (head.status != 200 && head.status != 304) return TakeRefusal(head.status);
  if (!freshness.may_keep) {
    LeaveOld();
    return End(502, "the other server does not let the file be kept");
  }
  note_ = CopyNote{IsTag(head.etag) ? head.etag : "", head.last_modified, Now() + freshness.fresh_seconds,
                   freshness.must_validate};
  if (head.status == 304) return Renew();
  if (!head.content_encoding.empty() && !absl::EqualsIgnoreCase(head.content_encoding, "identity")) {
    return End(502, "the other server has sent the file in a coding");
  }
  if (head.length.value_or(0) > origin_->max_file_bytes) {
    return End(507, "the file is larger than what may be kept");
  }
  modified_ = ParseHttpDate(head.last_modified);
  // A date before 1970, or one to come, is no file's, and tags are made of times in 63 bits of nanoseconds.
  if (modified_.has_value()) modified_ = std::clamp<int64_t>(*modified_, 0, Now());
  return StartUpload();
}

// A copy goes with what the other server does not serve any more, or has as a directory. 410 is a 404 that says more.
// Redirects other than that of a directory are not followed: they may lead anywhere.
bool OriginFetch::TakeRefusal(int status) {
  switch (status) {
    case 404:
    case 410:
      LeaveOld();
      return End(404, "there is no such file");
    case 401:
    case 403:
      LeaveOld();
      return End(403, "the other server does not serve the file");
    case 301:
    case 302:
    case 307:
    case 308:
      if (IsDirectoryOf(reply_.head().location, absl::StrCat(origin_->prefix, "/", EncodeHttpPath(name_)))) {
        LeaveOld();
        return End(301, "the name is a directory's");
      }
      return End(502, "the other server has the file elsewhere");
    default:
      return End(502, absl::StrCat("the other server has answered with status ", status));
  }
}

// Its copy must not outlive a file. If the directory is locked just now, it does, until the next look.
bool OriginFetch::LeaveOld() {
  if (!old_.ok()) return false;
  has_removed_copy_ = library_->RemoveCopy(name_).ok();
  if (!has_removed_copy_) LOG_FLOOD(WARNING) << "a copy that has no original stays";
  return false;
}

// A 304 has the fields that have changed (RFC 9110, section 15.4.5). One with another tag is about another state of the
// file (RFC 9111, section 4.3.4): under that tag this copy would pass for it for good. If the note cannot be written,
// the copy is good for those who wait all the same.
bool OriginFetch::Renew() {
  if (!old_.ok() || (old_->copy->etag.empty() && old_->copy->last_modified.empty())) {
    return End(502, "the other server says that nothing has changed, without having been asked");
  }
  if (!note_->etag.empty() && !old_->copy->etag.empty() && !IsSameTag(note_->etag, old_->copy->etag)) {
    LeaveOld();
    return End(502, "the other server takes one state of the file for another");
  }
  if (note_->etag.empty()) note_->etag = old_->copy->etag;
  if (note_->last_modified.empty()) note_->last_modified = old_->copy->last_modified;
  const absl::Status status = WriteCopyNote(old_->fd->get(), *old_, *note_);
  if (!status.ok()) LOG_FLOOD(WARNING) << "the note of a copy cannot be written: " << status.message();
  copy_bytes_ = old_->size;
  return End(200, "");
}

absl::Status OriginFetch::MakeDirectories() const {
  for (size_t slash = name_.find('/'); slash != std::string::npos; slash = name_.find('/', slash + 1)) {
    if (absl::Status status = library_->MakeDirectory(name_.substr(0, slash)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

bool OriginFetch::StartUpload() {
  absl::StatusOr<std::unique_ptr<Upload>> upload = absl::UnknownError("not started");
  if (absl::Status status = MakeDirectories(); !status.ok()) return FailToKeep(status);
  upload = library_->StartUpload(name_, reply_.head().length.value_or(0));
  if (!upload.ok()) return FailToKeep(upload.status());
  upload_ = *std::move(upload);
  deadline_ = Deadline(origin_->timeout);
  return true;
}

// The deadline moves with what has come: a head counts as much as a piece of content. What frames the content counts
// nothing: of a chunk's extension, 16 KiB may come byte by byte.
bool OriginFetch::TakeContent() {
  const auto count = static_cast<int64_t>(content_.size());
  received_bytes_ += count;
  window_bytes_ += count;
  if (received_bytes_ > origin_->max_file_bytes) return End(507, "the file is larger than what may be kept");
  if (absl::Status status = upload_->Append(content_); !status.ok()) return FailToKeep(status);
  if (window_bytes_ >= kMinBytes) {
    deadline_ = Deadline(origin_->timeout);
    window_bytes_ = 0;
  }
  content_.clear();
  return true;
}

// Only in place of what was there at the start, as far as its content goes: a file that was stored meanwhile, by
// whoever it may be, is left alone, and served.
bool OriginFetch::Store() {
  if (store_tries_ == 0) {
    fd_.reset();
    if (absl::Status status = upload_->NoteCopy(*note_, modified_); !status.ok()) return FailToKeep(status);
  }
  const auto is_as_it_was = [this](const FileStamp* current) {
    if (!old_.ok()) return current == nullptr;
    return current != nullptr && current->inode == old_->inode && current->device == old_->device &&
           current->size == old_->size && current->mtime == old_->mtime &&
           current->mtime_nanoseconds == old_->mtime_nanoseconds;
  };
  const absl::Status stored = upload_->Store(is_as_it_was).status();
  if (absl::IsUnavailable(stored) && ++store_tries_ < kMaxStoreTries) return false;
  if (absl::IsAlreadyExists(stored)) return End(200, "");
  if (!stored.ok()) return FailToKeep(stored);
  copy_bytes_ = received_bytes_;
  return End(200, "");
}

}  // namespace polyserve
