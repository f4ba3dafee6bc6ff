// Dossiers as rows of a table, both ways.
#include <gtest/gtest.h>

#include "protocol/record/fields.h"
#include "tools/lienthong/csv_dossier.h"

namespace lienthong::tools {
namespace {

const char* const kDossier =
    R"({"code":"H47-230401-0001","procedure":"1.001193","field":"Hộ tịch",)"
    R"("applicant":{"name":"Đặng \"Ánh\", con","postal_code":"05100"},)"
    R"("summary":"hai\ndòng","channel":"counter",)"
    R"("received_at":"2023-04-01T07:00:00+07:00","status":"done","step":2,)"
    R"("component_count":1,"digitised_count":1,"holder":"H47","record":"ab",)"
    R"("components":[{"name":"Tờ khai; 1","digest":"00ff"}],)"
    R"("fees":[{"name":"Lệ phí","amount":8000,"paid":"cash"}],)"
    R"("result":{"number":"12/GKS"},"survey":[{"question":"?","score":4.5}],)"
    R"("history":[{"at":"2023-04-01T08:00:00+07:00","by":"H47","action":"forward","id":"x"}]})";

// The reason why the one row is refused, with its place; empty: it is taken.
std::string reason(const std::string& head, const std::string& row) {
  const CsvDossiers table = read_csv(head + "\n" + row + "\n");
  if (!table.error.is_null()) return "heading: " + table.error.value("message", "");
  if (table.rows.size() != 1) return "rows: " + std::to_string(table.rows.size());
  const Json& error = table.rows[0].error;
  if (error.is_null()) return {};
  return error.value("message", "") + " @ " + error.value("place", "");
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(CsvDossiers, ComeBackAsTheyWere) {
  const Json dossier = Json::parse(kDossier);
  const CsvDossiers table = read_csv(csv_header() + csv_row_of(dossier));
  ASSERT_TRUE(table.error.is_null()) << table.error.dump();
  ASSERT_EQ(table.rows.size(), 1U);
  Json expected = dossier;
  for (const char* computed : {"component_count", "digitised_count", "holder", "record"})
    expected.erase(computed);
  expected["history"] = Json::parse(R"([{"at":"2023-04-01T08:00:00+07:00","action":"forward"}])");
  using Unordered = nlohmann::json;
  EXPECT_EQ(Unordered::parse(table.rows[0].dossier.dump()), Unordered::parse(expected.dump()));
  EXPECT_EQ(csv_row_of(table.rows[0].dossier).size() + 4,  // "1,1," and "H47" are computed
            csv_row_of(dossier).size() - 1);
}

TEST(CsvDossiers, HaveAColumnForEachFieldOfADossier) {
  std::vector<std::string> expected;
  for (const FieldInfo& info : all_fields())
    if ((info.kinds & bit(RecordKind::kDossier)) != 0) expected.emplace_back(info.json);
  expected.emplace_back("holder");
  expected.emplace_back("history");
  EXPECT_EQ(csv_columns(), expected);
}

TEST(CsvDossiers, TakeSemicolonsTabsAndAByteOrderMark) {
  const CsvDossiers table = read_csv(
      "\xEF\xBB\xBF"
      "code;applicant.name\r\nA;Đặng, Ánh\r\n");
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows[0].dossier["applicant"]["name"], "Đặng, Ánh");
  EXPECT_EQ(table.rows[0].line, 2U);
  EXPECT_EQ(reason("code\tstep", "A\t3"), "");
}

TEST(CsvDossiers, RefuseAHeadingThatIsNone) {
  EXPECT_TRUE(has(reason("code,colour", "A,red"), "unknown column \"colour\""));
  EXPECT_TRUE(has(reason("code,code", "A,B"), "stands twice"));
  EXPECT_TRUE(has(reason("code,title", "A,B"), "unknown column"));
  EXPECT_TRUE(has(reason("code,\xC3(", "A,B"), "invalid UTF-8"));
  EXPECT_TRUE(has(reason("\"code", "A"), "never closes"));
  EXPECT_TRUE(has(read_csv("").error.value("message", ""), "empty"));
  EXPECT_TRUE(has(read_csv("\n\n").error.value("message", ""), "empty"));
}

