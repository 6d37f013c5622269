// WorkersTest: the fixture of the cases about servers with several workers: processes or threads, of a pool or with a
// loop each. The test's parameter is the flags that select them.
//
//   TEST_P(PoolTest, WorkerThatIsKilledIsReplaced) {
//     StartServer({"--workers=3"});
//     ASSERT_TRUE(AwaitWorkers(3));
//     ...
//   }
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

// True if the echo service answers this client; false if it was turned away. Waits for either.
bool IsServed(Peer& peer);

// The flags as the name of a test: "prefork_lock_file".
std::string NameOfFlags(const testing::TestParamInfo<Flags>& flags);

// Expects that the server refuses these flags with one line that holds `hint`, and status 2.
void ExpectRefused(const Flags& flags, absl::string_view hint);

// A case starts its server itself; TearDown() stops it.
class WorkersTest : public testing::TestWithParam<Flags> {
 protected:
  // Starts the server with the flags of the parameter and these, and an echo service; waits until it is ready.
  void StartServer(const Flags& more = {});

  // Expects that the server ends, when it is asked to, and leaves nothing.
  void TearDown() override;

  // Asks the server to stop. Only the first call does: a second SIGTERM would end the server without the grace.
  void Stop();

  ServerProcess& server() { return *server_; }
  Peer Connect() { return Peer(server_->address("echo")); }
  // Expects that a new client of the echo service is served.
  void ExpectServes();
  // Asks for the statistics again and again (SIGUSR1), and expects that they come to have these words.
  void ExpectReports(absl::string_view words);

  // The ids of the workers: processes, or threads, as has_threads() says.
  std::vector<pid_t> Workers() const;
  // Waits until there are this many; false if that does not happen within kPatience.
  bool AwaitWorkers(size_t count);
  // Sends all of them this signal.
  void SignalWorkers(int signal);

  static bool has_threads();

 private:
  std::unique_ptr<ServerProcess> server_;
  bool is_told_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_WORKERS_TEST_H_
