// JSON in and out: text, moments, operations, fields, dossiers.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/json/dossier.h"
#include "agent/json/fields.h"
#include "agent/json/operation.h"
#include "agent/json/text_check.h"
#include "agent/json/time.h"
#include "protocol/record/codec.h"
#include "tests/support/deployment.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using store::Operation;

// ---- text ----

// What is kept of a text; "!" and the reason where it is refused.
std::string kept(std::string_view text) {
  const auto tidy = tidy_text(text);
  return tidy.ok() ? *tidy : "!" + tidy.error().detail();
}

TEST(Text, IsKeptInNormalFormC) {
  EXPECT_EQ(kept("Đăng ký khai sinh – Nguyễn Thị Hợi"), "Đăng ký khai sinh – Nguyễn Thị Hợi");
  EXPECT_EQ(kept(""), "");
  EXPECT_EQ(kept("line one\nline two\ttab"), "line one\nline two\ttab");
  EXPECT_EQ(kept("Nguye\u0302\u0303n"), "Nguyễn");  // ễ as three code points
  EXPECT_EQ(kept("V\u01b0\u0300"), "Vừ");
}

// Most text is seen at once to be in that form already. A sign of another script at the end has all
// of it looked at: what comes out must be the same.
TEST(Text, IsTheSameHoweverMuchIsLookedAt) {
  const auto utf8 = [](unsigned code) {
    std::string out;
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
    } else {
      out += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
              static_cast<char>(0x80 | (code & 0x3F))};
    }
    return out;
  };
  const std::string other = "\u4E00";
  for (unsigned code = 1; code < 0x3400; ++code) {
    for (const char* before : {"a", "\u1EC5", "\u2013"}) {
      const std::string text = before + utf8(code) + "o";
      ASSERT_EQ(kept(text) + other, kept(text + other)) << std::hex << code;
    }
    const std::string text = utf8(code);  // neither end is a blank then
    if (kept(text).empty()) continue;
    ASSERT_EQ(kept(text) + other, kept(text + other)) << std::hex << code;
  }
  for (const char* text : {"a\xC3", "a\xE1\xBA", "\xC2\x41", "\xE2\x80", "\xE1\xB8\x41"})
    EXPECT_TRUE(kept(text).starts_with("!")) << text;
}

TEST(Text, NamesTheByteThatIsNotUtf8) {
  EXPECT_NE(kept("abc\xC3(").find("byte 4"), std::string::npos);
  EXPECT_FALSE(check_utf8("\xED\xA0\x80").ok());  // a surrogate
  EXPECT_FALSE(check_utf8("\xC0\xAF").ok());      // overlong
}

TEST(Text, KeepsWhatIsSeenAndNothingElse) {
  EXPECT_EQ(kept(std::string_view("a\0b\x07", 4)), "ab");
  EXPECT_EQ(kept("\uFEFF\u200BLò\u00A0Thị\u2009Mẫu\u200E\u3000 "), "Lò Thị Mẫu");
  EXPECT_EQ(kept("một\r\nhai\rba\u2028bốn"), "một\nhai\nba\nbốn");
  EXPECT_EQ(kept("mẫu\u00ADđơn"), "mẫuđơn");
  EXPECT_EQ(kept(" \t\n"), "");
  EXPECT_EQ(kept("👨\u200D👩"), "👨\u200D👩");  // one picture
}

TEST(Text, CodesHaveNoBlanksAndOneKindOfDash) {
  const auto code = [](std::string_view text) { return *tidy_code(text); };
  EXPECT_EQ(code(" H47.12.05\u2013240401 -\n0901\u200B"), "H47.12.05-240401-0901");
  EXPECT_EQ(code("Ｈ４７．１２"), "H47.12");
  EXPECT_EQ(code("1.001193\u00A0"), "1.001193");
}

