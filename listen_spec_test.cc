#include "listen_spec.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

absl::StatusOr<ListenSpec> ParseOne(absl::string_view text, HostLookup lookup = HostLookup::kYes) {
  absl::StatusOr<std::vector<ListenSpec>> specs = ParseListenSpecs(text, lookup);
  if (!specs.ok()) return specs.status();
  EXPECT_EQ(specs->size(), 1u);
  return specs->front();
}

std::string ErrorOf(absl::string_view text) {
  const absl::Status status = ParseListenSpecs(text, HostLookup::kYes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(status.message());
}

TEST(ListenSpecTest, NamesServiceTransportAndAddress) {
  const absl::StatusOr<ListenSpec> spec = ParseOne("file://127.0.0.1:8888");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_STREQ(spec->service->name, "file");
  EXPECT_EQ(spec->transport, Transport::kStream);
  EXPECT_EQ(spec->endpoint.ToString(), "127.0.0.1:8888");
}

TEST(ListenSpecTest, UdpIsASuffixOfTheService) {
  const absl::StatusOr<ListenSpec> spec = ParseOne("echo+udp://[::1]:7777");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_STREQ(spec->service->name, "echo");
  EXPECT_EQ(spec->transport, Transport::kDatagrams);
  EXPECT_EQ(spec->endpoint.ToString(), "[::1]:7777");
}

TEST(ListenSpecTest, TlsIsASuffixOfTheServiceToo) {
  const absl::StatusOr<ListenSpec> spec = ParseOne("http+tls://[::1]:8443");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_STREQ(spec->service->name, "http");
  EXPECT_EQ(spec->transport, Transport::kStream);
  EXPECT_TRUE(spec->has_tls);
  EXPECT_TRUE(spec->is_loopback);
  EXPECT_TRUE(absl::StrContains(ErrorOf("tftp+tls://127.0.0.1:0"), "no service 'tftp+tls'"));
  EXPECT_TRUE(absl::StrContains(ErrorOf("echo+tls+udp://127.0.0.1:0"), "no service 'echo+tls+udp'"));
}

TEST(ListenSpecTest, SeveralAreSeparatedByCommas) {
  const auto specs = ParseListenSpecs("echo://127.0.0.1:0,http://127.0.0.1:0,,", HostLookup::kYes);
  ASSERT_TRUE(specs.ok()) << specs.status();
  ASSERT_EQ(specs->size(), 2u);
  EXPECT_STREQ((*specs)[1].service->name, "http");
}

TEST(ListenSpecTest, NoneMeansEveryServiceOnItsDefaultPort) {
  const auto specs = ParseListenSpecs("", HostLookup::kYes);
  ASSERT_TRUE(specs.ok()) << specs.status();
  ASSERT_EQ(specs->size(), AllServices().size() - 1) << "exec has no program unless it is given one";
  for (const ListenSpec& spec : *specs) {
    EXPECT_EQ(spec.endpoint.port(), spec.service->default_port);
    EXPECT_TRUE(spec.is_loopback);
    EXPECT_EQ(spec.transport, spec.service->has_stream() ? Transport::kStream : Transport::kDatagrams);
  }
}

TEST(ListenSpecTest, ExecHasAProgramAndItsArguments) {
  const absl::StatusOr<ListenSpec> spec = ParseOne("exec:/usr/bin/tr  a-z A-Z://127.0.0.1:7000");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_STREQ(spec->service->name, "exec");
  EXPECT_EQ(spec->program, (std::vector<std::string>{"/usr/bin/tr", "a-z", "A-Z"}));
  EXPECT_EQ(spec->endpoint.ToString(), "127.0.0.1:7000");
  EXPECT_TRUE(ParseOne("echo://127.0.0.1:0")->program.empty());
}

TEST(ListenSpecTest, AnArgumentOfAProgramMayHaveASchemeAndAPlus) {
  const absl::StatusOr<ListenSpec> spec = ParseOne("exec+tls:/bin/get http://a+b::c/://[::1]:7000");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->program, (std::vector<std::string>{"/bin/get", "http://a+b::c/"}));
  EXPECT_TRUE(spec->has_tls);
}

TEST(ListenSpecTest, OnlyExecHasAProgramAndItNeedsOne) {
  EXPECT_TRUE(absl::StrContains(ErrorOf("echo:/usr/bin/rev://127.0.0.1:0"), "no service 'echo:/usr/bin/rev'"));
  for (const char* text : {"exec://127.0.0.1:0", "exec:://127.0.0.1:0", "exec: ://127.0.0.1:0", "exec:rev://[::1]:0"}) {
    EXPECT_TRUE(absl::StrContains(ErrorOf(text), "the path of a program")) << text;
  }
  EXPECT_TRUE(absl::StrContains(ErrorOf("exec+udp:/usr/bin/rev://127.0.0.1:0"), "no service"));
}

TEST(ListenSpecTest, LoopbackIsToldByTheText) {
  for (const char* text :
       {"http://localhost:80", "http://127.9.9.9:80", "http://[::1]:80", "http://[::ffff:127.0.0.1]:80"}) {
    EXPECT_TRUE(ParseOne(text)->is_loopback) << text;
  }
  for (const char* text : {"http://0.0.0.0:80", "http://[::]:80", "http://10.127.0.1:80"}) {
    EXPECT_FALSE(ParseOne(text)->is_loopback) << text;
  }
}

TEST(ListenSpecTest, AnImageLooksUpNoNames) {
  const absl::StatusOr<ListenSpec> spec = ParseOne("http://no-such-host.invalid:80", HostLookup::kNo);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_STREQ(spec->service->name, "http");
}

TEST(ListenSpecTest, WhatIsNoAddressIsRefusedWithAnExample) {
  EXPECT_TRUE(absl::StrContains(ErrorOf("file"), "is not SERVICE://HOST:PORT"));
  EXPECT_TRUE(absl::StrContains(ErrorOf("file:/127.0.0.1:1"), "file://127.0.0.1:8888"));
  EXPECT_TRUE(absl::StrContains(ErrorOf("file://127.0.0.1"), "--listen: "));
  EXPECT_TRUE(absl::StrContains(ErrorOf("file://127.0.0.1:65536"), "--listen: "));
}

TEST(ListenSpecTest, UnknownServicesAreRefusedWithTheListOfThoseThatThereAre) {
  EXPECT_TRUE(absl::StrContains(ErrorOf("gopher://127.0.0.1:70"), "there is no service 'gopher'; there are "));
  EXPECT_TRUE(absl::StrContains(ErrorOf("://127.0.0.1:70"), "there is no service ''"));
}

TEST(ListenSpecTest, AServiceIsRefusedOnATransportThatItDoesNotHave) {
  EXPECT_TRUE(absl::StrContains(ErrorOf("http+udp://127.0.0.1:80"), "there is no service 'http+udp'"));
  EXPECT_TRUE(absl::StrContains(ErrorOf("tftp://127.0.0.1:69"), "there is no service 'tftp'"));
}

TEST(ListenSpecTest, OneThatIsWrongSpoilsTheList) {
  EXPECT_TRUE(absl::StrContains(ErrorOf("echo://127.0.0.1:0,nonsense"), "'nonsense'"));
}

}  // namespace

}  // namespace polyserve
