// Replicas of a province, a district and two communes, and what tests of a registry that grows say
// and forge there.
#pragma once

#include <gtest/gtest.h>

#include "protocol/base/limits.h"
#include "protocol/record/closings.h"
#include "protocol/record/codec.h"
#include "store/replica/replica.h"
#include "tests/support/offices.h"

namespace lienthong::test {

using store::ReceiveOutcome;
using store::Transaction;

class StoreRegistry : public ::testing::Test {
 protected:
  StoreRegistry() : offices(1) {}

  Offices offices;
  Office& province = *offices.province;
  Office& district = *offices.district;
  Office& commune = *offices.commune;
  Office& other = *offices.other;
  std::vector<Office*> all() { return {&other, &commune, &district, &province}; }
  void settle_all() {
    for (int i = 0; i < 3; ++i) {
      settle({&commune, &district, &province});
      settle({&other, &district});
    }
  }

  const RootFingerprint& root() const { return offices.deployment.root(); }

  // An update under that tree version, as a machine would seal that minds no rule.
  SealedUnit forge(TestNode& author, UpdateKind kind, const RecordId& record, const UpdateId& link,
                   TreeVersion version, std::vector<UpdateId> deps = {}) {
    Update update;
    update.envelope.record = record;
    update.envelope.certificate = author.certificate;
    update.envelope.tree_version = version;
    update.envelope.link = link;
    update.envelope.deps = deps.empty() ? std::vector{link} : std::move(deps);
    update.envelope.hlc = Hlc{static_cast<std::uint64_t>(1'680'400'000'000 + ++forged_) << 16};
    OpenBody body;
    body.kind = kind;
    update.open = wire::encode(body);
    const UpdateId id = update_id(root(), update);
    const Hash256 leaf = id_cast<Hash256>(id);
    SealedUnit unit;
    unit.seal = author.seal(root(), std::span(&leaf, 1));
    unit.leaves.push_back({0, std::move(update)});
    return unit;
  }
  UpdateId id_of(const SealedUnit& unit) const { return update_id(root(), unit.leaves[0].update); }

  ReceiveOutcome give(Office& to, Office& from, std::vector<SealedUnit> units) {
    FeedPart part;
    part.units = std::move(units);
    return give(FeedKind::kUpdates, to, from.node(), part);
  }
  ReceiveOutcome say(Office& to, Office& from, std::vector<Statement> statements) {
    FeedPart part;
    part.statements = std::move(statements);
    return give(FeedKind::kRegistry, to, from.node(), part);
  }
  ReceiveOutcome give(FeedKind kind, Office& to, const TestNode& from, const FeedPart& part) {
    ReceiveOutcome out;
    to.commit([&](Transaction& transaction) {
      auto result = transaction.receive(kind, from.id(), from.agency, part);
      ASSERT_TRUE(result.ok()) << result.error().message();
      out = *std::move(result);
    });
    return out;
  }
  // How many updates were looked at for it, and how many records folded from their beginning.
  struct Cost {
    std::uint64_t tried = 0, folded = 0;
  };
  Cost cost(Office& to, std::vector<SealedUnit> units) {
    FeedPart part;
    part.units = std::move(units);
    Cost out;
    to.commit([&](Transaction& transaction) {
      ASSERT_TRUE(
          transaction.receive(FeedKind::kUpdates, other.node().id(), other.agency(), part).ok());
      out = {transaction.tried(), transaction.folded()};
    });
    return out;
  }
  std::uint64_t tries(Office& to, std::vector<SealedUnit> units) {
    return cost(to, std::move(units)).tried;
  }
  static InertReason reason(Office& office, const RecordId& record, const UpdateId& id) {
    const RecordState state = office.state(record);
    const auto at = std::ranges::find(state.inert, id, &InertEntry::id);
    return at == state.inert.end() ? InertReason::kNone : at->reason;
  }
  // The commune goes to another district; the root's file is imported at the province.
  void move_commune() {
    const AgencyId elsewhere =
        offices.deployment.add_agency(offices.province_id, "H47.2", "Huyện Hai", "district");
    change_tree({{offices.commune_id, Reparent{elsewhere}}});
  }
  void change_tree(std::vector<AgencyChange> changes) {
    offices.deployment.change_tree(std::move(changes));
    bring_registry(province);
  }
  void bring_registry(Office& office) {
    office.commit([&](Transaction& transaction) {
      for (const Statement& statement : offices.deployment.statements())
        ASSERT_TRUE(transaction.add_statement(statement).ok());
    });
  }
  StatementId revoke_other(std::vector<Cut> cuts = {}, std::vector<StatementId> after = {}) {
    Revocation revocation;
    revocation.node = other.node().id();
    revocation.cuts = std::move(cuts);
    revocation.after = std::move(after);
    revocation.reason = "mất máy";
    StatementId id;
    district.commit([&](Transaction& transaction) {
      const auto stated = transaction.state(revocation);
      ASSERT_TRUE(stated.ok()) << stated.error().message();
      id = *stated;
    });
    return id;
  }

 private:
  unsigned forged_ = 0;
};

}  // namespace lienthong::test
