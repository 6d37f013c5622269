// The models by name: one table for --model, its help, the documentation and the tests' exceptions.
#ifndef POLYSERVE_BACKENDS_REGISTRY_H_
#define POLYSERVE_BACKENDS_REGISTRY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "backends/backend.h"

namespace polyserve {

// What a model can do by its nature; see docs/models.md.
struct Traits {
  bool keeps_clients_apart = true;  // A client that does nothing keeps nobody out.
  bool pooled = false;              // That holds for fewer clients than there are workers: each keeps one.
  bool computes_apart = false;      // Long work for one client does not stall the others.
  bool survives_crash = false;      // A crash while serving one client ends that client alone.
  bool shares_memory = true;        // All clients are served from the same memory.
  int max_clients = 0;              // A bound by design; 0: none but the system's.
};

struct Model {
  const char* name;
  const char* description;
  Traits can;
  const char* flags;  // Those of its own, separated by spaces.
  // InvalidArgument: its flags make no sense.
  absl::StatusOr<std::unique_ptr<Backend>> (*make)();
};

// All models, in the order in which a learner would meet them.
absl::Span<const Model> AllModels();

// What it can do with the flags that were given: --worker_type=process makes processes of loops.
Traits TraitsWithFlags(const Model& model);

// Null where there is none of this name.
const Model* FindModel(absl::string_view name);

// The table that --model=help prints.
std::string DescribeModels();

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_REGISTRY_H_
