#include "tools/floor/service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace polyserve::bare {

namespace {

constexpr int kBacklog = 4096;  // As the server's; see net/socket.h.

}  // namespace

void Quit(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

int Check(int result, const char* call) {
  if (result < 0) {
    std::perror(call);
    std::exit(1);
  }
  return result;
}

UniqueFd Listen(const char* host, const char* port, int flags) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::strtoul(port, nullptr, 10)));
  if (::inet_pton(AF_INET, host, &address.sin_addr) != 1) Quit(std::string(host) + " is no IPv4 address");
  UniqueFd listener(Check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), "socket"));
  const int on = 1;
  Check(::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), "setsockopt");
  Check(::setsockopt(listener.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "setsockopt");  // Clients inherit it.
  Check(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), "bind");
  Check(::listen(listener.get(), kBacklog), "listen");
  return listener;
}

Service::Service(int count, char** words) {
  const std::string_view name = count > 0 ? words[0] : "";
  if (name == "echo" && count == 1) return;
  if (name != "http" || count != 2) Quit("usage: PROGRAM [WORKERS] HOST PORT echo, or http FILE; a pool has WORKERS");
  const std::string path = words[1];
  std::ifstream file(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  if (!file) Quit(path + " cannot be read");
  request_ = "GET /" + path.substr(path.rfind('/') + 1) + " ";
  reply_ = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(content.size()) + "\r\n\r\n" + content;
}

}  // namespace polyserve::bare
