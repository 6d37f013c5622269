// What a person reads who has started the server in a terminal.
#include "banner.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/build_info.h"
#include "services.h"

namespace polyserve {

namespace {

Banner Sample() {
  return {.model = "epoll",
          .model_description = "one thread, which waits with epoll(7)",
          .root = "/srv/library",
          .pid = 17350,
          .addresses = {{FindService("http"), false, "127.0.0.1:8080"},
                        {FindService("file"), false, "[::1]:8081"},
                        {FindService("chat"), false, "127.0.0.1:8085"},
                        {FindService("echo"), true, "127.0.0.1:8082"}},
          .client = "bin/client",
          .has_console = true};
}

TEST(BannerTest, SaysWhatRunsWhatToOpenAndHowToStop) {
  EXPECT_EQ(RenderBanner(Sample()),
            absl::StrCat("Polyserve ", kVersion,
                         ", model epoll: one thread, which waits with epoll(7)\n"
                         "Process 17350, files of /srv/library\n\n"
                         "  http://127.0.0.1:8080      ",
                         FindService("http")->description, "\n  file://[::1]:8081          ",
                         FindService("file")->description, "\n  chat://127.0.0.1:8085      ",
                         FindService("chat")->description, "\n  echo+udp://127.0.0.1:8082  ",
                         FindService("echo")->description,
                         "\n\n"
                         "Browser: http://127.0.0.1:8080/ (files), http://127.0.0.1:8080/-/ (the server at work)\n"
                         "Files:   bin/client --server=file://[::1]:8081\n"
                         "Chat:    bin/client --server=chat://127.0.0.1:8085 chat NAME, or type here\n"
                         "Stop:    Ctrl-C lets running requests finish; a second Ctrl-C ends the server at once\n"));
}

TEST(BannerTest, EveryServiceFitsAHundredColumns) {
  Banner banner = Sample();
  banner.addresses.clear();
  for (const Service& service : AllServices()) {
    if (service.has_stream()) banner.addresses.push_back({&service, false, "192.168.100.100:10000"});
    if (service.has_datagrams()) banner.addresses.push_back({&service, true, "192.168.100.100:10000"});
  }
  for (const absl::string_view line : absl::StrSplit(RenderBanner(banner), '\n')) EXPECT_LE(line.size(), 100u) << line;
}

TEST(BannerTest, WhatIsNotServedIsNotProposed) {
  Banner banner = Sample();
  banner.addresses = {{FindService("echo"), false, "127.0.0.1:8082"}, {FindService("chat"), true, "127.0.0.1:8085"}};
  const std::string text = RenderBanner(banner);
  for (absl::string_view word : {"Browser", "client", "type"}) EXPECT_FALSE(absl::StrContains(text, word)) << text;
}

TEST(BannerTest, WhatIsEncryptedIsProposedByItsOwnName) {
  Banner banner = Sample();
  banner.addresses = {{FindService("http"), false, "127.0.0.1:8443", true},
                      {FindService("file"), false, "127.0.0.1:8444", true}};
  const std::string text = RenderBanner(banner);
  EXPECT_TRUE(absl::StrContains(text, "Browser: https://127.0.0.1:8443/ (files)")) << text;
  EXPECT_TRUE(absl::StrContains(text, " --server=file+tls://127.0.0.1:8444\n")) << text;
}

TEST(BannerTest, ListenerOfAllAddressesIsOpenedByALocalName) {
  Banner banner = Sample();
  for (const char* any : {"0.0.0.0:80", "[::]:80"}) {
    banner.addresses = {{FindService("http"), false, any}};
    const std::string text = RenderBanner(banner);
    EXPECT_TRUE(absl::StrContains(text, "Browser: http://localhost:80/ (files)")) << text;
    EXPECT_TRUE(absl::StrContains(text, absl::StrCat("  http://", any, "  "))) << text;
  }
}

TEST(BannerTest, ConsoleIsMentionedOnlyIfItIsATerminal) {
  Banner banner = Sample();
  banner.has_console = false;
  EXPECT_FALSE(absl::StrContains(RenderBanner(banner), "type here"));
}

TEST(BannerTest, PathCannotCommandTheTerminal) {
  Banner banner = Sample();
  banner.root = "/srv/\x1b[31m";
  EXPECT_FALSE(absl::StrContains(RenderBanner(banner), "\x1b"));
}

}  // namespace

}  // namespace polyserve
