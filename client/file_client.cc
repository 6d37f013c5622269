#include "client/file_client.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"

namespace polyserve {

namespace {

// The same as FileSession::kMaxDiscardBytes: how much of a refused file the server reads and discards.
constexpr int64_t kMaxDiscardBytes = 1024 * 1024;

// A line end in a name would make two requests of one. Which names exist, or may, is left to the server.
absl::Status CheckName(absl::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("the name is missing");
  if (name.size() > FileClient::kMaxNameBytes) return absl::InvalidArgumentError("the name is too long");
  if (std::any_of(name.begin(), name.end(),
                  [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); })) {
    return absl::InvalidArgumentError("the name must not hold control characters");
  }
  return absl::OkStatus();
}

// A device or a pipe has no size that could be announced before its content.
absl::StatusOr<int64_t> SizeOfRegularFile(int file) {
  struct stat info;
  if (::fstat(file, &info) != 0) return SysError("cannot look at the file");
  if (!S_ISREG(info.st_mode)) return absl::FailedPreconditionError("it is not a regular file");
  return info.st_size;
}

void Report(const FileClient::Progress& progress, int64_t done, int64_t total) {
  if (progress != nullptr) progress(done, total);
}

}  // namespace

absl::StatusOr<FileClient> FileClient::Connect(const ServerAddress& server, const ConnectionOptions& options) {
  absl::StatusOr<Connection> connection = Connection::Open(server, options);
  if (!connection.ok()) return connection.status();
  FileClient client(*std::move(connection));
  if (options.credentials.user.empty()) return client;
  if (absl::Status status = client.LogIn(options.credentials); !status.ok()) return status;
  return client;
}

absl::Status FileClient::LogIn(const Credentials& credentials) {
  return Ask(absl::StrCat("A ", credentials.user, " ", credentials.password, "\n"), 1).status();
}

FileClient::FileClient(Connection connection) : connection_(std::move(connection)) {}

absl::Status FileClient::List(const FileSink& sink) {
  const absl::StatusOr<std::vector<int64_t>> size = Ask("L\n", 1);
  if (!size.ok()) return size.status();
  return Settle(ReadList(size->front(), sink));
}

absl::StatusOr<FileInfo> FileClient::Stat(absl::string_view name) {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  const absl::StatusOr<std::vector<int64_t>> reply = Ask(absl::StrCat("S ", name, "\n"), 2);
  if (!reply.ok()) return reply.status();
  return FileInfo{std::string(name), (*reply)[0], (*reply)[1]};
}

absl::StatusOr<FileClient::Hash> FileClient::HashRange(absl::string_view name, int64_t offset, int64_t length) {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  // The server may hash less than was asked for, and says how much. More cannot be compared.
  const absl::StatusOr<std::vector<int64_t>> reply = Ask(absl::StrCat("H ", name, " ", offset, " ", length, "\n"), 2);
  if (!reply.ok()) return reply.status();
  if ((*reply)[0] > length) return Settle(absl::DataLossError("the server hashes more bytes than were asked for"));
  return Hash{(*reply)[0], (*reply)[1]};
}

// The number in the reply says nothing here, but a reply of another form would mean another protocol.
absl::Status FileClient::MakeDirectory(absl::string_view name) {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  return Ask(absl::StrCat("D ", name, "\n"), 1).status();
}

absl::StatusOr<int64_t> FileClient::Get(absl::string_view name, const Sink& sink, const Progress& progress) {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  // The whole file, whose size only the server knows: any size that it announces will do.
  return Fetch(absl::StrCat("G ", name, "\n"), INT64_MAX, sink, progress);
}

absl::StatusOr<int64_t> FileClient::GetRange(absl::string_view name, int64_t offset, int64_t length, const Sink& sink,
                                             const Progress& progress) {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  // Numbers come last, because a name may hold blanks (protocol/file.h).
  return Fetch(absl::StrCat("R ", name, " ", offset, " ", length, "\n"), length, sink, progress);
}

absl::Status FileClient::Put(const std::string& path, absl::string_view name, const Progress& progress) {
  // O_NONBLOCK: opening a FIFO without a writer would otherwise block for ever. It has no effect on regular files.
  // Put() then refuses the FIFO, since it is no regular file.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.ok()) return SysError("cannot open", path);
  return Put(file.get(), name, progress);
}

// The size is announced in the request, before the content, so the file must not change while it is sent.
absl::Status FileClient::Put(int file, absl::string_view name, const Progress& progress) {
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  const absl::StatusOr<int64_t> size = SizeOfRegularFile(file);
  if (!size.ok()) return size.status();
  return Settle(SendAndConfirm(file, *size, absl::StrCat("P ", name, " ", *size, "\n"), progress));
}

// The server closes its end by itself; nothing that it could still say matters.
absl::Status FileClient::Quit() {
  const absl::Status status = connection_.Write("Q\n");
  connection_.Close();
  return status;
}

// After a refusal both ends agree on where the next request begins. After any other error they may not: the rest of a
// file would be read as a reply. A new connection is the only way back.
absl::Status FileClient::Settle(absl::Status status) {
  if (!status.ok() && !RefusalCode(status).has_value()) connection_.Close();
  return status;
}

