#include "client/load/library_visits.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace polyserve {

namespace {

// A line that announces a reply: "OK", a space, and a number of at most 20 digits.
constexpr size_t kMostLineBytes = 32;

class LibraryVisit : public Exchange {
 public:
  LibraryVisit(const std::string& name, size_t size)
      : put_(absl::StrCat("P ", name, " ", size, "\n")),
        content_(put_.size()),
        get_(absl::StrCat("G ", name, "\n")),
        entry_(absl::StrCat(name, "\t", size, "\t")) {
    put_ += PrintableText(size);
  }

  absl::string_view Ask() override {
    // Advances even if the last turn got no reply: with one request under way, the reply that comes next is of this
    // turn.
    turn_ = static_cast<Turn>((turn_ + 1) % kTurns);
    if (turn_ == kGet) return get_;
    if (turn_ == kList) return "L\n";
    // The number of the put, in its first bytes, tells its content from the earlier ones.
    uint64_t number = ++puts_;
    // From the last digit to the first, so that a file with fewer bytes than digits gets those that change most often.
    for (size_t i = std::min(put_.size(), content_ + kDigits); i-- > content_; number /= 10) {
      put_[i] = static_cast<char>('0' + number % 10);
    }
    return put_;
  }

  Reply Take(absl::string_view& bytes) override {
    if (!left_.has_value() && !TakeLine(bytes)) return Reply::kWrong;
    if (!left_.has_value()) return Reply::kIncomplete;
    const absl::string_view piece = bytes.substr(0, *left_);
    bytes.remove_prefix(piece.size());
    *left_ -= piece.size();
    if (!TakePiece(piece)) return Reply::kWrong;
    if (*left_ > 0) return Reply::kIncomplete;
    const bool is_right = IsAsItShouldBe();
    Reset();
    return is_right ? Reply::kComplete : Reply::kWrong;
  }

  // Unlike HTTP, the file service has no rule by which a server may close between two requests. So may_ask_again()
  // stays false, and a connection that ends is a fault of the run.
  Reply TakeEnd() override { return line_.empty() ? Reply::kIncomplete : Reply::kWrong; }

  void Reset() override {
    line_.clear();
    list_.clear();
    left_.reset();
    taken_ = 0;
  }

 private:
  enum Turn { kPut, kGet, kList, kTurns };
  static constexpr size_t kDigits = 20;

  // Takes the first line of a reply, or a part of it. Once it is complete, left_ is set. False if it is wrong.
  bool TakeLine(absl::string_view& bytes) {
    // Byte by byte is cheap enough for a line of some ten bytes, and needs no care for lines that are cut anywhere.
    while (!bytes.empty() && !left_.has_value()) {
      const char byte = bytes.front();
      bytes.remove_prefix(1);
      line_ += byte;
      if (byte != '\n') continue;
      uint64_t length = 0;
      if (!absl::StartsWith(line_, "OK ") || !absl::SimpleAtoi(line_.substr(3), &length)) return false;
      left_ = length;
    }
    // Such a server would otherwise fill the memory with a line that never ends.
    return line_.size() <= kMostLineBytes;
  }

  // A part of the content of a reply.
  bool TakePiece(absl::string_view piece) {
    if (turn_ == kList) list_.append(piece.data(), piece.size());
    if (turn_ != kGet) return true;
    const absl::string_view expected = absl::string_view(put_).substr(content_);
    // The first condition keeps substr() within the string: a server may announce more than was put.
    const bool is_same = taken_ <= expected.size() && expected.substr(taken_, piece.size()) == piece;
    taken_ += piece.size();
    return is_same;
  }

  // At the end of a reply.
  bool IsAsItShouldBe() const {
    if (turn_ == kPut) return line_ == "OK 0\n";
    if (turn_ == kGet) return taken_ == put_.size() - content_;
    // A whole name and its size, from the beginning of a line: the name of another file may end with this one. The date
    // is not compared, since the server's clock decides it.
    return absl::StartsWith(list_, entry_) || absl::StrContains(list_, "\n" + entry_);
  }

  std::string put_;          // The whole request,
  const size_t content_;     // and where in it the content begins.
  const std::string get_;    // A request.
  const std::string entry_;  // How the list's line of this file begins.
  Turn turn_ = kList;        // Of the request under way.
  uint64_t puts_ = 0;        // So far.
  std::string line_;         // The first line of the reply, as far as it has come.
  std::optional<uint64_t>
      left_;            // Bytes of the reply's content still to come; nothing: its first line is not complete.
  uint64_t taken_ = 0;  // Bytes of it that have come, of a file.
  std::string list_;    // What has come of a list.
};

}  // namespace

std::unique_ptr<Exchange> LibraryVisits::NewExchange() {
  return std::make_unique<LibraryVisit>(absl::StrCat(prefix_, "-", ++last_), size_);
}

}  // namespace polyserve
