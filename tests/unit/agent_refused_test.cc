#include <gtest/gtest.h>

#include "agent/engine/log.h"
#include "agent/links/refused.h"

namespace lienthong::agent {
namespace {

TEST(RefusedPeers, CountsByAddressAndReasonAndIsQuietForAMinute) {
  RefusedPeers refused;
  EXPECT_TRUE(refused.note("10.0.0.1", "wrong-root", 1000));
  EXPECT_FALSE(refused.note("10.0.0.1", "wrong-root", 2000));
  EXPECT_TRUE(refused.note("10.0.0.1", "no-certificate", 3000));
  EXPECT_TRUE(refused.note("10.0.0.1", "wrong-root", 1000 + RefusedPeers::kLogEvery));
  const auto list = refused.list();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].reason, "wrong-root");
  EXPECT_EQ(list[0].count, 3U);
  EXPECT_EQ(list[0].last, 1000 + RefusedPeers::kLogEvery);
  EXPECT_EQ(list[1].count, 1U);
}

TEST(RefusedPeers, SpeaksAgainWhenTheClockFellBack) {
  RefusedPeers refused;
  EXPECT_TRUE(refused.note("10.0.0.1", "wrong-root", 1'000'000));
  EXPECT_TRUE(refused.note("10.0.0.1", "wrong-root", 5));
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

TEST(Log, TextOfAPeerCannotLeaveItsQuotesOrItsLine) {
  EXPECT_EQ(in_quotes("plain"), "\"plain\"");
  EXPECT_EQ(in_quotes("a\" event=forged\nb\\"), "\"a\\\" event=forged\\x0ab\\\\\"");
}

}  // namespace
}  // namespace lienthong::agent