TEST(CsvDossiers, RefuseARowByItsLine) {
  EXPECT_TRUE(has(reason("code,step", "A"), "the row has 1 fields, the heading 2"));
  EXPECT_TRUE(has(reason("code,step", "A,1,2"), "the row has 3 fields, the heading 2"));
  EXPECT_TRUE(has(reason("code,step", "A,two"), "whole number, not negative @ column step"));
  EXPECT_TRUE(has(reason("code,step", "A,-1"), "whole number"));
  EXPECT_TRUE(has(reason("code,fees", "A,8000"), "JSON list or object @ column fees"));
  EXPECT_TRUE(has(reason("code,fees", "A,\"[{\""), "JSON list"));
  EXPECT_TRUE(has(reason("code,summary", std::string("A,a\0b", 5)), "NUL"));
  EXPECT_EQ(reason("code,component_count,holder", "A,many,nobody"), "");  // computed: passed over
  const CsvDossiers table = read_csv("code,step\nA,1\n\nB,x\n\"C\n\",2\nD\n");
  ASSERT_EQ(table.rows.size(), 4U);
  EXPECT_EQ(table.rows[1].line, 4U);
  EXPECT_TRUE(table.rows[2].error.is_null());
  EXPECT_EQ(table.rows[3].line, 7U);
}

TEST(CsvDossiers, AnEmptyCellIsAFieldThatIsNotKnown) {
  const CsvDossiers table = read_csv("code,summary,result.number\nA,,\n");
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows[0].dossier.dump(), R"({"code":"A"})");
}

TEST(CsvDossiers, PassOverEmptyRowsAndColumnsAndCountThem) {
  const CsvDossiers table = read_csv(
      "SỔ THEO DÕI;;;;\r\n;;;;\r\nSTT;code;applicant.name;;\r\n1;A;Lò Thị Mẫu;;\r\n;;;;\r\n"
      "2;\xC2\xA0;  ;;\r\n;;;;\r\n");
  ASSERT_TRUE(table.error.is_null()) << table.error.dump();
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows[0].line, 4U);
  EXPECT_EQ(table.empty, 4U);
  EXPECT_EQ(table.left, std::vector<std::string>{"STT"});
}

TEST(CsvDossiers, KnowHeadingsAndWordsByWhatTheyMean) {
  const CsvDossiers table = read_csv(
      "Mã hồ sơ\tMÃ THỦ TỤC\tHọ và tên\tSố CCCD\tsdt\tNgày tiếp nhận\tTrạng thái\tHình thức nộp\n"
      "A\t1.001193\tLò Thị Mẫu\t049000000001\t0900000001\t01/04/2024\tĐang xử lý\tTrực tuyến\n");
  ASSERT_TRUE(table.error.is_null()) << table.error.dump();
  ASSERT_EQ(table.rows.size(), 1U);
  const Json expected = {
      {"code", "A"},
      {"procedure", "1.001193"},
      {"applicant",
       {{"name", "Lò Thị Mẫu"}, {"id_number", "049000000001"}, {"phone", "0900000001"}}},
      {"received_at", "01/04/2024"},
      {"status", "processing"},
      {"channel", "online"}};
  EXPECT_EQ(table.rows[0].dossier, expected);
  EXPECT_TRUE(has(reason("code,sumary", "A,x"), "did you mean summary?"));
}

