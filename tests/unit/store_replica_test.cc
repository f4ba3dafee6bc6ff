#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include "protocol/base/limits.h"
#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "store/desk/numbering.h"
#include "store/office/calendar.h"
#include "store/office/projections.h"
#include "store/replica/replica.h"
#include "tests/support/field_writes.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using store::kDayMillis;
using store::Transaction;

class Replica : public ::testing::Test {
 protected:
  Replica() : offices(1) {}
  Offices offices;
  Office& province = *offices.province;
  Office& district = *offices.district;
  Office& commune = *offices.commune;
  Office& other = *offices.other;

  Hash256 digest(Office& office, const RecordId& record) {
    return state_digest(offices.deployment.root(), office.state(record));
  }
  // One that says nothing but its layout.
  void make_database(const std::string& path, char layout) {
    rocksdb::DB* db = nullptr;
    rocksdb::Options options;
    options.env = offices.env.get();
    options.create_if_missing = true;
    ASSERT_TRUE(rocksdb::DB::Open(options, path, &db).ok());
    ASSERT_TRUE(db->Put({}, "Mversion", std::string(7, '\0') + layout).ok());
    delete db;
  }
  Result<std::unique_ptr<store::Replica>> open_replica(const std::string& path) {
    SeededEntropy entropy(1);
    store::Options open = store::office_options();
    open.path = path;
    open.env = offices.env.get();
    open.entropy = &entropy;
    return store::Replica::open(open, commune.replica().identity(), offices.deployment.root());
  }
};

TEST_F(Replica, KeepsWhatWasCommittedAcrossARestart) {
  const RecordId record = commune.create("H47.518.20374-230401-0001");
  ASSERT_TRUE(commune.set_unit(record, "Tư pháp").ok());
  const Bytes before = encode_state(commune.state(record));
  commune.restart();
  EXPECT_EQ(encode_state(commune.state(record)), before);
  EXPECT_EQ(commune.replica().counts().updates, 2u);
  EXPECT_EQ(commune.replica().find_code("h47.518.20374-230401-0001"), std::vector{record});
}

TEST_F(Replica, ForgetsATransactionThatWasNotCommitted) {
  const RecordId record = commune.create("A");
  {
    Transaction transaction(commune.replica(), commune.now);
    store::Draft draft;
    draft.record = record;
    draft.open.kind = UpdateKind::kOffer;
    draft.open.target = offices.district_id;
    ASSERT_TRUE(transaction.write(draft).ok());
  }
  EXPECT_TRUE(commune.state(record).offered.is_zero());
  EXPECT_EQ(commune.replica().counts().updates, 1u);
}

TEST_F(Replica, RollbackLeavesTheOtherOperationsOfTheGroup) {
  commune.commit([&](Transaction& transaction) {
    store::Draft first;
    first.open.kind = UpdateKind::kCreated;
    first.open.writes = {text_write(Field::kCode, "KEEP")};
    const auto kept = transaction.write(first);
    ASSERT_TRUE(kept.ok());
    transaction.savepoint();
    store::Draft second = first;
    second.open.writes = {text_write(Field::kCode, "DROP")};
    ASSERT_TRUE(transaction.write(second).ok());
    store::Draft change;
    change.record = id_cast<RecordId>(*kept);
    change.open.kind = UpdateKind::kSet;
    change.open.writes = {text_write(Field::kUnit, "dropped too")};
    ASSERT_TRUE(transaction.write(change).ok());
    transaction.rollback();
    EXPECT_EQ(transaction.entered().size(), 1u);
  });
  EXPECT_EQ(commune.replica().counts().records, 1u);
  EXPECT_EQ(commune.replica().find_code("DROP").size(), 0u);
  ASSERT_EQ(commune.replica().find_code("KEEP").size(), 1u);
  EXPECT_EQ(commune.state(commune.replica().find_code("KEEP")[0]).timeline.size(), 1u);
}

TEST_F(Replica, RefusesAWriteOutOfTurnAndLeavesNothing) {
  const RecordId record = commune.create("A");
  settle({&commune, &district});
  const auto refused = district.set_unit(record, "x");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::kNotAllowed);
  EXPECT_EQ(district.replica().counts().updates, 1u);
}

