// Bundles between replicas: what they bring, what they say about cursors, and what forged, old and
// cut ones do: nothing.
#include <gtest/gtest.h>

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>

#include "agent/files/bundles.h"
#include "protocol/record/fields.h"
#include "store/office/projections.h"
#include "tests/support/offices.h"

namespace lienthong::agent {
namespace {

class StillClock final : public WallClock {
 public:
  UnixMillis now() const override { return 1'680'307'300'000; }
  Instant monotonic() const override { return Instant(); }
};

struct Machine {  // an office under an engine
  Machine(test::TestDeployment& deployment, const test::TestNode& n, rocksdb::Env* env,
          std::string path, const WallClock& clock, asio::io_context& loop, std::uint64_t seed)
      : node(n), entropy(seed) {
    store::Identity identity(node.key);
    identity.agency = node.agency;
    identity.certificate = node.certificate;
    store::Options options = store::office_options();
    options.path = std::move(path);
    options.env = env;
    options.entropy = &entropy;
    options.create = true;
    auto replica = *store::Replica::open(options, identity, deployment.root());
    if (!replica->bootstrap(deployment.statements()).ok()) throw std::runtime_error("bootstrap");
    engine = std::make_unique<Engine>(std::move(replica), clock, loop.get_executor());
  }
  const store::Replica& replica() const { return engine->replica(); }

  RecordId create(const std::string& code) {
    RecordId record;
    const auto done = engine->write([&](store::Transaction& transaction) -> Result<void> {
      store::Draft draft;
      draft.open.kind = UpdateKind::kCreated;
      draft.open.writes = {{static_cast<std::uint16_t>(Field::kCode), code}};
      LT_TRY(const UpdateId id, transaction.write(draft));
      record = id_cast<RecordId>(id);
      return {};
    });
    EXPECT_TRUE(done.ok()) << done.error().message();
    return record;
  }
  Bytes bundle_for(const Machine& other, bool full = false) {
    auto out = store::BundleExport::begin(bundle_place(*engine), other.node.agency, full,
                                          entropy.array<32>(), entropy.array<32>());
    EXPECT_TRUE(out.ok()) << out.error().message();
    Bytes file;
    while (out.ok()) {
      const auto bytes = (*out)->next();
      EXPECT_TRUE(bytes.ok());
      if (!bytes.ok() || !*bytes) break;
      file.insert(file.end(), (*bytes)->begin(), (*bytes)->end());
    }
    return file;
  }
  Result<store::BundleOutcome> take(ByteView file) {
    store::BundleImport import(bundle_place(*engine), node.dh_key);
    LT_TRY_VOID(import.add(file));
    return import.outcome();
  }
  bool has(const RecordId& record) const { return replica().find_record(record).has_value(); }
  Cursor cursor(const Machine& writer) const {
    return replica().cursor(FeedKind::kUpdates, writer.node.key.public_key());
  }

  test::TestNode node;
  test::SeededEntropy entropy;
  std::unique_ptr<Engine> engine;
};

class BundleFiles : public ::testing::Test {
 protected:
  BundleFiles() : env_(rocksdb::NewMemEnv(rocksdb::Env::Default())), deployment_(41) {
    const AgencyId province = deployment_.add_agency({}, "H47", "Tỉnh Quảng Nam", "province");
    deployment_.add_node(province, true);
    const AgencyId district =
        deployment_.add_agency(province, "H47.12", "Huyện Phú Ninh", "district");
    const test::TestNode upper = deployment_.add_node(district, true);
    const AgencyId commune = deployment_.add_agency(district, "H47.12.05", "Xã Tam Dân", "commune");
    const test::TestNode lower = deployment_.add_node(commune);
    const AgencyId sibling =
        deployment_.add_agency(district, "H47.12.06", "Xã Tam Thái", "commune");
    const test::TestNode beside = deployment_.add_node(sibling);
    district_ = std::make_unique<Machine>(deployment_, upper, env_.get(), "/d", clock_, loop_, 1);
    commune_ = std::make_unique<Machine>(deployment_, lower, env_.get(), "/c", clock_, loop_, 2);
    sibling_ = std::make_unique<Machine>(deployment_, beside, env_.get(), "/s", clock_, loop_, 3);
  }

