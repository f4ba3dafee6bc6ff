// Callers that say nothing, drip, or do not take their answers: the next call is answered all the
// same, and they have an end.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

#include "agent/api/gate.h"
#include "agent/api/request_bytes.h"
#include "tests/unit/agent_api_fixture.h"

namespace lienthong::agent {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::string_view kHalf = "GET /v1/status HTTP/1.1\r\nX: ";
constexpr const char* kCreate = R"({"op":"create","dossier":{"summary":"Cấp bản sao"}})";
constexpr milliseconds kEnough{60'000};  // for what comes, however busy the machine is

class Callers {
 public:
  ~Callers() {
    for (const int fd : fds_) ::close(fd);
  }
  void to_unix(const std::string& path, std::string_view said) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    open(AF_UNIX, reinterpret_cast<const sockaddr*>(&to), sizeof to, said);
  }
  void to_tcp(int port, std::string_view said) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    open(AF_INET, reinterpret_cast<const sockaddr*>(&to), sizeof to, said);
  }
  void say(std::string_view text) {
    for (const int fd : fds_) (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
  }
  // How many of them the server has ended within that time.
  std::size_t ended(milliseconds within) { return heard(within, 0); }
  std::size_t answered(milliseconds within) { return heard(within, 1); }
  std::size_t size() const { return fds_.size(); }
  // Whether the server has ended none of them, whatever it has sent them.
  bool all_there() const {
    return std::ranges::none_of(fds_, [](int fd) {
      pollfd one{fd, POLLRDHUP, 0};
      return ::poll(&one, 1, 0) > 0;
    });
  }

 private:
  std::size_t heard(milliseconds within, ssize_t wanted) {
    const auto until = Clock::now() + within;
    std::size_t count = 0;
    for (const int fd : fds_) {
      pollfd one{fd, POLLIN, 0};
      const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
      char byte = 0;
      if (::poll(&one, 1, static_cast<int>(std::max<long>(left.count(), 0))) > 0 &&
          std::max<ssize_t>(::recv(fd, &byte, 1, MSG_DONTWAIT), 0) == wanted)
        ++count;
    }
    return count;
  }
  void open(int family, const sockaddr* to, socklen_t size, std::string_view said) {
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(fd, to, size), 0);
    ASSERT_EQ(::send(fd, said.data(), said.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(said.size()));
    fds_.push_back(fd);
  }
  std::vector<int> fds_;
};

class SlowCallers : public Api {
 protected:
  // A call that is answered while all callers of that kind are still there has waited for none of
  // them. On a busy machine their time may run out first, so others come then; a call that has to
  // wait for them comes after their end each time.
  static void beside(const std::function<void(Callers&)>& come, const std::function<void()>& call) {
    constexpr int kTries = 5;
    for (int i = 0; i < kTries; ++i) {
      Callers callers;
      come(callers);
      call();
      if (callers.all_there()) return;
    }
    ADD_FAILURE() << "no call was answered before those who came first had been ended";
  }
  void start_tcp() {
    config_.token_file = (folder_ / "token").string();
    std::ofstream(config_.token_file) << "0123456789abcdef\n";
    ::chmod(config_.token_file.c_str(), 0600);
    config_.listen = "127.0.0.1:0";
    start();
  }
};

TEST_F(SlowCallers, SilentAndHalfCallsHoldNobodyUp) {
  start();
  const auto come = [this](Callers& slow) {
    for (int i = 0; i < 100; ++i) slow.to_unix(config_.socket, "");
    for (int i = 0; i < 60; ++i) slow.to_unix(config_.socket, kHalf);
    for (int i = 0; i < 60; ++i)
      slow.to_unix(config_.socket, "POST /v1/operations HTTP/1.1\r\nContent-Length: 900\r\n\r\n{");
  };
  const auto look = [this] { get("/v1/status"); };
  const auto write = [this] { EXPECT_EQ(apply(kCreate).at(0).at("ok"), true); };
  beside(come, look);
  beside(come, write);
  beside(
      [&](Callers& slow) {
        come(slow);
        look();
        slow.say(" ");
      },
      write);
  Callers silent, half;
  for (int i = 0; i < 100; ++i) silent.to_unix(config_.socket, "");
  for (int i = 0; i < 60; ++i) half.to_unix(config_.socket, kHalf);
  look();
  half.say("a");
  EXPECT_EQ(silent.ended(kEnough), silent.size());
  EXPECT_EQ(half.ended(kEnough), half.size());
}

TEST_F(SlowCallers, TheTcpPortHasPlacesForThoseWithoutAToken) {
  start_tcp();
  Callers bodies;
  for (int i = 0; i < 40; ++i)
    bodies.to_tcp(server_->tcp_port(),
                  "POST /v1/operations HTTP/1.1\r\nContent-Length: 900000\r\n\r\n{");
  const auto come = [this](Callers& half) {
    for (int i = 0; i < 40; ++i) half.to_tcp(server_->tcp_port(), kHalf);
  };
  beside(come, [this] {
    httplib::Client with_token("127.0.0.1", server_->tcp_port());
    const auto answer =
        with_token.Get("/v1/status", {{"Authorization", "Bearer 0123456789abcdef"}});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
  });
  // What has no token is answered without its body.
  EXPECT_EQ(bodies.answered(kEnough), bodies.size());
  beside(come, [this] {
    httplib::Client without("127.0.0.1", server_->tcp_port());
    const auto answer = without.Post("/v1/operations", "{}", "application/json");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 401);
  });
}

