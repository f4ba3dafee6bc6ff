// Short names over real replicas: what the sender leaves out the receiver finds, or asks again.
#include <gtest/gtest.h>

#include "protocol/record/fields.h"
#include "protocol/wire/part.h"
#include "store/replica/short_names.h"
#include "tests/support/offices.h"

namespace lienthong {
namespace {

using test::Office;
using test::Offices;

// A commune whose district holds three of its dossiers.
struct Pair {
  Pair() : offices(5) {
    for (const std::string_view code : {"A-1", "A-2", "A-3"})
      records.push_back(commune().create(code));
    test::settle({&district(), &commune()});
  }
  Office& commune() { return *offices.commune; }
  Office& district() { return *offices.district; }

  // What the commune wrote since, sealed, as its next part for the district.
  FeedPart next_part() {
    commune().commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(transaction.seal_pending(district().agency()).ok());
    });
    FeedRead what;
    what.reader = district().agency();
    what.reader_node = district().node().id();
    what.first =
        district().replica().cursor(FeedKind::kUpdates, commune().node().id()).mark.number + 1;
    return commune().replica().read_feed(what).value().value();
  }
  EncodedPart encode(const FeedPart& part, bool shortly) {
    const auto names = commune().replica().names();
    return {
        part.epoch, part.covered,
        wire::encode_part_body(offices.deployment.root(), part, shortly ? names.get() : nullptr)};
  }
  store::ReceiveOutcome deliver(const EncodedPart& part) {
    store::ReceiveOutcome out;
    district().commit([&](store::Transaction& transaction) {
      const auto outcome =
          transaction.receive(FeedKind::kUpdates, commune().node().id(), commune().agency(), part);
      ASSERT_TRUE(outcome.ok()) << outcome.error().message();
      out = *outcome;
    });
    return out;
  }
  bool agree() {
    for (const RecordId& record : records)
      if (!(commune().state(record) == district().state(record))) return false;
    return true;
  }

  Offices offices;
  std::vector<RecordId> records;
};

TEST(StoreNames, ChangesOfKnownRecordsTravelByShortNames) {
  Pair pair;
  for (int round = 0; round < 3; ++round)
    for (const RecordId& record : pair.records)
      ASSERT_TRUE(pair.commune().set_unit(record, "Phòng " + std::to_string(round)).ok());
  const FeedPart part = pair.next_part();
  const EncodedPart shortly = pair.encode(part, true), full = pair.encode(part, false);
  // Nine changes of three records: without parents, links, records and certificates of 32 bytes.
  EXPECT_LT(shortly.body.size() + 3 * 32, full.body.size());
  EXPECT_LT(shortly.body.size(), 340U);
  const auto outcome = pair.deliver(shortly);
  EXPECT_FALSE(outcome.unclear);
  EXPECT_EQ(outcome.added, 9U);
  EXPECT_TRUE(pair.agree());
}

TEST(StoreNames, TheSealBeforeGoesUnsaidOnceItIsAcknowledged) {
  Pair pair;
  const auto change = [&](const char* unit) {
    ASSERT_TRUE(pair.commune().set_unit(pair.records[0], unit).ok());
  };
  const auto named_by = [&](const FeedPart& part, const wire::RecentSeals& there) {
    const auto names = pair.commune().replica().names();
    names->seals = &there;
    return EncodedPart{part.epoch, part.covered,
                       wire::encode_part_body(pair.offices.deployment.root(), part, names.get())};
  };
  wire::RecentSeals there;
  change("Một cửa");
  const FeedPart first = pair.next_part();
  pair.deliver(named_by(first, there));
  const Seal& seal = first.units.back().seal;
  there.note(seal, seal_id(pair.offices.deployment.root(), seal));
  change("Phòng Tư pháp");
  const FeedPart second = pair.next_part();
  const EncodedPart unsaid = named_by(second, there), said = named_by(second, {});
  EXPECT_EQ(unsaid.body.size() + SealId::kSize, said.body.size());
  EXPECT_EQ(pair.deliver(unsaid).added, 1U);
  // One that was told of a seal which is not here asks again.
  change("Lãnh đạo");
  static_cast<void>(pair.next_part());
  const auto& third = pair.commune().replica();
  FeedRead what;
  what.reader = pair.district().agency();
  what.first = second.covered.back().last + 1;
  const FeedPart lost = third.read_feed(what).value().value();
  const Seal& unknown = lost.units.back().seal;
  there.note(unknown, seal_id(pair.offices.deployment.root(), unknown));
  change("Một cửa");
  pair.commune().commit([&](store::Transaction& transaction) {
    ASSERT_TRUE(transaction.seal_pending(pair.district().agency()).ok());
  });
  what.first = lost.covered.back().last + 1;
  const FeedPart fourth = third.read_feed(what).value().value();
  EXPECT_TRUE(pair.deliver(named_by(fourth, there)).unclear);
}

