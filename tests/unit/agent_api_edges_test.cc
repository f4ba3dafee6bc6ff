// What comes in at the edge of the API as people and their programs write it, and what several of
// them do to one record at once.
#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/agent_api_fixture.h"

namespace lienthong::agent {
namespace {

class ApiEdges : public Api {
 protected:
  ApiEdges() { start(); }
  std::string receive(const std::string& fields = R"("applicant":{"name":"Lò Thị Mẫu"})") {
    const auto answers = apply(R"({"op":"create","dossier":{)" + fields + "}}");
    return answers.empty() ? "" : answers.front().value("code", answers.front().dump());
  }
  json one(const std::string& line, const std::string& query = {}) {
    const auto answer = client()->Post("/v1/operations" + query, line, "application/x-ndjson");
    return answer ? json::parse(answer->body, nullptr, false) : json();
  }
  static std::string refusal(const json& answer) {
    return answer.contains("error") ? answer["error"].value("message", "") : "";
  }
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
};

TEST_F(ApiEdges, KeepTextInOneFormAndCodesWithoutBlanks) {
  const std::string code = receive(
      "\"code\":\" H47.12\u2013240401-0906\u200B\",\"procedure\":\"1.001193\u00A0\","
      "\"applicant\":{\"name\":\"\uFEFFV\u01b0\u0300\u00A0Thi\u0323 H\u01b0\u01a1\u0300ng \"},"
      "\"summary\":\"a\\u0000b\",\"received_at\":\"01/04/2023\",\"due_at\":\"05/04/2023\"");
  EXPECT_EQ(code, "H47.12-240401-0906");
  const json dossier = get("/v1/dossiers/h47.12-240401-0906%20");
  EXPECT_EQ(dossier["applicant"]["name"], "Vừ Thị Hường");
  EXPECT_EQ(dossier["procedure"], "1.001193");
  EXPECT_EQ(dossier["summary"], "ab");
  EXPECT_EQ(dossier["received_at"], "2023-04-01T00:00:00+07:00");
  EXPECT_EQ(dossier["due_at"], "2023-04-05T17:00:00+07:00");
  EXPECT_EQ(get_lines("/v1/dossiers?holder=h47.12&since=2020-01-01").size(), 1U);
}

TEST_F(ApiEdges, FindWhoByWhatTheyBring) {
  const std::string code =
      receive(R"("applicant":{"name":"Lò Thị Hoà","id_number":"049 000 000 031",)"
              R"("phone":"+84 900.000.031"})");
  receive(R"("applicant":{"name":"Vàng Thị Hai","id_number":"049000000032"})");
  for (const char* text :
       {"049000000031", "049%20000%20000%20031", "0900000031", "%2B84900000031",
        "0084%20900%20000%20031", "l%C3%B2%20th%E1%BB%8B%20%20h%C3%B2a", "0001"}) {
    const auto found = get_lines(std::string("/v1/dossiers?text=") + text);
    ASSERT_EQ(found.size(), 1U) << text;
    EXPECT_EQ(found[0]["code"], code);
  }
  apply(R"({"op":"set","code":")" + code + R"(","fields":{"applicant":{"phone":"0911111111"}}})");
  EXPECT_TRUE(get_lines("/v1/dossiers?text=0900000031").empty());
  EXPECT_EQ(get_lines("/v1/dossiers?text=0911111111").size(), 1U);
}

TEST_F(ApiEdges, DateAReceptionThatIsSaidWithoutAMoment) {
  const std::string code = receive(R"("summary":"x","status":"accepted")");
  EXPECT_EQ(get("/v1/dossiers/" + code)["received_at"], "2023-04-01T07:00:00+07:00");
}

TEST_F(ApiEdges, NameTheMethodsOfAnAddress) {
  const auto removed = client()->Delete("/v1/status");
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->status, 405);
  EXPECT_EQ(removed->get_header_value("Allow"), "GET, HEAD");
  const auto put = client()->Put("/v1/operations", "{}", "application/json");
  ASSERT_TRUE(put);
  EXPECT_EQ(put->status, 405) << put->body;
  EXPECT_EQ(put->get_header_value("Allow"), "POST");
  EXPECT_EQ(client()->Get("/v1/nothing")->status, 404);
}

TEST_F(ApiEdges, AnnulAReceptionMadeByMistakeWithItsReason) {
  const std::string code = receive();
  const std::string line = R"({"op":"set","code":")" + code + R"(","fields":{"status":"refused"})";
  EXPECT_TRUE(has(refusal(one(line + "}")), "needs an event with a note"));
  EXPECT_TRUE(one(line + R"(,"event":{"note":"nhập nhầm"}})").value("ok", false));
  EXPECT_EQ(get("/v1/dossiers/" + code)["status"], "refused");
  const auto lines = [&] {
    return get_lines("/v1/reports/II.06a/dossiers?from=2023-04-01&to=2023-04-01&cell=total:3")
        .size();
  };
  EXPECT_EQ(lines(), 0U);
  receive();
  EXPECT_EQ(lines(), 1U);
}

TEST_F(ApiEdges, ListNumbersThatASpreadsheetSpoilt) {
  for (const char* id : {"4.9E+10", "04900000000", "049000000001", "012345678", "B1234567"})
    receive(std::string(R"("applicant":{"name":"A","id_number":")") + id + "\"}");
  for (const char* phone : {"900000001", "9E+08", "0900000001", "+84900000001", "+1 202 555 0100"})
    receive(std::string(R"("applicant":{"name":"A","phone":")") + phone + "\"}");
  const json counts = post("/v1/verify", json::object())["data"]["counts"];
  EXPECT_EQ(counts["id-number-unusual"], 2);
  EXPECT_EQ(counts["phone-unusual"], 2);
}

TEST_F(ApiEdges, GiveNumbersBeyondNineHundredAndNinetyNine) {
  std::string body;
  for (int i = 0; i < 1001; ++i)
    body += R"({"op":"create","dossier":{"summary":"x"}})"
            "\n";
  const auto answers = apply(body);
  ASSERT_EQ(answers.size(), 1001U);
  EXPECT_EQ(answers[998].value("code", ""), "H47.12-230401-0999");
  EXPECT_EQ(answers[999].value("code", ""), "H47.12-230401-101000");
  EXPECT_EQ(answers[1000].value("code", ""), "H47.12-230401-101001");
}

TEST_F(ApiEdges, GiveNoNumberToWhatSaysNothing) {
  for (const char* line :
       {R"({"op":"create","dossier":{}})", R"({"op":"create","dossier":{"channel":"counter"}})",
        R"({"op":"create","dossier":{"applicant":{"name":" "},"status":"accepted"}})",
        R"({"op":"create","dossier":{"code":"H47.12-230401-0001","unit":"Một cửa"}})"})
    EXPECT_TRUE(has(refusal(one(line)), "no number is given")) << line;
  EXPECT_EQ(update_count(), 0U);
  server_.reset();
  config_.needs = {true, true};
  start();
  EXPECT_TRUE(has(refusal(one(R"({"op":"create","dossier":{"procedure":"1.1"}})")), "who applies"));
  EXPECT_TRUE(has(refusal(one(R"({"op":"create","dossier":{"applicant":{"name":"A"}}})")),
                  "what is applied for"));
  EXPECT_FALSE(receive(R"("applicant":{"name":"A"},"procedure":"1.1")").empty());
}

TEST_F(ApiEdges, TakeWhatSaysWhoOrForWhatInAnyWay) {
  for (const char* said :
       {R"("procedure":"1.1","field":"Tư pháp","unit":"Một cửa")", R"("procedure_name":"x")",
        R"("summary":"x")", R"("components":[{"name":"x"}])", R"("applicant":{"name":"A"})",
        R"("applicant":{"id_number":"049000000001"})", R"("applicant":{"phone":"0900000001"})",
        R"("applicant":{"email":"a@example.vn"})",
        R"("field":"Tư pháp","unit":"Một cửa","channel":"online")"})
    EXPECT_FALSE(receive(said).empty()) << said;
  server_.reset();
  config_.needs = {false, true};
  start();
  EXPECT_TRUE(
      has(refusal(one(R"({"op":"create","dossier":{"field":"Tư pháp"}})")), "what is applied for"));
}

TEST_F(ApiEdges, TellWhatDiffersUnderAKnownKey) {
  const std::string first =
      R"({"op":"create","key":"import A","dossier":{"code":"H47.12-240403-0901",)"
      R"("received_at":"2023-04-01T08:00:00","applicant":{"name":"Lò Văn Một"}}})";
  std::string second = first;
  second.replace(second.find("Lò Văn Một"), std::string("Lò Văn Một").size(), "Vàng Thị Hai");
  const auto answers = apply(first + "\n" + second + "\n" + first + "\n");
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_TRUE(answers[0].value("ok", false));
  const std::string why = refusal(answers[1]);
  EXPECT_TRUE(has(why, "H47.12-240403-0901")) << why;
  EXPECT_TRUE(has(why, "applicant.name: \"Lò Văn Một\", now \"Vàng Thị Hai\"")) << why;
  EXPECT_TRUE(answers[2].value("repeated", false));
}

TEST_F(ApiEdges, JudgeADryRunAsTheRealOne) {
  const std::string body =
      R"({"op":"create","key":"a","dossier":{"code":"H47.12-240403-0901","summary":"một"}})"
      "\n"
      R"({"op":"create","key":"b","dossier":{"code":"H47.12-240403-0901","summary":"hai"}})"
      "\n"
      R"({"op":"set","code":"H47.12-240403-0901","fields":{"status":"returned"}})"
      "\n"
      R"({"op":"set","code":"H47.12-240403-0901","fields":{"status":"processing"}})"
      "\n{broken\n"
      R"({"op":"create","dossier":{"summary":"ba"}})"
      "\n";
  const auto tried = apply(body, "?dry_run=1");
  EXPECT_EQ(update_count(), 0U);
  EXPECT_TRUE(get_lines("/v1/dossiers").empty());
  const auto done = apply(body);
  ASSERT_EQ(tried.size(), done.size());
  for (std::size_t i = 0; i < done.size(); ++i) {
    EXPECT_EQ(tried[i]["ok"], done[i]["ok"]) << i;
    EXPECT_EQ(refusal(tried[i]).substr(0, 30), refusal(done[i]).substr(0, 30));
  }
  EXPECT_EQ(done.back()["code"], "H47.12-230401-0001");  // a dry run gives no number out
}

TEST_F(ApiEdges, LoseNoEntryOfThoseWhoAddAtOnce) {
  std::vector<std::string> codes;
  for (int i = 0; i < 8; ++i) codes.push_back(receive());
  std::vector<std::thread> writers;
  std::atomic<int> added{0};
  for (int writer = 0; writer < 8; ++writer)
    writers.emplace_back([&, writer] {
      for (const std::string& code : codes) {
        const json answer =
            one(R"({"op":"add","code":")" + code + R"(","component":{"name":"Trang )" +
                std::to_string(writer) + R"(","digest":"0)" + std::to_string(writer) + R"("}})");
        added += answer.value("ok", false) ? 1 : 0;
      }
    });
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(added, 64);
  std::size_t named = 0;
  for (const std::string& code : codes) named += get("/v1/dossiers/" + code)["components"].size();
  EXPECT_EQ(named, 64U);
}

