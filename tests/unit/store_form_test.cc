// Printed forms: the data they are made from, what stands in them, and how they are drawn.
#include <gtest/gtest.h>

#include <set>

#include "protocol/base/csv.h"
#include "protocol/record/codec.h"
#include "store/desk/operations.h"
#include "store/forms/form.h"
#include "store/forms/form_register.h"
#include "store/forms/form_render.h"
#include "store/forms/form_values.h"
#include "store/office/text.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using namespace store;

constexpr UnixMillis kApril = 1'680'307'200'000;  // 2023-04-01T07:00:00+07:00
constexpr UnixMillis kDay = 24LL * 3600 * 1000;
constexpr std::string_view kHead =
    "lienthong forms 1\nset x\nbasis y\nvalid_from 2019-01-06\n"
    "form 01 receipt\ntitle T\npaper A5\nlayout text\nfield code Mã\n";

// ---- definitions ----

TEST(FormSets, HaveTheNumbersOfTheirCirculars) {
  const auto sets = form_sets();
  ASSERT_EQ(sets.size(), 2U);
  const auto kinds = [](const FormSet& set) {
    std::string out;
    for (const FormDefinition& form : set.forms)
      out += form.number + " " + std::string(to_string(form.kind)) + ";";
    return out;
  };
  EXPECT_EQ(kinds(sets[0]),
            "01 receipt;02 supplement;03 refusal;04 apology;05 control;06 register;");
  EXPECT_EQ(kinds(sets[1]),
            "01 receipt;02 supplement;03 refusal;04 apology;05 stop;06 control;07 register;");
  for (const FormDefinition& form : sets[1].forms)
    EXPECT_EQ(form.layout, FormLayout::kSecondary) << form.number;
  EXPECT_EQ(sets[0].find("6")->kind, FormKind::kRegister);
  EXPECT_EQ(sets[0].find("06")->paper, "A4");
  EXPECT_EQ(sets[0].find("control")->number, "05");
  EXPECT_EQ(sets[0].find("stop"), nullptr);
  EXPECT_EQ(sets[0].find(""), nullptr);
}

TEST(FormSets, AreChosenByTheDayOfReceptionAtTheOffice) {
  const UnixMillis first = midnight_of(*parse_date("2025-09-15"));
  EXPECT_EQ(form_set_at(first - 1).name, "2018");
  EXPECT_EQ(form_set_at(first).name, "2025");
  EXPECT_EQ(form_set_at(0).name, "2018");  // before the first circular: the oldest there is
}

TEST(FormSets, RefuseBrokenDataByLine) {
  EXPECT_TRUE(parse_form_set(kHead).ok());
  const auto refused = [](const std::string& text) {
    const auto parsed = parse_form_set(text);
    return parsed.ok() ? std::string("taken") : parsed.error().detail();
  };
  const std::string head(kHead);
  EXPECT_NE(refused("set x\n").find("line 1"), std::string::npos);
  EXPECT_NE(refused("").find("a set has a name"), std::string::npos);
  EXPECT_NE(refused(head + "field code Mã\n").find("line 10: \"code\" stands twice"),
            std::string::npos);
  EXPECT_NE(refused(head + "form 01 refusal\n").find("number of its own"), std::string::npos);
  EXPECT_NE(refused(head + "form 02 receipt\n").find("second form"), std::string::npos);
  EXPECT_NE(refused(head + "form 02 poem\n").find("no kind"), std::string::npos);
  EXPECT_NE(refused(head + "form 02 refusal\n").find("needs a title"), std::string::npos);
  EXPECT_NE(refused(head + "paper A3\n").find("A4 or A5"), std::string::npos);
  EXPECT_NE(refused(head + "layout nice\n").find("a layout is"), std::string::npos);
  EXPECT_NE(refused(head + "field x\n").find("a key and a label"), std::string::npos);
  EXPECT_NE(refused(head + "colour red\n").find("unknown word"), std::string::npos);
  EXPECT_NE(refused(head + "valid_from 2019-02-30\n").find("is a day"), std::string::npos);
  EXPECT_NE(refused("lienthong forms 1\ntitle T\n").find("before the first form"),
            std::string::npos);
}

