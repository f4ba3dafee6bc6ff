// Themes "updates" and "seals": what was written, by whom, and what proves it.
#include <algorithm>

#include "tests/unit/golden_themes.h"

namespace lienthong::golden {
namespace {

std::string kind_text(UpdateKind kind) {
  return std::string(to_string(kind)) + ' ' + std::to_string(static_cast<unsigned>(kind));
}

const char* kind_text(RecordKind kind) {
  switch (kind) {
    case RecordKind::kDossier: return "dossier 1";
    case RecordKind::kLeg: return "leg 2";
    case RecordKind::kFeedback: return "feedback 3";
    case RecordKind::kDocument: return "document 4";
    case RecordKind::kProcedure: return "procedure 5";
  }
  return "unknown";
}

std::string list_text(const FieldInfo* info, const Bytes& bytes) {
  std::string out;
  if (info != nullptr && info->type == FieldType::kComponents) {
    const auto items = wire::decode_components(bytes).value();
    for (const wire::Component& one : items)
      out += '[' + one.name + ", " + one.kind + ' ' + std::to_string(one.copies) + ", " +
             one.digest + ' ' + std::to_string(one.size) + ' ' + one.media_type + ']';
  } else if (info != nullptr && info->type == FieldType::kFees) {
    const auto items = wire::decode_fees(bytes).value();
    for (const wire::Fee& one : items)
      out += '[' + one.name + ", " + std::to_string(one.amount) + ' ' + one.paid + ' ' +
             time_text(one.paid_at) + ' ' + one.receipt + ']';
  }
  return out.empty() ? "data " + to_hex(bytes) : "list " + out;
}

void say_writes(const std::vector<FieldWrite>& writes, const Context& context, Item& out) {
  for (const FieldWrite& write : writes) {
    const FieldInfo* info = find_field(write.field);
    std::string line = std::to_string(write.field) + ' ' +
                       (info == nullptr ? "unknown" : std::string(info->json)) + ' ';
    if (const auto* text = std::get_if<std::string>(&write.value))
      line += "text " + *text;
    else if (const auto* integer = std::get_if<std::int64_t>(&write.value))
      line += "integer " + std::to_string(*integer);
    else if (const auto* bytes = std::get_if<Bytes>(&write.value))
      line += info != nullptr && info->type == FieldType::kAgency && bytes->size() == 32
                  ? "agency " + context.agency(AgencyId::from(*bytes))
                  : list_text(info, *bytes);
    else
      line += "cleared";
    out.say("write", line);
  }
}

void say_envelope(const Envelope& envelope, const Context& context, Item& out) {
  out.say("record", envelope.record.is_zero() ? "begins" : envelope.record.hex());
  out.say("by", context.signer(envelope.certificate));
  out.say("time",
          time_text(envelope.hlc.millis()) + ' ' + std::to_string(envelope.hlc.value & 0xffff));
  out.say("tree-version", std::uint64_t{envelope.tree_version});
  out.say("rules-version", std::uint64_t{envelope.rules_version});
  for (const UpdateId& id : envelope.deps) out.say("parent", context.update_name(id));
  if (envelope.link) out.say("link", context.update_name(*envelope.link));
}

void say_open(const OpenBody& open, const Context& context, Item& out) {
  out.say("kind", kind_text(open.kind));
  if (open.kind == UpdateKind::kCreated) out.say("record-kind", kind_text(open.record_kind));
  if (!open.target.is_zero()) out.say("target", context.agency(open.target));
  if (open.urgent) out.say("urgent", "yes");
  say_writes(open.writes, context, out);
  for (const std::uint16_t field : open.closed_fields)
    out.say("closed-field", std::uint64_t{field});
  if (!open.action.empty()) out.say("action", open.action);
  if (open.at != 0) out.say("at", time_text(open.at));
  for (const UpdateId& id : open.references) out.say("reference", context.update_name(id));
  if (!open.lead.is_zero()) out.say("lead", context.update_name(id_cast<UpdateId>(open.lead)));
  if (open.deadline != 0) out.say("deadline", time_text(open.deadline));
  if (!open.decision.empty()) out.say("decision", open.decision);
  if (!open.official_code.empty()) out.say("official-code", open.official_code);
  if (!open.code_system.empty()) out.say("code-system", open.code_system);
  if (open.code_withdrawn) out.say("code-withdrawn", "yes");
}

void say_closed(const Update& update, const OpenBody& open, const Context& context, Item& out) {
  if (update.closed_hash.is_zero()) return;
  out.say("closed-hash", update.closed_hash);
  const UpdateId id = update_id(context.root(), update);
  const auto secret = context.secret_of(update, id);
  if (update.closed.empty() || !secret) return;
  out.say("closed-part",
          check_closed(context.root(), *secret, update).ok() ? "is what was hashed" : "is another");
  const ClosedBody closed = check_closed_form(update, open).value();
  if (!closed.key_hash.empty()) out.say("key-hash", to_hex(closed.key_hash));
  say_writes(closed.writes, context, out);
  if (!closed.officer.empty()) out.say("officer", closed.officer);
  if (!closed.note.empty()) out.say("closed-note", closed.note);
  if (!closed.action.empty()) out.say("closed-action", closed.action);
  if (!closed.account.empty()) out.say("account", closed.account);
  const ShownPart shown = show_closed_part(context.root(), *secret, update);
  out.say("salt", to_hex(shown.salt));
  out.say("shown-alone", check_shown(context.root(), shown).ok() ? "good" : "bad");
}

}  // namespace

Update update_of(const Item& item) {
  Update update;
  update.envelope = need(decode_envelope(item["envelope"]), item);
  update.open = item["open"];
  if (item.has("closed")) update.closed = item["closed"];
  if (item.has("closed-hash")) update.closed_hash = Hash256::from(item["closed-hash"]);
  if (item.has("secret")) {
    RecordSecret secret;
    std::ranges::copy(item["secret"], secret.begin());
    update.secret = secret;
  }
  return update;
}

void give_update(Item& item, const Update& update) {
  item.give("envelope", encode_envelope(update.envelope)).give("open", update.open);
  if (!update.closed.empty()) item.give("closed", update.closed);
  if (!update.closed_hash.is_zero()) item.give("closed-hash", update.closed_hash.view());
  if (update.secret) item.give("secret", *update.secret);
}

void make_updates(const World& world, std::vector<Item>& out) {
  for (const Written& written : world.updates) {
    Item& item = out.emplace_back();
    item.name = written.name;
    give_update(item, written.update);
  }
}

Item read_update(const Item& item, const Context& context) {
  Item out;
  out.name = item.name;
  const Update update = update_of(item);
  const OpenBody open = need(check_form(update), item);
  Update again = update;
  again.open = wire::encode(open);
  if (!update.closed.empty())
    again.closed = wire::encode(need(check_closed_form(update, open), item));
  give_update(out, again);
  out.say("id", update_id(context.root(), update));
  say_envelope(update.envelope, context, out);
  say_open(open, context, out);
  say_closed(update, open, context, out);
  return out;
}

void make_seals(const World& world, std::vector<Item>& out) {
  for (const Sealed& sealed : world.seals) {
    Item& item = out.emplace_back();
    item.name = sealed.name;
    item.give("seal", encode_seal(sealed.unit.seal)).give("leaves", joined(sealed.ids));
    // What a replica keeps of it that holds its last leaf alone.
    std::vector<IndexedLeaf> all;
    for (const UpdateId& id : sealed.ids)
      all.push_back({static_cast<std::uint16_t>(all.size()), id_cast<Hash256>(id)});
    const RootFingerprint& root = world.root();
    const std::uint16_t last = all.back().index;
    SealEvidence whole(sealed.unit.seal), part(sealed.unit.seal);
    LT_CHECK(whole.absorb(root, all, {}).ok());
    const auto proof = whole.prove(root, std::span(&last, 1));
    LT_CHECK(part.absorb(root, std::span(all).last(1), proof).ok());
    item.give("evidence", part.encode());
  }
}

Item read_seal(const Item& item, const Context& context) {
  Item out;
  out.name = item.name;
  const RootFingerprint& root = context.root();
  const Seal seal = need(decode_seal(item["seal"]), item);
  const auto ids = ids_of(item["leaves"]);
  const SealEvidence evidence = need(SealEvidence::decode(item["evidence"]), item);
  out.give("seal", encode_seal(seal)).give("leaves", joined(ids));
  out.give("evidence", evidence.encode());
  out.say("id", seal_id(root, seal)).say("by", context.signer(seal.certificate));
  out.say("incarnation", seal.incarnation).say("number", std::uint64_t{seal.number});
  out.say("previous", seal.previous.is_zero() ? "none" : seal.previous.hex());
  const Certificate* signer = context.whole().find_certificate(seal.certificate);
  const bool good = signer != nullptr && verify_seal(root, seal, signer->node).ok();
  out.say("signature", good ? "good" : "bad");
  std::vector<Hash256> leaves;
  for (const UpdateId& id : ids) {
    leaves.push_back(id_cast<Hash256>(id));
    out.say("leaf", context.update_name(id));
  }
  out.say("covers", merkle_root(root, leaves) == seal.root ? "these leaves" : "others");
  const auto last = static_cast<std::uint16_t>(seal.count - 1);
  const std::vector<Hash256> proof = evidence.prove(root, std::span(&last, 1));
  const IndexedLeaf leaf{last, leaves.back()};
  const auto led = merkle_root_from_part(root, seal.count, std::span(&leaf, 1), proof);
  out.say("proof-of-last", std::to_string(proof.size()) + " hashes, " +
                               (led.ok() && *led == seal.root ? "good" : "bad"));
  return out;
}

}  // namespace lienthong::golden
