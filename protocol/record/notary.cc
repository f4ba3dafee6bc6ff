#include "protocol/record/notary.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "protocol/base/check.h"
#include "protocol/record/branches.h"
#include "protocol/record/fold_common.h"
#include "protocol/record/judged.h"

namespace lienthong {
namespace {

using custody::Index;
using custody::JudgedFork;
using custody::kNone;

bool can_read(std::span<const GraphUpdate> updates) {
  return !updates.empty() &&
         std::all_of(updates.begin(), updates.end(), [](const GraphUpdate& update) {
           return update.envelope.rules_version <= kRulesVersion;
         });
}

const AgencyId& turn_at(const custody::Judged& record, Index link) {
  const custody::Standing& at = record.standing(link);
  return at.offered.is_zero() ? at.holder : at.offered;
}

// What the desk had first.
class Memory {
 public:
  Memory(const custody::Judged& record, const std::function<Brought(const UpdateId&)>& brought)
      : record_(record), ask_(brought), known_(record.updates().size()) {}

  // The branches of a fork that were taken up first; several, or none: it cannot tell.
  std::vector<Index> first_had(Index fork) {
    const std::vector<Index>& branches = record_.links()[fork].next;
    if (std::any_of(branches.begin(), branches.end(),
                    [&](Index branch) { return brought_link(branch).moved; })) {
      return {};
    }
    const AgencyId& turn = turn_at(record_, fork);
    std::vector<Index> first;
    Key best;
    for (const Index branch : branches) {
      const Key key{taken_up(branch, turn), brought_link(branch).commit};
      if (first.empty() || key < best) {
        best = key;
        first.clear();
      }
      if (key == best) first.push_back(branch);
    }
    return first;
  }

 private:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  struct Key {
    std::uint64_t taken_up = kNever;
    std::uint64_t first_link = kNever;
    auto operator<=>(const Key&) const = default;
  };

  const Brought& brought(Index update) {
    if (!known_[update]) known_[update] = ask_(record_.updates()[update].update->id);
    return *known_[update];
  }
  const Brought& brought_link(Index link) { return brought(record_.links()[link].update); }

  // The earliest commit that brought an act by which another than who had the turn takes it up.
  std::uint64_t taken_up(Index branch, const AgencyId& turn) {
    std::uint64_t earliest = kNever;
    std::unordered_map<Index, bool> out_of_its_hand;  // by agency
    std::unordered_map<Index, bool> over_it;
    const TreeView& tree = record_.tree();
    const TreeVersion newest = tree.newest();
    for (const Index act : custody::acts_of(record_, branch)) {
      const custody::JudgedUpdate& judged = record_.updates()[act];
      const AgencyId& by = judged.update->agency;
      const auto [outside, first] = out_of_its_hand.try_emplace(judged.agency);
      if (first) outside->second = !tree.above_or_equal(turn, by, newest);
      if (!outside->second) continue;
      if (judged.update->open.kind == UpdateKind::kUphold) {
        const auto [over, fresh] = over_it.try_emplace(judged.agency);
        if (fresh) over->second = tree.above_or_equal(by, turn, newest);
        if (!over->second) continue;
      }
      const Brought& came = brought(act);
      if (!came.moved) earliest = std::min(earliest, came.commit);
    }
    return earliest;
  }

  const custody::Judged& record_;
  const std::function<Brought(const UpdateId&)>& ask_;
  std::vector<std::optional<Brought>> known_;
};

// The end of what the desk had first from the fork on, so that one word covers every link before it
// as well; the fork itself: it cannot tell.
Index end_of_first(const custody::Judged& record, const custody::Chain& chain, Memory& memory,
                   Index fork) {
  Index at = fork;
  for (;;) {
    const std::vector<Index>& next = record.links()[at].next;
    if (next.empty()) return at;
    if (next.size() == 1) {
      at = next[0];
      continue;
    }
    const JudgedFork& judged = chain.decided.at(at);
    if (at != fork && judged.bound) {
      at = judged.stands;
      continue;
    }
    const std::vector<Index> first = memory.first_had(at);
    if (first.size() != 1) return at;
    at = first[0];
  }
}

}  // namespace

std::vector<Fork> forks_of(std::span<const GraphUpdate> updates, const TreeView& tree) {
  std::vector<Fork> out;
  if (!can_read(updates)) return out;
  const custody::Judged record(updates, tree);
  const custody::Chain chain = custody::find_chain(record);
  const auto id_of = [&](Index update) { return record.updates()[update].update->id; };
  for (const Index link : chain.forks) {
    const custody::LinkNode& node = record.links()[link];
    const JudgedFork& judged = chain.decided.at(link);
    const std::vector<std::vector<Index>> binding = custody::binding_decisions(record, link);
    Fork fork;
    fork.link = id_of(node.update);
    fork.turn = turn_at(record, link);
    fork.notary = judged.notary;
    for (std::size_t i = 0; i < node.next.size(); ++i) {
      Branch branch;
      branch.first = id_of(record.links()[node.next[i]].update);
      branch.stands = node.next[i] == judged.stands;
      for (const Index act : custody::acts_of(record, node.next[i])) {
        const custody::JudgedUpdate& by = record.updates()[act];
        const UpdateKind kind = by.update->open.kind;
        branch.acts.push_back(
            {by.update->id, kind, by.update->agency, id_of(is_link(kind) ? act : by.link)});
        branch.signers.push_back(by.update->agency);
      }
      custody::sort_unique(branch.signers);
      for (const Index decision : binding[i]) branch.binding.push_back(id_of(decision));
      std::sort(branch.binding.begin(), branch.binding.end());
      fork.branches.push_back(std::move(branch));
    }
    std::sort(fork.branches.begin(), fork.branches.end(),
              [](const Branch& a, const Branch& b) { return a.first < b.first; });
    out.push_back(std::move(fork));
  }
  return out;
}

Duty duty(std::span<const GraphUpdate> updates, const AgencyId& ours, const TreeView& tree,
          const std::function<Brought(const UpdateId&)>& brought) {
  Duty duty;
  if (!can_read(updates)) return duty;
  const custody::Judged record(updates, tree);
  const custody::Chain chain = custody::find_chain(record);
  Memory memory(record, brought);
  for (const Index link : chain.forks) {
    const JudgedFork& judged = chain.decided.at(link);
    if (judged.notary != ours || judged.bound) continue;
    const UpdateId id = record.update_of(record.links()[link]).id;
    const Index end = judged.disputed ? link : end_of_first(record, chain, memory, link);
    if (end == link) {
      duty.stuck.push_back(id);
    } else if (duty.uphold.is_zero()) {
      duty.fork = id;
      duty.uphold = record.update_of(record.links()[end]).id;
    }
  }
  return duty;
}

}  // namespace lienthong
