#include "tests/emulator/pipe.h"

#include <algorithm>

namespace lienthong::emulator {
namespace {

constexpr double kNanosPerSecond = 1e9;
constexpr double kBits = 8;

}  // namespace

void Pipe::set(const PipeSettings& settings, Nanos now) {
  settings_ = settings;
  set_at_ = now;
  if (settings_.rate_bits == 0) line_free_ = now;
}

bool Pipe::is_up(Nanos now) const {
  if (settings_.cut) return false;
  if (settings_.down.count() == 0) return true;
  return (now - set_at_ + settings_.phase) % (settings_.up + settings_.down) < settings_.up;
}

std::size_t Pipe::queued_bytes(Nanos now) const {
  if (line_free_ <= now || settings_.rate_bits == 0) return 0;
  const double seconds = static_cast<double>((line_free_ - now).count()) / kNanosPerSecond;
  return static_cast<std::size_t>(seconds * static_cast<double>(settings_.rate_bits) / kBits);
}

// One draw a packet for each kind of loss, whatever the other says, so that settings changed midway
// do not move the draws of the rest.
bool Pipe::lose() {
  const double burst = dice_.unit();
  const bool alone = dice_.chance(settings_.loss);
  if (settings_.burst_loss <= 0) {
    in_burst_ = false;
    return alone;
  }
  const double leave = 1 / settings_.burst_packets;
  const double enter = settings_.burst_loss * leave / (1 - settings_.burst_loss);
  in_burst_ = in_burst_ ? burst >= leave : burst < enter;
  return alone || in_burst_;
}

std::optional<Nanos> Pipe::offer(std::size_t bytes, Nanos now) {
  counters_.offered_bytes += bytes;
  ++counters_.offered_packets;
  if (counters_.first_at.count() == 0) counters_.first_at = now;
  counters_.last_at = now;
  const bool fits = settings_.mtu_hole == 0 || bytes <= settings_.mtu_hole;
  if (!fits || !is_up(now)) {
    ++counters_.outage_drops;
    drop_reason_ = "outage";
    return std::nullopt;
  }
  const std::size_t waiting = queued_bytes(now);
  if (settings_.queue_bytes != 0 && waiting + bytes > settings_.queue_bytes && waiting > 0) {
    ++counters_.queue_drops;
    counters_.queue_drop_bytes += bytes;
    drop_reason_ = "queue";
    return std::nullopt;
  }
  Nanos sent = std::max(now, line_free_);
  if (settings_.rate_bits != 0) {
    const double seconds =
        static_cast<double>(bytes) * kBits / static_cast<double>(settings_.rate_bits);
    sent += Nanos(static_cast<std::int64_t>(seconds * kNanosPerSecond));
    line_free_ = sent;
    counters_.queue_bytes_peak =
        std::max<std::uint64_t>(counters_.queue_bytes_peak, queued_bytes(now));
  }
  const double part = dice_.unit();
  if (lose()) {
    ++counters_.loss_drops;
    drop_reason_ = "loss";
    return std::nullopt;
  }
  const Nanos jitter(
      static_cast<std::int64_t>(part * static_cast<double>(settings_.jitter.count())));
  last_arrival_ = std::max(last_arrival_, sent + settings_.delay + jitter);
  return last_arrival_;
}

bool Pipe::deliver(std::size_t bytes, Nanos now) {
  if (!is_up(now)) {
    ++counters_.outage_drops;
    return false;
  }
  counters_.delivered_bytes += bytes;
  ++counters_.delivered_packets;
  return true;
}

}  // namespace lienthong::emulator
