// RunAtOnce: several clients at the same time, each in a thread of its own.
//
//   RunAtOnce(20, [this](int client) { EXPECT_TRUE(IsServed(...)); });
#ifndef POLYSERVE_TESTS_AT_ONCE_H_
#define POLYSERVE_TESTS_AT_ONCE_H_

#include <thread>
#include <vector>

namespace polyserve {

// Calls client(0) to client(count - 1), each in a thread, and waits for all of them. They share `client`, so it must
// not write to what it captures without a lock. Expectations of googletest may be used (it is thread-safe where
// pthreads are); an ASSERT_... ends only that client. They start one after the other: a case must not depend on their
// order.
template <typename Client>
void RunAtOnce(int count, const Client& client) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(client, i);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_AT_ONCE_H_
