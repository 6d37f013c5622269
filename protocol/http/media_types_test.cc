// MediaTypes: the table's lines, and how a name finds its own.
#include "protocol/http/media_types.h"

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(MediaTypesTest, FindsATypeByTheEndOfTheName) {
  const MediaTypes types =
      MediaTypes::Parse("# a comment\ntext/html\t\thtml htm # more\nimage/png png\nfont/x\nvideo/x png\n");
  EXPECT_EQ(types.Find("a.html"), "text/html; charset=utf-8");
  EXPECT_EQ(types.Find("dir.png/a.b.HTM"), "text/html; charset=utf-8");
  EXPECT_EQ(types.Find("a.png"), "image/png") << "the first line counts";
  for (absl::string_view name : {"", "html", "a.", "a.html5", ".", "a.more", "a.#"}) {
    EXPECT_EQ(types.Find(name), "application/octet-stream") << name;
  }
  EXPECT_EQ(types.Find("a." + std::string(1000, 'x')), "application/octet-stream");
}

TEST(MediaTypesTest, KnowsTheFilesOfWebPagesOnEverySystem) {
  const MediaTypes types = MediaTypes::OfSystem();
  EXPECT_EQ(types.Find("a.html"), "text/html; charset=utf-8");
  EXPECT_EQ(types.Find("a.css"), "text/css; charset=utf-8");
  EXPECT_EQ(types.Find("a.png"), "image/png");
  EXPECT_EQ(types.Find("a.json"), "application/json");
}

}  // namespace
}  // namespace polyserve
