// Backups of a running replica: what is new alone, read by the right key alone, and the drill: the
// disk is gone, yesterday's copy comes back, neighbours give the rest. docs/operations.md,
// "Backup".
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "store/backup/backup.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

namespace fs = std::filesystem;

class Backups : public ::testing::Test {
 protected:
  Backups() : offices(1), entropy(9), key(entropy.array<32>()) {
    std::string pattern = (fs::temp_directory_path() / "lt_backup_XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    fs::create_directories(folder / "disk");
    commune = std::make_unique<Office>(offices.deployment, offices.commune->node(),
                                       rocksdb::Env::Default(), (folder / "disk/store").string());
  }
  ~Backups() override {
    commune.reset();
    fs::remove_all(folder);
  }

  store::BackupOutcome back_up(UnixMillis now) {
    store::BackupRequest request;
    request.folder = folder / "backups";
    request.key = key.public_key();
    request.now = now;
    request.machine = "H47.12.05";
    request.beside = {{"node.cert", "lienthong node-cert 1\n"}};
    request.keep = keep;
    auto made = store::make_backup(commune->replica(), entropy, request);
    EXPECT_TRUE(made.ok()) << made.error().message();
    return made.ok() ? *std::move(made) : store::BackupOutcome{};
  }
  Result<store::BackupInside> extract(const DhKey& with, const std::string& name = "") {
    fs::remove_all(folder / "restored");
    return store::extract_backup(folder / "backups", name, with, folder / "restored");
  }
  void spread() { settle({commune.get(), offices.district.get(), offices.province.get()}); }

  Offices offices;
  SeededEntropy entropy;
  DhKey key;
  fs::path folder;
  std::unique_ptr<Office> commune;
  std::size_t keep = 14;
};

bool any_file_holds(const fs::path& folder, std::string_view text) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    if (bytes.find(text) != std::string::npos) return true;
  }
  return false;
}

TEST_F(Backups, AreReadByTheirKeyAloneAndHoldWhatWasThere) {
  commune->create("MA-HO-SO-0001");
  const auto made = back_up(1000);
  EXPECT_EQ(made.counts.records, 1U);
  EXPECT_EQ(made.counts.only_here, 1U) << "no other machine has it";
  EXPECT_FALSE(any_file_holds(folder / "backups", "MA-HO-SO-0001"));
  const DhKey other(entropy.array<32>());
  EXPECT_EQ(extract(other).error().code(), Errc::kBadSignature);
  EXPECT_FALSE(fs::exists(folder / "restored"));
  const auto inside = extract(key);
  ASSERT_TRUE(inside.ok()) << inside.error().message();
  EXPECT_EQ(inside->counts.updates, 1U);
  EXPECT_EQ(inside->machine, "H47.12.05");
  EXPECT_TRUE(fs::exists(folder / "restored/node.cert"));
  EXPECT_EQ(extract(key, "no.backup").error().code(), Errc::kNotFound);
}

TEST_F(Backups, AddWhatIsNewAloneAndForgetWhatNoneNeeds) {
  for (int i = 0; i < 50; ++i) commune->create("A-" + std::to_string(i));
  const auto first = back_up(1000);
  EXPECT_EQ(first.new_files, first.files);
  commune->create("A-50");
  const auto second = back_up(2000);
  EXPECT_LT(second.new_files, second.files) << "what did not change is there already";
  EXPECT_TRUE(extract(key, first.name).ok());
  EXPECT_EQ(extract(key, second.name).value().counts.updates, 51U);
  keep = 1;
  commune->create("A-51");
  const auto third = back_up(3000);
  EXPECT_EQ(store::list_backups(folder / "backups").value(), std::vector{third.name});
  EXPECT_EQ(extract(key).value().counts.updates, 52U);
}

TEST_F(Backups, TellWhatWasChangedInThem) {
  commune->create("A-1");
  const auto made = back_up(1000);
  std::size_t tried = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder / "backups")) {
    if (!entry.is_regular_file()) continue;
    std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
    const auto size = static_cast<std::streamoff>(entry.file_size());
    file.seekg(size - 1);
    const int last = file.get();
    file.seekp(size - 1);
    file.put(static_cast<char>(last ^ 1));
    file.flush();
    EXPECT_FALSE(extract(key).ok()) << entry.path();
    EXPECT_FALSE(fs::exists(folder / "restored")) << "nothing is left of one that fails";
    file.seekp(size - 1);
    file.put(static_cast<char>(last));
    file.flush();
    ++tried;
  }
  EXPECT_EQ(tried, made.files + 1);
  EXPECT_TRUE(extract(key).ok());
}

// The disk is gone and the copy of yesterday comes back. That neighbours give the rest is shown on
// real agents, tests/integration/proof_test.py.
TEST_F(Backups, BringAMachineBackThatKnowsItsAge) {
  const RecordId before = commune->create("TRUOC-1");
  ASSERT_TRUE(commune->set_unit(before, "Phòng Tư pháp").ok());
  spread();
  const auto made = back_up(1000);
  const RecordId after = commune->create("SAU-1");
  const TestNode node = commune->node();
  commune.reset();
  fs::remove_all(folder / "disk");
  const auto inside = extract(key);
  ASSERT_TRUE(inside.ok()) << inside.error().message();
  EXPECT_EQ(inside->counts.last_change, made.counts.last_change);
  commune = std::make_unique<Office>(offices.deployment, node, rocksdb::Env::Default(),
                                     (folder / "restored/store").string());
  commune->commit(
      [](store::Transaction& transaction) { transaction.end_taking_back(store::Lost::kYes); });
  EXPECT_TRUE(commune->replica().restored());
  EXPECT_FALSE(commune->write(before, UpdateKind::kOffer, offices.district_id).ok())
      << "no custody before somebody has given everything back";
  EXPECT_TRUE(commune->replica().find_record(before).has_value());
  EXPECT_FALSE(commune->replica().find_record(after).has_value());
  EXPECT_TRUE(commune->replica().verify_states().empty());
}

}  // namespace
}  // namespace lienthong::test
