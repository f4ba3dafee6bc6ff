// Theme "bundles": a file from the province's node to two machines of the commune.
#include "protocol/bundle/record.h"
#include "protocol/wire/part.h"
#include "tests/unit/docs_vectors_world.h"

namespace lienthong::vectors {
namespace {

void wrapped_keys(const Example& example, const DhKey& ephemeral,
                  const std::vector<BundleRecipient>& recipients, Theme& out) {
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    const std::string name = "recipient." + std::to_string(i);
    const auto shared = *ephemeral.shared(recipients[i].dh_key);
    out.result(name + ".shared", shared);
    out.result(name + ".wrap", hash(kTagBundleKey, example.root, ByteView(ephemeral.public_key()),
                                    ByteView(recipients[i].dh_key), ByteView(shared)));
  }
}

std::vector<BundleRecord> records_of(const Example& example) {
  FeedPart registry;
  std::uint64_t running = 0;
  for (const Statement& statement : example.statements) {
    registry.statements.push_back(statement);
    running = next_feed_hash(example.root, running, statement_id(example.root, statement).view());
  }
  const FeedPart updates = example.part();
  return {
      BundlePart{FeedKind::kRegistry,
                 {kEpoch + 1, {{1, 5, running}}, wire::encode_part_body(example.root, registry)}},
      BundleReceipt{FeedKind::kUpdates, example.commune.id(), example.cursor()},
      BundlePart{FeedKind::kUpdates,
                 {updates.epoch, updates.covered, wire::encode_part_body(example.root, updates)}},
      BundleEnd{2}};
}

// What one of the recipients reads.
std::vector<BundleRecord> read(BundleReader reader, ByteView file) {
  std::vector<BundleRecord> out;
  for (;; file = {}) {
    const auto next = reader.next(file);
    LT_CHECK(next.ok());
    if (!*next) break;
    out.push_back(**next);
  }
  LT_CHECK(reader.complete());
  return out;
}

}  // namespace

void bundles(Theme& out) {
  const Example example;
  const SigningKey other(seed_of(0x17));
  const DhKey other_dh(seed_of(0x18));
  const Seed file_key = seed_of(0x21), ephemeral = seed_of(0x22);
  out.input("other.node.seed", other.seed());
  out.input("other.dh.secret", other_dh.secret());
  out.input("file_key", file_key);
  out.input("ephemeral.secret", ephemeral);
  out.input("time", static_cast<std::uint64_t>(kNow));
  const std::vector<BundleRecipient> recipients{
      {example.commune.id(), example.commune.dh_key.public_key()},
      {other.public_key(), other_dh.public_key()}};
  out.result("ephemeral", DhKey(ephemeral).public_key());
  wrapped_keys(example, DhKey(ephemeral), recipients, out);

  const BundleHeader header{
      example.root,          example.commune.agency,       example.province.agency,
      example.province.id(), example.province.certificate, kNow};
  BundleWriter writer =
      *BundleWriter::create(header, recipients, example.province.key, file_key, ephemeral);
  Bytes file = writer.head();
  constexpr std::size_t kBefore = 14, kSignature = 64;  // magic, version, length; at the end
  const ByteView signed_bytes = ByteView(file).subspan(kBefore, file.size() - kBefore - kSignature);
  const Hash256 head_hash = hash(kTagBundle, example.root, signed_bytes);
  LT_CHECK(writer.head().size() > kBefore + kSignature);
  out.result("head", file);
  out.result("head.hash", head_hash);
  std::uint64_t number = 0;
  const std::vector<BundleRecord> records = records_of(example);
  for (const BundleRecord& record : records) {
    const std::string name = "record." + std::to_string(++number);
    const Bytes content = encode_bundle_record(record);
    ByteWriter place;
    place.u64(number);
    const Hash256 hashed =
        hash(kTagBundleRecord, example.root, head_hash, ByteView(place.bytes()), ByteView(content));
    const Bytes bytes = *writer.add(record);
    out.result(name + ".content", content);
    out.result(name + ".hash", hashed);
    out.result(name + ".signature", example.province.key.sign(hashed.view()));
    out.result(name, bytes);
    file.insert(file.end(), bytes.begin(), bytes.end());
  }
  out.result("file", file);
  const AgencyId target = example.commune.agency;
  LT_CHECK(read({example.root, target, example.commune.id(), example.commune.dh_key}, file) ==
           records);
  LT_CHECK(read({example.root, target, other.public_key(), other_dh}, file) == records);
}

}  // namespace lienthong::vectors
