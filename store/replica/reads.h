// Internal to store/: reads of what several rows say together, alike from the database or from an
// overlay: anything with get(key), and scan() where that is used.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "store/replica/ledger.h"
#include "store/replica/replica.h"
#include "store/replica/rows.h"

namespace lienthong::store {

// Looks a row up by its id's index and checks the full id, for anything with get(key).
template <class Source>
std::optional<std::uint64_t> update_number(const Source& source, const UpdateId& id) {
  const auto number = source.get(key::update_index(id));
  if (!number) return std::nullopt;
  const auto row = source.get(key::update(decode_number(*number)));
  if (!row || as_bytes(*row).size() < 32 || UpdateId::from(as_bytes(*row).first(32)) != id)
    return std::nullopt;
  return decode_number(*number);
}
template <class Source>
std::optional<std::uint32_t> record_number(const Source& source, const RecordId& id) {
  const auto number = source.get(key::record_index(id));
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(decode_number(*number));
}
template <class Source>
std::optional<std::uint32_t> seal_number(const Source& source, const SealId& id) {
  const auto number = source.get(key::seal_index(id));
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(decode_number(*number));
}
template <class Source>
std::optional<Seal> read_seal(const Source& source, std::uint32_t number) {
  const auto row = source.get(key::seal(number));
  if (!row) return std::nullopt;
  auto seal = decode_seal(as_bytes(*row));
  if (!seal.ok()) throw std::runtime_error("stored seal: " + seal.error().message());
  return *std::move(seal);
}
template <class Source>
std::optional<SealEvidence> read_evidence(const Source& source, std::uint32_t number) {
  const auto row = source.get(key::evidence(number));
  if (!row) return std::nullopt;
  auto evidence = SealEvidence::decode(as_bytes(*row));
  if (!evidence.ok()) throw std::runtime_error("stored seal: " + evidence.error().message());
  return *std::move(evidence);
}

OpenBody decode_stored_open(const Update& update);

// Which seal covers a stored update. nullopt: not sealed yet.
template <class Source>
std::optional<UpdateSeal> read_update_seal(const Source& source, const UpdateRow& row,
                                           std::uint64_t number) {
  if (row.seal) return row.seal;
  const auto sealed = source.get(key::update_seal(number));
  if (!sealed) return std::nullopt;
  return decode_update_seal(*sealed);
}

// What the registry makes of it, held under those seals; none: it is not sealed yet.
inline void set_trust(GraphUpdate& update, const Registry& registry,
                      std::span<const HeldSeal> seals) {
  const UpdateTrust trust =
      registry.trust_in(update.envelope.certificate, seals, update.envelope.tree_version);
  update.believed = trust.believed;
  update.held_to = trust.held_to;
  update.certificate_version = trust.certificate_version;
}

// No further seal could make it worth more.
inline bool counts_in_full(const GraphUpdate& update) {
  return update.believed && update.held_to <= update.envelope.tree_version;
}

template <class Source>
void add_held_seal(const Source& source, const Registry& registry, std::uint32_t number,
                   std::vector<HeldSeal>& seals) {
  auto seal = read_seal(source, number);
  if (!seal) throw std::runtime_error("stored seal is missing");
  const SealId id = seal_id(registry, *seal);
  seals.push_back({*std::move(seal), id});
}

// ---- many updates, each kind of row read at once ----

inline constexpr std::size_t kUpdatesAtOnce = 128;

// Updates of these numbers with what seals them, all rows of a kind together. Gone: nullopt.
template <class Source>
class UpdateRows {
 public:
  UpdateRows(const Source& source, std::span<const std::uint64_t> numbers) {
    std::vector<std::string> keys;
    for (const std::uint64_t number : numbers) keys.push_back(key::update(number));
    std::vector<std::string> unknown;  // rows that tell which seal
    for (const auto& bytes : source.get_all(keys)) {
      rows_.emplace_back();
      if (bytes) rows_.back().emplace(decode_update_row(*bytes));
      if (bytes && !rows_.back()->seal)
        unknown.push_back(key::update_seal(numbers[rows_.size() - 1]));
    }
    const auto told = source.get_all(unknown);
    std::vector<std::string> seals;
    std::size_t at = 0;
    for (auto& row : rows_) {
      if (!row) continue;
      if (!row->seal)
        if (const auto& bytes = told[at++]) row->seal = decode_update_seal(*bytes);
      if (row->seal && seals_.try_emplace(row->seal->seal).second)
        seals.push_back(key::seal(row->seal->seal));
    }
    std::ranges::sort(seals);  // as the map is
    const auto found = source.get_all(seals);
    at = 0;
    for (auto& [number, seal] : seals_) {
      if (!found[at]) throw std::runtime_error("stored seal is missing");
      auto decoded = decode_seal(as_bytes(*found[at++]));
      if (!decoded.ok()) throw std::runtime_error("stored seal: " + decoded.error().message());
      seal = *std::move(decoded);
    }
  }
  std::size_t size() const { return rows_.size(); }
  std::optional<UpdateRow>& operator[](std::size_t index) { return rows_[index]; }
  const Seal& seal(std::uint32_t number) const { return seals_.at(number); }

