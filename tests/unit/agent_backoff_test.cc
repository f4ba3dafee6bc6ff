#include <gtest/gtest.h>

#include <algorithm>

#include "agent/links/backoff.h"

namespace lienthong::agent {
namespace {

using std::chrono::milliseconds;

// Every draw the same number, as 8 bytes in big-endian order.
class FixedEntropy final : public Entropy {
 public:
  explicit FixedEntropy(std::uint64_t value) : value_(value) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<std::uint8_t>(value_ >> (8 * (out.size() - 1 - i)));
    }
  }

 private:
  std::uint64_t value_;
};

TEST(Backoff, DrawsFromNothingToACapThatDoublesUpToItsMaximum) {
  for (const std::int64_t cap : {1000, 2000, 4000, 8000, 10'000, 10'000}) {
    Backoff low(milliseconds(10'000)), high(milliseconds(10'000));
    FixedEntropy zero(0), most(static_cast<std::uint64_t>(cap));
    for (std::int64_t before = 1000; before < cap; before *= 2) {
      (void)low.next(zero);
      (void)high.next(zero);
    }
    EXPECT_EQ(low.next(zero), milliseconds(0));
    EXPECT_EQ(high.next(most), milliseconds(cap));
  }
}

TEST(Backoff, NeverExceedsItsMaximumEvenWhenThatIsBelowTheFirstCap) {
  Backoff backoff(milliseconds(300));
  for (std::uint64_t draw = 0; draw < 5000; draw += 7) {
    FixedEntropy entropy(draw);
    EXPECT_LE(backoff.next(entropy), milliseconds(300));
  }
}

TEST(Backoff, StartsAfreshAfterASuccess) {
  Backoff backoff(milliseconds(60'000));
  FixedEntropy zero(0), over(1000);
  for (int i = 0; i < 10; ++i) (void)backoff.next(zero);
  backoff.reset();
  EXPECT_EQ(backoff.next(over), milliseconds(1000));
}

}  // namespace
}  // namespace lienthong::agent
