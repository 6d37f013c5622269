// file-unframed: the file library in the dialect of the Python course that this project grew out of, so that the
// course's own clients work. For everything else there is `file`, which is framed.
//
//   L          OK, a pause, the names of the files, each followed by '#'
//   G <name>   OK, a pause, the bytes of the file, a pause, "##"
//   P <name>   OK; then the client sends the bytes, pauses, and sends "##"; that is not answered
//   Q          closes
//
// A refusal is a text instead of OK. Nothing says where a command, a reply or a file ends but silence, and a network
// is free to add silences and to swallow them. So this is best effort by nature, and does what can be done:
// - Sending, a pause begins when the peer's system has acknowledged all before it, so that a chunk and the end mark
//   never share a segment. A client that reads late may still find both in its buffer, and then waits for ever.
// - A command ends where nothing follows for a moment; it may come in pieces, but two quick ones may arrive as one.
// - "##" is the end of a file only where silence comes before it and after it. A next command that follows at once is
//   told from a chunk that begins with "##" by what it says. If the silence before it was swallowed, a longer one
//   behind it will do. A file that has "##" between two stalls of the network is cut there.
// - A PUT that fails on its way (a full disk) closes the connection: the dialect has no word for that. One that is
//   cut short leaves nothing.
// - What was meant for a server of HTTP or TLS closes the connection.
// - Names with '#' are not listed, since the client would take them apart.
// Bound: kMaxCommandBytes.
#ifndef POLYSERVE_PROTOCOL_FILE_UNFRAMED_H_
#define POLYSERVE_PROTOCOL_FILE_UNFRAMED_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "files/library.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

class FileUnframedSession : public Session {
 public:
  static constexpr size_t kMaxCommandBytes = 1024;
  // The course's own pause, and what is taken for one: less, since the network may shorten it.
  static constexpr absl::Duration kPause = absl::Milliseconds(100);
  static constexpr absl::Duration kMoment = absl::Milliseconds(30);
  // Behind a "##" that no silence came before.
  static constexpr absl::Duration kLongMoment = absl::Seconds(1);

  explicit FileUnframedSession(std::shared_ptr<const Library> library);
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

  const std::shared_ptr<const Library> library_;
  std::unique_ptr<Upload> upload_;  // Null between files.
  int64_t stored_bytes_ = 0;        // Of the upload.
  bool after_silence_ = false;      // Nothing of it has come since the last silence but pending_.
  std::string tail_;                // The '#'s, two at most, that it ended with before that; they may be the mark.
  // A command, as far as it has come; of an upload, what may become "##" and a command.
  std::string pending_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_FILE_UNFRAMED_H_
