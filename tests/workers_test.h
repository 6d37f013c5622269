// WorkersTest: the fixture of the cases about servers with several workers, be they processes or threads, of a pool or
// with a loop each. Which ones is said by the flags that are the test's parameter.
#ifndef POLYSERVE_TESTS_WORKERS_TEST_H_
#define POLYSERVE_TESTS_WORKERS_TEST_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/peer.h"
#include "tests/server_process.h"

namespace polyserve {

using Flags = std::vector<std::string>;

// True where the echo service answers this client.
bool IsServed(Peer& peer);

// The flags as the name of a test: "prefork_lock_file".
std::string NameOfFlags(const testing::TestParamInfo<Flags>& flags);

// Expects that the server refuses these flags with one line that holds `hint`, and status 2.
void ExpectRefused(const Flags& flags, absl::string_view hint);

class WorkersTest : public testing::TestWithParam<Flags> {
 protected:
  // Starts it with the flags of the parameter and these, and an echo service.
  void StartServer(const Flags& more = {});

  // Expects that the server ends, when it is asked to, and leaves nothing.
  void TearDown() override;

  // Once: a second time would end it at once.
  void Stop();

  ServerProcess& server() { return *server_; }
  Peer Connect() { return Peer(server_->address("echo")); }
  void ExpectServes();
  // Expects that the statistics come to say this.
  void ExpectReports(absl::string_view words);

  // The processes, or the threads, by their ids.
  std::vector<pid_t> Workers() const;
  bool AwaitWorkers(size_t count);
  void SignalWorkers(int signal);

  static bool has_threads();

 private:
  std::unique_ptr<ServerProcess> server_;
  bool is_told_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_WORKERS_TEST_H_
