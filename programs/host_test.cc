// The host of programs, and what a process that serves sees of them. Both are in one process here, which none can tell.
#include "programs/host.h"

#include <poll.h>
#include <signal.h>
#include <sys/types.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/mailbox.h"
#include "gtest/gtest.h"
#include "net/process.h"
#include "programs/host_loop.h"
#include "programs/hosted_programs.h"
#include "programs/program.h"

namespace polyserve {

namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

enum Number { kCat, kHold, kStubborn, kMissing };

class CountingWaker : public Waker {
 public:
  void Wake() override { ++wakes; }
  int wakes = 0;
};

class ProgramHostTest : public testing::Test {
 protected:
  explicit ProgramHostTest(absl::Duration drain_timeout = absl::Milliseconds(100), size_t max_programs = 2) {
    const HostOptions options = {
        .commands = {{"/bin/cat"},
                     {"/bin/sh", "-c", "echo $$; exec sleep 1000"},
                     {"/bin/sh", "-c", "trap '' TERM; echo $$; while :; do sleep 1; done"},
                     {"/no/such/program"}},
        .max_programs = max_programs,
        .kill_after = absl::Milliseconds(50),
        .drain_timeout = drain_timeout,
    };
    absl::StatusOr<std::unique_ptr<ProgramHost>> host = ProgramHost::Start(options);
    EXPECT_TRUE(host.ok()) << host.status();
    host_ = *std::move(host);
    programs_.ReachBy(host_->TakeRequestFd());
  }
  ~ProgramHostTest() override { EndHost(); }

  void EndHost() {
    programs_.ReachBy(UniqueFd());
    host_.reset();
  }

  std::unique_ptr<Program> Start(int number) {
    std::unique_ptr<Program> program = programs_.NewProgram(number);
    EXPECT_TRUE(program->Start("192.0.2.7"));
    return program;
  }

  // Waits until the condition is true, collecting meanwhile, as a driver would.
  template <typename Condition>
  static bool Await(Program& program, const Condition& condition) {
    const absl::Time end = absl::Now() + kPatience;
    while (!condition()) {
      if (absl::Now() > end) return false;
      pollfd stream = {program.fd(), POLLIN, 0};
      ::poll(&stream, 1, 1);
      program.Collect();
    }
    return true;
  }

  // What it writes until there is this much, or it has ended.
  static std::string Read(Program& program, size_t count) {
    std::string text;
    Await(program, [&] {
      while (text.size() < count) {
        const Message message = program.Next();
        if (message == nullptr) return false;
        if (message->empty()) return true;
        text += *message;
      }
      return true;
    });
    return text;
  }

  static pid_t PidOf(Program& program) {
    int pid = -1;
    std::string line;
    while (line.empty() || line.back() != '\n') {
      const std::string more = Read(program, 1);
      if (more.empty()) break;
      line += more;
    }
    EXPECT_TRUE(absl::SimpleAtoi(line, &pid)) << line;
    return pid;
  }

  static void ExpectGone(pid_t pid) {
    const absl::Time end = absl::Now() + kPatience;
    while (::kill(pid, 0) == 0 && absl::Now() < end) ::poll(nullptr, 0, 1);
    EXPECT_TRUE(::kill(pid, 0) != 0 && errno == ESRCH) << pid;
  }

