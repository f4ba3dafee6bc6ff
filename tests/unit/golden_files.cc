// Themes "bundles" and "files": what is carried by hand, and the small files of a data folder.
#include "agent/joining/identity_files.h"
#include "protocol/bundle/record.h"
#include "protocol/crypto/secret_file.h"
#include "protocol/wire/part.h"
#include "store/exchange/invitation.h"
#include "tests/unit/golden_themes.h"

namespace lienthong::golden {
namespace {

Seed seed_of(std::uint8_t byte) {
  Seed out;
  out.fill(byte);
  return out;
}

std::uint64_t running_hash(const RootFingerprint& root, const FeedPart& part) {
  std::uint64_t hash = 0;
  for (const Statement& statement : part.statements)
    hash = next_feed_hash(root, hash, statement_id(root, statement).view());
  for (const SealedUnit& unit : part.units)
    for (const SealedLeaf& leaf : unit.leaves)
      hash = next_feed_hash(root, hash, update_id(root, leaf.update).view());
  return hash;
}

std::vector<BundleRecord> records_of(const World& world) {
  FeedPart registry, updates;
  registry.statements = world.deployment.statements();
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    updates.units.push_back(world.seals[i].unit);
    count += world.seals[i].unit.leaves.size();
  }
  const auto part = [&](std::uint64_t epoch, const FeedPart& of, std::uint64_t last) {
    return EncodedPart{epoch,
                       {{1, last, running_hash(world.root(), of)}},
                       wire::encode_part_body(world.root(), of)};
  };
  Cursor cursor;
  cursor.mark = {8, 2, 0x99};
  cursor.ranges = {{5, 9, 0x11}};
  return {BundlePart{FeedKind::kRegistry, part(7, registry, registry.statements.size())},
          BundleReceipt{FeedKind::kUpdates, world.c->id(), cursor},
          BundlePart{FeedKind::kUpdates, part(8, updates, count)}, BundleEnd{2}};
}

void tell(const BundleRecord& record, const Item& item, const Context& context, Item& out) {
  out.say("record", std::uint64_t{record.index()});
  if (const auto* part = std::get_if<BundlePart>(&record)) {
    const FeedPart body = need(wire::decode_part_body(context.root(), part->part.body), item);
    const CursorRange& places = part->part.covered.at(0);
    out.say("part",
            std::to_string(body.statements.size()) + " statements, " +
                std::to_string(body.units.size()) + " units, epoch " +
                std::to_string(part->part.epoch) + ", places " + std::to_string(places.first) +
                '-' + std::to_string(places.last) +
                (running_hash(context.root(), body) == places.hash ? ", hash good" : ", hash bad"));
  } else if (const auto* receipt = std::get_if<BundleReceipt>(&record)) {
    out.say("receipt", "of " + receipt->writer.hex() + " up to " +
                           std::to_string(receipt->cursor.mark.number));
  } else if (const auto* end = std::get_if<BundleEnd>(&record)) {
    out.say("end", "after " + std::to_string(end->parts) + " parts");
  }
}

Seed seed_in(const Item& item, std::string_view part) {
  ByteReader in(item[part]);
  return need(in.array<32>(), item);
}

}  // namespace

void make_bundles(const World& world, std::vector<Item>& out) {
  Item& item = out.emplace_back();
  item.name = "bundle";
  item.give("writer", world.d->key.seed()).give("file-key", seed_of(0x21));
  item.give("ephemeral", seed_of(0x22)).give("reader", world.o->key.seed());
  item.give("reader-dh", world.o->dh_key.secret());
  const BundleHeader header{world.root(),  world.other,          world.district,
                            world.d->id(), world.d->certificate, 1'680'652'800'000};
  BundleWriter writer = *BundleWriter::create(header,
                                              {{world.o->id(), world.o->dh_key.public_key()},
                                               {world.c->id(), world.c->dh_key.public_key()}},
                                              world.d->key, seed_of(0x21), seed_of(0x22));
  Bytes file = writer.head();
  for (const BundleRecord& record : records_of(world)) {
    const Bytes bytes = *writer.add(record);
    file.insert(file.end(), bytes.begin(), bytes.end());
  }
  item.give("other-recipient", world.c->id().view());
  item.give("other-recipient-dh", world.c->dh_key.public_key()).give("file", file);
}