TEST_F(SlowCallers, AnswersThatNobodyTakesHoldNoThread) {
  start();
  std::string lines;
  for (int i = 0; i < 400; ++i)
    lines += R"({"op":"create","dossier":{"summary":")" + std::string(3'000, 'x') + "\"}}\n";
  for (const json& answer : apply(lines)) ASSERT_EQ(answer.at("ok"), true);
  beside(
      [this](Callers& readers) {
        for (int i = 0; i < 60; ++i)
          readers.to_unix(config_.socket, "GET /v1/export HTTP/1.1\r\nHost: x\r\n\r\n");
      },
      [this] {
        get("/v1/status");
        EXPECT_EQ(apply(kCreate).at(0).at("ok"), true);
      });
}

TEST_F(SlowCallers, BodiesOfEveryFormAreTakenWhole) {
  start();
  const std::string line = R"({"op":"create","dossier":{"summary":")" + std::string(20'000, 'x');
  const auto chunked = client()->Post(
      "/v1/operations",
      [&](std::size_t offset, httplib::DataSink& sink) {
        if (offset < line.size()) return sink.write(line.data(), line.size());
        sink.write("\"}}", 3);
        sink.done();
        return true;
      },
      "application/json");
  ASSERT_TRUE(chunked);
  EXPECT_EQ(json::parse(chunked->body).at("ok"), true);
  const auto expected = client()->Post("/v1/operations", {{"Expect", "100-continue"}},
                                       line + "\"}}", "application/json");
  ASSERT_TRUE(expected);
  EXPECT_EQ(json::parse(expected->body).at("ok"), true);
  const auto large = client()->Post("/v1/operations", std::string(9U << 20, 'x'), "text/plain");
  ASSERT_TRUE(large);
  EXPECT_EQ(large->status, 413);
}

TEST(RequestBytes, FindsTheEndOfARequestHoweverItComes) {
  const std::string wholes[] = {
      "GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
      "POST / HTTP/1.1\r\ncontent-length:0\r\nExpect: 100-Continue\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n"
      "0\r\nTrailer: x\r\n\r\n"};
  for (const std::string& whole : wholes) {
    RequestBytes request;
    bool head = false;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      request.bytes += whole[i];
      if (!head && request.look_for_head()) {
        head = true;
        EXPECT_EQ(request.head_done(), whole.find("Expect") != std::string::npos);
      }
      EXPECT_EQ(head && request.body_done(), i + 1 == whole.size()) << whole << " " << i;
    }
  }
}

TEST(RequestBytes, EndsWhatCannotBeRead) {
  for (const char* tail : {"Content-Length: -1\r\n\r\n", "Content-Length: 5x\r\n\r\n",
                           "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                           "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"}) {
    RequestBytes request;
    request.bytes = std::string("POST / HTTP/1.1\r\n") + tail;
    ASSERT_TRUE(request.look_for_head());
    request.head_done();
    EXPECT_TRUE(request.body_done()) << tail;
  }
  RequestBytes huge;
  huge.bytes = "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n";
  ASSERT_TRUE(huge.look_for_head());
  huge.head_done();
  EXPECT_TRUE(huge.body_too_long(1U << 20));
}

}  // namespace
}  // namespace lienthong::agent
