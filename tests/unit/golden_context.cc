#include <algorithm>
#include <stdexcept>

#include "tests/unit/golden_themes.h"

namespace lienthong::golden {
namespace {

constexpr Theme kThemes[] = {
    {"statements", make_statements, read_statement},
    {"registries", make_registries, read_registry},
    {"updates", make_updates, read_update},
    {"seals", make_seals, read_seal},
    {"states", make_states, read_state},
    {"parts", make_parts, read_part},
    {"compressed", make_compressed, read_compressed},
    {"messages", make_messages, read_message},
    {"healing", make_healing, read_healing},
    {"scans", make_scans, read_scan},
    {"handshakes", make_handshakes, read_handshake},
    {"bundles", make_bundles, read_bundle},
    {"enrolment", make_enrolment, read_enrolment},
    {"files", make_files, read_file},
    {"evidence", make_evidence, read_evidence},
};

const std::vector<Item>& items_of(const Files& files, const char* theme) {
  static const std::vector<Item> kNone;
  const auto found = files.find(theme);
  return found == files.end() ? kNone : found->second;
}

}  // namespace

std::span<const Theme> themes() { return kThemes; }

Context::Context(const Files& files) {
  for (const Item& item : items_of(files, "statements")) {
    statements_.push_back(need(decode_statement(item["statement"]), item));
    if (statements_.size() == 1) root_ = root_fingerprint(statements_.front().body);
  }
  if (!statements_.empty()) roots_ = whole().roots();
  for (const Statement& statement : statements_) {
    const StatementId id = id_of(statement);
    const StatementBody body = wire::decode_statement(statement.body).value();
    if (const auto* declared = std::get_if<AgencyDeclaration>(&body))
      codes_[id_cast<AgencyId>(id)] = declared->code;
    else if (const auto* certificate = std::get_if<Certificate>(&body))
      certificates_[id_cast<CertificateId>(id)] = certificate->agency;
  }
  for (const Item& item : items_of(files, "updates")) {
    Update update = update_of(item);
    const UpdateId id = update_id(root_, update);
    updates_[id] = {item.name, std::move(update)};
  }
  for (const Item& item : items_of(files, "seals")) {
    Held held;
    held.seal.seal = need(decode_seal(item["seal"]), item);
    held.seal.id = seal_id(root_, held.seal.seal);
    held.ids = ids_of(item["leaves"]);
    seals_.push_back(std::move(held));
  }
}

std::shared_ptr<const Registry> Context::registry(std::size_t count) const {
  auto& kept = registries_[count];
  if (kept) return kept;
  const auto some = std::span(statements_).first(count);
  const auto grown = Registry::create(root_, some.front())->with(some.subspan(1));
  if (!grown.ok()) throw std::runtime_error(grown.error().message());
  return kept = *grown;
}

const RootFingerprint& Context::root_of(const Statement& statement) const {
  const StatementId id = id_of(statement);
  for (const RootFingerprint& root : roots_)
    if (statement_id(root, statement) == id) return root;
  return root_;
}

const Update& Context::update(const UpdateId& id) const { return updates_.at(id).second; }

std::vector<HeldSeal> Context::seals_of(const UpdateId& id, std::size_t count) const {
  std::vector<HeldSeal> out;
  for (const Held& held : std::span(seals_).first(count))
    if (std::ranges::find(held.ids, id) != held.ids.end()) out.push_back(held.seal);
  return out;
}

GraphUpdate Context::judged(const UpdateId& id, std::size_t statements, std::size_t seals) const {
  const Update& stored = update(id);
  const auto known = registry(statements);
  GraphUpdate out;
  out.id = id;
  out.envelope = stored.envelope;
  out.open = wire::decode_open(stored.open).value();
  if (const Certificate* author = known->find_certificate(stored.envelope.certificate)) {
    out.agency = author->agency;
    out.node = author->node;
  }
  const UpdateTrust trust = known->trust_in(stored.envelope.certificate, seals_of(id, seals),
                                            stored.envelope.tree_version);
  out.believed = trust.believed;
  out.held_to = trust.held_to;
  out.certificate_version = trust.certificate_version;
  return out;
}

std::string Context::agency(const AgencyId& id) const {
  if (id.is_zero()) return "nobody";
  const auto found = codes_.find(id);
  return found == codes_.end() ? id.hex() : found->second;
}

std::string Context::signer(const CertificateId& id) const {
  const auto found = certificates_.find(id);
  return found == certificates_.end() ? id.hex() : agency(found->second);
}

std::string Context::update_name(const UpdateId& id) const {
  if (id.is_zero()) return "none";
  const auto found = updates_.find(id);
  return found == updates_.end() ? id.hex() : found->second.first;
}

std::optional<RecordSecret> Context::secret_of(const Update& update, const UpdateId& id) const {
  if (update.secret) return update.secret;
  const auto first = updates_.find(id_cast<UpdateId>(record_of(update, id)));
  return first == updates_.end() ? std::nullopt : first->second.second.secret;
}

void need(const Result<void>& result, const Item& item) {
  if (!result.ok()) throw std::runtime_error(item.name + ": " + result.error().message());
}

std::vector<UpdateId> ids_of(ByteView bytes) {
  std::vector<UpdateId> out;
  for (; bytes.size() >= UpdateId::kSize; bytes = bytes.subspan(UpdateId::kSize))
    out.push_back(UpdateId::from(bytes.first(UpdateId::kSize)));
  return out;
}

Bytes joined(std::span<const UpdateId> ids) {
  ByteWriter out;
  for (const UpdateId& id : ids) out.raw(id.view());
  return out.take();
}

std::string list_of(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "none" : out;
}

}  // namespace lienthong::golden
