#include "tests/simulation/dials.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace lienthong::sim {
namespace {

using O = WorldOptions;
using F = FaultRates;

constexpr Dial size(std::string_view name, double off, double O::*option) {
  return {name, off, false, option, nullptr};
}
constexpr Dial kind(std::string_view name, double O::*option) {
  return {name, 0, true, option, nullptr};
}
constexpr Dial rate(std::string_view name, double F::*rate) {
  return {name, 0, true, nullptr, rate};
}

constexpr std::array kDials{
    size("minutes", 1, &O::minutes),
    size("settle_minutes", 20, &O::settle_minutes),
    size("districts", 1, &O::districts),
    size("communes_of_each", 1, &O::communes_of_each),
    size("operations_per_second", 0.3, &O::operations_per_second),
    size("heal_entry_count_min", 20, &O::heal_entry_count_min),
    size("delay", 150, &O::delay),
    size("bytes_per_second", 64'000, &O::bytes_per_second),
    size("tick", 250, &O::tick),
    size("look_seconds", 10, &O::look_seconds),
    size("second_opinions", 8, &O::second_opinions),
    kind("newcomers", &O::newcomers),
    kind("old_programs", &O::old_programs),
    kind("upgrades", &O::upgrades),
    kind("loss", &O::loss),
    kind("drift", &O::drift),
    kind("hostile_communes", &O::hostile_communes),
    kind("hostile_district", &O::hostile_district),
    kind("smuggling", &O::smuggling),
    rate("link_down", &F::link_down),
    rate("outages", &F::outages),
    rate("partition", &F::partition),
    rate("one_way", &F::one_way),
    rate("qualities", &F::qualities),
    rate("corruption", &F::corruption),
    rate("cuts", &F::cuts),
    rate("kills", &F::kills),
    rate("power_cuts", &F::power_cuts),
    rate("scattered", &F::scattered),
    rate("commit_crashes", &F::commit_crashes),
    rate("long_stops", &F::long_stops),
    rate("disk_full", &F::disk_full),
    rate("slow_disks", &F::slow_disks),
    rate("read_errors", &F::read_errors),
    rate("rot", &F::rot),
    rate("wrong_clocks", &F::wrong_clocks),
    rate("replays", &F::replays),
    rate("duplicates", &F::duplicates),
    rate("backups", &F::backups),
    rate("restores", &F::restores),
    rate("blind_restores", &F::blind_restores),
    rate("clones", &F::clones),
    rate("intruders", &F::intruders),
    rate("forgeries", &F::forgeries),
    rate("lost_cursors", &F::lost_cursors),
    rate("no_room", &F::no_room),
    rate("closed_lanes", &F::closed_lanes),
    rate("second_dials", &F::second_dials),
    rate("tree_changes", &F::tree_changes),
    rate("renewals", &F::renewals),
    rate("revocations", &F::revocations),
    rate("erasures", &F::erasures),
    rate("bundles", &F::bundles),
    rate("only_topmost", &F::only_topmost),
};

}  // namespace

double Dial::get(const WorldOptions& options) const {
  return option != nullptr ? options.*option : options.faults.*rate;
}

void Dial::set(WorldOptions& options, double value) const {
  (option != nullptr ? options.*option : options.faults.*rate) = value;
}

std::span<const Dial> dials() { return kDials; }

std::string turn(WorldOptions& options, std::string_view settings) {
  while (!settings.empty()) {
    const std::string_view one = settings.substr(0, settings.find(' '));
    settings.remove_prefix(std::min(settings.size(), one.size() + 1));
    if (one.empty()) continue;
    const std::size_t equals = one.find('=');
    const auto dial = std::ranges::find(kDials, one.substr(0, equals), &Dial::name);
    if (dial == kDials.end() || equals == std::string_view::npos)
      return "no dial: " + std::string(one);
    const std::string value(one.substr(equals + 1));
    char* end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    if (value.empty() || *end != '\0' || number < 0) return "no value: " + std::string(one);
    dial->set(options, number);
  }
  return {};
}

}  // namespace lienthong::sim
