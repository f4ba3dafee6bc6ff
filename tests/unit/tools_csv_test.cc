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
  EXPECT_TRUE(has(reason("code,summary", "A,\xC3("), "invalid UTF-8"));
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

}  // namespace
}  // namespace lienthong::tools
