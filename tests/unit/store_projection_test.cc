// A second projection beside the office's: it hears what enters and no more, its rows are in the
// commit of the records, go back with a savepoint, are built where they are missing and compared.
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/transaction_log.h>
#include <rocksdb/write_batch.h>

#include <set>

#include "protocol/record/fields.h"
#include "store/office/projections.h"
#include "store/replica/database.h"
#include "store/replica/raw.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using store::Transaction;

// What all tallies of a test share.
struct Told {
  std::vector<std::string> calls;
  unsigned version = 1;
  std::size_t padding = 0;   // bytes in each row
  std::uint32_t breaks = 0;  // flush() of that record throws; 0: of none
};

std::string row_key(std::uint32_t record) { return "z" + std::to_string(record); }
const std::string kTotal = "uTotal";

// For each record how many updates its timeline has, and how many updates have ever entered.
class Tally final : public store::Projection {
 public:
  explicit Tally(std::shared_ptr<Told> told) : told_(std::move(told)) {}
  std::string_view name() const override { return "tally"; }
  unsigned version() const override { return told_->version; }
  std::string_view letters() const override { return "zu"; }
  void load(const store::Database& database) override {
    told_->calls.push_back("load");
    if (const auto row = database.get(kTotal)) total_ = std::stoul(*row);
  }
  std::unique_ptr<store::ProjectionWriter> begin(store::OwnRows rows) override {
    return std::make_unique<Writer>(*this, rows);
  }
  bool agrees(const store::Database& database, std::uint32_t record, const RecordState& state,
              std::span<const GraphUpdate>) const override {
    return database.get(row_key(record)) == row(state);
  }
  std::size_t total() const { return total_; }

 private:
  class Draft final : public store::RecordDraft {
   public:
    Draft(Tally& tally, store::OwnRows& rows, std::uint32_t record)
        : tally_(tally), rows_(rows), record_(record) {}
    bool extended(const RecordState&, const GraphUpdate&, const ClosedBody&) override {
      tally_.tell("extended", record_);
      return true;
    }
    void refolded(const RecordState&, std::span<const GraphUpdate> updates) override {
      tally_.tell("refolded from " + std::to_string(updates.size()), record_);
    }
    void flush(const RecordState& state) override {
      tally_.tell("flush", record_);
      if (tally_.told_->breaks == record_) throw std::runtime_error("cut");
      rows_.put(row_key(record_), tally_.row(state));
    }

   private:
    Tally& tally_;
    store::OwnRows& rows_;
    std::uint32_t record_;
  };

  class Writer final : public store::ProjectionWriter {
   public:
    Writer(Tally& tally, store::OwnRows rows)
        : tally_(tally), rows_(rows), total_(tally.total_), saved_(total_) {}
    std::unique_ptr<store::RecordDraft> open(std::uint32_t record,
                                             const RecordState* stored) override {
      tally_.tell(
          stored == nullptr ? "open new" : "open with " + std::to_string(stored->timeline.size()),
          record);
      return std::make_unique<Draft>(tally_, rows_, record);
    }
    void entered(const GraphUpdate&) override { ++total_; }
    void savepoint() override { saved_ = total_; }
    void rollback() override { total_ = saved_; }
    void before_commit() override {
      rows_.put(kTotal, std::to_string(total_));
      tally_.total_ = total_;
    }

   private:
    Tally& tally_;
    store::OwnRows rows_;
    std::size_t total_, saved_;
  };

  void tell(const std::string& what, std::uint32_t record) {
    told_->calls.push_back(what + " " + std::to_string(record));
  }
  std::string row(const RecordState& state) const {
    return std::to_string(told_->version) + ":" + std::to_string(state.timeline.size()) +
           std::string(told_->padding, '.');
  }

  std::shared_ptr<Told> told_;
  std::size_t total_ = 0;
};

class Projections : public ::testing::Test {
 protected:
  Projections() : offices(1) { open_with_tally(); }

