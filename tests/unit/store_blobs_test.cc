// Files beside the records: kept chunk by chunk, given to who may read, wanted, dropped.
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include "protocol/record/fields.h"
#include "store/replica/raw.h"
#include "store/scans/blobs.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using store::BlobInfo;
using store::BlobReason;
using store::Blobs;

constexpr std::chrono::hours kRetention{24 * 90};

class Scans : public ::testing::Test {
 protected:
  Scans() : offices_(31) { open(); }

  void open() {
    blobs_.clear();
    for (Office* office : {&commune_, &district_, &other_})
      blobs_[office] = *Blobs::open(office->replica());
  }
  Blobs& at(Office& office) { return *blobs_.at(&office); }
  static Bytes content(std::size_t size, std::uint8_t seed = 1) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * seed + i / 255);
    return out;
  }
  BlobInfo upload(Office& office, const Bytes& bytes, std::size_t step = 100'000) {
    auto upload = *at(office).begin_upload();
    for (std::size_t i = 0; i < bytes.size(); i += step)
      EXPECT_TRUE(upload.add(ByteView(bytes).subspan(i, std::min(step, bytes.size() - i))).ok());
    return *upload.finish(office.now);
  }
  void attach(Office& office, const RecordId& record, const BlobInfo& blob) {
    wire::Component component{"Tờ khai",          "digital", 1,
                              blob_text(blob.id), blob.size, "application/pdf"};
    const auto field = static_cast<std::uint16_t>(Field::kComponents);
    store::Draft draft;
    draft.record = record;
    draft.open.kind = UpdateKind::kSet;
    draft.open.closed_fields = {field};
    draft.closed.emplace();
    draft.closed->writes = {{field, wire::encode(std::vector{component})}};
    office.now += 1000;
    office.commit([&](store::Transaction& transaction) {
      const auto done = transaction.write(draft);
      ASSERT_TRUE(done.ok()) << done.error().message();
    });
    catch_up(office);
  }
  void catch_up(Office& office) {
    for (;;) {
      const auto more = at(office).catch_up(3, office.now);
      ASSERT_TRUE(more.ok());
      if (!*more) return;
    }
  }
  void set_status(Office& office, const RecordId& record, Status status) {
    store::Draft draft;
    draft.record = record;
    draft.open.kind = UpdateKind::kSet;
    draft.open.writes = {
        {static_cast<std::uint16_t>(Field::kStatus), static_cast<std::int64_t>(status)}};
    office.now += 1000;
    office.commit(
        [&](store::Transaction& transaction) { ASSERT_TRUE(transaction.write(draft).ok()); });
  }
  void settle() {
    test::settle({&commune_, &district_});
    catch_up(commune_);
    catch_up(district_);
  }
  // Chunk by chunk, as a lane would; how many.
  std::size_t copy(Office& from, Office& to, const BlobId& id, std::size_t limit = SIZE_MAX) {
    std::size_t copied = 0;
    const RecordId under = at(from).records(id).at(0);
    const std::uint32_t count = chunk_count(*at(from).held_size(id));
    for (std::uint32_t i = 0; i < count && copied < limit; ++i) {
      if (const auto held = at(to).held(id); held && held->has(i)) continue;
      const auto chunk = at(from).read_chunk(id, i);
      EXPECT_TRUE(chunk && verify_chunk(offices_.deployment.root(), id, chunk->size, i,
                                        chunk->bytes, chunk->proof));
      EXPECT_TRUE(at(to).put_chunk(id, i, *chunk, to.now, under).ok());
      ++copied;
    }
    return copied;
  }
  Bytes read(Office& office, const BlobId& id) {
    Bytes out;
    const auto size = at(office).held_size(id);
    for (std::uint32_t i = 0; size && i < chunk_count(*size); ++i) {
      const auto chunk = at(office).read_chunk(id, i);
      if (!chunk) return {};
      out.insert(out.end(), chunk->bytes.begin(), chunk->bytes.end());
    }
    return out;
  }
  // The row of that kind for the `nth` chunk of all is not what was written.
  static void spoil(Office& office, char kind, std::size_t nth) {
    store::Database& database = store::RawReplica(office.replica()).database();
    const std::unique_ptr<rocksdb::Iterator> row(
        database.db().NewIterator(rocksdb::ReadOptions(), database.scans()));
    row->Seek(std::string(1, kind));
    for (std::size_t i = 0; i < nth; ++i) row->Next();
    ASSERT_TRUE(row->Valid() && row->key()[0] == kind);
    std::string value = row->value().ToString();
    value.at(value.size() / 2) ^= 1;
    ASSERT_TRUE(
        database.db().Put(rocksdb::WriteOptions(), database.scans(), row->key(), value).ok());
  }
  // A dossier received at the commune, with a file, now with the district.
  RecordId handed_over(const BlobInfo& blob) {
    const RecordId record = commune_.create("H47.518.20374-230401-0001");
    attach(commune_, record, blob);
    EXPECT_TRUE(commune_.write(record, UpdateKind::kOffer, district_.agency()).ok());
    settle();
    EXPECT_TRUE(district_.write(record, UpdateKind::kAccept).ok());
    settle();
    return record;
  }

  Offices offices_;
  Office& commune_ = *offices_.commune;
  Office& district_ = *offices_.district;
  Office& other_ = *offices_.other;
  std::map<Office*, std::unique_ptr<Blobs>> blobs_;
};

