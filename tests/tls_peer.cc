#include "tests/tls_peer.h"

#include <cstdint>

namespace polyserve {

TlsPeer::TlsPeer(const std::string& address, const TlsTestClient::Options& options, absl::string_view before_tls)
    : peer_(address), tls_(options) {
  peer_.Send(before_tls);
  peer_.Send(tls_.TakeRecords());
  while (!tls_.is_open() && ReadRecord()) {
  }
}

void TlsPeer::Send(absl::string_view plain) {
  tls_.Say(plain);
  peer_.Send(tls_.TakeRecords());
}

void TlsPeer::SendEnd() {
  tls_.SayEnd();
  peer_.Send(tls_.TakeRecords());
}

// Five bytes say how long it is (RFC 8446, section 5.1).
bool TlsPeer::ReadRecord() {
  const std::string head = peer_.Read(5);
  if (head.size() < 5) return false;
  const size_t size = static_cast<size_t>(static_cast<uint8_t>(head[3])) << 8 | static_cast<uint8_t>(head[4]);
  const std::string body = peer_.Read(size);
  tls_.Hear(head + body);
  const std::string answer = tls_.TakeRecords();
  if (!answer.empty()) peer_.Send(answer);
  return body.size() == size;
}

std::string TlsPeer::Take(size_t count) {
  const std::string taken = tls_.heard().substr(taken_, count);
  taken_ += taken.size();
  return taken;
}

std::string TlsPeer::Read(size_t count) {
  while (tls_.heard().size() < taken_ + count && ReadRecord()) {
  }
  return Take(count);
}

std::string TlsPeer::ReadLine() {
  size_t end = 0;
  while ((end = tls_.heard().find('\n', taken_)) == std::string::npos && ReadRecord()) {
  }
  return Take(end == std::string::npos ? end : end + 1 - taken_);
}

std::string TlsPeer::ReadToEnd() {
  while (!tls_.has_heard_end() && ReadRecord()) {
  }
  return Take(std::string::npos);
}

}  // namespace polyserve
