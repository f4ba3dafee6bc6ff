// Lists of dossiers: made in steps for a database that has none while it is in use, in pages that
// neither skip nor repeat, found by words.
#include <gtest/gtest.h>

#include "store/office/find.h"
#include "store/office/projections.h"
#include "store/replica/raw.h"
#include "tests/support/field_writes.h"
#include "tests/support/offices.h"
#include "tests/support/operations.h"

namespace lienthong::test {
namespace {

using store::Filter;
using store::Match;
using store::Selection;
using store::Transaction;

class Lists : public ::testing::Test {
 protected:
  Lists() : offices_(5) { open(true); }

  // A machine of the district; without the lists it is a program from before there were any.
  void open(bool lists, std::uint32_t at_once = 2) {
    replica_.reset();
    store::Options options = store::office_options();
    if (!lists) options.projections = {store::office_projection, store::marks_projection};
    options.path = lists_path_;
    options.env = offices_.env.get();
    options.entropy = &entropy_;
    options.create = true;
    options.fill_records_max = at_once;
    auto opened = store::Replica::open(options, offices_.district->replica().identity(),
                                       offices_.deployment.root());
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    replica_ = *std::move(opened);
    if (!replica_->registry()) {
      ASSERT_TRUE(replica_->bootstrap(offices_.deployment.statements()).ok());
    }
  }
  void commit(const std::function<void(Transaction&)>& work) {
    Transaction transaction(*replica_, now_ += 1000);
    work(transaction);
    ASSERT_TRUE(transaction.commit().ok());
  }
  void apply(const store::Operation& operation) {
    commit([&](Transaction& transaction) {
      const auto done = store::apply_operation(transaction, operation);
      ASSERT_TRUE(done.ok()) << done.error().message();
    });
  }
  void create(const std::string& code, Status status = Status::kAccepted,
              const std::string& name = "Nguyễn Văn An") {
    store::CreateDossier create = new_dossier(
        code, {write_of(Field::kReceivedAt, now_), write_of(Field::kDueAt, now_ + 5 * kDay),
               write_of(Field::kStatus, static_cast<std::int64_t>(status))});
    create.closed = {write_of(Field::kApplicantName, name)};
    apply(create);
  }
  void finish(const std::string& code) {
    apply(store::SetFields{
        .record = code,
        .open = {write_of(Field::kStatus, static_cast<std::int64_t>(Status::kProcessing))}});
  }
  std::vector<std::string> codes(const Filter& filter, std::size_t page = 3) {
    Selection selection(*replica_, filter, now_, [] { return false; });
    std::vector<std::string> out;
    for (auto matches = selection.next(page); !matches.empty(); matches = selection.next(page))
      for (const Match& match : matches) out.push_back(match.code);
    return out;
  }
  static Filter with(Status status) {
    Filter filter;
    filter.status = status;
    return filter;
  }

