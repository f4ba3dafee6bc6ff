// Office rows are a pure function of a record's updates in force: written step by step or all at
// once, in whatever order the updates came, and every replica computes the same reports.
// More runs: RC_PARAMS="max_success=500" in the environment.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <iterator>

#include "protocol/record/codec.h"
#include "store/desk/operations.h"
#include "store/office/find.h"
#include "store/office/lateness.h"
#include "store/office/report.h"
#include "tests/support/field_writes.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

constexpr UnixMillis kDay = 86'400'000;
constexpr UnixMillis kStart = 1'680'307'200'000;  // 2023-04-01T00:00:00Z

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : entropy_(seed) {}
  std::size_t below(std::size_t end) {
    const auto bytes = entropy_.array<8>();
    ByteReader in(bytes);
    return static_cast<std::size_t>(*in.u64() % end);
  }
  bool once_in(std::size_t n) { return below(n) == 0; }
  UnixMillis moment() { return kStart + static_cast<UnixMillis>(below(120 * 24)) * 3'600'000; }

 private:
  SeededEntropy entropy_;
};

// A province, a district with two machines, two communes; they write, hand over, send to each other
// in any order, and sometimes a superior erases or reclaims.
class Life {
 public:
  explicit Life(std::uint64_t seed) : dice_(seed), offices_(seed | 1) {
    second_ = &offices_.add(offices_.district_id, "/district-2");
    all_ = {offices_.province.get(), offices_.district.get(), offices_.commune.get(),
            offices_.other.get(), second_};
  }

  void step() {
    Office& office = *all_[dice_.below(all_.size())];
    switch (dice_.below(10)) {
      case 0:
        if (dossiers_.size() < 6) return create(office);
        [[fallthrough]];
      case 1:
      case 2: change(office); break;
      case 3:
      case 4:
      case 5:
        if (!dossiers_.empty()) hand(office);
        break;
      default: exchange();
    }
  }
  void meet() {
    for (int round = 0; round < 3; ++round) {
      settle({offices_.commune.get(), offices_.district.get(), offices_.province.get()});
      if (second_ != nullptr)
        settle({offices_.other.get(), offices_.district.get(), second_});
      else
        settle({offices_.other.get(), offices_.district.get()});
    }
  }
  // What the second machine of the district wrote counts no more, anywhere.
  void cut_off_a_machine() {
    meet();
    Revocation revocation;
    revocation.node = second_->node().id();
    revocation.reason = "máy mất";
    offices_.province->commit([&](store::Transaction& transaction) {
      const auto stated = transaction.state(revocation);
      ASSERT_TRUE(stated.ok()) << stated.error().message();
    });
    all_.pop_back();
    second_ = nullptr;
  }
  const std::vector<Office*>& all() const { return all_; }
  Office& province() { return *offices_.province; }
  Office& district() { return *offices_.district; }
  const Offices& offices() const { return offices_; }
  Dice& dice() { return dice_; }

