// Machines that were put back to an older copy of their disk, over sessions between real replicas:
// whatever they did before a line came back, both directions flow, and what was acknowledged is
// there. docs/protocol/feed.md, "Renewal".
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "store/exchange/calling.h"
#include "store/exchange/lives.h"
#include "tests/support/replica_session.h"

namespace lienthong::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Work { kNothing, kCreate, kSet, kAccept, kOffer, kAll, kMuch };
constexpr std::array kWorks{Work::kNothing, Work::kCreate, Work::kSet, Work::kAccept,
                            Work::kOffer,   Work::kAll,    Work::kMuch};

// One session between a child, which dials as the agent does, and its parent.
struct Meeting {
  ReplicaEnd child, parent;
  Instant now = ReplicaPair::kStart;

  Meeting(Office& c, Office& p, std::uint64_t number, std::uint64_t heal_entry_count_min)
      : child(c, dialling(c, p, number, heal_entry_count_min), ReplicaPair::kStart),
        parent(p, answering(p, heal_entry_count_min), ReplicaPair::kStart) {}

  static SessionConfig dialling(Office& child, Office& parent, std::uint64_t number,
                                std::uint64_t heal_entry_count_min) {
    struct NoWriter final : store::Writer {
      void post(store::Job, store::Done, store::Urgency) override {}
    } writer;
    child.commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(transaction.seal_pending(parent.agency()).ok());
    });
    SeededEntropy entropy(number);
    store::PeersConfig peers_config(child.node().dh_key);
    peers_config.start = start_of(child);
    const auto peers =
        std::make_shared<store::Peers>(child.replica(), writer, entropy, std::move(peers_config));
    SessionConfig config = peers->dialling(
        parent.agency(), store::callee_of(child.replica(), parent.agency()), number);
    config.paced = false;
    config.heal_memory = nullptr;
    config.tables = nullptr;
    config.heal_entry_count_min = heal_entry_count_min;
    return config;
  }
  static std::uint64_t start_of(Office& office) {
    const auto starts = store::starts_of(office.replica());
    return starts.empty() ? 0 : starts.back().number;
  }
  static SessionConfig answering(Office& parent, std::uint64_t heal_entry_count_min) {
    SessionConfig config(parent.node().dh_key, DhKey(SeededEntropy(99).array<32>()));
    config.root = parent.replica().root();
    config.agency = parent.agency();
    config.node = parent.node().id();
    config.certificate = parent.node().certificate;
    config.program_version = "0.1.0";
    config.heal_entry_count_min = heal_entry_count_min;
    config.start = start_of(parent);
    return config;
  }

  // Until nobody has anything to say, or so many bytes have passed.
  void run(std::size_t budget = SIZE_MAX) {
    const auto pass = [&](ReplicaEnd& from, ReplicaEnd& to) {
      Bytes bytes = std::exchange(from.outgoing, {});
      bytes.resize(std::min(bytes.size(), budget));
      budget -= bytes.size();
      const auto taken = to.driver->on_bytes(bytes);
      EXPECT_TRUE(taken.ok()) << taken.error().message();
    };
    for (;;) {
      child.driver->perform();
      parent.driver->perform();
      if (budget == 0 || (child.outgoing.empty() && parent.outgoing.empty())) return;
      if (!child.outgoing.empty()) pass(child, parent);
      if (!parent.outgoing.empty()) pass(parent, child);
    }
  }
  void run_for(seconds time) {
    run();
    for (const Instant end = now + time; now < end;) {
      now += milliseconds(250);
      for (ReplicaEnd* each : {&child, &parent}) {
        each->at = now;
        each->driver->tick();
      }
      run();
    }
  }
  static bool in_sync(const ReplicaEnd& end) {
    const SessionStats stats = end.driver->stats();
    return stats.drained_in && stats.drained_out && !stats.doubtful && !stats.differs;
  }
  bool in_sync() const { return in_sync(child) && in_sync(parent); }
};

class RestoredCopies : public ::testing::Test {
 protected:
  RestoredCopies() : offices_(1) {}