TEST(Text, SearchFormForgetsCaseAndDiacritics) {
  EXPECT_EQ(search_form("Đặng Thị Ánh"), "dang thi anh");
  EXPECT_EQ(search_form("ĐẶNG THỊ ÁNH"), search_form("đặng thị ánh"));
  EXPECT_EQ(search_form("Nguye\u0302\u0303n"), "nguyen");
  EXPECT_EQ(search_form("Phường 9, số 12/4"), "phuong 9, so 12/4");
  EXPECT_EQ(search_form("  Hoà\u00A0 Bình\t"), search_form("hòa bình"));
  EXPECT_EQ(search_form("\u00D0ặng"), "dang");  // Ð of another alphabet
}

TEST(Text, OneKeyForEveryWritingOfANumber) {
  for (const char* phone :
       {"0912 345 678", "+84 912.345.678", "84912345678", "0084-912345678", "(+84) 0912345678"})
    EXPECT_EQ(store::phone_key(phone), "0912345678") << phone;
  EXPECT_EQ(store::id_key(" 049 000 000 001"), "049000000001");
  EXPECT_EQ(store::id_key("B1234567"), "b1234567");
  EXPECT_TRUE(store::may_be_phone_or_id("+84 912.345.678"));
  EXPECT_FALSE(store::may_be_phone_or_id("Lò Thị Mẫu"));
}

// ---- time ----

std::string moment(std::string_view text, DateAlone alone = DateAlone::kDayBegins) {
  const auto read = read_moment(text, alone);
  return read.ok() ? format_time(*read) : "!" + read.error().detail();
}

TEST(Moment, IsReadAsPeopleWriteIt) {
  for (const char* text :
       {"01/04/2024 08:30", "1/4/2024 8:30", "08:30 01/04/2024", "01-04-2024 8h30",
        "2024-04-01 8:30", "2024/4/1 08:30:00", "8 giờ 30 phút, ngày 01 tháng 04 năm 2024",
        "01.04.2024 08:30:00", "1/4/2024 8:30:00 SA", "2024-04-01T08:30", "2024-04-01T01:30Z"})
    EXPECT_EQ(moment(text), "2024-04-01T08:30:00+07:00") << text;
  EXPECT_EQ(moment("1/4/2024 2:30 CH"), "2024-04-01T14:30:00+07:00");
  EXPECT_EQ(moment("1/4/2024 12:05 AM"), "2024-04-01T00:05:00+07:00");
  EXPECT_EQ(moment("29/02/2024"), "2024-02-29T00:00:00+07:00");
  EXPECT_EQ(moment("2024-04-01", DateAlone::kDeskCloses), "2024-04-01T17:00:00+07:00");
}

TEST(Moment, IsNeverGuessed) {
  const auto refused = [](std::string_view text, std::string_view why) {
    const std::string told = moment(text);
    return told.starts_with("!") && told.find(why) != std::string::npos;
  };
  EXPECT_TRUE(refused("04/13/2024", "day first"));
  EXPECT_TRUE(refused("01/04/24", "four digits"));
  EXPECT_TRUE(refused("45383", "spreadsheet counts days"));
  for (const char* text : {"30/02/2024", "32/01/2024", "hôm qua", "", "2024", "01/04/2024 25:00",
                           "01/04/2024 08:30 x", "1/1/0000", "01/04/20244"})
    EXPECT_TRUE(refused(text, "RFC 3339")) << text << ": " << moment(text);
}

TEST(Time, ReadsEveryOffsetAndPrintsTheOffices) {
  const auto moment = parse_time("2023-04-01T09:33:56+07:00");
  ASSERT_TRUE(moment);
  EXPECT_EQ(*moment, 1'680'316'436'000);
  EXPECT_EQ(parse_time("2023-04-01T02:33:56Z"), moment);
  EXPECT_EQ(parse_time("2023-03-31T22:33:56-04:00"), moment);
  EXPECT_EQ(parse_time("2023-04-01T09:33:56"), moment);
  EXPECT_EQ(format_time(*moment), "2023-04-01T09:33:56+07:00");
  EXPECT_EQ(format_time(*moment + 120), "2023-04-01T09:33:56.120+07:00");
  EXPECT_EQ(parse_time("2023-04-01T09:33:56.1204+07:00"), *moment + 120);
}

