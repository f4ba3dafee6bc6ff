// Real sockets on loopback.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "agent/net/net.h"
#include "agent/net/tcp_info.h"

namespace lienthong::agent {
namespace {

struct Pair {  // two ends of one connection
  explicit Pair(int segment_bytes = 0) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    client = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* place = reinterpret_cast<sockaddr*>(&address);
    if (segment_bytes > 0) limit_segments(client, segment_bytes);
    ready = ::bind(listener, place, size) == 0 && ::listen(listener, 1) == 0 &&
            ::getsockname(listener, place, &size) == 0 && ::connect(client, place, size) == 0;
    if (ready) server = ::accept(listener, nullptr, nullptr);
    ::close(listener);
  }
  ~Pair() {
    ::close(client);
    if (server >= 0) ::close(server);
  }
  void move(std::size_t bytes) const {
    const std::string text(bytes, 'x');
    ASSERT_EQ(::send(client, text.data(), bytes, 0), static_cast<ssize_t>(bytes));
    std::vector<char> in(bytes);
    ASSERT_EQ(::recv(server, in.data(), bytes, MSG_WAITALL), static_cast<ssize_t>(bytes));
  }
  int client = -1, server = -1;
  bool ready = false;
};

TEST(TcpInfo, CountsPayloadSegmentsAndIpBytesBothWays) {
  const Pair pair;
  ASSERT_TRUE(pair.ready);
  pair.move(3000);
  const auto out = read_tcp_info(pair.client);
  const auto in = read_tcp_info(pair.server);
  ASSERT_TRUE(out && in);
  EXPECT_EQ(out->sent, 3000U);
  EXPECT_EQ(in->received, 3000U);
  EXPECT_FALSE(out->ipv6);
  EXPECT_GE(out->segments_out, 2U);  // SYN, at least one with data
  const std::uint64_t header = out->timestamps ? 52 : 40;
  EXPECT_EQ(out->ip_bytes_out(), 3000 + out->segments_out * header);
  EXPECT_EQ(in->ip_bytes_in(), 3000 + in->segments_in * header);
  EXPECT_GT(out->min_rtt.count(), 0);
}

TEST(TcpInfo, CountsTheLargerHeadersOfIpv6) {
  TcpInfo info;
  info.sent = 100;
  info.segments_out = 3;
  EXPECT_EQ(info.ip_bytes_out(), 100U + 3 * 40);
  info.timestamps = true;
  EXPECT_EQ(info.ip_bytes_out(), 100U + 3 * 52);
  info.ipv6 = true;
  EXPECT_EQ(info.ip_bytes_out(), 100U + 3 * 72);
}

TEST(TcpInfo, TheQueueHoldsWhatTheOtherSideHasNotAcknowledged) {
  const Pair pair;
  ASSERT_TRUE(pair.ready);
  const std::string text(64 * 1024, 'x');
  std::uint64_t handed = 0;
  for (;;) {  // until the other side's buffer and our own are full
    const ssize_t size = ::send(pair.client, text.data(), text.size(), MSG_DONTWAIT);
    if (size <= 0) break;
    handed += static_cast<std::uint64_t>(size);
  }
  const std::uint64_t queue = kernel_queue_bytes(pair.client);
  EXPECT_GT(queue, 0U);
  EXPECT_LT(queue, handed);
  const auto info = read_tcp_info(pair.client);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->acknowledged + info->queue_bytes, handed + 1);  // and the SYN
}

TEST(TcpInfo, SegmentsAreLimitedBeforeConnecting) {
  const Pair pair(1100);
  ASSERT_TRUE(pair.ready);
  pair.move(5000);
  EXPECT_LE(read_tcp_info(pair.client)->segment_bytes, 1100U);
  EXPECT_LE(read_tcp_info(pair.server)->segment_bytes, 1100U);
}

TEST(TcpInfo, CongestionControlIsOfTheSocketAlone) {
  const Pair pair;
  ASSERT_TRUE(pair.ready);
  const std::string before = congestion_of(pair.server).text;
  set_congestion(pair.client, Congestion::kCubic);
  EXPECT_STREQ(congestion_of(pair.client).text, "cubic");
  set_congestion(pair.client, Congestion::kAuto);
  const std::string chosen = congestion_of(pair.client).text;
  EXPECT_TRUE(chosen == "bbr" || chosen == "cubic") << chosen;
  EXPECT_EQ(congestion_of(pair.server).text, before);
}

TEST(TcpInfo, WhatIsNoTcpSocketHasNone) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  EXPECT_FALSE(read_tcp_info(ends[0]));
  EXPECT_STREQ(congestion_of(ends[0]).text, "");
  set_congestion(ends[0], Congestion::kBbr);
  set_user_timeout(ends[0], std::chrono::seconds(20));
  EXPECT_FALSE(read_tcp_info(-1));
  EXPECT_EQ(kernel_queue_bytes(-1), 0U);
  ::close(ends[0]);
  ::close(ends[1]);
}

// What attempts send a second: a SYN each at once, and one more for each whole second that it
// lives, as newer kernels repeat it.
TEST(Ringing, StaysBelow150BytesASecondWhateverTheRoundTrip) {
  constexpr double kSynBytes = 60;
  const auto syns = [](std::chrono::milliseconds life) {
    return 1 + std::chrono::duration_cast<std::chrono::seconds>(life).count();
  };
  for (int round_trip = 0; round_trip <= 5000; round_trip += 50) {
    const Ringing how = ringing_for(std::chrono::milliseconds(round_trip));
    const auto sent = syns(how.life) * (how.long_each - 1) + syns(how.long_life);
    const std::chrono::duration<double> time = how.every * how.long_each;
    EXPECT_LE(static_cast<double>(sent) * kSynBytes / time.count(), 150) << round_trip;
    // An answer comes before the attempt is given up.
    EXPECT_GE(how.life, std::chrono::milliseconds(round_trip + round_trip / 6)) << round_trip;
  }
}

}  // namespace
}  // namespace lienthong::agent
