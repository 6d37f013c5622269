#include "protocol/file_fetch.h"

#include <time.h>

#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "files/copy_note.h"
#include "files/name.h"

namespace polyserve {

namespace {

constexpr int kThere = 200;
constexpr int kDirectory = 301;

// Freshness is counted in seconds, so the coarse clock will do.
int64_t Now() {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

// The reverse of HttpCode(), for the codes that a fetch can end with.
absl::Status StatusOf(const FetchAnswer& answer) {
  switch (answer.code) {
    case 403:
      return absl::PermissionDeniedError(answer.text);
    case 404:
      return absl::NotFoundError(answer.text);
    case 503:
      return absl::UnavailableError(answer.text);
    case 504:
      return absl::DeadlineExceededError(answer.text);
    case 507:
      return absl::ResourceExhaustedError(answer.text);
    default:
      return absl::AbortedError(answer.text);
  }
}

// Why the fetcher has not answered. Its process may have ended, or be stopped.
FetchAnswer AnswerFor(const absl::Status& failure) {
  if (absl::IsDeadlineExceeded(failure)) return {504, "the file does not come in time"};
  if (absl::IsResourceExhausted(failure)) return {503, "this server cannot fetch the file now; try again"};
  return {502, "this server fetches no files at the moment"};
}

}  // namespace

std::string FetchAnswer::ToLine() const { return absl::StrCat(code, " ", text).substr(0, kMaxLineBytes); }

std::optional<FetchAnswer> FetchAnswer::Parse(absl::string_view line) {
  const size_t blank = line.find(' ');
  FetchAnswer answer{};
  if (blank == absl::string_view::npos || !absl::SimpleAtoi(line.substr(0, blank), &answer.code)) return std::nullopt;
  answer.text = std::string(line.substr(blank + 1));
  return answer;
}

bool FileFetch::Awaits(absl::string_view name, absl::StatusOr<Library::File>& file, Output& output) {
  if (AwaitsFileOrDirectory(name, file, output)) return true;
  if (file.ok() && file->is_directory) file = absl::PermissionDeniedError("the name is a directory's");
  return false;
}

// An answer is good for one look: the next request for the same name finds out anew.
bool FileFetch::AwaitsFileOrDirectory(absl::string_view name, absl::StatusOr<Library::File>& file, Output& output) {
  const std::shared_ptr<Attempt> attempt = std::exchange(attempt_, nullptr);
  if (attempt != nullptr && attempt->name == name && attempt->answer.has_value()) {
    Apply(*attempt->answer, file);
    return false;
  }
  if (!NeedsAnswer(name, file)) return false;
  attempt_ = std::make_shared<Attempt>(Attempt{std::string(name)});
  Ask(fetcher_, attempt_, output);
  return true;
}

std::unique_ptr<PolledFetch> FileFetch::Begin(absl::string_view name, const absl::StatusOr<Library::File>& file) const {
  return NeedsAnswer(name, file) ? fetcher_->Begin(name) : nullptr;
}

// Without a file after all, the copy was removed at once, to make room; another try would most likely end the same.
void FileFetch::Apply(const FetchAnswer& answer, absl::StatusOr<Library::File>& file) {
  if (answer.code == kThere) {
    if (absl::IsNotFound(file.status())) file = absl::UnavailableError("the file could not be kept; try again");
  } else if (file.ok() && file->copy == nullptr) {
    return;  // It has become an own file meanwhile.
  } else if (answer.code == kDirectory) {
    file = Library::File{};
    file->is_directory = true;
  } else {
    file = StatusOf(answer);
  }
}

// Refreshes a stale copy on the way. Names that are read and not stored, those beneath .well-known, are never fetched:
// they could not be kept, and the other server would be asked each time for nothing.
bool FileFetch::NeedsAnswer(absl::string_view name, const absl::StatusOr<Library::File>& file) const {
  if (!file.ok()) return absl::IsNotFound(file.status()) && CheckName(name).ok();
  if (file->copy == nullptr || file->copy->IsFresh(Now())) return false;
  if (file->copy->must_validate) return true;
  fetcher_->Refresh(name);
  return false;
}

void FileFetch::Ask(const std::shared_ptr<const FileFetcher>& fetcher, const std::shared_ptr<Attempt>& attempt,
                    Output& output) {
  Output::Question question = {.to = {},
                               .line = attempt->name,
                               .max_reply_bytes = FetchAnswer::kMaxLineBytes,
                               .patience = kPatience,
                               .name = "the process that fetches files"};
  question.connect = [fetcher] { return fetcher->Connect(); };
  output.Ask(std::move(question), [fetcher, attempt](absl::StatusOr<std::string> reply, Output& result) {
    TakeReply(fetcher, attempt, std::move(reply), result);
  });
}

// Appends nothing for the peer: the session does, when its request is passed to it again.
void FileFetch::TakeReply(const std::shared_ptr<const FileFetcher>& fetcher, const std::shared_ptr<Attempt>& attempt,
                          absl::StatusOr<std::string> reply, Output& output) {
  if (absl::IsResourceExhausted(reply.status()) && ++attempt->pauses < kMaxPauses) {
    return output.WorkAfter(kPause, [fetcher, attempt](Output& result) { Ask(fetcher, attempt, result); });
  }
  const std::optional<FetchAnswer> answer = reply.ok() ? FetchAnswer::Parse(*reply) : std::nullopt;
  attempt->answer = answer.has_value() ? answer : AnswerFor(reply.status());
}

}  // namespace polyserve
