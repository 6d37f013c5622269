#include "protocol/tls/server.h"

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "protocol/tls/session.h"

namespace polyserve {

namespace {

// Two places in the shared file, for readings of even and of odd numbers: the next one leaves the current one as it is.
// Each begins with the size of what follows. The file takes no more memory than is written. This is enough for three
// files of the largest size.
constexpr size_t kPlaceBytes = 4 * 1024 * 1024;

off_t PlaceOf(int64_t reading) { return static_cast<off_t>(reading % 2) * static_cast<off_t>(kPlaceBytes); }

// Each text with its size in front: "5 hello3 you0 ".
std::string Join(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) absl::StrAppend(&joined, text.size(), " ", text);
  return joined;
}

std::vector<std::string> Split(absl::string_view joined) {
  std::vector<std::string> texts;
  for (size_t space = 0; (space = joined.find(' ')) != absl::string_view::npos;) {
    size_t size = 0;
    if (!absl::SimpleAtoi(joined.substr(0, space), &size)) break;
    joined.remove_prefix(space + 1);
    texts.emplace_back(joined.substr(0, size));
    joined.remove_prefix(texts.back().size());
  }
  return texts;
}

}  // namespace

absl::StatusOr<std::shared_ptr<TlsServer>> TlsServer::Create(Options options, std::atomic<int64_t>& readings,
                                                             const uint8_t* secret) {
  // Before any other call of OpenSSL: at exit it would destroy its locks, while a detached thread that has just served
  // its last client may still need one, to free what OpenSSL has kept for the thread.
  ::OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  std::shared_ptr<TlsServer> server = OfServer(std::move(options), readings, secret);
  server->shared_ = UniqueFd(::memfd_create("polyserve-certificates", MFD_CLOEXEC));
  if (!server->shared_.ok()) return SysError("memfd_create");
  if (absl::Status status = server->Reload(); !status.ok()) return status;
  return server;
}

// Not make_shared(), which cannot reach the private constructor.
std::shared_ptr<TlsServer> TlsServer::OfServer(Options options, std::atomic<int64_t>& readings, const uint8_t* secret) {
  return std::shared_ptr<TlsServer>(new TlsServer(std::move(options), readings, secret));
}

std::unique_ptr<Session> TlsServer::MakeSession(std::unique_ptr<Session> inner, absl::string_view alpn) {
  return std::make_unique<TlsSession>(std::move(inner), Current(), alpn,
                                      TlsSession::Handshakes{options_.handshake_timeout, options_.counters});
}

// The lock is held meanwhile: other connections of this process wait for the new certificates.
std::shared_ptr<const TlsContext> TlsServer::Current() {
  const MutexLock lock(reading_);
  if (read_ == readings_.load(std::memory_order_acquire)) return context_;
  absl::StatusOr<std::shared_ptr<const TlsContext>> context = TakeOver(read_);
  if (context.ok()) {
    context_ = *std::move(context);
  } else {
    LOG_FLOOD(WARNING) << "cannot take over the certificates: " << context.status().message();
  }
  CHECK(context_ != nullptr) << "an image gets what its server has checked";
  return context_;
}

// If the server reads the files twice meanwhile, it writes to the place that is being read: hence the second look.
absl::StatusOr<std::shared_ptr<const TlsContext>> TlsServer::TakeOver(int64_t& reading) const {
  std::string joined;
  do {
    reading = readings_.load(std::memory_order_acquire);
    size_t size = 0;
    if (::pread(shared_.get(), &size, sizeof(size), PlaceOf(reading)) < 0) return SysError("pread", "certificates");
    joined.resize(std::min(size, kPlaceBytes));
    const off_t begin = PlaceOf(reading) + static_cast<off_t>(sizeof(size));
    if (::pread(shared_.get(), joined.data(), joined.size(), begin) < 0) return SysError("pread", "certificates");
  } while (reading != readings_.load(std::memory_order_acquire));
  return TlsContext::Make(options_.files, Split(joined), ticket_keys_);
}

absl::Status TlsServer::Share(const std::vector<std::string>& texts, int64_t reading) const {
  std::string joined = Join(texts);
  const size_t size = joined.size();
  joined.insert(0, reinterpret_cast<const char*>(&size), sizeof(size));
  if (joined.size() > kPlaceBytes) return absl::InvalidArgumentError("the files are larger than 4 MiB together");
  const ssize_t count = ::pwrite(shared_.get(), joined.data(), joined.size(), PlaceOf(reading));
  if (count < 0) return SysError("pwrite", "certificates");
  if (static_cast<size_t>(count) != joined.size()) return absl::ResourceExhaustedError("no memory for certificates");
  return absl::OkStatus();
}

absl::Status TlsServer::Reload() {
  const absl::StatusOr<std::vector<std::string>> texts = ReadTlsFiles(options_.files);
  if (!texts.ok()) return texts.status();
  absl::StatusOr<std::shared_ptr<const TlsContext>> context = TlsContext::Make(options_.files, *texts, ticket_keys_);
  if (!context.ok()) return context.status();
  const int64_t reading = readings_.load() + 1;  // No other process writes it.
  if (absl::Status status = Share(*texts, reading); !status.ok()) return status;
  (*context)->WarnOfDates();
  const MutexLock lock(reading_);
  context_ = *std::move(context);
  read_ = reading;
  readings_.store(reading, std::memory_order_release);
  return absl::OkStatus();
}

}  // namespace polyserve
