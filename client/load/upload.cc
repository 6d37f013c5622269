#include "client/load/upload.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/load/ask_once.h"
#include "client/load/http_head.h"
#include "client/load/http_reply.h"

namespace polyserve {

namespace {

// Digits of the number that tells one content from the others; 2^64 has 20.
constexpr size_t kDigits = 20;

// Writes the last digits of a number, as many as there is room for.
void Stamp(uint64_t number, char* to, size_t size) {
  for (size_t i = std::min(kDigits, size); i-- > 0; number /= 10) to[i] = static_cast<char>('0' + number % 10);
}

// The request is one string, made once, in which each Ask() overwrites the digits: composing megabytes anew for each
// PUT would make the generator the limit. Replies arrive in the order of the requests (RFC 9112, section 9.3.2).
class Put : public Exchange {
 public:
  Put(Upload::File& file, const Endpoint& server, size_t size)
      : file_(file),
        // Every number has the same count of digits, so the length of the request never changes.
        request_(absl::StrCat(HttpRequestHead("PUT", file.path, server), "Content-Length: ", size, "\r\n\r\n",
                              Upload::Content(size, 0))),
        size_(size) {}

  absl::string_view Ask() override {
    // Counted before it is sent: if the connection is lost in between, the file may have this content.
    Stamp(++file_.asked, &request_[request_.size() - size_], size_);
    return request_;
  }

  Reply Take(absl::string_view& bytes) override { return reply_.Take(bytes, *this); }
  Reply TakeEnd() override { return reply_.TakeEnd(*this); }
  // PUT is idempotent (RFC 9110, section 9.2.2), so a client may repeat it after a connection was closed.
  bool may_ask_again() const override { return true; }

  void Reset() override {
    reply_.Reset();
    answering_ = file_.asked + 1;  // The replies to all before are lost with the connection.
  }

 private:
  friend class polyserve::HttpReply;
  // 201 if the file is new, 204 if it is not. Apache sends a page with the former, which is not checked.
  bool OnHead(const HttpHead& head) { return head.status() / 100 == 2; }
  bool OnContent(absl::string_view) { return true; }
  bool OnEnd() {
    // An error has been ruled out in OnHead(): what is counted here was stored, if the server tells the truth.
    file_.acknowledged = answering_++;
    return true;
  }

  Upload::File& file_;
  std::string request_;
  const size_t size_;
  HttpReply reply_;
  uint64_t answering_ = 1;  // Which PUT the next reply belongs to.
};

}  // namespace

Upload::Upload(const Endpoint& server, std::string prefix, size_t size, std::shared_ptr<const LoadTls> tls, int last)
    : server_(server),
      prefix_(std::move(prefix)),
      size_(size),
      tls_(std::move(tls)),
      last_(static_cast<size_t>(last)) {}

std::unique_ptr<Exchange> Upload::NewExchange() {
  const MutexLock lock(mutex_);
  files_.push_back({absl::StrCat("/", prefix_, "-", last_ + files_.size() + 1)});
  return std::make_unique<Put>(files_.back(), server_, size_);
}

// A file whose every PUT went unanswered has faults of its own already (unanswered requests), and may not exist.
std::vector<std::string> Upload::Inspect() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> faults;
  for (const File& file : files_) {
    if (file.acknowledged == 0) continue;
    // By HTTP, not from the disk: the server may be on another machine, and what it serves is what counts.
    const absl::StatusOr<std::string> content = GetOnce(server_, file.path, tls_.get());
    if (!content.ok()) {
      faults.push_back(absl::StrCat("the upload ", file.path, " cannot be read back: ", content.status().message()));
    } else if (!IsAsItShouldBe(file, *content)) {
      faults.push_back(absl::StrCat("the upload ", file.path, " was acknowledged, and is not what was sent"));
    }
  }
  return faults;
}

bool Upload::IsAsItShouldBe(const File& file, const std::string& content) const {
  if (content.size() != size_) return false;
  // Later ones than the last acknowledged may have been stored, and their replies lost; earlier ones must not be there.
  for (uint64_t n = file.acknowledged; n <= file.asked; ++n) {
    if (content == Content(size_, n)) return true;
  }
  return false;
}

// The number stands in front, so that a comparison fails at the first bytes; the rest is the same for all files.
std::string Upload::Content(size_t size, uint64_t n) {
  std::string content = PrintableText(size);
  Stamp(n, content.data(), size);
  return content;
}

}  // namespace polyserve
