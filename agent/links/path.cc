#include "agent/links/path.h"

#include <algorithm>
#include <utility>

#include "agent/links/backoff.h"

namespace lienthong::agent {
namespace {

using std::chrono::nanoseconds;

}  // namespace

void PathWatch::observe(const TcpInfo& info, Instant now) {
  const bool progress = info.received != info_.received || info.delivered() > info_.delivered();
  // Silence counts from the moment at which there is something to hear of.
  if (progress || !outstanding_) heard_ = now;
  if (progress) progressed_ = now;
  if (!outstanding_ && info.queue_bytes > 0) quiet_ = now - progressed_;
  outstanding_ = info.queue_bytes > 0;
  info_ = info;
}

nanoseconds PathWatch::silent(Instant now) const {
  return outstanding_ && now > heard_ ? now - heard_ : nanoseconds(0);
}

nanoseconds PathWatch::patience() const {
  return std::max<nanoseconds>(kPatienceMin, kPatienceRoundTrips * info_.rtt);
}

std::chrono::milliseconds PathWatch::answer_within() const {
  return std::max(kAnswerMin,
                  std::chrono::duration_cast<std::chrono::milliseconds>(info_.rtt * 5 / 2));
}

std::chrono::milliseconds PathWatch::dead_after(std::chrono::milliseconds least) const {
  return std::max(
      least, std::chrono::duration_cast<std::chrono::milliseconds>(kDeadRoundTrips * info_.rtt));
}

void PathPlan::up(std::size_t address, Instant now, Entropy& entropy) {
  current_ = address;
  next_silent_ = 0;
  next_better_ = 0;
  silent_again_ = Instant{};
  better_wait_ = kBetterFirst;
  better_again_ = now + better_wait_;
  old_at_ = now + kSessionMax + draw(kSessionJitter, entropy);
}

void PathPlan::network_changed(Instant now) {
  stall_count_ = 0;
  silent_again_ = Instant{};
  better_wait_ = kBetterFirst;
  better_again_ = now;
}

std::optional<PathPlan::Beside> PathPlan::look(const Facts& facts, Instant now) {
  if (beside_) return std::nullopt;
  if (facts.moved || facts.silent >= facts.patience) {
    if (now < silent_again_) return std::nullopt;
    beside_ = Beside{facts.moved ? Why::kMoved : Why::kSilent, next_silent_};
    next_silent_ = (next_silent_ + 1) % address_count_;
  } else if (current_ > 0 && now >= better_again_) {
    beside_ = Beside{Why::kBetter, next_better_};
    next_better_ = (next_better_ + 1) % current_;
  } else if (now >= old_at_) {
    beside_ = Beside{Why::kOld, current_};
  }
  return beside_;
}

void PathPlan::beside_ended(bool live, Instant now, Entropy& entropy) {
  const auto ended = std::exchange(beside_, std::nullopt);
  if (!ended || live) return;
  switch (ended->why) {
    case Why::kSilent:
    case Why::kMoved: silent_again_ = now + draw(kSilentPauseMax, entropy); break;
    case Why::kBetter:
      if (next_better_ != 0) break;  // the next better one at once
      better_again_ = now + better_wait_ / 2 + draw(better_wait_ / 2, entropy);
      better_wait_ = std::min<nanoseconds>(better_wait_ * 2, kBetterMax);
      break;
    case Why::kOld: old_at_ = now + draw(kSessionJitter, entropy); break;
  }
}

void PathPlan::stalled(std::uint64_t delivered, std::uint32_t segment_bytes) {
  if (small_segments()) return;
  const bool carried = delivered >= kCarriedSegments * segment_bytes;
  stall_count_ = carried ? 1 : stall_count_ + 1;
}

const char* to_string(PathPlan::Why why) {
  switch (why) {
    case PathPlan::Why::kSilent: return "silent";
    case PathPlan::Why::kMoved: return "address-gone";
    case PathPlan::Why::kBetter: return "better-path";
    case PathPlan::Why::kOld: return "a-day-old";
  }
  return "silent";
}

}  // namespace lienthong::agent
