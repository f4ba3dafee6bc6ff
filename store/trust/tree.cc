#include "store/trust/tree.h"

#include <algorithm>
#include <map>
#include <set>

#include "protocol/base/limits.h"
#include "protocol/record/agency_code.h"
#include "protocol/record/closings.h"
#include "protocol/record/codec.h"
#include "protocol/record/tree_shape.h"
#include "store/replica/raw.h"
#include "store/replica/seal_ends.h"

namespace lienthong::store {
namespace {

constexpr TreeVersion kToday = 0, kThen = 1;  // of the tree that is made to look at

std::string name_of(const Registry& registry, const AgencyId& agency) {
  const AgencyInfo* info = registry.find_agency(agency);
  return info == nullptr ? agency.short_hex() : info->code;
}

// ---- what may be said ----

int order_of(const AgencyChange& change) {
  if (std::holds_alternative<Reparent>(change.change)) return 0;
  return std::holds_alternative<Rename>(change.change) ? 1 : 2;
}

// An agency that is there and lives on.
Result<void> check_alive(const Registry& registry, const AgencyId& agency) {
  const AgencyInfo* info = registry.find_agency(agency);
  if (info == nullptr || info->belief != Belief::kBelieved || info->withdrawn)
    return Error(Errc::kUnknownAgency, "agency " + agency.short_hex() + " is not in the registry");
  if (registry.dissolved(agency, registry.newest()))
    return Error(Errc::kNotAllowed, info->code + " is dissolved already");
  return {};
}

Result<void> check_rename(const Registry& registry, const AgencyId& agency, const Rename& rename,
                          const std::set<AgencyId>& gone) {
  if (rename.code.empty() && rename.name.empty())
    return Error(Errc::kInvalidArgument,
                 name_of(registry, agency) + " is to be called otherwise: code or name is missing");
  if (rename.name.size() > kAgencyNameBytesMax)
    return Error(Errc::kTooLarge, "the name is too long: at most 1,024 bytes");
  if (rename.code.empty()) return {};
  if (!is_agency_code(rename.code) || rename.code.size() > kAgencyCodeBytesMax)
    return Error(Errc::kInvalidArgument, "\"" + rename.code + "\" is no code of an agency");
  for (const AgencyInfo* other : registry.bearers_of(rename.code))
    if (other->id != agency && !gone.contains(other->id) &&
        !registry.dissolved(other->id, registry.newest()))
      return Error(Errc::kConflict, "code " + rename.code + " is borne by " + other->name);
  return {};
}

Result<void> check_dissolve(const Registry& registry, const AgencyId& agency,
                            const Dissolve& dissolve, const std::set<AgencyId>& gone) {
  if (dissolve.successors.size() > kReferenceCountMax)
    return Error(Errc::kTooLarge, "too many successors of " + name_of(registry, agency));
  std::set<AgencyId> seen;
  for (const AgencyId& successor : dissolve.successors) {
    LT_TRY_VOID(check_alive(registry, successor));
    if (successor == agency || !seen.insert(successor).second)
      return Error(Errc::kInvalidArgument,
                   name_of(registry, agency) + " is succeeded by itself, or by one agency twice");
    if (gone.contains(successor))
      return Error(Errc::kNotAllowed, name_of(registry, successor) + " is dissolved by this too: " +
                                          "name who lives on as the successor of " +
                                          name_of(registry, agency));
  }
  return {};
}

Result<void> check_changes(const Registry& registry, const std::vector<AgencyChange>& changes) {
  if (changes.empty()) return Error(Errc::kInvalidArgument, "nothing is to be changed");
  std::set<std::pair<AgencyId, std::size_t>> said;
  std::set<AgencyId> gone, freed;  // dissolved; bear their codes no more
  for (const AgencyChange& change : changes) {
    LT_TRY_VOID(check_alive(registry, change.agency));
    if (!said.emplace(change.agency, change.change.index()).second)
      return Error(Errc::kInvalidArgument,
                   "the same is said twice of " + name_of(registry, change.agency));
    const auto* rename = std::get_if<Rename>(&change.change);
    if (std::holds_alternative<Dissolve>(change.change)) gone.insert(change.agency);
    if (rename != nullptr && !rename->code.empty()) freed.insert(change.agency);
  }
  freed.insert(gone.begin(), gone.end());
  std::map<std::string, AgencyId> given;
  for (const AgencyChange& change : changes) {
    if (const auto* reparent = std::get_if<Reparent>(&change.change)) {
      LT_TRY_VOID(check_alive(registry, reparent->parent));
      if (gone.contains(reparent->parent))
        return Error(Errc::kNotAllowed, name_of(registry, change.agency) + " would come below " +
                                            name_of(registry, reparent->parent) +
                                            ", which is dissolved by this too");
    } else if (const auto* dissolve = std::get_if<Dissolve>(&change.change)) {
      LT_TRY_VOID(check_dissolve(registry, change.agency, *dissolve, gone));
    } else {
      const auto& rename = std::get<Rename>(change.change);
      LT_TRY_VOID(check_rename(registry, change.agency, rename, freed));
      if (!rename.code.empty() && !given.emplace(rename.code, change.agency).second)
        return Error(Errc::kConflict, "code " + rename.code + " is given to two agencies");
    }
  }
  return {};
}

// ---- the tree as it would be ----

// As many agencies as there are, in two versions: as it is, and with the changes.
class NextTree {
 public:
  explicit NextTree(const Registry& registry) : registry_(registry) {
    for (const AgencyId& id : registry.everyone()) (void)place(id);
    const TreeVersion newest = registry.newest();
    for (const AgencyId& id : ids_) {
      if (!registry.dissolved(id, newest)) continue;
      const auto successors = registry.successors(id, newest);
      // What was left below another goes with it by itself, as it did.
      if (named_before(id))
        shape_.dissolve(at_.at(id),
                        successors.size() == 1 ? place(successors.front()) : TreeShape::kNone);
    }
    shape_.finish(kToday);
  }

