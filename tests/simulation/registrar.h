// What the root and superiors say of agencies and machines while all work: the tree is another one,
// a machine gets its next certificate. The offices act on it as people do, once they hear of it.
#pragma once

#include <functional>
#include <vector>

#include "tests/simulation/machine.h"

namespace lienthong::sim {

class Registrar {
 public:
  Registrar(Timeline& timeline, test::TestDeployment& deployment,
            const std::vector<std::unique_ptr<Machine>>& machines, Dice dice)
      : timeline_(timeline), deployment_(deployment), machines_(machines), dice_(dice) {}

  // An agency is called otherwise, or a commune lies below another district from now on.
  void change_tree();
  // A superior renews the certificate of a machine, which takes it up.
  void renew();
  // A commune's machine that is on and enrolled, with whom it calls; null: none that the dice
  // meant.
  Machine* some_commune();
  // Its superior says that the machine which stood there, `stolen`, is revoked, with the last seals
  // of it that the superior has; now and then the topmost does too, at about the same time, and the
  // superior says later what it has heard of meanwhile. The one that stands there now is invited.
  void revoke(std::size_t machine, const NodeId& stolen);
  std::size_t revoked() const { return revoked_; }
  std::size_t moved() const { return moved_; }
  std::size_t trees_changed() const { return words_.size(); }
  std::size_t renewed() const { return renewed_; }

 private:
  struct Theft {
    std::size_t machine = 0;
    NodeId stolen;
    bool by_topmost = false;  // who says so: else its superior
  };
  // By the tree as the root has it now; a newcomer's is whom it calls.
  std::size_t superior_of(std::size_t machine) const;
  // Until it shows in the superior's registry, at most so often; then `then`.
  void say(const Theft& theft, int patience, std::function<void()> then);
  void invite(const Theft& theft);
  void bring_words();
  void move(std::size_t machine, std::size_t district, TreeVersion version);
  void take_up(std::size_t machine, const CertificateId& certificate, int patience);

  Timeline& timeline_;
  test::TestDeployment& deployment_;
  const std::vector<std::unique_ptr<Machine>>& machines_;
  Dice dice_;
  std::vector<Statement> words_;  // of the root, in order
  bool bringing_ = false;
  std::size_t renewed_ = 0, revoked_ = 0, moved_ = 0;
};

}  // namespace lienthong::sim
