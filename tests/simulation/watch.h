// What must hold at every moment, asked now and then while everything goes on and things go wrong.
// The machines' disks are left in peace: what is read here neither fails nor counts.
#pragma once

#include <map>
#include <set>

#include "tests/simulation/findings.h"
#include "tests/simulation/promises.h"

namespace lienthong::sim {

class Watch {
 public:
  struct Scene {
    Timeline& timeline;
    const Network& network;
    const std::vector<std::unique_ptr<Machine>>& machines;
    Findings& findings;
    const std::set<NodeId>& hostile;  // whose records are their own business
  };
  // `opinions`: of each look, so many records are folded by the custody model as well.
  Watch(Scene scene, std::size_t opinions, Dice dice)
      : scene_(scene), opinions_(opinions), dice_(dice) {}

  void start(Duration between);
  void watch(Machine& machine);  // one that was added later
  // All that has changed since the last look, once everything is quiet.
  void finish();
  std::size_t opinions_given() const { return opinions_given_; }

 private:
  struct Progress {  // of what a link has to send
    const void* link = nullptr;
    std::uint64_t acknowledged = 0;
    std::uint64_t pending = 0;  // at the look before
    Instant since{};
  };
  struct Suspicion {  // two neighbours said that they are in sync, and differ
    FeedMark up, down;
  };
  using Ends = std::pair<std::size_t, std::size_t>;

  void look();
  void look_at_records(Machine& machine, std::size_t opinions);
  void look_at_record(const Machine& machine, const store::RecordEntry& entry);
  void look_for_trespassers();
  void look_at_links(const Machine& machine);
  void look_at_neighbours(const Machine& child);
  void look_again(std::size_t child, const Suspicion& suspicion);
  void look_at_queues(const Machine& machine);
  std::optional<Suspicion> differ(const Machine& child) const;
  template <class Work>
  void in_peace(Machine& machine, const Work& work);

  Scene scene_;
  std::size_t opinions_;
  Dice dice_;
  std::size_t opinions_given_ = 0;
  std::map<RecordId, std::set<AgencyId>> audiences_;             // all that any state ever gave
  std::map<std::pair<std::size_t, RecordId>, int> trespassers_;  // looks at which they had no right
  std::map<Ends, Progress> progress_;
};

}  // namespace lienthong::sim
