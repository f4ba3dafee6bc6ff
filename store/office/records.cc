#include "store/office/records.h"

#include <algorithm>

#include "protocol/record/registers.h"
#include "store/office/calendar.h"
#include "store/office/marks.h"
#include "store/office/reached.h"
#include "store/office/search_text.h"

namespace lienthong::store {
namespace {

std::string text_of(const RecordState& state, Field field) {
  return open_text(state, field).value_or(std::string());
}

bool same_text(const RecordState& state, Field field, const std::string& wanted) {
  return wanted.empty() || text_of(state, field) == wanted;
}

bool passes(const RecordFilter& filter, const RecordState& state) {
  if (state.kind != filter.kind || state.chain.empty()) return false;
  if (filter.holder && state.holder != *filter.holder) return false;
  if (!filter.status.empty()) {
    const auto status = open_status(state);
    if (!status || to_json(*status) != filter.status) return false;
  }
  const UnixMillis dated = dated_at(state);
  if (filter.from && dated < *filter.from) return false;
  if (filter.to && dated >= *filter.to) return false;
  if (filter.year && office_year(dated) != static_cast<int>(*filter.year)) return false;
  return same_text(state, Field::kDirection, filter.direction) &&
         same_text(state, Field::kRegisterBook, filter.book) &&
         same_text(state, Field::kSource, filter.source) &&
         same_text(state, Field::kTopic, filter.topic) &&
         same_text(state, Field::kAboutDossier, filter.about);
}

RecordMatch match_of(const RecordState& state) {
  RecordMatch out;
  out.code = code_or_empty(state);
  out.record = state.record;
  if (state.kind != RecordKind::kDocument) return out;
  out.book = (state.lead.is_zero() ? "" : "~") + text_of(state, Field::kDirection) + "/" +
             text_of(state, Field::kRegisterBook);
  out.year = office_year(dated_at(state));
  out.number = open_integer(state, Field::kNumber).value_or(0);
  return out;
}

Mark mark_of(RecordKind kind) {
  switch (kind) {
    case RecordKind::kFeedback: return Mark::kFeedback;
    case RecordKind::kDocument: return Mark::kDocument;
    default: return Mark::kLeg;
  }
}

AgencyId first_receiver(const RecordState& copy) {
  const auto at = std::ranges::find(copy.chain, UpdateKind::kOffer, &LinkEntry::kind);
  return at != copy.chain.end() ? at->to : AgencyId();
}

}  // namespace

std::vector<RecordMatch> find_records(const Replica& replica, const RecordFilter& filter,
                                      const std::function<bool()>& stopping) {
  std::vector<RecordMatch> found;
  for_each_marked(replica, {mark_of(filter.kind)}, [&](const RecordEntry& entry) {
    if (passes(filter, entry.state)) found.push_back(match_of(entry.state));
    return !stopping();
  });
  std::ranges::sort(found);
  return found;
}

bool is_twice(const std::vector<RecordMatch>& matches, std::size_t index) {
  const auto same = [&](std::size_t other) { return matches[other].code == matches[index].code; };
  return (index > 0 && same(index - 1)) || (index + 1 < matches.size() && same(index + 1));
}

bool has_text(const std::map<Field, FieldValue>& values, const std::string& wanted) {
  if (wanted.empty()) return true;
  return std::ranges::any_of(values, [&](const auto& value) {
    const auto* text = std::get_if<std::string>(&value.second);
    return text != nullptr &&
           (search_form(*text).find(wanted) != std::string::npos || search_key(*text) == wanted);
  });
}

UnixMillis dated_at(const RecordState& state) {
  const bool out = open_text(state, Field::kDirection) == "out";
  const auto moment = open_integer(state, out ? Field::kSignedAt : Field::kReceivedAt);
  return moment ? *moment : state.chain.front().hlc.millis();
}

int receipt_here(const Replica& replica, const RecordState& document) {
  const bool arrived = document.offered.is_zero() ||
                       document.offered == replica.identity().agency ||
                       has_reached(replica, document.tip(), document.offered);
  return receipt_of(document, arrived ? Arrived::kYes : Arrived::kNo);
}

std::vector<SentCopy> copies_of(const Replica& replica, const RecordId& document) {
  std::vector<SentCopy> out;
  for (const RecordId& id : replica.led_by(document)) {
    const auto copy = replica.find_record(id);
    if (!copy || copy->state.kind != RecordKind::kDocument || copy->state.chain.empty()) continue;
    const RecordState& state = copy->state;
    SentCopy line;
    line.record = state.record;
    line.code = code_or_empty(state);
    line.to = state.offered.is_zero() ? state.holder : state.offered;
    for (const LinkEntry& link : state.chain)
      if (link.kind == UpdateKind::kOffer && link.by == state.origin) line.to = link.to;
    line.sent_at = state.chain.front().hlc.millis();
    line.since = state.latest.millis();
    line.receipt = receipt_here(replica, state);
    out.push_back(std::move(line));
  }
  return out;
}

bool came_on_paper(const RecordState& document) {
  return document.lead.is_zero() && open_text(document, Field::kDirection) == "in";
}

std::vector<AgencyId> receivers_of(const Replica& replica, const RecordState& document) {
  std::vector<AgencyId> out;
  if (!document.lead.is_zero()) out.push_back(first_receiver(document));
  if (came_on_paper(document)) out.push_back(document.origin);
  for (const RecordId& id : replica.led_by(document.record)) {
    const auto copy = replica.find_record(id);
    if (copy && !copy->state.chain.empty()) out.push_back(first_receiver(copy->state));
  }
  return out;
}

}  // namespace lienthong::store