TEST_F(Replica, HandsOverAlongTheTreeAndEverybodyAgrees) {
  const RecordId record = commune.create("A");
  ASSERT_TRUE(commune.write(record, UpdateKind::kOffer, offices.province_id).ok());
  settle({&commune, &district, &province});
  EXPECT_EQ(province.state(record).offered, offices.province_id);
  ASSERT_TRUE(province.write(record, UpdateKind::kAccept).ok());
  ASSERT_TRUE(province.set_unit(record, "Sở").ok());
  settle({&commune, &district, &province});
  EXPECT_EQ(commune.state(record).holder, offices.province_id);
  EXPECT_EQ(digest(commune, record), digest(province, record));
  EXPECT_EQ(digest(commune, record), digest(district, record));
}

TEST_F(Replica, SendsNothingToAnAgencyOutsideTheAudience) {
  const RecordId record = commune.create("A");
  settle({&commune, &district});
  settle({&district, &other});
  EXPECT_FALSE(other.replica().find_record(record).has_value());
  EXPECT_EQ(other.replica().counts().updates, 0u);
}

TEST_F(Replica, GivesTheHistoryToAnAgencyThatJoinsTheAudience) {
  const RecordId record = commune.create("A");
  ASSERT_TRUE(commune.set_unit(record, "Một cửa").ok());
  settle({&commune, &district, &other});
  ASSERT_FALSE(other.replica().find_record(record).has_value());
  ASSERT_TRUE(commune.write(record, UpdateKind::kOffer, offices.other_id).ok());
  settle({&commune, &district, &other});
  ASSERT_TRUE(other.replica().find_record(record).has_value());
  EXPECT_EQ(other.replica().find_record(record)->updates.size(), 3u);
  ASSERT_TRUE(other.write(record, UpdateKind::kAccept).ok());
  settle({&commune, &district, &other});
  EXPECT_EQ(digest(commune, record), digest(other, record));
}

TEST_F(Replica, ReceivingTheSamePartTwiceChangesNothing) {
  const RecordId record = commune.create("A");
  settle({&commune, &district});
  const auto part =
      commune.replica().read_feed({FeedKind::kUpdates, offices.district_id, district.node().id(),
                                   Echo::kPassOver, 1, kFeedNumberMax, 1 << 16});
  ASSERT_TRUE(part.ok() && part->has_value());
  district.commit([&](Transaction& transaction) {
    const auto outcome =
        transaction.receive(FeedKind::kUpdates, commune.node().id(), offices.commune_id, **part);
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(outcome->duplicates, 1u);
    EXPECT_EQ(outcome->added, 0u);
  });
  EXPECT_EQ(district.replica().counts().updates, 1u);
  EXPECT_EQ(district.state(record).timeline.size(), 1u);
}

// One part with everything of the commune's feed, sealed.
FeedPart whole_feed(Office& from, Office& to) {
  from.commit([&](Transaction& transaction) {
    ASSERT_TRUE(transaction.ensure_feed(to.agency()).ok());
    ASSERT_TRUE(transaction.seal_pending(to.agency()).ok());
  });
  auto part = from.replica().read_feed({FeedKind::kUpdates, to.agency(), to.node().id(),
                                        Echo::kPassOver, 1, kFeedNumberMax, 1 << 20});
  EXPECT_TRUE(part.ok() && part->has_value());
  return **part;
}

TEST_F(Replica, RefusesAForgedSealAndKeepsTheRest) {
  commune.create("A");
  FeedPart part = whole_feed(commune, district);
  part.units[0].seal.signature[3] ^= 1;
  const RecordId good = other.create("B");
  part.units.push_back(whole_feed(other, district).units[0]);
  district.commit([&](Transaction& transaction) {
    const auto outcome =
        transaction.receive(FeedKind::kUpdates, commune.node().id(), offices.commune_id, part);
    ASSERT_TRUE(outcome.ok());
    ASSERT_EQ(outcome->refused.size(), 1u);
    EXPECT_EQ(outcome->refused[0].code, Errc::kBadSignature);
    EXPECT_EQ(outcome->added, 1u);
  });
  EXPECT_EQ(district.replica().counts().refused, 1u);
  EXPECT_TRUE(district.replica().find_record(good).has_value());
}

