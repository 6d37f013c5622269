// file: the file library in a framed protocol, so that no byte of a file can be taken for a command. Each command is a
// line. Names are relative to the root and may hold spaces, so numbers come last:
//   L                            OK <n>, then n bytes: "<name>\t<size>\t<mtime>\n" for each file, sorted by name
//   S <name>                     OK <size> <mtime>
//   G <name>                     OK <n>, then the n bytes of the file
//   R <name> <offset> <length>   the same for a part of the file, cut off at the end of the file
//   H <name> <offset> <length>   OK <n> <hash>: the first 63 bits of the SHA-256 of the first n bytes of that part;
//                                n is at most kMaxHashedBytes, and 0 behind the end of the file
//   P <name> <size>, the bytes   OK 0, once the whole file is in place
//   D <name>                     OK 0, once the directory exists; its parent must exist
//   A <user> <password>          OK 0; from here on the peer has the user's rights, by --auth_file
//   Q                            closes
//
// A refusal is "ERR <code> <text>", with the codes of HTTP: 400 401 403 404 405 409 413 507, 429 after too many wrong
// passwords or commands from this address, 503 if the server is short of descriptors or memory for the moment, 502 and
// 504 if another server has the file and does not give it (protocol/file_fetch.h), and 500 for its other failures.
// After a refused P the session discards the announced bytes, or closes if more than kMaxDiscardBytes are left. It also
// closes after a malformed P, because the content would be taken for commands, after a line that is too long, and after
// a line that was meant for an HTTP or TLS server. Bound: one line of kMaxLineBytes; no content is held.
//
//               P <name> <size>: accepted, or refused with a content short enough to discard
//                ┌──────────────────────────────────────────┐
//                │                                          ▼
//   ──▶ between commands ◀──────────────────────── within the content (body_left_ > 0)
//                        the last announced byte has come: the upload is stored, or was discarded
#ifndef POLYSERVE_PROTOCOL_FILE_H_
#define POLYSERVE_PROTOCOL_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "access/access.h"
#include "access/address_limits.h"
#include "files/library.h"
#include "protocol/file_fetch.h"
#include "protocol/line_reader.h"
#include "protocol/login.h"
#include "protocol/session.h"

namespace polyserve {

class FileSession : public Session {
 public:
  // Longer than any name that the library takes (a path has at most 4096 bytes), so that a name that is too long is
  // refused with an error of its own, and the conversation goes on.
  static constexpr size_t kMaxLineBytes = 16 * 1024;
  // Reading 1 MiB for nothing costs less than a new connection; reading gigabytes does not.
  static constexpr int64_t kMaxDiscardBytes = 1024 * 1024;
  static constexpr int64_t kMaxHashedBytes = 1024 * 1024;  // A few milliseconds of work for one task.

  // Sessions share the library, from any number of threads. `access` null: everyone may do everything. `limits` null:
  // as often as they like. `fetcher`: gets the files that S, G, R and H name and the library lacks; null: nothing does.
  explicit FileSession(std::shared_ptr<const Library> library, std::shared_ptr<const Access> access = nullptr,
                       std::shared_ptr<const AddressLimits> limits = nullptr,
                       std::shared_ptr<const FileFetcher> fetcher = nullptr);
  ~FileSession() override;

  void OnInput(Input& input, Output& output) override;
  void OnOverload(Output& output) override;
  bool idle() const override { return body_left_ == 0; }
  bool awaits_rest_of_request() const override { return body_left_ > 0 || lines_.is_within_line(); }
  bool wants_peer() const override { return access_ != nullptr || limits_ != nullptr; }
  void OnPeer(absl::string_view address) override {
    if (access_ != nullptr) login_ = std::make_unique<Login>(access_, address);
    if (limits_ != nullptr) address_ = std::make_unique<const std::string>(address);
  }
  void OnPeerName(absl::string_view name) override {
    if (access_ != nullptr) known_ = access_->PermissionsOf(name);
  }

 private:
  // The command A. False: the password is being verified, and the line has to be passed again after that.
  bool LogIn(absl::string_view user_and_password, Output& output);
  // Counts a command against the rate of the address, once. Refused: its status has the code 429.
  absl::Status Admit();
  // Whether the peer has the right to what the command asks for: the one place that knows rights.
  absl::Status CheckRights(char command, absl::string_view arguments);
  // This and the commands for which a file may have to be fetched: false while it is, and the line has to be passed
  // again.
  bool OnLine(absl::string_view line, Output& output);
  bool Stat(absl::string_view name, Output& output);
  bool Get(absl::string_view name, Output& output);
  bool GetRange(absl::string_view arguments, Output& output);
  bool HashRange(absl::string_view arguments, Output& output);
  // Opens a file that is here, or is fetched; nothing while it is being fetched.
  std::optional<absl::StatusOr<Library::File>> Find(absl::string_view name, Output& output);
  void List(Output& output);
  void MakeDirectory(absl::string_view name, Output& output);
  // `allowed` is the result of Admit() and CheckRights().
  void StartPut(absl::string_view arguments, const absl::Status& allowed, Output& output);
  void TakeBody(Input& input, Output& output);
  void FinishPut(Output& output);
  // Answers with the error, and discards the rest of the content or closes.
  void RefusePut(const absl::Status& error, Output& output);

  const std::shared_ptr<const Library> library_;
  const std::shared_ptr<const Access> access_;
  const std::shared_ptr<const AddressLimits> limits_;  // Null unless they have a rate.
  std::unique_ptr<const std::string> address_;         // Null if limits_ is.
  std::unique_ptr<Login> login_;                       // Null if access_ is.
  const std::unique_ptr<FileFetch> fetch_;             // Null if there is no fetcher.
  std::optional<Permissions> known_;  // Of the user who has logged in, or whose name the transport has proved.
  LineReader lines_{kMaxLineBytes};
  bool is_admitted_ = false;        // The command that is passed again, because it waits for something, was counted.
  int64_t body_left_ = 0;           // Announced by P and not received yet.
  std::unique_ptr<Upload> upload_;  // Receives them; null while they are discarded.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_FILE_H_
