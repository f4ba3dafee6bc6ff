#include "store/office/find.h"

#include <algorithm>

#include "store/office/lateness.h"

namespace lienthong::store {
namespace {

std::uint32_t agency_number(const NameTable& names, const AgencyId& agency) {
  return names.find(NameKind::kAgency, as_text(agency.view()));
}

}  // namespace

Selection::Selection(const Replica& replica, const Filter& filter, UnixMillis now,
                     Stopping stopping)
    : filter_(filter),
      reader_(replica),
      snapshot_(reader_.snapshot()),
      now_(now),
      stopping_(std::move(stopping)) {
  const NameTable& names = reader_.names();
  if (filter.holder) holder_ = agency_number(names, *filter.holder);
  if (filter.agency) agency_ = agency_number(names, *filter.agency);
  if (!filter.procedure.empty()) procedure_ = names.find(NameKind::kText, filter.procedure);
}

std::vector<Match> Selection::run() {
  if (!filter_.text.empty()) find_text();
  if (filter_.text.empty() || !found_by_text_.empty())
    reader_.scan(snapshot_, 1, snapshot_.last_record,
                 [this](std::uint32_t record, std::string_view row) {
                   look(record, view_office_row(row));
                   return !stopping_();
                 });
  std::ranges::sort(found_);
  if (filter_.limit != 0 && found_.size() > filter_.limit) found_.resize(filter_.limit);
  return std::move(found_);
}

void Selection::find_text() {
  reader_.scan_search(snapshot_, 1, snapshot_.last_record,
                      [this](std::uint32_t record, std::string_view text) {
                        if (text.find(filter_.text) != std::string_view::npos)
                          found_by_text_.push_back(record);
                        return !stopping_();
                      });
}

void Selection::look(std::uint32_t record, const RowView& row) {
  if (!filter_.text.empty() && !std::ranges::binary_search(found_by_text_, record)) return;
  if (filter_.holder && (holder_ == 0 || row.holder != holder_)) return;
  if (filter_.since && row.updated < *filter_.since) return;
  if (!filter_.after.empty() && row.code <= filter_.after) return;
  const bool full = filter_.limit != 0 && found_.size() >= 2 * filter_.limit;
  if (full) shrink();
  if (!last_.empty() && row.code > last_) return;
  if (filter_.agency && (agency_ == 0 || !has_participant(row, agency_))) return;
  if (needs_facts() && !passes(facts_at(row, kEver))) return;
  found_.push_back({std::string(row.code), record});
}

bool Selection::needs_facts() const {
  return filter_.status || filter_.late || filter_.due_before || !filter_.procedure.empty();
}

bool Selection::passes(const Facts& facts) const {
  if (filter_.status && facts.status != filter_.status) return false;
  if (!filter_.procedure.empty() && (procedure_ == 0 || facts.procedure != procedure_))
    return false;
  if (filter_.late && !is_late(facts, now_)) return false;
  return !filter_.due_before ||
         (facts.last_due && *facts.last_due <= *filter_.due_before && is_running(facts));
}

// Keeps the first `limit`; what comes after the last of them need not be looked at.
void Selection::shrink() {
  const auto middle = found_.begin() + static_cast<std::ptrdiff_t>(filter_.limit - 1);
  std::ranges::nth_element(found_, middle);
  last_ = middle->code;
  found_.resize(filter_.limit);
}

Updated updated(const Replica& replica, const RecordState& state) {
  Updated newest;
  for (const UpdateId& id : state.heads) {
    const auto update = replica.find_update(id);
    if (!update) continue;
    const UnixMillis at = update->update.envelope.hlc.millis();
    if (at > newest.at)
      newest = {at, is_doubtful(at, update->received_at) ? update->received_at : 0};
  }
  return newest;
}

}  // namespace lienthong::store
