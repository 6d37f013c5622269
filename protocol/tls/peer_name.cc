#include "protocol/tls/peer_name.h"

#include <openssl/asn1.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstddef>

namespace polyserve {

namespace {

// With its size: a NUL within must not make a shorter name of it.
std::string TextOf(const ASN1_STRING* value) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, value);
  if (size < 0) return "";
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  return text;
}

// The first alternative name of this type; "" if there is none.
std::string AlternativeName(const GENERAL_NAMES* names, int type) {
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    int found = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &found);
    if (found == type) return TextOf(static_cast<const ASN1_STRING*>(value));
  }
  return "";
}

std::string FirstAlternativeName(const X509* certificate) {
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (names == nullptr) return "";
  std::string name = AlternativeName(names, GEN_EMAIL);
  if (name.empty()) name = AlternativeName(names, GEN_DNS);
  GENERAL_NAMES_free(names);
  return name;
}

}  // namespace

// A certificate that is malformed leaves an error in OpenSSL's queue, which the next call would take for its own.
std::string PeerNameOf(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  std::string name;
  if (first < 0) {
    name = FirstAlternativeName(certificate);
  } else if (X509_NAME_get_index_by_NID(subject, NID_commonName, first) < 0) {
    name = TextOf(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first)));
  }
  ERR_clear_error();
  return name;
}

}  // namespace polyserve