// Incarnation and number go unsaid too where the other side understands it.
TEST(StoreNames, ASealGoesOnFromTheNewestOneThere) {
  Pair pair;
  const RootFingerprint& root = pair.offices.deployment.root();
  const auto next = [&](const char* unit) {
    EXPECT_TRUE(pair.commune().set_unit(pair.records[0], unit).ok());
    return pair.next_part();
  };
  const auto named_by = [&](const FeedPart& part, const wire::RecentSeals& there, bool goes_on) {
    const auto names = pair.commune().replica().names();
    names->seals = &there;
    names->goes_on = goes_on;
    return EncodedPart{part.epoch, part.covered, wire::encode_part_body(root, part, names.get())};
  };
  const auto last_seal = [](const FeedPart& part) { return part.units.back().seal; };
  wire::RecentSeals there;
  const FeedPart first = next("Một cửa");
  pair.deliver(named_by(first, there, true));
  there.note(last_seal(first), seal_id(root, last_seal(first)));

  const FeedPart second = next("Phòng Tư pháp");
  const EncodedPart short_one = named_by(second, there, true);
  EXPECT_LE(short_one.body.size() + 9, named_by(second, there, false).body.size());
  EXPECT_EQ(pair.deliver(short_one).added, 1U);

  // There something newer of that machine came another way: the seal does not stand, and is asked
  // for again in full.
  const auto in_full = [&](const FeedPart& part) {
    return EncodedPart{part.epoch, part.covered, wire::encode_part_body(root, part)};
  };
  const FeedPart third = next("Lãnh đạo");
  FeedPart fourth = next("Một cửa");
  std::erase_if(fourth.units,
                [&](const SealedUnit& unit) { return unit.seal == last_seal(third); });
  fourth.covered.front().first = third.covered.back().last + 1;
  EXPECT_EQ(pair.deliver(in_full(fourth)).waiting, 1U);
  there.note(last_seal(second), seal_id(root, last_seal(second)));
  EXPECT_TRUE(pair.deliver(named_by(third, there, true)).unclear);
  EXPECT_EQ(pair.deliver(in_full(third)).added, 1U);
  EXPECT_EQ(pair.district().replica().counts().waiting, 0U);

  // Another incarnation of the same machine begins with all that is needed.
  there.note(last_seal(fourth), seal_id(root, last_seal(fourth)));
  pair.commune().restart();
  const FeedPart fifth = next("Phòng Tư pháp");
  EXPECT_NE(last_seal(fifth).incarnation, last_seal(fourth).incarnation);
  EXPECT_EQ(pair.deliver(named_by(fifth, there, true)).added, 1U);
}

TEST(StoreNames, ACustodyChainTravelsByShortNames) {
  Pair pair;
  ASSERT_TRUE(
      pair.commune().write(pair.records[0], UpdateKind::kOffer, pair.district().agency()).ok());
  ASSERT_TRUE(pair.commune().write(pair.records[0], UpdateKind::kRecallRequest).ok());
  ASSERT_TRUE(
      pair.commune().write(pair.records[1], UpdateKind::kOffer, pair.district().agency()).ok());
  const FeedPart part = pair.next_part();
  const EncodedPart shortly = pair.encode(part, true);
  const auto outcome = pair.deliver(shortly);
  EXPECT_FALSE(outcome.unclear);
  EXPECT_EQ(outcome.added, 3U);
  EXPECT_TRUE(outcome.refused.empty());
}

// Of its own update the reader knows that the sender had not heard: it takes the record as it stood
// without.
TEST(StoreNames, ARecordThatStandsElsewhereIsReadAsTheSenderHadIt) {
  Pair pair;
  ASSERT_TRUE(pair.commune().set_unit(pair.records[0], "Một cửa").ok());
  // Meanwhile the district has written a note of its own, so the heads differ.
  ASSERT_TRUE(pair.district().write(pair.records[0], UpdateKind::kNote).ok());
  const auto outcome = pair.deliver(pair.encode(pair.next_part(), true));
  EXPECT_FALSE(outcome.unclear);
  EXPECT_EQ(outcome.added, 1U);
  EXPECT_EQ(pair.district().state(pair.records[0]).heads.size(), 2U);
}

