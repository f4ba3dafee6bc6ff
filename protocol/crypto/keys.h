// Ed25519 signing keys and X25519 keys of nodes, and secrets that wipe themselves.
// RFC 8032, RFC 7748, by libsodium. Seeds are arguments: nothing here draws randomness.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "protocol/base/ids.h"
#include "protocol/base/result.h"

namespace lienthong {

using Signature = std::array<std::uint8_t, 64>;
using Seed = std::array<std::uint8_t, 32>;

// Randomness, handed in from outside so that the simulator repeats from one seed.
class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;
  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    std::array<std::uint8_t, N> out;
    fill(out);
    return out;
  }
};

// Must be called once before anything in crypto/ (libsodium's sodium_init; safe to repeat, any
// thread).
void init_crypto();

class SigningKey {
 public:
  explicit SigningKey(const Seed& seed);
  SigningKey(const SigningKey&) = default;
  SigningKey& operator=(const SigningKey&) = default;
  ~SigningKey();  // wipes
  NodeId public_key() const;
  const Seed& seed() const { return seed_; }
  Signature sign(ByteView message) const;

 private:
  Seed seed_;
  std::array<std::uint8_t, 64> secret_;
};

// ---- the rule of docs/protocol/identities.md, "Signatures": one verdict in every library ----

// kMalformed unless `key` is the canonical encoding of a point of the prime-order subgroup other
// than the identity. As dear as a signature: once, where a key enters (certificates, root keys).
Result<void> check_key(const NodeId& key);
// kBadSignature. `key` must have passed check_key(): then there is one R for each key, message and
// S, and the cost is that of libsodium's.
Result<void> verify_known(const NodeId& key, ByteView message, const Signature& signature);
// Both, of a key that nobody has checked.
Result<void> verify(const NodeId& key, ByteView message, const Signature& signature);

// kMalformed unless `key` is the canonical encoding of an X25519 key that agrees on something: the
// highest bit 0, below 2^255 - 19, not of small order. So no machine's key has a second spelling.
Result<void> check_dh_key(const std::array<std::uint8_t, 32>& key);

class DhKey {  // X25519
 public:
  explicit DhKey(const Seed& secret);
  DhKey(const DhKey&) = default;
  DhKey& operator=(const DhKey&) = default;
  ~DhKey();  // wipes
  const std::array<std::uint8_t, 32>& public_key() const { return public_; }
  const Seed& secret() const { return secret_; }
  // kMalformed when the result is all zero (a small-order point).
  Result<std::array<std::uint8_t, 32>> shared(const std::array<std::uint8_t, 32>& theirs) const;

 private:
  Seed secret_;
  std::array<std::uint8_t, 32> public_;
};

struct NodeKeys {  // of one machine
  SigningKey signing;
  DhKey dh;
};
NodeKeys make_node_keys(Entropy& entropy);

}  // namespace lienthong
