// file and file-unframed with --auth_file: who may do what, and how a peer says who it is.
#include <sys/uio.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "access/address_limits.h"
#include "access/test_users.h"
#include "base/bound_counters.h"
#include "files/library.h"
#include "gtest/gtest.h"
#include "protocol/file.h"
#include "protocol/file_unframed.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/session_harness.h"

namespace polyserve {

namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kLogIn = "A ada secret\n";
constexpr absl::string_view kNotKnown = "ERR 401 log in first: A <user> <password>\n";
constexpr absl::string_view kNotAllowed = "ERR 403 the user lacks the right\n";

// Everyone may read in public; ada may read all, and write in public.
class FileRightsTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    Reset();
  }

  void Reset() {
    fs::remove_all(root_);
    fs::create_directories(root_ / "public");
    std::ofstream(root_ / "a") << "hello";
    std::ofstream(root_ / "public/b") << "for all";
  }

  std::unique_ptr<FileSession> MakeSession() {
    auto session = std::make_unique<FileSession>(*Library::Open(root_.string(), {}), users_.access());
    EXPECT_TRUE(session->wants_peer());
    session->OnPeer("192.0.2.1");
    return session;
  }

  std::string Talk(absl::string_view input) {
    const auto make_session = [this] {
      Reset();
      return MakeSession();
    };
    return TalkInAnyPieces(make_session, input).replies;
  }
  std::string TalkUnframed(absl::string_view command) {
    const auto make_session = [this] {
      Reset();
      return std::make_unique<FileUnframedSession>(*Library::Open(root_.string(), {}), users_.access());
    };
    return TalkInAnyPieces(make_session, std::vector<absl::string_view>{command, "Q"}).replies;
  }
  // What one session replies; its tasks run at once.
  static std::string Show(Session& session, absl::string_view bytes) {
    std::string rest(bytes), replies;
    bool was_full = true;
    while (was_full && !rest.empty()) {
      Output output;
      Input input(rest);
      session.OnInput(input, output);
      was_full = !output.wants_more();
      rest.erase(0, rest.size() - input.bytes().size());
      iovec piece;
      if (output.FrontMemory(&piece, 1) == 1) replies.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      if (output.has_work()) output.TakeWork()(output);
    }
    return replies;
  }
  std::string Content(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(root_ / name).rdbuf();
    return text.str();
  }

  fs::path root_;
  TestUsers users_{absl::StrCat("*::read:/public\nada:", TestUsers::kHash, ":read write:/public\n")};
};

TEST_F(FileRightsTest, PeerThatIsNotKnownHasTheRightsOfEveryone) {
  EXPECT_EQ(Talk("G public/b\n"), "OK 7\nfor all");
  EXPECT_EQ(Talk("R public/b 4 3\n"), "OK 3\nall");
  for (const absl::string_view command : {"L", "G a", "G none", "S a", "R a 0 1", "H a 0 1", "D public/d"}) {
    EXPECT_EQ(Talk(absl::StrCat(command, "\n")), kNotKnown) << command;
  }
}

TEST_F(FileRightsTest, UserHasItsOwnRightsAsWell) {
  EXPECT_EQ(Talk(absl::StrCat(kLogIn, "G a\nG public/b\n")), "OK 0\nOK 5\nhelloOK 7\nfor all");
  EXPECT_EQ(Talk(absl::StrCat(kLogIn, "D public/d\nP public/d/e 3\nnewG public/d/e\n")), "OK 0\nOK 0\nOK 0\nOK 3\nnew");
  EXPECT_EQ(Talk(absl::StrCat(kLogIn, "D d\n")), absl::StrCat("OK 0\n", kNotAllowed));
}

TEST_F(FileRightsTest, ContentOfARefusedUploadIsNotTakenForCommands) {
  EXPECT_EQ(Talk("P c 5\nS b\nXG public/b\n"), absl::StrCat(kNotKnown, "OK 7\nfor all"));
  EXPECT_EQ(Talk(absl::StrCat(kLogIn, "P c 5\nS b\nXG a\n")), absl::StrCat("OK 0\n", kNotAllowed, "OK 5\nhello"));
  EXPECT_FALSE(fs::exists(root_ / "c"));
}

TEST_F(FileRightsTest, NoSpellingOfANameLeadsOutOfADirectory) {
  for (const absl::string_view name : {"public/../a", "public//../a", "public/./../a", "public/..", "public/"}) {
    EXPECT_TRUE(absl::StartsWith(Talk(absl::StrCat("G ", name, "\n")), "ERR 400 ")) << name;
  }
  EXPECT_EQ(Talk("G publicity\n"), kNotKnown);
  EXPECT_EQ(Talk("G /public/b\n"), kNotKnown) << "no name of the library begins with a slash";
}

TEST_F(FileRightsTest, NameMayHoldWhatLooksLikeNumbers) {
  EXPECT_EQ(Talk("R public/b 1 2 0 1\n"), "ERR 404 there is no such file\n");
  EXPECT_EQ(Talk("R a public/b 0 1\n"), kNotKnown) << "the name is 'a public/b'";
}