TEST(Time, RefusesWhatIsNoMoment) {
  for (const char* text : {"", "2023-04-01", "2023-02-29T10:00:00Z", "2023-04-01T24:00:00Z",
                           "2023-4-1T10:00:00Z", "2023-04-01T09:33:56+7", "2023-04-01T09:33:56Zx",
                           "1899-12-31T23:00:00Z", "2200-01-01T00:00:00Z", "2023-04-01T09:33:56.Z"})
    EXPECT_FALSE(parse_time(text)) << text;
}

// ---- operations ----

class OperationJson : public ::testing::Test {
 protected:
  OperationJson() : deployment_(7) {
    province_ = deployment_.add_agency({}, "H47", "Tỉnh Quảng Nam", "province");
    deployment_.add_node(province_, true);
    district_ = deployment_.add_agency(province_, "H47.12", "Huyện Phú Ninh", "district");
    commune_ = deployment_.add_agency(district_, "H47.12.05", "Xã Tam Dân", "commune");
  }

  Result<Operation> parse(const std::string& line) {
    place_.clear();
    auto parsed = parse_line(line);
    if (!parsed.ok()) return parsed.error();
    return parse_operation(*parsed, {deployment_.registry(), commune_}, place_);
  }
  void refuses(const std::string& line, Errc code, const std::string& place) {
    const auto parsed = parse(line);
    ASSERT_FALSE(parsed.ok()) << line;
    EXPECT_EQ(parsed.error().code(), code) << line << ": " << parsed.error().message();
    EXPECT_EQ(place_, place) << line;
  }

  test::TestDeployment deployment_;
  AgencyId province_, district_, commune_;
  std::string place_;
};

const FieldValue* written(const std::vector<FieldWrite>& writes, Field field) {
  for (const FieldWrite& write : writes)
    if (write.field == static_cast<std::uint16_t>(field)) return &write.value;
  return nullptr;
}

TEST_F(OperationJson, ReadsADossierWithEveryKindOfField) {
  const auto parsed = parse(R"({"op":"create","key":"k1","dossier":{
    "code":"H47.12.05-230401-0001","procedure":"1.001193","procedure_name":"Đăng ký khai sinh",
    "field":"Hộ tịch",
    "applicant":{"name":"Nguyễn Văn An","kind":"citizen","id_number":"049012345678"},
    "summary":"Khai sinh cho con","channel":"online","submitted_at":"2023-04-01T08:00:00+07:00",
    "status":"accepted","intake_agency":"H47.12.05","competent_agency":"H47.12",
    "holder":"H47.12.05","unit":"Một cửa",
    "components":[{"name":"Tờ khai","kind":"original","copies":1,"digest":"00ff","size":1234,
                   "media_type":"application/pdf"}],
    "fees":[{"name":"Lệ phí","amount":8000,"paid":"cash","paid_at":"2023-04-01T08:05:00+07:00",
             "receipt":"BL 1"}],
    "history":[{"at":"2023-04-01T09:00:00+07:00","action":"forward"},
               {"at":"2023-04-01T08:00:00+07:00","officer":"Lò Thanh Nga","action":"receive"}]}})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message() << " " << place_;
  const auto& dossier = std::get<store::CreateDossier>(parsed->deed);
  EXPECT_EQ(dossier.open.size(), 11U);
  EXPECT_EQ(dossier.closed.size(), 5U);
  EXPECT_EQ(dossier.history.size(), 2U);
}

