#include "tests/file_talk.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

std::string ReadReplyLine(Peer& peer) {
  const std::string line = peer.ReadLine();
  return std::string(absl::StripSuffix(line, "\n"));
}

// The number behind "OK "; -1 if it is no such line.
long AnnouncedBytes(absl::string_view line) {
  long count = 0;
  return absl::ConsumePrefix(&line, "OK ") && absl::SimpleAtoi(line, &count) ? count : -1;
}

// Of these commands alone, the number behind OK is that of the bytes that follow; for S it is the size of the file.
bool HasBody(absl::string_view command) {
  return !command.empty() && absl::string_view("LGR").find(command[0]) != absl::string_view::npos;
}

}  // namespace

std::string FileReply::code() const {
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
  return words[0] == "ERR" && words.size() > 1 ? absl::StrCat(words[0], " ", words[1]) : line;
}

FileReply Ask(Peer& peer, absl::string_view command) {
  peer.Send(absl::StrCat(command, "\n"));
  FileReply reply{ReadReplyLine(peer), ""};
  const long count = HasBody(command) ? AnnouncedBytes(reply.line) : -1;
  if (count > 0) reply.body = peer.Read(static_cast<size_t>(count));
  return reply;
}

FileReply Get(Peer& peer, absl::string_view name) { return Ask(peer, absl::StrCat("G ", name)); }

FileReply Put(Peer& peer, absl::string_view name, absl::string_view bytes) {
  peer.Send(absl::StrCat("P ", name, " ", bytes.size(), "\n"));
  peer.Send(bytes);
  return {ReadReplyLine(peer), ""};
}

}  // namespace polyserve
