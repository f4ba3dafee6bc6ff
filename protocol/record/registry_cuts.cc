#include "protocol/record/registry_cuts.h"

#include <algorithm>
#include <limits>

namespace lienthong::registry_detail {
namespace {

bool within_cut(const Cut& cut, const Seal& seal, const SealId& id) {
  if (seal.number > cut.number) return false;
  if (seal.number == cut.number) return cut.seal.is_zero() || cut.seal == id;
  const auto except = std::ranges::lower_bound(cut.except, seal.number, {}, &CutException::last);
  return except == cut.except.end() || except->first > seal.number || except->seal == id;
}

bool within_cuts(const std::vector<Cut>& cuts, const Seal& seal, const SealId& id) {
  const auto cut = std::ranges::lower_bound(cuts, seal.incarnation, {}, &Cut::incarnation);
  return cut != cuts.end() && cut->incarnation == seal.incarnation && within_cut(*cut, seal, id);
}

// Where one of those that act begins, or the first incarnation after it.
std::vector<std::uint64_t> begins_of(std::span<const CutWord> words) {
  std::vector<std::uint64_t> begins;
  for (const CutWord& word : words) {
    if (!word.height) continue;
    begins.push_back(word.stretch->first);
    if (word.stretch->last != std::numeric_limits<std::uint64_t>::max())
      begins.push_back(word.stretch->last + 1);
  }
  std::ranges::sort(begins);
  begins.erase(std::unique(begins.begin(), begins.end()), begins.end());
  return begins;
}

// The cuts that count for that incarnation.
std::vector<Limits::Counting> find_counting(std::span<const CutWord> words,
                                            std::uint64_t incarnation) {
  std::vector<Limits::Counting> out;
  std::vector<bool> overtaken(words.size());  // followed, at any distance, by one that acts here
  unsigned least = std::numeric_limits<unsigned>::max();
  for (std::size_t i = words.size(); i-- > 0;) {
    const CutWord& word = words[i];
    const bool acts = word.height && word.stretch->contains(incarnation);
    if (acts || overtaken[i])
      for (const std::uint32_t before : word.after) overtaken[before] = true;
    if (!acts || overtaken[i] || *word.height > least) continue;
    if (*word.height < least) out.clear();
    least = *word.height;
    out.push_back({word.id, word.cuts});
  }
  return out;
}

}  // namespace

Limits::Limits(std::span<const CutWord> words, Several several) : several_(several) {
  const std::vector<std::uint64_t> begins = begins_of(words);
  for (std::size_t i = 0; i < begins.size(); ++i) {
    const std::uint64_t last =
        i + 1 < begins.size() ? begins[i + 1] - 1 : std::numeric_limits<std::uint64_t>::max();
    auto counting = find_counting(words, begins[i]);
    if (!counting.empty()) parts_.push_back({{begins[i], last}, std::move(counting)});
  }
}

std::span<const Limits::Counting> Limits::counting(std::uint64_t incarnation) const {
  const auto part =
      std::ranges::find_if(parts_, [&](const Part& p) { return p.stretch.contains(incarnation); });
  return part == parts_.end() ? std::span<const Counting>() : std::span(part->words);
}

bool Limits::within(const Seal& seal, const SealId& id) const {
  const auto words = counting(seal.incarnation);
  if (words.empty()) return true;
  const auto holds = [&](const Counting& word) { return within_cuts(*word.cuts, seal, id); };
  return several_ == Several::kWithinAny ? std::ranges::any_of(words, holds)
                                         : std::ranges::all_of(words, holds);
}

bool Limits::nothing() const {
  std::uint64_t next = 0;  // the first incarnation not covered yet
  for (const Part& part : parts_) {
    const auto none = [](const Counting& word) { return word.cuts->empty(); };
    if (part.stretch.first != next) return false;
    if (several_ == Several::kWithinAny ? !std::ranges::all_of(part.words, none)
                                        : !std::ranges::any_of(part.words, none))
      return false;
    if (part.stretch.last == std::numeric_limits<std::uint64_t>::max()) return true;
    next = part.stretch.last + 1;
  }
  return false;
}

}  // namespace lienthong::registry_detail