TEST_F(OperationJson, PutsPersonsIntoTheClosedPart) {
  const auto parsed = parse(R"({"op":"create","dossier":{"procedure":"1.001193","channel":"online",
    "applicant":{"name":"Nguyễn Văn An","phone":null},"status":"done","competent_agency":"H47.12",
    "received_at":"2023-04-01T02:33:56Z","fees":[{"name":"Lệ phí","amount":8000,"paid":"cash"}],
    "components":[{"name":"Tờ khai","kind":"copy"}],
    "history":[{"at":"2023-04-01T09:00:00+07:00","action":"b"},
               {"at":"2023-04-01T08:00:00+07:00","action":"a"}]}})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message() << " " << place_;
  const auto& dossier = std::get<store::CreateDossier>(parsed->deed);
  EXPECT_EQ(*written(dossier.closed, Field::kApplicantName), FieldValue("Nguyễn Văn An"));
  EXPECT_EQ(written(dossier.open, Field::kApplicantName), nullptr);
  EXPECT_EQ(written(dossier.closed, Field::kApplicantPhone), nullptr);
  EXPECT_EQ(*written(dossier.open, Field::kChannel), FieldValue(std::int64_t{2}));
  EXPECT_EQ(*written(dossier.open, Field::kStatus), FieldValue(std::int64_t{9}));
  EXPECT_EQ(*written(dossier.open, Field::kReceivedAt),
            FieldValue(std::int64_t{1'680'316'436'000}));
  EXPECT_EQ(*written(dossier.open, Field::kCompetentAgency),
            FieldValue(to_bytes(district_.view())));
  ASSERT_EQ(dossier.history.size(), 2U);
  EXPECT_EQ(dossier.history[0].action, "a");  // oldest first
}

TEST_F(OperationJson, ReadsEachKindOfOperation) {
  const auto set = parse(
      R"({"op":"set","code":"X-1",
    "fields":{"status":"processing","unit":"Phòng Tư pháp","due_at":null},
    "event":{"at":"2023-04-01T09:33:56+07:00","officer":"Lò Thanh Nga","action":"forward",
             "note":"…"}})");
  ASSERT_TRUE(set.ok()) << set.error().message();
  const auto& fields = std::get<store::SetFields>(set->deed);
  EXPECT_EQ(fields.record, "X-1");
  EXPECT_EQ(*written(fields.open, Field::kDueAt), FieldValue());  // null clears
  EXPECT_EQ(fields.event->officer, "Lò Thanh Nga");

  const auto offer =
      parse(R"({"op":"offer","code":"X-1","to":"H47.12","urgent":true,"note":"Gấp"})");
  ASSERT_TRUE(offer.ok()) << offer.error().message();
  EXPECT_EQ(std::get<store::Offer>(offer->deed).to, district_);
  EXPECT_TRUE(std::get<store::Offer>(offer->deed).urgent);
  EXPECT_EQ(std::get<store::Offer>(offer->deed).remark.note, "Gấp");

  const std::string id(64, 'a');
  const auto reply =
      parse(R"({"op":"reply","code":"X-1","about":")" + id + R"(","note":"Đồng ý"})");
  ASSERT_TRUE(reply.ok()) << reply.error().message();
  EXPECT_EQ(std::get<store::Reply>(reply->deed).about->hex(), id);
  for (const char* op : {"accept", "decline", "recall", "reclaim", "succeed", "adopt"})
    EXPECT_TRUE(parse(std::string(R"({"op":")") + op + R"(","code":"X-1"})").ok()) << op;
  EXPECT_TRUE(
      parse(R"({"op":"consult","code":"X-1","to":"H47","deadline":"2023-04-03T17:00:00+07:00"})")
          .ok());
  EXPECT_TRUE(parse(R"({"op":"share","code":"X-1","to":"H47"})").ok());
  EXPECT_TRUE(parse(R"({"op":"note","code":"X-1","note":"Đã gọi điện","officer":"An"})").ok());
  EXPECT_TRUE(parse(R"({"op":"event","code":"X-1","event":{"action":"call"}})").ok());
}

