#include "store/replica/short_names.h"

#include <algorithm>

namespace lienthong::store {
namespace {

constexpr std::size_t kIndexed = 16;  // bytes of an id in its index
// A record with more updates after one than this is named in full.
constexpr std::size_t kWalkCountMax = 64;

std::size_t common_size(ByteView a, ByteView b) {
  const std::size_t size = std::min(a.size(), b.size());
  std::size_t same = 0;
  while (same < size && a[same] == b[same]) ++same;
  return same;
}

// Bytes by which `id` is told from all other keys of its index (one letter, first bytes of the id).
// Those that begin alike lie together; there are hardly ever any.
template <class Source>
std::size_t prefix_in_index(const Source& source, const std::string& key, std::size_t shortest) {
  const std::string begin = key.substr(0, 1 + shortest);
  std::size_t size = shortest;
  source.scan(begin, begin, [&](std::string_view at, std::string_view) {
    if (at != key) size = std::max(size, common_size(as_bytes(at), as_bytes(key)));
    return true;
  });
  return size > kIndexed ? Hash256::kSize : size;
}

// The one number under that beginning of an index; nullopt: none or several.
template <class Source>
std::optional<std::uint64_t> only_number(const Source& source, char letter, ByteView prefix) {
  std::string begin(1, letter);
  begin += as_text(prefix.first(std::min(prefix.size(), kIndexed)));
  std::optional<std::uint64_t> found;
  std::size_t count = 0;
  source.scan(begin, begin, [&](std::string_view, std::string_view value) {
    found = decode_number(value);
    return ++count < 2;
  });
  return count == 1 ? found : std::nullopt;
}

bool starts_with(ByteView bytes, ByteView prefix) {
  return common_size(bytes, prefix) == prefix.size();
}

template <class Source>
std::optional<UpdateId> find_update_in(const Source& source, ByteView prefix) {
  const auto number = only_number(source, 'I', prefix);
  const auto bytes = number ? source.get(key::update(*number)) : std::nullopt;
  if (!bytes) return std::nullopt;
  const UpdateId id = UpdateId::from(as_bytes(*bytes).first(UpdateId::kSize));
  return starts_with(id.view(), prefix) ? std::optional(id) : std::nullopt;
}

// What begins so in the index of seals, and is that in full.
template <class Source>
std::vector<wire::Names::HeldSeal> find_seals_in(const Source& source, const Registry& registry,
                                                 ByteView prefix) {
  std::string begin = "s";
  begin += as_text(prefix.first(std::min(prefix.size(), kIndexed)));
  std::vector<std::uint64_t> numbers;
  source.scan(begin, begin, [&](std::string_view, std::string_view value) {
    numbers.push_back(decode_number(value));
    return numbers.size() <= wire::kHeldSealsTriedMax;
  });
  std::vector<wire::Names::HeldSeal> out;
  if (numbers.size() > wire::kHeldSealsTriedMax) return out;
  for (const std::uint64_t number : numbers) {
    const auto seal = read_seal(source, static_cast<std::uint32_t>(number));
    if (!seal) continue;
    const SealId id = seal_id(registry, *seal);
    if (starts_with(id.view(), prefix)) out.push_back({id, *seal});
  }
  return out;
}

std::optional<UpdateId> last_link(const RecordState& state) {
  return state.chain.empty() ? std::nullopt : std::optional(state.tip());
}

// What is known of a seal's tree, from what is held of it.
template <class Source>
std::optional<std::vector<Hash256>> prove_from(const Source& source, const Registry& registry,
                                               const SealId& id,
                                               std::span<const std::uint16_t> indices) {
  const auto number = seal_number(source, id);
  const auto evidence = number ? read_evidence(source, *number) : std::nullopt;
  if (!evidence) return std::nullopt;
  return evidence->siblings(registry.root_of(evidence->seal().certificate), indices);
}

// Agencies and certificates are named among all statements.
class RegistryNames : public wire::Names {
 public:
  explicit RegistryNames(std::shared_ptr<const Registry> registry)
      : registry_(std::move(registry)) {}

