// Where records stood for a sender who does not know all that is here: two offices, or three in a
// row, write to the same dossiers while parts are under way both ways.
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <variant>

#include "protocol/session/outbox.h"
#include "protocol/wire/part.h"
#include "store/replica/short_names.h"
#include "tests/support/offices.h"

namespace lienthong {
namespace {

using test::Office;
using test::Offices;

// One direction of a link: parts and acknowledgements in their order.
class Line {
 public:
  Line(const Offices& offices, Office& from, Office& to)
      : root_(offices.deployment.root()), from_(&from), to_(&to) {
    sent_ = to.replica().cursor(FeedKind::kUpdates, from.node().id()).mark.number;
  }

  // What the sender wrote since, by short names as it sees things now.
  void send() {
    from_->commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(transaction.ensure_feed(to_->agency()).ok());
      ASSERT_TRUE(transaction.seal_pending(to_->agency()).ok());
    });
    FeedRead what;
    what.reader = to_->agency();
    what.reader_node = to_->node().id();
    what.echo = Echo::kPassOver;
    what.first = sent_ + 1;
    const auto part = from_->replica().read_feed(what).value();
    if (!part) return;
    sent_ = part->covered.back().last;
    const auto names = from_->replica().names();
    const Bytes shortly = wire::encode_part_body(root_, *part, names.get());
    const Bytes in_full = wire::encode_part_body(root_, *part);
    under_way_.emplace_back(
        Sent{{part->epoch, part->covered, shortly}, {part->epoch, part->covered, in_full}});
  }
  // What the other side acknowledges goes back on `back`.
  void arrive(Line& back, bool acknowledge) {
    if (under_way_.empty()) return;
    if (const auto* part = std::get_if<Sent>(&under_way_.front()))
      store(*part, back, acknowledge);
    else
      hear(std::get<Cursor>(under_way_.front()));
    under_way_.pop_front();
  }
  bool empty() const { return under_way_.empty(); }
  std::size_t arrived = 0, unclear = 0;

 private:
  struct Sent {
    EncodedPart shortly, in_full;
  };
  store::ReceiveOutcome take(const EncodedPart& part) {
    store::ReceiveOutcome out;
    to_->commit([&](store::Transaction& transaction) {
      const auto outcome =
          transaction.receive(FeedKind::kUpdates, from_->node().id(), from_->agency(), part);
      ASSERT_TRUE(outcome.ok()) << outcome.error().message();
      EXPECT_TRUE(outcome->refused.empty());
      EXPECT_EQ(outcome->waiting, 0U);
      out = *outcome;
    });
    return out;
  }
  void store(const Sent& part, Line& back, bool acknowledge) {
    store::ReceiveOutcome outcome = take(part.shortly);
    ++arrived;
    if (outcome.unclear) {
      ++unclear;
      outcome = take(part.in_full);
    }
    EXPECT_FALSE(outcome.unclear);
    if (acknowledge) back.under_way_.emplace_back(outcome.cursor);
  }
  void hear(const Cursor& cursor) {
    to_->commit([&](store::Transaction& transaction) {
      transaction.note_heard_cursor(FeedKind::kUpdates, from_->node().id(), cursor);
    });
  }

  const RootFingerprint root_;
  Office* from_;
  Office* to_;
  std::uint64_t sent_ = 0;
  std::deque<std::variant<Sent, Cursor>> under_way_;
};

// Offices in a row, with a link between each two, and dossiers that all of them see.
struct Row {
  explicit Row(std::uint64_t seed, std::size_t length, std::size_t dossiers)
      : offices(seed), random(seed) {
    row = {offices.commune.get(), offices.district.get()};
    if (length == 3) row.push_back(offices.province.get());
    for (std::size_t i = 0; i < dossiers; ++i)
      records.push_back(row[0]->create("D-" + std::to_string(i)));
    test::settle(row);
    for (std::size_t hop = 0; hop + 1 < length; ++hop) {
      for (const RecordId& record : records) {
        if (hop > 0) {
          EXPECT_TRUE(row[hop]->write(record, UpdateKind::kAccept).ok());
        }
        EXPECT_TRUE(row[hop]->write(record, UpdateKind::kOffer, row[hop + 1]->agency()).ok());
      }
      test::settle(row);
    }
    for (std::size_t i = 0; i + 1 < length; ++i) {
      heard(*row[i], *row[i + 1]);
      heard(*row[i + 1], *row[i]);
      up.emplace_back(offices, *row[i], *row[i + 1]);
      down.emplace_back(offices, *row[i + 1], *row[i]);
    }
  }

