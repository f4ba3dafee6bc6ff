// Keeps office rows in step with records inside a transaction: a projection of the replica.
// Internal to store/. docs/storage.md, "Office rows".
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/record/codec.h"
#include "protocol/record/registers.h"
#include "store/office/keys.h"
#include "store/office/name_table.h"
#include "store/office/official_code.h"
#include "store/office/row.h"
#include "store/office/search_text.h"
#include "store/replica/projection.h"
#include "store/replica/reads.h"

namespace lienthong::store {

class OfficeWriter final : public ProjectionWriter, public Interner {
 public:
  OfficeWriter(OwnRows rows, NameTable& names) : rows_(rows), names_(names) {}

  std::uint32_t intern(NameKind kind, std::string_view bytes) override;

  std::unique_ptr<RecordDraft> open(std::uint32_t record, const RecordState* stored) override;
  void entered(const GraphUpdate& update) override;
  void savepoint() override;
  void rollback() override;
  void before_commit() override;  // rows of what was heard; numbers become known to readers

 private:
  OwnRows rows_;
  NameTable& names_;
  std::vector<std::string> fresh_;  // entries numbered from names_.size() + 1
  std::unordered_map<std::string, std::uint32_t> fresh_numbers_;
  std::unordered_map<AgencyId, std::uint64_t> heard_, saved_heard_;
  std::size_t saved_fresh_ = 0;
};

class OfficeProjection final : public Projection {
 public:
  std::string_view name() const override { return "office"; }
  unsigned version() const override { return 3; }  // 2: numbers of applicants; 3: official codes
  std::string_view letters() const override { return key::kOfficeLetters; }
  void load(const Database& database) override;
  std::unique_ptr<ProjectionWriter> begin(OwnRows rows) override {
    return std::make_unique<OfficeWriter>(rows, names_);
  }
  bool agrees(const Database& database, std::uint32_t record, const RecordState& state,
              std::span<const GraphUpdate> updates) const override;

  const NameTable& names() const { return names_; }

 private:
  NameTable names_;
};

// Whether an update may change what is searched of its record.
bool touches_search(const OpenBody& body);

// What is searched of a record: open texts of its state, and closed ones by `closed(field)`.
template <class Closed>
SearchText search_text_of(const RecordState& state, const Closed& closed,
                          const std::string& codes = {}) {
  const auto open = [&](Field field) {
    return search_form(open_text(state, field).value_or(std::string()));
  };
  return {open(Field::kCode), closed(Field::kApplicantName), closed(Field::kSummary),
          open(Field::kProcedureName),
          closed(Field::kApplicantIdNumber) + " " + closed(Field::kApplicantPhone) + " " +
              closed(Field::kApplicantEmail) + " " + open(Field::kResultNumber) + codes};
}

// The texts of a closed part; none when it is not here.
ClosedBody closed_body(ByteView closed_part);
std::string closed_text(const ClosedBody& body, Field field);

// Official codes, each after a blank.
std::string search_codes(std::span<const OfficialCode> codes);

// The closed ones from the updates that `source` holds; none of an erased record.
template <class Source>
SearchText read_search_text(const Source& source, std::uint32_t record, const RecordState& state) {
  const auto closed = [&](Field field) -> std::string {
    const auto at = state.closed_fields.find(static_cast<std::uint16_t>(field));
    if (!state.erased_by.is_zero() || at == state.closed_fields.end()) return {};
    const auto writer = update_number(source, at->second.writes.at(0));
    const auto bytes = writer ? source.get(key::update(*writer)) : std::nullopt;
    if (!bytes) return {};
    return closed_text(closed_body(decode_update_row(*bytes).update.closed), field);
  };
  return search_text_of(state, closed, search_codes(official_codes_at(source, record)));
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

}  // namespace lienthong::store
