#include "agent/links/pacing.h"

#include <algorithm>
#include <utility>

namespace lienthong::agent {
namespace {

using std::chrono::milliseconds;
using Nanos = std::chrono::nanoseconds;

constexpr Nanos kWindowMin = std::chrono::seconds(3);
constexpr int kWindowRoundTrips = 5;
constexpr Nanos kIntervalMin = milliseconds(100);
constexpr Nanos kIntervalMax = std::chrono::seconds(2);
constexpr std::size_t kIntervalSegments = 8;  // fewer, and whole segments blur the rate
constexpr Nanos kRoundTripUnknown = milliseconds(200);
constexpr std::size_t kStartSampleCount = 2;
constexpr int kDeviations = 2;
constexpr double kGrowth = 1.05;
constexpr std::size_t kUnitBytesUnknown = 16 * 1024;

double seconds(Nanos time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

std::uint64_t missing_bytes(const TcpInfo& info) {
  const std::uint64_t there = static_cast<std::uint64_t>(info.selective) * info.segment_bytes;
  return info.queue_bytes - std::min(there, info.queue_bytes);
}

Nanos Pacer::base() const {
  if (raised_) return *raised_;
  if (min_rtt_.count() > 0) return min_rtt_;
  return rtt_.count() > 0 ? rtt_ : kRoundTripUnknown;
}

Nanos Pacer::window() const { return std::max(kWindowMin, kWindowRoundTrips * base()); }

Nanos Pacer::interval() const {
  Nanos time = base();
  if (const double rate = best(); rate > 0) {
    const double needed = static_cast<double>(kIntervalSegments * segment()) / rate;
    time = std::max(time, Nanos(static_cast<std::int64_t>(std::min(needed, 10.0) * 1e9)));
  }
  return std::clamp(time, kIntervalMin, kIntervalMax);
}

double Pacer::best() const { return samples_.empty() ? 0 : samples_.front().rate; }

Nanos Pacer::queue_time() const {
  if (growing_) return kQueueTime;
  return std::min<Nanos>(kQueueTimeMin + kDeviations * rtt_deviation_, kQueueTime);
}

double Pacer::queue_limit() const { return best() * seconds(base() + queue_time()); }

void Pacer::observe(const TcpInfo& info, Instant now) {
  if (info.segment_bytes > 0) segment_bytes_ = info.segment_bytes;
  rtt_ = info.rtt;
  rtt_deviation_ = info.rtt_deviation;
  min_rtt_ = info.min_rtt;
  kernel_rate_ = static_cast<double>(info.delivery_rate);
  // Segments that were acknowledged selectively count by the segment, so the sum may step back.
  const std::uint64_t delivered = std::max(delivered_, info.delivered());
  const std::uint64_t fresh = delivered - delivered_;
  delivered_ = delivered;
  if (raised_) {
    if (rtt_.count() > 0) raised_ = std::min(*raised_, rtt_);
    if (now > raised_until_) raised_.reset();
  }
  if (waits_) {
    const Nanos passed = now - seen_;
    if (starting_) start_limit_ += static_cast<double>(fresh);
    take_sample(passed, fresh);
    watch_base(info.queue_bytes, passed, now);
  } else if (starting_) {  // the first message: TCP's window has grown by it, and not by much more
    const auto first = static_cast<double>(kSegmentsFirst * segment());
    start_limit_ =
        std::max(start_limit_, std::min(start_limit_ + static_cast<double>(fresh), first));
  }
  seen_ = now;
}

void Pacer::take_sample(Nanos passed, std::uint64_t bytes) {
  sample_time_ += passed;
  sample_bytes_ += bytes;
  if (sample_time_ < interval()) return;
  const Nanos time = std::exchange(sample_time_, Nanos(0));
  const double rate = static_cast<double>(std::exchange(sample_bytes_, 0)) / seconds(time);
  if (rate <= 0) return;  // a silent path says nothing of its rate
  growing_ = rate > kGrowth * best();
  waited_ += time;
  ++sample_count_;
  while (!samples_.empty() && samples_.back().rate <= rate) samples_.pop_back();
  samples_.push_back(Sample{waited_, rate});
  while (samples_.size() > 1 && waited_ - samples_.front().at > window()) samples_.pop_front();
  leave_start_when_full();
}

void Pacer::leave_start_when_full() {
  if (!starting_ || sample_count_ < kStartSampleCount || best() <= 0) return;
  // Doubling every round trip, the limit is twice what was delivered in the last one until the
  // link is full.
  const double doubling = best() * seconds(22 * base() / 10 + kQueueTime / 3);
  if (static_cast<double>(kSegmentsFirst * segment()) + start_limit_ > doubling) starting_ = false;
}

// With no more in the kernel than the limit our own queue is soon as short as it should be. A round
// trip that stays longer all the same is the path's.
void Pacer::watch_base(std::uint64_t queue_bytes, Nanos passed, Instant now) {
  const double limit = queue_limit();
  const bool draining = static_cast<double>(queue_bytes) > 1.5 * limit;
  const bool least = limit < static_cast<double>(kSegmentsMin * segment());
  if (raised_ || starting_ || draining || least || rtt_ <= base() + 2 * kQueueTime) {
    long_for_ = Nanos(0);
    return;
  }
  long_for_ += passed;
  if (long_for_ < 2 * window()) return;
  long_for_ = Nanos(0);
  raised_ = rtt_;
  raised_until_ = now + kBaseHeld;
}

std::size_t Pacer::limit_bytes() const {
  double limit = queue_limit();
  if (starting_) {
    limit = std::max(limit, static_cast<double>(kSegmentsFirst * segment()) + start_limit_);
  }
  const auto least = static_cast<double>(kSegmentsMin * segment());
  return static_cast<std::size_t>(std::clamp(limit, least, 1e9));
}

std::size_t Pacer::unsent_limit_bytes() const {
  if (starting_) return limit_bytes();
  return std::max(kSegmentsMin * segment(),
                  static_cast<std::size_t>(best() * seconds(kUnsentTime)));
}

std::size_t Pacer::room(std::size_t queue_bytes, std::size_t unsent_bytes) const {
  const std::size_t limit = limit_bytes(), unsent_limit = unsent_limit_bytes();
  if (queue_bytes >= limit || unsent_bytes >= unsent_limit) return 0;
  return std::min(limit - queue_bytes, unsent_limit - unsent_bytes);
}

std::optional<milliseconds> Pacer::look_after(bool data_waits, Instant now) {
  if (!waits_ || !data_waits) {  // what is delivered without pressure says nothing of the link
    sample_time_ = Nanos(0);
    sample_bytes_ = 0;
    seen_ = now;
  }
  if (!data_waits) long_for_ = Nanos(0);
  waits_ = data_waits;
  if (!data_waits) return std::nullopt;
  const double rate = best();
  if (rate <= 0) return kLookMin;
  const double quarter = static_cast<double>(limit_bytes()) / 4 / rate * 1000;
  return milliseconds(static_cast<std::int64_t>(std::clamp(
      quarter, static_cast<double>(kLookMin.count()), static_cast<double>(kLookMax.count()))));
}

std::optional<std::uint64_t> Pacer::rate() const {
  const double rate = best() > 0 ? best() : kernel_rate_;
  return rate > 0 ? std::optional(static_cast<std::uint64_t>(rate)) : std::nullopt;
}

std::size_t Pacer::unit_bytes() const {
  const auto known = rate();
  if (!known) return kUnitBytesUnknown;
  return static_cast<std::size_t>(
      std::clamp<std::uint64_t>(*known / 2, kUnitBytesMin, kUnitBytesMax));
}

std::size_t Pacer::frame_bytes() const {
  const auto known = rate();
  return known ? std::clamp<std::size_t>(*known / 16, kFrameBytesMin, kUnitBytesMax)
               : kUnitBytesMin;
}

}  // namespace lienthong::agent
