// Histories of one record for tests, written update by update among the model's eight agencies.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "tests/support/custody_graph.h"

namespace lienthong::model {

inline constexpr auto kSet = UpdateKind::kSet;
inline constexpr auto kOffer = UpdateKind::kOffer;
inline constexpr auto kAccept = UpdateKind::kAccept;
inline constexpr auto kDecline = UpdateKind::kDecline;
inline constexpr auto kReclaim = UpdateKind::kReclaim;
inline constexpr auto kSucceed = UpdateKind::kSucceed;
inline constexpr auto kNote = UpdateKind::kNote;
inline constexpr auto kConsult = UpdateKind::kConsult;
inline constexpr auto kShare = UpdateKind::kShare;
inline constexpr auto kReply = UpdateKind::kReply;
inline constexpr auto kRecall = UpdateKind::kRecallRequest;
inline constexpr auto kInspect = UpdateKind::kInspect;
inline constexpr auto kErase = UpdateKind::kErase;
inline constexpr auto kAdopt = UpdateKind::kAdopt;
inline constexpr auto kUphold = UpdateKind::kUphold;

struct Step {
  int to = kNobody;
  std::optional<int> link = {};               // default: the last custody link written
  std::optional<std::vector<int>> deps = {};  // default: the last update
  std::uint64_t hlc = 0;                      // default: one more than the last
  int tree = -1;                              // default: as the last
  bool cut_off = false;
  std::vector<int> references = {};
  int machine = 1;
  int held_to = 0;      // a closing's tree version
  int certificate = 0;  // tree version that the author's names
};

// A record's history written update by update, each on top of the last unless said otherwise.
class Dossier {
 public:
  explicit Dossier(int origin = A, Step step = {}) { add(origin, UpdateKind::kCreated, step); }

  int add(int agency, UpdateKind kind, const Step& step = {}) {
    Item item;
    item.id = static_cast<int>(world_.items.size());
    item.kind = kind;
    item.agency = agency;
    item.machine = step.machine;
    const Item* last = world_.items.empty() ? nullptr : &world_.items.back();
    item.hlc = step.hlc != 0 ? step.hlc : (last != nullptr ? last->hlc + 1 : 1);
    if (last != nullptr) {
      item.deps = step.deps.value_or(std::vector<int>{last->id});
      item.link = step.link.value_or(last_link_);
      item.tree_version = last->tree_version;
    }
    if (step.tree >= 0) item.tree_version = static_cast<TreeVersion>(step.tree);
    item.to = step.to;
    item.cut_off = step.cut_off;
    item.held_to = static_cast<TreeVersion>(step.held_to);
    item.certificate_version = static_cast<TreeVersion>(step.certificate);
    item.references = step.references;
    if (kind <= UpdateKind::kSucceed) last_link_ = item.id;
    world_.add(item);
    return item.id;
  }
  std::vector<GraphUpdate> updates() const { return to_graph(world_, world_.all()); }
  RecordState state() const { return fold(updates(), tree_); }
  const TreeView& tree() const { return tree_; }
  InertReason reason(int id) const {
    const RecordState folded = state();
    for (const InertEntry& entry : folded.inert) {
      if (entry.id == update_id(id)) return entry.reason;
    }
    return InertReason::kNone;
  }

 private:
  World world_;
  int last_link_ = -1;
  EightAgencies tree_;
};

inline std::vector<UpdateId> update_ids(const std::vector<int>& numbers) {
  std::vector<UpdateId> out;
  for (const int number : numbers) out.push_back(update_id(number));
  return out;
}

inline std::vector<UpdateId> chain_of(const RecordState& state) {
  std::vector<UpdateId> out;
  for (const LinkEntry& link : state.chain) out.push_back(link.id);
  return out;
}

inline std::vector<UpdateId> inert_of(const RecordState& state) {
  std::vector<UpdateId> out;
  for (const InertEntry& entry : state.inert) out.push_back(entry.id);
  return out;
}

inline std::vector<UpdateId> forks_of(const RecordState& state) {
  std::vector<UpdateId> out;
  for (const ForkEntry& fork : state.forks) out.push_back(fork.link);
  return out;
}

inline std::vector<UpdateId> shown_of(const RecordState& state) {
  const auto at = state.open_fields.find(kOpenField);
  return at == state.open_fields.end() ? std::vector<UpdateId>{} : at->second.writes;
}

}  // namespace lienthong::model
