#include <gtest/gtest.h>

#include "agent/engine/log.h"
#include "agent/links/refused.h"

namespace lienthong::agent {
namespace {

TEST(RefusedPeers, CountsByAddressAndReasonAndIsQuietForAMinute) {
  RefusedPeers refused;
  EXPECT_TRUE(refused.note("10.0.0.1", "wrong-root", 1000).due);
  EXPECT_FALSE(refused.note("10.0.0.1", "wrong-root", 2000).due);
  EXPECT_TRUE(refused.note("10.0.0.1", "no-certificate", 3000).due);
  EXPECT_TRUE(refused.note("10.0.0.1", "wrong-root", 1000 + RefusedPeers::kLogEvery).due);
  const auto list = refused.list();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].reason, "wrong-root");
  EXPECT_EQ(list[0].count, 3U);
  EXPECT_EQ(list[0].last, 1000 + RefusedPeers::kLogEvery);
  EXPECT_EQ(list[1].count, 1U);
}

TEST(RefusedPeers, SpeaksAgainWhenTheClockFellBack) {
  RefusedPeers refused;
  EXPECT_TRUE(refused.note("10.0.0.1", "wrong-root", 1'000'000).due);
  EXPECT_TRUE(refused.note("10.0.0.1", "wrong-root", 5).due);
}

TEST(RefusedPeers, ForgetsTheOldestWhenThereAreTooMany) {
  RefusedPeers refused;
  for (std::size_t i = 0; i <= RefusedPeers::kEntryCountMax; ++i) {
    refused.note("10.0.0." + std::to_string(i), "silent", static_cast<UnixMillis>(i));
  }
  const auto list = refused.list();
  EXPECT_EQ(list.size(), RefusedPeers::kEntryCountMax);
  EXPECT_EQ(list.back().address, "10.0.0.1");
}

TEST(RefusedPeers, ManyAddressesTogetherHaveFewLinesAndTheRestIsCounted) {
  RefusedPeers refused;
  std::size_t lines = 0;
  for (int i = 0; i < 2000; ++i)
    lines += refused.note("10.0." + std::to_string(i), "silent", 1000 + i).due;
  EXPECT_EQ(lines, RefusedPeers::kLinesMax);
  const auto next = refused.note("10.1.0.1", "silent", 1000 + RefusedPeers::kLogEvery);
  EXPECT_TRUE(next.due);
  EXPECT_EQ(next.untold, 2000 - RefusedPeers::kLinesMax);
  EXPECT_EQ(refused.note("10.1.0.2", "silent", 1001 + RefusedPeers::kLogEvery).untold, 0u);
}

TEST(Log, TextOfAPeerCannotLeaveItsQuotesOrItsLine) {
  EXPECT_EQ(in_quotes("plain"), "\"plain\"");
  EXPECT_EQ(in_quotes("a\" event=forged\nb\\"), "\"a\\\" event=forged\\x0ab\\\\\"");
}

}  // namespace
}  // namespace lienthong::agent
