#include "net/signals.h"

#include <signal.h>
#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "gtest/gtest.h"

namespace polyserve {

namespace {

// As a program image that a stop finds at its end, when the tables of the server are gone.
TEST(SignalsTest, SignalMayComeWhenTheSharedStateIsGone) {
  const auto end_in_worker = [] {
    void* const memory = ::mmap(nullptr, sizeof(StopState), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::exit(2);
    Signals::SetStopSchedule(StopSchedule{}, new (memory) StopState());
    Signals::InstallInWorker(Signals::StopSignals::kAskToFinish);
    Signals::LeaveStopState();
    ::munmap(memory, sizeof(StopState));
    ::raise(SIGTERM);
    std::exit(Signals::stopping() ? 0 : 1);
  };
  EXPECT_EXIT(end_in_worker(), testing::ExitedWithCode(0), "");
}

}  // namespace

}  // namespace polyserve
