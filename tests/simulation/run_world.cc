#include "tests/simulation/run_world.h"

#include <cstdlib>
#include <ctime>
#include <stdexcept>

#include "tests/simulation/world.h"

namespace lienthong::sim {
namespace {

constexpr std::size_t kEnoughWork = 20;  // accepted operations, where that much was to be expected

Duration minutes_of(double minutes) {
  return Duration(static_cast<std::int64_t>(60'000 * minutes));
}

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += " / ";
    else
      out += c;
  }
  return out + "\"";
}

std::string object(const std::map<std::string, std::size_t>& counts) {
  std::string out;
  for (const auto& [name, count] : counts)
    out += (out.empty() ? "" : ", ") + quoted(name) + ": " + std::to_string(count);
  return "{" + out + "}";
}

}  // namespace

Outcome run_world(std::uint64_t seed, const WorldOptions& options) {
  const double begun = processor_seconds();
  Outcome out;
  out.seed = seed;
  World world(seed, options);
  world.run_for(minutes_of(options.minutes));
  const bool settled = world.settles_within(minutes_of(options.settle_minutes));
  out.broken = world.broken_promises();
  if (!settled) out.broken.insert(out.broken.begin(), "it never comes to rest: " + world.unrest());
  out.accepted = world.ledger().accepted;
  out.refused = world.ledger().refused;
  const double expected = 60 * options.minutes * options.operations_per_second;
  if (out.accepted < kEnoughWork && expected > 8 * static_cast<double>(kEnoughWork))
    out.broken.push_back("little was accepted: " + std::to_string(out.accepted));
  out.sights = world.sights();
  if (world.all_on()) {
    out.sights["forgeries held"] += world.forgeries_held();
    out.sights["forgeries refused"] += world.refusals();
  }
  for (const auto& [name, count] : world.heal_outcomes()) out.sights["healing: " + name] += count;
  out.faults = world.fault_counts();
  for (const char* done :
       {"certificates renewed", "trees changed", "machines cloned", "machines revoked",
        "revocations moved", "records erased", "bundles taken in", "programs upgraded"})
    out.sights[done] += out.faults[done];
  out.virtual_seconds = static_cast<double>(world.elapsed().count()) / 1000;
  out.trace = world.trace();
  out.processor_seconds = processor_seconds() - begun;
  return out;
}

std::string to_json(const Outcome& outcome, bool verbose) {
  std::string out = "{\"seed\": " + std::to_string(outcome.seed) +
                    ", \"virtual\": " + std::to_string(outcome.virtual_seconds) +
                    ", \"processor\": " + std::to_string(outcome.processor_seconds) +
                    ", \"trace\": " + std::to_string(outcome.trace) +
                    ", \"accepted\": " + std::to_string(outcome.accepted) +
                    ", \"refused\": " + std::to_string(outcome.refused) +
                    ", \"sights\": " + object(outcome.sights);
  if (verbose) out += ", \"faults\": " + object(outcome.faults);
  out += ", \"broken\": [";
  for (std::size_t i = 0; i < outcome.broken.size(); ++i)
    out += (i == 0 ? "" : ", ") + quoted(outcome.broken[i]);
  return out + "]}";
}

WorldOptions turned(WorldOptions options) {
  const char* settings = std::getenv("LT_SIM_SET");
  if (settings == nullptr) return options;
  const std::string wrong = turn(options, settings);
  if (!wrong.empty()) throw std::runtime_error("LT_SIM_SET: " + wrong);
  return options;
}

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace lienthong::sim