  void copy_disk(const std::string& path, const std::string& to) {
    rocksdb::Env* env = offices_.env.get();
    std::vector<std::string> names;
    EXPECT_TRUE(env->GetChildren(path, &names).ok());
    EXPECT_TRUE(env->CreateDirIfMissing(to).ok());
    for (const std::string& name : names) {
      std::string bytes;
      if (name == "." || name == ".." || name == "LOCK") continue;
      if (!rocksdb::ReadFileToString(env, path + "/" + name, &bytes).ok()) continue;
      EXPECT_TRUE(rocksdb::WriteStringToFile(env, bytes, to + "/" + name).ok());
    }
  }
  // A machine of its own with the keys of that one, on a copy of that disk.
  std::unique_ptr<Office> machine(const Office& like, const std::string& disk) {
    const std::string path = disk + "-" + std::to_string(++machines_);
    copy_disk(disk, path);
    return std::make_unique<Office>(offices_.deployment, like.node(), offices_.env.get(), path);
  }
  void meet(Office& child, Office& parent) {
    Meeting meeting(child, parent, ++number_, heal_entry_count_min_);
    meeting.run_for(seconds(4));
    EXPECT_TRUE(meeting.in_sync());
  }
  // The district and the commune have shared work for a while.
  void share(std::size_t dossiers) {
    for (std::size_t i = 0; i < dossiers; ++i)
      own_.push_back(commune_->create("A" + std::to_string(i)));
    for (int i = 0; i < 6; ++i) {
      offered_.push_back(district_->create("D" + std::to_string(i)));
      ASSERT_TRUE(district_->write(offered_.back(), UpdateKind::kOffer, commune_->agency()).ok());
    }
    meet(*commune_, *district_);
  }
  // What happens after the copy was made, and is lost with the disk.
  void work_on(Office& commune, Office& district, int round) {
    const std::string mark = std::to_string(round);
    for (int i = 0; i < 5; ++i) commune.create("L" + mark + std::to_string(i));
    ASSERT_TRUE(commune.set_unit(own_[0], "mới " + mark).ok());
    ASSERT_TRUE(commune.write(own_[1], UpdateKind::kOffer, district.agency()).ok());
    ASSERT_TRUE(commune.write(offered_[static_cast<std::size_t>(round)], UpdateKind::kAccept).ok());
    ASSERT_TRUE(district.write(offered_[5], UpdateKind::kNote).ok());
    meet(commune, district);
    ASSERT_TRUE(district.write(own_[1], UpdateKind::kAccept).ok());
    ASSERT_TRUE(district.write(own_[1], UpdateKind::kOffer, commune.agency()).ok());
    meet(commune, district);
    ASSERT_TRUE(commune.write(own_[1], UpdateKind::kAccept).ok());
    meet(commune, district);
  }
  // Before the line is back.
  void do_work(Office& office, Office& other, Work work, int who) {
    const std::string name = "N" + std::to_string(who);
    const bool all = work == Work::kAll;
    if (all || work == Work::kCreate) office.create(name);
    for (int i = 0; work == Work::kMuch && i < 40; ++i) office.create(name + std::to_string(i));
    if (all || work == Work::kSet) (void)office.set_unit(own_[0], "KHÁC").ok();
    if (all || work == Work::kAccept)
      (void)office.write(offered_[0], UpdateKind::kAccept).ok();  // where it may
    if (all || work == Work::kOffer)
      (void)office.write(own_[3], UpdateKind::kOffer, other.agency()).ok();
  }
  // Of what both are to have.
  static std::set<UpdateId> updates_of(Office& office, const Office& other) {
    std::set<UpdateId> out;
    office.replica().for_each_record([&](const store::RecordEntry& entry) {
      const auto audience = office.replica().audience_of(entry.state);
      if (!std::ranges::binary_search(audience, other.agency())) return true;
      for (const std::uint64_t number : entry.updates)
        out.insert(office.replica().find_update(number)->id);
      return true;
    });
    return out;
  }
  // After whatever happened: both directions flow, and both hold what either held.
  void expect_whole(Office& commune, Office& district, const std::set<UpdateId>& held) {
    Meeting meeting(commune, district, ++number_, heal_entry_count_min_);
    meeting.run_for(seconds(10));
    EXPECT_TRUE(meeting.in_sync());
    EXPECT_FALSE(meeting.child.closed || meeting.parent.closed);
    const auto up = commune.replica().feed_digest(FeedKind::kUpdates, district.agency(),
                                                  ReplicaView::UpTo::kEnd);
    const auto down = district.replica().feed_digest(FeedKind::kUpdates, commune.agency(),
                                                     ReplicaView::UpTo::kEnd);
    ASSERT_TRUE(up && down);
    EXPECT_TRUE(up->same_set(*down)) << up->count << " and " << down->count;
    EXPECT_TRUE(std::ranges::includes(updates_of(commune, district), held)) << "lost";
    EXPECT_TRUE(std::ranges::includes(updates_of(district, commune), held)) << "lost";
    const RecordId fresh = commune.create("Z" + std::to_string(number_));
    meeting.child.grown();
    meeting.run();
    EXPECT_TRUE(district.replica().find_record(fresh)) << "upwards";
    EXPECT_TRUE(district.write(offered_[5], UpdateKind::kNote).ok());
    const UpdateId note = district.state(offered_[5]).heads.front();
    meeting.parent.grown();
    meeting.run();
    EXPECT_TRUE(commune.replica().find_update(note)) << "downwards";
    EXPECT_TRUE(meeting.in_sync());
    EXPECT_FALSE(commune.replica().restored() || district.replica().restored());
  }
  // Sessions that are cut after so many bytes, all told, then one that stays.
  void meet_cut_short(Office& commune, Office& district, std::span<const std::size_t> cuts) {
    for (const std::size_t bytes : cuts) {
      Meeting meeting(commune, district, ++number_, heal_entry_count_min_);
      meeting.run(bytes);
    }
  }