  std::size_t prefix_size(const AgencyId& id) const override {
    return registry_->find_agency(id) == nullptr ? Hash256::kSize : among_statements(id.view());
  }
  std::size_t prefix_size(const CertificateId& id) const override {
    return registry_->find_certificate(id) == nullptr ? Hash256::kSize
                                                      : among_statements(id.view());
  }
  std::optional<AgencyId> find_agency(ByteView prefix) const override {
    const auto id = only_statement(prefix);
    if (!id || registry_->find_agency(id_cast<AgencyId>(*id)) == nullptr) return std::nullopt;
    return id_cast<AgencyId>(*id);
  }
  const Registry& registry() const { return *registry_; }
  std::optional<CertificateId> find_certificate(ByteView prefix) const override {
    const auto id = only_statement(prefix);
    if (!id || registry_->find_certificate(id_cast<CertificateId>(*id)) == nullptr)
      return std::nullopt;
    return id_cast<CertificateId>(*id);
  }

 private:
  const std::vector<StatementId>& statements() const {
    if (statements_.empty()) statements_ = registry_->statements();
    return statements_;
  }
  std::size_t among_statements(ByteView id) const {
    std::size_t size = wire::kShortNameBytes;
    for (const StatementId& other : statements())
      if (const std::size_t same = common_size(other.view(), id); same < Hash256::kSize)
        size = std::max(size, same + 1);
    return size;
  }
  std::optional<StatementId> only_statement(ByteView prefix) const {
    std::optional<StatementId> found;
    for (const StatementId& id : statements()) {
      if (!starts_with(id.view(), prefix)) continue;
      if (found) return std::nullopt;
      found = id;
    }
    return found;
  }

  std::shared_ptr<const Registry> registry_;
  mutable std::vector<StatementId> statements_;
};

class SenderNames final : public RegistryNames {
 public:
  SenderNames(const Database& database, std::shared_ptr<const Registry> registry)
      : RegistryNames(std::move(registry)), database_(database) {}
  using RegistryNames::prefix_size;

  std::size_t prefix_size(const RecordId& id) const override {
    return prefix_in_index(database_, key::record_index(id), wire::kShortNameBytes);
  }
  std::size_t prefix_size(const UpdateId& id) const override {
    return prefix_in_index(database_, key::update_index(id), wire::kShortUpdateBytes);
  }
  std::size_t prefix_size(const SealId& id) const override {
    return prefix_in_index(database_, key::seal_index(id), wire::kShortSealBytes);
  }

  // From how the record stands now, back over what came after. Only where every step is plain: one
  // head, and links at the end of the chain.
  std::optional<wire::RecordPlace> place_before(const RecordId& record,
                                                const UpdateId& update) const override {
    const RecordRow* row = read(record);
    const auto number = row == nullptr ? std::nullopt : update_number(database_, update);
    if (!number) return std::nullopt;
    const RecordState state = decode_stored_state(*row);
    wire::RecordPlace place{state.heads, last_link(state)};
    std::size_t links = state.chain.size();
    const auto& updates = row->updates;
    for (std::size_t i = updates.size(); i-- > 0;) {
      if (updates.size() - i > kWalkCountMax || !state.forks.empty()) return std::nullopt;
      const auto bytes = database_.get(key::update(updates[i]));
      if (!bytes) return std::nullopt;
      UpdateRow later = decode_update_row(*bytes);
      if (place.heads.size() != 1 || place.heads.front() != later.id) return std::nullopt;
      place.heads = std::move(later.update.envelope.deps);
      if (is_link(decode_stored_open(later.update).kind)) {
        if (links == 0 || state.chain[links - 1].id != later.id) return std::nullopt;
        --links;
        place.link = links > 0 ? std::optional(state.chain[links - 1].id) : std::nullopt;
      }
      if (updates[i] == *number) return place;
    }
    return std::nullopt;
  }

  std::optional<RecordId> find_record(ByteView prefix) const override {
    const auto number = only_number(database_, 'r', prefix);
    const auto bytes =
        number ? database_.get(key::record(static_cast<std::uint32_t>(*number))) : std::nullopt;
    if (!bytes) return std::nullopt;
    const RecordId id = RecordId::from(as_bytes(*bytes).first(RecordId::kSize));
    return starts_with(id.view(), prefix) ? std::optional(id) : std::nullopt;
  }
  std::optional<UpdateId> find_update(ByteView prefix) const override {
    return find_update_in(database_, prefix);
  }
  std::optional<wire::RecordPlace> place_now(const RecordId& record) const override {
    const RecordRow* row = read(record);
    if (row == nullptr) return std::nullopt;
    const RecordState state = decode_stored_state(*row);
    return wire::RecordPlace{state.heads, last_link(state)};
  }
  std::optional<RecordSecret> secret(const RecordId& record) const override {
    const RecordRow* row = read(record);
    return row == nullptr ? std::nullopt : row->secret;
  }

