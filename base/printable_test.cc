// Printable: nothing that commands a terminal, reorders a line or hides itself gets through; all else stays.
#include "base/printable.h"

#include <gtest/gtest.h>

namespace polyserve {

namespace {

TEST(PrintableTest, OrdinaryTextStaysAsItIs) {
  for (const char* text : {"", "plain", "名前 é.txt", "שלום", "مرحبا", "👩‍👩‍👧", "नमस्ते", "a\\b"}) {
    EXPECT_EQ(Printable(text), text);
    EXPECT_EQ(PrintableJson(text), text);
  }
}

TEST(PrintableTest, ControlCharactersAreEscaped) {
  EXPECT_EQ(Printable("a\x1b[2J\r\n\t\x7f"), "a\\x1b[2J\\x0d\\x0a\\x09\\x7f");
  EXPECT_EQ(Printable(absl::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(Printable("\xc2\x80 \xc2\x9b\x32J \xc2\x9f \xc2\xa0"), "\\x80 \\x9b2J \\x9f \xc2\xa0");
}

TEST(PrintableTest, BytesThatAreNotUtf8AreEscapedAndTheRestIsShown) {
  EXPECT_EQ(Printable("\xff\x9b é"), "\\xff\\x9b é");
  EXPECT_EQ(Printable("名\xe5\x90"), "名\\xe5\\x90");
  EXPECT_EQ(Printable("\xc0\xaf\xed\xa0\x80"), "\\xc0\\xaf\\xed\\xa0\\x80");
  // A C1 control behind a stray byte is a character all the same.
  EXPECT_EQ(Printable("\xff\xc2\x9b"), "\\xff\\x9b");
}

TEST(PrintableTest, WhatReordersOrHidesIsEscaped) {
  EXPECT_EQ(Printable("a\u202Efdp.exe"), "a\\u202efdp.exe");
  for (const char* text : {"\u061C", "\u200E", "\u200F", "\u202A", "\u202B", "\u202C", "\u202D", "\u2066", "\u2067",
                           "\u2068", "\u2069", "\u2028", "\u2029", "\u200B", "\u2060", "\uFEFF", "\U000E0041"}) {
    EXPECT_EQ(Printable(text).substr(0, 2), "\\u") << Printable(text);
  }
}

TEST(PrintableTest, JsonStaysJson) {
  EXPECT_EQ(PrintableJson("{\"a\":\"\xc2\x9b\u202E\x7f\U000E0041\"}\n"),
            "{\"a\":\"\\u009b\\u202e\\u007f\\udb40\\udc41\"}\n");
  EXPECT_EQ(PrintableJson("\"\xff\""), "\"\\ufffd\"");
}

TEST(PrintableTest, StringOfJsonHasEscapesAndIsCutBetweenTwoCharacters) {
  EXPECT_EQ(JsonEscaped("a\"b\\c\n\x7f\xc2\x9b é\xff", 100, "..."), "a\\\"b\\\\c\\u000a\\u007f\\u009b é\\ufffd");
  EXPECT_EQ(JsonEscaped("", 10, "..."), "");
  EXPECT_EQ(JsonEscaped("0123456789", 10, "..."), "0123456789");
  EXPECT_EQ(JsonEscaped("0123456789a", 10, "..."), "0123456...");
  EXPECT_EQ(JsonEscaped("012345\x01 and more", 10, "..."), "012345...");
  EXPECT_EQ(JsonEscaped("é名é名é名", 10, "..."), "é名é...");
}

}  // namespace

}  // namespace polyserve