  Offices offices_;
  std::unique_ptr<Office> commune_ = std::move(offices_.commune);
  std::unique_ptr<Office> district_ = std::move(offices_.district);
  std::vector<RecordId> own_, offered_;
  std::uint64_t number_ = 0, heal_entry_count_min_ = kHealEntryCountMin;
  int machines_ = 0;
};

// The feed of whoever was put back begins anew, so neither says "in sync" before they were
// compared, though nothing is left to send.
TEST_F(RestoredCopies, AreNotInSyncBeforeTheyWereCompared) {
  share(12);
  copy_disk("/commune", "/commune-old");
  work_on(*commune_, *district_, 1);
  const auto commune = machine(*commune_, "/commune-old");
  commune->now = district_->now + 60'000;
  Meeting meeting(*commune, *district_, ++number_, heal_entry_count_min_);
  meeting.run();
  EXPECT_TRUE(meeting.child.drained() && meeting.parent.drained());
  EXPECT_FALSE(Meeting::in_sync(meeting.child));
  EXPECT_FALSE(Meeting::in_sync(meeting.parent));
  EXPECT_TRUE(commune->replica().restored()) << "custody rests as long";
  meeting.run_for(seconds(4));
  EXPECT_TRUE(meeting.in_sync());
  EXPECT_FALSE(commune->replica().restored());
}

// ---- two machines with one key ----

class LivesInSessions : public RestoredCopies {
 protected:
  std::unique_ptr<Office> starts(const Office& like, const std::string& disk,
                                 std::uint64_t random) {
    auto office = machine(like, disk);
    office->now = std::max(commune_->now, district_->now) + 60'000;
    begin(*office, random);
    return office;
  }
  static void begin(Office& office, std::uint64_t random) {
    office.commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(store::begin_life(std::make_shared<std::uint64_t>(0), random)(transaction).ok());
    });
  }
  void come(Office& commune) {
    Meeting meeting(commune, *district_, ++number_, heal_entry_count_min_);
    meeting.run_for(seconds(4));
  }
};

