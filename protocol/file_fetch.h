// FileFetch: how a session gets at files that its library lacks, if another server has them (--upstream). Free of I/O:
// a process of this server fetches them (fetch/fetch_process.h), and a driver asks it (Output::Ask()). Meanwhile the
// session leaves the request in its input, and looks again when it is passed once more.
//
//   absl::StatusOr<Library::File> file = library.Find(name);
//   if (fetch.Awaits(name, file, output)) return;   // Consume nothing, append nothing: the output asks.
//   ...                                             // `file` is what to answer with, or why there is none.
//
//   Find() ─┬▶ an own file, or a fresh copy ───────────────────────────────────────────▶ answer with it
//           ├▶ a stale copy ─ Refresh() ───────────────────────────────────────────────▶ answer with it
//           ├▶ a stale copy that must not be served before the other server was asked ─┐
//           └▶ none ───────────────────────────────────────────────────────────────────┴▶ Ask() ─▶ Find() once more
#ifndef POLYSERVE_PROTOCOL_FILE_FETCH_H_
#define POLYSERVE_PROTOCOL_FILE_FETCH_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "files/library.h"
#include "protocol/output.h"

namespace polyserve {

// What comes of a fetch, as a status code of HTTP: 200 the file is in the library; 301 the name is a directory's; 403,
// 404, 502, 503, 504, 507 it is not, with the reason in words for a peer, in one line.
struct FetchAnswer {
  static constexpr size_t kMaxLineBytes = 512;

  int code;
  std::string text = {};

  std::string ToLine() const;  // Without its end.
  // Nothing if it is none.
  static std::optional<FetchAnswer> Parse(absl::string_view line);
};

// A fetch that is looked at now and then, by sessions of datagrams, which can ask nothing. One thread at a time.
class PolledFetch {
 public:
  virtual ~PolledFetch() = default;

  // Nothing: it goes on. Does not wait. Not to be called again after an answer.
  virtual std::optional<FetchAnswer> Poll() = 0;
};

// The way to what fetches. Any thread; no call waits.
class FileFetcher {
 public:
  virtual ~FileFetcher() = default;

  // A stream that takes one line, the name of a file, and answers it with one line, a FetchAnswer, when the file is
  // there, or it is known why not. ResourceExhausted: not now; try again in a moment.
  virtual absl::StatusOr<UniqueFd> Connect() const = 0;

  // The same, asked and looked at from here. Never null. This must outlive it.
  virtual std::unique_ptr<PolledFetch> Begin(absl::string_view name) const = 0;

  // The copy is stale: have the other server asked. Nobody waits for it, so it may be lost.
  virtual void Refresh(absl::string_view name) const = 0;
};

// One for each session; one thread at a time.
class FileFetch {
 public:
  // A file may be large, and the other server slow; that it does not stand still, the fetcher sees to. This bounds what
  // a fetcher that does not answer can do.
  static constexpr absl::Duration kPatience = absl::Hours(1);
  // Connections that wait for the fetcher to look at them are bounded by the kernel. In a burst of clients the others
  // try again, for two seconds at most.
  static constexpr absl::Duration kPause = absl::Milliseconds(10);
  static constexpr int kMaxPauses = 200;

  explicit FileFetch(std::shared_ptr<const FileFetcher> fetcher) : fetcher_(std::move(fetcher)) {}

  // `file` is what Library::Find() has said of the name, in a library that has copies. True: the file is being fetched;
  // when the request is passed again, call it again with what Find() says then. False: `file` may have become another
  // error, as HttpCode() has them, and is to be answered with.
  // REQUIRES: output.wants_more(). Not over UDP.
  bool Awaits(absl::string_view name, absl::StatusOr<Library::File>& file, Output& output);

  // The same for Library::FindFileOrDirectory(). `file` may become a directory without a descriptor: the name is that
  // of one on the other server.
  bool AwaitsFileOrDirectory(absl::string_view name, absl::StatusOr<Library::File>& file, Output& output);

  // The request was answered, perhaps without another look at the file: what has come for it is not for the next one.
  void Forget() { attempt_ = nullptr; }

  // Over UDP: the fetch, of which the caller applies the answer to what Find() says then; null if `file` is what to
  // answer with.
  std::unique_ptr<PolledFetch> Begin(absl::string_view name, const absl::StatusOr<Library::File>& file) const;
  static void Apply(const FetchAnswer& answer, absl::StatusOr<Library::File>& file);

 private:
  // Shared with the question, which may be answered when the session is gone.
  struct Attempt {
    std::string name;
    std::optional<FetchAnswer> answer = std::nullopt;
    int pauses = 0;
  };

  static void Ask(const std::shared_ptr<const FileFetcher>& fetcher, const std::shared_ptr<Attempt>& attempt,
                  Output& output);
  static void TakeReply(const std::shared_ptr<const FileFetcher>& fetcher, const std::shared_ptr<Attempt>& attempt,
                        absl::StatusOr<std::string> reply, Output& output);
  bool NeedsAnswer(absl::string_view name, const absl::StatusOr<Library::File>& file) const;

  const std::shared_ptr<const FileFetcher> fetcher_;
  std::shared_ptr<Attempt> attempt_;  // Null unless a name is, or was, asked for.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_FILE_FETCH_H_
