// AddressLimits: how much of a server one address may have: connections at a time, and requests a second. What is
// counted lies in memory that all processes share.
//
//   a driver    Enter(address) ──▶ a place for as long as the connection lasts, or a refusal
//   a session   TakeRequest(address) ──▶ true: answer it
//
// An address is what AddressKey() takes as one. Clients behind one gateway or proxy share theirs.
#ifndef POLYSERVE_ACCESS_ADDRESS_LIMITS_H_
#define POLYSERVE_ACCESS_ADDRESS_LIMITS_H_

#include "absl/strings/string_view.h"
#include "access/address_places.h"
#include "access/keyed_hash.h"
#include "access/token_buckets.h"
#include "base/bound_counters.h"

namespace polyserve {

// Any thread of any process; nothing blocks or takes a lock.
class AddressLimits {
 public:
  // What the processes of a server share. All zeroes at first.
  struct Table {
    HashKey key;
    TokenBuckets::Table requests;
    AddressPlaces::Table connections;
  };

  struct Options {
    int connections = 0;          // At a time, up to AddressPlaces::kMaxOfAddress; 0: any number.
    int requests_per_second = 0;  // And as many at once after a silence; 0: any number.

    bool any() const { return connections > 0 || requests_per_second > 0; }
  };

  // Call it once, in the server's own process, before there are others: fills the table's key.
  static void Prepare(Table& table) { table.key = NewHashKey(); }
  // The table and the counters must outlive it.
  AddressLimits(const Options& options, Table& table, BoundCounters& counters);

  bool has_rate() const { return options_.requests_per_second > 0; }
  bool has_connections() const { return options_.connections > 0; }

  // `address` as Session::OnPeer() has it. Without a limit of connections: a place that is free.
  AddressPlaces::Place Enter(absl::string_view address) const;
  // Whether a request of this address may be answered; always true without a rate. Counts the refusals.
  bool TakeRequest(absl::string_view address) const;

 private:
  const Options options_;
  Table& table_;
  BoundCounters& counters_;
  const TokenBuckets requests_;
  const AddressPlaces connections_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_ADDRESS_LIMITS_H_
