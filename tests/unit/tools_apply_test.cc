#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "tools/lienthong/apply.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/file_names.h"
#include "tools/lienthong/json_items.h"

namespace lienthong::tools {
namespace {

// Takes every line but those that say "bad", as the agent's POST /v1/operations would.
class FakeAgent {
 public:
  FakeAgent() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ltXXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    server_.set_address_family(AF_UNIX);
    server_.Post("/v1/operations",
                 [this](const httplib::Request& request, httplib::Response& response) {
                   const auto atomic = request.has_param("atomic");
                   bodies_.push_back(request.body);
                   response.set_content(answer(request.body, atomic), "application/x-ndjson");
                 });
    std::promise<bool> bound;
    auto is_bound = bound.get_future();
    thread_ = std::thread([this, &bound] {
      bound.set_value(server_.bind_to_port(socket(), 80));
      server_.listen_after_bind();
    });
    is_bound.get();
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~FakeAgent() {
    server_.stop();
    thread_.join();
    std::filesystem::remove_all(folder_);
  }
  std::string socket() const { return folder_ + "/agent.sock"; }
  const std::vector<std::string>& bodies() const { return bodies_; }

 private:
  static std::string answer(const std::string& body, bool atomic) {
    std::istringstream lines(body);
    std::string line;
    std::string out;
    const bool none = atomic && body.find("bad") != std::string::npos;
    for (int number = 1; std::getline(lines, line); ++number) {
      const bool bad = line.find("bad") != std::string::npos;
      Json result{{"line", number}, {"ok", !bad && !none}};
      if (bad) result["error"] = {{"code", "malformed"}, {"message", "bad line"}};
      if (!bad && none) result["error"] = {{"code", "not-applied"}, {"message", ""}};
      out += result.dump() + "\n";
    }
    return out;
  }

