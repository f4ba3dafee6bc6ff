// A database on a real disk whose files rot: what kind of file, how, and what must be left.
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "protocol/record/fields.h"
#include "store/office/projections.h"
#include "store/replica/raw.h"
#include "store/replica/registry_copy.h"
#include "store/salvage/salvage.h"
#include "store/scans/blobs.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

namespace fs = std::filesystem;

using store::Damage;
using store::Sync;

constexpr std::size_t kScanBytes = 200'000;

class Salvage : public ::testing::Test {
 protected:
  Salvage() : folder(fs::temp_directory_path() / ("lt-salvage-" + std::to_string(::getpid()))) {
    fs::remove_all(folder);
    fs::remove_all(golden());
    fs::create_directories(folder);
  }
  ~Salvage() override {
    replica.reset();
    fs::remove_all(folder);
    fs::remove_all(golden());
  }

  std::string path() const { return (folder / "store").string(); }

  store::Identity identity() {
    const TestNode& node = offices.commune->node();
    store::Identity out(node.key);
    out.agency = node.agency;
    out.certificate = node.certificate;
    return out;
  }
  store::Options options(bool create) {
    store::Options out = store::office_options();
    out.path = path();
    out.entropy = &entropy;
    out.create = create;
    return out;
  }
  Result<void> open(bool create = false) {
    replica.reset();
    store::finish_salvage(path());
    LT_TRY(replica, store::Replica::open(options(create), identity(), offices.deployment.root()));
    return {};
  }
  store::SalvageRequest request() {
    return {options(false), identity(), offices.deployment.root(), now};
  }

  // An acknowledged change.
  void write(const RecordId& record, std::string_view unit) {
    store::Transaction transaction(*replica, now += 1000);
    store::Draft draft;
    draft.record = record;
    if (record.is_zero()) {
      draft.open.kind = UpdateKind::kCreated;
      draft.open.writes = {{static_cast<std::uint16_t>(Field::kCode), std::string(unit)}};
    } else {
      draft.open.kind = UpdateKind::kSet;
      draft.open.writes = {{static_cast<std::uint16_t>(Field::kUnit), std::string(unit)}};
    }
    const auto id = transaction.write(draft);
    ASSERT_TRUE(id.ok()) << id.error().message();
    ASSERT_TRUE(transaction.commit().ok());
    acknowledged.push_back(*id);
  }
  void write_some(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      write(RecordId{}, "H47-" + std::to_string(acknowledged.size()) + std::string(200, 'x'));
  }
  BlobId upload() {
    auto scans = *store::Blobs::open(*replica);
    auto upload = *scans->begin_upload();
    Bytes bytes(kScanBytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 / 3);
    EXPECT_TRUE(upload.add(bytes).ok());
    return upload.finish(now)->id;
  }
  void flush() {
    auto& database = store::RawReplica(*replica).database();
    for (const char* key : {"M", "U"})
      ASSERT_TRUE(database.db().Flush({}, database.family_of(key)).ok());
    ASSERT_TRUE(database.db().Flush({}, database.scans()).ok());
  }

  // 120 changes in files, 100 in the log.
  void make() {
    ASSERT_TRUE(open(true).ok());
    ASSERT_TRUE(replica->bootstrap(offices.deployment.statements()).ok());
    write_some(60);
    scan = upload();
    flush();
    write_some(60);
    flush();
    in_files = acknowledged.size();
    write_some(100);
    ASSERT_TRUE(store::write_registry_copy(*replica, path()).ok());
    replica.reset();
    fs::copy(folder, golden(), fs::copy_options::recursive);
  }
  fs::path golden() const { return folder.string() + ".golden"; }
  void restore() {
    replica.reset();
    fs::remove_all(folder);
    fs::copy(golden(), folder, fs::copy_options::recursive);
  }

