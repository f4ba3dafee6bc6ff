#include "store/office/find.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "store/office/lateness.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kMissesMax = 2'000;       // rows read one by one in vain
constexpr std::size_t kWordMissesMax = 10'000;  // the same where words are looked for
constexpr std::size_t kPageOfAll = 20'000;      // where all rows are read for a page
constexpr std::size_t kFewRecords = 2'000;      // are all looked at, whatever their codes
constexpr std::uint32_t kFewOfAll = 16;         // one in so many, and they are read one by one

std::uint32_t agency_number(const NameTable& names, const AgencyId& agency) {
  return names.find(NameKind::kAgency, as_text(agency.view()));
}

}  // namespace

Selection::Selection(const Replica& replica, const Filter& filter, UnixMillis now,
                     Stopping stopping)
    : filter_(filter), reader_(replica), now_(now), stopping_(std::move(stopping)) {
  const NameTable& names = reader_.names();
  if (filter.holder) holder_ = agency_number(names, *filter.holder);
  if (filter.agency) agency_ = agency_number(names, *filter.agency);
  if (!filter.procedure.empty()) procedure_ = names.find(NameKind::kText, filter.procedure);
  if (!filter.after.empty()) after_ = {filter.after, filter.after_record};
  ended_ = (filter.holder && holder_ == 0) || (filter.agency && agency_ == 0) ||
           (!filter.procedure.empty() && procedure_ == 0);
}

std::vector<Match> Selection::next(std::size_t most) {
  const std::size_t left = filter_.limit == 0 ? SIZE_MAX : filter_.limit - shown_;
  most = std::min(most, left);
  if (ended_ || most == 0) return {};
  const bool shelves = !rare_ && !reader_.lists_progress();
  snapshot_ = reader_.snapshot();
  found_.clear();
  may_have_text_.clear();
  if (!shelves || !(filter_.text.empty() ? read_shelves(most) : read_words(most))) {
    rare_ = true;
    go_through_all(most = std::min(left, std::max(most, kPageOfAll)));
  }
  snapshot_ = {};
  ended_ = found_.size() < most;
  shown_ += found_.size();
  if (!found_.empty()) after_ = found_.back();
  return std::exchange(found_, {});
}

std::vector<Match> Selection::run() {
  std::vector<Match> out;
  for (std::vector<Match> page = next(); !page.empty(); page = next())
    std::ranges::move(page, std::back_inserter(out));
  return out;
}

// The shelves on which all that is meant lies, and little else.
std::vector<ShelfRange> Selection::best_ranges() const {
  std::vector<std::vector<ShelfRange>> choices;
  const auto one = [&choices](Shelf shelf, std::uint32_t number) {
    choices.push_back({{shelf, number, number}});
  };
  if (filter_.status) one(Shelf::kStatus, static_cast<std::uint32_t>(*filter_.status));
  if (procedure_ != 0) one(Shelf::kProcedure, procedure_);
  if (agency_ != 0) one(Shelf::kParticipant, agency_);
  if (holder_ != 0) one(Shelf::kParticipant, holder_);
  if (filter_.late)
    choices.push_back(
        {{Shelf::kDue, 0, shelf_number(day_at(now_) - 1)}, {Shelf::kEndedLate, 0, 0}});
  if (filter_.due_before)
    choices.push_back({{Shelf::kDue, 0, shelf_number(day_at(*filter_.due_before))}});
  choices.push_back({{Shelf::kStatus}});  // all; the last, so that it is not taken among equals
  if (choices.size() == 1) return choices.front();
  const auto bytes = [this](const std::vector<ShelfRange>& ranges) {
    std::uint64_t sum = 0;
    for (const ShelfRange& range : ranges) sum += reader_.shelf_bytes(range);
    return sum;
  };
  return *std::ranges::min_element(choices, {}, bytes);
}

// False: much was looked at that is not meant, and the page is not full yet.
bool Selection::read_shelves(std::size_t most) {
  std::set<Match> best;  // the first of what was found
  std::size_t misses = 0;
  const std::size_t misses_max = may_have_text_.empty() ? kMissesMax : kWordMissesMax;
  for (const ShelfRange& range : best_ranges()) {
    const bool of_one_state = range.shelf == Shelf::kStatus && range.first == range.last;
    const bool all_meant = of_one_state && asks_only_for_state();
    reader_.walk_shelf(snapshot_, range, after_, [&](std::string_view code, std::uint32_t record) {
      if (misses > misses_max || stopping_()) return false;
      if (best.size() == most) {
        const Match& last = *best.rbegin();
        if (code > last.code || (code == last.code && record > last.record)) return false;
      }
      if (!may_have_text_.empty() && !may_have_text_[record]) return true;
      if (!all_meant && !is_meant(record)) {
        ++misses;
        return true;
      }
      best.insert({std::string(code), record});
      if (best.size() > most) best.erase(std::prev(best.end()));
      return true;
    });
  }
  if (misses > misses_max) return false;
  found_.assign(best.begin(), best.end());
  return true;
}

