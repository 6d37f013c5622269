#include "protocol/compute.h"

#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

// Trial division by every number, slow on purpose: the service is there to cost time. No overflow: divisor * divisor
// exceeds n, at most kMaxN, by little. A divisor above the root would have a partner below it, which was found before.
bool IsPrime(uint64_t n) {
  if (n < 2) return false;
  for (uint64_t divisor = 2; divisor * divisor <= n; ++divisor) {
    if (n % divisor == 0) return false;
  }
  return true;
}

}  // namespace

uint64_t SumOfPrimesBelow(uint64_t n) {
  // 64 bits are ample: the primes below kMaxN have a sum of 3.2e12.
  uint64_t sum = 0;
  for (uint64_t candidate = 2; candidate < n; ++candidate) {
    if (IsPrime(candidate)) sum += candidate;
  }
  return sum;
}

// The number goes to the task by value: it may run on another thread, and must not touch the session.
void ComputeSession::Answer(uint64_t n, Output& output) {
  output.Work([n](Output& result) { result.Write(absl::StrCat("OK ", SumOfPrimesBelow(n), "\n")); });
}

}  // namespace polyserve