TEST_F(LivesInSessions, BothMachinesAreToldOfTheirTwin) {
  begin(*district_, 1);
  begin(*commune_, 3);
  share(12);
  const auto one = starts(*commune_, "/commune", 5), other = starts(*commune_, "/commune", 7);
  come(*one);
  come(*other);
  EXPECT_TRUE(store::twins_of(district_->replica(), district_->now).empty())
      << "it might be a copy that was put back";
  for (int turn = 0; turn < 2; ++turn) {
    one->create("ONE" + std::to_string(turn));
    come(*one);
    other->create("OTHER" + std::to_string(turn));
    come(*other);
  }
  for (Office* office : {district_.get(), one.get(), other.get()}) {
    const auto seen = store::twins_of(office->replica(), office->now);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].node, commune_->node().id());
    EXPECT_EQ(seen[0].told_by, district_->node().id());
    EXPECT_GT(seen[0].twin.since, 0);
  }
  // Nothing of either is lost: each gets the other's from above.
  come(*one);
  for (Office* office : {district_.get(), one.get(), other.get()})
    for (const char* code : {"ONE0", "ONE1", "OTHER0"})
      EXPECT_FALSE(office->replica().find_code(code).empty()) << code;
  EXPECT_FALSE(one->replica().find_code("OTHER1").empty());
}

TEST_F(LivesInSessions, AreSaidInTheHelloToWhoIsKnown) {
  begin(*district_, 1);
  begin(*commune_, 3);
  share(3);
  const auto told = [](Office& to, Office& by) {
    return store::life_for(by.replica(), 9, to.node().id()).before;
  };
  EXPECT_EQ(told(*district_, *commune_), 3U);
  EXPECT_EQ(told(*commune_, *district_), 1U);
}

struct Case {
  std::size_t dossiers;
  std::uint64_t heal_entry_count_min;
  bool commune, district;  // who was put back
};

class RestoredCopiesOf : public RestoredCopies, public ::testing::WithParamInterface<Case> {};

// The copies are of two ages; those that were put back work, or not, before they meet.
TEST_P(RestoredCopiesOf, FlowBothWaysWhateverTheyDid) {
  const Case& what = GetParam();
  heal_entry_count_min_ = what.heal_entry_count_min;
  share(what.dossiers);
  copy_disk("/commune", "/commune-old");
  copy_disk("/district", "/district-old");
  work_on(*commune_, *district_, 1);
  copy_disk("/commune", "/commune-newer");
  work_on(*commune_, *district_, 2);
  constexpr std::array<std::size_t, 4> kCuts{700, 1500, 2600, 5000};
  for (const Work work : kWorks)
    for (const bool newer : {false, true})
      for (const bool cut : {false, true}) {
        if (newer && !what.commune) continue;
        SCOPED_TRACE("work " + std::to_string(static_cast<int>(work)) +
                     (newer ? ", newer copy" : ", old copy") + (cut ? ", cuts" : ""));
        const auto commune = machine(*commune_, !what.commune ? "/commune"
                                                : newer       ? "/commune-newer"
                                                              : "/commune-old");
        const auto district = machine(*district_, what.district ? "/district-old" : "/district");
        commune->now = district->now = std::max(commune_->now, district_->now) + 60'000;
        if (what.commune) do_work(*commune, *district, work, 0);
        if (what.district) do_work(*district, *commune, work, 1);
        std::set<UpdateId> held = updates_of(*commune, *district);
        held.merge(updates_of(*district, *commune));
        meet_cut_short(*commune, *district, cut ? std::span(kCuts) : std::span(kCuts).first(0));
        expect_whole(*commune, *district, held);
        if (HasFailure()) return;
      }
}

INSTANTIATE_TEST_SUITE_P(All, RestoredCopiesOf,
                         ::testing::Values(Case{12, kHealEntryCountMin, true, false},
                                           Case{12, 10, true, false},
                                           Case{12, kHealEntryCountMin, false, true},
                                           Case{12, 10, false, true},
                                           Case{12, kHealEntryCountMin, true, true},
                                           Case{12, 10, true, true}, Case{90, 60, true, false}));

}  // namespace
}  // namespace lienthong::test