  HostedPrograms programs_;
  std::unique_ptr<ProgramHost> host_;
};

TEST_F(ProgramHostTest, BytesGoBothWaysAndSoDoesTheEnd) {
  const std::unique_ptr<Program> cat = Start(kCat);
  EXPECT_EQ(cat->Send("hello"), 5u);
  EXPECT_EQ(Read(*cat, 5), "hello");
  EXPECT_FALSE(cat->has_ended());
  cat->EndInput();
  EXPECT_EQ(Read(*cat, 1), "");
  EXPECT_TRUE(Await(*cat, [&] { return cat->has_ended(); }));
  EXPECT_FALSE(cat->awaits_input() || cat->awaits_end());
  EXPECT_EQ(cat->Send("more"), 4u) << "dropped";
}

// Nobody reads what the program writes, so it stops to read, and what is sent has no room any more. Once there is some,
// the driver is woken.
TEST_F(ProgramHostTest, NeitherDirectionGrowsAndRoomWakesTheDriver) {
  const std::unique_ptr<Program> cat = Start(kCat);
  const std::string piece(64 * 1024, 'x');
  size_t sent = 0;
  EXPECT_TRUE(Await(*cat, [&] {
    sent += cat->Send(piece);
    return cat->awaits_room() && cat->is_full();
  }));
  EXPECT_LT(sent, size_t{16} << 20);
  EXPECT_FALSE(cat->awaits_input());
  EXPECT_LT(cat->waiting_bytes(), size_t{256} * 1024);
  CountingWaker driver;
  cat->Attach(&driver);
  driver.wakes = 0;
  size_t read = 0;
  EXPECT_TRUE(Await(*cat, [&] {
    const Message message = cat->Next();
    if (message != nullptr) read += message->size();
    return !cat->awaits_room();
  }));
  EXPECT_GT(driver.wakes, 0);
  EXPECT_LT(read, sent);
  cat->Attach(nullptr);
}

TEST_F(ProgramHostTest, ProgramThatIsLetGoOfEnds) {
  std::unique_ptr<Program> hold = Start(kHold), stubborn = Start(kStubborn);
  const pid_t of_hold = PidOf(*hold), of_stubborn = PidOf(*stubborn);
  hold.reset();
  ExpectGone(of_hold);
  stubborn.reset();
  ExpectGone(of_stubborn);
}

TEST_F(ProgramHostTest, OneBeyondTheMostEndsAtOnceAndAnEndMakesRoom) {
  std::unique_ptr<Program> first = Start(kHold), second = Start(kHold);
  const pid_t pid = PidOf(*first);
  PidOf(*second);
  const std::unique_ptr<Program> third = Start(kHold);
  EXPECT_EQ(Read(*third, 1), "");
  EXPECT_TRUE(third->has_ended());
  first.reset();
  ExpectGone(pid);
  EXPECT_GT(PidOf(*Start(kHold)), 0);
}

class ProgramHostForManyTest : public ProgramHostTest {
 protected:
  static constexpr size_t kMany = 350;  // More than a socket holds requests by default.
  ProgramHostForManyTest() : ProgramHostTest(absl::Milliseconds(100), kMany) {}
};

// The host gets to them when all have been asked for, as in a burst that it has no time for.
TEST_F(ProgramHostForManyTest, AllOfABurstAreStartedAndOneBeyondThemIsNot) {
  ::kill(host_->process().pid(), SIGSTOP);
  std::vector<std::unique_ptr<Program>> programs;
  for (size_t i = 0; i < kMany; ++i) programs.push_back(Start(kCat));
  const std::unique_ptr<Program> beyond = Start(kCat);
  ::kill(host_->process().pid(), SIGCONT);
  for (const std::unique_ptr<Program>& program : programs) {
    EXPECT_EQ(program->Send("x"), 1u);
    EXPECT_EQ(Read(*program, 1), "x");
  }
  EXPECT_EQ(Read(*beyond, 1), "");
  EXPECT_TRUE(beyond->has_ended());
}

TEST_F(ProgramHostTest, ProgramThatCannotBeRunEndsWithoutOutput) {
  for (const int number : {int{kMissing}, 17}) {
    const std::unique_ptr<Program> program = Start(number);
    EXPECT_EQ(Read(*program, 1), "");
    EXPECT_TRUE(program->has_ended());
  }
}

TEST_F(ProgramHostTest, StopEndsProgramsWithinTheDrainTimeOut) {
  const std::unique_ptr<Program> hold = Start(kHold), stubborn = Start(kStubborn);
  const pid_t of_hold = PidOf(*hold), of_stubborn = PidOf(*stubborn);
  programs_.TellStop();
  EXPECT_EQ(Read(*hold, 1), "");
  EXPECT_EQ(Read(*stubborn, 1), "");
  ExpectGone(of_hold);
  ExpectGone(of_stubborn);
}

class ProgramHostInAHurryTest : public ProgramHostTest {
 protected:
  ProgramHostInAHurryTest() : ProgramHostTest(/*drain_timeout=*/absl::ZeroDuration()) {}
};

// It may have been sent to all processes of the server, which decides whether it stops. Once the host has started the
// second program, the signal has come.
TEST_F(ProgramHostInAHurryTest, SignalIsNoStop) {
  const std::unique_ptr<Program> first = Start(kCat);
  EXPECT_EQ(first->Send("one"), 3u);
  EXPECT_EQ(Read(*first, 3), "one");
  ::kill(host_->process().pid(), SIGTERM);
  const std::unique_ptr<Program> second = Start(kCat);
  for (Program* const program : {second.get(), first.get()}) {
    EXPECT_EQ(program->Send("two"), 3u);
    EXPECT_EQ(Read(*program, 3), "two");
  }
  programs_.TellStop();
  EXPECT_EQ(Read(*first, 1), "");
  EXPECT_EQ(Read(*second, 1), "");
}

TEST_F(ProgramHostTest, HostEndsWithItsPrograms) {
  const std::unique_ptr<Program> stubborn = Start(kStubborn);
  const pid_t pid = PidOf(*stubborn);
  EndHost();
  ExpectGone(pid);
  EXPECT_EQ(Read(*stubborn, 1), "");
  EXPECT_TRUE(stubborn->has_ended());
}

TEST_F(ProgramHostTest, KilledHostTakesItsProgramsAlong) {
  const std::unique_ptr<Program> stubborn = Start(kStubborn);
  const pid_t pid = PidOf(*stubborn);
  ::kill(host_->process().pid(), SIGKILL);
  ExpectGone(pid);
  EXPECT_EQ(Read(*stubborn, 1), "");
  EXPECT_TRUE(host_->process().Join(kPatience));
  const std::unique_ptr<Program> late = programs_.NewProgram(kCat);
  EXPECT_FALSE(late->Start("-"));
}

TEST(HostedProgramsTest, WithoutAHostAProgramHasEndedFromTheStart) {
  HostedPrograms programs;
  const std::unique_ptr<Program> program = programs.NewProgram(0);
  EXPECT_FALSE(program->Start("-"));
  EXPECT_TRUE(program->has_ended());
  EXPECT_EQ(program->fd(), -1);
  EXPECT_EQ(program->Send("x"), 1u);
  program->EndInput();
  const Message message = program->Next();
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(*message, "");
}

}  // namespace

}  // namespace polyserve
