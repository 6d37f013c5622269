#include "protocol/chat_datagrams.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

// The most of it that a datagram holds, without half a character at its end.
absl::string_view CutToFit(absl::string_view utf8) {
  if (utf8.size() <= ChatDatagramSession::kMaxDatagramBytes) return utf8;
  size_t end = ChatDatagramSession::kMaxDatagramBytes;
  while (end > 0 && (static_cast<uint8_t>(utf8[end]) & 0xC0) == 0x80) --end;
  return utf8.substr(0, end);
}

}  // namespace

void ChatDatagramSession::OnInput(Input& input, Output& output) {
  absl::string_view datagram = input.bytes();
  input.ConsumeAll();
  absl::ConsumeSuffix(&datagram, "\n");  // Of those who type it with nc -u.
  absl::ConsumeSuffix(&datagram, "\r");
  absl::Status status = absl::InvalidArgumentError("expected: L <name>, C <name> <text>, or E <name>");
  if (datagram.size() > kMaxDatagramBytes) {
    status = absl::InvalidArgumentError(absl::StrCat("a message has at most ", kMaxDatagramBytes, " bytes"));
  } else if (absl::ConsumePrefix(&datagram, "L ")) {
    status = member_->name().empty() ? member_->Join(datagram) : CheckIsOwn(datagram);
    return output.Write(status.ok() ? "OK" : status.message());
  } else if (absl::ConsumePrefix(&datagram, "C ")) {
    status = Say(datagram);
  } else if (absl::ConsumePrefix(&datagram, "E ")) {
    status = CheckIsOwn(datagram);
    if (!status.ok()) return output.Write(absl::StrCat("\n", status.message()));
    member_->Leave();
    output.Write("EXIT");
    return output.Close();
  }
  if (!status.ok()) output.Write(absl::StrCat("\n", status.message()));
}

void ChatDatagramSession::OnMessage(const Message& message, Output& output) {
  const std::string datagram = absl::StrCat("\n", absl::StripSuffix(*message, "\n"));
  output.Write(CutToFit(datagram));
}

absl::Status ChatDatagramSession::Say(absl::string_view name_and_text) {
  const size_t space = name_and_text.find(' ');
  if (absl::Status status = CheckIsOwn(name_and_text.substr(0, space)); !status.ok()) return status;
  const absl::string_view text = space == absl::string_view::npos ? "" : name_and_text.substr(space + 1);
  if (absl::Status status = CheckText(text); !status.ok()) return status;
  member_->Say(text);
  return absl::OkStatus();
}

// A datagram may have come twice, so whoever takes the name that it has already is told once more that it is there.
absl::Status ChatDatagramSession::CheckIsOwn(absl::string_view name) const {
  const std::string& own = member_->name();
  if (own.empty()) return absl::PermissionDeniedError("join first: L <name>");
  if (name != own) return absl::PermissionDeniedError(absl::StrCat("you are '", own, "'"));
  return absl::OkStatus();
}

}  // namespace polyserve
