// Themes "parts" and "compressed": bodies of parts in full and with short names, and messages made
// small. What is written again may be spelled otherwise by a later program, and is then read as the
// same: only what was recorded must be read for ever.
#include <algorithm>

#include "protocol/wire/compress.h"
#include "protocol/wire/message.h"
#include "protocol/wire/part.h"
#include "tests/support/part_maker.h"
#include "tests/unit/golden_themes.h"

namespace lienthong::golden {
namespace {

// What a side of a session holds once it has stored those parts.
class Held final : public test::FakeNames {
 public:
  explicit Held(const Context& context) : root_(context.root()) {
    const Registry& registry = context.whole();
    for (const AgencyId& agency : registry.everyone()) agencies[agency];
    for (const StatementId& id : registry.statements())
      if (registry.find_certificate(id_cast<CertificateId>(id)) != nullptr)
        certificates[id_cast<CertificateId>(id)];
    wire::Names::seals = &recent_;
    goes_on = true;
  }
  void store(const FeedPart& part) {
    enter(root_, part);
    for (const SealedUnit& unit : part.units) recent_.note(unit.seal, seal_id(root_, unit.seal));
  }

 private:
  RootFingerprint root_;
  wire::RecentSeals recent_;
};

const Sealed& named(const World& world, const char* name) {
  return *std::ranges::find(world.seals, name, &Sealed::name);
}

// Those leaves of it, with what proves them.
SealedUnit leaves_of(const World& world, const Sealed& sealed,
                     const std::vector<std::uint16_t>& indices) {
  std::vector<IndexedLeaf> all;
  for (const UpdateId& id : sealed.ids)
    all.push_back({static_cast<std::uint16_t>(all.size()), id_cast<Hash256>(id)});
  SealEvidence evidence(sealed.unit.seal);
  LT_CHECK(evidence.absorb(world.root(), all, {}).ok());
  SealedUnit out{sealed.unit.seal, {}, evidence.prove(world.root(), indices)};
  for (const std::uint16_t index : indices) out.leaves.push_back(sealed.unit.leaves[index]);
  return out;
}

void say_units(const FeedPart& part, const Context& context, Item& out) {
  for (const SealedUnit& unit : part.units) {
    std::vector<std::string> leaves;
    for (const SealedLeaf& leaf : unit.leaves)
      leaves.push_back(std::to_string(leaf.index) + ' ' +
                       context.update_name(update_id(context.root(), leaf.update)) +
                       (leaf.update.closed.empty() && !leaf.update.closed_hash.is_zero()
                            ? " without its closed part"
                            : ""));
    out.say("unit", "seal " + std::to_string(unit.seal.number) + " of " +
                        context.signer(unit.seal.certificate) + ", " + list_of(leaves) + ", " +
                        std::to_string(unit.proof.size()) + " hashes");
    for (const SealedLeaf& leaf : unit.leaves) {
      const UpdateId id = update_id(context.root(), leaf.update);
      Update whole = context.update(id);
      if (leaf.update.closed.empty()) {
        whole.closed.clear();
        whole.secret.reset();
      }
      if (whole != leaf.update) throw std::runtime_error("another update than in the files");
    }
  }
  for (const Statement& statement : part.statements) out.say("statement", context.id_of(statement));
}

std::string with_dictionary(std::uint64_t number) {
  return number == 0 ? "none" : std::to_string(number);
}

}  // namespace

void make_parts(const World& world, std::vector<Item>& out) {
  const RootFingerprint& root = world.root();
  const auto part_of = [&](const std::string& name, const FeedPart& part) {
    Item& item = out.emplace_back();
    item.name = name;
    item.give("body", wire::encode_part_body(root, part));
  };
  FeedPart registry, all, some, single, stripped;
  registry.statements = world.deployment.statements();
  for (const Sealed& sealed : world.seals) all.units.push_back(sealed.unit);
  some.units = {leaves_of(world, named(world, "birth.2"), {0, 2}),
                leaves_of(world, named(world, "forks.1"), {1})};
  single.units = {named(world, "birth.8").unit};
  stripped.units = {named(world, "birth.1").unit};
  for (SealedLeaf& leaf : stripped.units[0].leaves) {
    leaf.update.closed.clear();
    leaf.update.secret.reset();
  }
  part_of("registry", registry);
  part_of("updates", all);
  part_of("some-leaves", some);
  part_of("one-update", single);
  part_of("stripped", stripped);
  part_of("nothing", {});
  // With short names: what both sides hold stands beside it.
  FeedPart before, after;
  for (const char* name : {"kinds.1", "birth.1", "birth.2"})
    before.units.push_back(named(world, name).unit);
  for (const char* name : {"birth.3", "birth.4", "birth.5", "birth.6"})
    after.units.push_back(named(world, name).unit);
  Files files;
  make_statements(world, files["statements"]);
  const Context context(files);
  Held sender(context);
  sender.store(before);
  sender.enter(root, after);
  Item& item = out.emplace_back();
  item.name = "short-names";
  item.give("before", wire::encode_part_body(root, before));
  item.give("body", wire::encode_part_body(root, after, &sender));
}

Item read_part(const Item& item, const Context& context) {
  Item out;
  out.name = item.name;
  Held reader(context);
  if (item.has("before")) {
    reader.store(need(wire::decode_part_body(context.root(), item["before"]), item));
    out.give("before", item["before"]);
  }
  const wire::Names* names = item.has("before") ? &reader : nullptr;
  const FeedPart part = need(wire::decode_part_body(context.root(), item["body"], names), item);
  out.give("body", item["body"]);
  out.say("names", wire::names_shortly(item["body"]) ? "short" : "in full");
  say_units(part, context, out);
  const FeedPart again = need(
      wire::decode_part_body(context.root(), wire::encode_part_body(context.root(), part)), item);
  if (again != part) throw std::runtime_error(item.name + ": it is not read again as written");
  return out;
}

void make_compressed(const World& world, std::vector<Item>& out) {
  FeedPart one, two;
  one.units = {named(world, "birth.1").unit, named(world, "birth.2").unit};
  two.units = {named(world, "birth.3").unit, named(world, "birth.5").unit};
  const auto message = [&](const FeedPart& part) {
    return wire::encode_message(wire::PartMessage{
        FeedKind::kUpdates, {7, {}, wire::encode_part_body(world.root(), part)}, false});
  };
  const Bytes first = message(one), second = message(two);
  for (const std::uint32_t dictionary : {0U, 1U}) {
    const std::string ending = dictionary == 0 ? "" : "-dictionary-1";
    Item& alone = out.emplace_back();
    alone.name = "alone" + ending;
    alone.give_number("dictionary", dictionary).give("message.1", first);
    alone.give("packed.1", wire::MessageDeflater(dictionary).deflate(first).value());
    Item& stream = out.emplace_back();
    stream.name = "stream" + ending;
    stream.give_number("dictionary", dictionary).give("message.1", first);
    stream.give("message.2", second);
    wire::BacklogDeflater deflater(9, dictionary);
    stream.give("packed.1", deflater.deflate(first).value());
    stream.give("packed.2", deflater.deflate(second).value());
  }
}

Item read_compressed(const Item& item, const Context&) {
  Item out;
  out.name = item.name;
  const std::uint64_t number = item.number("dictionary");
  const auto dictionary = static_cast<std::uint32_t>(number);
  const bool stream = item.has("packed.2");
  wire::BacklogInflater backlog(dictionary);
  out.give_number("dictionary", number);
  for (const char* message : {"message.1", "message.2"})
    if (item.has(message)) out.give(message, item[message]);
  out.say("dictionary", with_dictionary(number));
  for (const std::string place : {"1", "2"}) {
    if (!item.has("packed." + place)) continue;
    const Bytes& packed = item["packed." + place];
    const Bytes inflated = need(
        stream ? backlog.inflate(packed) : wire::MessageInflater(dictionary).inflate(packed), item);
    if (inflated != item["message." + place])
      throw std::runtime_error(item.name + ": it inflates to another message");
    out.give("packed." + place, packed);
    out.say("inflates-to", std::to_string(inflated.size()) + " bytes");
  }
  // What this program packs now, it inflates.
  const Bytes& message = item["message.1"];
  const auto packed = wire::MessageDeflater(dictionary).deflate(message);
  if (!packed || need(wire::MessageInflater(dictionary).inflate(*packed), item) != message)
    throw std::runtime_error(item.name + ": it does not inflate what it packs");
  return out;
}

}  // namespace lienthong::golden
