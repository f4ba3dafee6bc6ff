#include "store/office/row.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <unordered_map>

#include "protocol/record/codec.h"
#include "protocol/record/custody.h"
#include "protocol/record/registers.h"

namespace lienthong::store {
namespace {

constexpr char kFormat = 1;

constexpr std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

[[noreturn]] void broken() { throw std::runtime_error("stored office row: it ends too early"); }

// Reads what put_varint wrote; scans of a million rows spend their time here.
class Varints {
 public:
  explicit Varints(std::string_view bytes)
      : at_(reinterpret_cast<const unsigned char*>(bytes.data())), end_(at_ + bytes.size()) {}
  bool empty() const { return at_ == end_; }
  std::uint64_t next() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      if (at_ == end_) broken();
      const unsigned char byte = *at_++;
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    broken();
  }
  std::uint32_t next32() { return static_cast<std::uint32_t>(next()); }
  std::string_view text() {
    const std::uint64_t size = next();
    if (size > static_cast<std::uint64_t>(end_ - at_)) broken();
    const std::string_view out(reinterpret_cast<const char*>(at_), size);
    at_ += size;
    return out;
  }

 private:
  const unsigned char* at_;
  const unsigned char* end_;
};

// ---- writing ----

struct Moment {
  UnixMillis at = 0;
  std::uint32_t mask = 0;
  std::array<std::uint64_t, kAttrCount> values{};  // as encoded: 0 cleared

  void put(Attr attr, std::int64_t value) {
    const auto i = static_cast<unsigned>(attr);
    mask |= 1U << i;
    values[i] = 1 + (is_instant(i) ? zigzag(value - at) : static_cast<std::uint64_t>(value));
  }
  void clear(Attr attr) {
    mask |= bit(attr);
    values[static_cast<unsigned>(attr)] = 0;
  }
};

void append(OfficeRow& row, const Moment& moment) {
  if (moment.mask == 0) return;
  if (row.moments.empty()) row.base = moment.at;
  put_varint(row.moments, zigzag(moment.at - row.base));
  put_varint(row.moments, moment.mask);
  for (unsigned i = 0; i < kAttrCount; ++i)
    if ((moment.mask >> i & 1) != 0) put_varint(row.moments, moment.values[i]);
}

std::optional<std::int64_t> integer(const GraphUpdate& update, Field field) {
  return written_integer(update.open.writes, field);
}
std::optional<Status> status_in(const GraphUpdate& update) {
  return written_status(update.open.writes);
}

UnixMillis said_time(const GraphUpdate& update) {
  return update.open.at != 0 ? update.open.at : update.envelope.hlc.millis();
}

// When what a later update says happened.
UnixMillis time_of_change(const GraphUpdate& update) {
  std::optional<std::int64_t> own;
  switch (status_in(update).value_or(Status::kRegistered)) {
    case Status::kAccepted: own = integer(update, Field::kReceivedAt); break;
    case Status::kReturned: own = integer(update, Field::kReturnedAt); break;
    case Status::kDone:
    case Status::kRefused:
    case Status::kWithdrawn:
    case Status::kStopped: own = integer(update, Field::kFinishedAt); break;
    default: break;
  }
  return own.value_or(said_time(update));
}

UnixMillis time_of_creation(const GraphUpdate& update) {
  if (const auto received = integer(update, Field::kReceivedAt)) return *received;
  if (const auto submitted = integer(update, Field::kSubmittedAt)) return *submitted;
  return said_time(update);
}

std::int64_t fee_facts(const Bytes& bytes) {
  const auto fees = wire::decode_fees(bytes);
  if (!fees.ok()) return 0;
  const bool payable =
      std::ranges::any_of(*fees, [](const wire::Fee& fee) { return fee.amount > 0; });
  const bool online =
      std::ranges::any_of(*fees, [](const wire::Fee& fee) { return fee.paid == "online"; });
  return static_cast<std::int64_t>(fees->size()) * 4 + (payable ? 1 : 0) + (online ? 2 : 0);
}

struct Mapping {
  Field field;
  Attr attr;
};
constexpr std::array kMappings = {
    Mapping{Field::kStatus, Attr::kStatus},
    Mapping{Field::kReceivedAt, Attr::kReceived},
    Mapping{Field::kDueAt, Attr::kDue},
    Mapping{Field::kFinishedAt, Attr::kFinished},
    Mapping{Field::kReturnedAt, Attr::kReturned},
    Mapping{Field::kSubmittedAt, Attr::kSubmitted},
    Mapping{Field::kReappointedAt, Attr::kReappointed},
    Mapping{Field::kChannel, Attr::kChannel},
    Mapping{Field::kFieldOfWork, Attr::kFieldOfWork},
    Mapping{Field::kProcedure, Attr::kProcedure},
    Mapping{Field::kIntakeAgency, Attr::kIntake},
    Mapping{Field::kCompetentAgency, Attr::kCompetent},
    Mapping{Field::kComponentCount, Attr::kComponents},
    Mapping{Field::kDigitisedCount, Attr::kDigitised},
    Mapping{Field::kResultDigitised, Attr::kResult},
    Mapping{Field::kFees, Attr::kFees},
    Mapping{Field::kSurveyCount, Attr::kSurvey},
};

void put_value(Moment& moment, Attr attr, const FieldValue& value, Interner& names) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    if (!is_instant(static_cast<unsigned>(attr)) && *number < 0) return moment.clear(attr);
    const bool flag = attr == Attr::kResult || attr == Attr::kSurvey;
    moment.put(attr, flag ? std::int64_t{*number != 0} : *number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    if (attr == Attr::kResult || attr == Attr::kSurvey) return moment.clear(attr);
    moment.put(attr, names.intern(NameKind::kText, *text));
  } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
    if (attr == Attr::kFees)
      moment.put(attr, fee_facts(*bytes));
    else
      moment.put(attr, names.intern(NameKind::kAgency, as_text(*bytes)));
  } else {
    moment.clear(attr);
  }
}

