// Operations on trust: what is told beforehand is what comes to pass, on every replica.
#include <functional>

#include "store/desk/recalls.h"
#include "store/trust/consequences.h"
#include "store/trust/machines.h"
#include "store/trust/replacing.h"
#include "store/trust/restored.h"
#include "tests/unit/store_registry_fixture.h"

namespace lienthong::test {
namespace {

using store::Consequence;
using store::Machine;
using store::MachineTrust;
using store::RevocationPlan;
using store::RevocationRequest;
using Keep = store::RevocationRequest::Keep;

class StoreTrust : public StoreRegistry {
 protected:
  RevocationRequest request_for(const Office& office, Keep keep = Keep::kKnown) {
    RevocationRequest out;
    out.node = const_cast<Office&>(office).node().id();
    out.keep = keep;
    out.reason = "mất máy";
    return out;
  }
  std::vector<Consequence> consequences(Office& office, const RevocationPlan& plan) {
    std::vector<Consequence> out;
    const auto done =
        store::for_each_consequence(office.replica(), plan.after, [&](const Consequence& one) {
          out.push_back(one);
          return true;
        });
    EXPECT_TRUE(done.ok()) << done.error().message();
    return out;
  }
  RevocationPlan plan(Office& office, const RevocationRequest& request) {
    auto out = store::plan_revocation(office.replica(), request, office.now);
    if (!out.ok()) throw std::runtime_error(out.error().message());
    return *std::move(out);
  }
  void revoke(Office& office, const RevocationPlan& plan) {
    office.commit([&](Transaction& transaction) {
      const auto done = store::carry_out(transaction, plan);
      ASSERT_TRUE(done.ok()) << done.error().message();
    });
  }
  MachineTrust trust(Office& at, Office& of) {
    for (const Machine& machine : store::machines(at.replica(), of.agency(), true))
      if (machine.node == of.node().id()) return machine.trust;
    throw std::runtime_error("no such machine");
  }
  Errc refusal(Office& office, const RevocationRequest& request) {
    const auto out = store::plan_revocation(office.replica(), request, office.now);
    return out.ok() ? Errc::kClosed : out.error().code();
  }
};

TEST_F(StoreTrust, ListsEveryMachineWithWhatItIsWorth) {
  settle_all();
  const auto all = store::machines(district.replica(), std::nullopt, false);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].agency, offices.province_id) << "by code";
  for (const Machine& machine : all) {
    EXPECT_EQ(machine.trust, MachineTrust::kTrusted);
    EXPECT_TRUE(machine.desk);
    EXPECT_EQ(machine.ours, machine.node == district.node().id());
  }
  EXPECT_EQ(store::machines(district.replica(), offices.commune_id, false).size(), 1u);
  const auto registry = district.replica().registry();
  const std::string hex = commune.node().id().hex();
  EXPECT_EQ(*store::machine_named(*registry, hex.substr(0, 12)), commune.node().id());
  EXPECT_EQ(store::machine_named(*registry, "abc").error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(store::machine_named(*registry, "xyz12").error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(store::machine_named(*registry, std::string(64, '0')).error().code(), Errc::kNotFound);
}

TEST_F(StoreTrust, ARevocationDoesWhatItsPlanHasTold) {
  const RecordId own = other.create("O-1");
  const RecordId passed = commune.create("C-1");
  ASSERT_TRUE(commune.write(passed, UpdateKind::kOffer, offices.district_id).ok());
  settle_all();
  ASSERT_TRUE(district.write(passed, UpdateKind::kAccept).ok());
  ASSERT_TRUE(district.write(passed, UpdateKind::kOffer, offices.other_id).ok());
  settle_all();
  ASSERT_TRUE(other.write(passed, UpdateKind::kAccept).ok());
  settle_all();
  const RevocationPlan all_of_it = plan(district, request_for(other, Keep::kNothing));
  EXPECT_TRUE(all_of_it.cuts.empty());
  auto told = consequences(district, all_of_it);
  ASSERT_EQ(told.size(), 2u);
  std::ranges::sort(told, std::greater(), &Consequence::code);
  EXPECT_EQ(told[0].code, "O-1");
  EXPECT_TRUE(told[0].ends()) << "a record whose creation is cut off is none";
  EXPECT_EQ(told[1].code, "C-1");
  EXPECT_EQ(told[1].holder_before, offices.other_id);
  EXPECT_EQ(told[1].holder_after, offices.district_id);
  EXPECT_EQ(told[1].offered_after, offices.other_id);
  ASSERT_EQ(told[1].links_fallen.size(), 1u);
  EXPECT_EQ(told[1].links_fallen[0].kind, UpdateKind::kAccept);
  EXPECT_EQ(told[1].updates_fallen, 1u);
  const std::size_t before = district.replica().registry()->size();
  EXPECT_EQ(district.state(passed).holder, offices.other_id) << "a plan writes nothing";
  revoke(district, all_of_it);
  EXPECT_EQ(district.replica().registry()->size(), before + all_of_it.said.size());
  settle_all();
  for (Office* office : {&district, &province}) {
    EXPECT_TRUE(office->state(own).chain.empty());
    EXPECT_EQ(office->state(passed).holder, offices.district_id);
    EXPECT_EQ(office->state(passed).offered, offices.other_id);
    EXPECT_EQ(trust(*office, other), MachineTrust::kFallen);
    EXPECT_TRUE(office->replica().verify_states().empty());
  }
}

TEST_F(StoreTrust, WhatIsKnownStaysAndWhatComesAfterwardsDoesNot) {
  const RecordId record = other.create("O-1");
  settle_all();
  const RevocationPlan known = plan(district, request_for(other));
  EXPECT_EQ(known.cuts.size(), 1u);
  EXPECT_TRUE(consequences(district, known).empty());
  revoke(district, known);
  settle_all();
  EXPECT_EQ(trust(province, other), MachineTrust::kRevoked);
  EXPECT_EQ(province.state(record).holder, offices.other_id);
  const auto certificate = province.replica().registry()->certificate_of(other.node().id());
  ASSERT_TRUE(certificate);
  EXPECT_FALSE(province.replica().registry()->may_connect(*certificate)) << "it gets no session";
}

TEST_F(StoreTrust, ACutIsMovedDownAndUpAgain) {
  const RecordId record = other.create("O-1");
  settle_all();
  ASSERT_TRUE(other.set_unit(record, "Tư pháp").ok());
  settle_all();
  const auto lives = store::lives_of_machine(district.replica(), other.node().id());
  ASSERT_EQ(lives.size(), 1u);
  EXPECT_FALSE(lives[0].within);
  ASSERT_GE(lives[0].last, 2u);
  revoke(district, plan(district, request_for(other)));
  RevocationRequest down = request_for(other, Keep::kListed);
  down.ends = {{lives[0].incarnation, 1}};
  const RevocationPlan lower = plan(district, down);
  EXPECT_TRUE(lower.again);
  const auto fallen = consequences(district, lower);
  ASSERT_EQ(fallen.size(), 1u);
  EXPECT_EQ(fallen[0].updates_fallen, 1u);
  EXPECT_FALSE(fallen[0].ends());
  revoke(district, lower);
  settle_all();
  EXPECT_EQ(province.state(record).inert.size(), 1u);
  EXPECT_EQ(store::lives_of_machine(province.replica(), other.node().id())[0].within, 1u);
  const RevocationPlan higher = plan(district, request_for(other));
  const auto risen = consequences(district, higher);
  ASSERT_EQ(risen.size(), 1u);
  EXPECT_EQ(risen[0].updates_risen, 1u);
  revoke(district, higher);
  settle_all();
  for (Office* office : {&district, &province}) {
    EXPECT_TRUE(office->state(record).inert.empty());
    EXPECT_TRUE(office->replica().verify_states().empty());
  }
  // What was put aside by mistake can fall as a whole, and come back as a whole.
  revoke(district, plan(district, request_for(other, Keep::kNothing)));
  EXPECT_TRUE(district.state(record).chain.empty());
  const auto back = consequences(district, plan(district, request_for(other)));
  ASSERT_EQ(back.size(), 1u);
  EXPECT_TRUE(back[0].begins());
}

TEST_F(StoreTrust, WhatHadComeByAMomentIsKept) {
  const RecordId early = other.create("O-1");
  settle_all();
  const UnixMillis moment = district.now;
  district.now += 1000;
  const RecordId late = other.create("O-2");
  settle_all();
  RevocationRequest until = request_for(other, Keep::kUntil);
  until.until = moment;
  const RevocationPlan then = plan(district, until);
  const auto told = consequences(district, then);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].record, late);
  revoke(district, then);
  settle_all();
  EXPECT_EQ(province.state(early).holder, offices.other_id);
  EXPECT_TRUE(province.state(late).chain.empty());
}

