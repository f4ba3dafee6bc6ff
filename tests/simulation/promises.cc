#include "tests/simulation/promises.h"

#include <algorithm>
#include <tuple>

#include "store/office/rows.h"
#include "tests/simulation/beyond.h"

namespace lienthong::sim {
namespace {

using Machines = std::vector<std::unique_ptr<Machine>>;

class Inspection {
 public:
  Inspection(const Machines& machines, const Ledger& ledger, const Forgeries& forgeries,
             const std::set<NodeId>& hostile, Findings& findings)
      : machines_(machines),
        ledger_(ledger),
        forgeries_(forgeries),
        hostile_(hostile),
        findings_(findings) {
    for (const auto& machine : machines_) {
      auto& mine = held_.emplace_back();
      machine->replica().for_each_record([&](const store::RecordEntry& entry) {
        mine.emplace(entry.state.record, entry);
        const auto first = machine->replica().find_update(id_cast<UpdateId>(entry.state.record));
        if (first && hostile_.contains(first->node)) made_up_.insert(entry.state.record);
        return true;
      });
    }
  }

  void run() {
    check_acknowledged();
    check_held();
    check_agreement();
    check_audiences();
    for (const auto& machine : machines_) check_machine(*machine);
    check_forgeries();
    check_feeds();
    check_rows();
  }

 private:
  static std::string name(const Machine& machine) {
    return "machine " + std::to_string(machine.index());
  }

  // 1. An acknowledged change is never lost.
  void check_acknowledged() {
    for (const auto& [id, entry] : ledger_.entries()) {
      const store::RecordEntry* record = nullptr;
      for (const auto& mine : held_)
        if (const auto at = mine.find(entry.record); at != mine.end()) record = &at->second;
      if (record == nullptr) {
        findings_.add("an acknowledged change is lost", "record ", entry.record.short_hex(),
                      " of machine ", std::to_string(entry.machine), " is gone");
        continue;
      }
      const auto agencies = machines_[entry.machine]->replica().audience_of(record->state);
      for (const auto& machine : machines_) {
        if (!std::ranges::binary_search(agencies, machine->agency())) continue;
        if (!machine->replica().find_update(id))
          findings_.add("an acknowledged change is lost", "update ", id.short_hex(),
                        " written on machine ", std::to_string(entry.machine), " at ",
                        std::to_string(entry.at.time_since_epoch() / std::chrono::seconds(1)),
                        " s is not on ", name(*machine), ", record ", entry.record.short_hex());
      }
    }
  }

  // What each disk has acknowledged it has, be it of its own office or not.
  void check_held() {
    for (const auto& machine : machines_)
      for (const UpdateId& id : machine->held())
        if (!machine->replica().find_update(id))
          findings_.add("an acknowledged change is lost", "update ", id.short_hex(),
                        " is no longer on ", name(*machine));
  }

  // Somebody hostile made it and showed it to whom he liked; or a machine that was of its audience
  // under an older tree keeps what it had.
  bool passed_over(std::size_t machine, const store::RecordEntry& entry) const {
    if (made_up_.contains(entry.state.record)) return true;
    const store::Replica& replica = machines_[machine]->replica();
    return replica.registry()->newest() > 0 &&
           !std::ranges::binary_search(replica.audience_of(entry.state),
                                       machines_[machine]->agency());
  }

  // 2. One custodian, the same everywhere, and a chain that can be proved.
  void check_agreement() {
    std::map<RecordId, std::size_t> first;
    for (std::size_t i = 0; i < machines_.size(); ++i) {
      for (const auto& [id, entry] : held_[i]) {
        if (passed_over(i, entry)) continue;
        const auto [at, added] = first.try_emplace(id, i);
        if (added) {
          check_chain(*machines_[i], entry.state);
          continue;
        }
        const RecordState& other = held_[at->second].at(id).state;
        if (encode_state(entry.state) != encode_state(other) && !agree_on(id, at->second, i))
          findings_.add("states differ", "record ", id.short_hex(), " differs between machines ",
                        std::to_string(at->second), " and ", std::to_string(i), ": ",
                        std::to_string(held_[at->second].at(id).updates.size()), " and ",
                        std::to_string(entry.updates.size()), " updates, holders ",
                        other.holder.short_hex(), " and ", entry.state.holder.short_hex());
      }
    }
  }

  bool agree_on(const RecordId& id, std::size_t one, std::size_t other) const {
    const auto seen = [&](std::size_t machine) {
      return state_without_beyond(machines_[machine]->replica(), held_[machine].at(id));
    };
    return seen(one) == seen(other);
  }

  void check_chain(const Machine& machine, const RecordState& state) {
    if (state.chain.empty() && begins_beyond_a_cut(state)) return;
    if (state.chain.empty() || state.holder.is_zero())
      return findings_.add("a record without a custodian", "record ", state.record.short_hex());
    const auto agencies = machine.replica().audience_of(state);
    const auto members = std::ranges::count_if(machines_, [&](const auto& other) {
      return std::ranges::binary_search(agencies, other->agency());
    });
    for (const LinkEntry& link : state.chain) {
      const auto update = machine.replica().find_update(link.id);
      if (!update) {
        findings_.add("custody cannot be proved", "link ", link.id.short_hex(), " is not on ",
                      name(machine));
      } else if (!update->seal) {
        if (members > 1)
          findings_.add("custody cannot be proved", "link ", link.id.short_hex(),
                        " was never sealed");
      } else if (!proved(machine, *update)) {
        findings_.add("custody cannot be proved", "link ", link.id.short_hex(), " on ",
                      name(machine));
      }
    }
  }