 private:
  // Done by that office, or by the first of the others that may.
  void try_to(Office& office, const store::Operation& operation) {
    if (does(office, operation)) return;
    for (Office* other : all_)
      if (does(*other, operation)) return;
  }
  bool does(Office& office, const store::Operation& operation) {
    store::Transaction transaction(office.replica(), office.now += 60'000);
    if (!store::apply_operation(transaction, operation).ok()) return false;
    EXPECT_TRUE(transaction.commit().ok());
    return true;
  }
  void create(Office& office) {
    char number[8];
    std::snprintf(number, sizeof number, "%04zu", ++codes_);
    const std::string code =
        office.replica().registry()->find_agency(office.agency())->code + "-230401-" + number;
    const UnixMillis received = dice_.moment();
    store::CreateDossier operation;
    operation.open = {
        write_of(Field::kCode, code),
        write_of(Field::kFieldOfWork, std::string(dice_.once_in(2) ? "Hộ tịch" : "Đất đai"))};
    if (!dice_.once_in(4)) operation.open.push_back(write_of(Field::kReceivedAt, received));
    if (!dice_.once_in(4))
      operation.open.push_back(
          write_of(Field::kDueAt, received + static_cast<UnixMillis>(dice_.below(40)) * kDay));
    if (!dice_.once_in(4))
      operation.open.push_back(
          write_of(Field::kChannel, static_cast<std::int64_t>(1 + dice_.below(3))));
    if (dice_.once_in(3)) {
      operation.open.push_back(
          write_of(Field::kStatus, static_cast<std::int64_t>(2 + dice_.below(9))));
      operation.open.push_back(write_of(Field::kFinishedAt, received + 3 * kDay));
    }
    operation.closed = {write_of(Field::kApplicantName, std::string("Trần Thị ") + number)};
    try_to(office, operation);
    dossiers_.push_back(code);
  }
  void change(Office& office) {
    if (dossiers_.empty()) return;
    store::SetFields operation{.record = any()};
    if (!dice_.once_in(3))
      operation.open.push_back(
          write_of(Field::kStatus, static_cast<std::int64_t>(2 + dice_.below(9))));
    if (dice_.once_in(4)) operation.open.push_back(write_of(Field::kDueAt, dice_.moment()));
    if (dice_.once_in(8)) {
      store::Apologise apology{.record = operation.record, .due_at = dice_.moment()};
      apology.remark = {.at = dice_.moment(), .note = "chờ xác minh"};
      return try_to(office, apology);
    }
    if (dice_.once_in(6)) operation.open.push_back(write_of(Field::kFinishedAt, FieldValue()));
    if (dice_.once_in(6))
      operation.open.push_back(write_of(Field::kProcedureName, std::string("Khai sinh")));
    if (dice_.once_in(5))
      operation.open.push_back(write_of(
          Field::kFees, wire::encode(std::vector<wire::Fee>{{"Lệ phí", 8000, "online", 0, ""}})));
    if (dice_.once_in(5))
      operation.closed = {write_of(Field::kSummary, std::string("Nội dung ") + any())};
    if (!dice_.once_in(3)) operation.event = store::Event{dice_.moment(), "", "", "work", "lý do"};
    if (operation.open.empty() && operation.closed.empty() && !operation.event) return;
    try_to(office, operation);
  }
  void hand(Office& office) {
    const std::size_t way = dice_.below(10);
    const std::string& record = any();
    const AgencyId to = all_[dice_.below(all_.size())]->agency();
    const store::Remark remark{.at = dice_.moment(), .note = "ghi chú"};
    try_to(office, handing(way, record, to, remark));
  }
  static store::Operation handing(std::size_t way, const std::string& record, const AgencyId& to,
                                  const store::Remark& remark) {
    switch (way) {
      case 0:
      case 1: return store::Offer{.record = record, .to = to, .remark = remark};
      case 2:
      case 3: return store::Accept{.record = record, .remark = remark};
      case 4: return store::Decline{.record = record, .remark = remark};
      case 5: return store::Recall{.record = record, .remark = remark};
      case 6: return store::Reclaim{.record = record, .remark = remark};
      case 7: return store::AddNote{.record = record, .remark = remark};
      case 8: return store::Share{.record = record, .to = to, .remark = remark};
      default: return store::Adopt{.record = record};
    }
  }
  void exchange() {
    Office& hub = dice_.once_in(4) ? *second_ : *offices_.district;
    Office& other = *all_[dice_.below(all_.size())];
    if (&hub == &other) return;
    if (dice_.once_in(2))
      send(hub, other, 400 + dice_.below(4000));
    else
      send(other, hub, 400 + dice_.below(4000));
  }
  const std::string& any() { return dossiers_[dice_.below(dossiers_.size())]; }

  Dice dice_;
  Offices offices_;
  Office* second_ = nullptr;
  std::vector<Office*> all_;
  std::vector<std::string> dossiers_;
  std::size_t codes_ = 0;
};

void expect_same_report(const store::Report& a, const store::Report& b) {
  RC_ASSERT(a.total == b.total);
  RC_ASSERT(a.rows.size() == b.rows.size());
  for (std::size_t i = 0; i < a.rows.size(); ++i) {
    RC_ASSERT(a.rows[i].key == b.rows[i].key);
    RC_ASSERT(a.rows[i].figures == b.rows[i].figures);
  }
}

store::ReportWanted any_report(Dice& dice, const AgencyId& agency) {
  store::ReportWanted wanted;
  wanted.period.from = store::day_at(kStart) + static_cast<std::int64_t>(dice.below(90));
  wanted.period.to = wanted.period.from + static_cast<std::int64_t>(dice.below(60));
  wanted.agency = agency;
  wanted.by = dice.once_in(2) ? store::By::kField : store::By::kAgency;
  wanted.depth = 1 + static_cast<unsigned>(dice.below(2));
  wanted.now = kStart + 400 * kDay;
  wanted.threads = 1 + static_cast<unsigned>(dice.below(2));
  return wanted;
}

RC_GTEST_PROP(OfficeRows, StepwiseAndFromScratchGiveTheSameBytesAndTheSameReports, ()) {
  Life life(*rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>()));
  const std::size_t steps = 40 + life.dice().below(120);
  for (std::size_t i = 0; i < steps; ++i) life.step();
  for (Office* office : life.all()) RC_ASSERT(office->replica().verify_states().empty());
  life.meet();
  for (Office* office : life.all()) RC_ASSERT(office->replica().verify_states().empty());
  const store::OfficeReader reader(life.province().replica());
  RC_CLASSIFY(reader.snapshot().last_record > 3, "more than three dossiers at the province");
  for (int i = 0; i < 4; ++i) {
    const auto wanted = any_report(life.dice(), life.offices().district_id);
    const store::Report one = store::Reporter(life.province().replica(), wanted).run();
    RC_ASSERT(one.mistakes.empty());
    for (Office* office : {&life.district(), life.all().back()})
      expect_same_report(one, store::Reporter(office->replica(), wanted).run());
  }
}