TEST_F(StoreTrust, RevokingIsForThoseAbove) {
  settle_all();
  EXPECT_EQ(refusal(commune, request_for(other)), Errc::kNotAllowed) << "beside";
  EXPECT_EQ(refusal(district, request_for(province)), Errc::kNotAllowed) << "above";
  EXPECT_EQ(refusal(province, request_for(province)), Errc::kInvalidArgument);
  EXPECT_EQ(refusal(province, request_for(other)), Errc::kClosed) << "two steps below";
  EXPECT_TRUE(store::plan_revocation_by_root(district.replica(), request_for(province), 1).ok());
  EXPECT_EQ(
      store::plan_revocation_by_root(district.replica(), request_for(other), 1).error().code(),
      Errc::kNotAllowed);
  RevocationRequest nobody = request_for(other);
  nobody.node = NodeId::from(ByteView(commune.node().agency.view()));
  EXPECT_EQ(refusal(district, nobody), Errc::kNotFound);
  RevocationRequest twice = request_for(other, Keep::kListed);
  twice.ends = {{7, 1}, {7, 2}};
  EXPECT_EQ(refusal(district, twice), Errc::kInvalidArgument);
  twice.ends = {{7, 0}};
  EXPECT_EQ(refusal(district, twice), Errc::kInvalidArgument);
  RevocationRequest wordy = request_for(other);
  wordy.reason.assign(store::kReasonBytesMax + 1, 'x');
  EXPECT_EQ(refusal(district, wordy), Errc::kInvalidArgument);
}