TEST_F(FileRightsTest, WrongPasswordChangesNothing) {
  constexpr absl::string_view kWrong = "ERR 401 the user or the password is wrong\n";
  EXPECT_EQ(Talk("A ada wrong\nG a\n"), absl::StrCat(kWrong, kNotKnown));
  EXPECT_EQ(Talk("A eve secret\n"), kWrong);
  EXPECT_EQ(Talk("A * \n"), kWrong);
  EXPECT_EQ(Talk(absl::StrCat(kLogIn, "A ada wrong\nG a\n")), absl::StrCat("OK 0\n", kWrong, "OK 5\nhello"));
}

TEST_F(FileRightsTest, PasswordIsAllBehindTheSecondBlank) {
  EXPECT_EQ(Talk("A ada\n"), "ERR 400 expected: A <user> <password>\n");
  EXPECT_EQ(Talk("A ada  secret\n"), "ERR 401 the user or the password is wrong\n");
  EXPECT_EQ(Talk("A ada secret \n"), "ERR 401 the user or the password is wrong\n");
}

TEST_F(FileRightsTest, NewVersionOfTheFileHoldsFromTheNextCommandOn) {
  const std::unique_ptr<FileSession> session = MakeSession();
  EXPECT_EQ(Show(*session, absl::StrCat(kLogIn, "S a\n")).substr(0, 10), "OK 0\nOK 5 ");
  users_.Replace(absl::StrCat("ada:", TestUsers::kHash, ":write\n"));
  EXPECT_EQ(Show(*session, "S a\n"), kNotAllowed);
  users_.Replace(absl::StrCat("ada:", TestUsers::kOtherHash, ":read,write\n"));
  EXPECT_EQ(Show(*session, "S a\n"), kNotKnown) << "another password: the login has ended";
}

TEST_F(FileRightsTest, NameThatTheTransportHasProvedNeedsNoPassword) {
  const std::unique_ptr<FileSession> session = MakeSession();
  session->OnPeerName("ada");
  EXPECT_EQ(Show(*session, "S a\n").substr(0, 5), "OK 5 ");
  const std::unique_ptr<FileSession> other = MakeSession();
  other->OnPeerName("eve");
  EXPECT_EQ(Show(*other, "S a\n"), kNotKnown);
}

TEST_F(FileRightsTest, ServerWithoutAFileOfUsersHasNoPasswords) {
  FileSession session(*Library::Open(root_.string(), {}));
  EXPECT_FALSE(session.wants_peer());
  session.OnPeerName("ada");
  EXPECT_EQ(Show(session, kLogIn), "ERR 405 the server has no passwords (--auth_file)\n");
  EXPECT_EQ(Show(session, "S a\n").substr(0, 5), "OK 5 ");
}

TEST_F(FileRightsTest, CommandsAboveTheRateAre429AndTheConnectionStays) {
  const auto table = std::make_unique<AddressLimits::Table>();
  AddressLimits::Prepare(*table);
  BoundCounters counters = {};
  const auto limits =
      std::make_shared<const AddressLimits>(AddressLimits::Options{.requests_per_second = 1}, *table, counters);
  const auto make_session = [&] {
    auto session = std::make_unique<FileSession>(*Library::Open(root_.string(), {}), nullptr, limits);
    EXPECT_TRUE(session->wants_peer());
    session->OnPeer("192.0.2.1");
    return session;
  };
  const std::string too_many = "ERR 429 too many commands from this address\n";
  // More at once than any machine gets through in a second, if each is a command on its own.
  std::string commands = "S a\n";
  for (int i = 0; i < 100; ++i) commands += "P c 5\nS b\nX";
  const std::string answers = TalkInPieces(make_session, {commands}).replies;
  EXPECT_TRUE(absl::StartsWith(answers, "OK 5 ")) << answers;
  size_t refused = 0;
  for (size_t at = 0; (at = answers.find(too_many, at)) != std::string::npos; ++at) ++refused;
  EXPECT_GT(refused, 0u);
  EXPECT_EQ(counters.rate_per_address, static_cast<int64_t>(refused));
  EXPECT_FALSE(absl::StrContains(answers, "ERR 404")) << "content is not taken for commands: " << answers;
  EXPECT_FALSE(absl::StrContains(answers, "ERR 400")) << answers;
}

TEST_F(FileRightsTest, UnframedServesWhatEveryoneMayHave) {
  constexpr absl::string_view kNoPasswords = "this needs a password, and this dialect has none";
  EXPECT_EQ(TalkUnframed("G public/b"), "OKfor all##");
  EXPECT_EQ(TalkUnframed("G a"), kNoPasswords);
  EXPECT_EQ(TalkUnframed("L"), kNoPasswords);
  EXPECT_EQ(TalkUnframed("P public/c"), kNoPasswords);
  users_.Replace("*::read write:/public\n");
  EXPECT_EQ(TalkUnframed("L"), "OKa#");
  EXPECT_EQ(TalkUnframed("P public/c"), "OK");
}

}  // namespace

}  // namespace polyserve