  // What the one has of the other's feed, as a session tells.
  static void heard(Office& writer, Office& reader) {
    const Cursor cursor = reader.replica().cursor(FeedKind::kUpdates, writer.node().id());
    writer.commit([&](store::Transaction& transaction) {
      transaction.note_heard_cursor(FeedKind::kUpdates, reader.node().id(), cursor);
    });
  }
  std::size_t any(std::size_t count) { return random() % count; }
  // Remarks anybody may write; links who has the turn.
  void write() {
    Office& office = *row[any(row.size())];
    const RecordId& record = records[any(records.size())];
    const std::size_t what = any(8);
    if (what == 0) static_cast<void>(office.write(record, UpdateKind::kAccept).ok());
    if (what == 1) static_cast<void>(office.write(record, UpdateKind::kReclaim).ok());
    if (what == 2)
      static_cast<void>(
          office.write(record, UpdateKind::kOffer, row[any(row.size())]->agency()).ok());
    if (what > 2) {
      EXPECT_TRUE(office.write(record, UpdateKind::kNote).ok());
    }
  }
  void step() {
    const std::size_t link = any(up.size());
    Line& there = any(2) == 0 ? up[link] : down[link];
    Line& back = &there == &up[link] ? down[link] : up[link];
    const std::size_t what = any(10);
    if (what < 6)
      write();
    else if (what < 8)
      there.send();
    else
      there.arrive(back, any(4) != 0);
  }
  void finish() {
    for (int round = 0; round < 8; ++round)
      for (std::size_t i = 0; i < up.size(); ++i) {
        up[i].send();
        down[i].send();
        while (!up[i].empty() || !down[i].empty()) {
          up[i].arrive(down[i], true);
          down[i].arrive(up[i], true);
        }
      }
  }

  Offices offices;
  std::mt19937_64 random;
  std::vector<Office*> row;
  std::vector<RecordId> records;
  std::vector<Line> up, down;
};

// Whatever is guessed, all come to the same; and hardly anything is guessed wrong.
void hardly_anything_is_unclear(std::size_t length, std::size_t dossiers, std::uint64_t seeds) {
  std::size_t arrived = 0, unclear = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Row world(seed, length, dossiers);
    for (int i = 0; i < 60; ++i) world.step();
    world.finish();
    for (const RecordId& record : world.records)
      for (Office* office : world.row)
        EXPECT_TRUE(office->state(record) == world.row[0]->state(record));
    for (const auto* lines : {&world.up, &world.down})
      for (const Line& line : *lines) arrived += line.arrived, unclear += line.unclear;
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(arrived, seeds);
  EXPECT_LE(unclear * 20, arrived) << unclear << " of " << arrived;
}

TEST(StorePlaces, OfTwoWhoWriteAtOnceHardlyAnythingIsUnclear) {
  hardly_anything_is_unclear(2, 3, 15);
}
TEST(StorePlaces, OfThreeInARowHardlyAnythingIsUnclear) { hardly_anything_is_unclear(3, 2, 8); }

// Twenty dossiers of many, in one seal with all the others.
TEST(StorePlaces, TwentyThatBothTouchedCostTheOthersNothing) {
  Row world(7, 2, 120);
  for (std::size_t i = 0; i < world.records.size(); ++i) {
    ASSERT_TRUE(world.row[0]->write(world.records[i], UpdateKind::kNote).ok());
    if (i % 6 == 0) {
      ASSERT_TRUE(world.row[1]->write(world.records[i], UpdateKind::kNote).ok());
    }
    if (i % 12 == 0) {
      ASSERT_TRUE(world.row[0]->write(world.records[i], UpdateKind::kNote).ok());
    }
  }
  world.up[0].send();
  world.down[0].send();
  world.up[0].arrive(world.down[0], true);
  world.down[0].arrive(world.up[0], true);
  EXPECT_EQ(world.up[0].arrived, 1U);
  EXPECT_EQ(world.down[0].arrived, 1U);
  EXPECT_EQ(world.up[0].unclear + world.down[0].unclear, 0U);
  world.finish();
  for (const RecordId& record : world.records)
    EXPECT_EQ(world.row[0]->state(record), world.row[1]->state(record));
}