  static constexpr UnixMillis kDay = 86'400'000;
  Offices offices_;
  SeededEntropy entropy_{9};
  std::string lists_path_ = "/lists";
  UnixMillis now_ = 1'680'307'200'000;
  std::unique_ptr<store::Replica> replica_;
};
using Codes = std::vector<std::string>;

TEST_F(Lists, AreMadeInStepsWhileTheDatabaseIsInUse) {
  lists_path_ = "/before";
  open(false);
  for (const char* code : {"C-3", "A-1", "B-2", "D-4", "E-5"}) create(code);
  open(true);
  auto progress = store::lists_progress(*replica_);
  ASSERT_TRUE(progress.has_value());
  EXPECT_EQ(progress->records, 0u);
  EXPECT_EQ(progress->of, 5u);
  EXPECT_TRUE(replica_->unfinished());
  EXPECT_EQ(codes({}), (Codes{"A-1", "B-2", "C-3", "D-4", "E-5"})) << "from all rows meanwhile";
  commit([](Transaction& transaction) { EXPECT_TRUE(transaction.go_on()); });
  ASSERT_TRUE((progress = store::lists_progress(*replica_)).has_value());
  EXPECT_EQ(progress->records, 2u);
  // One that has had its turn, one that has not, and one that is new; then the program ends.
  finish("C-3");
  finish("D-4");
  create("F-6");
  EXPECT_EQ(codes(with(Status::kProcessing)), (Codes{"C-3", "D-4"}));
  open(true);
  ASSERT_TRUE((progress = store::lists_progress(*replica_)).has_value());
  EXPECT_EQ(progress->records, 2u);
  while (replica_->unfinished())
    commit([](Transaction& transaction) { (void)transaction.go_on(); });
  EXPECT_FALSE(store::lists_progress(*replica_).has_value());
  EXPECT_TRUE(replica_->verify_states().empty());
  EXPECT_EQ(codes(with(Status::kProcessing)), (Codes{"C-3", "D-4"}));
  EXPECT_EQ(codes(with(Status::kAccepted)), (Codes{"A-1", "B-2", "E-5", "F-6"}));
  open(true);
  EXPECT_FALSE(store::lists_progress(*replica_).has_value()) << "once";
}

TEST_F(Lists, AStepThatIsTakenBackIsTakenAgain) {
  lists_path_ = "/back";
  open(false);
  for (const char* code : {"A-1", "B-2", "C-3"}) create(code);
  open(true);
  commit([](Transaction& transaction) {
    transaction.savepoint();
    EXPECT_TRUE(transaction.go_on());
    transaction.rollback();
  });
  EXPECT_EQ(store::lists_progress(*replica_)->records, 0u);
  while (replica_->unfinished())
    commit([](Transaction& transaction) { (void)transaction.go_on(); });
  EXPECT_TRUE(replica_->verify_states().empty());
  EXPECT_EQ(codes({}), (Codes{"A-1", "B-2", "C-3"}));
}

TEST_F(Lists, VerifyFindsARowTooMuchAndOneTooFew) {
  create("A-1");
  create("B-2");
  EXPECT_TRUE(replica_->verify_states().empty());
  store::Database& database = store::RawReplica(*replica_).database();
  std::vector<std::string> keys;
  database.scan("l", "l", [&](std::string_view key, std::string_view) {
    keys.emplace_back(key);
    return true;
  });
  ASSERT_GE(keys.size(), 6u);
  store::Changes changes;
  changes.rows[keys.front()] = std::nullopt;
  ASSERT_TRUE(database.write(changes).ok());
  EXPECT_EQ(replica_->verify_states().size(), 1u) << "its row is gone";
  changes.rows[keys.front()] = "";
  std::string stray = keys.front();
  stray[5] = '\7';  // another number of the same shelf
  changes.rows[stray] = "";
  ASSERT_TRUE(database.write(changes).ok());
  EXPECT_EQ(replica_->verify_states().size(), 1u) << "it lies on two";
}

TEST_F(Lists, PagesGoOnBehindTheLastAlsoAmongEqualCodes) {
  for (int i = 0; i < 7; ++i)
    commit([&](Transaction& transaction) {
      store::Draft draft;
      draft.open.kind = UpdateKind::kCreated;
      draft.open.writes = {write_of(Field::kCode, std::string(i < 5 ? "B-2" : "A-1"))};
      ASSERT_TRUE(transaction.write(std::move(draft)).ok());
    });
  EXPECT_EQ(codes({}, 2), (Codes{"A-1", "A-1", "B-2", "B-2", "B-2", "B-2", "B-2"}));
  Filter behind;
  behind.after = "B-2";
  EXPECT_TRUE(codes(behind).empty()) << "a code alone means all that bear it";
  behind.after_record = 3;
  EXPECT_EQ(codes(behind), (Codes{"B-2", "B-2"}));
  Selection selection(*replica_, {}, now_, [] { return false; });
  EXPECT_EQ(selection.next(2).size(), 2u);
  create("A-0");  // before what was shown: not shown any more
  create("B-1");
  EXPECT_EQ(selection.next(1).front().code, "B-1");
}

TEST_F(Lists, AreReadFromAllRowsWhereWhatIsMeantIsRare) {
  for (int i = 0; i < 2'300; ++i) {
    char code[16];
    std::snprintf(code, sizeof code, "A-%04d", i);
    store::CreateDossier create = new_dossier(code, {});
    create.closed = {
        write_of(Field::kApplicantName,
                 std::string(i % 1'100 == 1'099 ? "Trần Thị Bích Ngọc" : "Lê Văn An"))};
    Transaction transaction(*replica_, now_ += 1000);
    ASSERT_TRUE(store::apply_operation(transaction, create).ok());
    ASSERT_TRUE(transaction.commit(store::Sync::kNo).ok());
  }
  Filter words;
  words.text = "bich ngoc";
  EXPECT_EQ(codes(words), (Codes{"A-1099", "A-2199"}));
  words.text = "ch ngo";
  words.limit = 1;
  EXPECT_EQ(codes(words), Codes{"A-1099"});
  words.text = "le van";  // of most: read from the shelf
  words.after = "A-1098";
  words.limit = 2;
  EXPECT_EQ(codes(words, 1), (Codes{"A-1100", "A-1101"}));
  words.text = "an";  // shorter than what is kept of texts
  words.after = "A-2297";
  words.limit = 0;
  EXPECT_EQ(codes(words), (Codes{"A-2298", "A-2299"}));
  Filter late;
  late.since = now_;
  EXPECT_EQ(codes(late), Codes{"A-2299"});
}

}  // namespace
}  // namespace lienthong::test
