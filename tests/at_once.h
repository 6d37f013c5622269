// RunAtOnce: several clients at the same time.
#ifndef POLYSERVE_TESTS_AT_ONCE_H_
#define POLYSERVE_TESTS_AT_ONCE_H_

#include <thread>
#include <vector>

namespace polyserve {

// Runs `client` in so many threads, with the numbers from 0 on, and waits for all of them.
template <typename Client>
void RunAtOnce(int count, const Client& client) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(client, i);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_AT_ONCE_H_
