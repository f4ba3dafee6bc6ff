// Erasures: what is gone from the state, from the rows of this machine, and from the bytes of its
// files. docs/protocol/updates.md, "Closed parts"; docs/storage.md, "Erasure".
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "store/desk/operations.h"
#include "store/replica/erasures.h"
#include "store/replica/local_names.h"
#include "store/replica/raw.h"
#include "store/scans/blobs.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

// Nothing in it is there twice, so tables hold it as it is, packed as they are.
constexpr std::string_view kWords = "qZ7vK2xW9pLm4RtYbN8sHdF3gJ6cQ";

class Erasures : public ::testing::Test {
 protected:
  Erasures() : offices(1) {}

  Result<store::OperationResult> apply(Office& office, store::Deed deed,
                                       std::string_view key = "") {
    Result<store::OperationResult> out = Error(Errc::kIo, "not written");
    office.commit([&](store::Transaction& transaction) {
      const store::Operation operation(
          std::move(deed),
          key.empty() ? Bytes() : store::idempotency_hash(office.replica().root(), key));
      out = store::apply_operation(transaction, operation, store::built_in_calendar());
    });
    return out;
  }
  RecordId create(std::string_view key) {
    store::CreateDossier deed;
    deed.open = {{static_cast<std::uint16_t>(Field::kCode), std::string("H47.12-230401-0001")}};
    deed.closed = {{static_cast<std::uint16_t>(Field::kApplicantName), std::string(kWords)}};
    const auto made = apply(commune, deed, key);
    EXPECT_TRUE(made.ok()) << made.error().message();
    return made.ok() ? made->record : RecordId{};
  }
  void erase(Office& office, const std::string& record) {
    const auto erased = apply(office, store::Erase{record, "12/QĐ-UBND"});
    ASSERT_TRUE(erased.ok()) << erased.error().message();
  }
  // Every file of the office's database, as its bytes lie on the disk.
  bool lies_in_files(Office& office, std::string_view bytes) {
    const std::string& folder = store::RawReplica(office.replica()).database().path();
    std::vector<std::string> names;
    EXPECT_TRUE(offices.env->GetChildren(folder, &names).ok());
    for (const std::string& name : names) {
      std::string content;
      if (!rocksdb::ReadFileToString(offices.env.get(), folder + "/" + name, &content).ok())
        continue;
      if (content.find(bytes) != std::string::npos) return true;
    }
    return false;
  }
  void flush(Office& office) {
    const auto& database = store::RawReplica(office.replica()).database();
    ASSERT_TRUE(database.db()
                    .Flush({}, {database.family_of("R"), database.family_of("U"), database.scans()})
                    .ok());
  }
  void clear(Office& office) {
    const auto due = store::erased_to_clear(office.replica(), office.now + 1000);
    ASSERT_EQ(due.size(), 1U);
    const auto cleared = store::clear_erased(office.replica(), due);
    ASSERT_TRUE(cleared.ok()) << cleared.error().message();
    office.commit([&](store::Transaction& transaction) { store::note_cleared(transaction, due); });
    EXPECT_TRUE(store::erased_to_clear(office.replica(), office.now + 1000).empty());
  }

  Offices offices;
  Office& province = *offices.province;
  Office& district = *offices.district;
  Office& commune = *offices.commune;
};

TEST_F(Erasures, AreForWhoBeganItAndThoseAbove) {
  const RecordId record = create("k1");
  ASSERT_TRUE(commune.write(record, UpdateKind::kOffer, offices.other_id).ok());
  settle({&commune, &district, offices.other.get()});
  const auto other = apply(*offices.other, store::Erase{record.hex(), "1"});
  EXPECT_EQ(other.error().code(), Errc::kNotAllowed);
  const auto unnamed = apply(commune, store::Erase{record.hex(), ""});
  EXPECT_EQ(unnamed.error().code(), Errc::kInvalidArgument);
  erase(district, record.hex());
  EXPECT_EQ(apply(district, store::Erase{record.hex(), "13"}).error().code(), Errc::kConflict);
  settle({&district, &commune});
  EXPECT_FALSE(commune.state(record).erased_by.is_zero());
  EXPECT_EQ(commune.state(record).offered, offices.other_id) << "custody stays as it was";
}

TEST_F(Erasures, LeaveNothingInTheFilesOfTheDatabase) {
  const RecordId record = create("k1");
  settle({&commune, &district, &province});
  for (Office* office : {&commune, &district, &province}) {
    flush(*office);
    ASSERT_TRUE(lies_in_files(*office, kWords)) << "else its absence shows nothing";
  }
  erase(commune, record.hex());
  settle({&commune, &district, &province});
  for (Office* office : {&commune, &district, &province}) {
    clear(*office);
    EXPECT_FALSE(lies_in_files(*office, kWords));
    office->restart();
    EXPECT_FALSE(lies_in_files(*office, kWords));
    EXPECT_EQ(office->state(record).holder, offices.commune_id);
    EXPECT_TRUE(office->replica().verify_states().empty());
  }
}

TEST_F(Erasures, ScansLeaveTheFilesToo) {
  const RecordId record = create("k1");
  auto blobs = store::Blobs::open(commune.replica()).value();
  auto upload = blobs->begin_upload().value();
  const std::string scan = std::string(70'000, 'x') + std::string(kWords);
  ASSERT_TRUE(upload.add(as_bytes(scan)).ok());
  const auto stored = upload.finish(commune.now).value();
  store::SetFields set;
  set.record = record.hex();
  wire::Component component;
  component.name = "Tờ khai";
  component.digest = blob_text(stored.id);
  component.size = stored.size;
  set.closed = {{static_cast<std::uint16_t>(Field::kComponents),
                 wire::encode(std::vector<wire::Component>{component})}};
  const auto named = apply(commune, set);
  ASSERT_TRUE(named.ok()) << named.error().message();
  while (blobs->catch_up(100, commune.now).value()) {
  }
  flush(commune);
  ASSERT_TRUE(lies_in_files(commune, std::string(1000, 'x')));
  erase(commune, record.hex());
  while (blobs->catch_up(100, commune.now).value()) {
  }
  EXPECT_FALSE(blobs->find(stored.id).has_value());
  clear(commune);
  EXPECT_FALSE(lies_in_files(commune, std::string(1000, 'x')));
  EXPECT_FALSE(lies_in_files(commune, kWords));
}

TEST_F(Erasures, WhatAnOperationSaidCannotBeGuessedFromWhatIsLeft) {
  const RecordId record = create("k1");
  const auto rows = [&] { return commune.replica().local_values(store::local::kKeyContent); };
  ASSERT_EQ(rows().size(), 1U);
  erase(commune, record.hex());
  EXPECT_TRUE(rows().empty()) << "a hash over a name tells the name to who tries names";
  store::CreateDossier again;
  again.open = {{static_cast<std::uint16_t>(Field::kCode), std::string("H47.12-230401-0001")}};
  again.closed = {{static_cast<std::uint16_t>(Field::kApplicantName), std::string(kWords)}};
  const auto repeated = apply(commune, again, "k1");
  ASSERT_TRUE(repeated.ok()) << repeated.error().message();
  EXPECT_TRUE(repeated->repeated) << "an operation that comes again brings nothing back";
  EXPECT_EQ(repeated->record, record);
  EXPECT_EQ(commune.replica().counts().records, 1U);
}

}  // namespace
}  // namespace lienthong::test