  std::vector<fs::path> files(std::string_view kind) {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(path())) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with(kind) || name.starts_with(kind)) out.push_back(entry.path());
    }
    std::ranges::sort(out);
    return out;
  }
  fs::path largest(std::string_view kind) {
    const auto all = files(kind);
    return *std::ranges::max_element(all, {}, [](const fs::path& p) { return fs::file_size(p); });
  }
  static void flip(const fs::path& file, double part) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(static_cast<double>(fs::file_size(file)) * part);
    stream.seekg(at);
    const char byte = static_cast<char>(stream.get() ^ 1);
    stream.seekp(at);
    stream.put(byte);
  }
  static void cut(const fs::path& file, double part) {
    fs::resize_file(file,
                    static_cast<std::uintmax_t>(static_cast<double>(fs::file_size(file)) * part));
  }
  static void zero(const fs::path& file, double part) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(static_cast<double>(fs::file_size(file)) * part);
    stream.seekp(at / 4096 * 4096);
    stream << std::string(4096, '\0');
  }

  std::size_t kept() const {
    std::size_t count = 0;
    for (const UpdateId& id : acknowledged) count += replica->find_update(id) ? 1 : 0;
    return count;
  }

  struct Outcome {
    bool refused = false;  // it was not opened as it lay there
    bool met = false;      // a bad block was read
    std::string why;
    std::optional<Damage> damage;
    std::size_t kept = 0;
  };
  // Opens what lies there and reads it; salvages it where either is refused.
  Outcome recover() {
    Outcome out;
    Result<void> opened = open();
    if (!opened.ok()) {
      out.refused = true;
      out.why = opened.error().message();
      EXPECT_EQ(opened.error().code(), Errc::kCorrupt) << out.why;
    } else if (!read_all()) {
      out.met = true;
      EXPECT_EQ(replica->failure().value().code(), Errc::kCorrupt);
      opened = open();  // as the agent does
      EXPECT_FALSE(opened.ok()) << "it would be met again and again";
    }
    if (!opened.ok()) salvage(out);
    out.kept = kept();
    EXPECT_TRUE(replica->verify_states().empty());
    if (work_goes_on()) return out;
    EXPECT_FALSE(out.refused || out.met) << "after salvage, work goes on";
    // Whoever tidies up in the background has met it.
    out.met = true;
    EXPECT_EQ(replica->failure().value().code(), Errc::kCorrupt);
    EXPECT_FALSE(open().ok()) << "it would be met again and again";
    salvage(out);
    out.kept = kept();
    EXPECT_TRUE(work_goes_on());
    return out;
  }
  bool work_goes_on() {
    store::Transaction transaction(*replica, now += 1000);
    store::Draft draft;
    draft.open.kind = UpdateKind::kCreated;
    return transaction.write(std::move(draft)).ok() && transaction.commit().ok();
  }
  void salvage(Outcome& out) {
    auto done = store::salvage(request());
    ASSERT_TRUE(done.ok()) << done.error().message();
    out.damage = *done;
    const auto opened = open();
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    const auto noted = store::find_damage(*replica);
    EXPECT_TRUE(noted && noted->kept_as == done->kept_as);
    EXPECT_FALSE(done->findings.empty());
    EXPECT_TRUE(fs::is_directory(folder / done->kept_as)) << done->kept_as;
  }
  bool read_all() {
    try {
      (void)replica->verify_states();
      for (std::uint64_t n = 1; n <= replica->last_change(); ++n) (void)replica->find_update(n);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  // How it is found: at opening, when it is read, or not at all since nothing is lost with it.
  enum class Found { kOpening, kReading, kHarmless };
  // Of 220 acknowledged changes, 120 of which lie in files, at least so many must be kept; where
  // some are not, the damage says so.
  void expect(std::string_view name, const std::function<void()>& damage, Found found,
              std::size_t kept_min) {
    SCOPED_TRACE(name);
    restore();
    damage();
    const Outcome out = recover();
    if (found == Found::kReading)  // opening reads some of it
      EXPECT_TRUE(out.met || out.refused || out.kept == acknowledged.size());
    else
      EXPECT_EQ(out.refused, found == Found::kOpening) << out.why;
    EXPECT_GE(out.kept, kept_min) << out.why;
    if (out.kept < acknowledged.size()) {
      ASSERT_TRUE(out.damage) << "lost in silence";
      EXPECT_TRUE(out.damage->lost_something() || out.damage->unsure) << "lost, and nobody is told";
    }
    if (out.damage && out.damage->writes_missing.value_or(0) > 0) {
      EXPECT_EQ(out.damage->last_write - out.damage->first_write + 1, *out.damage->writes_missing);
      EXPECT_GE(*out.damage->writes_missing + out.damage->updates_missing,
                acknowledged.size() - out.kept);
    }
    std::string missing = "-";
    if (out.damage)
      missing = (out.damage->writes_missing ? std::to_string(*out.damage->writes_missing) : "?") +
                " writes, " + std::to_string(out.damage->updates_missing) + " changes, " +
                std::to_string(out.damage->scans_missing) + " scans";
    std::cout << name << ": kept " << out.kept << ", missing " << missing << "; "
              << (out.damage ? out.damage->findings.front() : "") << "\n";
  }

  Offices offices{5};
  SeededEntropy entropy{9};
  UnixMillis now = 1'680'307'200'000;
  fs::path folder;
  std::unique_ptr<store::Replica> replica;
  std::vector<UpdateId> acknowledged;
  std::size_t in_files = 0;
  BlobId scan;
};

TEST_F(Salvage, OfALogLosesTheRecordsThatAreDamagedAndNoOther) {
  make();
  expect(
      "nothing", [] {}, Found::kHarmless, 220);
  for (const double part : {0.0, 0.01, 0.3, 0.5, 0.95, 0.999})
    expect(
        "log flipped", [&] { flip(largest(".log"), part); }, Found::kOpening, 219);
  expect(
      "log zeroed", [&] { zero(largest(".log"), 0.5); }, Found::kOpening, 205);
  expect(
      "log cut", [&] { cut(largest(".log"), 0.5); }, Found::kOpening, 165);
  expect(
      "log empty", [&] { cut(largest(".log"), 0); }, Found::kOpening, 120);
  expect(
      "log missing", [&] { fs::remove(largest(".log")); }, Found::kOpening, 120);
}

TEST_F(Salvage, OfTheListOfFilesLosesNothing) {
  make();
  for (const double part : {0.02, 0.3, 0.9})
    expect(
        "MANIFEST flipped", [&] { flip(files("MANIFEST").back(), part); }, Found::kOpening, 220);
  for (const double part : {0.0, 0.5})
    expect(
        "MANIFEST cut", [&] { cut(files("MANIFEST").back(), part); }, Found::kOpening, 220);
  expect(
      "MANIFEST missing", [&] { fs::remove(files("MANIFEST").back()); }, Found::kOpening, 220);
  expect(
      "CURRENT missing", [&] { fs::remove(path() + "/CURRENT"); }, Found::kOpening, 220);
  expect(
      "CURRENT cut", [&] { cut(path() + "/CURRENT", 0.5); }, Found::kOpening, 220);
  expect(
      "CURRENT flipped", [&] { flip(path() + "/CURRENT", 0.5); }, Found::kOpening, 220);
}

TEST_F(Salvage, IsNotNeededForSmallFilesThatOpeningMakesAnew) {
  make();
  const auto each = [&](const char* kind, const std::function<void(const fs::path&)>& damage) {
    return [this, kind, damage] {
      for (const fs::path& file : files(kind)) damage(file);
    };
  };
  for (const char* kind : {"OPTIONS", "IDENTITY"}) {
    for (const auto& damage :
         {std::function<void(const fs::path&)>([](const fs::path& file) { fs::remove(file); }),
          std::function<void(const fs::path&)>([](const fs::path& file) { cut(file, 0.5); })}) {
      expect(kind, each(kind, damage), Found::kHarmless, 220);
      restore();
      each(kind, damage)();
      ASSERT_TRUE(open().ok());
      EXPECT_EQ(store::RawReplica(*replica).database().made_anew(), std::vector<std::string>{kind});
    }
  }
}

TEST_F(Salvage, OfATableLosesTheBlocksThatAreDamagedAndNoOther) {
  make();
  const std::size_t tables = files(".sst").size();
  for (std::size_t i = 0; i < tables; ++i) {
    const auto table = [this, i] { return files(".sst")[i]; };
    for (const double part : {0.05, 0.5})
      expect(
          "table flipped", [&] { flip(table(), part); }, Found::kReading, 200);
    expect(
        "table cut", [&] { cut(table(), 0.5); }, Found::kOpening, 100);
    expect(
        "table missing", [&] { fs::remove(table()); }, Found::kOpening, 100);
  }
  expect(
      "blob file missing", [&] { fs::remove(files(".blob").front()); }, Found::kHarmless, 220);
  expect(
      "blob file cut", [&] { cut(files(".blob").front(), 0.5); }, Found::kHarmless, 220);
}

// Records of kinds that lie in a file of their own already are flushed apart: two logs are left.
TEST_F(Salvage, MissesALogThatIsNotTheLast) {
  make();
  restore();
  ASSERT_TRUE(open().ok());
  write_some(40);
  auto& database = store::RawReplica(*replica).database();
  ASSERT_TRUE(database.db().Flush({}, database.family_of("U")).ok());
  write_some(40);
  replica.reset();
  ASSERT_EQ(files(".log").size(), 2U);
  fs::remove_all(golden());
  fs::copy(folder, golden(), fs::copy_options::recursive);
  expect(
      "first log missing", [&] { fs::remove(files(".log")[0]); }, Found::kOpening, 220);
  expect(
      "first log cut", [&] { cut(files(".log")[0], 0.5); }, Found::kOpening, 220);
  expect(
      "first log empty", [&] { cut(files(".log")[0], 0); }, Found::kOpening, 220);
  expect(
      "first log flipped", [&] { flip(files(".log")[0], 0.5); }, Found::kOpening, 298);
  expect(
      "last log missing", [&] { fs::remove(files(".log")[1]); }, Found::kOpening, 260);
  expect(
      "last log flipped", [&] { flip(files(".log")[1], 0.5); }, Found::kOpening, 298);
}

TEST_F(Salvage, IsNotNeededForATornEndThatNobodyWasTold) {
  make();
  for (const double part : {0.1, 0.5, 0.9}) {
    SCOPED_TRACE(part);
    restore();
    ASSERT_TRUE(open().ok());
    const auto fresh = files(".log").back();
    const auto before = fs::file_size(fresh);
    {
      store::Transaction transaction(*replica, now += 1000);
      transaction.set_local_value("hint", Bytes(3000, 7));
      ASSERT_TRUE(transaction.commit(Sync::kNo).ok());
    }
    replica.reset();
    const auto written = fs::file_size(fresh) - before;
    fs::resize_file(fresh,
                    before + static_cast<std::uintmax_t>(static_cast<double>(written) * part));
    const auto opened = open();
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    EXPECT_EQ(kept(), acknowledged.size());
    EXPECT_FALSE(replica->local_value("hint"));
    EXPECT_FALSE(store::find_damage(*replica));
  }
}

TEST_F(Salvage, GoesOnWithAnOlderCopyAndSaysWhatItLacks) {
  make();
  restore();
  ASSERT_TRUE(open().ok());
  write_some(30);
  replica.reset();
  fs::remove_all(path());
  fs::copy(golden() / "store", path(), fs::copy_options::recursive);
  const Outcome out = recover();
  ASSERT_TRUE(out.damage);
  EXPECT_EQ(out.kept, 220U);
  EXPECT_EQ(out.damage->writes_missing, 30U);
  EXPECT_TRUE(replica->restored());
  ASSERT_TRUE(open().ok());
  EXPECT_TRUE(store::find_damage(*replica));
  {
    store::Transaction transaction(*replica, now);
    EXPECT_TRUE(store::note_damage_seen(transaction, now));
    ASSERT_TRUE(transaction.commit().ok());
  }
  EXPECT_EQ(store::find_damage(*replica)->seen_at, now);
}

TEST_F(Salvage, KeepsScansWhereTheListOfFilesIsGone) {
  make();
  restore();
  fs::remove(path() + "/CURRENT");
  Outcome out = recover();
  ASSERT_TRUE(out.damage);
  EXPECT_EQ(out.damage->scans_missing, 0U);
  auto scans = *store::Blobs::open(*replica);
  for (std::uint32_t i = 0; i < chunk_count(kScanBytes); ++i)
    EXPECT_TRUE(scans->read_chunk(scan, i)) << i;
}

TEST_F(Salvage, IsFinishedWhereItWasCutBetweenTwoRenames) {
  make();
  restore();
  flip(largest(".log"), 0.5);
  ASSERT_EQ(open().error().code(), Errc::kCorrupt);
  ASSERT_TRUE(store::salvage(request()).ok());
  // As it lies there after the first of them.
  fs::rename(path(), path() + ".salvaged");
  fs::rename(path() + ".mark", path() + ".salvaged.mark");
  std::ofstream(path() + ".salvaged/SALVAGED");
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(kept(), acknowledged.size() - 1);
}

TEST_F(Salvage, BeginsAnewUnderTheSameKeyWhereTheDatabaseIsGone) {
  make();
  restore();
  fs::remove_all(path());
  EXPECT_EQ(open().error().code(), Errc::kNotFound);
  const auto damage = store::begin_anew(request());
  ASSERT_TRUE(damage.ok()) << damage.error().message();
  EXPECT_GE(damage->last_write, acknowledged.size());
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(replica->registry()->size(), offices.deployment.statements().size());
  EXPECT_TRUE(store::find_damage(*replica)->store_was_gone);
  EXPECT_TRUE(replica->restored());
  replica.reset();
  EXPECT_EQ(store::begin_anew(request()).error().code(), Errc::kConflict);
}

TEST_F(Salvage, LeavesEverythingAsItWasWhereTheRegistryCannotBeRead) {
  make();
  restore();
  fs::remove(path() + ".registry");
  for (const fs::path& table : files(".sst")) cut(table, 0.5);
  ASSERT_EQ(open().error().code(), Errc::kCorrupt);
  const auto damage = store::salvage(request());
  ASSERT_FALSE(damage.ok());
  EXPECT_EQ(damage.error().code(), Errc::kCorrupt);
  EXPECT_TRUE(fs::exists(path()));
  EXPECT_FALSE(fs::exists(path() + ".salvaged"));
  EXPECT_FALSE(fs::exists(path() + ".scratch"));
}

}  // namespace
}  // namespace lienthong::test
