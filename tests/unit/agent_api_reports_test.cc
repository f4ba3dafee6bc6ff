// Reports through the API: the figures that offices have published, from dossiers and not from
// totals; cells, saved reports and what changed them.
#include <algorithm>

#include "agent/json/report.h"
#include "agent/json/time.h"
#include "tests/unit/agent_api_fixture.h"

namespace lienthong::agent {
namespace {

// Dossiers of the fixture's agency as lines for /v1/operations.
class Lines {
 public:
  explicit Lines(std::string agency) : agency_(std::move(agency)) {}

  // Received, and finished where `finished` is not empty; dates as 2022-09-01.
  std::string& add(const std::string& channel, const std::string& received, const std::string& due,
                   const std::string& finished, json more = json::object()) {
    char code[64];
    std::snprintf(code, sizeof code, "%s-220101-%04d", agency_.c_str(), ++number_);
    json dossier = {{"code", code},
                    {"field", "Hộ tịch"},
                    {"channel", channel},
                    {"received_at", received + "T08:00:00+07:00"},
                    {"due_at", due + "T17:00:00+07:00"},
                    {"status", "processing"}};
    dossier.update(more);
    text_ += json{{"op", "create"}, {"dossier", dossier}}.dump() + "\n";
    if (!finished.empty())
      text_ += json{{"op", "set"},
                    {"code", code},
                    {"fields", {{"status", "done"}}},
                    {"event", {{"at", finished + "T10:00:00+07:00"}, {"action", "finish"}}}}
                   .dump() +
               "\n";
    return text_;
  }
  const std::string& text() const { return text_; }

