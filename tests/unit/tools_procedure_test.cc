// Procedures from files: tables and JSON, and what is left unknown and said so.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/procedure_file.h"

namespace lienthong::tools {
namespace {

constexpr const char* kHead =
    "code\tname\tfield\tlevel\tlimit\tunit\tlimit_by_channel\tagencies\tstep_"
    "limits\tnote\tsource\n";

ProcedureFile read(const std::string& text) { return read_procedures(text, {}); }

Json definition_of(const ProcedureFile& file, std::size_t line = 0) {
  return file.lines.at(line).operation.at("procedure").at("definition");
}

TEST(ProcedureFile, ReadsUnitsAndChannelsOfATable) {
  const auto file =
      read(std::string(kHead) +
           "1.010803\tThờ cúng\tNgười có công\txã\t27\tngay_lam_viec\t\t\t\t\tQĐ 1; x\n"
           "1.000656\tKhai tử\tHộ tịch\txã\t\ttrong_ngay\t\t\t\t\tx\n"
           "1.000001\tNửa ngày\tx\tx\t0,5\tngay_lam_viec\t\t\t\t\tx\n"
           "1.000002\tGiờ\tx\tx\t4\tgio\t\t\t\t\tx\n"
           "1.013978\tĐất\tĐất đai\ttỉnh\t\tngay_lam_viec\t"
           "truc_tuyen:17;buu_chinh:20;truc_tiep:27\t\t\t\tx\n");
  EXPECT_TRUE(file.remarks.empty());
  ASSERT_EQ(file.lines.size(), 5U);
  EXPECT_EQ(definition_of(file, 0).at("limit"), (Json{{"amount", 27}, {"unit", "working_day"}}));
  EXPECT_EQ(file.lines[0].operation.at("procedure").at("decision"), "QĐ 1");
  EXPECT_EQ(definition_of(file, 1).at("limit"), (Json{{"unit", "same_day"}}));
  EXPECT_EQ(definition_of(file, 2).at("limit").at("amount"), 0.5);
  EXPECT_EQ(definition_of(file, 3).at("limit").at("unit"), "hour");
  EXPECT_EQ(definition_of(file, 4).at("limit_by_channel").at("online").at("amount"), 17);
  EXPECT_FALSE(definition_of(file, 4).contains("limit"));
}

TEST(ProcedureFile, NeverGuessesAUnitAndReportsTheLine) {
  const auto file = read(std::string(kHead) +
                         "1.000689\tKhai sinh kết hợp\tHộ tịch\txã\t3\t\t\t\t\t\tx\n"
                         "1.000690\tKhác\tHộ tịch\txã\t3\ttuan\t\t\t\t\tx\n");
  ASSERT_EQ(file.lines.size(), 2U);
  EXPECT_FALSE(definition_of(file, 0).contains("limit"));
  EXPECT_FALSE(definition_of(file, 1).contains("limit"));
  ASSERT_EQ(file.remarks.size(), 2U);
  EXPECT_EQ(file.remarks[0].line, 2U);
  EXPECT_EQ(file.remarks[0].kind, "unknown-limit");
  EXPECT_NE(file.remarks[0].text.find("no unit"), std::string::npos);
  EXPECT_NE(file.remarks[1].text.find("tuan"), std::string::npos);
}

TEST(ProcedureFile, PassesOverWhatHasNoCodeOrName) {
  const auto file = read(std::string(kHead) +
                         "\tTrợ cấp\tx\tx\t5\tngay_lam_viec\t\t\t\t\tx\n"
                         "1.000001\t\tx\tx\t5\tngay_lam_viec\t\t\t\t\tx\n");
  EXPECT_TRUE(file.lines.empty());
  EXPECT_EQ(file.skipped, 2U);
  EXPECT_EQ(file.remarks.at(0).kind, "refused");
}

TEST(ProcedureFile, TakesOneObjectAListOrOneALine) {
  const std::string one = R"({"code":"1.1","name":"A","limit":{"amount":5,"unit":"hour"}})";
  EXPECT_EQ(read(one).lines.size(), 1U);
  EXPECT_EQ(definition_of(read(one)).at("limit").at("unit"), "hour");
  EXPECT_EQ(read("[" + one + "," + one + "]").lines.size(), 2U);
  const auto lines = read(one + "\n\n{broken\n" + one + "\n");
  EXPECT_EQ(lines.lines.size(), 2U);
  ASSERT_EQ(lines.remarks.size(), 1U);
  EXPECT_EQ(lines.remarks[0].line, 3U);
  EXPECT_THROW(read("hello"), Failure);
}

TEST(ProcedureFile, TakesOutLimitsWithoutAUnitInJsonToo) {
  const auto file = read(R"({"code":"1.1","procedure_name":"A","definition":{"limit":{"amount":3},)"
                         R"("steps":[{"name":"x","limit":{"amount":1,"unit":"hour"}},)"
                         R"({"name":"y","limit":{"amount":2}}]}})");
  ASSERT_EQ(file.remarks.size(), 2U);
  EXPECT_FALSE(definition_of(file).contains("limit"));
  EXPECT_TRUE(definition_of(file).at("steps")[0].contains("limit"));
  EXPECT_FALSE(definition_of(file).at("steps")[1].contains("limit"));
}

TEST(ProcedureFile, KnowsTheSameLineAgainAndAChangedOneNot) {
  const auto key = [](const std::string& limit) {
    return read(R"({"code":"1.1","name":"A","limit":{"amount":)" + limit + R"(,"unit":"hour"}})")
        .lines.at(0)
        .operation.at("key");
  };
  EXPECT_EQ(key("3"), key("3"));
  EXPECT_NE(key("3"), key("4"));
}

TEST(ProcedureFile, ReadsATableAsASpreadsheetSavesIt) {
  const auto file = read(
      "\xEF\xBB\xBF"
      "Mã TTHC\tTên thủ tục\tLĨNH VỰC\tCấp\tThời hạn\tunit\tNguồn\r\n"
      "9.200001\t\"Giải quyết \"\"một lần\"\" mẫu, thân nhân\"\tLĩnh vực mẫu\txã\t10\t"
      "ngay_lam_viec\tQĐ mẫu\r\n"
      "\t\t\t\t\t\t\r\n"
      "9.200002\t\"Đăng ký lại mẫu\ntại xã\"\tHộ tịch\txã\t5\tngay_lam_viec\tQĐ mẫu\r\n"
      "9.200003\tcut off\r\n"
      "9.200004\tĐa\u0306ng ky\u0301\tHộ tịch\txã\t5\tngay_lam_viec\tQĐ mẫu\r\n");
  ASSERT_EQ(file.lines.size(), 3U);
  EXPECT_EQ(file.empty, 1U);
  const Json& first = file.lines[0].operation["procedure"];
  EXPECT_EQ(first["procedure_name"], "Giải quyết \"một lần\" mẫu, thân nhân");
  EXPECT_EQ(first["field"], "Lĩnh vực mẫu");
  const Json& second = file.lines[1].operation["procedure"];
  EXPECT_EQ(second["procedure_name"], "Đăng ký lại mẫu tại xã");
  EXPECT_EQ(second["definition"]["limit"], (Json{{"amount", 5}, {"unit", "working_day"}}));
  EXPECT_EQ(file.lines[1].number, 4U);
  EXPECT_EQ(file.lines[2].operation["procedure"]["procedure_name"], "Đăng ký");
  ASSERT_EQ(file.remarks.size(), 1U);
  EXPECT_EQ(file.remarks[0].line, 6U);
  EXPECT_EQ(file.remarks[0].kind, "refused");
}

// As many as the national list has, of its kinds of names.
TEST(ProcedureFile, ReadsALargeListWithNoRefusal) {
  std::string text = "code;name;field;limit;unit\n";
  for (int i = 0; i < 2600; ++i) {
    const std::string code = fmt::format("1.{:06}", i);
    const char* name = i % 4 == 0   ? "\"Cấp \"\"giấy\"\", sổ; mẫu\""
                       : i % 4 == 1 ? "\"Đăng ký\nlại\""
                       : i % 4 == 2 ? "Thu\u0309 tu\u0323c ma\u0302\u0303u"
                                    : "Chứng thực, sao y";
    text += code + ";" + name + ";Hộ tịch;5;ngay_lam_viec\n";
  }
  const auto file = read(text);
  EXPECT_EQ(file.lines.size(), 2600U);
  EXPECT_TRUE(file.remarks.empty());
  EXPECT_EQ(file.lines[2].operation["procedure"]["procedure_name"], "Thủ tục mẫu");
}

}  // namespace
}  // namespace lienthong::tools
