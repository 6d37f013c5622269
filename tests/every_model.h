// EveryModelTest: the fixture of the suite that runs under every model. The command line of the test program says which
// model is tested, and with which flags (see model_test.bzl). If a model cannot do something by design, its row in the
// registry says so, and the case is skipped.
//
//   TEST_F(EveryModelTest, SilentClientDoesNotDelayOthers) {
//     if (!can().keeps_clients_apart) GTEST_SKIP() << "by design; see docs/models.md";
//     StartServer();
//     Peer silent = Connect("echo");
//     ExpectServesOthers();
//   }
#ifndef POLYSERVE_TESTS_EVERY_MODEL_H_
#define POLYSERVE_TESTS_EVERY_MODEL_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/registry.h"
#include "gtest/gtest.h"
#include "net/statistics.h"
#include "tests/peer.h"
#include "tests/scratch.h"
#include "tests/server_process.h"

namespace polyserve {

// A case starts its server itself; TearDown() stops it and expects that nothing is left.
class EveryModelTest : public testing::Test {
 protected:
  // Has StartServer() listen for this service as well. Call these two before it.
  void ServeAlso(absl::string_view service);

  // Has StartServer() serve this directory instead of root().
  void ServeFrom(std::string path) { served_path_ = std::move(path); }

  // Starts the server under test, and waits until it is ready: with the flags of the variant, then these, over root(),
  // with every service that has no cases of its own.
  void StartServer(std::vector<std::string> flags = {});
  void StartServer(ServerProcess::Options options);

  // Skips the test if the system does not have what the model is made of (io_uring).
  void SetUp() override;

  // Unless the test has ended the server: asks it to stop, and expects that it does, and that nothing is left.
  void TearDown() override;

  ServerProcess& server() { return *server_; }
  const Scratch& root() const { return root_; }
  // A new connection to this service of the running server.
  Peer Connect(absl::string_view service);

  // Expects that a new client is served at once.
  void ExpectServesOthers();
  // True if the echo service answers this client; false if it was turned away. Waits for either.
  bool IsServed(Peer& peer);
  // Waits until nothing runs in the server. For what looks at its processes: the workers of a pool are started one
  // after the other, and the process between the two forks of a double fork ends a little later than its child begins.
  void AwaitQuiet();
  // Serves one client, and notes how many processes and descriptors the server holds when no client is connected.
  void NoteFootprint();
  size_t usual_descriptors() const { return usual_descriptors_; }
  // Expects that the server comes to hold no more than that, and has no zombies. For the end of a case, when all
  // clients have left.
  void ExpectFootprint();
  // The counters that the running server's processes share.
  absl::StatusOr<Statistics> OpenStatistics();
  // Expects that the server, which was told to stop, ends with status 0, and that no process of it is left.
  void ExpectCleanExit();

  // The variant under test has this flag: "--accept=pass". For what its flags are about; ask can() for what a model is.
  static bool has_flag(absl::string_view flag);
  // The model has such a flag of its own: "threads".
  static bool takes_flag(absl::string_view name);
  // What the model can do by its nature, with the flags of the variant.
  static const Traits& can();
  static bool has_process_per_client() { return !can().shares_memory; }

 private:
  Scratch root_;
  std::string served_path_ = root_.path();
  std::string listen_ =
      "--listen=echo://127.0.0.1:0,message://127.0.0.1:0,compute://127.0.0.1:0,wait://127.0.0.1:0,file://127.0.0.1:0,"
      "echo+udp://127.0.0.1:0,http://127.0.0.1:0,file-unframed://127.0.0.1:0";
  std::unique_ptr<ServerProcess> server_;
  size_t usual_processes_ = 0;
  size_t usual_descriptors_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_EVERY_MODEL_H_