TEST_F(ApiEdges, ChangeOneEntryOfAList) {
  const std::string code = receive(
      R"("applicant":{"name":"A"},"components":[{"name":"Tờ khai"},{"name":"Ảnh","digest":"00"}])");
  const auto change = [&](const std::string& line) {
    return one(R"({"code":")" + code + "\"," + line + "}");
  };
  // A file goes to the entry that waits for it, then to one of its own.
  change(R"("op":"add","component":{"name":"Tờ khai","digest":"11"})");
  change(R"("op":"add","component":{"name":"Tờ khai","digest":"22"})");
  json list = get("/v1/dossiers/" + code)["components"];
  ASSERT_EQ(list.size(), 3U) << list;
  EXPECT_EQ(list[0]["digest"], "11");
  EXPECT_EQ(list[2]["digest"], "22");
  EXPECT_TRUE(has(refusal(change(R"("op":"remove","component":"Tờ khai")")), "several entries"));
  EXPECT_TRUE(has(refusal(change(R"("op":"remove","component":"Đơn")")), "no entry \"Đơn\""));
  EXPECT_TRUE(change(R"("op":"remove","component":3)").value("ok", false));
  EXPECT_TRUE(
      change(R"("op":"replace","at":"anh","component":{"name":"Ảnh 3×4"})").value("ok", false));
  list = get("/v1/dossiers/" + code)["components"];
  ASSERT_EQ(list.size(), 2U) << list;
  EXPECT_EQ(list[1]["name"], "Ảnh 3×4");
  EXPECT_FALSE(list[1].contains("digest"));

  change(R"("op":"add","fee":{"name":"Lệ phí","amount":8000})");
  change(R"("op":"replace","fee":{"name":"Lệ phí","amount":9000})");
  change(R"("op":"add","answer":{"question":"Hài lòng?","score":5})");
  json dossier = get("/v1/dossiers/" + code);
  EXPECT_EQ(dossier["fees"], json::parse(R"([{"name":"Lệ phí","amount":9000}])"));
  EXPECT_EQ(dossier["survey"].size(), 1U);
  change(R"("op":"remove","fee":1)");
  EXPECT_FALSE(get("/v1/dossiers/" + code).contains("fees"));
  EXPECT_TRUE(
      has(refusal(change(R"("op":"add","fee":{"name":"x"},"answer":{})")), "one entry of one"));
  EXPECT_TRUE(has(refusal(change(R"("op":"add")")), "missing"));
}

