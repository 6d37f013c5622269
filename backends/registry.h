// The models by name: one table for --model, its help, the documentation and the tests' exceptions. Each model's own
// file adds its row, so that a model is its file and its target:
//
//   const RegisterModel kRow({.name = "thread",
//                             .description = "a thread for each client",
//                             .lesson = 40,
//                             .can = {.computes_apart = true},
//                             .make = &MakeThreadBackend});
//
// A program has the models that are linked to it: //backends:models are all of them. Their targets need
// alwayslink = True, since nothing refers to such a row but the linker's table of constructors.
//
// The table is written before main(), and read after that: it needs no locks.
#ifndef POLYSERVE_BACKENDS_REGISTRY_H_
#define POLYSERVE_BACKENDS_REGISTRY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "backends/backend.h"

namespace polyserve {

// What a model can do by its nature; see docs/models.md. Tests ask for these traits, never for the model's name, so
// that a new model declares its exceptions instead of being one. Model::adjust changes those that depend on flags.
struct Traits {
  bool keeps_clients_apart = true;  // A client that does nothing keeps no other client out.
  bool pooled = false;              // That holds for fewer clients than there are workers: each client takes one.
  bool computes_apart = false;      // Long work for one client does not stall the others.
  bool survives_crash = false;      // A crash while serving one client ends that client alone.
  bool shares_memory = true;        // All clients are served from the same memory.
  bool bounds_connections = true;   // --max_connections holds, also if a process that serves a client is killed.
  bool queues = false;              // What waits can be in a queue of the server's own, which --overload orders.
  bool serves_elsewhere = false;    // Other threads or processes serve the clients than the one that accepts.
  bool kernel_accepts = false;      // No accept(2) for each client: the kernel accepts on its own.
  // A client may be served by a fresh image of the program, which takes long to start.
  bool starts_images = false;
  bool starts_programs = false;  // It does so for each client, or starts one image that then forks.
  bool has_rings = false;        // It works with io_uring(7), whose operations no filter of system calls sees.
  bool sleeps = true;            // It makes no system call while nothing happens.
  bool spins = false;            // It never sleeps at all, and keeps a processor busy.
  int max_clients = 0;           // A bound by design; 0: none but the system's.
};

// A row of the table. The texts must live as long as the program.
struct Model {
  const char* name;
  const char* description;  // Who serves a client.
  int lesson;               // The order in which a learner meets the models; tens, so that one fits between two.
  Traits can = {};
  const char* flags = "";                 // Its own, separated by spaces; they are refused with other models.
  void (*adjust)(Traits& can) = nullptr;  // Applies what the given flags change. Null: nothing.
  // The names of its queues, separated by spaces. The first counts as that of worker 0 (Statistics::queue()), and so
  // on.
  const char* queues = "";
  // Creates the backend from the flags, once they are parsed; acquires nothing yet. InvalidArgument, with one line for
  // the user: they make no sense.
  absl::StatusOr<std::unique_ptr<Backend>> (*make)() = nullptr;
};

// Adds a row. Make it at namespace scope, before main(); CHECKs that the name is new.
class RegisterModel {
 public:
  explicit RegisterModel(const Model& model);
};

// All models of the program, in the order of their lessons. Not before main().
absl::Span<const Model> AllModels();

// What the model can do with the flags that were given. Not before they are parsed.
Traits TraitsWithFlags(const Model& model);

// Null if there is none of this name.
const Model* FindModel(absl::string_view name);

// The table that --model=help prints.
std::string DescribeModels();

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_REGISTRY_H_