TEST_F(StoreTrust, AMachineThatWasCertifiedByOneThatFallsIsTold) {
  settle_all();
  const RevocationPlan whole = plan(province, request_for(district, Keep::kNothing));
  std::vector<NodeId> fallen;
  for (const CertificateId& id : whole.certificates_fallen)
    fallen.push_back(province.replica().registry()->find_certificate(id)->node);
  EXPECT_NE(std::ranges::find(fallen, commune.node().id()), fallen.end());
  EXPECT_NE(std::ranges::find(fallen, other.node().id()), fallen.end());
  EXPECT_EQ(std::ranges::find(fallen, district.node().id()), fallen.end());
}

// ---- several machines of an office ----

TEST_F(StoreTrust, ARecallThatTheDeskLeavesUnansweredAnotherMachineAnswers) {
  Office& second = offices.add(offices.other_id, "/second");
  bring_registry(district);
  const RecordId record = district.create("D-1");
  ASSERT_TRUE(district.write(record, UpdateKind::kOffer, offices.other_id).ok());
  settle({&second, &district});
  ASSERT_TRUE(district.write(record, UpdateKind::kRecallRequest).ok());
  settle({&second, &district});
  EXPECT_EQ(district.state(record).offered, offices.other_id) << "the desk is not there";
  const auto waiting = store::waiting_recalls(second.replica(), [] { return false; });
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting.front().record, record);
  const auto request = second.replica().find_update(second.state(record).timeline.back());
  ASSERT_TRUE(request);
  EXPECT_EQ(waiting.front().due, request->received_at + store::kRecallPatience)
      << "the desk has some seconds for it";
  second.commit([&](Transaction& transaction) {
    EXPECT_TRUE(store::answer_recall(transaction, waiting.front()));
    EXPECT_FALSE(store::answer_recall(transaction, waiting.front())) << "once";
  });
  EXPECT_TRUE(store::waiting_recalls(second.replica(), [] { return false; }).empty());
  settle({&second, &district});
  EXPECT_TRUE(district.state(record).offered.is_zero());
  EXPECT_EQ(district.state(record).holder, offices.district_id);
  // The desk comes back late: it has nothing to answer any more.
  settle_all();
  settle({&second, &district, &other});
  EXPECT_TRUE(district.state(record).forks.empty());
}