Item read_bundle(const Item& item, const Context& context) {
  Item out;
  out.name = item.name;
  const SigningKey reader_key(seed_in(item, "reader"));
  const DhKey dh(seed_in(item, "reader-dh"));
  const NodeId node = reader_key.public_key();
  const auto certificate = context.whole().certificate_of(node);
  if (!certificate) throw std::runtime_error("the reader is unknown");
  const AgencyId agency = context.whole().find_certificate(*certificate)->agency;
  BundleReader reader(context.root(), agency, node, dh);
  std::vector<BundleRecord> records;
  for (ByteView bytes = item["file"];; bytes = {}) {
    const auto next = need(reader.next(bytes), item);
    if (!next) break;
    records.push_back(*next);
  }
  const BundleHeader header = reader.header().value();
  // Written once more with the keys that it was written with.
  const BundleRecipient other{NodeId::from(item["other-recipient"]),
                              seed_in(item, "other-recipient-dh")};
  BundleWriter writer =
      need(BundleWriter::create(header, {{node, dh.public_key()}, other},
                                SigningKey(seed_in(item, "writer")), seed_in(item, "file-key"),
                                seed_in(item, "ephemeral")),
           item);
  Bytes file = writer.head();
  for (const BundleRecord& record : records) {
    const Bytes bytes = need(writer.add(record), item);
    file.insert(file.end(), bytes.begin(), bytes.end());
  }
  for (const auto& [name, bytes] : item.given) out.give(name, name == "file" ? file : bytes);
  out.say("for", context.agency(header.target)).say("by", context.signer(header.certificate));
  out.say("time", time_text(header.at)).say("complete", reader.complete() ? "yes" : "no");
  for (const BundleRecord& record : records) tell(record, item, context, out);
  return out;
}

void make_files(const World& world, std::vector<Item>& out) {
  const auto file = [&](const char* name, std::string_view text) {
    out.emplace_back().give_text("text", text).name = name;
  };
  file("node.key", agent::render_node_keys(NodeKeys{world.c->key, world.c->dh_key}));
  file("node.cert", agent::render_node_card({world.commune, world.c->certificate, 3}));
  file("root.pin", agent::render_root_pin(world.root()));
  std::array<std::uint8_t, 16> salt;
  salt.fill(0x11);
  std::array<std::uint8_t, 24> nonce;
  nonce.fill(0x12);
  file("root.key", seal_secret(world.deployment.key_in_use().seed(), "mat khau goc", salt, nonce,
                               {1, 8ULL << 20}));
  store::Invitation invitation{
      seed_of(0x0b), world.other,       true,
      true,          1'680'912'000'000, MachineKeys{world.o->id(), world.o->dh_key.public_key()}};
  out.emplace_back().give("invitation", store::encode_invitation(invitation)).name =
      "invitation-used";
  invitation.used_by.reset();
  out.emplace_back().give("invitation", store::encode_invitation(invitation)).name = "invitation";
}

Item read_file(const Item& item, const Context& context) {
  Item out;
  out.name = item.name;
  if (item.has("invitation")) {
    const auto read = need(store::decode_invitation(item["invitation"]), item);
    out.give("invitation", store::encode_invitation(read));
    out.say("agency", context.agency(read.agency)).say("expires", time_text(read.expires_at));
    out.say("may-issue", read.may_issue ? "yes" : "no")
        .say("declared", read.declared ? "yes" : "no");
    out.say("used-by", read.used_by ? read.used_by->node.hex() : "nobody");
    return out;
  }
  const std::string_view text = as_text(item["text"]);
  if (item.name == "node.key") {
    const NodeKeys keys = need(agent::parse_node_keys(text), item);
    out.give_text("text", agent::render_node_keys(keys)).say("node", keys.signing.public_key());
    out.say("dh-key", to_hex(keys.dh.public_key()));
  } else if (item.name == "node.cert") {
    const auto card = need(agent::parse_node_card(text), item);
    out.give_text("text", agent::render_node_card(card)).say("agency", context.agency(card.agency));
    out.say("certificate-of", context.signer(card.certificate));
    out.say("thousand", std::uint64_t{card.thousand});
  } else if (item.name == "root.pin") {
    const RootFingerprint root = need(agent::parse_root_pin(text), item);
    out.give_text("text", agent::render_root_pin(root)).say("root", root);
  } else {  // sealed under a passphrase
    const Seed seed = need(open_secret(text, "mat khau goc"), item);
    out.give_text("text", text).say("key", SigningKey(seed).public_key());
    const bool refused = !open_secret(text, "mat khau khac").ok();
    out.say("another-passphrase", refused ? "is refused" : "opens it");
  }
  return out;
}

}  // namespace lienthong::golden
