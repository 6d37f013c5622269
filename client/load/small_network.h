// EnterSmallNetwork: puts a test into a network namespace of its own (network_namespaces(7)) with few local ports, so
// that it can use them up within milliseconds, and without taking them from other programs.
//
//   if (!EnterSmallNetwork(10)) GTEST_SKIP() << "no network namespaces here";
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

// The first local port that connecting sockets get.
constexpr int kFirstPort = 40000;

// Limits the local ports to `count`, for this namespace; sockets that have a port keep it. Returns false if the system
// refuses.
inline bool SetPorts(int count) {
  std::ofstream range("/proc/sys/net/ipv4/ip_local_port_range");
  range << kFirstPort << ' ' << kFirstPort + count - 1 << std::flush;
  return range.good();
}

// Moves the calling thread, and those that it starts later, into a new namespace whose loopback interface is up and
// which has `ports` local ports. Returns false if the system does not permit it; errno says why. Cannot be undone.
//
// Root may make a network namespace at once. Any other user needs a user namespace around it, which gives it all
// capabilities within (user_namespaces(7)), but which some systems forbid.
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
