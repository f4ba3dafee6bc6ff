// Seals: one signature of a node over a batch of its updates, and the parts of a batch that travel.
// docs/protocol/seals.md. Merkle tree: the shape of RFC 6962 section 2.1, BLAKE2b-256 with our
// tags. Pure values; no threads.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "protocol/base/ids.h"
#include "protocol/base/result.h"
#include "protocol/crypto/keys.h"
#include "protocol/record/update.h"

namespace lienthong {

struct Seal {
  CertificateId certificate;
  std::uint64_t incarnation = 0;  // random, minted before the first seal after every start
  std::uint32_t number = 0;       // from 1 within the incarnation
  SealId previous;                // zero for number 1
  Hash256 root;                   // Merkle root over the leaves
  std::uint16_t count = 0;        // leaves, 1 to kSealUpdateCountMax
  Signature signature{};
  bool operator==(const Seal&) const = default;
};

// Fixed layout, little-endian: certificate 32, incarnation 8, number 4, previous 32, root 32, count
// 2, signature 64: 174 bytes.
inline constexpr std::size_t kSealSize = 174;
Bytes encode_seal(const Seal& seal);
// Fails: kTruncated; kTooLarge (count); kMalformed (bytes too many, count 0, number 0, number 1
// with a previous seal).
Result<Seal> decode_seal(ByteView bytes);

// Hash of the layout without the signature.
SealId seal_id(const RootFingerprint& root, const Seal& seal);
// Signs the id. `number` etc. are the caller's; count is 1 to kSealUpdateCountMax.
Seal make_seal(const RootFingerprint& root, const SigningKey& key, const CertificateId& certificate,
               std::uint64_t incarnation, std::uint32_t number, const SealId& previous,
               std::span<const Hash256> leaves);
// Signature only: kBadSignature. `signer`: of a certificate that is held (verify_known). Whether it
// is believed is the registry's business.
Result<void> verify_seal(const RootFingerprint& root, const Seal& seal, const NodeId& signer);

// ---- Merkle tree over leaf values (update ids or a statement id) ----

// 1 to kSealUpdateCountMax leaves (LT_CHECK).
Hash256 merkle_root(const RootFingerprint& root, std::span<const Hash256> leaves);

struct IndexedLeaf {
  std::uint16_t index;
  Hash256 value;
};
// The root of `count` leaves given some of them (ascending by index) and, in left-to-right order,
// the hashes of the maximal subtrees that hold none of them. A single leaf needs at most 8.
// Fails: kMalformed (count 0 or over kSealUpdateCountMax; no leaves, or indices not ascending or
// not below `count`; too few or too many hashes).
Result<Hash256> merkle_root_from_part(const RootFingerprint& root, std::uint16_t count,
                                      std::span<const IndexedLeaf> leaves,
                                      std::span<const Hash256> proof);

// What a replica knows of one seal's tree: enough to pass on any leaves it holds. Grows by
// absorbing parts, never forgets. A node (begin, end) is the subtree over leaves [begin, end).
class SealEvidence {
 public:
  SealEvidence() = default;
  explicit SealEvidence(Seal seal) : seal_(std::move(seal)) {}
  const Seal& seal() const { return seal_; }

  // Takes in leaves and their proof once they have led to seal().root. Fails: kBadHash (they lead
  // elsewhere), kMalformed (as merkle_root_from_part); then nothing was taken in.
  Result<void> absorb(const RootFingerprint& root, std::span<const IndexedLeaf> leaves,
                      std::span<const Hash256> proof);
  // The proof for those leaves: at least one, ascending, all absorbed (LT_CHECK).
  std::vector<Hash256> prove(const RootFingerprint& root,
                             std::span<const std::uint16_t> indices) const;
  // The same for leaves (at least one, ascending, below the count: LT_CHECK) of which some are not
  // held, as far as what is held tells it. nullopt: what lies beside one of them is known only
  // together with it. Whether it proves anything is for absorb() to say.
  std::optional<std::vector<Hash256>> siblings(const RootFingerprint& root,
                                               std::span<const std::uint16_t> indices) const;
  std::optional<Hash256> leaf(std::uint16_t index) const;
  bool complete() const { return leaves_.size() == seal_.count; }

  // Seal, bitmap of the leaves held ((count + 7) / 8 bytes, lowest first), their values ascending,
  // the hashes of the maximal subtrees that hold none of them from left to right (none while no
  // leaf is held).
  Bytes encode() const;
  // kTruncated, kMalformed, kTooLarge as decode_seal. Checks form only: for our own disk.
  static Result<SealEvidence> decode(ByteView bytes);

 private:
  Seal seal_;
  std::map<std::uint16_t, Hash256> leaves_;
  std::map<std::pair<std::uint16_t, std::uint16_t>, Hash256> subtrees_;  // of leaves not held
};

// A whole seal or part of it, as it travels. Leaves ascending by index.
struct SealedLeaf {
  std::uint16_t index = 0;
  Update update;
  bool operator==(const SealedLeaf&) const = default;
};
struct SealedUnit {
  Seal seal;
  std::vector<SealedLeaf> leaves;
  std::vector<Hash256> proof;
  bool operator==(const SealedUnit&) const = default;
};

}  // namespace lienthong
