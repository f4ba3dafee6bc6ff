// What one dossier is in a report, and sums of it.
#include "store/office/deadline.h"
#include "store/office/report.h"

namespace lienthong::store {

UnixMillis Period::as_of(UnixMillis now) const { return std::min(midnight_of(to + 1) - 1, now); }

bool Place::in(unsigned column) const {
  const auto first = static_cast<unsigned>(received), second = static_cast<unsigned>(outcome);
  switch (column) {
    case 3: return true;
    case 7: return second <= 10;
    case 11: return second >= 12;
    default: return column == first || column == second;
  }
}

namespace {

Column outcome_of(const Facts& facts, UnixMillis as_of) {
  if (!facts.resolved) {
    const bool over = !facts.paused() && punctuality(as_of, facts.due) == Punctuality::kLate;
    return over ? Column::kOpenLate : Column::kOpenInTime;
  }
  if (facts.withdrawn || !facts.due) return Column::kOnTime;
  switch (punctuality(*facts.end, facts.due)) {
    case Punctuality::kEarly: return Column::kEarly;
    case Punctuality::kOnTime: return Column::kOnTime;
    case Punctuality::kLate: break;
  }
  return Column::kLate;
}

}  // namespace

std::optional<Place> place_of(const Facts& facts, const Period& period, UnixMillis as_of) {
  if (!facts.received_ever || !facts.received) return std::nullopt;
  const OfficeDay received = day_at(*facts.received);
  if (received > period.to || *facts.received > as_of) return std::nullopt;
  const bool before = received < period.from;
  if (before && facts.resolved && day_at(*facts.end) < period.from) return std::nullopt;
  Place place;
  const bool online = facts.channel == 2;
  place.received = before ? Column::kCarried : online ? Column::kOnline : Column::kDirect;
  place.outcome = outcome_of(facts, as_of);
  place.apology = facts.apology;
  place.withdrawn = facts.resolved && facts.withdrawn;
  place.paused = facts.paused();
  place.no_due = !facts.due;
  place.no_channel = facts.channel == 0;
  place.ended_before_received = facts.resolved && day_at(*facts.end) < received;
  const bool in_time = place.outcome == Column::kEarly || place.outcome == Column::kOnTime;
  place.reappointed_kept = facts.resolved && facts.apology && in_time && !facts.withdrawn &&
                           facts.first_due && day_at(*facts.end) > day_at(*facts.first_due);
  place.digitised = facts.result && facts.components > 0 && facts.digitised == facts.components;
  place.payable = (facts.fees & 1) != 0;
  place.paid_online = (facts.fees & 3) == 3;
  return place;
}

void Figures::add(const Place& place) {
  ++columns[static_cast<std::size_t>(place.received)];
  ++columns[static_cast<std::size_t>(place.outcome)];
  if (place.outcome == Column::kLate) ++(place.apology ? late_apology : late_no_apology);
  if (place.outcome == Column::kOpenLate)
    ++(place.apology ? open_late_apology : open_late_no_apology);
  reappointed_kept += place.reappointed_kept;
  withdrawn += place.withdrawn;
  paused += place.paused;
  no_due += place.no_due && !place.withdrawn;
  no_channel += place.no_channel && place.received == Column::kDirect;
  ended_before_received += place.ended_before_received;
  if (place.in(7) && !place.withdrawn) {
    ++digitisation.whole;
    digitisation.part += place.digitised;
  }
  if (place.received != Column::kCarried) {
    ++online.whole;
    online.part += place.received == Column::kOnline;
    payment.whole += place.payable;
    payment.part += place.paid_online;
  }
}

Figures& Figures::operator+=(const Figures& other) {
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i] += other.columns[i];
  late_apology += other.late_apology;
  late_no_apology += other.late_no_apology;
  open_late_apology += other.open_late_apology;
  open_late_no_apology += other.open_late_no_apology;
  reappointed_kept += other.reappointed_kept;
  withdrawn += other.withdrawn;
  paused += other.paused;
  no_due += other.no_due;
  no_channel += other.no_channel;
  ended_before_received += other.ended_before_received;
  for (const auto ratio : {&Figures::digitisation, &Figures::online, &Figures::payment}) {
    (this->*ratio).part += (other.*ratio).part;
    (this->*ratio).whole += (other.*ratio).whole;
  }
  return *this;
}

void Figures::sum_up() {
  columns[3] = columns[4] + columns[5] + columns[6];
  columns[7] = columns[8] + columns[9] + columns[10];
  columns[11] = columns[12] + columns[13];
}

}  // namespace lienthong::store
