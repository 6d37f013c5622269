#include "protocol/proxy/session.h"

#include <utility>

#include "base/logging.h"
#include "protocol/proxy/header.h"

namespace polyserve {

ProxiedSession::ProxiedSession(std::unique_ptr<Session> inner, std::shared_ptr<const ProxyTerms> terms)
    : inner_(std::move(inner)), terms_(std::move(terms)) {}

void ProxiedSession::OnPeer(absl::string_view address) {
  if (!IsBalancer(address)) {
    if (inner_->wants_peer()) inner_->OnPeer(address);
    return;
  }
  phase_ = Phase::kHeader;
  balancer_.assign(address.data(), address.size());
}

// What came behind the header is shown at once.
void ProxiedSession::OnInput(Input& input, Output& output) {
  if (phase_ == Phase::kHeader && !TakeHeader(input, output)) return;
  if (phase_ == Phase::kOver || input.empty()) return input.ConsumeAll();
  has_shown_input_ = true;
  inner_->OnInput(input, output);
}

// False: it has not come yet, or the connection is over.
bool ProxiedSession::TakeHeader(Input& input, Output& output) {
  const ProxyHeader header = ParseProxyHeader(input.bytes());
  switch (header.state) {
    case ProxyHeader::State::kIncomplete:
      if (!std::exchange(has_begun_, true)) output.SetTimer(terms_->timeout);
      return false;
    case ProxyHeader::State::kMalformed:
      input.ConsumeAll();
      Fail(header.fault, &ProxyCounters::malformed, output);
      return false;
    case ProxyHeader::State::kComplete:
      break;
  }
  input.Consume(header.size);
  if (has_begun_) output.SetTimer(absl::InfiniteDuration());
  client_ = header.client;
  Count(client_.has_value() ? &ProxyCounters::client : &ProxyCounters::own);
  const std::string address = client_.has_value() ? client_->address.ToString() : balancer_;
  if (terms_->limits != nullptr) place_.emplace(terms_->limits->Enter(address));
  if (place_.has_value() && place_->is_refused()) {
    phase_ = Phase::kOver;
    output.Close();
  } else {
    Open(address);
  }
  return is_open();
}

void ProxiedSession::Open(absl::string_view address) {
  if (inner_->wants_peer()) inner_->OnPeer(address);
  phase_ = Phase::kOpen;
  if (is_stopping_) inner_->OnStop();
}

void ProxiedSession::Count(std::atomic<int64_t> ProxyCounters::*result) const {
  if (terms_->counters != nullptr) (terms_->counters->*result).fetch_add(1, std::memory_order_relaxed);
}

void ProxiedSession::Fail(absl::string_view why, std::atomic<int64_t> ProxyCounters::*result, Output& output) {
  LOG_FLOOD(INFO) << "a PROXY header from " << balancer_ << " is refused: " << why;
  Count(result);
  phase_ = Phase::kOver;
  output.CountRequest();
  output.CountError();
  output.Close();
}

// A balancer may only check whether the port is open.
void ProxiedSession::OnEndOfInput(Output& output) {
  if (is_open()) return inner_->OnEndOfInput(output);
  if (phase_ == Phase::kHeader && has_begun_) return Fail("it is cut short", &ProxyCounters::malformed, output);
  phase_ = Phase::kOver;
  output.Close();
}

void ProxiedSession::OnStop() {
  if (is_open()) return inner_->OnStop();
  is_stopping_ = true;
}

void ProxiedSession::OnClosing(Output& output) {
  if (is_open()) inner_->OnClosing(output);
}

// Without a header, the balancer is all that is known of the client.
void ProxiedSession::OnOverload(Output& output) {
  if (phase_ == Phase::kHeader) Open(balancer_);
  if (is_open()) inner_->OnOverload(output);
}

void ProxiedSession::OnResume(Output& output) {
  if (is_open()) inner_->OnResume(output);
}

void ProxiedSession::OnTime(Output& output) {
  if (is_open()) return inner_->OnTime(output);
  if (phase_ == Phase::kHeader) Fail("it has taken too long", &ProxyCounters::late, output);
}

SessionFactory BehindBalancers(SessionFactory make_session, std::shared_ptr<const ProxyTerms> terms) {
  return [make_session = std::move(make_session), terms = std::move(terms)] {
    return std::make_unique<ProxiedSession>(make_session(), terms);
  };
}

}  // namespace polyserve