// False: the text is too short, or as read_shelves().
bool Selection::read_words(std::size_t most) {
  const auto records = reader_.records_with_grams(snapshot_, filter_.text, stopping_);
  if (!records || records->size() > kFewRecords) {
    if (records) may_have_text_.resize(std::size_t{snapshot_.last_record} + 1);
    for (const std::uint32_t record : records.value_or(std::vector<std::uint32_t>()))
      if (record < may_have_text_.size()) may_have_text_[record] = true;
    return read_shelves(most);
  }
  for (const std::uint32_t record : *records) {
    const auto row = has_text(record) ? reader_.row(record, snapshot_) : std::nullopt;
    if (!row) continue;
    const RowView view = view_office_row(*row);
    if (comes_after(view.code, record) && means(view))
      found_.push_back({std::string(view.code), record});
  }
  std::ranges::sort(found_);
  if (found_.size() > most) found_.resize(most);
  return true;
}

bool Selection::comes_after(std::string_view code, std::uint32_t record) const {
  return code > after_.code || (code == after_.code && record > after_.record);
}

// Of a dossier that lies on a shelf.
bool Selection::is_meant(std::uint32_t record) const {
  if (needs_row()) {
    const auto row = reader_.row(record, snapshot_);
    if (!row || !means(view_office_row(*row))) return false;
  }
  return filter_.text.empty() || has_text(record);
}

bool Selection::has_text(std::uint32_t record) const {
  const auto text = reader_.search_row(record, snapshot_);
  return text && text->find(filter_.text) != std::string::npos;
}

void Selection::go_through_all(std::size_t most) {
  most_ = most;
  last_.clear();
  const auto each = [this](std::uint32_t record, std::string_view row) {
    look(record, view_office_row(row));
    return !stopping_();
  };
  if (filter_.text.empty() || !find_text()) {
    reader_.scan(snapshot_, 1, snapshot_.last_record, each);
  } else {
    for (const std::uint32_t record : found_by_text_)
      if (const auto row = reader_.row(record, snapshot_); row && !each(record, *row)) break;
  }
  std::ranges::sort(found_);
  if (found_.size() > most) found_.resize(most);
}

// Fills found_by_text_. False: it is much, so that all rows are better read in their order.
bool Selection::find_text() {
  found_by_text_.clear();
  reader_.scan_search(snapshot_, 1, snapshot_.last_record,
                      [this](std::uint32_t record, std::string_view text) {
                        if (text.find(filter_.text) != std::string_view::npos)
                          found_by_text_.push_back(record);
                        return !stopping_();
                      });
  return found_by_text_.size() <= snapshot_.last_record / kFewOfAll;
}

void Selection::look(std::uint32_t record, const RowView& row) {
  if (!filter_.text.empty() && !std::ranges::binary_search(found_by_text_, record)) return;
  if (!comes_after(row.code, record)) return;
  const bool full = found_.size() >= 2 * most_;
  if (full) shrink();
  if (!last_.empty() && row.code > last_) return;
  if (means(row)) found_.push_back({std::string(row.code), record});
}

// All but text and place.
bool Selection::means(const RowView& row) const {
  if (filter_.holder && row.holder != holder_) return false;
  if (filter_.since && row.updated < *filter_.since) return false;
  if (filter_.agency && !has_participant(row, agency_)) return false;
  return !needs_facts() || passes(facts_at(row, kEver));
}

bool Selection::needs_row() const {
  return filter_.holder || filter_.since || filter_.agency || needs_facts();
}

bool Selection::asks_only_for_state() const {
  return !filter_.holder && !filter_.since && !filter_.agency && !filter_.late &&
         !filter_.due_before && filter_.procedure.empty() && filter_.text.empty();
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

// Keeps the first of them; what comes after the last of them need not be looked at.
void Selection::shrink() {
  const auto middle = found_.begin() + static_cast<std::ptrdiff_t>(most_ - 1);
  std::ranges::nth_element(found_, middle);
  last_ = middle->code;
  found_.resize(most_);
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
