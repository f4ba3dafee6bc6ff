// A record's updates in their graph, each judged: who had the right, which custody links are in
// force and what follows what. docs/protocol/custody.md. Internal to record/: what the fold and the
// notary begin with. Pure; no threads. Keeps pointers to the updates and the tree that it is given.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "protocol/record/ancestors.h"
#include "protocol/record/custody.h"

namespace lienthong::custody {

struct JudgedUpdate {
  const GraphUpdate* update = nullptr;
  Index agency = 0;                         // place in the table of agencies
  Index link = kNone;                       // the update named as link, where it is an ancestor
  Index custody_link = kNone;               // place among the custody links that had the right
  InertReason reason = InertReason::kNone;  // as judged for ever, by the version named
  bool trusted = false;  // had the right and is believed, under the version that it is held to too
};

// A custody link that had the right.
struct LinkNode {
  Index update = 0;        // place among the updates
  Index agency = 0;        // author's
  Index previous = kNone;  // place among the links; kNone: created
  Index holder = 0;        // agencies, after it
  Index offered = kNone;
  bool in_force = false;     // trusted, or confirmed by a reclaim
  std::vector<Index> under;  // field writes and upholds in force that name it, by place
  std::vector<Index> next;   // links in force that name it
};

class Judged {
 public:
  // `updates` in any order, closed under parents, no duplicates, with a first one.
  Judged(std::span<const GraphUpdate> updates, const TreeView& tree);

  const TreeView& tree() const { return tree_; }
  const Ancestors& graph() const { return graph_; }
  // Parents first; the record's first update is at 0.
  const std::vector<JudgedUpdate>& updates() const { return updates_; }
  // Parents first; `created` is at 0.
  const std::vector<LinkNode>& links() const { return links_; }
  const std::vector<AgencyId>& agencies() const { return agencies_; }

  const Standing& standing(Index link) const { return paths_[link].standing; }
  const GraphUpdate& update_of(const LinkNode& link) const { return *updates_[link.update].update; }
  // The custody link that an update with the right is, or that is at or above what it names.
  Index custody_link_of(const JudgedUpdate& update) const;

 private:
  struct LinkPath {
    Standing standing;
    Index person = kNone;  // last in the list of authors and targets on the path
  };
  struct Person {
    AgencyId agency;
    Index before = kNone;
  };
  struct Claim;

  void order(std::span<const GraphUpdate> updates);
  void find_links();
  void judge_all();
  void judge(Index update, const std::vector<bool>& too_deep);
  std::vector<bool> find_too_deep() const;
  void add_link(Index update, const Standing& before, Index previous);
  void find_in_force();
  void confirm();
  bool confirms(const Claim& claim, const LinkNode& link) const;
  Index intern(const AgencyId& agency);
  Index with_person(Index list, const AgencyId& agency);
  std::span<const AgencyId> people_at(Index link);

  const TreeView& tree_;
  Ancestors graph_;
  std::vector<JudgedUpdate> updates_;
  std::unordered_map<UpdateId, Index> index_;
  std::vector<AgencyId> agencies_;
  std::unordered_map<AgencyId, Index> agency_index_;
  std::vector<LinkNode> links_;
  std::vector<LinkPath> paths_;
  std::vector<Person> people_;  // lists that share their beginnings
  Index listed_ = kNone;        // link whose people are in list_
  std::vector<AgencyId> list_;
};

}  // namespace lienthong::custody
