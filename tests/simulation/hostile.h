// Certified neighbours that do as they like. In place of an office's machine somebody speaks who
// has its keys and knows everything: what it says is well formed and sealed, and else anything:
// without right, back-dated, with parents that nobody else has, twice under one number, in any
// order, again and again, not at all. It tells of places in feeds that are not there and
// acknowledges what it did not store. A district declares agencies and certifies machines of its
// own making. All of them have one purse: what one has made, another brings.
//
// They speak to their superior alone, so what honest offices promise each other must hold.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "tests/simulation/machine.h"

namespace lienthong::sim {

class Hostile {
 public:
  Hostile(Timeline& timeline, Network& network, test::TestDeployment& deployment,
          const std::vector<std::unique_ptr<Machine>>& machines, Dice dice);
  ~Hostile();

  // Whether records are brought to superiors who are none of their audience.
  void set_smuggling(bool smuggling) { smuggling_ = smuggling; }
  // `node`: whose keys it has; lives as long. `parent`: whom it calls.
  void add(test::TestNode& node, std::size_t parent);
  void start();
  void stop() { stopped_ = true; }

  bool empty() const { return offices_.empty(); }
  const std::set<NodeId>& nodes() const { return nodes_; }
  std::map<std::string, std::size_t> sights() const;

 private:
  class Talk;
  struct Office {
    test::TestNode* node;
    std::size_t parent;
    std::vector<Statement> statements;  // its own making
    std::vector<test::TestNode*> minted;
  };

  void plan(Office& office);
  void speak(Office& office);
  void write(Office& office);
  void mint(Office& office);
  std::optional<Update> make_update(const Office& office, const test::TestNode& author);
  std::optional<RecordState> some_record(const Office& office);
  AgencyId some_agency();
  UpdateId some_update(const RecordState& state);
  Cursor made_up_cursor();
  void date(Envelope& envelope, const Machine& parent);
  SealedUnit seal(test::TestNode& author, const std::vector<Update>& updates);
  std::vector<SealedUnit> load(const Office& office);
  bool may_bring(const Office& office, const SealedUnit& unit) const;

  Timeline& timeline_;
  Network& network_;
  test::TestDeployment& deployment_;
  const std::vector<std::unique_ptr<Machine>>& machines_;
  Dice dice_;
  std::vector<std::unique_ptr<Office>> offices_;
  std::set<NodeId> nodes_;
  std::vector<std::unique_ptr<test::TestNode>> minted_;
  std::vector<SealedUnit> purse_;
  std::vector<UpdateId> made_;  // in the purse, and kept back
  std::size_t sessions_ = 0, statements_ = 0;
  std::uint64_t session_number_ = 1'700'000'000'000;
  bool smuggling_ = false;
  bool stopped_ = false;
};

}  // namespace lienthong::sim