  std::unique_ptr<rocksdb::Env> env_;
  test::TestDeployment deployment_;
  StillClock clock_;
  asio::io_context loop_;
  std::unique_ptr<Machine> district_, commune_, sibling_;
};

TEST_F(BundleFiles, BringChangesAndTheirPlaces) {
  const RecordId record = commune_->create("H47.12.05-230401-0001");
  const auto taken = district_->take(commune_->bundle_for(*district_));
  ASSERT_TRUE(taken.ok()) << taken.error().message();
  EXPECT_TRUE(taken->complete);
  EXPECT_EQ(taken->refused, 0U);
  EXPECT_TRUE(district_->has(record));
  const FeedMark end = commune_->replica().feed_end(FeedKind::kUpdates, district_->node.agency);
  EXPECT_EQ(district_->cursor(*commune_).mark, end);
}

TEST_F(BundleFiles, AReturningStickIsAReceipt) {
  commune_->create("H47.12.05-230401-0001");
  ASSERT_TRUE(district_->take(commune_->bundle_for(*district_)).ok());
  const RecordId second = commune_->create("H47.12.05-230401-0002");
  const std::size_t before = commune_->bundle_for(*district_).size();
  const auto back = commune_->take(district_->bundle_for(*commune_));
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_GE(back->receipts, 1U);
  const Bytes next = commune_->bundle_for(*district_);
  EXPECT_LT(next.size(), before);
  const auto taken = district_->take(next);
  ASSERT_TRUE(taken.ok()) << taken.error().message();
  EXPECT_EQ(taken->duplicates, 0U);
  EXPECT_TRUE(district_->has(second));
  EXPECT_GT(commune_->bundle_for(*district_, true).size(), next.size());
}

TEST_F(BundleFiles, TakenInAgainChangeNothing) {
  commune_->create("H47.12.05-230401-0001");
  const Bytes old = commune_->bundle_for(*district_);
  ASSERT_TRUE(district_->take(old).ok());
  commune_->create("H47.12.05-230401-0002");
  ASSERT_TRUE(district_->take(commune_->bundle_for(*district_)).ok());
  const Cursor cursor = district_->cursor(*commune_);
  const std::uint64_t updates = district_->replica().counts().updates;
  const auto again = district_->take(old);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->added, 0U);
  EXPECT_EQ(district_->cursor(*commune_), cursor);
  EXPECT_EQ(district_->replica().counts().updates, updates);
}

TEST_F(BundleFiles, AnOldReceiptDoesNotSetBackWhatWasHeard) {
  commune_->create("H47.12.05-230401-0001");
  ASSERT_TRUE(district_->take(commune_->bundle_for(*district_)).ok());
  const Bytes early = district_->bundle_for(*commune_);
  commune_->create("H47.12.05-230401-0002");
  ASSERT_TRUE(district_->take(commune_->bundle_for(*district_)).ok());
  ASSERT_TRUE(commune_->take(district_->bundle_for(*commune_)).ok());
  const NodeId reader = district_->node.key.public_key();
  const Cursor heard = commune_->replica().heard_cursor(FeedKind::kUpdates, reader);
  EXPECT_EQ(heard.mark.number, 2U);
  ASSERT_TRUE(commune_->take(early).ok());
  EXPECT_EQ(commune_->replica().heard_cursor(FeedKind::kUpdates, reader), heard);
}

TEST_F(BundleFiles, CutAnywhereGiveWhatIsWholeAndTheRestComesWithTheNext) {
  std::vector<RecordId> records;
  for (int i = 0; i < 9; ++i)
    records.push_back(commune_->create("H47.12.05-230401-000" + std::to_string(i)));
  const Bytes whole = commune_->bundle_for(*district_);
  for (const std::size_t cut : {whole.size() / 3, whole.size() / 2, whole.size() - 1}) {
    const auto part = district_->take(ByteView(whole).first(cut));
    ASSERT_TRUE(part.ok()) << part.error().message();
    EXPECT_FALSE(part->complete);
  }
  // All of it comes at once, whenever the rest does.
  const auto under_way = [&] { return district_->replica().local_values("bundle/"); };
  ASSERT_EQ(under_way().size(), 1U);
  EXPECT_EQ(under_way()[0].second, (Bytes{1, 0, 0, 0, 0, 0, 0, 0})) << "from the first update on";
  const auto taken = district_->take(whole);
  ASSERT_TRUE(taken.ok());
  EXPECT_TRUE(taken->complete);
  EXPECT_TRUE(under_way().empty());
  for (const RecordId& record : records) EXPECT_TRUE(district_->has(record));
  EXPECT_TRUE(district_->cursor(*commune_).ranges.empty());
}

TEST_F(BundleFiles, BesideWhatIsMissingAreNotedAsRanges) {
  commune_->create("H47.12.05-230401-0001");
  ASSERT_TRUE(district_->take(commune_->bundle_for(*district_)).ok());
  // The commune believes more than the district has: as if another bundle had been lost.
  commune_->create("H47.12.05-230401-0002");
  const FeedMark end = commune_->replica().feed_end(FeedKind::kUpdates, district_->node.agency);
  ASSERT_TRUE(commune_->take(district_->bundle_for(*commune_)).ok());
  commune_->bundle_for(*district_);  // seals it
  ASSERT_TRUE(commune_->engine
                  ->write([&](store::Transaction& transaction) -> Result<void> {
                    const FeedMark now =
                        commune_->replica().feed_end(FeedKind::kUpdates, district_->node.agency);
                    transaction.note_heard_cursor(
                        FeedKind::kUpdates, district_->node.key.public_key(), Cursor{now, {}});
                    return {};
                  })
                  .ok());
  commune_->create("H47.12.05-230401-0003");
  ASSERT_TRUE(district_->take(commune_->bundle_for(*district_)).ok());
  const Cursor cursor = district_->cursor(*commune_);
  EXPECT_EQ(cursor.mark.number, end.number - 1);
  ASSERT_EQ(cursor.ranges.size(), 1U);
  EXPECT_EQ(cursor.ranges[0].first, end.number + 1);
}

TEST_F(BundleFiles, OfAStrangerMoveNoCursor) {
  const RecordId record = commune_->create("H47.12.05-230401-0001");
  commune_->bundle_for(*district_);
  const auto part = commune_->replica().read_feed([&] {
    FeedRead what;
    what.reader = district_->node.agency;
    what.echo = Echo::kCarry;
    return what;
  }());
  ASSERT_TRUE(part.ok() && *part);
  const SigningKey stranger(commune_->entropy.array<32>());
  BundleHeader header{deployment_.root(),    district_->node.agency,     commune_->node.agency,
                      stranger.public_key(), commune_->node.certificate, 0};
  auto writer = *BundleWriter::create(
      header, {{district_->node.key.public_key(), district_->node.dh_key.public_key()}}, stranger,
      commune_->entropy.array<32>(), commune_->entropy.array<32>());
  Bytes file = writer.head();
  const BundlePart forged{FeedKind::kUpdates, EncodedPart{1, {{1, 900, 7}}, Bytes{}}};
  const Bytes bytes = *writer.add(forged);
  file.insert(file.end(), bytes.begin(), bytes.end());
  const auto taken = district_->take(file);
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code(), Errc::kUnknownCertificate);
  EXPECT_FALSE(district_->has(record));
  EXPECT_EQ(district_->cursor(*commune_), Cursor{});
  EXPECT_EQ(district_->replica().cursor(FeedKind::kUpdates, stranger.public_key()), Cursor{});
}

