// Child processes that the server did not start: those that it had before it became the server (sh -c 'helper & exec
// server'), and those that it adopts, as PID 1 of a container does. It reaps them, and does not count them.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/match.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/server_process.h"

namespace polyserve {

namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  UniqueFd reader, writer;
};

// A child of the calling process, or of a child of it that ends at once. It lives until `end` is closed elsewhere, and
// closes `alive` as it ends. Async-signal-safe.
void StartStranger(const Pipe& end, const Pipe& alive, bool is_orphan) {
  if (::fork() != 0) return;
  if (is_orphan && ::fork() != 0) ::_exit(0);
  ::close(end.writer.get());
  ::close(alive.reader.get());
  char byte = 0;
  ::_exit(::read(end.reader.get(), &byte, 1) == 0 ? 0 : 1);
}

using OrphanTest = EveryModelTest;

TEST_F(OrphanTest, StrangersAreReapedAndCountForNothing) {
  Pipe end, alive;
  StartServer({.flags = {}, .before_exec = [&end, &alive] {
                 ::prctl(PR_SET_CHILD_SUBREAPER,
                         1);  // It adopts what PID 1 would; kept by exec, not given to children.
                 for (const bool is_orphan : {false, true, true}) StartStranger(end, alive, is_orphan);
               }});
  alive.writer.reset();
  std::vector<Peer> peers;
  if (can().keeps_clients_apart) {  // Else it has no time for children while there is a client.
    peers.push_back(Connect("echo"));
    EXPECT_TRUE(IsServed(peers.back()));
  }
  end.writer.reset();
  char byte = 0;
  EXPECT_EQ(::read(alive.reader.get(), &byte, 1), 0) << "all of them have ended";
  EXPECT_TRUE(Eventually([this] { return server().CountZombies() == 0; }));
  for (Peer& peer : peers) EXPECT_TRUE(IsServed(peer));
  EXPECT_TRUE(Eventually([this] {
    server().Signal(SIGUSR1);
    return absl::StrContains(server().log(), can().keeps_clients_apart ? "accepted 1, active 1, " : "active 0, ");
  }));
  EXPECT_FALSE(absl::StrContains(server().log(), "is lost"));
}

}  // namespace

}  // namespace polyserve
