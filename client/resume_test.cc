// What a download has is taken for the beginning of a file only if it is.
#include "client/resume.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/content_hash.h"
#include "client/connection.h"
#include "client/download.h"
#include "client/file_client.h"
#include "client/scripted_peer.h"

namespace polyserve {

namespace {

std::string HashOf(absl::string_view bytes) {
  ContentHash hash;
  hash.Add(bytes);
  return absl::StrCat("OK ", bytes.size(), " ", hash.Value(), "\n");
}

// A conversation: what the client is expected to ask, and the answer.
using Exchanges = std::vector<std::pair<std::string, std::string>>;

ScriptedPeer::Script Follow(Exchanges exchanges) {
  return [exchanges = std::move(exchanges)](Connection& client) {
    for (const auto& [request, answer] : exchanges) {
      EXPECT_EQ(Hear(client), request);
      Say(client, answer);
    }
  };
}

class ResumeTest : public testing::Test {
 protected:
  ResumeTest() {
    std::string path = testing::TempDir() + "/resume_test.XXXXXX";
    directory_ = ::mkdtemp(path.data());
  }
  ~ResumeTest() override { std::filesystem::remove_all(directory_); }

  std::string path() const { return directory_ + "/a"; }

  // Leaves these bytes for the next attempt, with this date.
  void Leave(absl::string_view bytes, int64_t date) const {
    absl::StatusOr<Download> download = Download::Continue(path());
    ASSERT_TRUE(download.ok()) << download.status();
    ASSERT_TRUE(download->WriteAt(0, bytes).ok());
    download->SetDate(date);
  }

  // Fetches "a" from a server that follows the script: "SIZE KEPT CONTENT", or the error.
  std::string Fetch(Exchanges exchanges) const {
    ScriptedPeer peer(Follow(std::move(exchanges)));
    FileClient client = FileClient::Connect(peer.endpoint(), {}).value();
    absl::StatusOr<Download> download = Download::Continue(path());
    EXPECT_TRUE(download.ok()) << download.status();
    const absl::StatusOr<FetchedRest> rest = FetchRest(client, "a", *download, nullptr);
    if (!rest.ok()) return std::string(rest.status().message());
    EXPECT_TRUE(download->Commit().ok());
    std::ifstream file(path());
    const std::string content(std::istreambuf_iterator<char>(file), {});
    return absl::StrCat(rest->size, " ", rest->kept, " ", content);
  }

  std::string directory_;
};

constexpr char kNoHashes[] = "ERR 400 there is no such command\n";

TEST_F(ResumeTest, WithoutAPartAllIsFetched) {
  EXPECT_EQ(Fetch({{"S a", "OK 5 7\n"}, {"R a 0 5", "OK 5\nhello"}, {"S a", "OK 5 7\n"}, {"H a 0 5", HashOf("hello")}}),
            "5 0 hello");
}

TEST_F(ResumeTest, PartThatIsTheBeginningStays) {
  Leave("hel", 7);
  EXPECT_EQ(Fetch({{"S a", "OK 5 7\n"},
                   {"H a 0 3", HashOf("hel")},
                   {"R a 3 2", "OK 2\nlo"},
                   {"S a", "OK 5 7\n"},
                   {"H a 0 5", HashOf("hello")}}),
            "5 3 hello");
}

TEST_F(ResumeTest, PartOfAnotherContentIsFetchedAnewWhateverItsDate) {
  Leave("HEL", 7);
  EXPECT_EQ(Fetch({{"S a", "OK 5 7\n"},
                   {"H a 0 3", HashOf("hel")},
                   {"R a 0 5", "OK 5\nhello"},
                   {"S a", "OK 5 7\n"},
                   {"H a 0 5", HashOf("hello")}}),
            "5 0 hello");
}

TEST_F(ResumeTest, PartThatIsLongerThanTheFileIsFetchedAnew) {
  Leave("hello, world", 7);
  EXPECT_EQ(Fetch({{"S a", "OK 5 7\n"}, {"R a 0 5", "OK 5\nhello"}, {"S a", "OK 5 7\n"}, {"H a 0 5", HashOf("hello")}}),
            "5 0 hello");
}

TEST_F(ResumeTest, ServerWithoutHashesIsAskedForTheDate) {
  Leave("hel", 7);
  EXPECT_EQ(Fetch({{"S a", "OK 5 7\n"},
                   {"H a 0 3", kNoHashes},
                   {"R a 3 2", "OK 2\nlo"},
                   {"S a", "OK 5 7\n"},
                   {"H a 0 5", kNoHashes}}),
            "5 3 hello");
  Leave("hel", 6);
  EXPECT_EQ(Fetch({{"S a", "OK 5 7\n"},
                   {"H a 0 3", kNoHashes},
                   {"R a 0 5", "OK 5\nhello"},
                   {"S a", "OK 5 7\n"},
                   {"H a 0 5", kNoHashes}}),
            "5 0 hello");
}

TEST_F(ResumeTest, FileThatChangesMeanwhileIsNotTaken) {
  for (const Exchanges& end : std::vector<Exchanges>{{{"S a", "OK 5 7\n"}, {"H a 0 5", HashOf("HELlo")}},
                                                     {{"S a", "OK 6 7\n"}, {"H a 0 5", HashOf("hello")}},
                                                     {{"S a", "OK 5 8\n"}, {"H a 0 5", kNoHashes}}}) {
    std::filesystem::remove(directory_ + "/.a.polyserve-part");
    Exchanges all = {{"S a", "OK 5 7\n"}, {"R a 0 5", "OK 5\nhello"}};
    all.insert(all.end(), end.begin(), end.end());
    EXPECT_EQ(Fetch(all), "the file has changed meanwhile");
    EXPECT_FALSE(std::filesystem::exists(path()));
  }
}

TEST_F(ResumeTest, LostConnectionLeavesAPartForTheNextAttempt) {
  const std::string error = Fetch({{"S a", "OK 5 7\n"}, {"R a 0 5", "OK 5\nhel"}});
  EXPECT_EQ(error, "the connection was closed after 3 of 5 bytes");
  EXPECT_EQ(Fetch({{"S a", "OK 5 7\n"},
                   {"H a 0 3", HashOf("hel")},
                   {"R a 3 2", "OK 2\nlo"},
                   {"S a", "OK 5 7\n"},
                   {"H a 0 5", HashOf("hello")}}),
            "5 3 hello");
}

TEST_F(ResumeTest, ProgressCountsWhatIsHere) {
  Leave("hel", 7);
  ScriptedPeer peer(Follow({{"S a", "OK 5 7\n"},
                            {"H a 0 3", HashOf("hel")},
                            {"R a 3 2", "OK 2\nlo"},
                            {"S a", "OK 5 7\n"},
                            {"H a 0 5", HashOf("hello")}}));
  FileClient client = FileClient::Connect(peer.endpoint(), {}).value();
  absl::StatusOr<Download> download = Download::Continue(path());
  std::vector<int64_t> done;
  ASSERT_TRUE(FetchRest(client, "a", *download, [&done](int64_t now, int64_t total) {
                done.push_back(now);
                EXPECT_EQ(total, 5);
              }).ok());
  EXPECT_EQ(done.front(), 3);
  EXPECT_EQ(done.back(), 5);
}

}  // namespace

}  // namespace polyserve
