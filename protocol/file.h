// file: the file library, framed, so that no byte of a file can be taken for a command. One command a line; names are
// relative to the root and may hold spaces, hence the numbers come last:
//   L                            OK <n>, then n bytes: "<name>\t<size>\t<mtime>\n" for each file, sorted by name
//   S <name>                     OK <size> <mtime>
//   G <name>                     OK <n>, then the n bytes of the file
//   R <name> <offset> <length>   the same for a part; what lies behind the end of the file is left out
//   H <name> <offset> <length>   OK <n> <hash>: the first 63 bits of the SHA-256 of such a part's first n bytes, which
//                                are kMaxHashedBytes at most, and 0 behind the end of the file
//   P <name> <size>, the bytes   OK 0, after the whole file is in place
//   D <name>                     OK 0: makes a directory, or it is there already; the one above must be there
//   Q                            closes
// Refusals: "ERR <code> <text>", codes as in HTTP (400 403 404 405 409 413 507; 503 if the server is short of
// descriptors or memory for now; 500 if it is in other trouble). After a refused P the announced bytes are read and
// thrown away, or the connection is closed where more than kMaxDiscardBytes are left. It is closed as well after a P
// that is malformed, since its content would be taken for commands, and after what was meant for a server of HTTP or
// TLS. Bound: one line of kMaxLineBytes.
#ifndef POLYSERVE_PROTOCOL_FILE_H_
#define POLYSERVE_PROTOCOL_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "files/library.h"
#include "protocol/line_reader.h"
#include "protocol/session.h"

namespace polyserve {

class FileSession : public Session {
 public:
  static constexpr size_t kMaxLineBytes =
      16 * 1024;  // Room for names that are too long, so that they are refused in step.
  static constexpr int64_t kMaxDiscardBytes = 1024 * 1024;
  static constexpr int64_t kMaxHashedBytes = 1024 * 1024;  // Some milliseconds' work.

  explicit FileSession(std::shared_ptr<const Library> library);
  ~FileSession() override;

  void OnInput(Input& input, Output& output) override;
  bool idle() const override { return body_left_ == 0; }
  bool awaits_rest_of_request() const override { return body_left_ > 0 || lines_.is_within_line(); }

 private:
  void OnLine(absl::string_view line, Output& output);
  void List(Output& output);
  void Stat(absl::string_view name, Output& output);
  void Get(absl::string_view name, Output& output);
  void GetRange(absl::string_view arguments, Output& output);
  void HashRange(absl::string_view arguments, Output& output);
  void MakeDirectory(absl::string_view name, Output& output);
  void StartPut(absl::string_view arguments, Output& output);
  void TakeBody(Input& input, Output& output);
  void FinishPut(Output& output);
  // Answers, and sees to it that the rest of the body is thrown away.
  void RefusePut(const absl::Status& error, Output& output);

  const std::shared_ptr<const Library> library_;
  LineReader lines_{kMaxLineBytes};
  int64_t body_left_ = 0;           // Bytes still to come of what P announced.
  std::unique_ptr<Upload> upload_;  // Takes them; null while they are thrown away.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_FILE_H_
