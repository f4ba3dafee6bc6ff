#include "store/replica/clocks.h"

#include <algorithm>

#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kReadingCountMax = 256;
constexpr UnixMillis kNoClock = 1'000'000'000'000;  // less is a number, or a clock that never ran
constexpr std::uint64_t kClockSteps = 1'000;  // a number that rises by less was only counted up

struct Votes {
  unsigned same = 1;  // ours
  unsigned ahead = 0, behind = 0;
  std::vector<UnixMillis> ahead_by, behind_by;
};

unsigned weight_of(const AgencyId& agency, const AgencyId& ours, const Registry& registry) {
  const TreeVersion newest = registry.newest();
  if (agency == ours) return 1;
  if (registry.above_or_equal(agency, ours, newest)) return 2;
  return registry.parent(agency, newest) == ours ? 1 : 0;
}

UnixMillis middle_of(std::vector<UnixMillis>& values) {
  const auto half = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, half);
  return *half;
}

bool differs(const ClockReading& reading) {
  return reading.ahead > kClockTolerance || reading.ahead < -kClockTolerance;
}

Votes count_votes(const ClockReadings& readings, const Registry& registry, const AgencyId& ours) {
  std::map<AgencyId, const ClockReading*> newest;  // several machines of one have one voice
  for (const auto& [node, reading] : readings) {
    const ClockReading*& known = newest[reading.agency];
    if (known == nullptr || known->at < reading.at) known = &reading;
  }
  Votes votes;
  for (const auto& [agency, reading] : newest) {
    const unsigned weight = weight_of(agency, ours, registry);
    if (weight == 0) continue;
    if (!differs(*reading)) {
      votes.same += weight;
    } else if (reading->ahead > 0) {
      votes.ahead += weight;
      votes.ahead_by.push_back(reading->ahead);
    } else {
      votes.behind += weight;
      votes.behind_by.push_back(reading->ahead);
    }
  }
  return votes;
}

}  // namespace

ClockVerdict judge_clock(const ClockReadings& readings, const Registry& registry,
                         const ClockFacts& facts) {
  ClockVerdict out;
  Votes votes = count_votes(readings, registry, facts.ours);
  out.confirmed = votes.same > 1;
  const auto wrong = [&](ClockFault fault, UnixMillis proof) {
    out.fault = fault;
    out.proof = proof;
  };
  const UnixMillis root_word = registry.newest_root_word();
  if (facts.now < facts.released_at) {
    wrong(ClockFault::kBeforeRelease, facts.released_at);
  } else if (votes.ahead > votes.same) {
    wrong(ClockFault::kNeighbours, facts.now + middle_of(votes.ahead_by));
  } else if (votes.behind > votes.same) {
    wrong(ClockFault::kNeighbours, facts.now + middle_of(votes.behind_by));
  } else if (!out.confirmed && is_doubtful(root_word, facts.now)) {
    wrong(ClockFault::kBeforeRoot, root_word);
  } else if (!out.confirmed && readings.empty() && is_doubtful(facts.newest_here, facts.now)) {
    wrong(ClockFault::kBehindRecords, facts.newest_here);
  }
  if (out.fault != ClockFault::kNone) return out;
  for (const auto& [node, reading] : readings)
    if (differs(reading)) out.others.push_back({node, reading});
  return out;
}

// ---- what comes to be known ----

void Transaction::Impl::note_clock(const NodeId& node, std::optional<UnixMillis> theirs) {
  ClockReadings readings = ledger.clocks ? *ledger.clocks : ClockReadings();
  const auto certificates = registry().issuing_line(node);
  if (!theirs || *theirs < kNoClock || !is_time(*theirs) || certificates.empty()) {
    if (readings.erase(node) == 0) return;
  } else {
    if (readings.size() >= kReadingCountMax && !readings.contains(node)) return;
    readings[node] = {certificates.back(), *theirs - now, now};
  }
  ledger.clocks = std::make_shared<const ClockReadings>(std::move(readings));
}

// An own reading, not one that was only counted up from a parent's: the counter is 0. What is older
// may have been under way.
void Transaction::Impl::note_clock(const GraphUpdate& update) {
  const Hlc hlc = update.envelope.hlc;
  if (Hlc::at(hlc.millis()) != hlc || hlc.millis() < now - kClockTolerance) return;
  const bool known = ledger.clocks && ledger.clocks->contains(update.node);
  if (!is_doubtful(hlc.millis(), now) && !known) return;
  note_clock(update.node, hlc.millis());
}

void Transaction::Impl::note_session_clock(const NodeId& node, std::uint64_t number,
                                           std::uint64_t before) {
  const bool says = number <= static_cast<std::uint64_t>(kTimeEnd) && number > before &&
                    number - before >= kClockSteps;
  note_clock(node, says ? std::optional(static_cast<UnixMillis>(number)) : std::nullopt);
}

ClockVerdict Transaction::clock() const {
  static const ClockReadings kNone;
  const Ledger& ledger = impl_->ledger;
  return judge_clock(ledger.clocks ? *ledger.clocks : kNone, registry(),
                     {now(), impl_->replica.options.released_at, Hlc{ledger.newest_hlc}.millis(),
                      identity().agency});
}

void Transaction::note_clock(const NodeId& node, std::uint64_t said) {
  impl_->note_session_clock(node, said, 0);
}

ClockVerdict Replica::clock(UnixMillis now) const {
  static const ClockReadings kNone;
  const auto ledger = impl_->ledger();
  return judge_clock(
      ledger->clocks ? *ledger->clocks : kNone, *ledger->registry,
      {now, impl_->options.released_at, Hlc{ledger->newest_hlc}.millis(), identity().agency});
}

}  // namespace lienthong::store
