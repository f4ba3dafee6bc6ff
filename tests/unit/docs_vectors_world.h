// The deployment of docs/protocol/vectors.md: two agencies with a node each, one record of two
// updates. Everything follows from fixed seeds.
#pragma once

#include "protocol/crypto/hash.h"
#include "protocol/feed/feed.h"
#include "protocol/record/codec.h"
#include "protocol/record/registry.h"
#include "tests/unit/docs_vectors.h"

namespace lienthong::vectors {

inline constexpr UnixMillis kNow = 1'680'307'200'000;  // 2023-04-01T00:00:00Z
inline constexpr std::uint64_t kEpoch = 0x0102030405060708;

template <std::size_t N>
std::array<std::uint8_t, N> filled(std::uint8_t byte) {
  std::array<std::uint8_t, N> out;
  out.fill(byte);
  return out;
}
inline Seed seed_of(std::uint8_t byte) { return filled<32>(byte); }

struct Office {
  AgencyId agency;
  CertificateId certificate;
  SigningKey key;
  DhKey dh_key;
  NodeId id() const { return key.public_key(); }
};

class Example {
 public:
  Example();

  UpdateId first_id() const { return update_id(root, first); }
  UpdateId second_id() const { return update_id(root, second); }
  static RecordSecret secret() { return filled<16>(7); }
  std::shared_ptr<const Registry> registry(std::size_t statement_count) const;
  // Both updates as places 1 and 2 of a feed.
  FeedPart part() const;
  Cursor cursor() const;

  SigningKey in_use, on_paper;
  RootFingerprint root;
  Office province, commune;
  // genesis, agency and certificate of the province, agency and certificate of the commune
  std::vector<Statement> statements;
  Update first, second;
  Seal seal;
  static constexpr std::uint64_t kIncarnation = 0x1122334455667789;           // of `seal`
  static constexpr std::uint64_t kStatementIncarnation = 0x2233445566778899;  // of statements

 private:
  void declare_province();
  void declare_commune();
  void write_record();
};

}  // namespace lienthong::vectors
