#include "agent/links/link_meter.h"

#include <spdlog/spdlog.h>

#include "agent/engine/log.h"
#include "agent/links/link.h"
#include "store/replica/local_names.h"

namespace lienthong::agent {
namespace {

static_assert(kLaneCount == wire::kLaneCount);

constexpr std::chrono::minutes kSaveEvery{5};
constexpr unsigned kQuietTicks = 16;  // of 250 ms: a connection without traffic is looked at less
constexpr std::uint64_t kMegabyte = 1'000'000;
// What TCP_INFO does not see: the larger options of SYN and SYN-ACK, and how the connection ends.
constexpr std::uint64_t kSynBytes = 60;
constexpr std::uint64_t kSynExtra = 8;
constexpr std::uint64_t kEndBytes = 2 * 52;

// What the lanes themselves sent and received.
LaneBytes lane_payload(const Link& link) { return link.stats().lane_bytes; }

}  // namespace

LinkMeters::LinkMeters(Engine& engine, const LinkConfig& config, NeighbourTable& table)
    : engine_(engine),
      config_(config),
      table_(table),
      budget_(config.budget_mb_per_day * kMegabyte, config.blob_hours, engine.clock().monotonic()),
      saved_at_(engine.clock().monotonic()) {
  publish();
}

void LinkMeters::restore() {
  const auto saved = engine_.replica().local_value(store::local::kBudget);
  if (!saved) return;
  if (const auto read = budget_.restore(*saved, engine_.clock().now()); !read) {
    spdlog::warn("event=budget_begun_anew error={}", in_quotes(read.error().message()));
  }
  publish();
}

void LinkMeters::add(const Link& link, int socket) {
  const Instant now = engine_.clock().monotonic();
  Meter& meter = meters_.try_emplace(&link, socket, now).first->second;
  meter.timeout = config_.dead_after;
  // An accepted connection's SYN and SYN-ACK are counted nowhere, of a dialled one's the options.
  read(link, meter, link.initiator() ? kSynExtra : kSynBytes);
}

void LinkMeters::remove(const Link& link) {
  const auto found = meters_.find(&link);
  if (found == meters_.end()) return;
  read(link, found->second, kEndBytes);
  meters_.erase(found);
}

void LinkMeters::read(const Link& link, Meter& meter, std::uint64_t unseen) {
  const auto info = read_tcp_info(meter.socket);
  if (!info) return;
  const Instant now = engine_.clock().monotonic();
  meter.watch.observe(*info, now);
  meter.unseen += unseen;
  const std::uint64_t out = info->ip_bytes_out() + meter.unseen;
  const std::uint64_t in = info->ip_bytes_in() + meter.unseen;
  const LaneBytes payload = lane_payload(link);
  LaneBytes fresh{};
  for (std::size_t lane = 0; lane < kLaneCount; ++lane)
    fresh[lane] = payload[lane] - meter.payload[lane];
  budget_.spend(fresh, out + in - meter.out - meter.in);
  meter.out = out;
  meter.in = in;
  meter.payload = payload;
  if (link.established() && (out != meter.told_out || in != meter.told_in)) {
    table_.with(link.peer().agency, [&](NeighbourStatus& status) {
      status.ip_sent_bytes += out - meter.told_out;
      status.ip_received_bytes += in - meter.told_in;
    });
    meter.told_out = out;
    meter.told_in = in;
  }
  const auto timeout = meter.watch.dead_after(config_.dead_after);
  if (timeout > meter.timeout * 5 / 4 || timeout < meter.timeout * 4 / 5) {
    set_user_timeout(meter.socket, timeout);
    meter.timeout = timeout;
  }
}

void LinkMeters::tick(Instant now) {
  for (auto& [link, meter] : meters_) {
    const SessionStats stats = link->stats();
    const std::uint64_t stream = stats.sent_bytes + stats.received_bytes;
    const bool quiet = stream == std::exchange(meter.stream, stream) && !meter.watch.outstanding();
    // The next packet, a heartbeat, is answered: its acknowledgement rides on the answer.
    if (quiet && !meter.was_quiet) delay_acknowledgements(meter.socket);
    meter.was_quiet = quiet;
    if (quiet && ++meter.quiet_ticks % kQuietTicks != 0) continue;
    read(*link, meter, 0);
  }
  budget_.advance(now);
  if (now - saved_at_ >= kSaveEvery && budget_.spent_total() != saved_spent_) save();
  publish();
}

void LinkMeters::save() {
  saved_at_ = engine_.clock().monotonic();
  saved_spent_ = budget_.spent_total();
  const auto job = [state = budget_.state(engine_.clock().now())](store::Transaction& transaction) {
    transaction.set_local_value(store::local::kBudget, state);
    return Result<void>();
  };
  engine_.post(job, [](const Result<void>& result) {
    if (!result)
      spdlog::warn("event=budget_not_saved error={}", in_quotes(result.error().message()));
  });
}

void LinkMeters::publish() {
  const BudgetStatus fresh = budget_.status(engine_.clock().now());
  const std::lock_guard lock(mutex_);
  for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
    if (fresh.gates[lane] == published_.gates[lane]) continue;
    spdlog::warn("event=lane_gate lane={} gate={} spent={} of={}", lane,
                 to_string(fresh.gates[lane]), fresh.spent_total, fresh.bytes_per_day);
  }
  published_ = fresh;
}

const PathWatch* LinkMeters::watch(const Link& link) const {
  const auto found = meters_.find(&link);
  return found == meters_.end() ? nullptr : &found->second.watch;
}

LaneGate LinkMeters::gate(std::size_t lane) const {
  return budget_.gate(lane, engine_.clock().now());
}

BudgetStatus LinkMeters::budget() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

}  // namespace lienthong::agent
