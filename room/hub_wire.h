// The protocol between a hub and its members: SOCK_SEQPACKET packets, each a letter and its argument. What a member
// says at once is one packet, with a line for each: C, O and E. Both sides are the same program, so only what could
// harm other members is checked again.
//
//   member ── L ada ────▶ hub      member ◀── Y, N, A or B ── hub
//   member ── C hello ──▶ hub      member ◀── M lines ─────── hub    at any time after the Y
//   member ── O /to .. ─▶ hub      member ◀── K why ───────── hub    the last packet: it was put out
//   member ── E ────────▶ hub      member ◀── Y ───────────── hub    the last mail has come before it
#ifndef POLYSERVE_ROOM_HUB_WIRE_H_
#define POLYSERVE_ROOM_HUB_WIRE_H_

#include <cstddef>

#include "absl/time/time.h"

namespace polyserve {

enum HubPacket : char {
  // From a member.
  kHubJoin = 'L',  // The name, a line end, the peer's address; answered before any mail. The first one comes with the
                   // member's socket, through the join_fd.
  kHubSay = 'C',   // The text.
  kHubExecute = 'O',  // A command that the member may give; what is to be answered comes as mail.
  kHubLeave = 'E',    // Answered, behind all messages that are due.
  // From the hub.
  kHubDone = 'Y',
  kHubTaken = 'N',   // Another member has the name, or one that looks like it.
  kHubAdmins = 'A',  // The name contains or looks like the administrator's.
  kHubBanned = 'B',  // The name or the address is banned; behind it the words for the peer.
  kHubPutOut = 'K',  // It was put out of the room; behind it, why.
  kHubMail = 'M',    // Lines, each with its end: as many as were due.
};

// Of lines from a member. Some dozens of ordinary texts, and four of the largest size.
constexpr size_t kMaxHubLinesBytes = 5 * 1024;
constexpr size_t kMaxHubPacketBytes = 32 * 1024;  // The kernel takes some of them before it says that it is full.

// A hub that takes longer than this to answer counts as stopped or dead.
constexpr absl::Duration kHubPatience = absl::Seconds(3);

}  // namespace polyserve

#endif  // POLYSERVE_ROOM_HUB_WIRE_H_