TEST_F(Replica, RefusesAChangedUpdateUnderAGoodSeal) {
  commune.create("A");
  FeedPart part = whole_feed(commune, district);
  part.units[0].leaves[0].update.envelope.hlc.value += 1;
  district.commit([&](Transaction& transaction) {
    const auto outcome =
        transaction.receive(FeedKind::kUpdates, commune.node().id(), offices.commune_id, part);
    ASSERT_TRUE(outcome.ok());
    ASSERT_EQ(outcome->refused.size(), 1u);
    EXPECT_EQ(outcome->refused[0].code, Errc::kBadHash);
  });
}

TEST_F(Replica, RefusesAClosedPartThatDoesNotMatchItsHash) {
  commune.create("A");
  FeedPart part = whole_feed(commune, district);
  part.units[0].leaves[0].update.closed.back() ^= 1;
  district.commit([&](Transaction& transaction) {
    const auto outcome =
        transaction.receive(FeedKind::kUpdates, commune.node().id(), offices.commune_id, part);
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(outcome->refused.size(), 1u);
  });
  EXPECT_EQ(district.replica().counts().records, 0u);
}

TEST_F(Replica, KeepsAChildWaitingUntilItsParentComes) {
  const RecordId record = commune.create("A");
  const FeedPart parent = whole_feed(commune, district);
  ASSERT_TRUE(commune.set_unit(record, "x").ok());
  FeedPart child = whole_feed(commune, district);
  ASSERT_EQ(child.units.size(), 2u);
  child.units.erase(child.units.begin());
  const auto receive = [&](const FeedPart& part) {
    district.commit([&](Transaction& transaction) {
      ASSERT_TRUE(
          transaction.receive(FeedKind::kUpdates, commune.node().id(), offices.commune_id, part)
              .ok());
    });
  };
  receive(child);
  EXPECT_EQ(district.replica().counts().waiting, 1u);
  EXPECT_EQ(district.replica().counts().updates, 0u);
  district.restart();
  EXPECT_EQ(district.replica().waiting().size(), 1u);
  receive(parent);
  EXPECT_EQ(district.replica().counts().waiting, 0u);
  EXPECT_EQ(digest(commune, record), digest(district, record));
}

TEST_F(Replica, SealsABatchWithOneSignatureAndPassesOnAnyPartOfIt) {
  std::vector<RecordId> records;
  for (int i = 0; i < 300; ++i) records.push_back(commune.create("C" + std::to_string(i)));
  settle({&commune, &district});
  EXPECT_EQ(district.replica().counts().records, 300u);
  const auto first = commune.replica().find_update(1);
  ASSERT_TRUE(first && first->seal);
  EXPECT_EQ(commune.replica().find_seal(*first->seal)->seal().count, 256u);
  // One record of the batch goes to another commune: a single leaf with its path.
  ASSERT_TRUE(commune.write(records[7], UpdateKind::kOffer, offices.other_id).ok());
  settle({&commune, &district, &other});
  EXPECT_EQ(digest(other, records[7]), digest(commune, records[7]));
  EXPECT_EQ(other.replica().counts().records, 1u);
}

TEST_F(Replica, CountsWhatNoOtherMachineHoldsYet) {
  commune.commit([&](Transaction& t) { ASSERT_TRUE(t.ensure_feed(offices.district_id).ok()); });
  commune.create("A");
  EXPECT_EQ(commune.replica().only_here(), 1u);
  EXPECT_EQ(commune.replica().counts().unsealed, 1u);
  settle({&commune, &district});
  commune.commit([&](Transaction& transaction) {
    transaction.note_heard_cursor(
        FeedKind::kUpdates, district.node().id(),
        district.replica().cursor(FeedKind::kUpdates, commune.node().id()));
  });
  EXPECT_EQ(commune.replica().only_here(), 0u);
}