 private:
  std::vector<std::optional<UpdateRow>> rows_;
  std::map<std::uint32_t, Seal> seals_;
};

// The update as the fold sees it. Its row, and its seal if it has one, were read.
template <class Source>
GraphUpdate graph_update(const Source& source, const Ledger& ledger, std::uint64_t number,
                         UpdateRow row, const Seal* sealed) {
  GraphUpdate out;
  out.id = row.id;
  out.open = decode_stored_open(row.update);
  out.envelope = std::move(row.update.envelope);
  const Registry& registry = *ledger.registry;
  if (const auto* certificate = registry.find_certificate(out.envelope.certificate)) {
    out.agency = certificate->agency;
    out.node = certificate->node;
  }
  std::vector<HeldSeal> seals;
  if (sealed != nullptr) {
    HeldSeal& held = seals.emplace_back();
    held.seal = *sealed;
    // Its name is asked for where something was cut off, and costs more than all else here.
    if (registry.is_cut(out.envelope.certificate) || registry.is_cut(sealed->certificate))
      held.id = seal_id(registry, *sealed);
  }
  set_trust(out, registry, seals);
  if (sealed == nullptr || counts_in_full(out)) return out;
  seals.clear();
  add_held_seal(source, registry, row.seal->seal, seals);
  const std::string prefix = key::further_seals(number);
  source.scan(prefix, prefix, [&](std::string_view k, std::string_view) {
    add_held_seal(source, registry, decode_number4(k.substr(9)), seals);
    return true;
  });
  if (seals.size() > 1) set_trust(out, registry, seals);
  return out;
}

template <class Source>
GraphUpdate read_graph_update(const Source& source, const Ledger& ledger, std::uint64_t number) {
  UpdateRows rows(source, std::span(&number, 1));
  if (!rows[0])
    throw std::runtime_error("update " + std::to_string(number) + " of a record is missing");
  const Seal* seal = rows[0]->seal ? &rows.seal(rows[0]->seal->seal) : nullptr;
  return graph_update(source, ledger, number, *std::move(rows[0]), seal);
}

template <class Source>
std::vector<GraphUpdate> read_graph(const Source& source, const Ledger& ledger,
                                    const RecordRow& row) {
  std::vector<GraphUpdate> out;
  out.reserve(row.updates.size());
  for (std::size_t from = 0; from < row.updates.size(); from += kUpdatesAtOnce) {
    const auto numbers =
        std::span(row.updates).subspan(from, std::min(kUpdatesAtOnce, row.updates.size() - from));
    UpdateRows rows(source, numbers);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (!rows[i])
        throw std::runtime_error("update " + std::to_string(numbers[i]) +
                                 " of a record is missing");
      const Seal* seal = rows[i]->seal ? &rows.seal(rows[i]->seal->seal) : nullptr;
      out.push_back(graph_update(source, ledger, numbers[i], *std::move(rows[i]), seal));
    }
  }
  return out;
}

// A stored update as readers see it. Its row, and its seal if it has one, were read.
inline StoredUpdate stored_update(const Ledger& ledger, std::uint64_t number, UpdateRow row,
                                  const Seal* sealed) {
  StoredUpdate out;
  out.number = number;
  out.id = row.id;
  out.update = std::move(row.update);
  out.open = decode_stored_open(out.update);
  if (const auto* certificate =
          ledger.registry->find_certificate(out.update.envelope.certificate)) {
    out.agency = certificate->agency;
    out.node = certificate->node;
  }
  if (sealed != nullptr) out.seal = seal_id(*ledger.registry, *sealed);
  out.received_at = row.received_at;
  out.ours = row.source == 0;
  return out;
}

// nullopt: withdrawn.
template <class Source>
std::optional<StoredUpdate> read_update(const Source& source, const Ledger& ledger,
                                        std::uint64_t number) {
  const auto bytes = source.get(key::update(number));
  if (!bytes) return std::nullopt;
  UpdateRow row = decode_update_row(*bytes);
  const auto sealed = read_update_seal(source, row, number);
  const auto seal = sealed ? read_seal(source, sealed->seal) : std::nullopt;
  return stored_update(ledger, number, std::move(row), seal ? &*seal : nullptr);
}

// Those of these numbers that are here, in that order.
template <class Source, class Visit>
void for_each_update(const Source& source, const Ledger& ledger,
                     std::span<const std::uint64_t> numbers, const Visit& visit) {
  for (; !numbers.empty(); numbers = numbers.subspan(std::min(kUpdatesAtOnce, numbers.size()))) {
    const auto some = numbers.first(std::min(kUpdatesAtOnce, numbers.size()));
    UpdateRows rows(source, some);
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (!rows[i]) continue;
      const Seal* seal = rows[i]->seal ? &rows.seal(rows[i]->seal->seal) : nullptr;
      visit(stored_update(ledger, some[i], *std::move(rows[i]), seal));
    }
  }
}

RecordState decode_stored_state(const RecordRow& row);

// nullopt: no such record.
template <class Source>
std::optional<RecordEntry> read_record(const Source& source, std::uint32_t number) {
  const auto bytes = source.get(key::record(number));
  if (!bytes) return std::nullopt;
  RecordRow row = decode_record_row(*bytes);
  return RecordEntry{decode_stored_state(row), std::move(row.updates)};
}

// Numbers of the records that name that one as their lead, ascending.
template <class Source>
std::vector<std::uint32_t> led_numbers(const Source& source, const RecordId& lead) {
  std::vector<std::uint32_t> out;
  const std::string prefix = key::led_prefix(lead);
  source.scan(prefix, prefix, [&](std::string_view k, std::string_view) {
    out.push_back(decode_number4(k.substr(k.size() - 4)));
    return true;
  });
  return out;
}

// Ascending; both are.
std::vector<AgencyId> united(const std::vector<AgencyId>& a, const std::vector<AgencyId>& b);

}  // namespace lienthong::store