// A request of one line, and its reply of one line. A name has passed CheckName() by now, so the line is one.
absl::StatusOr<std::vector<int64_t>> FileClient::Ask(absl::string_view request, size_t count) {
  if (absl::Status status = Settle(connection_.Write(request)); !status.ok()) return status;
  absl::StatusOr<std::vector<int64_t>> reply = ReadReply(count);
  Settle(reply.status()).IgnoreError();
  return reply;
}

absl::StatusOr<std::vector<int64_t>> FileClient::ReadReply(size_t count) {
  const absl::StatusOr<absl::string_view> line = connection_.ReadLine(kMaxLineBytes);
  if (!line.ok()) return line.status();
  return ParseReply(*line, count);
}

// Counts bytes, as the server announced them, not lines: a listing ends exactly there, or is malformed.
absl::Status FileClient::ReadList(int64_t size, const FileSink& sink) {
  while (size > 0) {
    const absl::StatusOr<absl::string_view> line = connection_.ReadLine(kMaxLineBytes);
    if (!line.ok()) return line.status();
    // Plus the line end, which ReadLine() has taken off.
    size -= static_cast<int64_t>(line->size()) + 1;
    const absl::StatusOr<FileInfo> file = ParseListLine(*line);
    if (!file.ok()) return file.status();
    // The error of a sink also leaves the rest of the listing unread, and Settle() closes the connection for that.
    if (absl::Status status = sink(*file); !status.ok()) return status;
  }
  if (size < 0) return absl::DataLossError("the server's listing is longer than it announced");
  return absl::OkStatus();
}

// A server that announces more than was asked for must be stopped before the first byte: FetchInParts() would write
// them over its neighbour's part.
absl::StatusOr<int64_t> FileClient::Fetch(absl::string_view request, int64_t max_bytes, const Sink& sink,
                                          const Progress& progress) {
  const absl::StatusOr<std::vector<int64_t>> reply = Ask(request, 1);
  if (!reply.ok()) return reply.status();
  const int64_t size = reply->front();
  if (size > max_bytes) return Settle(absl::DataLossError("the server announces more bytes than were asked for"));
  if (absl::Status status = Settle(ReadBody(size, sink, progress)); !status.ok()) return status;
  return size;
}

// The size was announced, so the end of the data before that is a lost connection, never the end of the file.
absl::Status FileClient::ReadBody(int64_t size, const Sink& sink, const Progress& progress) {
  // Before the first byte, so that the user sees the size while the server still looks for the data.
  Report(progress, 0, size);
  for (int64_t done = 0; done < size;) {
    // Never more than is left of the body: what follows it belongs to the next reply, and stays in the buffer.
    const absl::StatusOr<absl::string_view> bytes = connection_.ReadSome(size - done);
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) {
      return absl::UnavailableError(absl::StrCat("the connection was closed after ", done, " of ", size, " bytes"));
    }
    if (absl::Status status = sink(*bytes); !status.ok()) return status;
    done += static_cast<int64_t>(bytes->size());
    Report(progress, done, size);
  }
  return absl::OkStatus();
}

// Sends without waiting for leave, so a small file costs one round trip. SendBody() notices an answer that comes early,
// which can only be a refusal.
absl::Status FileClient::SendAndConfirm(int file, int64_t size, absl::string_view request, const Progress& progress) {
  if (absl::Status status = connection_.Write(request); !status.ok()) return status;
  const absl::StatusOr<int64_t> sent = SendBody(file, 0, size, progress);
  if (!sent.ok()) return sent.status();
  // The server has answered before it had everything, or has closed.
  if (*sent < size) return HearRefusal(file, *sent, size);
  return ReadReply(1).status();
}

absl::StatusOr<int64_t> FileClient::SendBody(int file, int64_t offset, int64_t size, const Progress& progress) {
  Report(progress, offset, size);
  while (offset < size) {
    // A file that another program writes meanwhile changes its size, most often. It is checked before the last piece:
    // while that is missing, closing the connection makes the server discard the upload.
    if (size - offset <= static_cast<int64_t>(Connection::kBufferBytes)) {
      const absl::StatusOr<int64_t> size_now = SizeOfRegularFile(file);
      if (!size_now.ok()) return size_now.status();
      if (*size_now != size) return absl::AbortedError("the file changed its size while it was sent");
    }
    const absl::StatusOr<int64_t> sent = connection_.SendFile(file, offset, size - offset);
    if (!sent.ok()) return sent.status();
    // The server has said something, which the caller reads: stopping here is what keeps the two from waiting for each
    // other.
    if (*sent == 0) break;
    offset += *sent;
    Report(progress, offset, size);
  }
  return offset;
}

absl::Status FileClient::HearRefusal(int file, int64_t offset, int64_t size) {
  const absl::StatusOr<std::vector<int64_t>> reply = ReadReply(1);
  if (reply.ok()) return absl::DataLossError("the server confirmed a file before it had all of it");
  if (!RefusalCode(reply.status()).has_value()) return reply.status();
  // The rest of a short file is sent for the server to discard, and the next request is in step. For a longer one the
  // server may have decided to close, and the client cannot know how much it had read by then.
  const bool stays = size <= kMaxDiscardBytes;
  const absl::StatusOr<int64_t> sent = stays ? SendBody(file, offset, size, nullptr) : offset;
  // Also if the server speaks again while the rest is sent: it has one answer for each request, so this is no answer.
  if (!sent.ok() || *sent < size) connection_.Close();
  return reply.status();
}

}  // namespace polyserve