// One neighbour that has it is enough, whichever; feeds that it is not in do not count.
TEST_F(Replica, CountsWhatNoOtherMachineHoldsYetAmongSeveralNeighbours) {
  district.commit([&](Transaction& t) {
    for (const AgencyId& agency : {offices.province_id, offices.commune_id, offices.other_id})
      ASSERT_TRUE(t.ensure_feed(agency).ok());
  });
  const auto acknowledged = [&](Office& reader) {
    settle({&district, &reader});
    district.commit([&](Transaction& transaction) {
      transaction.note_heard_cursor(
          FeedKind::kUpdates, reader.node().id(),
          reader.replica().cursor(FeedKind::kUpdates, district.node().id()));
    });
  };
  const RecordId offered = district.create("A");  // the province and, soon, the commune
  district.create("B");                           // the province
  ASSERT_TRUE(district.write(offered, UpdateKind::kOffer, offices.commune_id).ok());
  EXPECT_EQ(district.replica().only_here(), 3u);
  acknowledged(commune);
  EXPECT_EQ(district.replica().only_here(), 1u);
  acknowledged(province);
  EXPECT_EQ(district.replica().only_here(), 0u);
}

TEST_F(Replica, WithdrawsAnOfferThatNeverLeft) {
  const RecordId record = commune.create("A");
  settle({&commune, &district});
  const auto offer = commune.write(record, UpdateKind::kOffer, offices.other_id);
  ASSERT_TRUE(offer.ok());
  commune.commit([&](Transaction& t) { ASSERT_TRUE(t.withdraw(*offer).ok()); });
  EXPECT_EQ(commune.state(record).holder, offices.commune_id);
  EXPECT_TRUE(commune.state(record).offered.is_zero());
  ASSERT_TRUE(commune.set_unit(record, "goes on").ok());
  settle({&commune, &district, &other});
  EXPECT_EQ(digest(commune, record), digest(district, record));
  const auto sealed = commune.write(record, UpdateKind::kOffer, offices.other_id);
  ASSERT_TRUE(sealed.ok());
  settle({&commune, &district});
  commune.commit([&](Transaction& t) { EXPECT_FALSE(t.withdraw(*sealed).ok()); });
}

// Found by the simulator: the history that the offer had put into the target's feed stayed there
// without a seal, and nothing went past it any more.
TEST_F(Replica, AWithdrawnOfferLeavesNothingInTheFeedOfItsTarget) {
  settle({&commune, &district, &other});
  const RecordId hidden = district.create("A");
  const auto offer = district.write(hidden, UpdateKind::kOffer, offices.other_id);
  ASSERT_TRUE(offer.ok());
  district.commit([&](Transaction& t) { ASSERT_TRUE(t.withdraw(*offer).ok()); });
  const RecordId shown = district.create("B");
  ASSERT_TRUE(district.write(shown, UpdateKind::kOffer, offices.other_id).ok());
  settle({&district, &other});
  EXPECT_TRUE(other.replica().find_record(shown).has_value());
  EXPECT_FALSE(other.replica().find_record(hidden).has_value());
}

TEST_F(Replica, GivesBackAnOfferThatIsRecalledBeforeItWasAccepted) {
  const RecordId record = commune.create("A");
  ASSERT_TRUE(commune.write(record, UpdateKind::kOffer, offices.district_id).ok());
  settle({&commune, &district});
  ASSERT_TRUE(commune.write(record, UpdateKind::kRecallRequest).ok());
  settle({&commune, &district});
  EXPECT_EQ(commune.state(record).holder, offices.commune_id);
  EXPECT_TRUE(commune.state(record).offered.is_zero());
  EXPECT_EQ(digest(commune, record), digest(district, record));
}

