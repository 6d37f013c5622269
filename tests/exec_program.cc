// A program that a server under test runs for its clients (exec). Its argument says what it does; most say first who
// they are ("pid 17"), so that a case can see them end.
//
//   rev          answers each line with its letters in reverse
//   cat          sends back what comes, and ends with it
//   count        reads to the end of its input, and says how much that was
//   hold         says who it is, and never reads
//   stubborn     the same, and ignores SIGTERM
//   flood        says who it is, and writes without end
//   die          says who it is, and is killed by a signal, with its input unread
//   close        says who it is, closes its output alone, reports at its standard error when it has read 1000 bytes,
//                and goes on
//   slow         says who it is, closes its output alone, reads slowly, and reports at its standard error how much
//                there was when its input is over
//   heir         leaves a child behind that holds its output, and ends
//   complain     writes a thousand lines to its standard error, and one of 100,000 letters
//   look         says which descriptors it has, who asks, and whether a signal is ignored or blocked
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace {

void Say(const std::string& text) {
  size_t said = 0;
  while (said < text.size()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data() + said, text.size() - said);
    if (count <= 0) _exit(1);
    said += static_cast<size_t>(count);
  }
}

void SayWho() { Say("pid " + std::to_string(::getpid()) + "\n"); }

// The pause is in microseconds, after each piece.
size_t CountInput(useconds_t pause = 0) {
  char buffer[16384];
  size_t total = 0;
  for (ssize_t count; (count = ::read(STDIN_FILENO, buffer, sizeof(buffer))) > 0;) {
    total += static_cast<size_t>(count);
    if (pause > 0) ::usleep(pause);
  }
  return total;
}

void Reverse() {
  std::string line;
  for (char c; ::read(STDIN_FILENO, &c, 1) == 1;) {
    if (c != '\n') {
      line.push_back(c);
      continue;
    }
    std::reverse(line.begin(), line.end());
    Say(line + "\n");
    line.clear();
  }
}

void SendBack() {
  char buffer[65536];
  for (ssize_t count; (count = ::read(STDIN_FILENO, buffer, sizeof(buffer))) > 0;) {
    Say(std::string(buffer, static_cast<size_t>(count)));
  }
}

[[noreturn]] void Hold() {
  while (true) ::pause();
}

void LeaveHeir() {
  const pid_t heir = ::fork();
  if (heir == 0) Hold();
  Say("pid " + std::to_string(heir) + "\n");
}

void Complain() {
  for (int i = 0; i < 1000; ++i) std::fprintf(stderr, "complaint %d\x1b[2J\n", i);
  std::fprintf(stderr, "%s\n", std::string(100'000, 'x').c_str());
  SayWho();
}

// But for the descriptor that is open for the look.
void Look() {
  DIR* const directory = ::opendir("/proc/self/fd");
  std::vector<int> found;
  while (const dirent* entry = ::readdir(directory)) {
    const int fd = ::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != ::dirfd(directory)) found.push_back(fd);
  }
  ::closedir(directory);
  std::sort(found.begin(), found.end());
  for (const int fd : found) Say(std::to_string(fd) + " ");
  const char* const peer = ::getenv("REMOTE_ADDR");
  Say(std::string("for ") + (peer == nullptr ? "nobody" : peer));
  sigset_t blocked;
  ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGCHLD, SIGHUP, SIGUSR1}) {
    struct sigaction action = {};
    ::sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_DFL || ::sigismember(&blocked, signal) == 1) Say(" not " + std::to_string(signal));
  }
  Say(::getenv("SECRET") == nullptr ? "\n" : " with a secret\n");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "rev") Reverse();
  if (what == "cat") SendBack();
  if (what == "count") Say(std::to_string(CountInput()) + "\n");
  if (what == "stubborn") ::signal(SIGTERM, SIG_IGN);
  if (what == "hold" || what == "stubborn") {
    SayWho();
    Hold();
  }
  if (what == "flood") {
    SayWho();
    while (true) Say(std::string(65536, 'x'));
  }
  if (what == "die") {
    SayWho();
    ::raise(SIGKILL);
  }
  if (what == "close") {
    SayWho();
    ::shutdown(STDOUT_FILENO, SHUT_WR);
    size_t total = 0;
    for (char c; total < 1000 && ::read(STDIN_FILENO, &c, 1) == 1;) ++total;
    std::fprintf(stderr, "has read %zu bytes\n", total);
    Hold();
  }
  if (what == "slow") {
    SayWho();
    ::shutdown(STDOUT_FILENO, SHUT_WR);
    std::fprintf(stderr, "has read %zu bytes to the end\n", CountInput(/*pause=*/20'000));
  }
  if (what == "heir") LeaveHeir();
  if (what == "complain") Complain();
  if (what == "look") Look();
  return 0;
}
