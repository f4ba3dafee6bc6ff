// Theme "names": parts that name things shortly, and what becomes of names that lead elsewhere.
#include "protocol/wire/part.h"
#include "tests/support/part_maker.h"
#include "tests/unit/docs_vectors_dossiers.h"

namespace lienthong::vectors {
namespace {

// What one side holds; seals in part.
class Held final : public test::FakeNames {
 public:
  Held(const Example& example, const FeedPart& part) : root_(example.root) {
    for (const Office* office : {&example.province, &example.commune}) {
      agencies[office->agency];
      certificates[office->certificate];
    }
    enter(example.root, part);
    for (const SealedUnit& unit : part.units)
      recent_.note(unit.seal, seal_id(example.root, unit.seal));
    wire::Names::seals = &recent_;
    goes_on = true;
  }
  void hold_seal(const Example& example, const SealEvidence& evidence) {
    evidence_ = evidence;
    held_ = {seal_id(example.root, evidence.seal()), evidence.seal()};
  }

  using FakeNames::prefix_size;
  std::size_t prefix_size(const SealId&) const override { return wire::kShortSealBytes; }
  std::vector<HeldSeal> held_seals(ByteView prefix) const override {
    const bool alike = held_ && std::ranges::equal(held_->id.view().first(prefix.size()), prefix);
    return alike ? std::vector<HeldSeal>{*held_} : std::vector<HeldSeal>();
  }
  std::optional<std::vector<Hash256>> seal_proof(
      const SealId&, std::span<const std::uint16_t> indices) const override {
    return evidence_.siblings(root_, indices);
  }

 private:
  RootFingerprint root_;
  wire::RecentSeals recent_;
  SealEvidence evidence_;
  std::optional<HeldSeal> held_;
};

// Prints NAME.read: what `reader` makes of the body. `expected`: of these words which.
void print_read(const std::string& name, const Example& example, const Bytes& body,
                const FeedPart& sent, const wire::Names& reader, std::string_view expected,
                Theme& out) {
  const auto back = wire::decode_part(example.root, body, &reader);
  if (!back.ok()) LT_CHECK(back.error().code() == Errc::kUnclear);
  std::string_view read = "unclear";
  if (back.ok()) read = back->units == sent.units ? "the same" : "other";
  LT_CHECK(read == expected);
  out.result(name + ".read", read);
}

// A record that does not exist, whose id begins as another's does.
RecordId alike(const RecordId& id, std::size_t bytes) {
  RecordId out = id;
  for (std::size_t i = bytes; i < out.bytes.size(); ++i) out.bytes[i] ^= 0xff;
  return out;
}

void short_names(const Example& example, const Dossiers& dossiers, Theme& out) {
  FeedPart before, part;
  before.units = {dossiers.created, dossiers.by_province};
  part.units = {dossiers.later};
  Held sender(example, before), reader(example, before);
  sender.enter(example.root, part);
  const Bytes body = wire::encode_part_body(example.root, part, &sender);
  out.result("full.body", wire::encode_part_body(example.root, part));
  out.result("short.body", body);
  print_read("short", example, body, part, reader, "the same", out);

  Held without_goes_on(example, before);
  without_goes_on.enter(example.root, part);
  without_goes_on.goes_on = false;
  const Bytes raw = wire::encode_part_body(example.root, part, &without_goes_on);
  out.result("short.not_going_on.body", raw);
  print_read("short.not_going_on", example, raw, part, reader, "the same", out);

  // The first update is of the record that is named first.
  const RecordId named = dossiers.later.leaves[0].update.envelope.record;
  const RecordId other = alike(named, 5);
  out.input("collision.record", named);
  out.input("collision.other", other);
  Held doubtful(example, before);
  doubtful.records[other];
  print_read("collision.at_reader", example, body, part, doubtful, "unclear", out);
  Held knowing(example, before);
  knowing.enter(example.root, part);
  knowing.records[other];
  const Bytes longer = wire::encode_part_body(example.root, part, &knowing);
  out.result("collision.at_sender.body", longer);
  print_read("collision.at_sender", example, longer, part, doubtful, "the same", out);

  Held elsewhere(example, before);
  elsewhere.records[named].now.heads = {UpdateId{filled<32>(0x55)}};
  print_read("elsewhere", example, body, part, elsewhere, "other", out);
  Held absent(example, before);
  absent.records.erase(named);
  print_read("absent", example, body, part, absent, "unclear", out);
}

// Which ids of these a prefix means.
void lookups(const Example& example, const Dossiers& dossiers, Theme& out) {
  FeedPart before;
  before.units = {dossiers.created};
  Held held(example, before);
  std::size_t number = 0;
  for (const auto& [id, record] : test::FakeNames(held).records)
    out.input("held.record." + std::to_string(number++), id);
  const RecordId first = held.records.begin()->first;
  const RecordId twin = alike(first, 4);
  held.records[twin];
  out.input("held.record." + std::to_string(number), twin);
  const auto look = [&](const std::string& name, std::size_t bytes, const RecordId& id) {
    const ByteView prefix = id.view().first(bytes);
    const auto found = held.find_record(prefix);
    out.input("prefix." + name, prefix);
    out.result("prefix." + name + ".means", found ? ByteView(found->bytes) : ByteView());
  };
  look("alone", 4,
       held.records.rbegin()->first == twin ? std::next(held.records.rbegin())->first
                                            : held.records.rbegin()->first);
  look("several", 4, first);
  look("longer", 5, first);
  look("twin", 5, twin);
  look("none", 4, RecordId{filled<32>(0x55)});
  out.result("size.first", held.prefix_size(first));
  out.result("size.twin", held.prefix_size(twin));
}

// Two of the leaves of a seal of which the reader holds the others.
void held_seal(const Example& example, const Dossiers& dossiers, Theme& out) {
  std::vector<IndexedLeaf> all;
  for (const SealedLeaf& leaf : dossiers.created.leaves)
    all.push_back({leaf.index, id_cast<Hash256>(Dossiers::id_of(example, leaf))});
  SealEvidence whole(dossiers.created.seal), held(dossiers.created.seal);
  LT_CHECK(whole.absorb(example.root, all, {}).ok());
  const std::vector<std::uint16_t> sent{1, 4};
  std::vector<IndexedLeaf> others;
  std::vector<std::uint16_t> indices;
  for (const IndexedLeaf& leaf : all) {
    if (std::ranges::find(sent, leaf.index) != sent.end()) continue;
    others.push_back(leaf);
    indices.push_back(leaf.index);
  }
  LT_CHECK(held.absorb(example.root, others, whole.prove(example.root, indices)).ok());

  FeedPart part;
  part.units.push_back({dossiers.created.seal, {}, whole.prove(example.root, sent)});
  for (const std::uint16_t index : sent)
    part.units[0].leaves.push_back(dossiers.created.leaves[index]);
  Held sender(example, {}), reader(example, {});
  sender.seals_held = true;
  reader.hold_seal(example, held);
  const Bytes body = wire::encode_part_body(example.root, part, &sender);
  out.input("held_seal.seal", seal_id(example.root, dossiers.created.seal));
  out.result("held_seal.body", body);
  print_read("held_seal", example, body, part, reader, "the same", out);
  print_read("held_seal.absent", example, body, part, Held(example, {}), "unclear", out);
}

}  // namespace

void names(Theme& out) {
  const Example example;
  const Dossiers dossiers(example);
  Dossiers::print(dossiers.later, "later", example, out);
  short_names(example, dossiers, out);
  lookups(example, dossiers, out);
  held_seal(example, dossiers, out);
}

}  // namespace lienthong::vectors