  std::string folder_;
  httplib::Server server_;
  std::thread thread_;
  std::vector<std::string> bodies_;
};

std::vector<std::uint64_t> refused_lines(const ApplyOutcome& outcome) {
  std::vector<std::uint64_t> numbers;
  for (const RefusedLine& line : outcome.refused) numbers.push_back(line.line);
  return numbers;
}

using Numbers = std::vector<std::uint64_t>;

TEST(ToolsApply, CountsLinesOfTheFileAcrossBlankOnes) {
  FakeAgent agent;
  std::istringstream file("{\"n\":1}\n\n  \n{\"bad\":2}\r\n{\"n\":3}");
  const auto outcome = apply_lines(file, Client(agent.socket()), {});
  EXPECT_EQ(outcome.lines, 3U);
  EXPECT_EQ(outcome.applied, 2U);
  EXPECT_EQ(refused_lines(outcome), Numbers{4});
  EXPECT_EQ(agent.bodies().front(), "{\"n\":1}\n{\"bad\":2}\n{\"n\":3}\n");
}

TEST(ToolsApply, RefusesALineOverTheLimitAndGoesOn) {
  FakeAgent agent;
  const std::string longest(kLineBytesMax, 'x');
  std::istringstream file("{\"n\":1}\n" + longest + "y\n" + longest + "\n{\"n\":4}\n");
  const auto outcome = apply_lines(file, Client(agent.socket()), {});
  EXPECT_EQ(outcome.lines, 4U);
  EXPECT_EQ(outcome.applied, 3U);
  EXPECT_EQ(refused_lines(outcome), Numbers{2});
  EXPECT_EQ(outcome.refused.front().error["code"], "too-large");
}

TEST(ToolsApply, SendsALongFileInPartsAndKeepsItsNumbers) {
  FakeAgent agent;
  std::string text;
  for (std::size_t i = 1; i <= 2 * kPartLinesMax + 5; ++i) {
    text += i == kPartLinesMax + 7 ? "{\"bad\":0}\n" : "{\"n\":" + std::to_string(i) + "}\n";
  }
  std::istringstream file(text);
  const auto outcome = apply_lines(file, Client(agent.socket()), {});
  EXPECT_EQ(agent.bodies().size(), 3U);
  EXPECT_EQ(outcome.applied, 2 * kPartLinesMax + 4);
  EXPECT_EQ(refused_lines(outcome), Numbers{kPartLinesMax + 7});
}

TEST(ToolsApply, TellsTheSameLineInAnotherPartFromTheFirst) {
  FakeAgent agent;
  std::string text;
  for (std::size_t i = 0; i < kPartLinesMax; ++i) text += "{\"n\":" + std::to_string(i) + "}\n";
  std::istringstream file(text + "{\"n\":0}\n");
  apply_lines(file, Client(agent.socket()), {});
  ASSERT_EQ(agent.bodies().size(), 2U);
  EXPECT_TRUE(Json::parse(agent.bodies()[1]).contains("key")) << agent.bodies()[1];
}

TEST(ToolsApply, SendsNothingAtomicAfterALineThatWasRefusedHere) {
  FakeAgent agent;
  std::istringstream file("{\"n\":1}\n" + std::string(kLineBytesMax + 1, 'x') + "\n");
  ApplyOptions options;
  options.atomic = true;
  const auto outcome = apply_lines(file, Client(agent.socket()), options);
  EXPECT_TRUE(agent.bodies().empty());
  EXPECT_EQ(outcome.applied, 0U);
  EXPECT_EQ(outcome.refused.size(), 2U);
}

TEST(ToolsApply, AppliesAllOrNoneWhenAtomic) {
  FakeAgent agent;
  std::istringstream file("{\"n\":1}\n{\"bad\":2}\n");
  ApplyOptions options;
  options.atomic = true;
  const auto outcome = apply_lines(file, Client(agent.socket()), options);
  EXPECT_EQ(outcome.applied, 0U);
  EXPECT_EQ(refused_lines(outcome), (Numbers{1, 2}));
}

// ---- JSON in every shape ----

std::vector<std::string> texts_of(std::string_view text) {
  std::vector<std::string> out;
  for (const JsonItem& item : cut_json(text))
    out.push_back(std::to_string(item.line) + ":" + item.text);
  return out;
}

TEST(JsonItems, AreCutFromListsObjectsAndLines) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(texts_of("[\n  {\"a\":[1,{\"b\":\"]}\"}]},\n  {\"c\":\n2}\n]\n"),
            (Texts{"2:{\"a\":[1,{\"b\":\"]}\"}]}", "3:{\"c\": 2}"}));
  EXPECT_EQ(texts_of("\xEF\xBB\xBF{\"a\":1}\r\n\r\n{\"b\":2}"),
            (Texts{"1:{\"a\":1}", "3:{\"b\":2}"}));
  EXPECT_EQ(texts_of("{\"a\":1}\n{broken\n{\"b\":2}\n"),
            (Texts{"1:{\"a\":1}", "2:{broken", "3:{\"b\":2}"}));
  EXPECT_EQ(texts_of("{\"a\":\"x\\\"}\"}"), (Texts{"1:{\"a\":\"x\\\"}\"}"}));
  EXPECT_EQ(texts_of("[]"), Texts{});
  EXPECT_EQ(texts_of("hello\n[1]"), (Texts{"1:hello", "2:[1]"}));
}

TEST(JsonItems, TellWhichTextHasToBeCut) {
  EXPECT_TRUE(needs_cutting("  [\n{\"a\":1}]"));
  EXPECT_TRUE(needs_cutting("{\n\"a\":1}"));
  EXPECT_TRUE(needs_cutting("\xFF\xFE{"));
  EXPECT_FALSE(needs_cutting("{\"a\":1}\n{\"b\":2}\n"));
  EXPECT_FALSE(needs_cutting("{broken\n{\"b\":2}\n"));
  EXPECT_FALSE(needs_cutting(""));
}

// ---- names of files ----

TEST(FileNames, AreMadeOfNamesOfRecords) {
  const std::string docx =
      "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
  EXPECT_EQ(file_name_of("Tờ khai", "application/pdf"), "Tờ khai.pdf");
  EXPECT_EQ(file_name_of("Tờ khai.PDF", "application/pdf"), "Tờ khai.PDF");
  EXPECT_EQ(file_name_of("ảnh.jpeg", "image/jpeg"), "ảnh.jpeg");
  EXPECT_EQ(file_name_of("don", docx), "don.docx");
  EXPECT_EQ(file_name_of("QĐ 12/UBND: \"x\" <y>|*?", ""), "QĐ 12_UBND_ _x_ _y____");
  EXPECT_EQ(file_name_of("../..", ""), "_.._");
  EXPECT_EQ(file_name_of("...", "application/pdf"), "_....pdf");
  EXPECT_EQ(file_name_of("con", "text/plain"), "_con.txt");
  EXPECT_EQ(file_name_of(" \u200B", "text/plain"), "_.txt");
  EXPECT_EQ(file_name_of("To\u031B\u0300 khai", ""), "Tờ khai");
  std::string longest;
  while (longest.size() < 400) longest += "ệ";
  const std::string cut = file_name_of(longest + ".pdf", "application/pdf");
  EXPECT_LE(cut.size(), 240U);
  EXPECT_TRUE(cut.ends_with("ệ.pdf"));
  EXPECT_EQ(media_type_of("a.HEIC"), "image/heic");
  EXPECT_EQ(media_type_of("a.p7m"), "application/pkcs7-mime");
  EXPECT_EQ(media_type_of("a.unknown"), "application/octet-stream");
  EXPECT_EQ(place_in("/x", "a.pdf", [](const auto& path) { return path == "/x/a.pdf"; }),
            "/x/2-a.pdf");
}

TEST(FileNames, AFileIsThereWholeOrAsItWas) {
  std::string pattern = (std::filesystem::temp_directory_path() / "ltXXXXXX").string();
  const std::filesystem::path folder = mkdtemp(pattern.data());
  const auto content = [&] {
    std::ifstream in(folder / "out");
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const auto files = [&] { return std::distance(std::filesystem::directory_iterator(folder), {}); };
  {
    OutputFile file(folder / "out");
    file.stream() << "one";
    file.finish();
  }
  EXPECT_EQ(content(), "one");
  {
    OutputFile broken(folder / "out");
    broken.stream() << "tw";
  }
  EXPECT_EQ(content(), "one");
  std::filesystem::create_symlink(folder / "out", folder / "link");
  {
    OutputFile file(folder / "link");
    file.stream() << "three";
    file.finish();
  }
  EXPECT_EQ(content(), "three");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(files(), 2);
  EXPECT_THROW(OutputFile("/nowhere/at/all"), Failure);
  EXPECT_THROW(OutputFile{folder}, Failure);
  OutputFile device("/dev/null");
  device.stream() << "x";
  device.finish();
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace lienthong::tools
