// How the mistaken model (mistaken_model.h) learns of input and gets it: by poll(2), by signals (fcntl(2), F_SETSIG),
// or by a ring (io_uring(7)), each with the mistakes that are its own.
#ifndef POLYSERVE_TESTS_SIMULATION_MISTAKEN_RECEIVER_H_
#define POLYSERVE_TESTS_SIMULATION_MISTAKEN_RECEIVER_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>

#include "absl/strings/string_view.h"
#include "tests/simulation/mistaken_model.h"

namespace polyserve::simulation {

// One thread. Does not own the socket, which is non-blocking, and outlives it.
class MistakenReceiver {
 public:
  virtual ~MistakenReceiver() = default;

  // As poll(2): positive if there is input, or an error; 0 if the time is over; -1 if a signal came.
  virtual int Await(int milliseconds) = 0;
  // As recv(2), with at most 4096 bytes.
  virtual ssize_t Receive(char* buffer, size_t size) = 0;
  // For Mistake::kReusesLent: as a non-blocking send(2).
  virtual ssize_t SendLent(absl::string_view) { return -1; }
};

std::unique_ptr<MistakenReceiver> MakeReceiver(Way way, Mistake mistake, int fd);

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_MISTAKEN_RECEIVER_H_
