// Office rows are a pure function of a record's updates in force: written step by step or all at
// once, in whatever order the updates came, and every replica computes the same reports.
// More runs: RC_PARAMS="max_success=500" in the environment.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "protocol/record/codec.h"
#include "store/desk/operations.h"
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
      settle({offices_.other.get(), offices_.district.get(), second_});
    }
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

}  // namespace
}  // namespace lienthong::test
