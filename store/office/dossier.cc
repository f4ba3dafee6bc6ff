#include "store/office/dossier.h"

#include <algorithm>
#include <unordered_map>

#include "protocol/record/codec.h"
#include "protocol/record/registers.h"
#include "store/office/official_code.h"
#include "store/office/updates.h"

namespace lienthong::store {
namespace {

// Reads each update of the record at most once.
class Updates {
 public:
  explicit Updates(const Replica& replica) : replica_(replica) {}

  struct Entry {
    std::optional<StoredUpdate> stored;
    std::optional<ClosedBody> closed;  // none: never had one, or it is not here
  };

  // All of these in few steps, as far as they are here.
  void read_ahead(std::span<const std::uint64_t> numbers) {
    entries_.reserve(numbers.size());
    places_.reserve(numbers.size());
    for_each_update(replica_, numbers, [this](StoredUpdate&& update) {
      const UpdateId id = update.id;
      put(id, std::move(update));
    });
  }

  // Good until the next call.
  const Entry& get(const UpdateId& id) {
    const auto known = places_.find(id);
    return known != places_.end() ? entries_[known->second] : put(id, replica_.find_update(id));
  }

 private:
  const Entry& put(const UpdateId& id, std::optional<StoredUpdate> stored) {
    places_.emplace(id, entries_.size());
    Entry& entry = entries_.emplace_back();
    entry.stored = std::move(stored);
    if (!entry.stored) return entry;
    if (!entry.stored->update.closed.empty()) {
      if (auto closed = wire::decode_closed(entry.stored->update.closed); closed.ok())
        entry.closed = *std::move(closed);
    }
    entry.stored->update.open = entry.stored->update.closed = {};  // decoded; nobody asks for them
    return entry;
  }