Moment moment_of(const GraphUpdate& update, UnixMillis at, Interner& names) {
  Moment moment;
  moment.at = at;
  for (const FieldWrite& write : update.open.writes) {
    const auto known =
        std::ranges::find(kMappings, static_cast<Field>(write.field), &Mapping::field);
    if (known != kMappings.end()) put_value(moment, known->attr, write.value, names);
  }
  return moment;
}

void put_standing(Moment& moment, const AgencyId& holder, const AgencyId& offered,
                  Interner& names) {
  moment.put(Attr::kHolder, names.intern(NameKind::kAgency, as_text(holder.view())));
  if (offered.is_zero())
    moment.clear(Attr::kOffered);
  else
    moment.put(Attr::kOffered, names.intern(NameKind::kAgency, as_text(offered.view())));
}

// A first update that says of itself that the dossier was received earlier and has ended since: the
// reception and the end are moments of their own.
void split_past(const GraphUpdate& update, Moment& first, std::vector<Moment>& later) {
  const auto status = status_in(update);
  if (!status || !integer(update, Field::kReceivedAt)) return;
  const auto finished = integer(update, Field::kFinishedAt);
  const auto returned = integer(update, Field::kReturnedAt);
  const auto add = [&](Status to, UnixMillis at) {
    Moment moment;
    moment.at = at;
    moment.put(Attr::kStatus, static_cast<std::int64_t>(to));
    later.push_back(moment);
  };
  const UnixMillis end = finished.value_or(returned.value_or(said_time(update)));
  switch (*status) {
    case Status::kDone: add(Status::kDone, end); break;
    case Status::kReturned:
      if (finished) add(Status::kDone, *finished);
      add(Status::kReturned, returned.value_or(end));
      break;
    case Status::kWithdrawn:
    case Status::kStopped: add(*status, end); break;
    default: return;
  }
  first.put(Attr::kStatus, static_cast<std::int64_t>(Status::kAccepted));
  if (!finished) return;
  first.mask &= ~bit(Attr::kFinished);
  later.front().put(Attr::kFinished, *finished);
}

void add_moments(OfficeRow& row, const GraphUpdate& update, const custody::Standing* standing,
                 Interner& names) {
  const UpdateKind kind = update.open.kind;
  if (kind == UpdateKind::kCreated) {
    Moment first = moment_of(update, time_of_creation(update), names);
    if ((first.mask & bit(Attr::kIntake)) == 0)
      put_value(first, Attr::kIntake, to_bytes(update.agency.view()), names);
    if (standing != nullptr) put_standing(first, standing->holder, standing->offered, names);
    std::vector<Moment> later;
    split_past(update, first, later);
    append(row, first);
    for (const Moment& moment : later) append(row, moment);
    return;
  }
  if (custody::is_field_write(kind))
    return append(row, moment_of(update, time_of_change(update), names));
  if (standing == nullptr) return;
  Moment moment;
  moment.at = said_time(update);
  put_standing(moment, standing->holder, standing->offered, names);
  append(row, moment);
}

std::uint32_t number_of(const AgencyId& agency, Interner& names) {
  return agency.is_zero() ? 0 : names.intern(NameKind::kAgency, as_text(agency.view()));
}

}  // namespace

// ---- rows ----

