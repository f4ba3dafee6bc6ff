// The golden files of format 1: what was written once is read as the same for ever.
//
// tests/data/format1 holds items as text (golden_items.h), one file for each theme, and databases.
// Each item is read, written again and compared with what stands in the file. Nothing there is ever
// changed, only added to, by
//
//   LT_RECORD_GOLDEN=1 LT_RECORD_GOLDEN_DATABASE=1 build/release/tests/unit/agent_bundles_test
//
// which appends the items of golden_world.h and of the themes that are missing, and writes a
// further database where a kind of rows stands in none. docs/protocol/versions.md, "Format 1 is
// final".
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "protocol/bundle/bundle.h"
#include "protocol/sync/healing_wire.h"
#include "protocol/wire/message.h"
#include "store/replica/rows.h"
#include "tests/unit/golden_database.h"
#include "tests/unit/golden_themes.h"

namespace lienthong::golden {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(LT_SOURCE_DIR) / "tests" / "data" / "format1";
constexpr const char* kEnumerations = "enumerations";
constexpr const char* kDatabases = "databases";  // items; each has a folder of that name

bool recording() { return std::getenv("LT_RECORD_GOLDEN") != nullptr; }

std::filesystem::path file_of(std::string_view theme) {
  return kFolder / (std::string(theme) + ".txt");
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void append_items(std::string_view theme, std::span<const Item> items) {
  std::filesystem::create_directories(kFolder);
  const bool fresh = !std::filesystem::exists(file_of(theme));
  std::ofstream out(file_of(theme), std::ios::binary | std::ios::app);
  if (fresh)
    out << "# Golden file of format 1, theme \"" << theme
        << "\": never changed, only added to at its end.\n"
           "# tests/unit/golden_format1_test.cc reads it and says how.\n";
  for (const Item& item : items) out << '\n' << render(item);
}

Files load() {
  Files out;
  for (const Theme& theme : themes())
    if (std::filesystem::exists(file_of(theme.name)))
      out[theme.name] = parse(read_text(file_of(theme.name)));
  return out;
}

// Items of the world that no file has; those that one has must still be made as they stand there,
// or what is added would not fit to them.
std::vector<Item> missing_items(const Theme& theme, const World& world,
                                const std::vector<Item>& there) {
  std::vector<Item> made, out;
  theme.make(world, made);
  const std::string name = theme.name;
  const bool spelled_anew = name == "parts" || name == "compressed";
  for (const Item& item : made) {
    const auto found = std::ranges::find(there, item.name, &Item::name);
    if (found == there.end()) {
      out.push_back(item);
      continue;
    }
    for (const auto& [part, bytes] : item.given)
      EXPECT_TRUE(spelled_anew || (found->has(part) && (*found)[part] == bytes))
          << theme.name << ' ' << item.name << " is made otherwise now: " << part;
  }
  return out;
}

void record(Files& files) {
  const World world;
  for (const Theme& theme : themes()) {
    auto& items = files[theme.name];
    const std::size_t before = items.size();
    for (Item& item : missing_items(theme, world, items)) items.push_back(std::move(item));
    if (testing::Test::HasFailure()) return;
    const Context context(files);
    for (std::size_t i = before; i < items.size(); ++i) items[i] = theme.read(items[i], context);
    if (before < items.size()) append_items(theme.name, std::span(items).subspan(before));
  }
}

void record_enumerations() {
  std::vector<Item> items;
  const auto there = parse(read_text(file_of(kEnumerations)));
  for (const auto& [name, numbers] : promised_enumerations(LT_SOURCE_DIR)) {
    Item item;
    item.name = name;
    for (const auto& [enumerator, number] : numbers) {
      const bool known = std::ranges::any_of(there, [&](const Item& one) {
        return one.name == name && !one.said(enumerator).empty();
      });
      if (!known) item.say(enumerator, number);
    }
    if (!item.read.empty()) items.push_back(std::move(item));
  }
  if (!items.empty()) append_items(kEnumerations, items);
}

// A copy of what was recorded, which is never opened itself: opening writes. What lies beside the
// database goes with it.
class Copy {
 public:
  explicit Copy(const std::string& name)
      : folder_(std::filesystem::temp_directory_path() /
                ("lienthong-golden-" + std::to_string(getpid()) + '-' + name)),
        path(folder_ / "store") {
    std::filesystem::remove_all(folder_);
    std::filesystem::copy(kFolder / name, folder_, std::filesystem::copy_options::recursive);
  }
  ~Copy() { std::filesystem::remove_all(folder_); }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

 private:
  const std::filesystem::path folder_;

 public:
  const std::filesystem::path path;
};

std::vector<Item> databases() {
  return std::filesystem::exists(file_of(kDatabases)) ? parse(read_text(file_of(kDatabases)))
                                                      : std::vector<Item>();
}

// Letters of rows that lie in some database of the layout that this program writes.
std::set<std::string> letters_recorded(const std::vector<Item>& databases) {
  std::set<std::string> out;
  for (const Item& item : databases)
    if (item.number("layout") == store::kLayoutVersion)
      for (const std::string& row : item.said("rows")) out.insert(row.substr(0, row.find(' ')));
  return out;
}

// Writes a further one where a kind of rows is in none; never into a folder that is there.
void record_database() {
  const std::vector<Item> there = databases();
  const std::set<std::string> recorded = letters_recorded(there);
  if (std::ranges::includes(recorded, letters_kept())) return;
  const std::string name = "database-" + std::to_string(there.size() + 1);
  ASSERT_FALSE(std::filesystem::exists(kFolder / name));
  const auto made = std::filesystem::temp_directory_path() / "lienthong-golden-district";
  std::filesystem::remove_all(made);
  std::filesystem::create_directories(made);
  Item item = make_database(made / "store");
  item.name = name;
  // What RocksDB writes of its own doing is nothing that is to be read again.
  std::filesystem::create_directories(kFolder / name / "store");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(made)) {
    const std::string file = entry.path().filename().string();
    const bool noise = file == "LOCK" || file.starts_with("LOG") || file.starts_with("OPTIONS-");
    if (noise || entry.is_directory()) continue;
    std::filesystem::copy(entry.path(),
                          kFolder / name / std::filesystem::relative(entry.path(), made));
  }
  std::filesystem::remove_all(made);
  const Copy copy(name);
  OpenDatabase open(copy.path, item);
  item = read_database(open, item);
  append_items(kDatabases, std::span(&item, 1));
}

// Finishes what waits to be done, begins one more record and sends everything on to those above.
UpdateId write_on(store::Replica& replica) {
  UnixMillis now = replica.newest_time();
  for (bool more = true; more;) {
    store::Transaction transaction(replica, ++now);
    more = transaction.go_on();
    more = transaction.fill_feeds() || more;
    EXPECT_TRUE(transaction.commit().ok());
  }
  EXPECT_TRUE(replica.verify_states().empty());
  const auto parent = replica.registry()->parent(replica.identity().agency, 0).value();
  store::Transaction transaction(replica, ++now);
  store::Draft draft;
  draft.open.kind = UpdateKind::kCreated;
  draft.open.writes = {
      {static_cast<std::uint16_t>(Field::kCode), std::string("H47.518-990101-0001")}};
  const UpdateId id = transaction.write(draft).value();
  EXPECT_TRUE(transaction.seal_pending(parent).ok());
  EXPECT_TRUE(transaction.commit().ok());
  const FeedMark end = replica.feed_end(FeedKind::kUpdates, parent);
  std::uint64_t next = 1;
  while (next <= end.number) {
    const auto part = replica.read_feed(
        {FeedKind::kUpdates, parent, NodeId{}, Echo::kCarry, next, kFeedNumberMax, 16 * 1024});
    EXPECT_TRUE(part.ok() && part->has_value()) << "place " << next << " of " << end.number;
    if (!part.ok() || !*part || (*part)->covered.empty()) break;
    next = (*part)->covered.back().last + 1;
  }
  EXPECT_EQ(next, end.number + 1);
  return id;
}

class GoldenFormat1 : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    init_crypto();
    Files files = load();
    if (recording()) {
      record(files);
      record_enumerations();
    }
    if (std::getenv("LT_RECORD_GOLDEN_DATABASE") != nullptr) record_database();
  }
  GoldenFormat1() : files_(load()), context_(files_) {}
  const std::vector<Item>& items(const char* theme) const { return files_.at(theme); }
  // All that items of a theme say under that name.
  std::set<std::string> said(const char* theme, std::string_view name) const {
    std::set<std::string> out;
    for (const Item& item : items(theme))
      for (const std::string& value : item.said(name)) out.insert(value);
    return out;
  }

  Files files_;
  Context context_;
};

