// CopyList: sums and order.
#include "fetch/copy_list.h"

#include <string>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(CopyListTest, KnowsTheSumAndTheOldest) {
  CopyList list;
  EXPECT_EQ(list.Oldest(), nullptr);
  list.Note("a", 1);
  list.Note("b", 20);
  list.Note("c", 300);
  EXPECT_EQ(list.bytes(), 321);
  EXPECT_EQ(list.size(), 3u);
  EXPECT_EQ(*list.Oldest(), "a");
  list.Touch("a");
  EXPECT_EQ(*list.Oldest(), "b");
  list.Note("b", 2);
  EXPECT_EQ(list.bytes(), 303);
  EXPECT_EQ(*list.Oldest(), "c");
}

TEST(CopyListTest, ForgetsOnesThatItKnowsAndOthers) {
  CopyList list;
  list.Note("a", 1);
  list.Note("b", 2);
  list.Forget("a");
  list.Forget("a");
  list.Touch("a");
  EXPECT_EQ(list.bytes(), 2);
  list.Forget(*list.Oldest());
  EXPECT_EQ(list.bytes(), 0);
  EXPECT_EQ(list.Oldest(), nullptr);
}

}  // namespace
}  // namespace polyserve
