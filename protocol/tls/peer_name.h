// PeerNameOf: which user the certificate of a client names.
//
//   subject CN=ada                                ada
//   no CN; alternative name email:ada@example     ada@example   the first e-mail address
//   no CN, no e-mail; DNS:build7.example          build7.example   the first DNS name
//   two CNs; none of these                        nobody
#ifndef POLYSERVE_PROTOCOL_TLS_PEER_NAME_H_
#define POLYSERVE_PROTOCOL_TLS_PEER_NAME_H_

#include <openssl/types.h>

#include <string>

namespace polyserve {

// In UTF-8; any bytes that an authority has signed, so treat it as input. "" if the certificate names nobody. Two
// common names, of which each program would take another one, name nobody. Does not block; any thread may call it.
std::string PeerNameOf(const X509* certificate);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TLS_PEER_NAME_H_