TEST_F(OperationJson, RefusesByNameAndPlace) {
  refuses(R"({"op":"fly","code":"X"})", Errc::kInvalidArgument, "op");
  refuses(R"({"code":"X"})", Errc::kInvalidArgument, "op");
  refuses(R"({"op":"accept"})", Errc::kInvalidArgument, "code");
  refuses(R"({"op":"accept","code":7})", Errc::kInvalidArgument, "code");
  refuses(R"({"op":"accept","code":"X","urgent":true})", Errc::kInvalidArgument, "urgent");
  refuses(R"({"op":"offer","code":"X"})", Errc::kInvalidArgument, "to");
  refuses(R"({"op":"offer","code":"X","to":"H99"})", Errc::kUnknownAgency, "to");
  refuses(R"({"op":"offer","code":"X","to":"H47","urgent":1})", Errc::kInvalidArgument, "urgent");
  refuses(R"({"op":"reply","code":"X","about":"12"})", Errc::kInvalidArgument, "about");
  refuses(R"({"op":"create"})", Errc::kInvalidArgument, "dossier");
  refuses(R"({"op":"create","dossier":{"colour":"red"}})", Errc::kInvalidArgument,
          "dossier.colour");
  refuses(R"({"op":"create","dossier":{"component_count":3}})", Errc::kInvalidArgument,
          "dossier.component_count");
  refuses(R"({"op":"create","dossier":{"holder":"H47"}})", Errc::kNotAllowed, "dossier.holder");
  refuses(R"({"op":"create","dossier":{"status":"lost"}})", Errc::kInvalidArgument,
          "dossier.status");
  refuses(R"({"op":"create","dossier":{"due_at":"tomorrow"}})", Errc::kInvalidArgument,
          "dossier.due_at");
  refuses(R"({"op":"create","dossier":{"competent_agency":"H99"}})", Errc::kUnknownAgency,
          "dossier.competent_agency");
  refuses(R"({"op":"create","dossier":{"applicant":{"age":4}}})", Errc::kInvalidArgument,
          "dossier.applicant.age");
  refuses(R"({"op":"create","dossier":{"fees":[{"name":"x","amount":-1}]}})",
          Errc::kInvalidArgument, "dossier.fees");
  refuses(R"({"op":"create","dossier":{"fees":[{"name":"x","amount":1.5}]}})",
          Errc::kInvalidArgument, "dossier.fees");
  refuses(R"({"op":"create","dossier":{"history":[{"action":"x"}]}})", Errc::kInvalidArgument,
          "dossier.history[0].at");
  refuses(R"({"op":"set","code":"X","fields":{"holder":"H47"}})", Errc::kInvalidArgument,
          "fields.holder");
  refuses(R"({"op":"set","code":"X","fields":{"code":"Y"}})", Errc::kInvalidArgument,
          "fields.code");
  refuses(R"({"op":"set","code":"X","fields":[]})", Errc::kInvalidArgument, "fields");
  refuses(R"({"op":"set","code":"X","event":{"who":"me"}})", Errc::kInvalidArgument, "event.who");
  refuses(R"({"op":"set","code":"X","fields":{"unit":")" + std::string(33'000, 'x') + "\"}}",
          Errc::kTooLarge, "fields.unit");
  refuses(R"({"op":"accept","code":"X","key":")" + std::string(300, 'k') + "\"}", Errc::kTooLarge,
          "key");
}

TEST_F(OperationJson, ComposesText) {
  const auto set = parse("{\"op\":\"set\",\"code\":\"X\",\"fields\":{\"unit\":\"e\u0301\"}}");
  ASSERT_TRUE(set.ok()) << set.error().message();
  EXPECT_EQ(*written(std::get<store::SetFields>(set->deed).open, Field::kUnit),
            FieldValue("\u00e9"));
}