// What no place proves is asked for again, and a place never makes a bad seal good.
TEST(StorePlaces, ABadSealIsUnclearWhereverRecordsStood) {
  Row world(9, 2, 3);
  for (const RecordId& record : world.records) {
    ASSERT_TRUE(world.row[0]->write(record, UpdateKind::kNote).ok());
    ASSERT_TRUE(world.row[1]->write(record, UpdateKind::kNote).ok());
  }
  Office& commune = *world.row[0];
  Office& district = *world.row[1];
  commune.commit([&](store::Transaction& transaction) {
    ASSERT_TRUE(transaction.seal_pending(district.agency()).ok());
  });
  FeedRead what;
  what.reader = district.agency();
  what.reader_node = district.node().id();
  what.echo = Echo::kPassOver;
  what.first = district.replica().cursor(FeedKind::kUpdates, commune.node().id()).mark.number + 1;
  FeedPart part = commune.replica().read_feed(what).value().value();
  const auto encoded = [&] {
    const auto names = commune.replica().names();
    return EncodedPart{part.epoch, part.covered,
                       wire::encode_part_body(world.offices.deployment.root(), part, names.get())};
  };
  const EncodedPart good = encoded();
  part.units.front().seal.signature[5] ^= 1;
  const auto before = district.replica().counts().updates;
  district.commit([&](store::Transaction& transaction) {
    const auto outcome =
        transaction.receive(FeedKind::kUpdates, commune.node().id(), commune.agency(), encoded());
    ASSERT_TRUE(outcome.ok());
    EXPECT_TRUE(outcome->unclear);
  });
  EXPECT_EQ(district.replica().counts().updates, before);
  district.commit([&](store::Transaction& transaction) {
    const auto outcome =
        transaction.receive(FeedKind::kUpdates, commune.node().id(), commune.agency(), good);
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(outcome->added, 3U);
  });
}

TEST(StorePlaces, WhatIsUnclearGoesWithItsParentsNamedAndThenInFull) {
  Row world(11, 2, 3);
  Office& commune = *world.row[0];
  Office& district = *world.row[1];
  const RootOf root(world.offices.deployment.root());
  for (const RecordId& record : world.records) {
    ASSERT_TRUE(commune.write(record, UpdateKind::kNote).ok());
    ASSERT_TRUE(commune.write(record, UpdateKind::kNote).ok());
  }
  commune.commit([&](store::Transaction& transaction) {
    ASSERT_TRUE(transaction.seal_pending(district.agency()).ok());
  });
  Outbox box(FeedKind::kUpdates, commune.replica(),
             {district.node().id(), district.agency(), district.node().certificate});
  box.set_echo(Echo::kPassOver);
  box.on_cursor(district.replica().cursor(FeedKind::kUpdates, commune.node().id()));
  Allowance allowed;
  allowed.empty_window = true;
  const auto next = [&] {
    auto message = box.next(root, allowed).value().value();
    auto decoded = wire::decode_message(message.message).value();
    return std::get<wire::PartMessage>(std::move(decoded)).part;
  };
  static_cast<void>(box.next(root, allowed));  // Begin
  const EncodedPart shortly = next();
  ASSERT_TRUE(box.on_unclear(1, shortly.covered).ok());
  const EncodedPart with_parents = next();
  EXPECT_EQ(with_parents.covered, shortly.covered);
  // The parent and the link of the first update of each record, in ids of six bytes.
  EXPECT_TRUE(wire::names_shortly(with_parents.body));
  EXPECT_GE(with_parents.body.size(), shortly.body.size() + 3 * 2 * 6);
  EXPECT_LE(with_parents.body.size(), shortly.body.size() + 3 * 2 * 6 + 3 * 4 + 8);
  ASSERT_TRUE(box.on_unclear(1, with_parents.covered).ok());
  const EncodedPart full = next();
  EXPECT_FALSE(wire::names_shortly(full.body));
  // Whatever the reader has of the records, their parents are found by their names.
  for (const RecordId& record : world.records)
    ASSERT_TRUE(district.write(record, UpdateKind::kNote).ok());
  district.commit([&](store::Transaction& transaction) {
    const auto outcome = transaction.receive(FeedKind::kUpdates, commune.node().id(),
                                             commune.agency(), with_parents);
    ASSERT_TRUE(outcome.ok());
    EXPECT_FALSE(outcome->unclear);
    EXPECT_EQ(outcome->added, 6U);
  });
}

}  // namespace
}  // namespace lienthong
