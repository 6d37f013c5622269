#include "net/steering.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include <cstdint>
#include <iterator>

#include "base/sys_error.h"

namespace polyserve {

// Three instructions of classic BPF (linux/filter.h): the number of this processor, modulo the sockets, is the result.
// The kernel takes a result that is no socket's number for none, and falls back to the hash.
absl::Status SteerByProcessor(int listener, int sockets) {
  constexpr auto kProcessor = static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_CPU);
  sock_filter choose[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kProcessor),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, static_cast<uint32_t>(sockets)),
      BPF_STMT(BPF_RET | BPF_A, 0),
  };
  const sock_fprog program = {std::size(choose), choose};
  if (::setsockopt(listener, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) == 0) {
    return absl::OkStatus();
  }
  return SysError("setsockopt(SO_ATTACH_REUSEPORT_CBPF)");
}

void StopSteering(int listener) {
  const int unused = 0;
  ::setsockopt(listener, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &unused, sizeof(unused));
}

}  // namespace polyserve
