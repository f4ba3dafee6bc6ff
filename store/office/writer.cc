#include "store/office/writer.h"

#include <algorithm>

#include "protocol/record/custody.h"
#include "store/office/projections.h"
#include "store/replica/database.h"
#include "store/text/plain.h"

namespace lienthong::store {

bool touches_search(const OpenBody& body) {
  if (body.kind == UpdateKind::kErase || !body.official_code.empty()) return true;
  const auto open = [](const FieldWrite& write) {
    return write.field == static_cast<std::uint16_t>(Field::kCode) ||
           write.field == static_cast<std::uint16_t>(Field::kResultNumber) ||
           write.field == static_cast<std::uint16_t>(Field::kProcedureName);
  };
  const auto closed = [](std::uint16_t field) {
    return field == static_cast<std::uint16_t>(Field::kApplicantName) ||
           field == static_cast<std::uint16_t>(Field::kApplicantIdNumber) ||
           field == static_cast<std::uint16_t>(Field::kApplicantPhone) ||
           field == static_cast<std::uint16_t>(Field::kApplicantEmail) ||
           field == static_cast<std::uint16_t>(Field::kSummary);
  };
  return std::ranges::any_of(body.writes, open) || std::ranges::any_of(body.closed_fields, closed);
}

namespace {

// The rows of one record under change. Its row is read when it is first needed.
class OfficeDraft final : public RecordDraft {
 public:
  OfficeDraft(OwnRows& rows, Interner& names, std::uint32_t record)
      : rows_(rows), names_(names), record_(record) {}
  bool extended(const RecordState& state, const GraphUpdate& update,
                const ClosedBody& closed) override;
  void refolded(const RecordState& state, std::span<const GraphUpdate> updates) override;
  void flush(const RecordState& state) override;

 private:
  OwnRows& rows_;
  Interner& names_;
  const std::uint32_t record_;
  OfficeRow row_;
  bool loaded_ = false;
  bool stored_ = false;  // there is a row on the disk or in the transaction
  bool dirty_ = false;
  bool search_stale_ = false;
  std::string search_;  // to be written; empty: nothing is
};

bool OfficeDraft::extended(const RecordState& state, const GraphUpdate& update,
                           const ClosedBody& closed) {
  if (state.kind != RecordKind::kDossier) return true;
  dirty_ = true;
  if (!has_row(state)) return true;
  if (update.envelope.record.is_zero()) {
    row_ = build_row(state, std::span(&update, 1), names_);
    search_ =
        encode(search_text_of(state, [&](Field field) { return closed_text(closed, field); }));
    loaded_ = true;
    return true;
  }
  if (!loaded_) {
    const auto bytes = rows_.get(key::office(record_));
    if (!bytes) return false;
    row_ = decode_office_row(*bytes);
    loaded_ = stored_ = true;
  }
  row_.updated = std::max(row_.updated, update.envelope.hlc.millis());
  search_stale_ = search_stale_ || touches_search(update.open);
  if (state.timeline.empty() || state.timeline.back() != update.id) {
    // Moments stand in the order of the timeline.
    const bool says = is_link(update.open.kind) || custody::is_field_write(update.open.kind);
    return !says || std::find(state.timeline.rbegin(), state.timeline.rend(), update.id) ==
                        state.timeline.rend();
  }
  add_update(row_, update, state, names_);
  return true;
}

void OfficeDraft::refolded(const RecordState& state, std::span<const GraphUpdate> updates) {
  if (state.kind != RecordKind::kDossier) return;
  dirty_ = loaded_ = search_stale_ = true;
  row_ = has_row(state) ? build_row(state, updates, names_) : OfficeRow();
}

void OfficeDraft::flush(const RecordState& state) {
  if (!std::exchange(dirty_, false)) return;
  if (!has_row(state)) {
    if (stored_ || rows_.get(key::office(record_))) {
      rows_.erase(key::office(record_));
      rows_.erase(key::search(record_));
    }
    row_ = {};
    search_.clear();
    loaded_ = stored_ = search_stale_ = false;
    return;
  }
  set_head(row_, state, names_);
  rows_.put(key::office(record_), encode(row_));
  stored_ = true;
  if (std::exchange(search_stale_, false))
    search_ = encode(read_search_text(rows_, record_, state));
  if (!search_.empty()) rows_.put(key::search(record_), std::move(search_));
  search_.clear();
}

}  // namespace

std::string search_codes(std::span<const OfficialCode> codes) {
  std::string out;
  for (const OfficialCode& code : codes) out += " " + search_form(code.code);
  return out;
}

ClosedBody closed_body(ByteView closed_part) {
  if (closed_part.empty()) return {};
  auto body = wire::decode_closed(closed_part);
  return body.ok() ? *std::move(body) : ClosedBody();
}

std::string closed_text(const ClosedBody& body, Field field) {
  for (const FieldWrite& write : body.writes)
    if (const auto* text = std::get_if<std::string>(&write.value);
        text != nullptr && write.field == static_cast<std::uint16_t>(field)) {
      if (field == Field::kApplicantIdNumber) return id_key(*text);
      return field == Field::kApplicantPhone ? phone_key(*text) : search_form(*text);
    }
  return {};
}

std::uint32_t OfficeWriter::intern(NameKind kind, std::string_view bytes) {
  if (const std::uint32_t known = names_.find(kind, bytes)) return known;
  std::string entry = name_entry(kind, bytes);
  const auto [at, added] = fresh_numbers_.try_emplace(entry, 0);
  if (!added) return at->second;
  fresh_.push_back(std::move(entry));
  at->second = names_.size() + static_cast<std::uint32_t>(fresh_.size());
  rows_.put(key::office_name(at->second), fresh_.back());
  return at->second;
}

std::unique_ptr<RecordDraft> OfficeWriter::open(std::uint32_t record, const RecordState*) {
  return std::make_unique<OfficeDraft>(rows_, *this, record);
}

void OfficeWriter::entered(const GraphUpdate& update) {
  const Hlc hlc = update.envelope.hlc;
  if (Hlc::at(hlc.millis()) != hlc)
    return;  // counted up from a parent's, perhaps from another clock
  std::uint64_t& newest = heard_[update.agency];
  newest = std::max(newest, update.envelope.hlc.value);
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
    const auto before = rows_.get(place);
    if (!before || decode_number(*before) < hlc) rows_.put(place, encode_number(hlc));
  }
  for (std::string& entry : fresh_) names_.add(std::move(entry));
  fresh_.clear();
  fresh_numbers_.clear();
}

void OfficeProjection::load(const Database& database) {
  const std::string prefix(1, key::office_name(0).front());
  database.scan(prefix, prefix, [&](std::string_view, std::string_view value) {
    names_.add(std::string(value));
    return true;
  });
}

bool OfficeProjection::agrees(const Database& database, std::uint32_t record,
                              const RecordState& state,
                              std::span<const GraphUpdate> updates) const {
  const auto row = database.get(key::office(record));
  const auto search = database.get(key::search(record));
  if (!has_row(state)) return !row && !search;
  KnownNames known(names_);
  return row == encode(build_row(state, updates, known)) &&
         search == encode(read_search_text(database, record, state));
}

std::unique_ptr<Projection> office_projection() { return std::make_unique<OfficeProjection>(); }

Options office_options() {
  Options options;
  options.projections = {official_codes_projection, office_projection, marks_projection,
                         lists_projection};
  return options;
}

}  // namespace lienthong::store
