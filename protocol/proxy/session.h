// proxy: any session behind load balancers that say whose connection they pass on (header.h). A ProxiedSession is a
// session around another one: drivers see only this one, and the inner session learns the client's address as if the
// client had connected by itself. So each service can be behind a balancer, under each model; with TLS, the header
// comes first, and the inner session is a TlsSession.
//
//   the peer is a balancer   header ─▶ OnPeer(the client's address) ─▶ all else passes
//   another peer                       OnPeer(its own address)      ─▶ all passes: a header is the service's bytes
//
// A balancer has to send a header: if it could pass a connection on without one, its client could send one of its own.
// If something else comes, or the rest does not come in time, the connection is closed without an answer. Bound: a
// header, and the inner session's own.
#ifndef POLYSERVE_PROTOCOL_PROXY_SESSION_H_
#define POLYSERVE_PROTOCOL_PROXY_SESSION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/address_limits.h"
#include "access/address_places.h"
#include "access/address_set.h"
#include "base/mailbox.h"
#include "protocol/output.h"
#include "protocol/proxy/counters.h"
#include "protocol/session.h"

namespace polyserve {

// What all connections of a server have in common. Constant; any thread reads it.
struct ProxyTerms {
  AddressSet balancers;    // Whose headers are believed, and required.
  absl::Duration timeout;  // For the rest of a header, from its first byte on; may be infinite.
  // How many connections a client may have; null: any number. A balancer's own address takes no place, unless it
  // speaks for itself.
  std::shared_ptr<const AddressLimits> limits = nullptr;
  ProxyCounters* counters = nullptr;  // Null: nothing counts.
};

// For streams alone. The calls are those of Session. A header that fails counts as a request, and as an error, and the
// log says why (LOG_FLOOD).
class ProxiedSession : public Session {
 public:
  ProxiedSession(std::unique_ptr<Session> inner, std::shared_ptr<const ProxyTerms> terms);

  bool wants_peer() const override { return true; }
  void OnPeer(absl::string_view address) override;
  bool IsBalancer(absl::string_view address) const override { return terms_->balancers.Contains(address); }
  bool awaits_client() const override { return phase_ == Phase::kHeader; }
  const AddressPort* client() const override { return client_.has_value() ? &*client_ : nullptr; }

  void OnInput(Input& input, Output& output) override;
  void OnEndOfInput(Output& output) override;
  bool outlives_input() const override { return is_open() && inner_->outlives_input(); }
  void OnStop() override;
  void OnClosing(Output& output) override;
  void OnOverload(Output& output) override;
  bool is_refusable() const override { return inner_->is_refusable(); }
  Mailbox* mailbox() override { return is_open() ? inner_->mailbox() : nullptr; }
  void OnMessage(const Message& message, Output& output) override { inner_->OnMessage(message, output); }
  void OnResume(Output& output) override;
  void OnTime(Output& output) override;
  bool idle() const override { return !is_open() || inner_->idle(); }
  bool is_opening() const override { return !has_shown_input_ || inner_->is_opening(); }
  bool awaits_rest_of_request() const override { return is_open() && inner_->awaits_rest_of_request(); }
  absl::string_view closing_message() const override { return is_open() ? inner_->closing_message() : ""; }

 private:
  enum class Phase : uint8_t { kHeader, kOpen, kOver };

  bool is_open() const { return phase_ == Phase::kOpen; }
  bool TakeHeader(Input& input, Output& output);
  void Open(absl::string_view address);
  void Fail(absl::string_view why, std::atomic<int64_t> ProxyCounters::*result, Output& output);
  void Count(std::atomic<int64_t> ProxyCounters::*result) const;

  const std::unique_ptr<Session> inner_;
  const std::shared_ptr<const ProxyTerms> terms_;
  std::string balancer_;                       // Its address, until the header has come.
  std::optional<AddressPort> client_;          // That the header names.
  std::optional<AddressPlaces::Place> place_;  // Of the client, among the connections of its address.
  Phase phase_ = Phase::kOpen;                 // As if it were no balancer's, until OnPeer().
  bool has_begun_ = false;                     // The header has.
  bool has_shown_input_ = false;               // To the inner session.
  bool is_stopping_ = false;                   // The inner session has to be told, once it is open.
};

// Sessions of the factory, behind balancers.
SessionFactory BehindBalancers(SessionFactory make_session, std::shared_ptr<const ProxyTerms> terms);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_PROXY_SESSION_H_