std::string encode(const OfficeRow& row) {
  std::string out;
  out.reserve(48 + row.code.size() + row.moments.size());
  out.push_back(kFormat);
  put_varint(out, row.holder);
  put_varint(out, row.offered);
  put_varint(out, zigzag(row.last_link));
  put_varint(out, zigzag(row.updated - row.last_link));
  put_varint(out, zigzag(row.base - row.last_link));
  put_varint(out, row.code.size());
  out += row.code;
  std::string people;
  for (const std::uint32_t agency : row.participants) put_varint(people, agency);
  put_varint(out, people.size());
  out += people;
  return out += row.moments;
}

RowView view_office_row(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != kFormat)
    throw std::runtime_error("stored office row: its format");
  Varints in(bytes.substr(1));
  RowView row;
  row.holder = in.next32();
  row.offered = in.next32();
  row.last_link = unzigzag(in.next());
  row.updated = row.last_link + unzigzag(in.next());
  row.base = row.last_link + unzigzag(in.next());
  row.code = in.text();
  row.participants = in.text();
  const char* rest = row.participants.data() + row.participants.size();
  row.moments = {rest, static_cast<std::size_t>(bytes.data() + bytes.size() - rest)};
  return row;
}

OfficeRow decode_office_row(std::string_view bytes) {
  const RowView view = view_office_row(bytes);
  OfficeRow row;
  row.code = view.code;
  row.holder = view.holder;
  row.offered = view.offered;
  row.last_link = view.last_link;
  row.updated = view.updated;
  row.base = view.base;
  row.moments = view.moments;
  for (Varints in(view.participants); !in.empty();) row.participants.push_back(in.next32());
  return row;
}

bool has_participant(const RowView& row, std::uint32_t agency) {
  for (Varints in(row.participants); !in.empty();)
    if (in.next32() == agency) return true;
  return false;
}

bool has_row(const RecordState& state) {
  return state.kind == RecordKind::kDossier && !state.chain.empty();
}

void add_update(OfficeRow& row, const GraphUpdate& update, const RecordState& state,
                Interner& names) {
  custody::Standing standing;
  standing.holder = state.holder;
  standing.offered = state.offered;
  const bool link = !state.chain.empty() && state.chain.back().id == update.id;
  add_moments(row, update, link ? &standing : nullptr, names);
}

void set_head(OfficeRow& row, const RecordState& state, Interner& names) {
  row.code = code_or_empty(state);
  row.holder = number_of(state.holder, names);
  row.offered = number_of(state.offered, names);
  row.participants.clear();
  for (const AgencyId& agency : state.participants)
    row.participants.push_back(number_of(agency, names));
  row.last_link = state.chain.empty() ? 0 : state.chain.back().hlc.millis();
}

OfficeRow build_row(const RecordState& state, std::span<const GraphUpdate> updates,
                    Interner& names) {
  OfficeRow row;
  std::unordered_map<UpdateId, const GraphUpdate*> by_id;
  by_id.reserve(updates.size());
  for (const GraphUpdate& update : updates) {
    by_id.emplace(update.id, &update);
    row.updated = std::max(row.updated, update.envelope.hlc.millis());
  }
  std::unordered_map<UpdateId, custody::Standing> standings;
  custody::Standing standing;
  for (const LinkEntry& link : state.chain)
    standings.emplace(link.id, standing = custody::step(standing, link));
  for (const UpdateId& id : state.timeline) {
    const auto update = by_id.find(id);
    if (update == by_id.end()) continue;
    const auto after = standings.find(id);
    add_moments(row, *update->second, after != standings.end() ? &after->second : nullptr, names);
  }
  set_head(row, state, names);
  return row;
}

// ---- a dossier at a moment ----

namespace {

// What a moment says, applied to what was known before.
class Replay {
 public:
  explicit Replay(Facts& facts) : facts_(facts) {}
  bool several_dues() const { return due_writes_ > 1; }

