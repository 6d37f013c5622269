// EnterSmallNetwork: a network of the test's own, in which ports run short.
#ifndef POLYSERVE_CLIENT_LOAD_SMALL_NETWORK_H_
#define POLYSERVE_CLIENT_LOAD_SMALL_NETWORK_H_

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <fstream>

#include "base/unique_fd.h"

namespace polyserve {

// Where the ports begin that sockets get when they connect.
constexpr int kFirstPort = 40000;

// From now on there are so many of them, for this thread and those that it starts.
inline bool SetPorts(int count) {
  std::ofstream range("/proc/sys/net/ipv4/ip_local_port_range");
  range << kFirstPort << ' ' << kFirstPort + count - 1 << std::flush;
  return range.good();
}

// Its loopback is up, and connections leave from so few ports. False if the system does not let us; errno says why.
inline bool EnterSmallNetwork(int ports) {
  if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback = {};
  std::strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP | IFF_RUNNING;
  return fd.ok() && ::ioctl(fd.get(), SIOCSIFFLAGS, &loopback) == 0 && SetPorts(ports);
}

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_SMALL_NETWORK_H_