TEST_F(OperationJson, ReadsEachKindOfRecordThatALineCreates) {
  const auto leg = parse(R"({"op":"create","leg":{"dossier":"X-1","to":"H47.12","duty":"Cấp thẻ",
    "urgent":true,"share":false,"summary":"Thẻ"}})");
  ASSERT_TRUE(leg.ok()) << leg.error().message() << " " << place_;
  const auto& given = std::get<store::CreateLeg>(leg->deed);
  EXPECT_EQ(given.dossier, "X-1");
  EXPECT_EQ(given.to, district_);
  EXPECT_TRUE(given.urgent);
  EXPECT_FALSE(given.share);
  EXPECT_TRUE(given.open.empty());
  EXPECT_EQ(*written(given.closed, Field::kDuty), FieldValue("Cấp thẻ"));
  EXPECT_EQ(*written(given.closed, Field::kSummary), FieldValue("Thẻ"));
  const auto shared = parse(R"({"op":"create","leg":{"dossier":"X-1","to":"H47.12","duty":"x"}})");
  ASSERT_TRUE(shared.ok());
  EXPECT_TRUE(std::get<store::CreateLeg>(shared->deed).share);

  const auto feedback = parse(R"({"op":"create","feedback":{"title":"Trả chậm","topic":"behaviour",
    "history":[{"at":"2023-04-01T08:00:00+07:00","action":"receive"}]}})");
  ASSERT_TRUE(feedback.ok()) << feedback.error().message() << " " << place_;
  EXPECT_EQ(std::get<store::CreateFeedback>(feedback->deed).history.size(), 1U);
  EXPECT_NE(written(std::get<store::CreateFeedback>(feedback->deed).closed, Field::kTitle),
            nullptr);
  const auto document =
      parse(R"({"op":"create","document":{"direction":"in","title":"Công văn"}})");
  ASSERT_TRUE(document.ok()) << document.error().message() << " " << place_;
  EXPECT_NE(written(std::get<store::CreateDocument>(document->deed).open, Field::kDirection),
            nullptr);
  const auto procedure = parse(R"({"op":"create","procedure":{"code":"1.001193"}})");
  ASSERT_TRUE(procedure.ok()) << procedure.error().message() << " " << place_;
  EXPECT_NE(written(std::get<store::PublishProcedure>(procedure->deed).open, Field::kCode),
            nullptr);
}

TEST_F(OperationJson, ReadsTheMembersThatOneKindAloneHas) {
  const std::string id(64, 'b');
  const auto adopt = parse(R"({"op":"adopt","code":"X-1","update":")" + id + R"("})");
  ASSERT_TRUE(adopt.ok()) << adopt.error().message();
  EXPECT_EQ(std::get<store::Adopt>(adopt->deed).change->hex(), id);
  EXPECT_FALSE(std::get<store::Adopt>(parse(R"({"op":"adopt","code":"X-1"})")->deed).change);
  const auto consult =
      parse(R"({"op":"consult","code":"X-1","to":"H47","deadline":"2023-04-01T07:00:00+07:00"})");
  ASSERT_TRUE(consult.ok()) << consult.error().message();
  EXPECT_EQ(std::get<store::Consult>(consult->deed).deadline, 1'680'307'200'000);
  const auto apology = parse(
      R"({"op":"apologise","code":"X-1","due_at":"2023-04-01T07:00:00+07:00","note":"Mất điện"})");
  ASSERT_TRUE(apology.ok()) << apology.error().message();
  EXPECT_EQ(std::get<store::Apologise>(apology->deed).due_at, 1'680'307'200'000);
  EXPECT_EQ(std::get<store::Apologise>(apology->deed).remark.note, "Mất điện");
  const auto undated = parse(R"({"op":"apologise","code":"X-1","due_at":null,"note":"x"})");
  ASSERT_TRUE(undated.ok());  // refused by the office's rules
  EXPECT_FALSE(std::get<store::Apologise>(undated->deed).due_at);
  const auto finish = parse(R"({"op":"finish","code":"X-1/1","outcome":"Đã cấp"})");
  ASSERT_TRUE(finish.ok()) << finish.error().message();
  EXPECT_EQ(std::get<store::FinishLeg>(finish->deed).outcome, "Đã cấp");
  const auto home = parse(R"({"op":"return","code":"X-1","urgent":true})");
  ASSERT_TRUE(home.ok()) << home.error().message();
  EXPECT_TRUE(std::get<store::ReturnHome>(home->deed).urgent);
  const auto send = parse(R"({"op":"send","code":"X-1","to":"H47.12"})");
  ASSERT_TRUE(send.ok()) << send.error().message();
  EXPECT_EQ(std::get<store::SendDocument>(send->deed).to, district_);
}

