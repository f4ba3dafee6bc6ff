// What the root and superiors say of agencies and machines while all work: the tree is another one,
// a machine gets its next certificate. The offices act on it as people do, once they hear of it.
#pragma once

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
  std::size_t trees_changed() const { return words_.size(); }
  std::size_t renewed() const { return renewed_; }

 private:
  void bring_words();
  void move(std::size_t machine, std::size_t district, TreeVersion version);
  void take_up(std::size_t machine, const CertificateId& certificate, int patience);

  Timeline& timeline_;
  test::TestDeployment& deployment_;
  const std::vector<std::unique_ptr<Machine>>& machines_;
  Dice dice_;
  std::vector<Statement> words_;  // of the root, in order
  bool bringing_ = false;
  std::size_t renewed_ = 0;
};

}  // namespace lienthong::sim