  store::Options options(bool office = true) {
    store::Options out = office ? store::office_options() : store::Options();
    out.path = "/tallied";
    out.env = offices.env.get();
    out.entropy = &entropy;
    out.create = true;
    return out;
  }
  store::Options options_with_tally() {
    store::Options out = options();
    out.projections.push_back([told = told] { return std::make_unique<Tally>(told); });
    return out;
  }
  // A machine of the district.
  Result<void> open(const store::Options& with) {
    replica.reset();
    LT_TRY(replica,
           store::Replica::open(with, district.replica().identity(), offices.deployment.root()));
    if (!replica->registry()) return replica->bootstrap(offices.deployment.statements());
    return {};
  }
  void open_with_tally() {
    const auto opened = open(options_with_tally());
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    told->calls.clear();
  }

  void commit(const std::function<void(Transaction&)>& work) {
    Transaction transaction(*replica, now += 1000);
    work(transaction);
    ASSERT_TRUE(transaction.commit().ok());
  }
  RecordId create(Transaction& transaction) {
    store::Draft draft;
    draft.open.kind = UpdateKind::kCreated;
    const auto id = transaction.write(std::move(draft));
    EXPECT_TRUE(id.ok());
    return id_cast<RecordId>(*id);
  }
  UpdateId write(Transaction& transaction, const RecordId& record, UpdateKind kind,
                 const AgencyId& target = {}) {
    store::Draft draft;
    draft.record = record;
    draft.open.kind = kind;
    draft.open.target = target;
    if (kind == UpdateKind::kSet)
      draft.open.writes = {{static_cast<std::uint16_t>(Field::kUnit), std::string("một cửa")}};
    const auto id = transaction.write(std::move(draft));
    EXPECT_TRUE(id.ok());
    return id.ok() ? *id : UpdateId();
  }
  std::vector<RecordId> create_and_commit(int count) {
    std::vector<RecordId> out;
    for (int i = 0; i < count; ++i) commit([&](Transaction& t) { out.push_back(create(t)); });
    return out;
  }
  std::vector<std::string> calls() { return std::exchange(told->calls, {}); }
  std::optional<std::string> row(const std::string& key) {
    return store::RawReplica(*replica).database().get(key);
  }
  std::size_t total() { return store::RawReplica(*replica).projection<Tally>().total(); }

  Offices offices;
  Office& district = *offices.district;
  Office& commune = *offices.commune;
  SeededEntropy entropy{7};
  std::shared_ptr<Told> told = std::make_shared<Told>();
  std::unique_ptr<store::Replica> replica;
  UnixMillis now = 1'680'307'200'000;
};

using Calls = std::vector<std::string>;

TEST_F(Projections, HearOfWhatEntersAndOfNothingElse) {
  RecordId record;
  commit([&](Transaction& t) { record = create(t); });
  EXPECT_EQ(calls(), (Calls{"open new 1", "extended 1", "flush 1"}));
  commit([&](Transaction& t) { EXPECT_TRUE(t.find_record(record).has_value()); });
  EXPECT_EQ(calls(), Calls{"open with 1 1"}) << "looked at, not changed";
  UpdateId offer;
  commit([&](Transaction& t) {
    write(t, record, UpdateKind::kSet);
    offer = write(t, record, UpdateKind::kOffer, offices.commune_id);
  });
  EXPECT_EQ(calls(), (Calls{"open with 1 1", "extended 1", "extended 1", "flush 1"}));
  EXPECT_EQ(row("z1"), "1:3");
  commit([&](Transaction& t) { ASSERT_TRUE(t.withdraw(offer).ok()); });
  EXPECT_EQ(calls(), (Calls{"open with 3 1", "refolded from 2 1", "flush 1"}));
  EXPECT_EQ(row("z1"), "1:2");
  EXPECT_EQ(row(kTotal), "3");
  EXPECT_TRUE(replica->verify_states().empty());
}