TEST_F(GoldenFormat1, EveryItemIsReadAsItWasAndWrittenAsItWas) {
  std::size_t count = 0;
  for (const Theme& theme : themes()) {
    std::set<std::string> names;
    EXPECT_GE(items(theme.name).size(), 1U) << theme.name;
    for (const Item& item : items(theme.name)) {
      SCOPED_TRACE(std::string(theme.name) + ' ' + item.name);
      EXPECT_TRUE(names.insert(item.name).second) << "two items of one name";
      ++count;
      try {
        EXPECT_EQ(render(theme.read(item, context_)), render(item));
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
    }
  }
  EXPECT_GE(count, 200U);
}

// Nothing lies in the folder that no test opens.
TEST_F(GoldenFormat1, HasNoFileThatNoTestReads) {
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename().string();
    const bool known = std::ranges::any_of(
        themes(), [&](const Theme& theme) { return name == std::string(theme.name) + ".txt"; });
    const auto opened = databases();
    const bool database = std::ranges::find(opened, name, &Item::name) != opened.end();
    EXPECT_TRUE(known || database || name == std::string(kEnumerations) + ".txt" ||
                name == std::string(kDatabases) + ".txt")
        << name;
  }
}

// ---- what format 1 has, each with an item ----

const Enumerators& enumeration(const char* name) {
  static const auto all = promised_enumerations(LT_SOURCE_DIR);
  return all.at(name);
}

