// FakeAgent: an agent of a load that takes any proof, and then says what a test wants.
//
//   FakeAgent agent([](AgentChannel& channel) {
//     channel.Receive(FakeAgent::Patience()).IgnoreError();   // The order.
//     FakeAgent::Say("{\"type\":\"ready\"}\n", channel);      // Or anything else.
//   });
//   AgentLink::Open(agent.address(), {}, FakeAgent::Patience());
#ifndef POLYSERVE_CLIENT_LOAD_FAKE_AGENT_H_
#define POLYSERVE_CLIENT_LOAD_FAKE_AGENT_H_

#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/load/agent_channel.h"
#include "client/load/agent_messages.h"
#include "net/deadline.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {

// Serves one coordinator, in a thread of its own, which the destructor waits for.
class FakeAgent {
 public:
  using Script = std::function<void(AgentChannel& channel)>;

  // `script` is what it says and hears behind its hello; the connection is closed when it returns.
  explicit FakeAgent(Script script)
      : script_(std::move(script)),
        listener_(ListenTcp(Endpoint::Parse("127.0.0.1:0").value(), absl::InfiniteDuration()).value()),
        address_(Endpoint::OfSocket(listener_.get()).value().ToString()),
        thread_([this] { Serve(); }) {}

  const std::string& address() const { return address_; }

  static Deadline Patience() { return Deadline(absl::Seconds(30)); }

  // Bytes that need not be a message. What the other end does not take is lost.
  static void Say(absl::string_view bytes, AgentChannel& channel) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(channel.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }

  // Until the other end closes, or says what is no message.
  static void AwaitEnd(AgentChannel& channel) {
    while (channel.Receive(Patience()).ok()) {
    }
  }

 private:
  void Serve() {
    pollfd wait = {listener_.get(), POLLIN, 0};
    if (::poll(&wait, 1, Patience().PollMilliseconds()) <= 0) return;
    AgentChannel channel(UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
    channel.Send({{"type", "challenge"}, {"challenge", "of no use"}}, Patience()).IgnoreError();
    if (!channel.Receive(Patience()).ok()) return;
    channel.Send(HelloMessage(), Patience()).IgnoreError();
    script_(channel);
  }

  const Script script_;
  const UniqueFd listener_;
  const std::string address_;
  const std::jthread thread_;  // The last one: it uses the others.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_FAKE_AGENT_H_