  static bool proved(const Machine& machine, const store::StoredUpdate& update) {
    const RootFingerprint& root = machine.replica().root();
    const auto evidence = machine.replica().find_seal(*update.seal);
    if (!evidence || !verify_seal(root, evidence->seal(), update.node).ok()) return false;
    for (std::uint16_t i = 0; i < evidence->seal().count; ++i) {
      if (evidence->leaf(i) != id_cast<Hash256>(update.id)) continue;
      const IndexedLeaf leaf{i, id_cast<Hash256>(update.id)};
      const auto proof = evidence->prove(root, std::span(&i, 1));
      const auto merkle =
          merkle_root_from_part(root, evidence->seal().count, std::span(&leaf, 1), proof);
      return merkle.ok() && *merkle == evidence->seal().root;
    }
    return false;
  }

  // 3. Nobody reads what is not theirs.
  void check_audiences() {
    for (std::size_t i = 0; i < machines_.size(); ++i)
      for (const auto& [id, entry] : held_[i]) {
        if (passed_over(i, entry)) continue;
        const auto agencies = machines_[i]->replica().audience_of(entry.state);
        if (!std::ranges::binary_search(agencies, machines_[i]->agency()))
          findings_.add("somebody holds what is not theirs", name(*machines_[i]), ", record ",
                        id.short_hex());
      }
  }

  // What was erased is here no more, whenever it came.
  void check_erased(const Machine& machine, const store::RecordEntry& entry) {
    if (entry.state.erased_by.is_zero()) return;
    for (const std::uint64_t number : entry.updates) {
      const auto update = machine.replica().find_update(number);
      if (update && !update->update.closed.empty())
        findings_.add("what was erased is there", name(machine), ", update ",
                      update->id.short_hex(), " of record ", entry.state.record.short_hex());
    }
  }

  void check_machine(const Machine& machine) {
    const store::Replica& replica = machine.replica();
    for (const RecordId& id : replica.verify_states())
      findings_.add("a state that a refold does not give", name(machine), ", record ",
                    id.short_hex());
    for (const store::WaitingEntry& entry : replica.waiting())
      if (!hostile_.contains(entry.from) && !waits_for_others(entry))
        findings_.add("something waits for ever", name(machine), ": ", entry.reason, ", update ",
                      entry.id.short_hex());
    const store::Counts counts = replica.counts();
    std::uint64_t updates = 0, inert = 0;
    const auto& mine = held_[machine.index()];
    for (const auto& [id, entry] : mine) {
      updates += entry.updates.size();
      inert += entry.state.inert.size();
      check_erased(machine, entry);
    }
    check_count(machine, "records", counts.records, mine.size());
    check_count(machine, "updates", counts.updates, updates);
    check_count(machine, "inert", counts.inert, inert);
    check_count(machine, "waiting", counts.waiting, replica.waiting().size());
    if (replica.registry()->digest() != machines_.front()->replica().registry()->digest())
      findings_.add("registries differ", name(machine));
  }

  void check_count(const Machine& machine, const char* what, std::uint64_t counted,
                   std::uint64_t there) {
    if (counted != there)
      findings_.add("counts are wrong", name(machine), " counts ", std::to_string(counted), " ",
                    what, ", there are ", std::to_string(there));
  }

  // Nothing that was written without right counts.
  void check_forgeries() {
    if (forgeries_.strangers_served > 0) findings_.add("strangers were served", "");
    for (std::size_t i = 0; i < machines_.size(); ++i) {
      for (const auto& [id, entry] : held_[i]) {
        for (const LinkEntry& link : entry.state.chain)
          if (forgeries_.without_right.contains(link.id))
            findings_.add("a forgery counts", "a link of record ", id.short_hex());
        for (const UpdateId& update : entry.state.timeline)
          if (forgeries_.without_right.contains(update))
            findings_.add("a forgery counts", "in record ", id.short_hex());
      }
      for (const UpdateId& id : forgeries_.malformed)
        if (machines_[i]->replica().find_update(id))
          findings_.add("something malformed was taken", "update ", id.short_hex(), " by ",
                        name(*machines_[i]));
    }
  }

  // What two neighbours have for each other is one set: what healing compares.
  void check_feeds() {
    for (const auto& child : machines_) {
      if (!child->parent()) continue;
      const Machine& parent = *machines_[*child->parent()];
      const auto up = child->replica().feed_digest(FeedKind::kUpdates, parent.agency());
      const auto down = parent.replica().feed_digest(FeedKind::kUpdates, child->agency());
      if (!up || !down || !up->same_set(*down))
        findings_.add("feeds differ", name(*child), " and ", name(parent), " hold ",
                      std::to_string(up ? up->count : 0), " and ",
                      std::to_string(down ? down->count : 0), " updates for each other",
                      only_one(*child, parent), only_one(parent, *child));
    }
  }