TEST_F(OperationJson, RefusesByNameWhatBelongsToAnotherKind) {
  refuses(R"({"op":"adopt","code":"X","note":"x"})", Errc::kInvalidArgument, "note");
  refuses(R"({"op":"send","code":"X","to":"H47","note":"x"})", Errc::kInvalidArgument, "note");
  refuses(R"({"op":"share","code":"X","to":"H47","urgent":true})", Errc::kInvalidArgument,
          "urgent");
  refuses(R"({"op":"return","code":"X","to":"H47"})", Errc::kInvalidArgument, "to");
  refuses(R"({"op":"event","code":"X","fields":{}})", Errc::kInvalidArgument, "fields");
  refuses(R"({"op":"create","code":"X","dossier":{}})", Errc::kInvalidArgument, "code");
  refuses(R"({"op":"create","dossier":{},"leg":{}})", Errc::kInvalidArgument, "leg");
  refuses(R"({"op":"create","dossier":{"duty":"x"}})", Errc::kInvalidArgument, "dossier.duty");
  refuses(R"({"op":"create","dossier":{"to":"H47"}})", Errc::kInvalidArgument, "dossier.to");
  refuses(R"({"op":"create","feedback":{"history":[{}]}})", Errc::kInvalidArgument,
          "feedback.history[0].at");
  // A past that would not be written is not let pass in silence.
  refuses(R"({"op":"create","leg":{"dossier":"X","to":"H47","duty":"x","history":[]}})",
          Errc::kInvalidArgument, "leg.history");
  refuses(R"({"op":"create","procedure":{"code":"1.1","history":[]}})", Errc::kInvalidArgument,
          "procedure.history");
}

TEST_F(OperationJson, RefusesLinesThatAreNoJsonObject) {
  EXPECT_EQ(parse("{\"op\":").error().code(), Errc::kMalformed);
  EXPECT_EQ(parse("[1]").error().code(), Errc::kMalformed);
  EXPECT_EQ(parse("{\"op\":\"accept\",\"code\":\"\xFF\"}").error().code(), Errc::kMalformed);
  EXPECT_EQ(parse(R"({"op":"accept","op":"decline","code":"X"})").error().code(), Errc::kMalformed);
  EXPECT_EQ(parse(std::string(kLineBytesMax + 1, ' ')).error().code(), Errc::kTooLarge);
  const std::string deep =
      R"({"op":"set","x":)" + std::string(10'000, '[') + std::string(10'000, ']') + "}";
  EXPECT_EQ(parse(deep).error().code(), Errc::kTooLarge);
}

TEST_F(OperationJson, KeyOfALineIsItsContentAndItsNumber) {
  const json one = *parse_line(R"({"op":"accept","code":"X"})");
  const json same = *parse_line(R"({ "code" : "X", "op":"accept" })");
  const json other = *parse_line(R"({"op":"accept","code":"Y"})");
  EXPECT_EQ(derived_key(one, 1), derived_key(same, 1));
  EXPECT_NE(derived_key(one, 1), derived_key(one, 2));
  EXPECT_NE(derived_key(one, 1), derived_key(other, 1));
  EXPECT_EQ(parse(R"({"op":"accept","code":"X","key":"k"})")->key_hash.size(), 16U);
  EXPECT_TRUE(parse(R"({"op":"accept","code":"X"})")->key_hash.empty());
}

// ---- fields and dossiers out ----

TEST_F(OperationJson, FieldsComeBackAsTheyWereRead) {
  const auto registry = deployment_.registry();
  const json given =
      json::parse(R"({"procedure":"1.001193","channel":"postal","status":"supplement",
    "due_at":"2023-04-03T17:00:00+07:00","competent_agency":"H47.12",
    "fees":[{"name":"Lệ phí","amount":8000,"paid":"online","paid_at":"2023-04-01T08:05:00+07:00",
             "receipt":"BL"}],
    "components":[{"name":"Tờ khai","kind":"digital","copies":2,"digest":"00ff","size":99,
                   "media_type":"image/png"}]})");
  for (const auto& [name, value] : given.items()) {
    const FieldInfo* info = find_field_by_json(name);
    ASSERT_NE(info, nullptr) << name;
    const auto read = read_field(*info, value, *registry);
    ASSERT_TRUE(read.ok()) << name << ": " << read.error().message();
    EXPECT_EQ(write_field(*info, *read, *registry), value) << name;
  }
}