TEST_F(Projections, HearOfWhatPeersSendOnce) {
  commune.create("A");
  commune.create("B");
  settle({&commune, &district});  // seals them for the district
  const auto part = commune.replica().read_feed(
      {FeedKind::kUpdates, offices.district_id, district.node().id(), Echo::kPassOver});
  ASSERT_TRUE(part.ok() && *part);
  for (int round = 0; round < 2; ++round)
    commit([&](Transaction& t) {
      const auto outcome =
          t.receive(FeedKind::kUpdates, commune.node().id(), offices.commune_id, **part);
      ASSERT_TRUE(outcome.ok());
      EXPECT_EQ(outcome->added, round == 0 ? 2u : 0u);
      EXPECT_EQ(outcome->duplicates, round == 0 ? 0u : 2u);
    });
  EXPECT_EQ(calls(),
            (Calls{"open new 1", "extended 1", "open new 2", "extended 2", "flush 1", "flush 2"}));
  EXPECT_EQ(row(kTotal), "2");
}

TEST_F(Projections, GoBackWithASavepoint) {
  RecordId first;
  commit([&](Transaction& t) {
    first = create(t);
    t.savepoint();
    write(t, first, UpdateKind::kSet);
    create(t);
    t.savepoint();
    write(t, first, UpdateKind::kSet);
    create(t);
    t.rollback();
    write(t, first, UpdateKind::kSet);
  });
  EXPECT_EQ(row("z1"), "1:3");
  EXPECT_EQ(row("z2"), "1:1");
  EXPECT_EQ(row("z3"), std::nullopt);
  EXPECT_EQ(row(kTotal), "4");
  EXPECT_TRUE(replica->verify_states().empty());
  {
    Transaction dropped(*replica, now += 1000);
    create(dropped);
    dropped.savepoint();
  }
  EXPECT_EQ(row("z3"), std::nullopt) << "never committed";
  EXPECT_EQ(total(), 4u);
}

// First letters of the keys that a batch of the log writes.
class Letters final : public rocksdb::WriteBatch::Handler {
 public:
  rocksdb::Status PutCF(std::uint32_t, const rocksdb::Slice& key, const rocksdb::Slice&) override {
    found.insert(key[0]);
    return rocksdb::Status::OK();
  }
  std::set<char> found;
};

TEST_F(Projections, WriteInTheCommitOfTheRecords) {
  rocksdb::DB& db = store::RawReplica(*replica).database().db();
  const auto before = db.GetLatestSequenceNumber();
  commit([&](Transaction& t) { create(t); });
  std::unique_ptr<rocksdb::TransactionLogIterator> log;
  ASSERT_TRUE(db.GetUpdatesSince(before + 1, &log).ok());
  std::vector<std::set<char>> batches;
  for (; log->Valid(); log->Next()) {
    Letters letters;
    ASSERT_TRUE(log->GetBatch().writeBatchPtr->Iterate(&letters).ok());
    batches.push_back(letters.found);
  }
  ASSERT_EQ(batches.size(), 1u);
  for (const char letter : {'U', 'R', 'O', 'G', 'z', 'u', 'M'})
    EXPECT_TRUE(batches.front().contains(letter)) << letter;
}

TEST_F(Projections, AreBuiltWhereTheDatabaseDoesNotKeepThemInThatVersion) {
  const std::string elsewhere = "/untallied";
  auto plain = options(), tallied = options_with_tally();
  plain.path = tallied.path = elsewhere;
  ASSERT_TRUE(open(plain).ok());
  const auto records = create_and_commit(3);
  commit([&](Transaction& t) { write(t, records[1], UpdateKind::kSet); });
  EXPECT_EQ(row("Mprojections"), "codes 1\nlists 2\nmarks 1\noffice 3\n");
  EXPECT_TRUE(calls().empty());
  ASSERT_TRUE(open(tallied).ok());
  EXPECT_EQ(calls(),
            (Calls{"load", "open new 1", "refolded from 1 1", "flush 1", "open new 2",
                   "refolded from 2 2", "flush 2", "open new 3", "refolded from 1 3", "flush 3"}));
  EXPECT_EQ(row("z2"), "1:2");
  EXPECT_EQ(row(kTotal), "4");
  EXPECT_EQ(total(), 4u);
  EXPECT_EQ(row("Mprojections"), "codes 1\nlists 2\nmarks 1\noffice 3\ntally 1\n");
  EXPECT_TRUE(replica->verify_states().empty());
  ASSERT_TRUE(open(tallied).ok());
  EXPECT_EQ(calls(), Calls{"load"}) << "kept by now";
  told->version = 2;
  ASSERT_TRUE(open(tallied).ok());
  EXPECT_EQ(row("z2"), "2:2");
  EXPECT_EQ(row(kTotal), "4") << "counted from nothing";
  EXPECT_TRUE(replica->verify_states().empty());
}