TEST(CsvDossiers, RepairWhatASpreadsheetMangledWhereThereIsOneAnswer) {
  const auto cell = [](const std::string& head, const std::string& text) {
    const CsvDossiers table = read_csv("code;" + head + "\nA;" + text + "\n");
    if (table.rows.empty() || !table.rows[0].error.is_null()) return std::string("refused");
    return table.rows[0].dossier.flatten().dump() + (table.remarks.empty() ? "" : " told");
  };
  EXPECT_TRUE(has(cell("cccd", "49000000001"), "\"049000000001\"} told"));
  EXPECT_TRUE(has(cell("cccd", "1000000001"), "\"001000000001\"} told"));
  EXPECT_TRUE(has(cell("cccd", "4.9E+10"), "\"4.9E+10\"} told"));
  EXPECT_TRUE(has(cell("cccd", "\"=\"\"049000000001\"\"\""), "\"049000000001\"}"));
  EXPECT_TRUE(has(cell("cccd", "'049000000001"), "\"049000000001\"}"));
  EXPECT_TRUE(has(cell("cccd", "B1234567"), "\"B1234567\"}"));
  EXPECT_TRUE(has(cell("sdt", "900000001"), "\"0900000001\"} told"));
  EXPECT_TRUE(has(cell("sdt", "+84900000001"), "\"+84900000001\"}"));
  EXPECT_TRUE(has(cell("procedure", "2.00072"), "\"2.000720\"} told"));
  EXPECT_TRUE(has(cell("procedure", "9.1"), "\"9.1\"}"));
  EXPECT_EQ(cell("procedure", "1.0E+05"), "refused");
  EXPECT_EQ(cell("procedure", "01/02/2024"), "refused");
  EXPECT_EQ(cell("procedure", "05-Jan"), "refused");
  EXPECT_EQ(cell("procedure", "thg 1-24"), "refused");
}

TEST(CsvDossiers, BelieveNoDateOfAColumnWithTheMonthFirst) {
  const std::string head = "code;received_at;due_at\n";
  const CsvDossiers table =
      read_csv(head + "A;04/13/2024;01/04/2024\nB;04/05/2024;\nC;13/04/2024;\nD;2024-04-05;\n");
  ASSERT_EQ(table.rows.size(), 4U);
  EXPECT_FALSE(table.rows[0].error.is_null());
  EXPECT_FALSE(table.rows[1].error.is_null());
  EXPECT_TRUE(table.rows[2].error.is_null());
  EXPECT_TRUE(table.rows[3].error.is_null());
  EXPECT_TRUE(read_csv(head + "A;04/05/2024;\n").rows[0].error.is_null());
}

TEST(CsvDossiers, AreReadInEveryUnicodeAndNamedInOtherEncodings) {
  const std::string plain = "code\tapplicant.name\r\nA\tLò Mẫu\r\n";
  for (const bool mark : {true, false}) {
    std::string wide = mark ? "\xFF\xFE" : "";
    for (const char32_t c : U"code\tapplicant.name\r\nA\tL\u00f2 M\u1eabu\r\n") {
      if (c == 0) break;
      wide += static_cast<char>(c & 0xFF);
      wide += static_cast<char>(c >> 8);
    }
    EXPECT_EQ(read_csv(wide).rows.at(0).dossier, read_csv(plain).rows.at(0).dossier) << mark;
  }
  EXPECT_EQ(read_csv("\xEF\xBB\xBFsep=;\r\ncode;step\r\nA;1\r\n").rows.size(), 1U);
  const auto named = [](const std::string& text) {
    return read_csv("code;applicant.name\nA;" + text + "\n").error.value("message", "");
  };
  EXPECT_TRUE(has(named("V\xFD\xCC Thi\xF2 H\xFD\xF5\xCCng"), "windows-1258"));
  EXPECT_TRUE(has(named("V\xF5 Th\xDE H\xAD\xEDng M\xC9u"), "TCVN3"));
  EXPECT_TRUE(has(named("V\xF6\xF8 Th\xF2 H\xF6\xF4ng M\x61\xE3u, Nguye\xE3n"), "VNI"));
  EXPECT_TRUE(has(read_csv("PK\x03\x04xyz").error.value("message", ""), "workbook"));
}

TEST(CsvDossiers, NeedSomebodyWhereTheyAreToGetANumber) {
  EXPECT_TRUE(has(reason("procedure,channel", "1.001193,counter"), "who applies"));
  EXPECT_EQ(reason("procedure,channel,cccd", "1.001193,counter,049000000001"), "");
}

}  // namespace
}  // namespace lienthong::tools
