// The test of what a fuzzer has found: shows each file of an archive, and each half of it, to the function under test.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::string g_archive;

struct Seed {
  std::string name;
  std::string modified;  // In octal digits.
  std::string content;
};

// The fields of a tar header (ustar, POSIX.1-1988) that matter here: offset and size, in bytes.
constexpr size_t kBlock = 512;
constexpr size_t kNameSize = 100;
constexpr size_t kSizeAt = 124;
constexpr size_t kTimeAt = 136;
constexpr size_t kNumberSize = 11;  // And a NUL.

// The regular files of an archive that tools/fuzz has packed: short names, no folders, no extensions.
std::vector<Seed> ReadArchive(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<Seed> seeds;
  for (size_t at = 0; at + kBlock <= all.size() && all[at] != '\0';) {
    const size_t size = std::strtoul(all.substr(at + kSizeAt, kNumberSize).c_str(), nullptr, 8);
    const size_t name_size = std::min(all.find('\0', at) - at, kNameSize);
    seeds.push_back({all.substr(at, name_size), all.substr(at + kTimeAt, kNumberSize), all.substr(at + kBlock, size)});
    at += kBlock + (size + kBlock - 1) / kBlock * kBlock;
  }
  return seeds;
}

void Show(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

// The function ends the program if it finds a fault; that it returns is all there is to expect.
TEST(SeedsTest, EachIsTaken) {
  const std::vector<Seed> seeds = ReadArchive(g_archive);
  EXPECT_FALSE(seeds.empty()) << "no seeds in " << g_archive;
  Show("");
  for (const Seed& seed : seeds) {
    SCOPED_TRACE(seed.name);
    Show(seed.content);
    Show(seed.content.substr(0, seed.content.size() / 2));
  }
}

// Otherwise a new seed would change the whole archive, and two of them could not be compared.
TEST(SeedsTest, ArchiveIsPackedAsToolsFuzzPacksIt) {
  std::string previous;
  for (const Seed& seed : ReadArchive(g_archive)) {
    EXPECT_LT(previous, seed.name) << "names are in order";
    EXPECT_EQ(seed.modified, "00000000000") << seed.name << ": the time says nothing";
    previous = seed.name;
  }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) g_archive = argv[1];
  return RUN_ALL_TESTS();
}
