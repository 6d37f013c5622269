// The calls of io_uring. liburing makes them by instructions of its own, which no library can take the place of: so the
// kernel sends a signal instead of making them (a seccomp filter, SECCOMP_RET_TRAP in seccomp(2)), and the handler asks
// Decide() first and then makes them itself, at an address that the filter knows. What the ring's operations return is
// not seen: those are no system calls.
//
// Only if the driver wants it: filters are inherited over exec(), where a new image would meet the signal before it has
// a handler. x86-64 alone; elsewhere these calls are not watched.
#include "tools/faulting/shim/fault.h"

#ifdef __x86_64__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>

namespace faulting {

namespace {

// syscall; ret
constexpr unsigned char kCode[] = {0x0f, 0x05, 0xc3};
constexpr uint32_t kPageBytes = 4096;

unsigned char* g_page = nullptr;

// The system's result: an error is -errno. The first line steps over what the compiler may keep beneath the stack.
int64_t MakeCall(int64_t number, const greg_t* registers) {
  int64_t result = number;
  register int64_t fourth asm("r10") = registers[REG_R10];
  register int64_t fifth asm("r8") = registers[REG_R8];
  register int64_t sixth asm("r9") = registers[REG_R9];
  asm volatile("leaq -128(%%rsp), %%rsp\n\tcall *%[code]\n\tleaq 128(%%rsp), %%rsp"
               : "+a"(result)
               : [code] "b"(g_page), "D"(registers[REG_RDI]), "S"(registers[REG_RSI]), "d"(registers[REG_RDX]),
                 "r"(fourth), "r"(fifth), "r"(sixth)
               : "rcx", "r11", "memory", "cc");
  return result;
}

Call CallOf(int number) {
  if (number == SYS_io_uring_setup) return Call::kIoUringSetup;
  return number == SYS_io_uring_enter ? Call::kIoUringEnter : Call::kIoUringRegister;
}

void OnTrap(int /*signal*/, siginfo_t* info, void* context) {
  greg_t* const registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const Answer answer = Decide(CallOf(info->si_syscall), {});
  const int error = errno;
  registers[REG_RAX] =
      answer.verb == Answer::Verb::kFail ? -int64_t{answer.error} : MakeCall(info->si_syscall, registers);
  errno = error;
}

// Allows the call if it is none of the three, or is made from the page; else traps it. The kernel tells where the
// instruction behind the call is.
bool Filter() {
  const auto page = reinterpret_cast<uint64_t>(g_page);
  const auto low = static_cast<uint32_t>(page), high = static_cast<uint32_t>(page >> 32);
  constexpr uint32_t kPointer = offsetof(seccomp_data, instruction_pointer);
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 7),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SYS_io_uring_setup, 0, 5),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, SYS_io_uring_register, 4, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kPointer + 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kPointer),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low + 2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
  };
  static_assert(SYS_io_uring_setup == 425 && SYS_io_uring_enter == 426 && SYS_io_uring_register == 427);
  const sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

void WatchRings() {
  void* const page = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) std::abort();
  g_page = static_cast<unsigned char*>(page);
  std::copy(std::begin(kCode), std::end(kCode), g_page);
  struct sigaction action = {};
  action.sa_sigaction = &OnTrap;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART;
  const bool is_ready = ::mprotect(page, kPageBytes, PROT_READ | PROT_EXEC) == 0 &&
                        ::sigaction(SIGSYS, &action, nullptr) == 0 && Filter();
  if (!is_ready) std::abort();
}

}  // namespace faulting

#else

void faulting::WatchRings() {}

#endif
