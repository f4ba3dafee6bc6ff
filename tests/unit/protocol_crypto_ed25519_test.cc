// The rule for signatures against the published edge cases. What each of them must give follows
// from what its authors say of it, not from a library.
#include <fstream>
#include <sstream>

#include "protocol/crypto/ed25519.h"
#include "tests/support/crypto.h"

namespace lienthong {
namespace {

using testing_support::hex;
using testing_support::hex_array;

std::vector<std::vector<std::string>> rows_of(const std::string& name) {
  std::ifstream file(LT_TEST_DATA_DIR "/" + name);
  std::vector<std::vector<std::string>> out;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    out.emplace_back(std::istream_iterator<std::string>(words),
                     std::istream_iterator<std::string>());
  }
  return out;
}

struct Cctv {
  std::vector<ed25519::Point> points;
  struct Case {
    ed25519::Point key, r;
    Signature signature;
    std::string message, flags;
    bool has(char flag) const { return flags.find(flag) != std::string::npos; }
  };
  std::vector<Case> cases;

  Cctv() {
    for (const auto& row : rows_of("ed25519_cctv.txt")) {
      if (row.at(0) == "point") {
        points.push_back(hex_array<32>(row.at(1)));
        continue;
      }
      Case& one = cases.emplace_back();
      one.key = points.at(std::stoul(row.at(1)));
      one.r = points.at(std::stoul(row.at(2)));
      std::ranges::copy(one.r, one.signature.begin());
      std::ranges::copy(hex(row.at(3)), one.signature.begin() + 32);
      one.message = row.at(4) == "-" ? "ed25519vectors" : "ed25519vectors " + row.at(4);
      one.flags = row.at(5);
    }
  }
};

NodeId id(const ed25519::Point& key) { return NodeId::from(ByteView(key)); }

// Each of the first six flags is a reason to refuse; without them nothing is left that differs.
TEST(Signatures, OfCctvAreJudgedByTheRule) {
  const Cctv cctv;
  ASSERT_EQ(cctv.cases.size(), 914U);
  std::size_t good = 0;
  for (const Cctv::Case& one : cctv.cases) {
    const ByteView message = as_bytes(one.message);
    const bool odd_key = one.has('a') || one.has('A') || one.has('n');
    const bool odd_r = one.has('r') || one.has('R') || one.has('m');
    SCOPED_TRACE(one.message + " " + one.flags + " " + to_hex(one.key));
    ASSERT_EQ(check_key(id(one.key)).ok(), !odd_key);
    ASSERT_EQ(verify(id(one.key), message, one.signature).ok(), !odd_key && !odd_r);
    if (!odd_key) {
      ASSERT_EQ(verify_known(id(one.key), message, one.signature).ok(), !odd_r);
      ASSERT_EQ(ed25519::verify_by_hand(one.key, message, one.signature), !odd_r);
      good += odd_r ? 0 : 1;
    }
  }
  EXPECT_EQ(good, 1U);  // all others are there to be odd
}

TEST(Signatures, OfWycheproofAreJudgedByTheRule) {
  NodeId key;
  std::size_t cases = 0;
  for (const auto& row : rows_of("ed25519_wycheproof.txt")) {
    if (row.at(0) == "key") {
      key = id(hex_array<32>(row.at(1)));
      EXPECT_TRUE(check_key(key).ok()) << key.hex();
      continue;
    }
    ++cases;
    const Bytes bytes = row.at(2) == "-" ? Bytes() : hex(row.at(2));
    const Bytes message = row.at(3) == "-" ? Bytes() : hex(row.at(3));
    // A signature of another size does not come as far as that: fields are of 64 bytes.
    if (bytes.size() != 64) {
      EXPECT_EQ(row.at(1), "invalid") << row.at(0);
      continue;
    }
    Signature signature;
    std::ranges::copy(bytes, signature.begin());
    EXPECT_EQ(verify(key, message, signature).ok(), row.at(1) == "valid") << row.at(0);
    EXPECT_EQ(ed25519::verify_by_hand(key.bytes, message, signature), row.at(1) == "valid")
        << row.at(0);
  }
  EXPECT_EQ(cases, 151U);
}

TEST(Signatures, TheSubgroupIsToldByMultiplyingToo) {
  const Cctv cctv;
  std::size_t in = 0;
  for (const ed25519::Point& point : cctv.points) {
    ASSERT_EQ(ed25519::is_in_subgroup(point), ed25519::is_point(point)) << to_hex(point);
    in += ed25519::is_point(point) ? 1 : 0;
  }
  EXPECT_GT(in, 0U);
}

// By libsodium and by hand, of what is right and of every bit of it that is not.
TEST(Signatures, HaveOneVerdictBothWays) {
  const SigningKey key(Seed{21});
  const Bytes message{'x', 'a'};
  const Signature signature = key.sign(message);
  const ed25519::Point point = key.public_key().bytes;
  EXPECT_TRUE(ed25519::verify_by_hand(point, message, signature));
  EXPECT_TRUE(ed25519::verify_by_library(point, message, signature));
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    Signature bad = signature;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1U << bit % 8);
    ASSERT_FALSE(ed25519::verify_by_hand(point, message, bad)) << bit;
    ASSERT_FALSE(ed25519::verify_by_library(point, message, bad)) << bit;
  }
}

TEST(Signatures, OfNothingAndZeroAreRefusedAndNotAnError) {
  const ed25519::Point key = SigningKey(Seed{22}).public_key().bytes;
  Signature zero{};
  EXPECT_FALSE(ed25519::verify_by_hand(key, {}, zero));
  EXPECT_FALSE(ed25519::verify_by_library(key, {}, zero));
  EXPECT_FALSE(check_key(NodeId()).ok());
}

TEST(X25519, AgreesWithWycheproof) {
  std::size_t cases = 0, none = 0;
  for (const auto& row : rows_of("x25519_wycheproof.txt")) {
    ++cases;
    const auto theirs = hex_array<32>(row.at(2));
    const bool zero = hex_array<32>(row.at(3)) == std::array<std::uint8_t, 32>{};
    const auto shared = DhKey(hex_array<32>(row.at(1))).shared(theirs);
    ASSERT_EQ(shared.ok(), !zero) << row.at(0);
    if (shared.ok()) {
      ASSERT_EQ(to_hex(*shared), row.at(3)) << row.at(0);
    } else {
      ASSERT_EQ(shared.error().code(), Errc::kMalformed) << row.at(0);
      ++none;
      EXPECT_FALSE(check_dh_key(theirs).ok()) << row.at(0);
    }
    EXPECT_EQ(check_dh_key(theirs).ok(), !zero && ed25519::is_field_element(theirs)) << row.at(0);
  }
  EXPECT_EQ(cases, 518U);
  EXPECT_EQ(none, 31U);
}

TEST(X25519, AKeyHasOneSpelling) {
  const auto key = DhKey(Seed{3}).public_key();
  EXPECT_TRUE(check_dh_key(key).ok());
  auto high = key;
  high[31] |= 0x80;
  EXPECT_EQ(*DhKey(Seed{4}).shared(high), *DhKey(Seed{4}).shared(key));
  EXPECT_EQ(check_dh_key(high).error().code(), Errc::kMalformed);
  // 9, and 9 + 2^255 - 19.
  auto nine = hex_array<32>("0900000000000000000000000000000000000000000000000000000000000000");
  EXPECT_TRUE(check_dh_key(nine).ok());
  nine = hex_array<32>("f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
  EXPECT_EQ(check_dh_key(nine).error().code(), Errc::kMalformed);
}

}  // namespace
}  // namespace lienthong
