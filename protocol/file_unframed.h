// file-unframed: the file library in the dialect of the Python course that this project grew out of, so that the
// course's own clients work. For everything else there is `file`, which is framed.
//
//   L          OK, a pause, the names of the files, each followed by '#'
//   G <name>   OK, a pause, the bytes of the file, a pause, "##"
//   P <name>   OK; then the client sends the bytes, pauses, and sends "##"; that is not answered
//   Q          closes
//
// A refusal is a text instead of OK. Only silence marks the end of a command, a reply or a file, and a network may add
// silences and swallow them. The service is therefore best effort by nature:
// - Sending: a pause begins when the peer's system has acknowledged everything before it, so that a chunk and the end
//   mark never share a segment. A client that reads late may still find both in its buffer, and then waits for ever.
// - A command ends when nothing follows it for kMoment. It may come in pieces, but two quick ones may arrive as one.
// - "##" ends a file only if silence comes before and after it. If another command follows at once, its text tells it
//   from a chunk that happens to begin with "##". If the silence before the mark was swallowed, a longer one
//   (kLongMoment) behind it will do. A file that has "##" between two stalls of the network is cut short there.
// - A PUT that fails on its way (a full disk) closes the connection, because the dialect has no reply for that. A PUT
//   that is cut short stores nothing.
// - Bytes that were meant for an HTTP or TLS server close the connection.
// - Names with '#' are not listed, because the client would split them.
// Bound: kMaxCommandBytes.
//
//                 P <name>: OK                              silence, "##", silence; or "##" and a command
//   awaits a command ─────────▶ receives content (upload_ set) ─────────▶ awaits a command
#ifndef POLYSERVE_PROTOCOL_FILE_UNFRAMED_H_
#define POLYSERVE_PROTOCOL_FILE_UNFRAMED_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/access.h"
#include "files/library.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

class FileUnframedSession : public Session {
 public:
  static constexpr size_t kMaxCommandBytes = 1024;  // A letter, a space and a long name.
  // The pause that the course's programs make, and how much silence counts as one: less, since the network may shorten
  // it.
  static constexpr absl::Duration kPause = absl::Milliseconds(100);
  static constexpr absl::Duration kMoment = absl::Milliseconds(30);
  // The silence required behind a "##" that followed the content without one.
  static constexpr absl::Duration kLongMoment = absl::Seconds(1);

  // Sessions share the library, from any number of threads.
  // `access` may be null. If not, a client may do what everyone may: the dialect has no passwords.
  explicit FileUnframedSession(std::shared_ptr<const Library> library, std::shared_ptr<const Access> access = nullptr);
  ~FileUnframedSession() override;

  void OnInput(Input& input, Output& output) override;
  void OnTime(Output& output) override;
  void OnEndOfInput(Output& output) override;
  bool idle() const override { return upload_ == nullptr && pending_.empty(); }
  bool awaits_rest_of_request() const override { return upload_ != nullptr; }

 private:
  void OnCommand(absl::string_view command, Output& output);
  void List(Output& output);
  void Get(absl::string_view name, Output& output);
  void StartPut(absl::string_view name, Output& output);

  void TakeContent(absl::string_view bytes, Output& output);
  void OnSilence(Output& output);
  void FinishPut(absl::string_view last_content, Output& output);
  void StoreButTail(absl::string_view bytes, Output& output);
  bool Store(absl::string_view bytes, Output& output);

  // Whether everyone may do what the command asks for. Commands that do not exist are allowed.
  bool IsAllowed(absl::string_view command) const;

  const std::shared_ptr<const Library> library_;
  const std::shared_ptr<const Access> access_;
  std::unique_ptr<Upload> upload_;  // Null between files.
  int64_t stored_bytes_ = 0;        // Of the upload.
  bool after_silence_ = false;      // Since the last silence only pending_ has come.
  std::string tail_;                // The '#'s, at most two, before that silence; they may be the end mark.
  // Between files: the command received so far. Within an upload: bytes that may become "##" and a command.
  std::string pending_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_FILE_UNFRAMED_H_