// A parent of it is not here: where the record stood for the sender cannot be found.
TEST(StoreNames, ARecordThatStandsElsewhereIsUnclearAndGoesInFull) {
  Pair pair;
  ASSERT_TRUE(pair.commune().set_unit(pair.records[0], "Một cửa").ok());
  const FeedPart kept = pair.next_part();
  ASSERT_TRUE(pair.commune().set_unit(pair.records[0], "Phòng Tư pháp").ok());
  FeedPart part = pair.next_part();
  std::erase_if(part.units, [&](const SealedUnit& unit) { return unit == kept.units.front(); });
  const Cursor before =
      pair.district().replica().cursor(FeedKind::kUpdates, pair.commune().node().id());
  const auto outcome = pair.deliver(pair.encode(part, true));
  EXPECT_TRUE(outcome.unclear);
  EXPECT_EQ(outcome.added, 0U);
  EXPECT_EQ(pair.district().replica().cursor(FeedKind::kUpdates, pair.commune().node().id()),
            before);
  EXPECT_EQ(pair.deliver(pair.encode(kept, false)).added, 1U);
  const auto again = pair.deliver(pair.encode(part, false));
  EXPECT_FALSE(again.unclear);
  EXPECT_EQ(again.added, 1U);
}

TEST(StoreNames, ARecordThatIsNotHereIsUnclear) {
  Pair pair;
  ASSERT_TRUE(pair.commune().set_unit(pair.records[0], "Một cửa").ok());
  const EncodedPart part = pair.encode(pair.next_part(), true);
  Offices others(5);  // the same deployment, nothing received
  others.district->commit([&](store::Transaction& transaction) {
    const auto outcome = transaction.receive(FeedKind::kUpdates, pair.commune().node().id(),
                                             pair.commune().agency(), part);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message();
    EXPECT_TRUE(outcome->unclear);
    EXPECT_EQ(outcome->added, 0U);
  });
}

// What waits for its sealer's certificate is judged when that comes, whatever bears it.
TEST(StoreNames, AForgeryThatWaitedIsListedWhenAPartWithShortNamesWakesIt) {
  Pair pair;
  ASSERT_TRUE(pair.commune().set_unit(pair.records[0], "Một cửa").ok());
  FeedPart forged = pair.next_part();
  const auto& late = pair.offices.deployment.add_node(pair.commune().agency());
  forged.units.front().seal.certificate = late.certificate;
  FeedPart certificate;
  certificate.statements = {pair.offices.deployment.statements().back()};
  pair.district().commit([&](store::Transaction& transaction) {
    const auto waits = transaction.receive(FeedKind::kUpdates, pair.commune().node().id(),
                                           pair.commune().agency(), forged);
    ASSERT_TRUE(waits.ok() && waits->waiting == 1);
    const auto woken = transaction.receive(FeedKind::kRegistry, pair.commune().node().id(),
                                           pair.commune().agency(), pair.encode(certificate, true));
    ASSERT_TRUE(woken.ok()) << woken.error().message();
  });
  EXPECT_EQ(pair.district().replica().counts().waiting, 0U);
  EXPECT_EQ(pair.district().replica().counts().refused, 1U);
}

TEST(StoreNames, AreTheFewestBytesThatTell) {
  Pair pair;
  const auto names = pair.commune().replica().names();
  for (const RecordId& record : pair.records) {
    const std::size_t size = names->prefix_size(record);
    EXPECT_EQ(size, wire::kShortNameBytes);
    EXPECT_EQ(names->find_record(record.view().first(size)), record);
    const auto place = names->place_now(record);
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(place->heads, pair.commune().state(record).heads);
    EXPECT_EQ(names->find_update(place->heads[0].view().first(wire::kShortUpdateBytes)),
              place->heads[0]);
    EXPECT_TRUE(names->secret(record).has_value());
    const auto before = names->place_before(record, place->heads[0]);
    ASSERT_TRUE(before.has_value());
    EXPECT_TRUE(before->heads.empty()) << "it is the first";
    EXPECT_FALSE(before->link.has_value());
  }
  EXPECT_FALSE(names->find_record({}).has_value()) << "several begin so";
  EXPECT_EQ(names->find_agency(pair.district().agency().view().first(4)), pair.district().agency());
  EXPECT_FALSE(names->find_certificate(pair.district().agency().view().first(4)).has_value());
  EXPECT_EQ(names->prefix_size(AgencyId{}), 32U);
}

}  // namespace
}  // namespace lienthong
