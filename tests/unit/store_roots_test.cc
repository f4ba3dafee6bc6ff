// Two deployments that grew apart, each under a root of its own, joined: replicas, sessions and
// dossiers across the former border.
#include <gtest/gtest.h>

#include "protocol/record/codec.h"
#include "tests/support/replica_session.h"

namespace lienthong::test {
namespace {

using store::Transaction;

class StoreRoots : public ::testing::Test {
 protected:
  // The two deployments' offices go by the same names; machines and agencies differ.
  StoreRoots() : west(1), east(2) {
    west_record = west.commune->create("W-1");
    east_record = east.commune->create("E-1");
    settle_apart();
  }
  void settle_apart() {
    for (Offices* side : {&west, &east})
      for (int i = 0; i < 2; ++i) {
        settle({side->commune.get(), side->district.get(), side->province.get()});
        settle({side->other.get(), side->district.get()});
      }
  }
  // The file is taken in by both topmost offices.
  void join() {
    const Statement adoption = west.deployment.adopts(east.deployment, west.province_id);
    const std::vector<Statement> ours = west.deployment.statements();
    const std::vector<Statement> theirs = east.deployment.statements();
    take_in(*west.province, adoption, theirs);
    take_in(*east.province, adoption, ours);
  }
  static void take_in(Office& office, const Statement& adoption, std::vector<Statement> registry) {
    registry.insert(registry.begin(), adoption);
    office.commit([&](Transaction& transaction) {
      const auto added = transaction.add_statements(registry);
      ASSERT_TRUE(added.ok()) << added.error().message();
    });
  }
  void settle_joined() {
    for (int i = 0; i < 3; ++i) {
      settle({east.commune.get(), east.district.get(), east.province.get(), west.province.get(),
              west.district.get(), west.commune.get()});
      settle({east.other.get(), east.district.get()});
      settle({west.other.get(), west.district.get()});
    }
  }
  std::vector<Office*> all() {
    std::vector<Office*> out;
    for (Offices* side : {&west, &east})
      for (const auto* office : {&side->province, &side->district, &side->commune, &side->other})
        out.push_back(office->get());
    return out;
  }
  // Every state is what folding anew makes of it, also after a restart, and registries are alike.
  void expect_sound() {
    const Hash256 digest = west.province->replica().registry()->digest();
    for (Office* office : all()) {
      EXPECT_EQ(office->replica().registry()->digest(), digest);
      EXPECT_TRUE(office->replica().verify_states().empty());
    }
  }
  static bool knows(Office& office) { return office.replica().registry()->roots().size() == 2; }

  // A session as the driver that ships would begin it.
  struct Across {
    ReplicaEnd a, b;
    Across(Offices& dialling, Office& one, Offices& answering, Office& other)
        : a(one, dialled(dialling, one, other), ReplicaPair::kStart),
          b(answering.deployment, other, nullptr, 0, kFeaturesOfThisProgram, ReplicaPair::kStart) {}
    static SessionConfig dialled(Offices& dialling, Office& one, Office& other) {
      SessionConfig out =
          ReplicaEnd::config(one, dialling.deployment, &other, 1, kFeaturesOfThisProgram);
      out.root = one.replica().registry()->root_of(other.node().certificate);
      return out;
    }
    void run() {
      for (;;) {
        a.driver->perform();
        b.driver->perform();
        if (a.outgoing.empty() && b.outgoing.empty()) return;
        for (const auto& [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
          const Bytes bytes = std::exchange(from->outgoing, {});
          if (!bytes.empty() && !to->closed) (void)to->driver->on_bytes(bytes).ok();
        }
      }
    }
  };