TEST(FormDates, ThatMovedAreEachTheOneBeforeAndTheNewOne) {
  FormSource source;
  for (const std::optional<UnixMillis> due :
       {std::optional<UnixMillis>(10), std::optional<UnixMillis>(), std::optional<UnixMillis>(10),
        std::optional<UnixMillis>(30), std::optional<UnixMillis>(20)}) {
    FormChange change;
    change.due_at = due;
    source.changes.push_back(change);
  }
  using Moves = std::vector<std::pair<UnixMillis, UnixMillis>>;
  EXPECT_EQ(moved_dates(source), (Moves{{10, 30}, {30, 20}}));
}

TEST(FormText, SaysMomentsAndMoneyAsPaperDoes) {
  EXPECT_EQ(form_long_time(kApril + 2 * 3'600'000 + 33 * 60'000),
            "09 giờ 33 phút, ngày 01 tháng 04 năm 2023");
  EXPECT_EQ(form_time(kApril - 1), "06:59 01/04/2023");
  EXPECT_EQ(form_date(midnight_of(*parse_date("2024-02-29"))), "29/02/2024");
  EXPECT_EQ(form_money(0), "0 đồng");
  EXPECT_EQ(form_money(999), "999 đồng");
  EXPECT_EQ(form_money(1'025'000), "1.025.000 đồng");
  EXPECT_EQ(form_result(kApril, kApril + kDay), "Trước hạn");
  EXPECT_EQ(form_result(kApril + 3'600'000, kApril), "Đúng hạn");  // by date, not by hour
  EXPECT_EQ(form_result(kApril + kDay, kApril), "Quá hạn");
  EXPECT_EQ(form_result(kApril, std::nullopt), "");
}

// ---- CSV ----

struct Reading {
  std::vector<CsvRow> rows;
  std::vector<std::string> errors;
};
Reading read_all(std::string_view text) {
  CsvReader reader(text);
  Reading out;
  for (;;) {
    auto row = reader.next();
    if (!row.ok()) {
      out.errors.push_back(std::to_string(reader.line()) + ": " + row.error().detail());
    } else if (!*row) {
      return out;
    } else {
      out.rows.push_back(**row);
    }
  }
}

TEST(Csv, ReadsWhatItWrites) {
  const std::vector<std::vector<std::string>> rows = {{"a", "", "Đặng Thị Ánh"},
                                                      {"x,y", "\"q\"", "hai\r\ndòng"},
                                                      {";", "\t", " blank "},
                                                      {"", "", ""}};
  std::string text;
  for (const auto& row : rows) text += csv_row(row);
  const Reading reading = read_all(text);
  ASSERT_EQ(reading.rows.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_TRUE(std::ranges::equal(reading.rows[i].fields, rows[i], {}, csv_plain)) << i;
  EXPECT_EQ(reading.rows[2].line, 4U);  // the second row takes two lines
  EXPECT_TRUE(reading.errors.empty());
  EXPECT_EQ(read_all(csv_row({""})).rows.size(), 1U);
}

TEST(Csv, FindsTheSeparatorAndPassesOverAByteOrderMark) {
  EXPECT_EQ(CsvReader("a;b,c;d\n").separator(), ';');
  EXPECT_EQ(CsvReader("a\tb\n").separator(), '\t');
  EXPECT_EQ(CsvReader("\"a;b;c\",d\n").separator(), ',');
  EXPECT_EQ(CsvReader("").separator(), ',');
  const Reading reading = read_all("\xEF\xBB\xBFmã;tên\r\n\r\n1;\"a;b\"");
  ASSERT_EQ(reading.rows.size(), 2U);
  EXPECT_EQ(reading.rows[0].fields, (std::vector<std::string>{"mã", "tên"}));
  EXPECT_EQ(reading.rows[1].fields, (std::vector<std::string>{"1", "a;b"}));
  EXPECT_EQ(reading.rows[1].line, 3U);
}

TEST(Csv, ReadsEveryLineEndAndALineThatNamesTheSeparator) {
  const Reading old = read_all("a;b\r1;\"x\ry\"\r\r2;3");
  ASSERT_EQ(old.rows.size(), 3U);
  EXPECT_EQ(old.rows[1].fields, (std::vector<std::string>{"1", "x\ry"}));
  EXPECT_EQ(old.rows[2].line, 5U);
  const Reading said = read_all("\xEF\xBB\xBFsep=|\r\na,b|c\r\n");
  ASSERT_EQ(said.rows.size(), 1U);
  EXPECT_EQ(said.rows[0].fields, (std::vector<std::string>{"a,b", "c"}));
  EXPECT_EQ(said.rows[0].line, 2U);
  EXPECT_EQ(read_all(csv_row({"sep=", "x"})).rows.size(), 1U);
  EXPECT_EQ(read_all("a\tb \"c\" d\n").rows.at(0).fields.at(1), "b \"c\" d");
}

TEST(Csv, WritesNoCellThatActs) {
  for (const char* text : {"=1+1", "+84900000001", "-2+3", "@x", "\tx", "\rx", "'=1", "''+1"}) {
    const std::string field = csv_field(text);
    EXPECT_TRUE(field.starts_with("'") || field.starts_with("\"'")) << text;
    EXPECT_EQ(csv_plain(read_all(csv_row({text, "x"})).rows.at(0).fields.at(0)), text);
  }
  for (const char* text : {"-5", "-5,5", "0900", "'x", "a=b", "'"}) {
    EXPECT_EQ(csv_plain(csv_field(text)).find('\'') == 0, text[0] == '\'') << text;
    EXPECT_NE(csv_field(text).substr(0, 2), "''") << text;
  }
}

TEST(Csv, RefusesARowAndGoesOnWithTheNext) {
  const Reading reading =
      read_all(std::string_view("a,b\nx\"y,1\n\"q\"z,2\nn\0ul,3\nlast,4\n", 31));
  ASSERT_EQ(reading.rows.size(), 2U);
  EXPECT_EQ(reading.rows[1].fields[0], "last");
  ASSERT_EQ(reading.errors.size(), 3U);
  EXPECT_EQ(reading.errors[0].substr(0, 2), "2:");
  EXPECT_NE(reading.errors[1].find("after a closing quote"), std::string::npos);
  EXPECT_NE(reading.errors[2].find("NUL"), std::string::npos);
}

TEST(Csv, AnUnterminatedQuoteEndsTheFile) {
  const Reading reading = read_all("a\n\"open\nb\nc\n");
  EXPECT_EQ(reading.rows.size(), 1U);
  ASSERT_EQ(reading.errors.size(), 1U);
  EXPECT_NE(reading.errors[0].find("line 2 never closes"), std::string::npos);
}

TEST(Csv, RefusesWhatIsOverLong) {
  const std::string plain(kCsvFieldBytesMax + 1, 'x');
  EXPECT_EQ(read_all(plain + "\nok\n").errors.size(), 1U);
  EXPECT_EQ(read_all("\"" + plain + "\"\nok\n").errors.size(), 1U);
  EXPECT_EQ(read_all(plain + "\nok\n").rows.size(), 1U);
  EXPECT_EQ(read_all(std::string(kCsvFieldCountMax, ',') + "\n").errors.size(), 1U);
  EXPECT_EQ(read_all(std::string(kCsvFieldCountMax - 1, ',') + "\n").rows.size(), 1U);
}

// ---- pages of real dossiers ----

class Forms : public ::testing::Test {
 protected:
  Forms() : offices_(31) {}

  static void put(std::vector<FieldWrite>& writes, Field field, FieldValue value) {
    writes.push_back({static_cast<std::uint16_t>(field), std::move(value)});
  }
  void apply(Office& office, const Operation& operation) {
    office.commit([&](Transaction& transaction) {
      const auto done = apply_operation(transaction, operation);
      ASSERT_TRUE(done.ok()) << done.error().message();
    });
    settle({offices_.province.get(), offices_.district.get(), offices_.commune.get()});
  }
  void create(UnixMillis received_at = kApril) {
    CreateDossier out;
    put(out.open, Field::kCode, code_);
    put(out.open, Field::kReceivedAt, received_at);
    put(out.open, Field::kDueAt, received_at + 10 * kDay);
    put(out.open, Field::kProcedure, "1.010803");
    put(out.open, Field::kProcedureName, "Giải quyết chế độ trợ cấp thờ cúng liệt sĩ");
    put(out.open, Field::kFieldOfWork, "Người có công");
    put(out.open, Field::kChannel, std::int64_t{1});
    put(out.open, Field::kFees,
        wire::encode(std::vector<wire::Fee>{{"Lệ phí", 8000, "cash", kApril, "0012"}}));
    put(out.closed, Field::kApplicantName, "Đặng <Ánh> & con");
    put(out.closed, Field::kComponents,
        wire::encode(std::vector<wire::Component>{{"Tờ khai", "original", 1, "", 0, ""},
                                                  {"Bằng", "", 0, "abcdef0123456789", 9, ""}}));
    put(out.closed, Field::kOfficer, "Lò Thanh Nga");
    apply(*offices_.commune, out);
  }
  void offer(Office& office, const AgencyId& to, UnixMillis at, std::string note = "") {
    apply(office, Offer{.record = code_,
                        .to = to,
                        .remark = {.at = at, .officer = "Người giao", .note = std::move(note)}});
  }
  template <class Kind>
  void answer(Office& office, UnixMillis at) {
    apply(office, Kind{.record = code_, .remark = {.at = at, .officer = "Người nhận"}});
  }
  void set_status(Office& office, Status status, UnixMillis at, std::string note = "",
                  std::vector<FieldWrite> more = {}) {
    put(more, Field::kStatus, static_cast<std::int64_t>(status));
    apply(office, SetFields{.record = code_,
                            .open = std::move(more),
                            .event = Event{at, "Trần Văn B", "", "", std::move(note)}});
  }
  FormSource source(Office& office) {
    const auto found = office.replica().find_code(code_);
    EXPECT_EQ(found.size(), 1U);
    auto read = read_form_source(office.replica(), found.at(0));
    EXPECT_TRUE(read.ok());
    return *std::move(read);
  }
  Result<FormPage> page(Office& office, std::string_view number, std::string_view set = "2018",
                        std::map<UpdateId, UnixMillis> step_due = {}) {
    const auto registry = office.replica().registry();
    const FormSet* forms = find_form_set(set);
    FormContext context{*registry};
    context.step_due = std::move(step_due);
    return fill_form(*forms, *forms->find(number), source(office), context);
  }
  static std::string value(const FormPage& page, std::string_view key) {
    for (std::size_t i = 0; i < page.form.fields.size(); ++i)
      if (page.form.fields[i].key == key) return page.values[i];
    return "no such field";
  }
  static std::string cell(const FormPage& page, std::size_t row, std::string_view key) {
    for (std::size_t i = 0; i < page.form.columns.size(); ++i)
      if (page.form.columns[i].key == key) return page.rows.at(row)[i];
    return "no such column";
  }

  Offices offices_;
  std::string code_ = "H47.518.20374-230401-0007";
};

TEST_F(Forms, ReceiptSaysWhatTheRecordSaysAndNothingElse) {
  create();
  const auto receipt = page(*offices_.commune, "01");
  ASSERT_TRUE(receipt.ok()) << receipt.error().message();
  EXPECT_EQ(value(*receipt, "code"), code_);
  EXPECT_EQ(value(*receipt, "applicant_name"), "Đặng <Ánh> & con");
  EXPECT_EQ(value(*receipt, "received_at"), "07 giờ 00 phút, ngày 01 tháng 04 năm 2023");
  EXPECT_EQ(value(*receipt, "due_at"), "07 giờ 00 phút, ngày 11 tháng 04 năm 2023");
  EXPECT_EQ(value(*receipt, "officer"), "Lò Thanh Nga");
  EXPECT_EQ(value(*receipt, "fees"),
            "Lệ phí: 8.000 đồng (đã nộp tiền mặt 07:00 01/04/2023, biên lai 0012)");
  for (const char* unknown : {"number", "sets", "applicant_phone", "time_limit", "return_place"})
    EXPECT_EQ(value(*receipt, unknown), "") << unknown;
  ASSERT_EQ(receipt->rows.size(), 2U);
  EXPECT_EQ(cell(*receipt, 0, "kind"), "Bản chính");
  EXPECT_EQ(cell(*receipt, 1, "copies"), "");
  EXPECT_EQ(cell(*receipt, 1, "digest"), "abcdef012345");
}

TEST_F(Forms, EveryFieldOfTheDataIsOneThatTheProgramFills) {
  std::set<std::string> known = {"agency",
                                 "number",
                                 "code",
                                 "content",
                                 "sets",
                                 "time_limit",
                                 "received_at",
                                 "due_at",
                                 "fees",
                                 "return_place",
                                 "register_entry",
                                 "officer",
                                 "officer_phone",
                                 "reason",
                                 "at",
                                 "old_due_at",
                                 "new_due_at",
                                 "competent_agency",
                                 "cooperating",
                                 "ended_at",
                                 "result",
                                 "holder",
                                 "year",
                                 "scope",
                                 "applicant_name",
                                 "applicant_address",
                                 "applicant_phone",
                                 "applicant_email",
                                 "applicant_id_number",
                                 "index",
                                 "name",
                                 "kind",
                                 "copies",
                                 "digest",
                                 "giver",
                                 "giver_officer",
                                 "given_at",
                                 "taker",
                                 "taker_officer",
                                 "taken_at",
                                 "note",
                                 "evidence",
                                 "applicant_contact",
                                 "returned_at",
                                 "method",
                                 "signature"};
  for (const FormSet& set : form_sets())
    for (const FormDefinition& form : set.forms) {
      for (const FormItem& item : form.fields) EXPECT_TRUE(known.contains(item.key)) << item.key;
      for (const FormItem& item : form.columns) EXPECT_TRUE(known.contains(item.key)) << item.key;
    }
}

TEST_F(Forms, ControlSlipHasARowForEachHandingOver) {
  create();
  Office& commune = *offices_.commune;
  Office& district = *offices_.district;
  set_status(commune, Status::kProcessing, kApril + 3'600'000);
  offer(commune, offices_.district_id, kApril + 2 * kDay, "Thẩm tra");
  answer<Decline>(district, kApril + 3 * kDay);
  offer(commune, offices_.district_id, kApril + 4 * kDay);
  answer<Accept>(district, kApril + 5 * kDay);
  SetFields forward{.record = code_};
  put(forward.open, Field::kUnit, "Phòng LĐTBXH");
  forward.event = Event{kApril + 5 * kDay, "Vũ C", "", "forward", ""};
  apply(district, forward);
  offer(district, offices_.commune_id, kApril + 6 * kDay);
  const auto chain = source(commune).dossier.custody;
  const auto slip =
      page(commune, "05", "2018",
           {{chain.at(1).link.id, kApril + kDay}, {chain.at(3).link.id, kApril + 4 * kDay}});
  ASSERT_TRUE(slip.ok()) << slip.error().message();
  ASSERT_EQ(slip->rows.size(), 4U);
  EXPECT_EQ(cell(*slip, 0, "index"), "1");
  EXPECT_NE(cell(*slip, 0, "giver").find("H47.518.20374"), std::string::npos);
  EXPECT_EQ(cell(*slip, 0, "given_at"), "07:00 03/04/2023");
  EXPECT_EQ(cell(*slip, 0, "giver_officer"), "Người giao");
  EXPECT_EQ(cell(*slip, 0, "taken_at"), "");
  EXPECT_EQ(cell(*slip, 0, "result"), "Quá hạn");
  EXPECT_EQ(cell(*slip, 0, "note"), "Thẩm tra; từ chối nhận, trả lại 07:00 04/04/2023");
  EXPECT_EQ(cell(*slip, 1, "taken_at"), "07:00 06/04/2023");
  EXPECT_EQ(cell(*slip, 1, "taker_officer"), "Người nhận");
  EXPECT_EQ(cell(*slip, 1, "result"), "Đúng hạn");
  EXPECT_NE(cell(*slip, 1, "evidence").find(chain.at(3).link.id.hex().substr(0, 12)),
            std::string::npos);
  EXPECT_NE(cell(*slip, 1, "evidence").find("niêm phong"), std::string::npos);
  // Told of 5 April, written on the first: both can be seen.
  EXPECT_NE(cell(*slip, 1, "evidence").find("ghi ngày 01/04/2023"), std::string::npos);
  EXPECT_NE(cell(*slip, 2, "taker").find("Phòng LĐTBXH"), std::string::npos);
  EXPECT_EQ(cell(*slip, 2, "note"), "chuyển trong cơ quan");
  EXPECT_EQ(cell(*slip, 3, "note"), "đã giao, chưa nhận");
  EXPECT_EQ(cell(*slip, 3, "result"), "");  // nobody said when that step was due
  EXPECT_NE(value(*slip, "holder").find("chưa nhận"), std::string::npos);
  EXPECT_NE(value(*slip, "cooperating").find("H47.518"), std::string::npos);
  EXPECT_EQ(value(*slip, "result"), "");  // it has not ended
  EXPECT_EQ(page(commune, "06", "2025")->rows, page(commune, "05")->rows);
}

TEST_F(Forms, SupplementRefusalAndStopNeedWhatTheyAreAbout) {
  create();
  Office& commune = *offices_.commune;
  for (const char* number : {"02", "03", "04"}) {
    const auto missing = page(commune, number);
    ASSERT_FALSE(missing.ok()) << number;
    EXPECT_EQ(missing.error().code(), Errc::kNotFound) << number;
  }
  EXPECT_EQ(page(commune, "05", "2025").error().code(), Errc::kNotFound);
  EXPECT_EQ(page(commune, "06").error().code(), Errc::kInvalidArgument);
  set_status(commune, Status::kProcessing, kApril + kDay);
  set_status(commune, Status::kSupplement, kApril + 2 * kDay, "Thiếu giấy chứng tử");
  const auto supplement = page(commune, "02");
  ASSERT_TRUE(supplement.ok());
  EXPECT_EQ(value(*supplement, "reason"), "Thiếu giấy chứng tử");
  EXPECT_EQ(value(*supplement, "officer"), "Trần Văn B");
  EXPECT_EQ(value(*supplement, "at"), "07 giờ 00 phút, ngày 03 tháng 04 năm 2023");
  set_status(commune, Status::kStopped, kApril + 3 * kDay, "Không bổ sung");
  EXPECT_EQ(value(*page(commune, "05", "2025"), "reason"), "Không bổ sung");
  const auto slip = page(commune, "05");
  EXPECT_EQ(value(*slip, "ended_at"), "07 giờ 00 phút, ngày 04 tháng 04 năm 2023");
  EXPECT_EQ(value(*slip, "result"), "Trước hạn");
}

TEST_F(Forms, RegisterNumbersWhatWasReceivedInTheYear) {
  create(midnight_of(*parse_date("2023-12-31")) + 3'600'000);
  code_ = "H47.518.20374-230105-0001";
  create(midnight_of(*parse_date("2023-01-05")));
  code_ = "H47.518.20374-240101-0001";
  create(midnight_of(*parse_date("2024-01-01")));
  Office& commune = *offices_.commune;
  RegisterQuery query;
  query.agency = commune.agency();
  query.year = 2023;
  const auto books = fill_registers(commune.replica(), query);
  ASSERT_TRUE(books.ok());
  ASSERT_EQ(books->size(), 1U);
  const FormPage& book = books->front();
  EXPECT_EQ(value(book, "scope"), "Người có công");
  EXPECT_EQ(value(book, "year"), "2023");
  ASSERT_EQ(book.rows.size(), 2U);
  EXPECT_EQ(cell(book, 0, "index"), "01");
  EXPECT_EQ(cell(book, 0, "code"), "H47.518.20374-230105-0001");
  EXPECT_EQ(cell(book, 1, "received_at"), "31/12/2023");
  EXPECT_EQ(cell(book, 1, "method"), "Trực tiếp");
  EXPECT_EQ(cell(book, 1, "returned_at"), "");
  query.field = "Đất đai";
  EXPECT_TRUE(fill_registers(commune.replica(), query)->empty());
  query.field.reset();
  query.procedure = "1.010803";
  EXPECT_EQ(value(fill_registers(commune.replica(), query)->front(), "scope"), "1.010803");
  query.agency = offices_.district_id;  // it holds the records, and received none
  EXPECT_TRUE(fill_registers(offices_.district->replica(), query)->empty());
  query.year = 12'000;
  EXPECT_FALSE(fill_registers(commune.replica(), query).ok());
}

TEST_F(Forms, AreDrawnAsTextHtmlAndCsv) {
  create();
  const std::vector<FormPage> pages = {*page(*offices_.commune, "01")};
  const std::string text = render_text(pages);
  EXPECT_NE(text.find("GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ"), std::string::npos);
  EXPECT_NE(text.find("Số điện thoại: …"), std::string::npos);
  EXPECT_NE(text.find("| 1   | Tờ khai"), std::string::npos);
  const std::string html = render_html(pages);
  EXPECT_NE(html.find("@page{size:A5;"), std::string::npos);
  EXPECT_NE(html.find("Đặng &lt;Ánh&gt; &amp; con"), std::string::npos);
  EXPECT_EQ(html.find("<Ánh>"), std::string::npos);
  const Reading csv = read_all(render_csv(pages));
  ASSERT_EQ(csv.rows.size(), 3U);  // heads and two components
  EXPECT_EQ(csv.rows[1].fields.size(), csv.rows[0].fields.size());
  EXPECT_EQ(csv.rows[0].fields[3], "Mã hồ sơ");
  EXPECT_EQ(csv.rows[1].fields[3], code_);
  EXPECT_EQ(csv.rows[1].fields[2], "");  // not known: empty, not "…"
  EXPECT_EQ(render_csv({}), "");
  const std::vector<FormPage> slips = {*page(*offices_.commune, "06", "2025")};
  EXPECT_NE(render_text(slips).find("nguồn thứ cấp"), std::string::npos);
}

TEST(FormText, ATableTooWideForTheSheetBecomesBlocks) {
  FormPage page;
  page.form.number = "06";
  page.form.title = "T";
  for (int i = 0; i < 9; ++i) {
    page.form.columns.push_back({std::to_string(i), "Cột " + std::to_string(i)});
    page.rows.resize(1);
    page.rows[0].push_back(i == 4 ? "" : std::string(20, 'x'));
  }
  const std::vector<FormPage> pages = {page};
  const std::string text = render_text(pages);
  EXPECT_EQ(text.find('|'), std::string::npos);
  EXPECT_NE(text.find("\nCột 0: xxxx"), std::string::npos);
  EXPECT_NE(text.find("\n    Cột 4: …\n"), std::string::npos);
}

TEST(FormText, LinesOfATextAreNoWiderThanTheSheet) {
  FormPage page;
  page.form.number = "05";
  page.form.title = "T";
  page.form.fields = {{"a", "Nhãn"}};
  page.form.columns = {{"x", "Một"}, {"y", "Hai"}};
  page.values = {std::string(300, 'x') + " đồng " + std::string(40, 'y')};
  page.rows = {{std::string(250, 'z'), "ngắn"}, {"", "dòng\nmới"}};
  const std::vector<FormPage> pages = {page};
  const std::string text = render_text(pages);
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    std::size_t width = 0;
    for (const char c : text.substr(begin, end - begin))
      if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) ++width;
    EXPECT_LE(width, 100U) << text.substr(begin, end - begin);
    begin = end + 1;
  }
}

}  // namespace
}  // namespace lienthong::test
