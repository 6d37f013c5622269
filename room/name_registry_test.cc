// Names that readers would take for each other, and names that show nothing.
#include "room/name_registry.h"

#include <string>

#include "gtest/gtest.h"
#include "room/room.h"

namespace polyserve {

namespace {

TEST(NameRegistryTest, NamesThatLookAlikeAreOneName) {
  NameRegistry names("管理员");
  EXPECT_TRUE(names.Take("ada").ok());
  for (const char* same : {"ada", "Ada", "аda" /* Cyrillic */, "ａｄａ", "𝐚da"}) {
    EXPECT_TRUE(absl::IsAlreadyExists(names.Take(same))) << same;
  }
  EXPECT_TRUE(names.Take("andr\u00e9").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(names.Take("andre\u0301")));
  EXPECT_TRUE(names.Take("andre").ok()) << "everybody sees the difference";
  EXPECT_TRUE(names.Take("張三").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(names.Take("张三")));
}

TEST(NameRegistryTest, NameCanBeTakenAgainOnceItIsReleased) {
  NameRegistry names("管理员");
  EXPECT_TRUE(names.Take("Ada").ok());
  names.Release("Ada");
  EXPECT_TRUE(names.Take("ada").ok());
  names.Release("nobody");
  EXPECT_TRUE(absl::IsAlreadyExists(names.Take("ADA")));
}

TEST(NameRegistryTest, NameIsFoundHoweverItIsSpelt) {
  NameRegistry names("管理员");
  EXPECT_TRUE(names.Take("Ada").ok());
  EXPECT_TRUE(names.Take("張三").ok());
  EXPECT_EQ(names.Find("Ada"), "Ada");
  EXPECT_EQ(names.Find("аdа" /* Cyrillic */), "Ada");
  EXPECT_EQ(names.Find("张三"), "張三");
  for (const char* other : {"bob", "", "\xff", "a b"}) EXPECT_EQ(names.Find(other), "") << other;
  names.Release("Ada");
  EXPECT_EQ(names.Find("Ada"), "");
  EXPECT_EQ(NameRegistry::KeyOf("ADA"), NameRegistry::KeyOf("ada"));
}

TEST(NameRegistryTest, NamesThatLookLikeTheAdministratorsAreRefused) {
  NameRegistry chinese("管理员");
  for (const char* name : {"管理员", "管理員", "小管理员", "管理員2", "管理员\u0301"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(chinese.Take(name))) << name;
  }
  EXPECT_TRUE(chinese.Take("理员").ok());
  NameRegistry english("Admin");
  for (const char* name : {"Admin", "admin", "ADMIN", "ADMlN", "adm1n", "Аdmin" /* Cyrillic */, "ádmin", "the-ɑdmin",
                           "ａｄｍｉｎ", "αdmin" /* Greek */}) {
    EXPECT_TRUE(absl::IsPermissionDenied(english.Take(name))) << name;
  }
  EXPECT_TRUE(english.Take("adam").ok());
}

TEST(CheckNameTest, NamesOfAllScriptsAreNames) {
  for (const char* name : {"ada", "小明", "Жанна", "محمد", "हिन्दी", "andre\u0301", "한국", "x_1-2.3", "🙂"}) {
    EXPECT_TRUE(CheckMemberName(name).ok()) << name;
  }
}

TEST(CheckNameTest, WhatCannotBeSeenIsInNoName) {
  for (const char* name : {"a b",
                           "a\tb",
                           "a\u00a0b",
                           "a\u3000b",
                           "a\u200bb",
                           "a\u200db",
                           "a\u202eb",
                           "a\u2028b",
                           "a\u00adb",
                           "a\ufe0fb",
                           "a\u034fb",
                           "a\u115fb",
                           "a\u3164b",
                           "a\u2800b",
                           "a\U000e0041b" /* a tag */,
                           "a\ufeffb",
                           "a\ue000b" /* private */,
                           "a\u0085b",
                           "a\x7f",
                           "\u0301a" /* a mark */}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckMemberName(name))) << testing::PrintToString(name);
  }
}

}  // namespace

}  // namespace polyserve
