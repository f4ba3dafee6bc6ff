// What a newcomer is given, the whole registry and its own certificate, and how it checks them.
// docs/protocol/enrolment.md. Pure.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "protocol/crypto/noise.h"
#include "protocol/record/registry.h"

namespace lienthong {

inline constexpr std::size_t kGrantBytesMax = 64ULL << 20;  // of what is held whole
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

// The bytes of a grant as they are asked for: at most so many, and the last ones marked.
struct GrantPiece {
  Bytes bytes;
  bool last = false;
};
using GrantSource = std::function<Result<GrantPiece>(std::size_t most)>;
// Of so many statements, each asked for when its turn comes; `read` may fail, which ends it.
GrantSource stream_grant(const CertificateId& certificate, std::size_t count,
                         std::function<Result<Statement>(std::size_t index)> read);

// Reads a grant however it is cut. Holds what of it was fed and not taken yet.
class GrantParser {
 public:
  void feed(ByteView more);
  // The next statement; none: more has to be fed, or it is whole. Errors are final: as
  // decode_grant().
  Result<std::optional<Statement>> next();
  // Once nothing more comes. kTruncated, kMalformed.
  Result<void> finish() const;
  const CertificateId& certificate() const { return certificate_; }
  std::size_t held_bytes() const { return fed_.size() - at_; }

 private:
  Result<void> read_head(ByteReader& in);
  Bytes fed_;
  std::size_t at_ = 0;
  CertificateId certificate_;
  std::optional<std::uint64_t> count_;  // of statements; none: the head is not here yet
  std::uint64_t taken_ = 0;
};

struct GrantedNode {
  AgencyId agency;
  CertificateId certificate_id;
  Certificate certificate;
  std::shared_ptr<const Registry> registry;
};
// Checks the grant as the newcomer must: the genesis is the pinned one, every statement stands, the
// certificate is for this machine and believed. kBadHash, kInvalidArgument, kNotAllowed, and
// Registry's own.
Result<GrantedNode> check_grant(const RootFingerprint& root, const MachineKeys& machine,
                                const EnrolmentGrant& grant);

// The same while it comes: what is wrong ends it where it stands. Beside the registry, which the
// newcomer needs all its life, it holds a part of the statements at a time.
class GrantReader {
 public:
  GrantReader(const RootFingerprint& root, const MachineKeys& machine)
      : root_(root), machine_(machine) {}
  // Cut anywhere. Errors, as decode_grant() and check_grant(), are final.
  Result<void> take(ByteView piece);
  Result<GrantedNode> finish();
  std::size_t held_bytes() const { return parser_.held_bytes() + fresh_bytes_; }

 private:
  Result<void> grow();  // the registry, by what has come
  RootFingerprint root_;
  MachineKeys machine_;
  GrantParser parser_;
  std::shared_ptr<const Registry> registry_;
  std::vector<Statement> fresh_;
  std::size_t fresh_bytes_ = 0, grown_bytes_ = 0;
};

}  // namespace lienthong
