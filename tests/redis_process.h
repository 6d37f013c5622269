// RedisProcess: the real redis-server as a child process, which a test can stop, kill and start again at the same
// address. For the room that servers share (--room). tools/setup --test installs it.
//
//   RedisProcess redis;
//   StartServer({"--room=" + redis.url()});
//   redis.Kill();
//   redis.Start();
//
// It listens on 127.0.0.1, and keeps its files in a directory of its own. All waits end after kPatience. One thread.
#ifndef POLYSERVE_TESTS_REDIS_PROCESS_H_
#define POLYSERVE_TESTS_REDIS_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/scratch.h"

namespace polyserve {

class RedisProcess {
 public:
  struct Options {
    std::string password = {};
    // Each write is on the disk before it is answered. Otherwise nothing is kept when it ends.
    bool keeps_data = false;
    // In the form of PEM: it speaks TLS alone, with these, and asks clients for none.
    std::string certificate = {};
    std::string key = {};
  };

  // Starts it, and waits until it answers.
  RedisProcess() : RedisProcess(Options()) {}
  explicit RedisProcess(Options options);
  ~RedisProcess();
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;

  // False: it is not installed.
  static bool IsInstalled();

  // "redis://127.0.0.1:PORT/0", or rediss://, with these in front of the host: ":secret@".
  std::string url(absl::string_view user_and_password = "") const;
  std::string address() const;  // "127.0.0.1:PORT"

  void Stop() const;  // As SIGSTOP does: it takes connections, and answers nothing.
  void Continue() const;
  void Kill();
  // Again, after Kill(), and waits until it answers.
  void Start();
  // The answer to the command with these words, as redis-cli(1) prints it. Without a password and TLS.
  std::string Ask(const std::vector<std::string>& words) const;

 private:
  bool Answers() const;

  const Options options_;
  const Scratch directory_;
  uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_REDIS_PROCESS_H_