TEST_F(Scans, KeepsAnUploadAcrossARestart) {
  const Bytes bytes = content(5 * kChunkBytes + 77);
  const BlobInfo blob = upload(commune_, bytes);
  EXPECT_EQ(blob.size, bytes.size());
  EXPECT_TRUE(blob.complete());
  blobs_.clear();
  commune_.restart();
  open();
  EXPECT_EQ(read(commune_, blob.id), bytes);
  const auto counts = at(commune_).counts();
  EXPECT_EQ(counts.files, 1U);
  EXPECT_EQ(counts.bytes, bytes.size());
  EXPECT_EQ(counts.only_here, 1U);
}

TEST_F(Scans, KeepsTheSameFileOnce) {
  const Bytes bytes = content(3 * kChunkBytes);
  const BlobInfo first = upload(commune_, bytes), second = upload(commune_, bytes, 777);
  EXPECT_EQ(first.id, second.id);
  EXPECT_EQ(at(commune_).counts().files, 1U);
  EXPECT_EQ(read(commune_, first.id), bytes);
}

TEST_F(Scans, ForgetsAnUploadThatWasNotFinished) {
  {
    auto upload = *at(commune_).begin_upload();
    ASSERT_TRUE(upload.add(content(3 * kChunkBytes)).ok());
  }
  blobs_.clear();
  commune_.restart();
  open();
  EXPECT_EQ(at(commune_).counts().files, 0U);
  EXPECT_EQ(at(commune_).counts().bytes, 0U);
  EXPECT_EQ(read(commune_, upload(commune_, content(100'000)).id), content(100'000));
}

TEST_F(Scans, RefusesEmptyFiles) {
  auto upload = *at(commune_).begin_upload();
  EXPECT_EQ(upload.finish(0).error().code(), Errc::kInvalidArgument);
}

TEST_F(Scans, MayBeReadByTheAudienceOfARecordThatNamesThem) {
  const RecordId record = commune_.create("H47.518.20374-230401-0001");
  const BlobInfo blob = upload(commune_, content(1000));
  const auto may = [&](const AgencyId& reader) {
    return at(commune_).may_read(reader, blob.id, record);
  };
  EXPECT_EQ(may(district_.agency()), BlobEnd::kNoRight);  // no record names it yet
  attach(commune_, record, blob);
  EXPECT_EQ(may(district_.agency()), BlobEnd::kSent);
  EXPECT_EQ(may(other_.agency()), BlobEnd::kNoRight);
  EXPECT_EQ(at(commune_).named_by(record), std::vector{blob.id});
  EXPECT_EQ(at(commune_).records(blob.id), std::vector{record});
}

TEST_F(Scans, AreNotGivenToWhoKnowsTheirDigestAlone) {
  const BlobInfo blob = upload(commune_, content(3 * kChunkBytes));
  const RecordId record = handed_over(blob);
  copy(commune_, district_, blob.id);
  EXPECT_EQ(at(district_).may_read(commune_.agency(), blob.id, record), BlobEnd::kSent);
  // Another commune names the digest in a dossier of its own and hands that over.
  const RecordId trick = other_.create("H47.518.20395-230401-0001");
  attach(other_, trick, blob);
  ASSERT_TRUE(other_.write(trick, UpdateKind::kOffer, district_.agency()).ok());
  test::settle({&other_, &district_});
  ASSERT_TRUE(district_.write(trick, UpdateKind::kAccept).ok());
  catch_up(district_);
  const auto may = [&](const RecordId& under) {
    return at(district_).may_read(other_.agency(), blob.id, under);
  };
  EXPECT_EQ(may(record), BlobEnd::kNoRight);
  EXPECT_EQ(may(trick), BlobEnd::kNotHere);
  // That the district writes the list anew does not show that the commune had the file.
  attach(district_, trick, blob);
  EXPECT_EQ(may(trick), BlobEnd::kNotHere);
  EXPECT_EQ(at(district_).asked_under(commune_.agency(), blob.id, {}), record);
  EXPECT_EQ(at(district_).asked_under(other_.agency(), blob.id, {}), trick);
  EXPECT_FALSE(at(district_).asked_under(other_.agency(), blob.id, {trick}).has_value());
  // Once it has shown that it holds it, it is a file of that dossier too.
  ASSERT_TRUE(at(district_).note_shown(blob.id, trick).ok());
  EXPECT_EQ(may(trick), BlobEnd::kSent);
}

TEST_F(Scans, WhatCameWithTwoRecordsCameWithNeither) {
  const BlobInfo blob = upload(commune_, content(4 * kChunkBytes));
  const RecordId record = handed_over(blob);
  copy(commune_, district_, blob.id, 3);
  const auto chunk = at(commune_).read_chunk(blob.id, 3);
  ASSERT_TRUE(chunk && at(district_).put_chunk(blob.id, 3, *chunk, 0, RecordId{}).ok());
  EXPECT_TRUE(at(district_).find(blob.id)->complete());
  EXPECT_EQ(at(district_).may_read(commune_.agency(), blob.id, record), BlobEnd::kNotHere);
}

TEST_F(Scans, AreWantedByTheCustodianAndNobodyElse) {
  const BlobInfo blob = upload(commune_, content(3 * kChunkBytes));
  const RecordId record = commune_.create("H47.518.20374-230401-0001");
  attach(commune_, record, blob);
  settle();
  EXPECT_TRUE(at(district_).wants(10).empty());
  ASSERT_TRUE(commune_.write(record, UpdateKind::kOffer, district_.agency()).ok());
  settle();
  EXPECT_TRUE(at(district_).wants(10).empty());
  ASSERT_TRUE(district_.write(record, UpdateKind::kAccept).ok());
  settle();
  const auto wants = at(district_).wants(10);
  ASSERT_EQ(wants.size(), 1U);
  EXPECT_EQ(wants[0].id, blob.id);
  EXPECT_TRUE(wants[0].has(BlobReason::kCustody));
  EXPECT_EQ(wants[0].size, blob.size);
  EXPECT_TRUE(at(commune_).wants(10).empty());
  EXPECT_EQ(copy(commune_, district_, blob.id), 3U);
  EXPECT_TRUE(at(district_).wants(10).empty());
  EXPECT_EQ(at(district_).counts().wanted, 0U);
}

TEST_F(Scans, AWishOfTheCustodianEndsWithItsCustody) {
  const BlobInfo blob = upload(commune_, content(1000));
  const RecordId record = handed_over(blob);
  ASSERT_EQ(at(district_).wants(10).size(), 1U);
  ASSERT_TRUE(at(district_).want(blob.id, BlobReason::kDemand, 0).ok());
  ASSERT_TRUE(district_.write(record, UpdateKind::kOffer, commune_.agency()).ok());
  settle();
  ASSERT_TRUE(commune_.write(record, UpdateKind::kAccept).ok());
  settle();
  const auto wants = at(district_).wants(10);
  ASSERT_EQ(wants.size(), 1U);
  EXPECT_FALSE(wants[0].has(BlobReason::kCustody));
  EXPECT_TRUE(wants[0].has(BlobReason::kDemand));
}

TEST_F(Scans, ATransferGoesOnAfterARestart) {
  const Bytes bytes = content(7 * kChunkBytes + 9);
  const BlobInfo blob = upload(commune_, bytes);
  handed_over(blob);
  EXPECT_EQ(copy(commune_, district_, blob.id, 3), 3U);
  EXPECT_EQ(at(district_).counts().partial, 1U);
  blobs_.clear();
  district_.restart();
  open();
  EXPECT_EQ(at(district_).held(blob.id)->held(), 3U);
  EXPECT_EQ(at(district_).wants(10).size(), 1U);
  EXPECT_EQ(copy(commune_, district_, blob.id), 5U);
  EXPECT_EQ(read(district_, blob.id), bytes);
  EXPECT_EQ(at(district_).counts().partial, 0U);
  EXPECT_EQ(at(district_).counts().bytes, bytes.size());
}

TEST_F(Scans, AnUploadCompletesWhatWasHalfFetched) {
  const Bytes bytes = content(4 * kChunkBytes);
  const BlobInfo blob = upload(commune_, bytes);
  handed_over(blob);
  copy(commune_, district_, blob.id, 2);
  upload(district_, bytes);
  EXPECT_EQ(read(district_, blob.id), bytes);
  EXPECT_TRUE(at(district_).wants(10).empty());
  const auto counts = at(district_).counts();
  EXPECT_EQ(counts.files, 1U);
  EXPECT_EQ(counts.partial, 0U);
  EXPECT_EQ(counts.bytes, bytes.size());
}

TEST_F(Scans, CountWhatNoOtherMachineHolds) {
  const BlobInfo blob = upload(commune_, content(1000));
  EXPECT_EQ(at(commune_).counts().only_here, 1U);
  const store::BlobHolder holder{district_.node().key.public_key(), district_.agency()};
  ASSERT_TRUE(at(commune_).note_holder(blob.id, holder).ok());
  ASSERT_TRUE(at(commune_).note_holder(blob.id, holder).ok());
  EXPECT_EQ(at(commune_).counts().only_here, 0U);
  EXPECT_EQ(at(commune_).find(blob.id)->holders, std::vector{holder});
}

TEST_F(Scans, MayBeDroppedOnlyBySomebodyElseLongAfterTheEnd) {
  const BlobInfo blob = upload(commune_, content(1000));
  const RecordId record = handed_over(blob);
  copy(commune_, district_, blob.id);
  const auto later = [&] { return district_.now + 91LL * 24 * 3600 * 1000; };
  EXPECT_FALSE(at(district_).may_drop(blob.id, later(), kRetention));  // holds the dossier
  ASSERT_TRUE(district_.write(record, UpdateKind::kOffer, commune_.agency()).ok());
  settle();
  ASSERT_TRUE(commune_.write(record, UpdateKind::kAccept).ok());
  settle();
  EXPECT_FALSE(at(district_).may_drop(blob.id, later(), kRetention));  // not finished
  set_status(commune_, record, Status::kDone);
  settle();
  EXPECT_FALSE(at(district_).may_drop(blob.id, district_.now, kRetention));  // too soon
  EXPECT_TRUE(at(district_).may_drop(blob.id, later(), kRetention));
  EXPECT_FALSE(at(commune_).may_drop(blob.id, later(), kRetention));  // the origin keeps it
  EXPECT_EQ(at(district_).droppable(later(), kRetention, 9), std::vector{blob.id});
  EXPECT_EQ(at(district_).origins(blob.id), std::vector{commune_.agency()});
  EXPECT_TRUE(*at(district_).drop(blob.id, later(), kRetention));
  EXPECT_FALSE(at(district_).find(blob.id));
  EXPECT_FALSE(at(district_).read_chunk(blob.id, 0));
  EXPECT_FALSE(*at(commune_).drop(blob.id, later(), kRetention));
  EXPECT_TRUE(at(commune_).find(blob.id));
}

TEST_F(Scans, SweepsWhatNoRecordEverNamed) {
  const BlobInfo lost = upload(commune_, content(1000)), kept = upload(commune_, content(2000));
  attach(commune_, commune_.create("H47.518.20374-230401-0001"), kept);
  const auto week = std::chrono::hours(24 * 7);
  EXPECT_EQ(*at(commune_).sweep(commune_.now, week), 0U);
  EXPECT_EQ(*at(commune_).sweep(commune_.now + 8LL * 24 * 3600 * 1000, week), 1U);
  EXPECT_FALSE(at(commune_).find(lost.id));
  EXPECT_TRUE(at(commune_).find(kept.id));
}

TEST_F(Scans, OfAnErasedRecordAreGoneAndNotGiven) {
  const RecordId record = commune_.create("H47.518.20374-230401-0001");
  const BlobInfo blob = upload(commune_, content(1000));
  attach(commune_, record, blob);
  store::Draft draft;
  draft.record = record;
  draft.open.kind = UpdateKind::kErase;
  draft.open.decision = "12/QĐ-UBND";
  commune_.commit([&](store::Transaction& transaction) {
    const auto done = transaction.write(draft);
    ASSERT_TRUE(done.ok()) << done.error().message();
  });
  catch_up(commune_);
  EXPECT_FALSE(at(commune_).find(blob.id));
  EXPECT_EQ(at(commune_).may_read(district_.agency(), blob.id, record), BlobEnd::kErased);
}

TEST_F(Scans, AnOldDatabaseIsIndexedFromItsBeginning) {
  const BlobInfo blob = upload(commune_, content(1000));
  for (int i = 0; i < 5; ++i)
    attach(commune_, commune_.create("H47.518.20374-230401-000" + std::to_string(i)), blob);
  EXPECT_EQ(at(commune_).records(blob.id).size(), 5U);
  EXPECT_EQ(at(commune_).caught_up(), commune_.replica().last_change());
}

// What does not read back is here no longer: it is wanted, fetched again, and listed until then.
TEST_F(Scans, WhatDoesNotReadBackIsGivenUpAndFetchedAgain) {
  const Bytes bytes = content(3 * kChunkBytes + 9);
  const BlobInfo blob = upload(commune_, bytes);
  const RecordId record = handed_over(blob);
  copy(commune_, district_, blob.id);
  ASSERT_TRUE(at(district_).find(blob.id)->complete());
  spoil(district_, 'c', 1);
  EXPECT_FALSE(at(district_).has_damage());
  EXPECT_TRUE(at(district_).read_chunk(blob.id, 0));
  EXPECT_FALSE(at(district_).read_chunk(blob.id, 1));
  EXPECT_TRUE(at(district_).has_damage());
  const auto given_up = at(district_).give_up_damaged(district_.now);
  ASSERT_TRUE(given_up.ok());
  EXPECT_EQ(*given_up, std::vector{blob.id});
  EXPECT_FALSE(at(district_).has_damage());
  EXPECT_EQ(at(district_).find(blob.id)->held, 3U);
  EXPECT_EQ(at(district_).counts().files, 0U);
  EXPECT_TRUE(at(district_).find_want(blob.id)->has(BlobReason::kDemand));
  ASSERT_EQ(at(district_).damaged(9).size(), 1U);
  blobs_.clear();
  district_.restart();
  open();
  EXPECT_EQ(at(district_).damaged(9).size(), 1U) << "a restart forgets it";
  EXPECT_EQ(copy(commune_, district_, blob.id), 1U);
  EXPECT_EQ(read(district_, blob.id), bytes);
  EXPECT_TRUE(at(district_).damaged(9).empty());
  EXPECT_FALSE(at(district_).find_want(blob.id));
  EXPECT_EQ(at(district_).may_read(commune_.agency(), blob.id, record), BlobEnd::kSent);
}

TEST_F(Scans, ALookThroughAllFindsWhatRotsWhereNobodyReads) {
  std::vector<BlobInfo> all;
  for (std::uint8_t i = 1; i <= 3; ++i) all.push_back(upload(commune_, content(150'000, i)));
  spoil(commune_, 'p', 2);  // the proof of one chunk of one of them
  store::BlobPlace place;
  int rounds = 0;
  do {
    at(commune_).look_through(place, 2);
    ASSERT_LT(++rounds, 20);
  } while (!place.id.is_zero());
  EXPECT_GE(rounds, 5);
  ASSERT_TRUE(at(commune_).has_damage());
  EXPECT_EQ(at(commune_).give_up_damaged(commune_.now)->size(), 1U);
  EXPECT_EQ(at(commune_).damaged(9).size(), 1U);
  // Given to this machine once more, it is whole.
  for (std::uint8_t i = 1; i <= 3; ++i) upload(commune_, content(150'000, i));
  EXPECT_TRUE(at(commune_).damaged(9).empty());
  for (const BlobInfo& blob : all) EXPECT_TRUE(at(commune_).find(blob.id)->complete());
}

}  // namespace
}  // namespace lienthong::test
