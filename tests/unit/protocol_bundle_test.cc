#include <gtest/gtest.h>

#include "protocol/base/limits.h"
#include "protocol/bundle/bundle.h"

namespace lienthong {
namespace {

Seed seed_of(std::uint8_t byte) {
  Seed seed;
  seed.fill(byte);
  return seed;
}

class Bundles : public ::testing::Test {
 protected:
  Bundles() {
    init_crypto();
    header_.root = RootFingerprint::from(Bytes(32, 7));
    header_.target = AgencyId::from(Bytes(32, 8));
    header_.agency = AgencyId::from(Bytes(32, 9));
    header_.node = exporter_.public_key();
    header_.certificate = CertificateId::from(Bytes(32, 10));
    header_.at = 1'680'307'200'000;
  }

  std::vector<BundleRecipient> both() const {
    return {{first_, first_key_.public_key()}, {second_, second_key_.public_key()}};
  }
  BundleWriter writer(const SigningKey& key) const {
    BundleHeader header = header_;
    header.node = key.public_key();
    return *BundleWriter::create(header, both(), key, seed_of(21), seed_of(22));
  }
  BundleReader reader() const { return {header_.root, header_.target, first_, first_key_}; }

  static std::vector<BundleRecord> records() {
    BundlePart registry{FeedKind::kRegistry, {5, {{1, 3, 99}}, Bytes(100, 1)}};
    BundleReceipt receipt{FeedKind::kUpdates, NodeId::from(Bytes(32, 4)),
                          Cursor{{6, 7, 8}, {{9, 10, 11}}}};
    BundlePart updates{FeedKind::kUpdates, {6, {{1, 2, 3}, {5, 9, 4}}, Bytes(70'000, 2)}};
    return {registry, receipt, updates, BundleEnd{2}};
  }
  // The file in pieces: the head, then each record.
  std::vector<Bytes> pieces(const SigningKey& key) const {
    BundleWriter out = writer(key);
    std::vector<Bytes> made{out.head()};
    for (const BundleRecord& record : records()) made.push_back(*out.add(record));
    return made;
  }
  Bytes file() const {
    Bytes out;
    for (const Bytes& piece : pieces(exporter_)) out.insert(out.end(), piece.begin(), piece.end());
    return out;
  }
  struct Reading {
    std::vector<BundleRecord> records;
    std::optional<Error> error;
    bool complete = false;
  };
  static Reading read(BundleReader reader, ByteView file, std::size_t step = 1000) {
    Reading out;
    for (std::size_t at = 0; at < file.size(); at += step) {
      ByteView bytes = file.subspan(at, std::min(step, file.size() - at));
      for (;; bytes = {}) {
        auto record = reader.next(bytes);
        if (!record.ok()) {
          out.error = record.error();
          return out;
        }
        if (!*record) break;
        out.records.push_back(**record);
      }
    }
    out.complete = reader.complete();
    return out;
  }

  SigningKey exporter_{seed_of(1)}, stranger_{seed_of(2)};
  NodeId first_ = NodeId::from(Bytes(32, 11)), second_ = NodeId::from(Bytes(32, 12));
  DhKey first_key_{seed_of(13)}, second_key_{seed_of(14)};
  BundleHeader header_;
};

TEST_F(Bundles, GoToAndFroHoweverTheFileIsCut) {
  const Bytes whole = file();
  for (const std::size_t step : {std::size_t{1}, std::size_t{777}, whole.size()}) {
    const Reading read_back = read(reader(), whole, step);
    ASSERT_FALSE(read_back.error) << read_back.error->message();
    EXPECT_EQ(read_back.records, records());
    EXPECT_TRUE(read_back.complete);
  }
}

TEST_F(Bundles, AreReadByEachRecipient) {
  const Reading other =
      read(BundleReader(header_.root, header_.target, second_, second_key_), file());
  EXPECT_EQ(other.records, records());
}

TEST_F(Bundles, GiveWhatIsWholeWhereverTheyAreCut) {
  const auto made = pieces(exporter_);
  const Bytes whole = file();
  std::size_t begin = 0;
  for (std::size_t i = 0; i < made.size(); ++i) {
    for (const std::size_t cut :
         {begin, begin + 1, begin + made[i].size() / 2, begin + made[i].size() - 1}) {
      const Reading part = read(reader(), ByteView(whole).first(cut));
      EXPECT_FALSE(part.error);
      EXPECT_FALSE(part.complete);
      EXPECT_EQ(part.records.size(), i == 0 ? 0 : i - 1) << "cut at " << cut;
    }
    begin += made[i].size();
  }
}

TEST_F(Bundles, CannotBeReadByAnybodyElse) {
  const DhKey wrong(seed_of(99));
  const NodeId third = NodeId::from(Bytes(32, 13));
  EXPECT_EQ(read(BundleReader(header_.root, header_.target, third, wrong), file()).error->code(),
            Errc::kNotAllowed);
  // Under a recipient's name, without its key.
  EXPECT_EQ(read(BundleReader(header_.root, header_.target, first_, wrong), file()).error->code(),
            Errc::kNotAllowed);
  EXPECT_EQ(
      read(BundleReader(header_.root, header_.agency, first_, first_key_), file()).error->code(),
      Errc::kNotAllowed);
  EXPECT_EQ(read(BundleReader(RootFingerprint(), header_.target, first_, first_key_), file())
                .error->code(),
            Errc::kNotAllowed);
}

TEST_F(Bundles, ShowNothingOfTheirContents) {
  const Bytes whole = file();
  const Bytes content(64, 2);
  EXPECT_EQ(std::search(whole.begin(), whole.end(), content.begin(), content.end()), whole.end());
}

TEST_F(Bundles, EveryChangedByteIsNoticed) {
  const Bytes whole = file();
  const std::size_t head = pieces(exporter_).front().size();
  for (std::size_t at = 0; at < whole.size(); at += at < head + 300 ? 1 : 997) {
    Bytes changed = whole;
    changed[at] ^= 1;
    const Reading part = read(reader(), changed);
    EXPECT_TRUE(part.error || !part.complete) << "byte " << at;
    EXPECT_LT(part.records.size(), records().size());
    const auto all = records();
    EXPECT_TRUE(std::equal(part.records.begin(), part.records.end(), all.begin())) << at;
  }
}

// Somebody of the agency, who can open the file, must not put places into it.
TEST_F(Bundles, ARecordByAnotherThanWhoSignedTheHeadIsRefused) {
  const auto genuine = pieces(exporter_);
  const auto forged = pieces(stranger_);
  Bytes mixed = genuine[0];
  mixed.insert(mixed.end(), forged[1].begin(), forged[1].end());
  EXPECT_TRUE(read(reader(), mixed).error);
  EXPECT_TRUE(read(reader(), mixed).records.empty());
}

TEST_F(Bundles, RecordsKeepTheirPlaces) {
  const auto made = pieces(exporter_);
  Bytes swapped = made[0];
  swapped.insert(swapped.end(), made[2].begin(), made[2].end());
  EXPECT_EQ(read(reader(), swapped).error->code(), Errc::kMalformed);
}

TEST_F(Bundles, RefuseWhatIsNoneAndWhatComesAfterTheEnd) {
  EXPECT_EQ(read(reader(), as_bytes("PK\3\4 a file of another kind")).error->code(),
            Errc::kMalformed);
  Bytes later = file();
  later[8] = 2;
  EXPECT_EQ(read(reader(), later).error->code(), Errc::kBadVersion);
  Bytes longer = file();
  longer.push_back(0);
  EXPECT_EQ(read(reader(), longer, longer.size()).error->code(), Errc::kOutOfOrder);
  EXPECT_EQ(read(reader(), longer, 1).error->code(), Errc::kOutOfOrder);
  Bytes huge = file();
  huge[10] = huge[11] = huge[12] = 0xff;
  EXPECT_EQ(read(reader(), huge).error->code(), Errc::kTooLarge);
}

TEST_F(Bundles, RefuseAPartThatIsTooLarge) {
  BundleWriter out = writer(exporter_);
  const BundlePart part{FeedKind::kUpdates, {1, {}, Bytes(2 * kMessageBytesMax)}};
  EXPECT_EQ(out.add(part).error().code(), Errc::kTooLarge);
}

}  // namespace
}  // namespace lienthong
