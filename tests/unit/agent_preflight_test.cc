// What is found before a machine is set up, and where a new office listens.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "agent/config/config.h"
#include "agent/config/preflight.h"
#include "protocol/enrolment/token.h"
#include "tests/support/deployment.h"

namespace lienthong::agent {
namespace {

namespace fs = std::filesystem;

constexpr UnixMillis kDay = 24LL * 3600 * 1000;
constexpr UnixMillis kToday = kReleasedAfter + 400 * kDay;

class GivenClock final : public WallClock {
 public:
  UnixMillis now() const override { return time; }
  Instant monotonic() const override { return Instant(); }
  UnixMillis time = kToday;
};

class Preflight : public ::testing::Test {
 protected:
  Preflight() {
    std::string pattern = (fs::temp_directory_path() / "lt-preflight-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = pattern;
    place_.data_dir = folder_ / "data";
  }
  ~Preflight() override {
    for (const int fd : held_) ::close(fd);
    fs::remove_all(folder_);
  }
  std::string token() {
    Token out;
    out.addresses = {"127.0.0.1:7410"};
    out.expires_at = kToday + kDay;
    return encode_token(out);
  }
  // The first problem that has the words; kOk where there is none.
  testing::AssertionResult finds(Errc code, std::string_view words, std::string_view token = {}) {
    for (const Error& problem : preflight(place_, token, clock_))
      if (problem.code() == code && problem.detail().find(words) != std::string::npos)
        return testing::AssertionSuccess();
    auto out = testing::AssertionFailure() << "not found: " << words;
    for (const Error& problem : preflight(place_, token, clock_)) out << "\n" << problem.detail();
    return out;
  }
  // A port that another program has; its number.
  std::string taken_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    held_.push_back(fd);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd, 1), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    return std::to_string(ntohs(address.sin_port));
  }
  void take_socket(const fs::path& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    held_.push_back(fd);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd, 1), 0);
  }
  void settings(const std::string& text) {
    place_.settings = folder_ / "setup.toml";
    std::ofstream(place_.settings) << text;
  }
  Result<SetupOutcome> init() {
    InitRequest request;
    request.place = place_;
    request.code = "H47";
    request.name = "Tỉnh";
    request.tier = "province";
    request.passphrase = "mật khẩu";
    request.cost = {1, 8192};
    return init_deployment(request, clock_, entropy_);
  }

  fs::path folder_;
  SetupPlace place_;
  GivenClock clock_;
  SystemEntropy entropy_;
  std::vector<int> held_;
};

TEST_F(Preflight, FindsNothingWhereNothingIsWrong) {
  place_.listen = {"127.0.0.1:0"};
  EXPECT_TRUE(preflight(place_, token(), clock_).empty());
  EXPECT_FALSE(fs::exists(place_.data_dir));  // and has touched nothing
}

TEST_F(Preflight, NamesEachProblemWithItsRemedyAllAtOnce) {
  clock_.time = kReleasedAfter - kDay;
  const std::string port = taken_port();
  place_.listen = {"127.0.0.1:" + port, "no port"};
  fs::create_directories(place_.data_dir);
  std::ofstream(place_.data_dir / "agent.toml") << "x";
  take_socket(place_.data_dir / "agent.sock");
  EXPECT_TRUE(finds(Errc::kInvalidArgument, "timedatectl"));
  EXPECT_TRUE(finds(Errc::kBusy, "port " + port + " is taken"));
  EXPECT_TRUE(finds(Errc::kMalformed, "host:port"));
  EXPECT_TRUE(finds(Errc::kConflict, "is not empty"));
  EXPECT_TRUE(finds(Errc::kBusy, "an agent answers"));
  EXPECT_TRUE(finds(Errc::kMalformed, "lt1-", "hello"));
  EXPECT_EQ(preflight(place_, "hello", clock_).size(), 6U);
  EXPECT_EQ(preflight(place_, "hello", clock_, ClockLook::kTaken).size(), 5U);
}

TEST_F(Preflight, TellsATokenPastItsDayFromAClockThatIsWrong) {
  const std::string given = token();
  clock_.time =
      kToday + kDay + kDay / 2;  // a clock may be wrong by a day: the office above decides
  EXPECT_TRUE(preflight(place_, given, clock_).empty());
  clock_.time = kToday + 3 * kDay;
  EXPECT_TRUE(finds(Errc::kExpired, "set the clock if it is wrong", given));
}

TEST_F(Preflight, AFolderThatTakesNothingIsSaid) {
  place_.data_dir = "/proc/lienthong";
  EXPECT_FALSE(preflight(place_, {}, clock_).empty());
}

TEST_F(Preflight, AnOfficeThatOthersJoinListensAndMayBeToldNotTo) {
  const auto outcome = init();
  ASSERT_TRUE(outcome.ok()) << outcome.error().detail();
  EXPECT_EQ(outcome->listen, std::vector<std::string>{std::string(kDefaultListen)});
  place_.data_dir = folder_ / "other";
  place_.listen = {"none"};
  const auto silent = init();
  ASSERT_TRUE(silent.ok()) << silent.error().detail();
  EXPECT_TRUE(silent->listen.empty());
  EXPECT_TRUE(load_config(silent->config).config.listen.empty());
}

TEST_F(Preflight, ANewOfficeBeginsWithTheSettingsOfItsMachine) {
  settings("listen = [\"127.0.0.1:7499\"]\n[link]\nbudget_mb_per_day = 50\n");
  const auto outcome = init();
  ASSERT_TRUE(outcome.ok()) << outcome.error().detail();
  const ConfigReading reading = load_config(outcome->config);
  EXPECT_TRUE(reading.mistakes.empty()) << reading.report("agent.toml");
  EXPECT_EQ(reading.config.link.budget_mb_per_day, 50U);
  EXPECT_EQ(reading.config.listen, std::vector<std::string>{"127.0.0.1:7499"});
  EXPECT_EQ(reading.config.data_dir, place_.data_dir);
}

TEST_F(Preflight, AMistakeInTheSettingsIsNamedWithItsLineAndNothingIsSetUp) {
  settings("[link]\nbudget_mb_per_dy = 50\n");
  const auto outcome = init();
  ASSERT_FALSE(outcome.ok());
  EXPECT_NE(outcome.error().detail().find("setup.toml:2: "), std::string::npos)
      << outcome.error().detail();
  EXPECT_FALSE(fs::exists(place_.data_dir / "agent.toml"));
}

}  // namespace
}  // namespace lienthong::agent
