// What a newcomer is given, the whole registry and its own certificate, and how it checks them.
// docs/protocol/enrolment.md. Pure.
#pragma once

#include <memory>
#include <vector>

#include "protocol/crypto/noise.h"
#include "protocol/record/registry.h"

namespace lienthong {

inline constexpr std::size_t kGrantBytesMax = 64ULL << 20;
inline constexpr std::size_t kGrantStatementCountMax = 1'000'000;

struct MachineKeys {  // of the machine that asks
  NodeId node;
  DhPublic dh{};
  bool operator==(const MachineKeys&) const = default;
};

// Everything a newcomer needs: the whole registry in an order in which it can be checked, and which
// certificate is its own.
struct EnrolmentGrant {
  CertificateId certificate;
  std::vector<Statement> statements;
};
EnrolmentGrant make_grant(const Registry& registry, const CertificateId& certificate);
Bytes encode_grant(const EnrolmentGrant& grant);
// kTruncated, kMalformed, kTooLarge. There is one encoding of a grant: what decodes is encoded the
// same.
Result<EnrolmentGrant> decode_grant(ByteView bytes);

struct GrantedNode {
  AgencyId agency;
  Certificate certificate;
  std::shared_ptr<const Registry> registry;
};
// Checks the grant as the newcomer must: the genesis is the pinned one, every statement stands, the
// certificate is for this machine and believed. kBadHash, kInvalidArgument, kNotAllowed, and
// Registry's own.
Result<GrantedNode> check_grant(const RootFingerprint& root, const MachineKeys& machine,
                                const EnrolmentGrant& grant);

}  // namespace lienthong