  // The first update that one alone has in its feed, and what the other makes of it.
  static std::string only_one(const Machine& one, const Machine& other) {
    const auto ids = [](const Machine& machine, const AgencyId& reader) {
      auto out = machine.replica().feed_ids(FeedKind::kUpdates, reader, 1, SIZE_MAX);
      std::ranges::sort(out);
      return out;
    };
    std::vector<IdPrefix> more;
    std::ranges::set_difference(ids(one, other.agency()), ids(other, one.agency()),
                                std::back_inserter(more));
    std::erase(more, IdPrefix{});
    std::string out;
    if (more.empty()) return out;
    one.replica().for_each_record([&](const store::RecordEntry& entry) {
      for (const std::uint64_t number : entry.updates) {
        const auto update = one.replica().find_update(number);
        if (!update || !std::ranges::equal(more.front(), update->id.view().first(16))) continue;
        const auto members = one.replica().audience_of(entry.state);
        out = "; " + std::to_string(more.size()) + " on " + name(one) + " alone, so update " +
              update->id.short_hex() + " of record " + entry.state.record.short_hex() +
              (std::ranges::binary_search(members, one.agency()) ? "" : ", not of its audience,") +
              (std::ranges::binary_search(members, other.agency()) ? "" : ", not for the other,") +
              (other.replica().find_update(update->id) ? " which the other has" : "");
        return false;
      }
      return true;
    });
    return out;
  }

  // What reports and lists say of a record is the same everywhere.
  void check_rows() {
    std::map<RecordId, std::pair<std::size_t, Dates>> first;
    for (std::size_t i = 0; i < machines_.size(); ++i) {
      const store::OfficeReader rows(machines_[i]->replica());
      for (std::uint32_t number = 1; number <= rows.snapshot().last_record; ++number) {
        const auto row = rows.row(number);
        const auto record = row ? rows.record(number) : std::nullopt;
        if (!record || passed_over(i, *record)) continue;
        const Dates dates = dates_of(*row);
        const auto [at, fresh] = first.try_emplace(record->state.record, i, dates);
        if (!fresh && at->second.second != dates)
          findings_.add("dates differ", "record ", record->state.record.short_hex(),
                        " between machines ", std::to_string(at->second.first), " and ",
                        std::to_string(i));
      }
    }
  }
  using Dates =
      std::tuple<std::string, UnixMillis, UnixMillis, std::vector<std::optional<UnixMillis>>>;
  static Dates dates_of(std::string_view bytes) {
    const store::RowView row = store::view_office_row(bytes);
    const store::Facts facts = store::facts_at(row, store::kEver);
    return {std::string(row.code),
            row.last_link,
            row.updated,
            {facts.received, facts.due, facts.first_due, facts.last_due, facts.end, facts.finished,
             facts.returned}};
  }

  // Whether what it needs is a word that no machine here has: somebody hostile kept it back. Or it
  // lies beyond the cuts of a revoked machine, and has effect nowhere.
  bool waits_for_others(const store::WaitingEntry& entry) const {
    if (entry.reason == "its machine is revoked")
      return std::ranges::none_of(held_, [&](const auto& mine) {
        return std::ranges::any_of(mine, [&](const auto& record) {
          return std::ranges::find(record.second.state.timeline, entry.id) !=
                 record.second.state.timeline.end();
        });
      });
    if (hostile_.empty() || entry.missing.is_zero()) return false;
    return std::ranges::none_of(machines_, [&](const auto& machine) {
      return machine->replica().find_update(entry.missing).has_value();
    });
  }

  const Machines& machines_;
  const Ledger& ledger_;
  const Forgeries& forgeries_;
  const std::set<NodeId>& hostile_;
  Findings& findings_;
  std::vector<std::map<RecordId, store::RecordEntry>> held_;
  std::set<RecordId> made_up_;
};

}  // namespace

bool quiet(const Machines& machines, std::string* why) {
  bool all = true;
  for (const auto& machine : machines) {
    if (!machine->on() || !machine->writer().idle()) {
      all = false;
      if (why != nullptr)
        *why += "machine " + std::to_string(machine->index()) +
                (machine->on() ? " is busy\n" : " is off\n");
    }
    if (!machine->on() || !machine->parent()) continue;
    const Machine& parent = *machines[*machine->parent()];
    if (!parent.on()) continue;
    if (machine->in_sync_with(parent.agency()) && parent.in_sync_with(machine->agency())) continue;
    all = false;
    if (why != nullptr)
      *why += "machine " + std::to_string(machine->index()) + " and " +
              std::to_string(parent.index()) + ":" + machine->describe_links() + " |" +
              parent.describe_links() + "\n";
  }
  return all;
}

void judge(const Machines& machines, const Ledger& ledger, const Forgeries& forgeries,
           const std::set<NodeId>& hostile, Findings& findings) {
  Inspection(machines, ledger, forgeries, hostile, findings).run();
}

}  // namespace lienthong::sim