TEST_F(StoreTrust, AMachineInThePlaceOfAnotherIsTheDeskFromThenOn) {
  other.create("O-1");  // else there is nothing to keep of it
  settle_all();
  Office& second = offices.add(offices.other_id, "/second");
  bring_registry(district);
  EXPECT_EQ(store::desk_of(*district.replica().registry(), offices.other_id), other.node().id());
  district.commit([&](Transaction& transaction) {
    const store::Replica& replica = district.replica();
    const NodeId old = other.node().id();
    EXPECT_TRUE(store::note_replacement(transaction, replica, "ab12", offices.other_id, old).ok());
    EXPECT_EQ(store::note_replacement(transaction, replica, "cd34", offices.commune_id, old)
                  .error()
                  .code(),
              Errc::kInvalidArgument)
        << "of another agency";
  });
  EXPECT_EQ(store::replaced_by(district.replica(), "ab12"), other.node().id());
  for (int i = 0; i < 2; ++i) {  // a newcomer may ask twice
    const std::size_t size = district.replica().registry()->size();
    district.commit([&](Transaction& transaction) {
      ASSERT_TRUE(
          store::revoke_replaced(transaction, district.replica(), "ab12", second.node().id()).ok());
    });
    EXPECT_EQ(district.replica().registry()->size(), size + (i == 0 ? 1 : 0));
  }
  EXPECT_EQ(trust(district, other), MachineTrust::kRevoked);
  EXPECT_EQ(store::desk_of(*district.replica().registry(), offices.other_id), second.node().id());
  const RecordId record = district.create("D-1");
  ASSERT_TRUE(district.write(record, UpdateKind::kOffer, offices.other_id).ok());
  settle({&second, &district});
  ASSERT_TRUE(district.write(record, UpdateKind::kRecallRequest).ok());
  settle({&second, &district});
  EXPECT_TRUE(district.state(record).offered.is_zero()) << "at once";
}

TEST_F(StoreTrust, AFurtherMachineIsNamedUntilSomebodyAcknowledgesIt) {
  Office& second = offices.add(offices.other_id, "/second");
  bring_registry(other);
  const auto named = store::unacknowledged(other.replica());
  ASSERT_EQ(named.size(), 1u);
  EXPECT_EQ(named.front().node, second.node().id());
  other.commit([&](Transaction& transaction) {
    EXPECT_EQ(store::acknowledge(transaction, commune.node().id()).error().code(), Errc::kNotFound);
    EXPECT_EQ(store::acknowledge(transaction, other.node().id()).error().code(), Errc::kNotFound);
    EXPECT_TRUE(store::acknowledge(transaction, second.node().id()).ok());
  });
  EXPECT_TRUE(store::unacknowledged(other.replica()).empty());
  other.restart();
  EXPECT_TRUE(store::unacknowledged(other.replica()).empty());
}

// ---- an older copy of a disk ----

TEST_F(StoreTrust, TheRestOfAnOlderCopyIsLiftedByAWord) {
  const auto running = [] { return false; };
  const RecordId record = other.create("O-1");
  settle_all();
  EXPECT_FALSE(store::plan_restored(other.replica(), running).restored);
  other.commit([&](Transaction& transaction) {
    EXPECT_EQ(store::confirm_restored(transaction).error().code(), Errc::kNotFound);
  });
  TestNode forgotten = other.node();  // what it sealed is not on this disk
  forgotten.incarnation ^= 3;
  give(other, district,
       {forge(forgotten, UpdateKind::kNote, record, id_cast<UpdateId>(record), 0)});
  ASSERT_TRUE(other.replica().restored());
  const auto rests = store::plan_restored(other.replica(), running);
  EXPECT_EQ(rests.records, 1u);
  EXPECT_EQ(rests.turns, 1u);
  EXPECT_FALSE(other.write(record, UpdateKind::kOffer, offices.district_id).ok());
  other.commit(
      [&](Transaction& transaction) { EXPECT_TRUE(store::confirm_restored(transaction).ok()); });
  EXPECT_TRUE(other.write(record, UpdateKind::kOffer, offices.district_id).ok());
}

}  // namespace
}  // namespace lienthong::test
