// Offices at work: each does by its own view what its rules allow, and now and then tries what they
// do not. What was acknowledged is written into a ledger outside of all machines.
#pragma once

#include <map>
#include <set>
#include <string>

#include "store/desk/operations.h"
#include "tests/simulation/machine.h"

namespace lienthong::sim {

struct LedgerEntry {
  UpdateId id;
  RecordId record;
  std::size_t machine = 0;
  Instant at{};
};

class Ledger {
 public:
  void add(const LedgerEntry& entry) { entries_[entry.id] = entry; }
  // Taken back by its author before it left, or lost with a disk before anybody else had it.
  void forget(const UpdateId& id) { entries_.erase(id); }
  const std::map<UpdateId, LedgerEntry>& entries() const { return entries_; }
  std::size_t accepted = 0, refused = 0;
  std::map<std::string, std::size_t> refused_though_allowed;  // by what was said

 private:
  std::map<UpdateId, LedgerEntry> entries_;
};

class Workload {
 public:
  // What an office may choose to do to a record that is there.
  enum class Choice : std::uint8_t {
    kSet,
    kEvent,
    kNote,
    kOffer,
    kAccept,
    kDecline,
    kRecall,
    kReclaim,
    kSucceed,
    kConsult,
    kReply,
    kShare,
    kAdopt,
  };
  Workload(Ledger& ledger, Dice dice) : ledger_(ledger), dice_(dice) {}

  // One operation of that office, posted to its writer.
  void act(Machine& machine);

 private:
  struct Known {  // what of a machine's records has been read, since it was last started
    std::uint64_t life = 0;
    std::uint64_t read = 0;
    std::vector<RecordId> records;
    std::set<RecordId> seen;
  };
  const std::vector<RecordId>& records_of(Machine& machine);
  struct Intent {
    store::Operation operation;
    std::optional<RecordState> allowed_on;
  };
  std::optional<Intent> choose(Machine& machine);
  Intent work_on(Machine& machine, const RecordState& state);
  store::Operation make(Machine& machine, const RecordState& state, Choice choice);
  std::optional<store::Operation> choose_leg(Machine& machine, const RecordState& state);
  AgencyId some_agency(Machine& machine);
  store::Operation create(Machine& machine);
  // `on`: the state by which the rules allow it; none: it is only tried.
  void post(Machine& machine, store::Operation operation, std::optional<RecordState> on);

  Ledger& ledger_;
  Dice dice_;
  std::map<std::size_t, Known> known_;
  std::uint64_t counter_ = 0;
};

}  // namespace lienthong::sim
