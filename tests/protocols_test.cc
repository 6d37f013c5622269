// docs/protocols.md tells the truth: each conversation in it that is marked "<!-- replayed: SERVICE -->" is held with
// the server, over a library of one file, hello.txt. Lines with '>' are what a client sends; all others, the reply.
#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "tests/peer.h"
#include "tests/scratch.h"
#include "tests/server_process.h"

namespace polyserve {

namespace {

struct Exchange {
  std::string request;
  std::string reply;
};

struct Conversation {
  std::string service;
  std::vector<Exchange> exchanges;
};

// What ends a line of the service's requests.
absl::string_view LineEnd(absl::string_view service) {
  if (service == "http") return "\r\n";
  return service == "file-unframed" ? "" : "\n";
}

// Without what has to differ each time, and without the line end behind a reply that has none.
std::string Normalized(absl::string_view service, std::string reply) {
  reply = absl::StrReplaceAll(reply, {{"\r\n", "\n"}});
  static const std::regex kVarying("(Date|ETag|Last-Modified): [^\n]*");
  reply = std::regex_replace(reply, kVarying, "$1: ...");
  if (service == "file") reply = std::regex_replace(reply, std::regex("([\t ])1[0-9]{9}\n"), "$01...\n");
  if (service == "file-unframed") reply = absl::StrReplaceAll(reply, {{"\n", ""}});
  const bool ends_within_a_line = service == "http" || service == "message";
  return ends_within_a_line ? std::string(absl::StripSuffix(reply, "\n")) : reply;
}

void Take(absl::string_view line, Conversation& conversation) {
  std::vector<Exchange>& exchanges = conversation.exchanges;
  if (!exchanges.empty() && exchanges.back().reply.empty() && line.empty()) return;
  if (absl::ConsumePrefix(&line, ">")) {
    absl::ConsumePrefix(&line, " ");
    if (exchanges.empty() || !exchanges.back().reply.empty()) exchanges.emplace_back();
    absl::StrAppend(&exchanges.back().request, line, LineEnd(conversation.service));
  } else if (!exchanges.empty()) {
    absl::StrAppend(&exchanges.back().reply, line, "\n");
  }
}

std::vector<Conversation> ReadConversations(const std::string& path) {
  std::vector<Conversation> conversations;
  std::ifstream file(path);
  bool is_marked = false;
  bool is_within = false;
  for (std::string line; std::getline(file, line);) {
    absl::string_view mark = line;
    if (absl::ConsumePrefix(&mark, "<!-- replayed: ") && absl::ConsumeSuffix(&mark, " -->")) {
      conversations.push_back({std::string(mark), {}});
      is_marked = true;
    } else if (absl::StartsWith(line, "```")) {
      is_within = is_marked && !is_within;
      is_marked = is_marked && is_within;
    } else if (is_within) {
      Take(line, conversations.back());
    }
  }
  return conversations;
}

// What all of them begin with.
void WriteLibrary(const Scratch& root) {
  root.Write("hello.txt", "Hello from Polyserve.\n");
  const timespec times[2] = {{1714564800, 0}, {1714564800, 0}};  // Wed, 01 May 2024 12:00:00 GMT.
  EXPECT_EQ(::utimensat(AT_FDCWD, root.PathOf("hello.txt").c_str(), times, 0), 0);
}

// Reads until it is what is expected, or will not be.
std::string Read(absl::string_view service, const std::string& expected, Peer& peer) {
  std::string reply;
  for (std::string byte; Normalized(service, reply) != expected; reply += byte) {
    byte = peer.Read(1);
    if (byte.empty()) break;
  }
  return Normalized(service, reply);
}

TEST(ProtocolsTest, ConversationsGoAsTheyAreWritten) {
  const std::vector<Conversation> conversations = ReadConversations("docs/protocols.md");
  EXPECT_GE(conversations.size(), 6);
  for (const Conversation& conversation : conversations) {
    SCOPED_TRACE(conversation.service);
    const Scratch root;
    WriteLibrary(root);
    ServerProcess server({.flags = {absl::StrCat("--root=", root.path()),
                                    absl::StrCat("--listen=", conversation.service, "://127.0.0.1:0")}});
    Peer peer(server.address(conversation.service));
    for (const Exchange& exchange : conversation.exchanges) {
      peer.Send(exchange.request);
      const std::string expected = Normalized(conversation.service, exchange.reply);
      EXPECT_EQ(Read(conversation.service, expected, peer), expected) << "to: " << exchange.request;
    }
    EXPECT_FALSE(conversation.exchanges.empty());
  }
}

}  // namespace

}  // namespace polyserve
