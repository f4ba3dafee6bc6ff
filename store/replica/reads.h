// Internal to store/: reads of what several rows say together, alike from the database or from an
// overlay: anything with get(key), and scan() where that is used.
#pragma once

#include <optional>
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

// A stored update as readers see it. nullopt: withdrawn.
template <class Source>
std::optional<StoredUpdate> read_update(const Source& source, const Ledger& ledger,
                                        std::uint64_t number) {
  const auto bytes = source.get(key::update(number));
  if (!bytes) return std::nullopt;
  UpdateRow row = decode_update_row(*bytes);
  const auto sealed = read_update_seal(source, row, number);
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
  if (sealed)
    if (const auto seal = read_seal(source, sealed->seal))
      out.seal = seal_id(*ledger.registry, *seal);
  out.received_at = row.received_at;
  out.ours = row.source == 0;
  return out;
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

// The update as the fold sees it.
template <class Source>
GraphUpdate read_graph_update(const Source& source, const Ledger& ledger, std::uint64_t number) {
  const auto bytes = source.get(key::update(number));
  if (!bytes)
    throw std::runtime_error("update " + std::to_string(number) + " of a record is missing");
  UpdateRow row = decode_update_row(*bytes);
  const auto sealed = read_update_seal(source, row, number);
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
  if (sealed) add_held_seal(source, registry, sealed->seal, seals);
  set_trust(out, registry, seals);
  if (!sealed || counts_in_full(out)) return out;
  const std::string prefix = key::further_seals(number);
  source.scan(prefix, prefix, [&](std::string_view k, std::string_view) {
    add_held_seal(source, registry, decode_number4(k.substr(9)), seals);
    return true;
  });
  if (seals.size() > 1) set_trust(out, registry, seals);
  return out;
}

template <class Source>
std::vector<GraphUpdate> read_graph(const Source& source, const Ledger& ledger,
                                    const RecordRow& row) {
  std::vector<GraphUpdate> out;
  out.reserve(row.updates.size());
  for (const std::uint64_t number : row.updates)
    out.push_back(read_graph_update(source, ledger, number));
  return out;
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
