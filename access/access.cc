#include "access/access.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "access/password_hash.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"

namespace polyserve {

namespace {

static_assert(AuthFile::kMaxBytes <= SharedText::kMaxBytes);

// CLOCK_MONOTONIC, which all processes share, and which cannot be set.
absl::Duration SteadyNow() { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }

int Processors() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

struct ReadResult {
  std::string text;
  bool all_may_read;  // Every user of the system, hashes included.
};

// O_NONBLOCK: a FIFO in its place must not keep the server waiting.
absl::StatusOr<ReadResult> ReadFile(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd.ok()) return SysError("cannot open", path);
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return SysError("fstat", path);
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError(absl::StrCat(path, " is not a regular file"));
  std::string text(AuthFile::kMaxBytes + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SysError("cannot read", path);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > AuthFile::kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, " has more than ", AuthFile::kMaxBytes, " bytes"));
  }
  text.resize(size);
  return ReadResult{std::move(text), (info.st_mode & S_IROTH) != 0};
}

// The text, if it is valid.
absl::StatusOr<std::string> ReadValidFile(const std::string& path) {
  absl::StatusOr<ReadResult> read = ReadFile(path);
  if (!read.ok()) return read.status();
  const absl::StatusOr<AuthFile> file = AuthFile::Parse(read->text);
  if (!file.ok()) return absl::InvalidArgumentError(absl::StrCat(path, ", ", file.status().message()));
  if (read->all_may_read) {
    LOG(WARNING) << path << " can be read by every user of this system; chmod o-r keeps its hashes from them";
  }
  return std::move(read->text);
}

}  // namespace

// Until a version is known, nobody may do anything.
Access::Access(const Options& options, Table& table, pid_t owner)
    : path_(options.path),
      table_(table),
      owner_(owner),
      text_(table.text),
      failures_(table.failures, table.key, options.failures_per_minute),
      logins_(table.logins),
      verifiers_(Processors()),
      file_(std::make_shared<const AuthFile>()) {}

// Not make_shared(), which cannot reach the private constructor.
absl::StatusOr<std::shared_ptr<Access>> Access::Open(const Options& options, Table& table) {
  const std::shared_ptr<Access> access(new Access(options, table, ::getpid()));
  table.key = NewHashKey();
  if (absl::Status status = access->Reload(); !status.ok()) return status;
  return access;
}

std::shared_ptr<Access> Access::OfServer(const Options& options, Table& table) {
  return std::shared_ptr<Access>(new Access(options, table, 0));
}

absl::Status Access::Reload() {
  if (owner_ != ::getpid()) return absl::OkStatus();
  const absl::StatusOr<std::string> text = ReadValidFile(path_);
  if (!text.ok()) return text.status();
  MutexLock lock(mutex_);
  text_.Publish(*text);
  return absl::OkStatus();
}

// The text was parsed by the process that has published it, with the same program.
std::shared_ptr<const AuthFile> Access::Current() const {
  MutexLock lock(mutex_);
  if (version_ == text_.version()) return file_;
  const std::string text = text_.Read(version_);
  absl::StatusOr<AuthFile> file = AuthFile::Parse(text);
  CHECK(file.ok()) << file.status().message();
  file_ = std::make_shared<const AuthFile>(*std::move(file));
  return file_;
}

Permissions Access::PermissionsOf(absl::string_view name) const {
  std::shared_ptr<const AuthFile> file = Current();
  const AuthUser* user = file->Find(name);
  return Permissions(std::move(file), user);
}

Permissions Access::Renew(const Permissions& permissions) const {
  std::shared_ptr<const AuthFile> file = Current();
  if (file == permissions.file_ || permissions.user_ == nullptr) return Permissions(std::move(file), permissions.user_);
  const AuthUser* user = file->Find(permissions.user_->name);
  if (user != nullptr && user->hash != permissions.user_->hash) user = nullptr;
  return Permissions(std::move(file), user);
}

// Of the stored hash as well, so that a changed password ends what was found right before. The name is a part of it
// since two users may have the same hash.
HashDigest Access::DigestOf(const AuthUser& user, absl::string_view secret) const {
  return KeyedHash(table_.key, {user.name, user.hash, secret});
}

std::optional<Permissions> Access::Recall(absl::string_view name, absl::string_view secret) const {
  std::shared_ptr<const AuthFile> file = Current();
  const AuthUser* user = file->Find(name);
  if (user == nullptr || !logins_.Contains(DigestOf(*user, secret), SteadyNow())) return std::nullopt;
  return Permissions(std::move(file), user);
}

FailureLimit::Answer Access::MayVerify(absl::string_view address) const { return failures_.Take(address, SteadyNow()); }

bool Access::Verify(absl::string_view name, absl::string_view secret, absl::string_view address) const {
  const std::shared_ptr<const AuthFile> file = Current();
  const AuthUser* user = file->Find(name);
  const bool has_password = user != nullptr && user->hash != AuthFile::kNoPassword;
  const absl::string_view hash = has_password ? absl::string_view(user->hash) : file->decoy_hash();
  verifiers_.acquire();
  const bool matches = !hash.empty() && MatchesPasswordHash(secret, hash);
  verifiers_.release();
  if (!matches || !has_password) {
    table_.wrong.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  logins_.Add(DigestOf(*user, secret), SteadyNow());
  failures_.GiveBack(address);
  return true;
}

}  // namespace polyserve
