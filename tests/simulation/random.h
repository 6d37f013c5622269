// Random: the numbers that a schedule is made from. Not one of the standard library's distributions, because these
// differ between libraries, and a seed has to mean the same schedule everywhere.
#ifndef POLYSERVE_TESTS_SIMULATION_RANDOM_H_
#define POLYSERVE_TESTS_SIMULATION_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace polyserve::simulation {

// One thread at a time.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // Any of these numbers, both bounds included. That some are a little more likely than others does not matter here.
  int64_t Between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(Next() % static_cast<uint64_t>(most - least + 1));
  }
  size_t Below(size_t bound) { return static_cast<size_t>(Next() % bound); }

  // True once in so many times.
  bool OneIn(int64_t times) { return Next() % static_cast<uint64_t>(times) == 0; }

  template <typename T>
  T OneOf(std::initializer_list<T> values) {
    return values.begin()[Below(values.size())];
  }

 private:
  uint64_t state_;
};

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_RANDOM_H_
