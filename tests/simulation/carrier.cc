#include "tests/simulation/carrier.h"

#include <algorithm>

#include "store/exchange/bundles.h"

namespace lienthong::sim {
namespace {

store::BundlePlace place_of(Machine& machine) {
  return {machine.replica(),
          [&machine](store::Job job) { return machine.writer().write_now(std::move(job)); },
          [&machine] { return machine.clock(); }};
}

Seed seed_from(Dice& dice) {
  Seed out{};
  for (auto& byte : out) byte = static_cast<std::uint8_t>(dice.below(256));
  return out;
}

}  // namespace

// Mostly a neighbour.
Machine* Carrier::recipient_for(const Machine& from) {
  std::vector<Machine*> out;
  const bool any = dice_.chance(0.2);
  for (const auto& other : machines_) {
    const bool near = other->index() == from.parent() || other->parent() == from.index();
    if (other->index() != from.index() && other->enrolled() && (any || near))
      out.push_back(other.get());
  }
  return out.empty() ? nullptr : out[dice_.below(out.size())];
}

void Carrier::carry() {
  Machine& from = *machines_[dice_.below(machines_.size())];
  Machine* to = from.on() ? recipient_for(from) : nullptr;
  if (to == nullptr) return;
  Bytes file;
  from.guard([&] { file = make(from, *to); });
  if (file.empty()) return;
  spoil(file);
  const auto carried = std::make_shared<const Bytes>(std::move(file));
  bring(*to, carried);
  if (dice_.chance(0.3)) bring(*to, carried);
}

// What there was until something failed.
Bytes Carrier::make(Machine& from, const Machine& to) {
  Bytes out;
  const Seed key = seed_from(dice_), ephemeral = seed_from(dice_);
  const auto bundle =
      store::BundleExport::begin(place_of(from), to.agency(), dice_.chance(0.3), key, ephemeral);
  if (!bundle.ok()) return out;
  for (;;) {
    const auto bytes = (*bundle)->next();
    if (!bytes.ok() || !*bytes) return out;
    out.insert(out.end(), (*bytes)->begin(), (*bytes)->end());
  }
}

void Carrier::spoil(Bytes& file) {
  if (dice_.chance(0.2)) file.resize(dice_.below(file.size()));
  if (!file.empty() && dice_.chance(0.1))
    file[dice_.below(file.size())] ^= static_cast<std::uint8_t>(1U << dice_.below(8));
}

void Carrier::bring(Machine& to, const std::shared_ptr<const Bytes>& file) {
  timeline_.after(Duration(dice_.between(1'000, 180'000)), [this, &to, file] {
    if (to.on()) to.guard([&] { take(to, *file); });
  });
}

void Carrier::take(Machine& to, const Bytes& file) {
  store::BundleImport import(place_of(to), to.node().dh_key);
  ByteView left(file);
  while (!left.empty()) {
    const ByteView piece = left.first(std::min<std::size_t>(left.size(), 1 + dice_.below(8'192)));
    if (!import.add(piece).ok()) return;
    left = left.subspan(piece.size());
  }
  if (import.outcome().complete) ++taken_in_;
}

}  // namespace lienthong::sim