  void apply(UnixMillis at, Attr attr, std::uint64_t raw) {
    const std::uint64_t value = raw - 1;  // meaningless when cleared
    const auto number = static_cast<std::uint32_t>(raw == 0 ? 0 : value);
    const auto instant = [&]() -> std::optional<UnixMillis> {
      return raw == 0 ? std::nullopt : std::optional(at + unzigzag(value));
    };
    switch (attr) {
      case Attr::kStatus: new_status_ = number; break;
      case Attr::kReceived: facts_.received = instant(); break;
      case Attr::kDue:
        facts_.due = facts_.last_due = instant();
        if (!facts_.first_due) facts_.first_due = facts_.due;
        ++due_writes_;
        break;
      case Attr::kFinished: facts_.finished = instant(), finish_written_ = true; break;
      case Attr::kReturned: facts_.returned = instant(); break;
      case Attr::kReappointed: facts_.apology = raw != 0; break;
      case Attr::kChannel: facts_.channel = number; break;
      case Attr::kFieldOfWork: facts_.field = number; break;
      case Attr::kProcedure: facts_.procedure = number; break;
      case Attr::kIntake: facts_.intake = number; break;
      case Attr::kCompetent: facts_.competent = number; break;
      case Attr::kComponents: facts_.components = number; break;
      case Attr::kDigitised: facts_.digitised = number; break;
      case Attr::kResult: facts_.result = number != 0; break;
      case Attr::kFees: facts_.fees = number; break;
      case Attr::kSurvey: facts_.survey = number != 0; break;
      case Attr::kHolder: facts_.holder = number; break;
      case Attr::kSubmitted:
      case Attr::kOffered: break;
    }
  }

  // After all of a moment.
  void end_moment(UnixMillis at) {
    const bool finish_written = std::exchange(finish_written_, false);
    const std::uint32_t status = std::exchange(new_status_, 0);
    if (status == 0) {  // a finish that is put right while its cycle lasts
      if (finish_written && first_cycle_done_ && facts_.finished) facts_.end = facts_.finished;
      return;
    }
    const auto to = static_cast<Status>(status);
    // Accepted by mistake, and annulled before anybody worked on it: never received.
    const bool annulled = to == Status::kRefused && facts_.status == Status::kAccepted;
    facts_.status = to;
    if (annulled) {
      facts_.received_ever = false;
      return;
    }
    if (to == Status::kSupplement) ++facts_.supplements;
    const bool ended = to == Status::kDone || to == Status::kReturned;
    if (!ended) first_cycle_done_ = false;
    if (!facts_.received_ever && to != Status::kRegistered && to != Status::kRefused &&
        to != Status::kWithdrawn) {
      facts_.received_ever = true;
      first_at_work_ = at;
    }
    if (facts_.resolved || !facts_.received_ever) return;
    if (ended) return resolve(facts_.finished.value_or(at), true);
    if (to == Status::kRefused || to == Status::kWithdrawn) {
      facts_.withdrawn = to == Status::kWithdrawn;
      resolve(at, false);
    }
  }

  void finish() {
    if (facts_.received_ever && !facts_.received) facts_.received = first_at_work_;
  }

 private:
  void resolve(UnixMillis end, bool cycle) {
    facts_.resolved = true;
    facts_.end = end;
    first_cycle_done_ = cycle;
  }
  Facts& facts_;
  std::uint32_t new_status_ = 0;
  unsigned due_writes_ = 0;
  bool finish_written_ = false;
  bool first_cycle_done_ = false;  // it is done, and was not opened again
  UnixMillis first_at_work_ = 0;
};

template <class Visit>
void for_each_moment(const RowView& row, UnixMillis as_of, const Visit& visit) {
  for (Varints in(row.moments); !in.empty();) {
    const UnixMillis at = row.base + unzigzag(in.next());
    std::uint32_t mask = in.next32();
    const bool seen = at <= as_of;
    for (; mask != 0; mask &= mask - 1) {
      const auto attr = static_cast<Attr>(__builtin_ctz(mask));
      const std::uint64_t raw = in.next();
      if (seen) visit(at, attr, raw);
    }
    if (seen) visit(at, static_cast<Attr>(kAttrCount), 0);
  }
}

// The due date that was in force at the dossier's end; the first one when there was none yet.
std::optional<UnixMillis> due_at_end(const RowView& row, UnixMillis end,
                                     std::optional<UnixMillis> first) {
  std::optional<UnixMillis> due;
  bool written = false;
  for_each_moment(row, end, [&](UnixMillis at, Attr attr, std::uint64_t raw) {
    if (attr != Attr::kDue) return;
    due = raw == 0 ? std::nullopt : std::optional(at + unzigzag(raw - 1));
    written = true;
  });
  return written ? due : first;
}

}  // namespace

Facts facts_at(const RowView& row, UnixMillis as_of) {
  Facts facts;
  Replay replay(facts);
  for_each_moment(row, as_of, [&](UnixMillis at, Attr attr, std::uint64_t raw) {
    if (static_cast<unsigned>(attr) == kAttrCount)
      replay.end_moment(at);
    else
      replay.apply(at, attr, raw);
  });
  replay.finish();
  if (facts.end && replay.several_dues())
    facts.due = due_at_end(row, std::min(*facts.end, as_of), facts.first_due);
  return facts;
}

}  // namespace lienthong::store