 private:
  std::string agency_, text_;
  int number_ = 0;
};

class ApiReports : public Api {
 protected:
  void takes(const Lines& lines) {
    for (const json& answer : apply(lines.text()))
      ASSERT_FALSE(answer.contains("error")) << answer.dump();
  }
  static std::vector<int> columns(const json& figures) {
    std::vector<int> out;
    for (int i = 3; i <= 13; ++i)
      out.push_back(figures.at("columns").at(std::to_string(i)).get<int>());
    return out;
  }
};

// Mỹ Phong, nine months of 2022: 889 received, 34 of them online and 855 at the counter; 870 done,
// 868 before their date and 2 on it; 19 running.
TEST_F(ApiReports, GivesTheFiguresOfMyPhong) {
  start();
  clock_.time = *parse_time("2022-10-05T08:00:00+07:00");
  Lines lines("H47.12");
  for (int i = 0; i < 889; ++i) {
    const std::string channel = i % 26 == 0 && i / 26 < 34 ? "online" : "counter";
    const std::string end = i < 868 ? "2022-08-20" : i < 870 ? "2022-08-22" : "";
    lines.add(channel, i % 2 == 0 ? "2022-08-15" : "2022-01-04",
              i < 870 ? "2022-08-22" : "2022-10-10", end);
  }
  takes(lines);
  const json report = get("/v1/reports/II.06a?from=2022-01-01&to=2022-09-30");
  EXPECT_EQ(columns(report.at("total")),
            (std::vector<int>{889, 34, 855, 0, 870, 868, 2, 0, 19, 19, 0}));
  EXPECT_TRUE(report.at("mistakes").empty());
  EXPECT_EQ(report.at("as_of"), "2022-09-30T23:59:59.999+07:00");
  EXPECT_EQ(
      get_lines("/v1/reports/II.06a/dossiers?from=2022-01-01&to=2022-09-30&cell=total:9").size(),
      2U);
  EXPECT_EQ(get_lines("/v1/reports/II.06a/dossiers?from=2022-01-01&to=2022-09-30&cell="
                      "H%E1%BB%99%20t%E1%BB%8Bch:11")
                .size(),
            19U);
}

// Cái Răng prints ratios with two decimals; which dossiers make them is chosen here so that the
// fractions give its figures.
TEST_F(ApiReports, GivesTheRatiosOfCaiRang) {
  struct Case {
    std::uint64_t part, whole;
    bool truncate;
    unsigned decimals;
    const char* text;
  };
  for (const Case& one : {Case{43, 46, false, 2, "93.48"}, Case{127, 157, false, 2, "80.89"},
                          Case{61, 109, false, 2, "55.96"}, Case{133, 500, false, 1, "26.6"},
                          Case{87, 250, false, 1, "34.8"}, Case{52, 311, false, 2, "16.72"},
                          Case{58, 147, false, 2, "39.46"}, Case{15, 28, true, 1, "53.5"},
                          Case{15, 28, false, 1, "53.6"}, Case{0, 7, false, 2, "0.00"},
                          Case{7, 7, true, 0, "100"}, Case{1, 3000, false, 2, "0.03"}})
    EXPECT_EQ(percent({one.part, one.whole}, {one.truncate, one.decimals}), one.text);
  EXPECT_EQ(percent({0, 0}, {}), "");
  start();
  clock_.time = *parse_time("2024-05-08T08:00:00+07:00");
  // One field of work stands for each place and ratio.
  struct Place {
    const char* field;
    const char* ratio;
    int part, whole;
    const char* percent;
  };
  const Place places[] = {{"Ba Láng", "digitisation", 43, 46, "93.48"},
                          {"Lê Bình", "digitisation", 127, 157, "80.89"},
                          {"Quận", "digitisation", 61, 109, "55.96"},
                          {"Phú Thứ, trực tuyến", "online", 133, 500, "26.60"},
                          {"Hưng Phú", "online", 87, 250, "34.80"},
                          {"Phú Thứ, thanh toán", "payment", 52, 311, "16.72"},
                          {"Tân Phú", "payment", 58, 147, "39.46"}};
  const json paper = {{"name", "Tờ khai"}, {"kind", "original"}, {"copies", 1}};
  json scanned = paper;
  scanned["digest"] = std::string(64, 'a');
  Lines lines("H47.12");
  for (const Place& place : places) {
    const std::string ratio = place.ratio;
    for (int i = 0; i < place.whole; ++i) {
      const bool counts = i < place.part;
      json more = {{"field", place.field}};
      if (ratio == "digitisation") {  // of the others each second lacks a result, else a scan
        const bool lacks_scan = !counts && i % 2 == 0;
        more["components"] = lacks_scan ? json{scanned, paper} : json{scanned, scanned};
        if (counts || lacks_scan)
          more["result"] = {{"number", std::to_string(i)}, {"digest", std::string(64, 'b')}};
      } else if (ratio == "payment") {
        more["fees"] = {
            {{"name", "Lệ phí"}, {"amount", 8000}, {"paid", counts ? "online" : "cash"}}};
      }
      lines.add(ratio == "online" && counts ? "online" : "counter", "2024-02-01", "2024-02-20",
                ratio == "digitisation" ? "2024-02-10" : "", more);
    }
  }
  takes(lines);
  const json report = get("/v1/reports/II.06a?from=2024-01-01&to=2024-03-31");
  for (const Place& place : places) {
    const auto row = std::ranges::find_if(
        report.at("rows"), [&](const json& one) { return one.at("name") == place.field; });
    ASSERT_NE(row, report.at("rows").end()) << place.field;
    EXPECT_EQ(row->at("ratios").at(place.ratio),
              (json{{"part", place.part}, {"whole", place.whole}, {"percent", place.percent}}))
        << place.field;
  }
  EXPECT_EQ(report.at("rounding"), (json{{"rule", "half-up"}, {"decimals", 2}}));
  const json cut =
      get("/v1/reports/II.06a?from=2024-01-01&to=2024-03-31&rounding=truncate&decimals=1");
  EXPECT_EQ(cut.at("rows")[0].at("ratios").at("digitisation").at("percent"), "93.4");
}

TEST_F(ApiReports, SaysWhatHasChangedSinceAReportWasSaved) {
  start();
  clock_.time = *parse_time("2023-04-05T08:00:00+07:00");
  Lines lines("H47.12");
  lines.add("counter", "2023-01-10", "2023-01-20", "2023-01-15");
  lines.add("counter", "2023-01-10", "2023-01-20", "");
  takes(lines);
  const std::string path = "/v1/reports/II.06a";
  const std::string query = "?from=2023-01-01&to=2023-03-31";
  get(path + "/diff" + query, 404);
  const json saved = post(path + "/save" + query, json::object());
  EXPECT_TRUE(saved.at("saved"));
  json same = get(path + "/diff" + query);
  EXPECT_TRUE(same.at("cells").empty());
  EXPECT_TRUE(same.at("dossiers").empty());
  // It becomes known later that one was finished in time, and of one more.
  apply(R"({"op":"set","code":"H47.12-220101-0002","fields":{"status":"done"},)"
        R"("event":{"at":"2023-01-18T09:00:00+07:00","action":"finish"}})"
        "\n"
        R"({"op":"create","dossier":{"code":"H47.12-220101-0003","field":"Đất đai",)"
        R"("channel":"online","received_at":"2023-03-30T09:00:00+07:00","status":"accepted"}})"
        "\n");
  const json found = get(path + "/diff" + query);
  ASSERT_EQ(found.at("dossiers").size(), 2U);
  EXPECT_EQ(found.at("dossiers")[0].at("code"), "H47.12-220101-0002");
  EXPECT_EQ(found.at("dossiers")[0].at("before").at("outcome"), 13);
  EXPECT_EQ(found.at("dossiers")[0].at("after").at("outcome"), 8);
  EXPECT_EQ(found.at("dossiers")[0].at("by"), "H47.12");
  EXPECT_TRUE(found.at("dossiers")[1].at("before").is_null());
  EXPECT_EQ(found.at("before").at("columns").at("3"), 2);
  EXPECT_EQ(found.at("after").at("columns").at("3"), 3);
  bool total_seen = false;
  for (const json& cell : found.at("cells"))
    total_seen |= cell == json{{"row", "total"}, {"column", 13}, {"before", 1}, {"after", 0}};
  EXPECT_TRUE(total_seen) << found.at("cells").dump();
}

TEST_F(ApiReports, NamesTheAgenciesWhoseDataHasNotArrived) {
  start();
  NeighbourStatus commune;
  commune.agency = commune_;
  commune.caught_up_at = *parse_time("2023-03-20T10:00:00+07:00");
  links_.list.push_back(commune);
  clock_.time = *parse_time("2023-04-05T08:00:00+07:00");
  const std::string path = "/v1/reports/II.06b?from=2023-01-01&to=2023-03-";
  json arrival = get(path + "31").at("arrival");
  EXPECT_EQ(arrival.at("behind"), 1);
  ASSERT_EQ(arrival.at("agencies").size(), 2U);
  EXPECT_EQ(arrival.at("agencies")[0].at("known_by"), "self");
  EXPECT_EQ(arrival.at("agencies")[1].at("agency"), "H47.12.05");
  EXPECT_EQ(arrival.at("agencies")[1].at("until"), "2023-03-20T10:00:00+07:00");
  EXPECT_EQ(arrival.at("agencies")[1].at("known_by"), "caught-up");
  arrival = get(path + "15").at("arrival");  // a period before that is complete
  EXPECT_EQ(arrival.at("behind"), 0);
}

TEST_F(ApiReports, LateDossiersByWhoHoldsThem) {
  start();
  clock_.time = *parse_time("2023-04-05T08:00:00+07:00");
  Lines lines("H47.12");
  lines.add("counter", "2023-01-10", "2023-01-20", "");
  lines.add("counter", "2023-01-10", "2023-01-20", "2023-02-01");
  takes(lines);
  const json report = get("/v1/reports/II.07a?from=2023-01-01&to=2023-03-31");
  ASSERT_EQ(report.at("rows").size(), 1U);
  EXPECT_EQ(report.at("rows")[0].at("key"), "H47.12");
  EXPECT_EQ(report.at("rows")[0].at("late").at("no_apology"), 1);
  EXPECT_EQ(report.at("rows")[0].at("late").at("open_no_apology"), 1);
  EXPECT_FALSE(report.at("reasons_known").get<bool>());
}

TEST_F(ApiReports, RefusesWhatItCannotAnswer) {
  start();
  get("/v1/reports/II.99?from=2023-01-01&to=2023-03-31", 404);
  get("/v1/reports/II.06a?from=2023-01-01", 400);
  get("/v1/reports/II.06a?from=2023-02-30&to=2023-03-31", 400);
  get("/v1/reports/II.06a?from=2023-04-01&to=2023-03-31", 400);
  get("/v1/reports/II.06a?from=2023-01-01&to=2023-03-31&by=street", 400);
  get("/v1/reports/II.06b?from=2023-01-01&to=2023-03-31&by=field", 400);
  get("/v1/reports/II.06a?from=2023-01-01&to=2023-03-31&agency=H99", 400);
  get("/v1/reports/II.06a?from=2023-01-01&to=2023-03-31&rounding=up", 400);
  for (const char* cell : {"", "total", "total:2", "total:14", "Hộ tịch:x"})
    get("/v1/reports/II.06a/dossiers?from=2023-01-01&to=2023-03-31&cell=" +
            httplib::detail::encode_query_param(cell),
        400);
}

TEST_F(Api, ListsOfDossiersReadTheNewestWordAndKeepToTheirLimit) {
  start();
  Lines lines("H47.12");
  for (int i = 0; i < 40; ++i) lines.add("counter", "2023-03-01", "2023-03-20", "");
  for (const json& answer : apply(lines.text())) ASSERT_FALSE(answer.contains("error"));
  EXPECT_EQ(get_lines("/v1/dossiers?limit=3").size(), 3U);
  const auto first = get_lines("/v1/dossiers?limit=5&late=1");
  ASSERT_EQ(first.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(first[i].at("code"), "H47.12-220101-000" + std::to_string(i + 1));
  apply(R"({"op":"set","code":"H47.12-220101-0001","fields":{"status":"done",)"
        R"("finished_at":"2023-03-19T08:00:00+07:00"}})"
        "\n");
  EXPECT_EQ(get_lines("/v1/dossiers?limit=1&late=1")[0].at("code"), "H47.12-220101-0002");
  EXPECT_EQ(get_lines("/v1/dossiers?status=done").size(), 1U);
  apply(R"({"op":"set","code":"H47.12-220101-0007","fields":{"summary":"Cấp bản sao trích lục"}})"
        "\n");
  EXPECT_EQ(get_lines("/v1/dossiers?text=ban%20sao").size(), 1U);
}

}  // namespace
}  // namespace lienthong::agent
