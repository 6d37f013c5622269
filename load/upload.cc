#include "load/upload.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "load/ask_once.h"
#include "load/http_head.h"

namespace polyserve {

namespace {

// Digits of the number that tells one content from the others; 2^64 has 20.
constexpr size_t kDigits = 20;

// Writes the last digits of a number, as many as there is room for.
void Stamp(uint64_t number, char* to, size_t size) {
  for (size_t i = std::min(kDigits, size); i-- > 0; number /= 10) to[i] = static_cast<char>('0' + number % 10);
}

class Put : public Exchange {
 public:
  Put(Upload::File& file, const Endpoint& server, size_t size)
      : file_(file),
        request_(absl::StrCat(HttpRequestHead("PUT", file.path, server), "Content-Length: ", size, "\r\n\r\n",
                              Upload::Content(size, 0))),
        size_(size) {}

  absl::string_view Ask() override {
    Stamp(++file_.asked, &request_[request_.size() - size_], size_);
    return request_;
  }

  // 201 where the file is new, 204 where it is not; Apache sends a page with the former, which nobody reads.
  Reply Take(absl::string_view& bytes) override {
    if (!in_content_) {
      const HttpHead::State state = head_.Take(bytes);
      if (state == HttpHead::State::kIncomplete) return Reply::kIncomplete;
      if (state == HttpHead::State::kWrong || head_.status() / 100 != 2) return Reply::kWrong;
      if (head_.status() != 204 && !head_.content_length().has_value()) return Reply::kWrong;
      in_content_ = true;
      left_ = head_.status() == 204 ? 0 : *head_.content_length();
    }
    const size_t count = std::min<uint64_t>(left_, bytes.size());
    bytes.remove_prefix(count);
    left_ -= count;
    if (left_ > 0) return Reply::kIncomplete;
    in_content_ = false;
    file_.acknowledged = answering_++;
    return Reply::kComplete;
  }

  void Reset() override {
    head_.Reset();
    in_content_ = false;
    answering_ = file_.asked + 1;
  }

 private:
  Upload::File& file_;
  std::string request_;
  const size_t size_;
  HttpHead head_;
  bool in_content_ = false;
  uint64_t left_ = 0;       // Of the content.
  uint64_t answering_ = 1;  // Which PUT the next reply belongs to.
};

}  // namespace

Upload::Upload(const Endpoint& server, std::string prefix, size_t size)
    : server_(server), prefix_(std::move(prefix)), size_(size) {}

std::unique_ptr<Exchange> Upload::NewExchange() {
  const MutexLock lock(mutex_);
  files_.push_back({absl::StrCat("/", prefix_, "-", files_.size() + 1)});
  return std::make_unique<Put>(files_.back(), server_, size_);
}

std::vector<std::string> Upload::Inspect() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> faults;
  for (const File& file : files_) {
    if (file.acknowledged == 0) continue;
    const absl::StatusOr<std::string> content = GetOnce(server_, file.path);
    if (!content.ok()) {
      faults.push_back(absl::StrCat("the upload ", file.path, " cannot be read back: ", content.status().message()));
    } else if (!IsAsItShouldBe(file, *content)) {
      faults.push_back(absl::StrCat("the upload ", file.path, " was acknowledged, and is not what was sent"));
    }
  }
  return faults;
}

// One that was begun and not acknowledged may have arrived or not.
bool Upload::IsAsItShouldBe(const File& file, const std::string& content) const {
  if (content.size() != size_) return false;
  for (uint64_t n = file.acknowledged; n <= file.asked; ++n) {
    if (content == Content(size_, n)) return true;
  }
  return false;
}

std::string Upload::Content(size_t size, uint64_t n) {
  std::string content = PrintableText(size);
  Stamp(n, content.data(), size);
  return content;
}

}  // namespace polyserve
