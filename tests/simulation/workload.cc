#include "tests/simulation/workload.h"

#include "protocol/record/fields.h"
#include "store/desk/operations.h"

namespace lienthong::sim {

using store::Operation;
using store::OperationKind;

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
  Operation operation;
  operation.kind = OperationKind::kCreate;
  const auto* agency = machine.replica().registry()->find_agency(machine.agency());
  if (dice_.chance(0.5))
    operation.code =
        agency->code + "-" + std::to_string(machine.index()) + "-" + std::to_string(++counter_);
  operation.closed = {{static_cast<std::uint16_t>(Field::kApplicantName),
                       "Nguyễn Thị " + std::to_string(counter_)}};
  return operation;
}

OperationKind Workload::choose_kind(const Machine& machine, const RecordState& state) {
  const double roll = dice_.unit();
  if (dice_.chance(0.04))  // whatever the rules say
    return static_cast<OperationKind>(1 +
                                      dice_.below(static_cast<std::size_t>(OperationKind::kAdopt)));
  if (state.offered == machine.agency())
    return roll < 0.65  ? OperationKind::kAccept
           : roll < 0.8 ? OperationKind::kDecline
                        : OperationKind::kNote;
  if (state.holder == machine.agency() && state.offered.is_zero()) {
    if (roll < 0.4) return OperationKind::kSet;
    if (roll < 0.75) return OperationKind::kOffer;
    if (roll < 0.85) return OperationKind::kNote;
    return roll < 0.93 ? OperationKind::kConsult : OperationKind::kShare;
  }
  if (state.holder == machine.agency())
    return roll < 0.4 ? OperationKind::kRecall : OperationKind::kNote;
  if (!state.offered.is_zero() && roll < 0.25) return OperationKind::kReclaim;
  return roll < 0.6 ? OperationKind::kNote : OperationKind::kReply;
}

std::optional<Operation> Workload::choose(Machine& machine) {
  const auto& records = records_of(machine);
  if (records.empty() || dice_.chance(records.size() < 6 ? 0.4 : 0.08)) return create(machine);
  const std::size_t newest =
      std::min<std::size_t>(records.size(), 12);  // most work is on recent ones
  const RecordId record = dice_.chance(0.7) ? records[records.size() - 1 - dice_.below(newest)]
                                            : records[dice_.below(records.size())];
  const auto entry = machine.replica().find_record(record);
  if (!entry) return std::nullopt;
  if (auto parallel = choose_leg(machine, entry->state)) return parallel;
  Operation operation;
  operation.code = record.hex();
  operation.kind = choose_kind(machine, entry->state);
  const std::string text = "việc " + std::to_string(++counter_);
  switch (operation.kind) {
    case OperationKind::kOffer:
    case OperationKind::kConsult:
    case OperationKind::kShare:
      operation.to = some_agency(machine);
      operation.urgent = operation.kind == OperationKind::kOffer && dice_.chance(0.2);
      break;
    case OperationKind::kReply:
      for (const Invitation& invitation : entry->state.invitations)
        if (invitation.kind == UpdateKind::kConsult && invitation.target == machine.agency())
          operation.about = invitation.id;
      operation.event =
          store::Event{.at = 0, .officer = "", .unit = "", .action = "", .note = text};
      break;
    case OperationKind::kSet:
    case OperationKind::kEvent:
      operation.open = {{static_cast<std::uint16_t>(Field::kUnit), text}};
      if (dice_.chance(0.2))
        operation.closed = {{static_cast<std::uint16_t>(Field::kSummary), text}};
      [[fallthrough]];
    default:
      operation.event =
          store::Event{.at = 0, .officer = "Lan", .unit = "", .action = "work", .note = text};
  }
  return operation;
}

// Parallel work: a leg of a dossier that is held here, or the end of a leg that is.
std::optional<Operation> Workload::choose_leg(Machine& machine, const RecordState& state) {
  if (state.holder != machine.agency() || !state.offered.is_zero()) return std::nullopt;
  if (!dice_.chance(state.kind == RecordKind::kLeg ? 0.3 : 0.06)) return std::nullopt;
  Operation operation;
  const std::string text = "chặng " + std::to_string(++counter_);
  if (state.kind == RecordKind::kLeg) {
    operation.kind = OperationKind::kFinish;
    operation.code = state.record.hex();
    operation.open = {{static_cast<std::uint16_t>(Field::kOutcome), text}};
    return operation;
  }
  operation.kind = OperationKind::kCreate;
  operation.record_kind = RecordKind::kLeg;
  operation.lead = state.record.hex();
  operation.to = some_agency(machine);
  operation.share = dice_.chance(0.5);
  operation.open = {{static_cast<std::uint16_t>(Field::kDuty), text}};
  return operation;
}

void Workload::act(Machine& machine) {
  if (auto operation = choose(machine)) post(machine, *std::move(operation));
}

void Workload::post(Machine& machine, Operation operation) {
  struct Work {
    Operation operation;
    std::vector<std::uint64_t> numbers;
    UpdateId taken_back;
  };
  const auto work = std::make_shared<Work>(Work{std::move(operation), {}, {}});
  const auto job = [work](store::Transaction& transaction) -> Result<void> {
    const std::size_t before = transaction.entered().size();
    std::optional<UpdateId> tip;
    if (work->operation.kind == OperationKind::kRecall)
      if (const auto entry =
              transaction.find_record(RecordId::from(*from_hex(work->operation.code))))
        if (!entry->state.chain.empty()) tip = entry->state.tip();
    if (auto done = store::apply_operation(transaction, work->operation); !done.ok())
      return done.error();
    if (tip && !transaction.find_update(*tip)) work->taken_back = *tip;
    const auto& entered = transaction.entered();
    work->numbers.assign(entered.begin() + static_cast<std::ptrdiff_t>(before), entered.end());
    return {};
  };
  Machine* author = &machine;
  const auto committed = [this, work, author](const Result<void>& result) {
    // Even a failed commit may have taken it back: the log may have reached the disk.
    if (!work->taken_back.is_zero()) ledger_.forget(work->taken_back);
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