TEST_F(Replica, NumbersDossiersWithoutRepeatingAfterARestart) {
  std::vector<std::string> codes;
  const auto number = [&] {
    commune.commit([&](Transaction& transaction) {
      const auto code = store::next_code(transaction);
      ASSERT_TRUE(code.ok());
      codes.push_back(*code);
    });
  };
  number();
  number();
  commune.restart();
  number();
  EXPECT_EQ(codes[0], "H47.518.20374-230401-0001");
  EXPECT_EQ(codes[1], "H47.518.20374-230401-0002");
  EXPECT_EQ(codes[2], "H47.518.20374-230401-0101");  // nobody has confirmed what it knew
  const UnixMillis today = commune.now;
  commune.now = today + 3650 * kDayMillis;  // a clock ten years ahead
  number();
  commune.now = today;  // and right again: the day goes on where it was
  number();
  commune.now = today + 3650 * kDayMillis;
  number();
  EXPECT_EQ(codes[3], "H47.518.20374-330329-0001");
  EXPECT_EQ(codes[4], "H47.518.20374-230401-0102");
  EXPECT_EQ(codes[5], "H47.518.20374-330329-0002");
}

TEST_F(Replica, LeavesNumbersOutOnlyUntilANeighbourHasToldAndOnlyOnce) {
  const auto number = [this](Transaction& transaction) {
    const auto code = store::next_code(transaction);
    return code.ok() ? code->substr(code->size() - 4) : code.error().detail();
  };
  commune.commit([&](Transaction& t) { EXPECT_EQ(number(t), "0001"); });
  commune.restart();
  commune.commit([&](Transaction& t) {
    t.savepoint();
    EXPECT_EQ(number(t), "0101");
    t.rollback();
    EXPECT_FALSE(t.heard_since_start());
    EXPECT_EQ(number(t), "0101") << "what was rolled back was not given out";
    EXPECT_EQ(number(t), "0102");
  });
  commune.restart();
  commune.commit([&](Transaction& t) {
    t.note_heard_cursor(FeedKind::kUpdates, district.node().id(), {});
    EXPECT_TRUE(t.heard_since_start());
    EXPECT_EQ(number(t), "0103");
  });
  commune.now = 1'680'368'399'000;  // 2023-04-01T23:59:59+07:00; a commit takes a second
  commune.commit([&](Transaction& t) {
    const auto code = store::next_code(t);
    EXPECT_TRUE(code.ok() && *code == "H47.518.20374-230402-0001") << *code;
  });
}

TEST_F(Replica, NoticesThatItsDiskIsAnOlderCopy) {
  const RecordId record = commune.create("A");
  settle({&commune, &district});
  // A twin of the same node that never wrote anything: what a restored empty backup looks like.
  Office twin(offices.deployment, commune.node(), offices.env.get(), "/twin");
  EXPECT_FALSE(twin.replica().restored());
  const auto part = whole_feed(commune, district);
  twin.commit([&](Transaction& transaction) {
    ASSERT_TRUE(
        transaction.receive(FeedKind::kUpdates, district.node().id(), offices.district_id, part)
            .ok());
  });
  EXPECT_TRUE(twin.replica().restored());
  const auto refused = twin.write(record, UpdateKind::kOffer, offices.district_id);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::kNotAllowed);
  EXPECT_TRUE(twin.set_unit(record, "everything else goes on").ok());
  twin.commit([](Transaction& transaction) { transaction.clear_restored(); });
  EXPECT_TRUE(twin.write(record, UpdateKind::kOffer, offices.district_id).ok());
}

TEST_F(Replica, ARestoredDiskGetsItsOwnUpdatesBack) {
  const RecordId record = commune.create("A");
  settle({&commune, &district});
  const RecordId only_here = commune.create("B");  // never left: gone with the disk
  Office twin(offices.deployment, commune.node(), offices.env.get(), "/twin");
  settle({&twin, &district});
  EXPECT_EQ(digest(twin, record), digest(district, record));
  EXPECT_TRUE(twin.replica().restored());
  EXPECT_FALSE(twin.replica().find_record(only_here).has_value());
  // What it writes from now on is under a new incarnation and reaches the district.
  const RecordId later = twin.create("C");
  settle({&twin, &district});
  EXPECT_EQ(digest(twin, later), digest(district, later));
}

