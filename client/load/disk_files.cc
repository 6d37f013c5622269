#include "client/load/disk_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/sys_error.h"
#include "client/load/ask_once.h"
#include "client/load/http_get.h"

namespace polyserve {

namespace {

// The share of pages that may stay in memory without a fault: those that something else happened to hold.
constexpr double kMayStay = 0.1;

// The number of files that a connection needs to take turns with. sendfile(2) puts the pages themselves into the
// socket: those of a file that was just sent stay in use until they are acknowledged, and Linux frees some of them
// later still (net.core.skb_defer_max). Until then they cannot leave the memory. With two files a tenth of the pages
// stayed now and then.
constexpr size_t kFilesEach = 8;

// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3) and the slash.
std::string Escaped(absl::string_view path) {
  std::string escaped;
  for (const char c : path) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("/-._~", c)) {
      escaped.push_back(c);
    } else {
      absl::StrAppendFormat(&escaped, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

// In the order of the names, so that each run gives each connection the same files.
absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    std::error_code ignored;
    if (name[0] != '.' && at->is_regular_file(ignored) && at->file_size(ignored) > 0) names.push_back(name);
  }
  if (error) return absl::InvalidArgumentError(absl::StrCat("--files=", directory, ": ", error.message()));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

// One connection's files in turn: those whose index is `first` modulo the number of connections. Replies come in the
// order of the requests, so two counters say which file each belongs to. After Reset() the files whose replies are
// missing are skipped: asking again asks for the next ones.
class DiskExchange : public Exchange {
 public:
  DiskExchange(std::shared_ptr<DiskFiles> files, size_t first) : files_(std::move(files)) {
    for (size_t i = first; i < files_->files_.size(); i += files_->connections_) {
      own_.push_back(&files_->files_[i]);
      gets_.emplace_back(own_.back()->request, own_.back()->content);
    }
  }

  absl::string_view Ask() override {
    // The file is dropped here, just before its request leaves: any earlier, and the server's other work could bring it
    // back.
    const size_t i = asked_++ % own_.size();
    files_->Forget(*own_[i]);
    return gets_[i].Ask();
  }

  Reply Take(absl::string_view& bytes) override {
    const Reply reply = gets_[answered_ % own_.size()].Take(bytes);
    return Count(reply);
  }

  Reply TakeEnd() override { return Count(gets_[answered_ % own_.size()].TakeEnd()); }
  bool may_ask_again() const override { return true; }

  void Reset() override {
    // Only the oldest of the unanswered ones can have received a part of its reply.
    gets_[answered_ % own_.size()].Reset();
    answered_ = asked_;
  }

 private:
  Reply Count(Reply reply) {
    if (reply == Reply::kComplete || reply == Reply::kLast) ++answered_;
    return reply;
  }

  const std::shared_ptr<DiskFiles> files_;
  std::vector<const DiskFiles::File*> own_;
  std::vector<HttpGet> gets_;
  uint64_t asked_ = 0;
  uint64_t answered_ = 0;
};

absl::StatusOr<std::shared_ptr<DiskFiles>> DiskFiles::Open(const std::string& directory, const std::string& prefix,
                                                           const Endpoint& server, int connections) {
  const absl::StatusOr<std::vector<std::string>> names = NamesIn(directory);
  if (!names.ok()) return names.status();
  // Checked before anything is read, since reading a gigabyte takes a while.
  if (names->size() < kFilesEach * static_cast<size_t>(connections)) {
    return absl::InvalidArgumentError(absl::StrCat("--files=", directory, " has ", names->size(),
                                                   " files that are not empty; each of --connections=", connections,
                                                   " needs ", kFilesEach, " of its own"));
  }
  auto files = std::make_shared<DiskFiles>();
  files->connections_ = static_cast<size_t>(connections);
  uint64_t bytes = 0;
  for (const std::string& name : *names) {
    absl::StatusOr<File> file = OpenFile(absl::StrCat(directory, "/", name), absl::StrCat("/", prefix, name), server);
    if (!file.ok()) return file.status();
    bytes += file->content->size();
    if (bytes > kMaxBytes) return absl::InvalidArgumentError("--files: they have more than 1 GiB together");
    files->files_.push_back(*std::move(file));
  }
  return files;
}

// fdatasync(2), because POSIX_FADV_DONTNEED leaves pages alone that are not yet written to the disk (posix_fadvise(2)).
// Reading the file here fills the cache, but Forget() comes before each request.
absl::StatusOr<DiskFiles::File> DiskFiles::OpenFile(const std::string& path, const std::string& target,
                                                    const Endpoint& server) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return SysError("open", path);
  ::fdatasync(fd.get());
  std::ifstream stream(path, std::ios::binary);
  std::string content(std::istreambuf_iterator<char>(stream), {});
  if (content.empty()) return absl::InvalidArgumentError(absl::StrCat("cannot read ", path));
  return File{std::move(fd),
              std::make_shared<const std::string>(HttpRequestHead("GET", Escaped(target), server) + "\r\n"),
              std::make_shared<const std::string>(std::move(content))};
}

std::unique_ptr<Exchange> DiskFiles::NewExchange(const std::shared_ptr<DiskFiles>& files) {
  return std::make_unique<DiskExchange>(files, files->next_connection_++ % files->connections_);
}

// Mapping a file reads none of it, so that mincore() sees the cache as it is. Since Linux 5.2, mincore() tells the
// truth only to processes that own the file or may write to it, and reports all pages as resident to the others: the
// run then fails in Inspect(), although the pages may be gone.
void DiskFiles::Forget(const File& file) {
  ::posix_fadvise(file.fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  // The advice is no order: the kernel keeps pages that are dirty, locked, or mapped by a process
  // (invalidate_mapping_pages() in mm/truncate.c). Hence the count.
  const size_t size = file.content->size();
  void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.fd.get(), 0);
  if (mapping == MAP_FAILED) return;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> in_memory((size + page - 1) / page);
  // A byte for each page, of which only the lowest bit is defined (mincore(2)).
  if (::mincore(mapping, size, in_memory.data()) == 0) {
    pages_ += in_memory.size();
    pages_stayed_ += static_cast<uint64_t>(
        std::count_if(in_memory.begin(), in_memory.end(), [](unsigned char flags) { return (flags & 1) != 0; }));
  }
  ::munmap(mapping, size);
}

std::vector<std::string> DiskFiles::Inspect() const {
  // No page was looked at: mmap() or mincore() failed each time, or nothing was requested.
  if (pages_ == 0) return {"whether the files came from the disk is not known: the system does not tell (mincore)"};
  const double stayed = static_cast<double>(pages_stayed_) / static_cast<double>(pages_);
  if (stayed <= kMayStay) return {};
  return {
      absl::StrFormat("the files did not come from the disk: %.0f %% of their pages could not be taken out of "
                      "memory (a file system without a disk, or another reader)",
                      100 * stayed)};
}

}  // namespace polyserve