TEST_F(ApiEdges, TellTheSecondOfTwoWhoChangeOneDossier) {
  const std::string code = receive();
  const auto answer = client()->Get("/v1/dossiers/" + code);
  ASSERT_TRUE(answer);
  const std::string tag = answer->get_header_value("ETag");
  const std::string revision = json::parse(answer->body)["revision"];
  EXPECT_EQ(tag, "\"" + revision + "\"");
  const auto set = [&](const std::string& unit) {
    return client()->Post(
        "/v1/operations", {{"If-Match", tag}},
        R"({"op":"set","code":")" + code + R"(","fields":{"unit":")" + unit + "\"}}",
        "application/x-ndjson");
  };
  const auto first = set("Phòng A"), second = set("Phòng B");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->status, 200);
  EXPECT_EQ(second->status, 412);
  EXPECT_TRUE(has(second->body, "has been changed since")) << second->body;
  const json now = get("/v1/dossiers/" + code);
  EXPECT_EQ(now["unit"], "Phòng A");
  EXPECT_EQ(now["revision"], json::parse(first->body)["revision"]);
  const std::string line =
      R"({"op":"set","code":")" + code + R"(","fields":{"unit":"C"},"revision":")";
  EXPECT_FALSE(one(line + revision + "\"}").value("ok", true));
  EXPECT_TRUE(one(line + std::string(now["revision"]) + "\"}").value("ok", false));
}

}  // namespace
}  // namespace lienthong::agent
