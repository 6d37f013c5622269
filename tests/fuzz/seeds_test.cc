// The test of what a fuzzer has found: shows each file of a folder, and each half of it, to the function under test.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::string g_folder;

void Show(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

// The function ends the program where it finds a fault; that it returns is all there is to expect.
TEST(SeedsTest, EachIsTaken) {
  int count = 0;
  Show("");
  for (const auto& seed : std::filesystem::directory_iterator(g_folder)) {
    SCOPED_TRACE(seed.path().string());
    std::ifstream file(seed.path(), std::ios::binary);
    const std::string input((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    Show(input);
    Show(input.substr(0, input.size() / 2));
    ++count;
  }
  EXPECT_GT(count, 0) << "no seeds in " << g_folder;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) g_folder = argv[1];
  return RUN_ALL_TESTS();
}
