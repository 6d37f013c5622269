#include "backends/registry.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/logging.h"

namespace polyserve {

namespace {

// A local variable, because the models' files fill it before main(), in any order: it exists from the first use on.
// Never destroyed: models are looked up until the program ends.
std::vector<Model>& Rows() {
  static auto& rows = *new std::vector<Model>();
  return rows;
}

// The column of the help for a client that connects and says nothing.
const char* SilentClient(const Traits& can) {
  if (!can.keeps_clients_apart) return "blocks";
  return can.pooled ? "one of N" : "harmless";
}

}  // namespace

RegisterModel::RegisterModel(const Model& model) {
  // Two files that claim one name are a bug; and before main() there is no caller to return an error to.
  CHECK(FindModel(model.name) == nullptr) << model.name;
  // In the order of the lessons, whatever order the linker has chosen.
  const auto behind =
      std::find_if(Rows().begin(), Rows().end(), [&model](const Model& other) { return other.lesson > model.lesson; });
  Rows().insert(behind, model);
}

absl::Span<const Model> AllModels() { return Rows(); }

Traits TraitsWithFlags(const Model& model) {
  Traits can = model.can;
  if (model.adjust != nullptr) model.adjust(can);
  return can;
}

const Model* FindModel(absl::string_view name) {
  for (const Model& model : Rows()) {
    if (name == model.name) return &model;
  }
  return nullptr;
}

std::string DescribeModels() {
  // By the nature of each model, without the flags: the user is about to choose them.
  constexpr char kRow[] = "%-13s %-52s %-9s %-10s %-6s %-9s %s\n";
  std::string table = absl::StrFormat(kRow, "model", "who serves a client", "silent", "long work", "crash", "at most",
                                      "flags of its own");
  absl::StrAppend(&table, absl::StrFormat(kRow, "", "", "client", "stalls", "ends", "clients", ""));
  for (const Model& model : Rows()) {
    const Traits& can = model.can;
    absl::StrAppend(&table, absl::StrFormat(kRow, model.name, model.description, SilentClient(can),
                                            can.computes_apart ? "nobody" : "all", can.survives_crash ? "one" : "all",
                                            can.max_clients > 0 ? absl::StrCat(can.max_clients) : "-", model.flags));
  }
  return table;
}

}  // namespace polyserve
