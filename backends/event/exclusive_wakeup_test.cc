// libevent's own registration is replaced by one with EPOLLEXCLUSIVE, and libevent does not notice.
#include "backends/event/exclusive_wakeup.h"

#include <event2/event.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

class ExclusiveWakeupTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_STREQ(event_base_get_method(base_.get()), "epoll");
    const auto count = [](evutil_socket_t, short, void* calls) { ++*static_cast<int*>(calls); };
    event_.reset(event_new(base_.get(), fd_.get(), EV_READ | EV_PERSIST, count, &calls_));
    ASSERT_EQ(event_add(event_.get(), nullptr), 0);
  }

  void Trigger() {
    const uint64_t one = 1;
    ASSERT_EQ(::write(fd_.get(), &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  }

  int CallsOfOneTurn() {
    calls_ = 0;
    event_base_loop(base_.get(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
    return calls_;
  }

  // As the kernel tells it in proc(5): EPOLLEXCLUSIVE is bit 28 of the events, beside EPOLLIN, EPOLLERR and EPOLLHUP.
  bool IsExclusive() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
      std::stringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      std::string words;
      for (std::string word; text >> word;) absl::StrAppend(&words, word, " ");
      if (absl::StrContains(words, absl::StrCat("tfd: ", fd_.get(), " events: 10000019 "))) return true;
    }
    return false;
  }

  const UniqueFd fd_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  const std::unique_ptr<event_base, void (*)(event_base*)> base_{event_base_new(), &event_base_free};
  std::unique_ptr<event, void (*)(event*)> event_{nullptr, &event_free};
  int calls_ = 0;
};

TEST_F(ExclusiveWakeupTest, EventIsStillDeliveredAndCanBeRemovedAndAdded) {
  ExclusiveWakeup wake_one;
  EXPECT_FALSE(IsExclusive());
  wake_one.Requeue(fd_.get());
  EXPECT_TRUE(IsExclusive());
  EXPECT_EQ(CallsOfOneTurn(), 0);
  Trigger();
  EXPECT_EQ(CallsOfOneTurn(), 1);
  wake_one.Requeue(fd_.get());
  EXPECT_EQ(CallsOfOneTurn(), 1);
  EXPECT_EQ(event_del(event_.get()), 0);
  EXPECT_EQ(CallsOfOneTurn(), 0);
  EXPECT_EQ(event_add(event_.get(), nullptr), 0);
  wake_one.Requeue(fd_.get());
  EXPECT_TRUE(IsExclusive());
  EXPECT_EQ(CallsOfOneTurn(), 1);
}

TEST_F(ExclusiveWakeupTest, DescriptorThatIsNotWatchedStaysSo) {
  event_del(event_.get());
  ExclusiveWakeup wake_one;
  wake_one.Requeue(fd_.get());
  Trigger();
  EXPECT_EQ(CallsOfOneTurn(), 0);
}

}  // namespace

}  // namespace polyserve