// ---- lists ----

// What a filter means, looked up row by row.
std::vector<store::Match> meant_by_rows(const store::Replica& replica, const store::Filter& filter,
                                        UnixMillis now) {
  const store::OfficeReader reader(replica);
  const auto snapshot = reader.snapshot();
  const auto named = [&](const AgencyId& agency) {
    return reader.names().find(store::NameKind::kAgency, as_text(agency.view()));
  };
  std::vector<store::Match> out;
  reader.scan(snapshot, 1, snapshot.last_record, [&](std::uint32_t record, std::string_view bytes) {
    const auto row = store::view_office_row(bytes);
    const auto facts = store::facts_at(row, store::kEver);
    const auto text = reader.search_row(record, snapshot);
    const bool meant =
        (!filter.holder || row.holder == named(*filter.holder)) &&
        (!filter.agency || store::has_participant(row, named(*filter.agency))) &&
        (!filter.status || facts.status == filter.status) &&
        (!filter.late || store::is_late(facts, now)) &&
        (!filter.since || row.updated >= *filter.since) &&
        (!filter.due_before ||
         (facts.last_due && *facts.last_due <= *filter.due_before && store::is_running(facts))) &&
        (filter.text.empty() || (text && text->find(filter.text) != std::string::npos)) &&
        (filter.after.empty() || row.code > filter.after);
    if (meant) out.push_back({std::string(row.code), record});
    return true;
  });
  std::ranges::sort(out);
  if (filter.limit != 0 && out.size() > filter.limit) out.resize(filter.limit);
  return out;
}

store::Filter any_filter(Dice& dice, Life& life) {
  store::Filter filter;
  const auto agency = [&] { return life.all()[dice.below(life.all().size())]->agency(); };
  if (dice.once_in(3)) filter.status = static_cast<Status>(1 + dice.below(10));
  if (dice.once_in(4)) filter.holder = agency();
  if (dice.once_in(4)) filter.agency = agency();
  if (dice.once_in(4)) filter.due_before = dice.moment();
  if (dice.once_in(5)) filter.since = kStart + static_cast<UnixMillis>(dice.below(90)) * 60'000;
  filter.late = dice.once_in(4);
  if (dice.once_in(4)) filter.text = dice.once_in(2) ? "000" : "thi 0003";
  if (dice.once_in(4)) filter.after = "H47.12-230401-0002";
  if (dice.once_in(3)) filter.limit = 1 + dice.below(3);
  return filter;
}

void expect_lists_to_agree(Life& life) {
  for (Office* office : life.all())
    for (int i = 0; i < 12; ++i) {
      const store::Filter filter = any_filter(life.dice(), life);
      const UnixMillis now = life.dice().moment();
      const auto meant = meant_by_rows(office->replica(), filter, now);
      store::Selection selection(office->replica(), filter, now, [] { return false; });
      std::vector<store::Match> found;
      for (auto page = selection.next(2); !page.empty(); page = selection.next(2))
        std::ranges::copy(page, std::back_inserter(found));
      RC_ASSERT(found == meant);
    }
}

RC_GTEST_PROP(Lists, ShowWhatTheRowsSayAfterAnyHistory, ()) {
  Life life(*rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>()));
  const std::size_t steps = 40 + life.dice().below(80);
  for (std::size_t i = 0; i < steps; ++i) life.step();
  expect_lists_to_agree(life);
  for (Office* office : life.all()) office->restart();
  life.cut_off_a_machine();
  life.meet();
  for (Office* office : life.all()) RC_ASSERT(office->replica().verify_states().empty());
  expect_lists_to_agree(life);
}

}  // namespace
}  // namespace lienthong::test
