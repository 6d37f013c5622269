// docs/protocols.md tells the truth: the test holds each conversation in it that is marked "<!-- replayed: SERVICE -->"
// with the server, over a library of one file, hello.txt. Lines with '>' are what a client sends; all others, the
// reply. If several clients talk, "ada>" is what ada sends, and "ada<" what she receives. With two services in the mark
// the server listens for both.
#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "tests/party.h"
#include "tests/peer.h"
#include "tests/scratch.h"
#include "tests/server_process.h"

namespace polyserve {

namespace {

struct Conversation {
  std::string service;
  std::string other_service;  // "" for none.
  std::vector<std::string> lines;
};

std::vector<Conversation> ReadConversations(const std::string& path) {
  std::vector<Conversation> conversations;
  std::ifstream file(path);
  bool is_marked = false;
  bool is_within = false;
  for (std::string line; std::getline(file, line);) {
    absl::string_view mark = line;
    if (absl::ConsumePrefix(&mark, "<!-- replayed: ") && absl::ConsumeSuffix(&mark, " -->")) {
      const std::vector<std::string> services = absl::StrSplit(mark, ' ');
      conversations.push_back({services[0], services.size() > 1 ? services[1] : "", {}});
      is_marked = true;
    } else if (absl::StartsWith(line, "```")) {
      is_within = is_marked && !is_within;
      is_marked = is_marked && is_within;
    } else if (is_within) {
      conversations.back().lines.push_back(line);
    }
  }
  return conversations;
}

// Conversations that are a stream of bytes: requests of several lines, and replies that may end within a line.

struct Exchange {
  std::string request;
  std::string reply;
};

// What ends a line of the service's requests.
absl::string_view LineEnd(absl::string_view service) {
  if (service == "http") return "\r\n";
  return service == "file-unframed" ? "" : "\n";
}

// Without the parts that differ each time, and without the line end behind a reply that has none.
std::string Normalized(absl::string_view service, std::string reply) {
  reply = absl::StrReplaceAll(reply, {{"\r\n", "\n"}});
  static const std::regex kVarying("(Date|ETag|Last-Modified): [^\n]*");
  reply = std::regex_replace(reply, kVarying, "$1: ...");
  if (service == "file") reply = std::regex_replace(reply, std::regex("([\t ])1[0-9]{9}\n"), "$01...\n");
  if (service == "file-unframed") reply = absl::StrReplaceAll(reply, {{"\n", ""}});
  const bool ends_within_a_line = service == "http" || service == "message";
  return ends_within_a_line ? std::string(absl::StripSuffix(reply, "\n")) : reply;
}

std::vector<Exchange> ExchangesOf(const Conversation& conversation) {
  std::vector<Exchange> exchanges;
  for (absl::string_view line : conversation.lines) {
    if (!exchanges.empty() && exchanges.back().reply.empty() && line.empty()) continue;
    if (absl::ConsumePrefix(&line, ">")) {
      absl::ConsumePrefix(&line, " ");
      if (exchanges.empty() || !exchanges.back().reply.empty()) exchanges.emplace_back();
      absl::StrAppend(&exchanges.back().request, line, LineEnd(conversation.service));
    } else if (!exchanges.empty()) {
      absl::StrAppend(&exchanges.back().reply, line, "\n");
    }
  }
  return exchanges;
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

void ReplayBytes(const Conversation& conversation, Peer peer) {
  const std::vector<Exchange> exchanges = ExchangesOf(conversation);
  EXPECT_FALSE(exchanges.empty());
  for (const Exchange& exchange : exchanges) {
    peer.Send(exchange.request);
    const std::string expected = Normalized(conversation.service, exchange.reply);
    EXPECT_EQ(Read(conversation.service, expected, peer), expected) << "to: " << exchange.request;
  }
}

// Conversations of one or several parties: each line is one message, and they follow in the order of the lines.

bool HasParties(absl::string_view service) {
  return service == "chat" || service == "websocket" || absl::EndsWith(service, "+udp");
}

void ReplayParties(const Conversation& conversation, const std::string& address) {
  std::map<std::string, std::unique_ptr<Party>> parties;
  static const std::regex kTurn("([^ ]*)([<>]) (.*)");
  EXPECT_FALSE(conversation.lines.empty());
  for (const std::string& line : conversation.lines) {
    std::smatch turn;
    const bool is_marked = std::regex_match(line, turn, kTurn);
    std::unique_ptr<Party>& party = parties[is_marked ? turn[1].str() : ""];
    if (party == nullptr) party = MakeParty(conversation.service, address);
    if (is_marked && turn[2] == ">") {
      party->Send(turn[3].str());
    } else {
      EXPECT_EQ(party->Receive(), is_marked ? turn[3].str() : line);
    }
  }
}

TEST(ProtocolsTest, ConversationsGoAsTheyAreWritten) {
  const std::vector<Conversation> conversations = ReadConversations("docs/protocols.md");
  EXPECT_GE(conversations.size(), 11);
  for (const Conversation& conversation : conversations) {
    SCOPED_TRACE(conversation.service);
    const Scratch root;
    WriteLibrary(root);
    const std::string service = conversation.service == "websocket" ? "http" : conversation.service;
    std::string listen = absl::StrCat("--listen=", service, "://127.0.0.1:0");
    if (!conversation.other_service.empty()) {
      absl::StrAppend(&listen, ",", conversation.other_service, "://127.0.0.1:0");
    }
    ServerProcess server({.flags = {absl::StrCat("--root=", root.path()), listen, "--tftp_writes"}});
    if (HasParties(conversation.service)) {
      ReplayParties(conversation, server.address(service));
    } else {
      ReplayBytes(conversation, Peer(server.address(service)));
    }
  }
}

}  // namespace

}  // namespace polyserve