  Offices west, east;
  RecordId west_record, east_record;
};

TEST_F(StoreRoots, TheRegistryOfBothReachesEveryOfficeThroughItsNeighbours) {
  join();
  EXPECT_FALSE(knows(*east.commune));
  settle_joined();
  for (Office* office : all()) {
    EXPECT_TRUE(knows(*office));
    const auto registry = office->replica().registry();
    EXPECT_EQ(registry->newest(), 1u);
    EXPECT_EQ(registry->writing_root(), west.deployment.root());
    EXPECT_TRUE(registry->superior(west.province_id, east.commune_id, 1));
  }
  expect_sound();
  for (Office* office : all()) office->restart();
  expect_sound();
  // Old dossiers stand as they were, and those above see them from now on.
  EXPECT_EQ(east.district->state(east_record).holder, east.commune_id);
  EXPECT_EQ(west.district->state(west_record).holder, west.commune_id);
}

TEST_F(StoreRoots, AHandoffCrossesTheFormerBorderAndComesBack) {
  join();
  settle_joined();
  ASSERT_TRUE(east.commune->write(east_record, UpdateKind::kOffer, west.commune_id).ok());
  settle_joined();
  ASSERT_TRUE(west.commune->write(east_record, UpdateKind::kAccept).ok());
  ASSERT_TRUE(west.commune->set_unit(east_record, "Tư pháp").ok());
  settle_joined();
  for (Office* office : {east.commune.get(), east.district.get(), east.province.get(),
                         west.province.get(), west.district.get(), west.commune.get()}) {
    const RecordState state = office->state(east_record);
    EXPECT_EQ(state.holder, west.commune_id);
    EXPECT_TRUE(state.inert.empty());
    EXPECT_TRUE(state.forks.empty());
    EXPECT_EQ(state, west.commune->state(east_record));
  }
  ASSERT_TRUE(west.commune->write(east_record, UpdateKind::kOffer, east.commune_id).ok());
  settle_joined();
  ASSERT_TRUE(east.commune->write(east_record, UpdateKind::kAccept).ok());
  settle_joined();
  EXPECT_EQ(west.commune->state(east_record).holder, east.commune_id);
  expect_sound();
  // A seal is its machine's, under the root of that machine's certificate.
  const auto registry = west.province->replica().registry();
  const auto update = west.province->replica().find_update(east.commune->state(east_record).tip());
  ASSERT_TRUE(update && update->seal);
  EXPECT_EQ(registry->root_of(update->update.envelope.certificate), east.deployment.root());
  EXPECT_EQ(update->id, update_id(east.deployment.root(), update->update));
}

TEST_F(StoreRoots, ANewSuperiorTakesADossierBackUnderTheNewTreeAlone) {
  join();
  settle_joined();
  ASSERT_TRUE(west.province->write(east_record, UpdateKind::kReclaim).ok());
  settle_joined();
  for (Office* office : {east.commune.get(), east.province.get(), west.province.get()})
    EXPECT_EQ(office->state(east_record).holder, west.province_id);
  expect_sound();
}

TEST_F(StoreRoots, ASessionGoesAcrossTheFormerBorder) {
  join();
  ASSERT_TRUE(east.commune->write(east_record, UpdateKind::kOffer, east.province_id).ok());
  settle({east.commune.get(), east.district.get(), east.province.get()});
  const RecordId fresh = east.province->create("E-2");
  for (const bool inward : {true, false}) {
    Offices& from = inward ? east : west;
    Offices& to = inward ? west : east;
    Across across(from, *from.province, to, *to.province);
    across.run();
    EXPECT_FALSE(across.a.closed) << across.a.closed->detail;
    EXPECT_FALSE(across.b.closed) << across.b.closed->detail;
    EXPECT_TRUE(across.a.drained() && across.b.drained());
  }
  EXPECT_EQ(west.province->replica().registry()->digest(),
            east.province->replica().registry()->digest());
  ASSERT_TRUE(west.province->replica().find_record(fresh).has_value());
  EXPECT_EQ(west.province->state(east_record), east.province->state(east_record));
}

TEST_F(StoreRoots, WhoHasNotLearntTalksOnAndLearnsFromItsNeighbours) {
  // Before anybody knows, the two roots are nothing to each other.
  {
    Across apart(west, *west.province, east, *east.province);
    apart.run();
    ASSERT_TRUE(apart.b.closed.has_value());
    EXPECT_EQ(apart.b.closed->code, CloseCode::kWrongRoot);
  }
  join();
  {  // the province knows, its district does not, whoever dials
    Across down(east, *east.province, east, *east.district);
    down.run();
    EXPECT_FALSE(down.a.closed || down.b.closed);
    EXPECT_TRUE(knows(*east.district));
  }
  {
    Across up(east, *east.commune, east, *east.district);
    up.run();
    EXPECT_FALSE(up.a.closed || up.b.closed);
    EXPECT_TRUE(knows(*east.commune));
  }
  EXPECT_FALSE(knows(*east.other));
  // One that knows calls one under its own root that does not, and is not understood.
  Across early(west, *west.province, east, *east.other);
  early.run();
  EXPECT_TRUE(early.b.closed.has_value());
  EXPECT_FALSE(knows(*east.other));
  EXPECT_TRUE(east.other->replica().verify_states().empty());
}

TEST_F(StoreRoots, PartsTellUpdatesOfBothRoots) {
  join();
  settle_joined();
  ASSERT_TRUE(east.commune->write(east_record, UpdateKind::kOffer, west.commune_id).ok());
  settle_joined();
  ASSERT_TRUE(west.commune->write(east_record, UpdateKind::kAccept).ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(west.commune->set_unit(east_record, "U").ok());
  settle({west.commune.get(), west.district.get(), west.province.get()});
  // Up and across in sessions, with short names.
  Across across(west, *west.province, east, *east.province);
  across.run();
  EXPECT_FALSE(across.a.closed || across.b.closed);
  EXPECT_EQ(across.b.unclear, 0u);
  EXPECT_EQ(east.province->state(east_record), west.commune->state(east_record));
  EXPECT_TRUE(east.province->replica().verify_states().empty());
}

}  // namespace
}  // namespace lienthong::test
