// An agent's API over a real replica and engine, with links that say what the test wants.
#pragma once

#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "agent/api/server.h"
#include "store/office/projections.h"
#include "tests/support/offices.h"

namespace lienthong::agent {

using nlohmann::json;

class FakeLinks final : public Links {
 public:
  std::vector<NeighbourStatus> neighbours() const override { return list; }
  std::vector<RefusedPeer> refused_peers() const override {
    return {{"10.0.0.9:1", "wrong-root", 1'680'307'200'000, 3}};
  }
  void sync_now() override { ++syncs; }
  void compare(const AgencyId&, std::function<void(const Comparison&)> done) override {
    done(comparison);
  }
  Comparison comparison;
  std::vector<std::string> listen_addresses() const override { return {"127.0.0.1:7410"}; }
  std::optional<BudgetStatus> budget() const override { return day; }
  void people_here() override { ++people; }
  std::vector<NeighbourStatus> list;
  std::optional<BudgetStatus> day;
  std::atomic<int> syncs{0}, people{0};
};

class SetClock final : public WallClock {
 public:
  UnixMillis now() const override { return time; }
  Instant monotonic() const override { return Instant(); }
  std::atomic<UnixMillis> time{1'680'307'200'000};  // 2023-04-01T07:00:00+07:00
};

inline std::vector<json> lines_of(const std::string& body) {
  std::vector<json> out;
  std::istringstream in(body);
  for (std::string line; std::getline(in, line);) out.push_back(json::parse(line));
  return out;
}

// The district's agent; its parent is a neighbour that was heard two hours ago.
class Api : public ::testing::Test {
 protected:
  Api() : env_(rocksdb::NewMemEnv(rocksdb::Env::Default())), deployment_(21), entropy_(22) {
    province_ = deployment_.add_agency({}, "H47", "Tỉnh Quảng Nam", "province");
    deployment_.add_node(province_, true);
    district_ = deployment_.add_agency(province_, "H47.12", "Huyện Phú Ninh", "district");
    const test::TestNode& node = deployment_.add_node(district_, true);
    commune_ = deployment_.add_agency(district_, "H47.12.05", "Xã Tam Dân", "commune");
    std::string pattern = (std::filesystem::temp_directory_path() / "lt-api-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = pattern;
    engine_ = std::make_unique<Engine>(open_replica(node), clock_, loop_.get_executor());
    config_.socket = (folder_ / "agent.sock").string();
    config_.program_version = "1.2.3";
    config_.started_at = clock_.now();
    config_.entropy = &entropy_;
    config_.recent_log = [](std::size_t) {
      return std::vector<ApiLogLine>{{1'680'307'200'000, "info", "started"}};
    };
    NeighbourStatus parent;
    parent.agency = province_;
    parent.last_contact = clock_.now() - 7'200'000;
    parent.next_attempt = clock_.now() + 30'000;
    parent.address = "10.20.0.1:7410";
    links_.list = {parent};
  }
  ~Api() override {
    server_.reset();
    engine_->stop();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<store::Replica> open_replica(const test::TestNode& node) {
    store::Identity identity(node.key);
    identity.agency = node.agency;
    identity.certificate = node.certificate;
    store::Options options = store::office_options();
    options.path = "/replica";
    options.env = env_.get();
    options.entropy = &entropy_;
    options.create = true;
    auto opened = store::Replica::open(options, identity, deployment_.root());
    if (!opened.ok()) throw std::runtime_error(opened.error().message());
    if (auto done = (*opened)->bootstrap(deployment_.statements()); !done.ok())
      throw std::runtime_error(done.error().message());
    return *std::move(opened);
  }

  void start() {
    server_ = std::make_unique<ApiServer>(*engine_, links_, config_);
    const auto started = server_->start();
    ASSERT_TRUE(started.ok()) << started.error().message();
  }
  std::unique_ptr<httplib::Client> client() const {
    auto out = std::make_unique<httplib::Client>(config_.socket);
    out->set_address_family(AF_UNIX);
    out->set_read_timeout(60);
    return out;
  }
  json get(const std::string& path, int status = 200) const {
    const auto answer = client()->Get(path);
    if (!answer) return {{"no answer", to_string(answer.error())}};
    EXPECT_EQ(answer->status, status) << path << ": " << answer->body;
    return answer->body.empty() ? json() : json::parse(answer->body, nullptr, false);
  }
  std::vector<json> get_lines(const std::string& path) const {
    const auto answer = client()->Get(path);
    if (!answer || answer->status != 200) {
      ADD_FAILURE() << path << ": " << (answer ? answer->body : to_string(answer.error()));
      return {};
    }
    return lines_of(answer->body);
  }
  std::vector<json> apply(const std::string& body, const std::string& query = {}) const {
    const auto answer = client()->Post("/v1/operations" + query, body, "application/x-ndjson");
    if (!answer || answer->status != 200) {
      ADD_FAILURE() << (answer ? answer->body : to_string(answer.error()));
      return {};
    }
    return lines_of(answer->body);
  }
  json post(const std::string& path, const json& body, int status = 200) const {
    const auto answer = client()->Post(path, body.dump(), "application/json");
    if (!answer) return {{"no answer", to_string(answer.error())}};
    EXPECT_EQ(answer->status, status) << path << ": " << answer->body;
    return json::parse(answer->body);
  }
  std::uint64_t update_count() const { return engine_->replica().counts().updates; }

  std::unique_ptr<rocksdb::Env> env_;
  test::TestDeployment deployment_;
  test::SeededEntropy entropy_;
  SetClock clock_;
  asio::io_context loop_;
  FakeLinks links_;
  AgencyId province_, district_, commune_;
  std::filesystem::path folder_;
  ApiServerConfig config_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ApiServer> server_;
};

inline constexpr const char* kTwo =
    R"({"op":"create","dossier":{"code":"H47.12-230401-0002","procedure":"1.001193",)"
    R"("procedure_name":"Đăng ký khai sinh","applicant":{"name":"Đặng Thị Ánh"},)"
    R"("due_at":"2023-03-30T17:00:00+07:00"}})"
    "\n"
    R"({"op":"create","dossier":{"code":"H47.12-230401-0001","procedure":"2.000815",)"
    R"("applicant":{"name":"Nguyễn Văn An"},"summary":"Chứng thực"}})"
    "\n";

}  // namespace lienthong::agent