TEST_F(Replica, GivesAFeedANewEpochWhenAReaderNamesAPlaceThatIsNotThere) {
  commune.create("A");
  settle({&commune, &district});
  const FeedMark before = commune.replica().feed_end(FeedKind::kUpdates, offices.district_id);
  const auto hears = [&](const FeedMark& mark) {
    commune.commit([&](Transaction& transaction) {
      transaction.note_heard_cursor(FeedKind::kUpdates, district.node().id(), Cursor{mark, {}});
    });
    return commune.replica().feed_end(FeedKind::kUpdates, offices.district_id).epoch;
  };
  EXPECT_EQ(hears(before), before.epoch);
  EXPECT_EQ(hears({before.epoch ^ 2, 50, 1}), before.epoch);  // another epoch: simply unknown
  EXPECT_NE(hears({before.epoch, before.number + 1, 1}), before.epoch);
  EXPECT_TRUE(send(commune, district));
  EXPECT_EQ(district.replica().counts().updates, 1u);
}

TEST_F(Replica, ARegistryFeedBeginsAnewForTheReaderWhoNamesAnotherPlace) {
  settle({&commune, &district, &province});
  const auto epoch_for = [&](const AgencyId& reader) {
    return district.replica().feed_end(FeedKind::kRegistry, reader).epoch;
  };
  const std::uint64_t before = epoch_for(offices.commune_id);
  ASSERT_EQ(epoch_for(offices.province_id), before);
  district.commit([&](Transaction& transaction) {
    transaction.note_told_cursor(FeedKind::kRegistry, commune.node().id(), offices.commune_id,
                                 Cursor{{before, 2, 4711}, {}});
  });
  const std::uint64_t renewed = epoch_for(offices.commune_id);
  EXPECT_NE(renewed, before);
  EXPECT_EQ(epoch_for(offices.province_id), before) << "the others are not sent it all again";
  district.restart();
  EXPECT_EQ(epoch_for(offices.commune_id), renewed);
  const auto part = district.replica().read_feed(
      {FeedKind::kRegistry, offices.commune_id, commune.node().id(), Echo::kCarry});
  ASSERT_TRUE(part.ok() && *part);
  EXPECT_EQ((*part)->epoch, renewed);
}

TEST_F(Replica, AnOfferWaitsUntilTheAgencyThatItNamesIsKnown) {
  const RecordId record = commune.create("A");
  settle({&commune, &district, &province});
  const AgencyId late =
      offices.deployment.add_agency(offices.district_id, "H47.518.20387", "Xã Tam Đại", "commune");
  const Statement declaration = offices.deployment.statements().back();
  commune.commit([&](Transaction& t) { ASSERT_TRUE(t.add_statement(declaration).ok()); });
  ASSERT_TRUE(commune.write(record, UpdateKind::kOffer, late).ok());
  const FeedPart part = whole_feed(commune, district);
  district.commit([&](Transaction& transaction) {
    ASSERT_TRUE(
        transaction.receive(FeedKind::kUpdates, commune.node().id(), offices.commune_id, part)
            .ok());
  });
  EXPECT_EQ(district.replica().counts().waiting, 1u);
  settle({&commune, &district, &province});
  EXPECT_EQ(district.replica().counts().waiting, 0u);
  EXPECT_EQ(digest(commune, record), digest(province, record));
  EXPECT_TRUE(district.replica().verify_states().empty());
}

// An update of a later rules version cannot bring a record's graph out of shape.
TEST_F(Replica, RefusesALaterVersionsUpdateThatIsNeitherFirstNorFollows) {
  for (const UpdateKind kind : {UpdateKind::kCreated, static_cast<UpdateKind>(99)}) {
    Update update;
    OpenBody open;
    open.kind = kind;
    update.open = wire::encode(open);
    update.envelope.certificate = commune.node().certificate;
    update.envelope.rules_version = kRulesVersion + 1;
    if (kind == UpdateKind::kCreated) update.envelope.record.bytes.fill(7);
    const auto form = check_form(update);
    ASSERT_FALSE(form.ok());
    EXPECT_EQ(form.error().code(), Errc::kMalformed);
  }
}

