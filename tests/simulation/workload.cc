#include "tests/simulation/workload.h"

#include "protocol/record/fields.h"
#include "store/desk/operations.h"

namespace lienthong::sim {

using store::Operation;

namespace {

using Choice = Workload::Choice;
constexpr std::size_t kChoiceCount = static_cast<std::size_t>(Choice::kAdopt) + 1;

Choice choose_for(Dice& dice, const AgencyId& ours, const RecordState& state, bool& by_rule) {
  const double roll = dice.unit();
  by_rule = !dice.chance(0.04);
  if (!by_rule) return static_cast<Choice>(dice.below(kChoiceCount));
  if (state.offered == ours)
    return roll < 0.65 ? Choice::kAccept : roll < 0.8 ? Choice::kDecline : Choice::kNote;
  if (state.holder == ours && state.offered.is_zero()) {
    if (roll < 0.4) return Choice::kSet;
    if (roll < 0.75) return Choice::kOffer;
    if (roll < 0.85) return Choice::kNote;
    return roll < 0.93 ? Choice::kConsult : Choice::kShare;
  }
  if (state.holder == ours) return roll < 0.4 ? Choice::kRecall : Choice::kNote;
  if (!state.offered.is_zero() && roll < 0.25) return Choice::kReclaim;
  return roll < 0.6 ? Choice::kNote : Choice::kReply;
}

FieldWrite text_write(Field field, std::string text) {
  return {static_cast<std::uint16_t>(field), std::move(text)};
}

// Nothing has come to the record since, and the machine knows its own past.
bool allowed_still(const store::Transaction& transaction, const std::optional<RecordState>& on) {
  if (!on || transaction.restored()) return false;
  const auto entry = transaction.find_record(on->record);
  return entry && entry->state.heads == on->heads && entry->state.chain == on->chain;
}

// The last consultation that asks us.
std::optional<UpdateId> asked_in(const RecordState& state, const AgencyId& ours) {
  std::optional<UpdateId> asked;
  for (const Invitation& invitation : state.invitations)
    if (invitation.kind == UpdateKind::kConsult && invitation.target == ours) asked = invitation.id;
  return asked;
}

}  // namespace

const std::vector<RecordId>& Workload::records_of(Machine& machine) {
  Known& known = known_[machine.index()];
  const store::Replica& replica = machine.replica();
  if (known.life != machine.life()) known = Known{machine.life(), 0, {}, {}};
  while (known.read < replica.last_change()) {
    const auto updates = replica.changes(known.read, 256);
    if (updates.empty()) break;
    known.read = updates.back().number;
    for (const auto& update : updates) {
      const RecordId record = record_of(update.update, update.id);
      if (known.seen.insert(record).second) known.records.push_back(record);
    }
  }
  return known.records;
}

AgencyId Workload::some_agency(Machine& machine) {
  const auto agencies = machine.replica().registry()->agencies();
  return agencies[dice_.below(agencies.size())]->id;
}

Operation Workload::create(Machine& machine) {
  store::CreateDossier out;
  const auto* agency = machine.replica().registry()->find_agency(machine.agency());
  if (dice_.chance(0.5))
    out.open = {text_write(Field::kCode, agency->code + "-" + std::to_string(machine.index()) +
                                             "-" + std::to_string(++counter_))};
  out.closed = {text_write(Field::kApplicantName, "Nguyễn Thị " + std::to_string(counter_))};
  return out;
}

// What the holder, or the one it is offered to, may do whatever else is so.
bool surely_allowed(Choice choice, const AgencyId& ours, const RecordState& state) {
  const bool offered = state.offered == ours;
  const bool held = state.holder == ours && state.offered.is_zero();
  switch (choice) {
    case Choice::kAccept:
    case Choice::kDecline: return offered;
    case Choice::kNote: return held;
    default: return false;
  }
}

std::optional<Workload::Intent> Workload::choose(Machine& machine) {
  const auto& records = records_of(machine);
  if (records.empty() || dice_.chance(records.size() < 6 ? 0.4 : 0.08))
    return Intent{create(machine), std::nullopt};
  const std::size_t newest =
      std::min<std::size_t>(records.size(), 12);  // most work is on recent ones
  const RecordId record = dice_.chance(0.7) ? records[records.size() - 1 - dice_.below(newest)]
                                            : records[dice_.below(records.size())];
  const auto entry = machine.replica().find_record(record);
  if (!entry) return std::nullopt;
  if (auto parallel = choose_leg(machine, entry->state))
    return Intent{*std::move(parallel), std::nullopt};
  return work_on(machine, entry->state);
}

Workload::Intent Workload::work_on(Machine& machine, const RecordState& state) {
  bool by_rule = false;
  const Choice choice = choose_for(dice_, machine.agency(), state, by_rule);
  Intent intent{make(machine, state, choice), std::nullopt};
  if (by_rule && surely_allowed(choice, machine.agency(), state)) intent.allowed_on = state;
  return intent;
}

Operation Workload::make(Machine& machine, const RecordState& state, Choice choice) {
  const std::string record = state.record.hex();
  const std::string text = "việc " + std::to_string(++counter_);
  const store::Remark remark{.officer = "Lan", .note = text};
  switch (choice) {
    case Choice::kSet: {
      store::SetFields set{.record = record, .open = {text_write(Field::kUnit, text)}};
      if (dice_.chance(0.2)) set.closed = {text_write(Field::kSummary, text)};
      set.event = store::Event{.officer = "Lan", .action = "work", .note = text};
      return set;
    }
    case Choice::kEvent:
      return store::AddEvent{
          .record = record,
          .event = {.officer = "Lan", .unit = text, .action = "work", .note = text}};
    case Choice::kNote: return store::AddNote{.record = record, .remark = remark};
    case Choice::kOffer: {
      const AgencyId to = some_agency(machine);
      return store::Offer{.record = record, .to = to, .urgent = dice_.chance(0.2)};
    }
    case Choice::kAccept: return store::Accept{.record = record, .remark = remark};
    case Choice::kDecline: return store::Decline{.record = record, .remark = remark};
    case Choice::kRecall: return store::Recall{.record = record, .remark = remark};
    case Choice::kReclaim: return store::Reclaim{.record = record, .remark = remark};
    case Choice::kSucceed: return store::Succeed{.record = record, .remark = remark};
    case Choice::kConsult: return store::Consult{.record = record, .to = some_agency(machine)};
    case Choice::kReply:
      return store::Reply{
          .record = record, .about = asked_in(state, machine.agency()), .remark = {.note = text}};
    case Choice::kShare: return store::Share{.record = record, .to = some_agency(machine)};
    case Choice::kAdopt: return store::Adopt{.record = record};
  }
  return store::AddNote{.record = record, .remark = remark};
}

// Parallel work: a leg of a dossier that is held here, or the end of a leg that is.
std::optional<Operation> Workload::choose_leg(Machine& machine, const RecordState& state) {
  if (state.holder != machine.agency() || !state.offered.is_zero()) return std::nullopt;
  if (!dice_.chance(state.kind == RecordKind::kLeg ? 0.3 : 0.06)) return std::nullopt;
  const std::string text = "chặng " + std::to_string(++counter_);
  if (state.kind == RecordKind::kLeg)
    return store::FinishLeg{.record = state.record.hex(), .outcome = text};
  store::CreateLeg leg{.dossier = state.record.hex(), .to = some_agency(machine)};
  leg.share = dice_.chance(0.5);
  leg.closed = {text_write(Field::kDuty, text)};
  return leg;
}

void Workload::act(Machine& machine) {
  if (auto intent = choose(machine))
    post(machine, std::move(intent->operation), std::move(intent->allowed_on));
}

void Workload::post(Machine& machine, Operation operation, std::optional<RecordState> on) {
  struct Work {
    Operation operation;
    std::optional<RecordState> allowed_on;
    std::string refusal;  // though it was allowed
    std::vector<std::uint64_t> numbers;
    UpdateId taken_back;
  };
  const auto work = std::make_shared<Work>(Work{std::move(operation), std::move(on), {}, {}, {}});
  const auto job = [work](store::Transaction& transaction) -> Result<void> {
    const std::size_t before = transaction.entered().size();
    std::optional<UpdateId> tip;
    if (const auto* recall = std::get_if<store::Recall>(&work->operation.deed))
      if (const auto entry = transaction.find_record(RecordId::from(*from_hex(recall->record))))
        if (!entry->state.chain.empty()) tip = entry->state.tip();
    work->refusal.clear();
    if (auto done = store::apply_operation(transaction, work->operation); !done.ok()) {
      if (allowed_still(transaction, work->allowed_on)) work->refusal = done.error().message();
      return done.error();
    }
    if (tip && !transaction.find_update(*tip)) work->taken_back = *tip;
    const auto& entered = transaction.entered();
    work->numbers.assign(entered.begin() + static_cast<std::ptrdiff_t>(before), entered.end());
    return {};
  };
  Machine* author = &machine;
  const auto committed = [this, work, author](const Result<void>& result) {
    // Even a failed commit may have taken it back: the log may have reached the disk.
    if (!work->taken_back.is_zero()) ledger_.forget(work->taken_back);
    if (!work->refusal.empty()) ++ledger_.refused_though_allowed[work->refusal];
    ++(result ? ledger_.accepted : ledger_.refused);
    if (!result) return;
    for (const std::uint64_t number : work->numbers)
      if (const auto update = author->replica().find_update(number))
        ledger_.add(
            {update->id, record_of(update->update, update->id), author->index(), author->now()});
  };
  machine.writer().write(job, committed);
}

}  // namespace lienthong::sim