// A golden item of it is to be ADDED, see the head of this file.
void expect_all(const std::set<std::string>& there, const std::set<std::string>& needed,
                const char* what) {
  for (const std::string& one : needed)
    EXPECT_TRUE(there.contains(one)) << "no golden item of " << what << ' ' << one;
}

std::set<std::string> numbers_of(const char* name, std::initializer_list<const char*> but = {}) {
  std::set<std::string> out;
  for (const auto& [enumerator, number] : enumeration(name))
    if (std::ranges::find(but, std::string_view(enumerator)) == but.end())
      out.insert(std::to_string(number));
  return out;
}

// The word with which each value ends, or begins.
std::set<std::string> words(const std::set<std::string>& values, bool last) {
  std::set<std::string> out;
  for (const std::string& value : values)
    out.insert(last ? value.substr(value.rfind(' ') + 1) : value.substr(0, value.find(' ')));
  return out;
}

std::set<std::string> up_to(std::size_t count) {
  std::set<std::string> out;
  for (std::size_t i = 0; i < count; ++i) out.insert(std::to_string(i));
  return out;
}

TEST_F(GoldenFormat1, HasEveryKindOfUpdateAndRecordAndEveryField) {
  expect_all(words(said("updates", "kind"), true), numbers_of("update.UpdateKind"), "update kind");
  expect_all(words(said("updates", "record-kind"), true), numbers_of("update.RecordKind"),
             "record kind");
  std::set<std::string> fields;
  for (const FieldInfo& info : all_fields())
    fields.insert(std::to_string(static_cast<unsigned>(info.field)));
  expect_all(words(said("updates", "write"), false), fields, "field");
  std::set<std::size_t> values;
  for (const Item& item : items("updates")) {
    const OpenBody open = wire::decode_open(item["open"]).value();
    for (const FieldWrite& write : open.writes) values.insert(write.value.index());
  }
  EXPECT_EQ(values.size(), std::variant_size_v<FieldValue>);
}

TEST_F(GoldenFormat1, HasEveryKindOfStatementChangeAndAuthority) {
  std::set<std::string> bodies, changes, authorities;
  for (const Statement& statement : context_.statements()) {
    const StatementBody body = wire::decode_statement(statement.body).value();
    bodies.insert(std::to_string(body.index()));
    authorities.insert(std::to_string(statement.authority.index()));
    if (const auto* tree = std::get_if<TreeChange>(&body))
      for (const AgencyChange& change : tree->changes)
        changes.insert(std::to_string(change.change.index()));
  }
  expect_all(bodies, up_to(std::variant_size_v<StatementBody>), "statement kind");
  expect_all(changes, up_to(std::variant_size_v<decltype(AgencyChange::change)>), "tree change");
  expect_all(authorities, up_to(std::variant_size_v<Authority>), "authority");
}