TEST_F(Replica, WritesOnARecordWithMoreHeadsThanAnUpdateMayName) {
  const RecordId record = commune.create("A");
  settle({&commune, &district});
  // The district notes twenty times without seeing its own notes: twenty heads.
  std::vector<FeedPart> parts;
  for (int i = 0; i < 20; ++i) {
    Office twin(offices.deployment, district.node(), offices.env.get(), "/d" + std::to_string(i));
    settle({&commune, &twin});
    store::Draft draft;
    draft.record = record;
    draft.open.kind = UpdateKind::kNote;
    draft.open.action = "note-" + std::to_string(i);
    twin.commit([&](Transaction& t) { ASSERT_TRUE(t.write(draft).ok()); });
    parts.push_back(whole_feed(twin, commune));
  }
  for (const FeedPart& part : parts)
    commune.commit([&](Transaction& transaction) {
      ASSERT_TRUE(
          transaction.receive(FeedKind::kUpdates, district.node().id(), offices.district_id, part)
              .ok());
    });
  EXPECT_GT(commune.state(record).heads.size(), kParentCountMax);
  ASSERT_TRUE(commune.set_unit(record, "x").ok());
  EXPECT_TRUE(commune.replica().verify_states().empty());
}

TEST_F(Replica, RefusesADatabaseOfANewerProgram) {
  make_database("/newer", 99);
  const auto opened = open_replica("/newer");
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Errc::kNewerVersion);
  EXPECT_NE(opened.error().detail().find("99"), std::string::npos);
}

TEST_F(Replica, RefusesADatabaseFromBeforeTheFormatWasFinal) {
  make_database("/older", 4);
  for (int round = 0; round < 2; ++round) {  // the first try has changed nothing
    const auto opened = open_replica("/older");
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code(), Errc::kInvalidArgument);
    EXPECT_NE(opened.error().detail().find("start a new database"), std::string::npos);
  }
}

TEST_F(Replica, RefoldsToTheStatesThatItStored) {
  for (int i = 0; i < 20; ++i) {
    const RecordId record = commune.create("D" + std::to_string(i));
    if (i % 2 != 0) continue;
    ASSERT_TRUE(commune.write(record, UpdateKind::kOffer, offices.district_id).ok());
  }
  settle({&commune, &district});
  EXPECT_TRUE(commune.replica().verify_states().empty());
  EXPECT_TRUE(district.replica().verify_states().empty());
}

TEST_F(Replica, RevocationTurnsWhatItCutsOffInertOnEveryReplica) {
  const RecordId before = commune.create("BEFORE");
  settle({&commune, &district, &province});
  const RecordId after = commune.create("AFTER");
  settle({&commune, &district, &province});
  Revocation revocation;
  revocation.node = commune.node().id();
  const auto seal = commune.replica().find_update(1)->seal;
  const Seal last_believed = commune.replica().find_seal(*seal)->seal();
  revocation.cuts = {{last_believed.incarnation, last_believed.number, {}}};
  revocation.reason = "máy mất";
  district.commit([&](Transaction& transaction) {
    const auto stated = transaction.state(revocation);
    ASSERT_TRUE(stated.ok()) << stated.error().message();
  });
  settle({&commune, &district, &province});
  for (Office* office : {&commune, &district, &province}) {
    EXPECT_EQ(office->state(before).holder, offices.commune_id);
    EXPECT_TRUE(office->state(after).chain.empty());
    EXPECT_EQ(office->replica().counts().inert, 1u);
    EXPECT_TRUE(office->replica().verify_states().empty());
  }
}

TEST_F(Replica, ANewOfficeGetsEverythingInItsAudience) {
  const RecordId record = commune.create("A");
  settle({&commune, &district});
  // A second machine of the same commune, certified later: the district gives it everything.
  Office& second = offices.add(offices.commune_id, "/second");
  district.commit([&](Transaction& transaction) {
    for (const Statement& statement : offices.deployment.statements())
      ASSERT_TRUE(transaction.add_statement(statement).ok());
  });
  settle({&district, &second});
  EXPECT_EQ(digest(second, record), digest(commune, record));
}

}  // namespace
}  // namespace lienthong::test