  Result<void> apply(const std::vector<AgencyChange>& changes) {
    for (const AgencyChange& change : changes) {
      const TreeShape::Index agency = at_.at(change.agency);
      if (const auto* reparent = std::get_if<Reparent>(&change.change)) {
        if (!shape_.move(agency, at_.at(reparent->parent)))
          return Error(Errc::kInvalidArgument, name_of(registry_, change.agency) +
                                                   " would come below itself under " +
                                                   name_of(registry_, reparent->parent));
      } else if (const auto* dissolve = std::get_if<Dissolve>(&change.change)) {
        shape_.dissolve(agency, dissolve->successors.size() == 1
                                    ? at_.at(dissolve->successors.front())
                                    : TreeShape::kNone);
      }
    }
    shape_.finish(kThen);
    return {};
  }
  ShapedTree take() { return {std::move(shape_), std::move(ids_)}; }

 private:
  // Parents first.
  TreeShape::Index place(const AgencyId& id) {
    if (const auto at = at_.find(id); at != at_.end()) return at->second;
    const auto parent = registry_.parent(id, registry_.newest());
    const TreeShape::Index above = parent ? place(*parent) : TreeShape::kNone;
    const TreeShape::Index index = shape_.add(above);
    at_.emplace(id, index);
    ids_.push_back(id);
    return index;
  }
  // Whether a standing version names it as dissolved.
  bool named_before(const AgencyId& id) const {
    for (TreeVersion version = 1; version <= registry_.tree_head().number; ++version) {
      const Statement* statement = registry_.find_statement(registry_.tree_id(version));
      const auto body = statement == nullptr ? Result<StatementBody>(Error(Errc::kNotFound, ""))
                                             : wire::decode_statement(statement->body);
      const auto* tree = body.ok() ? std::get_if<TreeChange>(&*body) : nullptr;
      if (tree == nullptr) continue;
      for (const AgencyChange& change : tree->changes)
        if (change.agency == id && std::holds_alternative<Dissolve>(change.change)) return true;
    }
    return false;
  }