TEST_F(OperationJson, APostalCodeIsFiveDigitsInTheClosedPart) {
  for (const char* part : {"dossier", "feedback"}) {
    const auto parsed = parse(R"({"op":"create",")" + std::string(part) +
                              R"(":{"applicant":{"postal_code":"05100"}}})");
    ASSERT_TRUE(parsed.ok()) << parsed.error().message() << " " << place_;
    const auto* dossier = std::get_if<store::CreateDossier>(&parsed->deed);
    const auto* feedback = std::get_if<store::CreateFeedback>(&parsed->deed);
    const auto& closed = dossier != nullptr ? dossier->closed : feedback->closed;
    const auto& open = dossier != nullptr ? dossier->open : feedback->open;
    ASSERT_NE(written(closed, Field::kApplicantPostalCode), nullptr);
    EXPECT_EQ(*written(closed, Field::kApplicantPostalCode), FieldValue("05100"));
    EXPECT_TRUE(open.empty());
  }
  const auto cleared =
      parse(R"({"op":"set","code":"X-1","fields":{"applicant":{"postal_code":null}}})");
  ASSERT_TRUE(cleared.ok()) << cleared.error().message();
  const auto& set = std::get<store::SetFields>(cleared->deed);
  EXPECT_EQ(*written(set.closed, Field::kApplicantPostalCode), FieldValue());
  for (const char* value : {R"("5100")", R"("510000")", R"("5100a")", R"(" 51000")", R"("51 00")",
                            R"("٥١٠٠٠")", "51000", R"(["51000"])"}) {
    refuses(R"({"op":"create","dossier":{"applicant":{"postal_code":)" + std::string(value) + "}}}",
            Errc::kInvalidArgument, "dossier.applicant.postal_code");
    refuses(R"({"op":"set","code":"X-1","fields":{"applicant":{"postal_code":)" +
                std::string(value) + "}}}",
            Errc::kInvalidArgument, "fields.applicant.postal_code");
  }
  refuses(R"({"op":"create","document":{"title":"x","applicant":{"postal_code":"51000"}}})",
          Errc::kInvalidArgument, "document.applicant.postal_code");
}

TEST_F(OperationJson, DossierShowsHistoryCustodyAndWhatIsMissing) {
  store::Dossier dossier;
  dossier.state.record.bytes[0] = 1;
  dossier.state.holder = district_;
  dossier.state.participants = {commune_, district_};
  dossier.values[Field::kCode] = std::string("H47.12.05-230401-0001");
  dossier.values[Field::kApplicantName] = std::string("An");
  dossier.values[Field::kApplicantPostalCode] = std::string("51000");
  UpdateId erased;
  erased.bytes[0] = 9;
  dossier.missing_closed[Field::kSummary] = erased;
  store::TimelineEntry entry;
  entry.agency = commune_;
  entry.kind = UpdateKind::kSet;
  entry.at = 1'680'316'436'000;
  entry.officer = "Nga";
  entry.action = "forward";
  dossier.timeline = {entry, store::TimelineEntry()};
  store::CustodyEntry link;
  link.link.kind = UpdateKind::kOffer;
  link.link.by = commune_;
  link.link.to = district_;
  link.at = entry.at;
  dossier.custody = {link};
  const json out = dossier_json(dossier, *deployment_.registry());
  EXPECT_EQ(out.at("code"), "H47.12.05-230401-0001");
  EXPECT_EQ(out.at("holder"), "H47.12");
  EXPECT_EQ(out.at("offered_to"), nullptr);
  EXPECT_EQ(out.at("applicant"), json({{"name", "An"}, {"postal_code", "51000"}}));
  ASSERT_EQ(out.at("history").size(), 1U);  // an entry without action and note is no line
  EXPECT_EQ(out.at("history")[0].at("at"), "2023-04-01T09:33:56+07:00");
  EXPECT_EQ(out.at("history")[0].at("officer"), "Nga");
  EXPECT_EQ(out.at("custody")[0].at("link"), "offer");
  EXPECT_EQ(out.at("custody")[0].at("to"), "H47.12");
  EXPECT_EQ(out.at("missing")[0].at("field"), "summary");
}

}  // namespace
}  // namespace lienthong::agent
