// A shared text: all handles read the latest version.
#include "access/shared_text.h"

#include <cstdint>
#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace polyserve {

namespace {

TEST(SharedTextTest, EachVersionIsReadByAll) {
  const auto table = std::make_unique<SharedText::Table>();
  const SharedText publisher(*table);
  const SharedText reader(*table);
  EXPECT_EQ(reader.version(), 0);
  for (const std::string& text : {std::string("one"), std::string(), std::string(SharedText::kMaxBytes, 'x')}) {
    const int64_t before = reader.version();
    publisher.Publish(text);
    EXPECT_EQ(reader.version(), before + 1);
    int64_t version = 0;
    EXPECT_EQ(reader.Read(version), text);
    EXPECT_EQ(version, before + 1);
  }
}

}  // namespace

}  // namespace polyserve
