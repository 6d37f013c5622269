// Bytes are compared piece by piece, as long as the server likes.
#include "client/same_bytes.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/content_hash.h"
#include "client/connection.h"
#include "client/file_client.h"
#include "client/scripted_peer.h"

namespace polyserve {

namespace {

constexpr absl::string_view kHere = "0123456789";

// The answer to a request for the hash of these bytes.
std::string HashOf(absl::string_view bytes) {
  ContentHash hash;
  hash.Add(bytes);
  return absl::StrCat("OK ", bytes.size(), " ", hash.Value(), "\n");
}

// Compares kHere from byte 2 to 8 with a server that follows the script.
absl::StatusOr<bool> Compare(const ScriptedPeer::Script& script) {
  ScriptedPeer peer(script);
  FileClient client = FileClient::Connect(peer.endpoint(), {}).value();
  return HasSameBytes(client, "a", 2, 8, [](int64_t offset, size_t count) -> absl::StatusOr<std::string> {
    return std::string(kHere.substr(static_cast<size_t>(offset), count));
  });
}

TEST(SameBytesTest, ServerChoosesTheLengthOfAPiece) {
  EXPECT_TRUE(Compare([](Connection& client) {
                EXPECT_EQ(Hear(client), "H a 2 6");
                Say(client, HashOf("2345"));
                EXPECT_EQ(Hear(client), "H a 6 2");
                Say(client, HashOf("67"));
              }).value());
}

TEST(SameBytesTest, DifferenceEndsIt) {
  EXPECT_FALSE(Compare([](Connection& client) {
                 Hear(client);
                 Say(client, HashOf("23x5"));
               }).value());
}

TEST(SameBytesTest, FileThatIsGoneOrShorterDiffers) {
  EXPECT_FALSE(Compare([](Connection& client) {
                 Hear(client);
                 Say(client, "ERR 404 there is no such file\n");
               }).value());
  EXPECT_FALSE(Compare([](Connection& client) {
                 Hear(client);
                 Say(client, HashOf("23"));
                 Hear(client);
                 Say(client, "OK 0 0\n");
               }).value());
}

TEST(SameBytesTest, ServerWithoutHashesIsAnError) {
  EXPECT_TRUE(absl::IsInvalidArgument(Compare([](Connection& client) {
                                        Hear(client);
                                        Say(client, "ERR 400 what?\n");
                                      }).status()));
}

}  // namespace

}  // namespace polyserve