TEST_F(GoldenFormat1, HasEveryKindOfMessage) {
  const auto types = said("messages", "type");
  expect_all(types, numbers_of("message.MessageType"), "message type");
  EXPECT_TRUE(types.contains(std::to_string(wire::kOptionalTypeMin)));
  expect_all(said("messages", "lane"), numbers_of("fragment.Lane"), "lane");
  expect_all(said("messages", "packing"), numbers_of("fragment.Packing"), "packing");
  expect_all(said("healing", "index"), up_to(std::variant_size_v<heal::Content>), "heal message");
  expect_all(words(said("scans", "message"), true), numbers_of("blob_lane.Kind"),
             "message of lane 4");
  expect_all(said("bundles", "record"), up_to(std::variant_size_v<BundleRecord>), "bundle record");
}

// Depth alone has no item: it would be thousands of updates long.
TEST_F(GoldenFormat1, HasEveryReasonOfInertUpdatesAndEveryLineOfForks) {
  std::set<std::string> reasons, lines;
  for (const Item& item : items("states")) {
    const RecordState state = decode_state(item["state"]).value();
    for (const InertEntry& entry : state.inert)
      reasons.insert(std::to_string(static_cast<unsigned>(entry.reason)));
    for (const ForkEntry& fork : state.forks)
      lines.insert(std::to_string(static_cast<unsigned>(fork.line)));
  }
  expect_all(reasons, numbers_of("fold.InertReason", {"kNone", "kTooDeep"}), "inert reason");
  expect_all(lines, numbers_of("fold.ForkLine"), "line of a fork");
}

TEST_F(GoldenFormat1, NumbersThatStandInTheFormatAreNeverGivenAnotherMeaning) {
  const auto now = promised_enumerations(LT_SOURCE_DIR);
  const auto recorded = parse(read_text(file_of(kEnumerations)));
  std::set<std::string> known;
  for (const Item& item : recorded) {
    // Its file may have another name since.
    const std::string called = item.name.substr(item.name.find('.'));
    const auto found = std::ranges::find_if(now, [&](const auto& one) {
      return one.first == item.name || (!now.contains(item.name) && one.first.ends_with(called));
    });
    ASSERT_NE(found, now.end()) << item.name << " is gone";
    for (const auto& [enumerator, number] : item.read) {
      known.insert(found->first + ' ' + enumerator);
      const auto at = found->second.find(enumerator);
      ASSERT_NE(at, found->second.end()) << item.name << ' ' << enumerator << " is gone";
      EXPECT_EQ(std::to_string(at->second), number) << item.name << ' ' << enumerator;
    }
  }
  for (const auto& [name, numbers] : now)
    for (const auto& [enumerator, number] : numbers)
      EXPECT_TRUE(known.contains(name + ' ' + enumerator))
          << name << ' ' << enumerator << " is new: record it";
  EXPECT_GE(recorded.size(), 15U);
}

// ---- databases ----

TEST_F(GoldenFormat1, HasADatabaseWithEveryKindOfRows) {
  expect_all(letters_recorded(databases()), letters_kept(), "rows in a database: rows");
}

TEST_F(GoldenFormat1, EveryDatabaseIsOpenedAndReadAsItWas) {
  ASSERT_FALSE(databases().empty());
  for (const Item& item : databases()) {
    SCOPED_TRACE(item.name);
    const Copy copy(item.name);
    OpenDatabase open(copy.path, item);
    EXPECT_EQ(render(read_database(open, item)), render(item));
  }
}

// What was left over is finished, states and rows of the office are those that follow from the
// updates, everything in feeds leaves, and what is written then is there after a further start.
TEST_F(GoldenFormat1, EveryDatabaseIsWrittenOn) {
  for (const Item& item : databases()) {
    SCOPED_TRACE(item.name);
    const Copy copy(item.name);
    UpdateId written;
    std::vector<UpdateId> before;
    std::size_t records = 0;
    {
      OpenDatabase open(copy.path, item);
      for (const store::StoredUpdate& one : open.replica().changes(0, SIZE_MAX))
        before.push_back(one.id);
      records = open.replica().counts().records;
      written = write_on(open.replica());
    }
    OpenDatabase open(copy.path, item);
    EXPECT_TRUE(open.replica().verify_states().empty());
    EXPECT_FALSE(open.replica().unfinished());
    EXPECT_EQ(open.replica().counts().records, records + 1);
    EXPECT_EQ(open.replica().counts().updates, before.size() + 1);
    for (const UpdateId& id : before) EXPECT_TRUE(open.replica().find_update(id)) << id.hex();
    const auto stored = open.replica().find_update(written);
    ASSERT_TRUE(stored && stored->seal);
    EXPECT_TRUE(check_form(stored->update).ok());
  }
}

}  // namespace
}  // namespace lienthong::golden