TEST_F(BundleFiles, OfAnotherAgencyAreRefused) {
  commune_->create("H47.12.05-230401-0001");
  const auto taken = sibling_->take(commune_->bundle_for(*district_));
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code(), Errc::kNotAllowed);
  EXPECT_EQ(sibling_->replica().counts().updates, 0U);
}

TEST_F(BundleFiles, ForAnAgencyWithoutAMachineAreNotMade) {
  Seed seed{};
  EXPECT_EQ(
      store::BundleExport::begin(bundle_place(*commune_->engine), AgencyId(), false, seed, seed)
          .error()
          .code(),
      Errc::kNotFound);
  EXPECT_EQ(store::BundleExport::begin(bundle_place(*commune_->engine), commune_->node.agency,
                                       false, seed, seed)
                .error()
                .code(),
            Errc::kNotAllowed);
}

TEST_F(BundleFiles, CrossTheDeskInPieces) {
  const RecordId record = commune_->create("H47.12.05-230401-0001");
  const Bytes file = commune_->bundle_for(*district_);
  BundleDesk desk;
  std::string name;
  const DhKey& key = district_->node.dh_key;
  const std::size_t half = file.size() / 2;
  ASSERT_TRUE(desk.add(*district_->engine, key, name, 0, ByteView(file).first(half), false).ok());
  EXPECT_EQ(desk.add(*district_->engine, key, name, 5, Bytes{1}, false).error().code(),
            Errc::kInvalidArgument);
  const auto done =
      desk.add(*district_->engine, key, name, half, ByteView(file).subspan(half), true);
  ASSERT_TRUE(done.ok()) << done.error().message();
  EXPECT_TRUE(done->complete);
  EXPECT_TRUE(district_->has(record));
  EXPECT_EQ(desk.add(*district_->engine, key, name, half, Bytes{1}, true).error().code(),
            Errc::kNotFound);
}

}  // namespace
}  // namespace lienthong::agent
