#include "store/office/writer.h"

#include <algorithm>

namespace lienthong::store {
namespace {

bool touches_search(const OpenBody& body) {
  if (body.kind == UpdateKind::kErase) return true;
  const auto open = [](const FieldWrite& write) {
    return write.field == static_cast<std::uint16_t>(Field::kCode) ||
           write.field == static_cast<std::uint16_t>(Field::kProcedureName);
  };
  const auto closed = [](std::uint16_t field) {
    return field == static_cast<std::uint16_t>(Field::kApplicantName) ||
           field == static_cast<std::uint16_t>(Field::kSummary);
  };
  return std::ranges::any_of(body.writes, open) || std::ranges::any_of(body.closed_fields, closed);
}

}  // namespace

ClosedBody closed_body(ByteView closed_part) {
  if (closed_part.empty()) return {};
  auto body = wire::decode_closed(closed_part);
  return body.ok() ? *std::move(body) : ClosedBody();
}

std::string closed_text(const ClosedBody& body, Field field) {
  for (const FieldWrite& write : body.writes)
    if (const auto* text = std::get_if<std::string>(&write.value);
        text != nullptr && write.field == static_cast<std::uint16_t>(field))
      return search_form(*text);
  return {};
}

std::uint32_t OfficeWriter::intern(NameKind kind, std::string_view bytes) {
  if (const std::uint32_t known = names_.find(kind, bytes)) return known;
  std::string entry = name_entry(kind, bytes);
  const auto [at, added] = fresh_numbers_.try_emplace(entry, 0);
  if (!added) return at->second;
  fresh_.push_back(std::move(entry));
  at->second = names_.size() + static_cast<std::uint32_t>(fresh_.size());
  overlay_.put(key::office_name(at->second), fresh_.back());
  return at->second;
}

bool OfficeWriter::extended(OfficeDraft& draft, std::uint32_t record, const RecordState& state,
                            const GraphUpdate& update, const ClosedBody& closed) {
  if (state.kind != RecordKind::kDossier) return true;
  draft.dirty = true;
  if (!has_row(state)) return true;
  if (update.envelope.record.is_zero()) {
    draft.row = build_row(state, std::span(&update, 1), *this);
    draft.search =
        encode(search_text_of(state, [&](Field field) { return closed_text(closed, field); }));
    draft.loaded = true;
    return true;
  }
  if (!draft.loaded) {
    const auto bytes = overlay_.get(key::office(record));
    if (!bytes) return false;
    draft.row = decode_office_row(*bytes);
    draft.loaded = draft.stored = true;
  }
  draft.row.updated = std::max(draft.row.updated, update.envelope.hlc.millis());
  if (state.timeline.empty() || state.timeline.back() != update.id) return true;
  add_update(draft.row, update, state, *this);
  draft.search_stale = draft.search_stale || touches_search(update.open);
  return true;
}

void OfficeWriter::refolded(OfficeDraft& draft, const RecordState& state,
                            std::span<const GraphUpdate> updates) {
  if (state.kind != RecordKind::kDossier) return;
  draft.dirty = draft.loaded = draft.search_stale = true;
  draft.row = has_row(state) ? build_row(state, updates, *this) : OfficeRow();
}

void OfficeWriter::flush(OfficeDraft& draft, std::uint32_t record, const RecordState& state) {
  if (!std::exchange(draft.dirty, false)) return;
  if (!has_row(state)) {
    if (draft.stored || overlay_.get(key::office(record))) {
      overlay_.erase(key::office(record));
      overlay_.erase(key::search(record));
    }
    draft = {};
    return;
  }
  set_head(draft.row, state, *this);
  overlay_.put(key::office(record), encode(draft.row));
  draft.stored = true;
  if (std::exchange(draft.search_stale, false))
    draft.search = encode(read_search_text(overlay_, state));
  if (!draft.search.empty()) overlay_.put(key::search(record), std::move(draft.search));
  draft.search.clear();
}

void OfficeWriter::heard(const AgencyId& agency, std::uint64_t hlc) {
  std::uint64_t& newest = heard_[agency];
  newest = std::max(newest, hlc);
}

void OfficeWriter::savepoint() {
  saved_fresh_ = fresh_.size();
  saved_heard_ = heard_;
}

void OfficeWriter::rollback() {
  for (std::size_t i = saved_fresh_; i < fresh_.size(); ++i) fresh_numbers_.erase(fresh_[i]);
  fresh_.resize(saved_fresh_);
  heard_ = saved_heard_;
}

void OfficeWriter::before_commit() {
  for (const auto& [agency, hlc] : heard_) {
    const std::string place = key::heard_of(agency);
    const auto before = overlay_.get(place);
    if (!before || decode_number(*before) < hlc) overlay_.put(place, encode_number(hlc));
  }
  for (std::string& entry : fresh_) names_.add(std::move(entry));
  fresh_.clear();
  fresh_numbers_.clear();
}

bool office_rows_agree(const Database& database, const NameTable& names, std::string_view record,
                       const RecordState& state, std::span<const GraphUpdate> updates) {
  const auto row = database.get("O" + std::string(record));
  const auto search = database.get("G" + std::string(record));
  if (!has_row(state)) return !row && !search;
  KnownNames known(names);
  return row == encode(build_row(state, updates, known)) &&
         search == encode(read_search_text(database, state));
}

}  // namespace lienthong::store