TEST_F(Projections, OfADatabaseMustBeGivenWhenItIsOpened) {
  create_and_commit(1);
  const auto refuses = [this](const store::Options& with, const std::string& name) {
    const auto opened = open(with);
    EXPECT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code(), Errc::kNewerVersion);
    EXPECT_NE(opened.error().detail().find("projection " + name), std::string::npos)
        << opened.error().detail();
  };
  refuses(options(), "tally 1");
  refuses(options(false), "codes 1");
  told->version = 2;
  open_with_tally();
  told->version = 1;
  refuses(options_with_tally(), "tally 2");
  told->version = 2;
  open_with_tally();
  EXPECT_TRUE(replica->verify_states().empty());
  // Nor one that keeps what all once did, and says so by no row.
  auto usual = options(), none = options(false);
  usual.projections = {store::office_projection, store::marks_projection};
  usual.path = none.path = "/usual";
  ASSERT_TRUE(open(usual).ok());
  refuses(none, "marks 1");
}

TEST_F(Projections, OfTheOfficeAreBuiltForADatabaseThatWasMadeWithoutThem) {
  auto none = options(false), usual = options();
  none.path = usual.path = "/bare";
  ASSERT_TRUE(open(none).ok());
  const auto records = create_and_commit(2);
  commit([&](Transaction& t) { write(t, records[0], UpdateKind::kOffer, offices.commune_id); });
  EXPECT_EQ(row("Mprojections"), "") << "it keeps none";
  ASSERT_TRUE(open(usual).ok());
  EXPECT_EQ(row("Mprojections"), "codes 1\nlists 2\nmarks 1\noffice 3\n");
  EXPECT_TRUE(row("Mbuilding").has_value());
  EXPECT_TRUE(replica->verify_states().empty());
  while (replica->unfinished())
    commit([](Transaction& transaction) { (void)transaction.go_on(); });
  EXPECT_FALSE(row("Mbuilding").has_value());
  EXPECT_TRUE(replica->verify_states().empty());
}

TEST_F(Projections, AreComparedByVerify) {
  const auto records = create_and_commit(3);
  EXPECT_TRUE(replica->verify_states().empty());
  store::Changes changes;
  changes.rows["z2"] = "1:7";
  ASSERT_TRUE(store::RawReplica(*replica).database().write(changes).ok());
  EXPECT_EQ(replica->verify_states(), std::vector{records[1]});
}

// Rows of half of the records are on the disk; meanwhile a program without the projection writes.
TEST_F(Projections, AreBuiltAnewAfterBuildingWasCut) {
  auto plain = options(), tallied = options_with_tally();
  plain.path = tallied.path = "/cut";
  ASSERT_TRUE(open(plain).ok());
  const auto records = create_and_commit(8);
  told->padding = 300'000;
  told->breaks = 7;
  EXPECT_THROW((void)open(tallied).ok(), std::runtime_error);
  ASSERT_TRUE(open(plain).ok());
  EXPECT_TRUE(row("z1").has_value());
  EXPECT_FALSE(row("z7").has_value());
  commit([&](Transaction& t) { write(t, records[0], UpdateKind::kSet); });
  told->breaks = 0;
  ASSERT_TRUE(open(tallied).ok());
  EXPECT_EQ(row("z1")->substr(0, 4), "1:2.");
  EXPECT_EQ(row(kTotal), "9");
  EXPECT_TRUE(replica->verify_states().empty());
}

}  // namespace
}  // namespace lienthong::test
