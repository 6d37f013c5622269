#include "sandbox_options.h"

#include <link.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "backends/accept/server_context.h"
#include "backends/registry.h"
#include "lifecycle/file_rules.h"
#include "listen_spec.h"
#include "net/process.h"
#include "protocol/relay_targets.h"

namespace polyserve {

namespace {

using Rules = std::vector<FileRule>;

// What any server reads now and then: figures of its processes for /-/status; a spare descriptor; what libraries and
// fresh images of the program look up, such as the time zone of the log.
void AddSystemFiles(Rules& rules) {
  rules.push_back({"/dev/null", kReadFiles | kWriteFiles, Missing::kIsFine});
  for (const char* path : {"/proc", "/etc/localtime", "/usr/share/zoneinfo", "/etc/mime.types", "/etc/ssl/openssl.cnf",
                           "/sys/devices/system/cpu"}) {
    rules.push_back({path, kReadFiles, Missing::kIsFine});
  }
}

// SIGHUP reads a file anew, and most programs that change a file replace it: a rule for the file that is there now
// would not hold for the next one. So the rule is for its directory, unless that is "/".
void AddDirectoryOf(const std::filesystem::path& file, FileRights rights, Rules& rules) {
  const std::filesystem::path directory = file.has_parent_path() ? file.parent_path() : ".";
  const bool is_all = directory == directory.root_path();
  rules.push_back({(is_all ? file : directory).string(), rights, Missing::kIsFine});
}

// Of a link both directories count: it may be switched, and what it leads to may be replaced.
void AddFileToRead(const std::string& path, Rules& rules) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  AddDirectoryOf(path, kReadFiles, rules);
  if (!error) AddDirectoryOf(real, kReadFiles, rules);
}

// A pipe, a terminal or a device stays as it is: a rule for its directory would be one for all devices.
void AddLog(const std::string& path, Rules& rules) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  if (!error && std::filesystem::is_regular_file(real, error)) {
    AddDirectoryOf(real, kReadFiles | kMakeFiles, rules);
  } else {
    rules.push_back({path, kReadFiles | kWriteFiles, Missing::kIsFine});
  }
}

int AddObject(dl_phdr_info* object, size_t, void* rules) {
  const std::string path = object->dlpi_name;
  if (path.find('/') != std::string::npos) {
    static_cast<Rules*>(rules)->push_back({path, kReadFiles | kExecuteFiles, Missing::kIsFine});
  }
  return 0;
}

// This program, and the libraries that it has loaded, the loader among them, and nothing else that could be executed.
void AddOwnProgram(Rules& rules) {
  rules.push_back({"/proc/self/exe", kReadFiles | kExecuteFiles});
  rules.push_back({"/etc/ld.so.cache", kReadFiles, Missing::kIsFine});
  ::dl_iterate_phdr(&AddObject, &rules);
}

void AddFilesOfFlags(const ServerConfig& config, Rules& rules) {
  const bool stores_files = !config.library.read_only || config.library.has_copies;
  rules.push_back({config.root, stores_files ? kReadFiles | kStoreFiles : kReadFiles});
  std::vector<std::string> read_anew = config.tls.certificates;
  read_anew.insert(read_anew.end(), config.tls.keys.begin(), config.tls.keys.end());
  for (const std::string& path : {config.tls.client_ca, config.access.path}) read_anew.push_back(path);
  for (const std::string& path : read_anew) {
    if (!path.empty()) AddFileToRead(path, rules);
  }
  if (!config.access_log.empty()) AddLog(config.access_log, rules);
  if (!config.trace.empty()) rules.push_back({config.trace, kReadFiles | kWriteFiles});
}

}  // namespace

Sandbox MakeSandbox(const ServerConfig& config) {
  if (!config.has_sandbox) return Sandbox();
  const Traits traits = TraitsWithFlags(*config.model);
  Sandbox::Options options;
  options.calls.stores_files = !config.library.read_only;
  options.calls.has_rings = traits.has_rings;
  options.calls.asks_servers = !config.http.relay->all.empty() || !config.room.link.tcp_ports.empty();
  options.calls.starts_programs = traits.starts_programs && !Process::IsImage();  // An image starts none.
  for (const ListenSpec& spec : config.listen) {
    if (spec.transport == Transport::kDatagrams) options.calls.has_datagrams = true;
  }
  if (Process::IsImage()) return Sandbox(options);  // The rules about files it has from its server.
  for (const RelayTarget& target : config.http.relay->all) options.tcp_ports.push_back(target.address.port);
  options.tcp_ports.insert(options.tcp_ports.end(), config.room.link.tcp_ports.begin(),
                           config.room.link.tcp_ports.end());
  if (config.upstream.origin != nullptr) options.tcp_ports.push_back(config.upstream.origin->at.port());
  AddSystemFiles(options.files);
  AddFilesOfFlags(config, options.files);
  if (traits.starts_programs) AddOwnProgram(options.files);
  return Sandbox(options);
}

}  // namespace polyserve
