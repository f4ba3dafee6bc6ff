// The parts of the rule for signatures (docs/protocol/identities.md, "Signatures"), free of what
// one version of libsodium accepts and another does not. Internal to protocol/crypto, and for
// tests: others ask check_key() and verify(). Any thread, after init_crypto().
#pragma once

#include <array>
#include <cstdint>

#include "protocol/base/bytes.h"

namespace lienthong::ed25519 {

using Point = std::array<std::uint8_t, 32>;  // as encoded: y, and the lowest bit of x

// Below 2^255 - 19, the highest bit 0. Little-endian.
bool is_field_element(const Point& bytes);
// Canonical, on the curve, in the subgroup of prime order, not the identity.
bool is_point(const Point& bytes);
// Of a canonical encoding, without libsodium's own test of it, which some versions get wrong.
bool is_in_subgroup(const Point& point);

// Whether libsodium compares R byte for byte with [S]B - [k]A: not so where it multiplies by the
// cofactor first, as versions after 1.0.18 do. Tries it on three signatures.
bool library_is_exact();

// Whether R, S of `signature` are S < L and R = encoding of [S]B - [k]A, not the identity, for an A
// that is_point(). Two ways to one verdict: the first only where library_is_exact().
bool verify_by_library(const Point& key, ByteView message,
                       const std::array<std::uint8_t, 64>& signature);
bool verify_by_hand(const Point& key, ByteView message,
                    const std::array<std::uint8_t, 64>& signature);

}  // namespace lienthong::ed25519
