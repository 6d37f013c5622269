// The client's prompt on a real terminal: the tab key, with the names that a real server has.
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/program_path.h"
#include "tests/scratch.h"
#include "tests/server_process.h"

namespace polyserve {

namespace {

// The client at a terminal of 80 columns. One thread.
class Prompt {
 public:
  explicit Prompt(const std::string& server, const std::string& more = "--timeout=60s") {
    const std::string path = ProgramPath("client/client"), flag = absl::StrCat("--server=", server);
    winsize size = {.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
    int terminal = -1;
    client_ = ::forkpty(&terminal, nullptr, nullptr, &size);
    if (client_ == 0) {
      ::unsetenv("HOME");  // No history, and no settings of the user's.
      ::setenv("TERM", "dumb", 1);
      ::execl(path.c_str(), path.c_str(), flag.c_str(), more.c_str(), nullptr);
      ::_exit(127);
    }
    terminal_.reset(terminal);
  }
  // Closes the terminal, which ends the client.
  ~Prompt() {
    terminal_.reset();
    if (client_ > 0) ::waitpid(client_, nullptr, 0);
  }
  Prompt(const Prompt&) = delete;
  Prompt& operator=(const Prompt&) = delete;

  void Type(absl::string_view keys) {
    EXPECT_EQ(::write(terminal_.get(), keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }

  // Waits for the client's end, and returns its exit status; -1 if a signal ended it.
  int AwaitExit() {
    int status = 0;
    ::waitpid(std::exchange(client_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  // Whether the terminal shows what is typed.
  bool echoes() const {
    termios mode;
    return ::tcgetattr(terminal_.get(), &mode) == 0 && (mode.c_lflag & ECHO) != 0;
  }

  // All that the screen has shown so far.
  const std::string& has_shown() const { return has_shown_; }

  // Reads until the screen has shown this since the last call. Fails the test if it does not.
  void Expect(const std::string& text) {
    pollfd waiting = {terminal_.get(), POLLIN, 0};
    size_t found = shown_.find(text);
    const int patience = static_cast<int>(absl::ToInt64Milliseconds(kPatience));
    while (found == std::string::npos && ::poll(&waiting, 1, patience) == 1) {
      char piece[4096];
      const ssize_t count = ::read(terminal_.get(), piece, sizeof(piece));
      if (count <= 0) break;
      shown_.append(piece, static_cast<size_t>(count));
      has_shown_.append(piece, static_cast<size_t>(count));
      found = shown_.find(text);
    }
    EXPECT_NE(found, std::string::npos) << "'" << text << "' is not in: " << shown_;
    if (found != std::string::npos) shown_.erase(0, found + text.size());
  }

 private:
  pid_t client_ = -1;
  UniqueFd terminal_;
  std::string shown_;      // And not expected yet.
  std::string has_shown_;  // In all.
};

class ClientPromptTest : public testing::Test {
 protected:
  ClientPromptTest() {
    root_.Write("hello.txt", "hello");
    root_.Write("two words.txt", "");
    root_.Write("two.txt", "");
  }

  Scratch root_;
  ServerProcess server_{
      {.flags = {"--model=thread", absl::StrCat("--root=", root_.path()), "--listen=file://127.0.0.1:0"}}};
};

TEST_F(ClientPromptTest, TabCompletesCommandsAndNamesOnTheServer) {
  Prompt prompt(server_.address("file"));
  prompt.Expect("polyserve> ");
  prompt.Type("s\th\t\n");
  prompt.Expect("hello.txt: 5 bytes");
  prompt.Expect("polyserve> ");
  prompt.Type("stat two\t");
  prompt.Expect("two words.txt  two.txt");
  prompt.Type(" w\t\n");
  prompt.Expect("two words.txt: 0 bytes");
}

TEST_F(ClientPromptTest, NamesAreThoseOfTheMoment) {
  Prompt prompt(server_.address("file"));
  prompt.Expect("polyserve> ");
  prompt.Type("stat n\t\n");
  prompt.Expect("error 404");
  prompt.Expect("polyserve> ");
  root_.Write("new.txt", "new");
  prompt.Type("stat n\t\n");
  prompt.Expect("new.txt: 3 bytes");
}

TEST_F(ClientPromptTest, PasswordIsAskedForAndNotShown) {
  const Scratch users;
  users.Write("users", "ada:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW:read\n");
  const ServerProcess server(
      {.flags = {"--model=thread", absl::StrCat("--root=", root_.path()), "--listen=file://127.0.0.1:0",
                 absl::StrCat("--auth_file=", users.PathOf("users"))}});
  Prompt prompt(server.address("file"), "--user=ada");
  prompt.Expect("Password of ada: ");
  prompt.Type("secret\n");
  prompt.Expect("polyserve> ");
  prompt.Type("stat hello.txt\n");
  prompt.Expect("hello.txt: 5 bytes");
  EXPECT_FALSE(absl::StrContains(prompt.has_shown(), "secret")) << prompt.has_shown();
}

TEST_F(ClientPromptTest, CtrlCAtThePasswordLeavesTheTerminalAsItWas) {
  Prompt prompt(server_.address("file"), "--user=ada");
  prompt.Expect("Password of ada: ");
  EXPECT_FALSE(prompt.echoes());
  prompt.Type("sec\x03");
  EXPECT_EQ(prompt.AwaitExit(), 130);
  EXPECT_TRUE(prompt.echoes());
}

TEST_F(ClientPromptTest, WithoutAServerTabDoesNothing) {
  const std::string address = server_.address("file");
  server_.Signal(SIGTERM);
  ASSERT_EQ(server_.AwaitExit(), 0);
  Prompt prompt(address);
  prompt.Expect("polyserve> ");
  prompt.Type("stat h\tello\n");
  prompt.Expect("is the server running?");
}

}  // namespace

}  // namespace polyserve
