// Keeps office rows in step with records inside a transaction. Internal to store/.
// docs/storage.md, "Office rows".
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/record/codec.h"
#include "protocol/record/registers.h"
#include "store/office/name_table.h"
#include "store/office/row.h"
#include "store/office/search_text.h"
#include "store/replica/database.h"
#include "store/replica/replica_impl.h"

namespace lienthong::store {

// The rows of one record under change.
struct OfficeDraft {
  OfficeRow row;
  bool loaded = false;
  bool stored = false;  // there is a row on the disk or in the overlay
  bool dirty = false;
  bool search_stale = false;
  std::string search;  // to be written; empty: nothing is
};

class OfficeWriter final : public Interner {
 public:
  OfficeWriter(Overlay& overlay, NameTable& names) : overlay_(overlay), names_(names) {}

  std::uint32_t intern(NameKind kind, std::string_view bytes) override;

  // extend() has applied the update to the state. `closed`: its closed part, nothing in it when it
  // is not here. False: only a refold can tell.
  bool extended(OfficeDraft& draft, std::uint32_t record, const RecordState& state,
                const GraphUpdate& update, const ClosedBody& closed);
  // The state was folded from those updates.
  void refolded(OfficeDraft& draft, const RecordState& state, std::span<const GraphUpdate> updates);
  // Writes what has changed into the overlay.
  void flush(OfficeDraft& draft, std::uint32_t record, const RecordState& state);
  // An update of that agency has entered.
  void heard(const AgencyId& agency, std::uint64_t hlc);

  void savepoint();
  void rollback();
  void before_commit();  // rows of what was heard; numbers become known to readers

 private:
  Overlay& overlay_;
  NameTable& names_;
  std::vector<std::string> fresh_;  // entries numbered from names_.size() + 1
  std::unordered_map<std::string, std::uint32_t> fresh_numbers_;
  std::unordered_map<AgencyId, std::uint64_t> heard_, saved_heard_;
  std::size_t saved_fresh_ = 0;
};

// What is searched of a record: open texts of its state, and closed ones by `closed(field)`.
template <class Closed>
SearchText search_text_of(const RecordState& state, const Closed& closed) {
  const auto open = [&](Field field) {
    return search_form(open_text(state, field).value_or(std::string()));
  };
  return {open(Field::kCode), closed(Field::kApplicantName), closed(Field::kSummary),
          open(Field::kProcedureName)};
}

// The texts of a closed part; none when it is not here.
ClosedBody closed_body(ByteView closed_part);
std::string closed_text(const ClosedBody& body, Field field);

// The closed ones from the updates that `source` holds; none of an erased record.
template <class Source>
SearchText read_search_text(const Source& source, const RecordState& state) {
  return search_text_of(state, [&](Field field) -> std::string {
    const auto at = state.closed_fields.find(static_cast<std::uint16_t>(field));
    if (!state.erased_by.is_zero() || at == state.closed_fields.end()) return {};
    const auto writer = update_number(source, at->second.writes.at(0));
    const auto bytes = writer ? source.get(key::update(*writer)) : std::nullopt;
    if (!bytes) return {};
    return closed_text(closed_body(decode_update_row(*bytes).update.closed), field);
  });
}

// Knows what is known and makes nothing up: 0 where no row can have it.
class KnownNames final : public Interner {
 public:
  explicit KnownNames(const NameTable& names) : names_(names) {}
  std::uint32_t intern(NameKind kind, std::string_view bytes) override {
    return names_.find(kind, bytes);
  }

 private:
  const NameTable& names_;
};

// Whether the stored rows are those that the state and its updates give. `record`: number as in
// keys.
bool office_rows_agree(const Database& database, const NameTable& names, std::string_view record,
                       const RecordState& state, std::span<const GraphUpdate> updates);

}  // namespace lienthong::store