  const Replica& replica_;
  std::vector<Entry> entries_;
  std::unordered_map<UpdateId, std::size_t> places_;  // in entries_
};

bool is_cleared(const FieldValue& value) { return std::holds_alternative<std::monostate>(value); }

void put_values(Dossier& dossier, Updates& updates) {
  for (const auto& [number, field_register] : dossier.state.open_fields) {
    if (find_field(number) == nullptr || is_cleared(field_register.value)) continue;
    dossier.values.emplace(static_cast<Field>(number), field_register.value);
  }
  for (const auto& [number, field_register] : dossier.state.closed_fields) {
    if (find_field(number) == nullptr || field_register.writes.empty()) continue;
    const auto field = static_cast<Field>(number);
    const UpdateId& writer = field_register.writes.front();
    const Updates::Entry& entry = updates.get(writer);
    const FieldValue* value = entry.closed ? written_value(entry.closed->writes, field) : nullptr;
    if (value == nullptr) {
      dossier.missing_closed.emplace(field, writer);
    } else if (!is_cleared(*value)) {
      dossier.values.emplace(field, *value);
    }
  }
}

// Whose turn it is after each link of the standing chain.
std::unordered_map<UpdateId, AgencyId> turns(const RecordState& state) {
  std::unordered_map<UpdateId, AgencyId> after;
  AgencyId holder;
  for (const LinkEntry& link : state.chain) {
    switch (link.kind) {
      case UpdateKind::kOffer:
      case UpdateKind::kDecline:  // the offerer holds it again
        break;
      case UpdateKind::kSucceed:  // of the holder, or of the one it is offered to
        if (link.to == holder) holder = link.by;
        break;
      default: holder = link.by;
    }
    after.emplace(link.id, holder);
  }
  return after;
}

UnixMillis doubted(UnixMillis at, const StoredUpdate& stored) {
  return is_doubtful(at, stored.received_at) ? stored.received_at : 0;
}

TimelineEntry timeline_entry(const Updates::Entry& entry) {
  const StoredUpdate& stored = *entry.stored;
  TimelineEntry out;
  out.id = stored.id;
  out.kind = stored.open.kind;
  out.agency = stored.agency;
  out.at = stored.open.at != 0 ? stored.open.at : stored.update.envelope.hlc.millis();
  out.came_at = doubted(out.at, stored);
  out.action = stored.open.action;
  out.to = stored.open.target;
  out.deadline = stored.open.deadline;
  if (out.kind == UpdateKind::kNote) {
    out.official_code = stored.open.official_code;
    out.code_system = stored.open.code_system;
    out.code_withdrawn = stored.open.code_withdrawn;
  }
  out.unit = written_text(stored.open.writes, Field::kUnit).value_or(std::string());
  if (entry.closed) {
    out.officer = entry.closed->officer;
    out.account = entry.closed->account;
    out.note = entry.closed->note;
    if (out.action.empty()) out.action = entry.closed->action;
  }
  return out;
}

void read_timeline(Dossier& dossier, Updates& updates, const Registry& registry, WorkReader* work) {
  const auto holders = turns(dossier.state);
  dossier.timeline.reserve(dossier.state.timeline.size());
  for (const UpdateId& id : dossier.state.timeline) {
    const Updates::Entry& entry = updates.get(id);
    if (!entry.stored) continue;
    if (work != nullptr) work->take(*entry.stored);
    TimelineEntry line = timeline_entry(entry);
    if (line.kind == UpdateKind::kNote && entry.stored->update.envelope.link) {
      const auto holder = holders.find(*entry.stored->update.envelope.link);
      line.directive = holder != holders.end() && holder->second != line.agency &&
                       registry.above_or_equal(line.agency, holder->second, registry.newest());
    }
    dossier.timeline.push_back(std::move(line));
  }
}

// Who said last what stands of each (official_code.h).
void read_official_codes(Dossier& dossier) {
  OfficialCodes codes;
  OpenBody note;
  for (const TimelineEntry& line : dossier.timeline) {
    if (line.official_code.empty()) continue;
    note.official_code = line.official_code;
    note.code_system = line.code_system;
    note.code_withdrawn = line.code_withdrawn;
    codes.take(note);
  }
  for (const OfficialCode& code : codes.list()) {
    const auto said =
        std::find_if(dossier.timeline.rbegin(), dossier.timeline.rend(),
                     [&](const TimelineEntry& line) { return line.official_code == code.code; });
    dossier.official_codes.push_back(
        {code.code, code.system, said->agency, said->at, said->officer, said->id});
  }
}

void read_custody(Dossier& dossier, Updates& updates) {
  for (const LinkEntry& link : dossier.state.chain) {
    CustodyEntry out;
    out.link = link;
    out.at = link.hlc.millis();
    if (const Updates::Entry& entry = updates.get(link.id); entry.stored) {
      out.node = entry.stored->node;
      out.seal = entry.stored->seal;
      if (entry.stored->open.at != 0) out.at = entry.stored->open.at;
      out.came_at = doubted(out.at, *entry.stored);
    }
    dossier.custody.push_back(std::move(out));
  }
}

}  // namespace

std::string Dossier::code() const {
  const auto at = values.find(Field::kCode);
  const auto* text = at != values.end() ? std::get_if<std::string>(&at->second) : nullptr;
  return text != nullptr ? *text : std::string();
}

std::map<Field, FieldValue> read_values(const Replica& replica, const RecordState& state) {
  Dossier dossier;
  dossier.state = state;
  Updates updates(replica);
  put_values(dossier, updates);
  return std::move(dossier.values);
}

Result<Dossier> read_dossier(const Replica& replica, const RecordId& id, Work* work) {
  auto record = replica.find_record(id);
  if (!record) return Error(Errc::kNotFound, "no record " + id.short_hex());
  Dossier dossier;
  dossier.state = std::move(record->state);
  Updates updates(replica);
  const auto registry = replica.registry();
  updates.read_ahead(record->updates);
  put_values(dossier, updates);
  WorkReader reader(*registry, [&](const RecordId& other) { return replica.find_record(other); });
  read_timeline(dossier, updates, *registry, work != nullptr ? &reader : nullptr);
  if (work != nullptr) *work = reader.work();
  read_official_codes(dossier);
  read_custody(dossier, updates);
  return dossier;
}

}  // namespace lienthong::store