  const Registry& registry_;
  TreeShape shape_;
  std::vector<AgencyId> ids_;
  std::map<AgencyId, TreeShape::Index> at_;
};

// As closed_agencies() of protocol/record/closings.h, of a tree that is not signed yet.
std::vector<AgencyId> closed_then(const TreeView& tree) {
  std::set<AgencyId> out;
  for (const AgencyId& agency : tree.everyone()) {
    if (tree.dissolved(agency, kThen) && !tree.dissolved(agency, kToday)) out.insert(agency);
    for (const AgencyId& upper : tree.superiors(agency, kToday))
      if (!tree.above_or_equal(upper, agency, kThen)) out.insert(upper);
  }
  return {out.begin(), out.end()};
}

bool somebody_closes(const TreeView& tree, const AgencyId& of) {
  return std::ranges::any_of(tree.superiors(of, kThen), [&](const AgencyId& upper) {
    return !tree.dissolved(upper, kThen) && tree.superior(upper, of, kThen);
  });
}

Result<ShapedTree> next_tree(const Registry& registry, const std::vector<AgencyChange>& changes) {
  NextTree tree(registry);
  LT_TRY_VOID(tree.apply(changes));
  return tree.take();
}

}  // namespace

Result<TreeOutlook> outlook(const Registry& registry, std::vector<AgencyChange> changes,
                            std::string note, UnixMillis now) {
  LT_TRY_VOID(check_changes(registry, changes));
  std::ranges::stable_sort(changes, {}, order_of);
  LT_TRY(const ShapedTree tree, next_tree(registry, changes));
  TreeOutlook out;
  std::map<AgencyId, std::vector<AgencyId>> named;
  for (const AgencyChange& change : changes)
    if (const auto* dissolve = std::get_if<Dissolve>(&change.change))
      named[change.agency] = dissolve->successors;
  for (const AgencyId& agency : tree.everyone()) {
    if (!tree.dissolved(agency, kThen) || tree.dissolved(agency, kToday)) continue;
    Dissolved one;
    one.agency = agency;
    one.named = named.contains(agency);
    if (one.named) one.successors = named.at(agency);
    const AgencyId heir = tree.resolve(agency, kThen);
    if (!tree.dissolved(heir, kThen)) one.heir = heir;
    one.machines = registry.certificates_of(agency).size();
    out.dissolved.push_back(std::move(one));
  }
  std::ranges::stable_sort(out.dissolved, {},
                           [&](const Dissolved& one) { return name_of(registry, one.agency); });
  out.closed = closed_then(tree);
  for (const AgencyId& agency : out.closed)
    if (!somebody_closes(tree, agency)) out.closed_by_root.push_back(agency);
  const TreeHead head = registry.tree_head();
  out.change.number = head.number + 1;
  out.change.previous = head.id;
  out.change.changes = std::move(changes);
  out.change.decided_at = now;
  out.change.note = std::move(note);
  if (wire::encode(StatementBody(out.change)).size() > kStatementBytesMax)
    return Error(Errc::kTooLarge, "too much for one version of the tree: say it in several");
  return out;
}

Result<TreePlan> plan_tree(const Replica& replica, std::vector<AgencyChange> changes,
                           std::string note, UnixMillis now,
                           const std::function<bool()>& stopping) {
  const auto registry = replica.registry();
  TreePlan out;
  LT_TRY(out.outlook, outlook(*registry, std::move(changes), std::move(note), now));
  out.said.emplace_back(out.outlook.change);
  const RawReplica raw(replica);
  std::set<NodeId> done;
  for (const AgencyId& agency : out.outlook.closed_by_root)
    for (const CertificateId& id : registry->certificates_of(agency)) {
      Closing closing;
      closing.node = registry->find_certificate(id)->node;
      if (!done.insert(closing.node).second) continue;
      closing.version = closing.tree_version = out.outlook.change.number;
      closing.cuts = cuts_within(read_node_seals(raw.database(), closing.node));
      closing.decided_at = now;
      for (Closing& part : in_statements(std::move(closing)))
        out.said.emplace_back(std::move(part));
    }
  std::map<AgencyId, Dissolved*> concerned;
  for (Dissolved& one : out.outlook.dissolved) concerned.emplace(one.agency, &one);
  bool stopped = false;
  replica.for_each_record([&](const RecordEntry& entry) {
    ++out.records;
    stopped = stopping();
    const auto at = concerned.find(entry.state.turn());
    if (at == concerned.end()) return !stopped;
    ++at->second->turns;
    if (!entry.state.offered.is_zero()) ++out.offers_open;
    if (!at->second->heir.is_zero()) {
      ++out.turns_passing;
    } else {
      ++out.turns_undecided;
      if (out.undecided.size() < kUndecidedMax) out.undecided.push_back(entry.state.record);
    }
    return !stopped;
  });
  if (stopped) return Error(Errc::kClosed, "the agent stops");
  return out;
}

std::vector<AgencyId> former_bearers(const Registry& registry, std::string_view code) {
  std::vector<AgencyId> out;
  const auto add = [&](const AgencyId& agency) {
    if (std::ranges::find(out, agency) == out.end()) out.push_back(agency);
  };
  const auto ids = registry.statements();
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    const auto body = wire::decode_statement(registry.find_statement(*id)->body);
    if (!body.ok()) continue;
    if (const auto* declared = std::get_if<AgencyDeclaration>(&*body);
        declared != nullptr && declared->code == code)
      add(id_cast<AgencyId>(*id));
    const auto* tree = std::get_if<TreeChange>(&*body);
    if (tree == nullptr || registry.tree_id(tree->number) != *id) continue;
    for (const AgencyChange& change : tree->changes)
      if (const auto* rename = std::get_if<Rename>(&change.change);
          rename != nullptr && rename->code == code)
        add(change.agency);
  }
  std::erase_if(out, [&](const AgencyId& agency) {
    const AgencyInfo* info = registry.find_agency(agency);
    return info == nullptr || info->belief != Belief::kBelieved || info->withdrawn ||
           (info->code == code && !registry.dissolved(agency, registry.newest()));
  });
  return out;
}

}  // namespace lienthong::store