 private:
  const RecordRow* read(const RecordId& id) const {
    if (read_ && read_->id == id) return &*read_;
    const auto number = record_number(database_, id);
    const auto bytes = number ? database_.get(key::record(*number)) : std::nullopt;
    if (!bytes) return nullptr;
    read_ = decode_record_row(*bytes);
    return read_->id == id ? &*read_ : nullptr;
  }

  const Database& database_;
  mutable std::optional<RecordRow> read_;  // the last one
};

class ReceiverNames final : public RegistryNames {
 public:
  ReceiverNames(const Overlay& overlay, std::shared_ptr<const Registry> registry, FindRecord record)
      : RegistryNames(std::move(registry)), overlay_(overlay), record_(std::move(record)) {}
  using RegistryNames::prefix_size;

  std::size_t prefix_size(const RecordId& id) const override {
    return prefix_in_index(overlay_, key::record_index(id), wire::kShortNameBytes);
  }
  std::size_t prefix_size(const UpdateId& id) const override {
    return prefix_in_index(overlay_, key::update_index(id), wire::kShortUpdateBytes);
  }
  std::size_t prefix_size(const SealId& id) const override {
    return prefix_in_index(overlay_, key::seal_index(id), wire::kShortSealBytes);
  }
  std::optional<wire::RecordPlace> place_before(const RecordId&, const UpdateId&) const override {
    return std::nullopt;
  }

  std::optional<RecordId> find_record(ByteView prefix) const override {
    const auto number = only_number(overlay_, 'r', prefix);
    const OpenRecord* record = number ? record_(static_cast<std::uint32_t>(*number)) : nullptr;
    if (record == nullptr || !starts_with(record->row.id.view(), prefix)) return std::nullopt;
    return record->row.id;
  }
  std::optional<UpdateId> find_update(ByteView prefix) const override {
    return find_update_in(overlay_, prefix);
  }
  std::vector<HeldSeal> held_seals(ByteView prefix) const override {
    return find_seals_in(overlay_, registry(), prefix);
  }
  std::optional<std::vector<Hash256>> seal_proof(
      const SealId& id, std::span<const std::uint16_t> indices) const override {
    return prove_from(overlay_, registry(), id, indices);
  }
  std::optional<wire::RecordPlace> place_now(const RecordId& id) const override {
    const OpenRecord* record = find(id);
    if (record == nullptr) return std::nullopt;
    return wire::RecordPlace{record->state.heads, last_link(record->state)};
  }
  std::optional<RecordSecret> secret(const RecordId& id) const override {
    const OpenRecord* record = find(id);
    return record == nullptr ? std::nullopt : record->row.secret;
  }

 private:
  const OpenRecord* find(const RecordId& id) const {
    const auto number = record_number(overlay_, id);
    const OpenRecord* record = number ? record_(*number) : nullptr;
    return record != nullptr && record->row.id == id ? record : nullptr;
  }
  const Overlay& overlay_;
  FindRecord record_;
};

}  // namespace

std::unique_ptr<wire::Names> sender_names(const Database& database,
                                          std::shared_ptr<const Registry> registry) {
  return std::make_unique<SenderNames>(database, std::move(registry));
}

std::unique_ptr<wire::Names> receiver_names(const Overlay& overlay,
                                            std::shared_ptr<const Registry> registry,
                                            FindRecord record) {
  return std::make_unique<ReceiverNames>(overlay, std::move(registry), std::move(record));
}

std::unique_ptr<wire::Names> Replica::names() const {
  return sender_names(*impl_->database, impl_->ledger()->registry);
}

std::unique_ptr<wire::Names> Transaction::names() {
  auto names = receiver_names(impl_->overlay, impl_->ledger.registry,
                              [&tx = *impl_](std::uint32_t number) -> const OpenRecord* {
                                OpenRecord* record = tx.find(number);
                                if (record != nullptr) tx.settle(*record, number);
                                return record;
                              });
  names->seals = &impl_->replica.recent_seals;
  return names;
}

}  // namespace lienthong::store
