#include "protocol/record/ancestors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "protocol/base/check.h"

namespace lienthong {
namespace {

template <std::size_t kWords>
using Row = std::array<std::uint64_t, kWords>;

// Hands down the graph, from each of `sources` (ascending) to all that have it in their past, one
// bit for each; calls visit(update, row) for the updates from the first source to `last`, whose row
// says which sources it is or has in its past.
template <std::size_t kWords, class Visit>
void hand_down(const Ancestors& graph, std::span<const Ancestors::Index> sources,
               Ancestors::Index last, std::vector<Row<kWords>>& rows, const Visit& visit) {
  const Ancestors::Index begin = sources.front();
  rows.resize(std::max<std::size_t>(rows.size(), last - begin + 1));
  std::size_t bit = 0;
  for (Ancestors::Index i = begin; i <= last; ++i) {
    Row<kWords> row{};
    for (const Ancestors::Index parent : graph.parents(i)) {
      if (parent < begin) continue;
      const Row<kWords>& from = rows[parent - begin];
      for (std::size_t w = 0; w < kWords; ++w) row[w] |= from[w];
    }
    if (bit < sources.size() && sources[bit] == i) {
      row[bit / 64] |= std::uint64_t{1} << bit % 64;
      ++bit;
    }
    rows[i - begin] = row;
    visit(i, row);
  }
}

constexpr std::size_t kWide = 8;  // words of a row where many are asked about

}  // namespace

void Ancestors::add(std::span<const Index> parents) {
  LT_CHECK(std::all_of(parents.begin(), parents.end(), [&](Index p) { return p < size(); }));
  parents_.insert(parents_.end(), parents.begin(), parents.end());
  starts_.push_back(parents_.size());
}

std::vector<bool> Ancestors::has(std::span<const Pair> pairs) const {
  std::vector<bool> answers(pairs.size(), false);
  std::vector<std::size_t> open;  // pairs that need a pass; by ancestor
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const Pair& pair = pairs[i];
    if (pair.ancestor >= pair.of) continue;
    const auto above = parents(pair.of);
    if (std::find(above.begin(), above.end(), pair.ancestor) != above.end())
      answers[i] = true;
    else
      open.push_back(i);
  }
  std::sort(open.begin(), open.end(),
            [&](std::size_t a, std::size_t b) { return pairs[a].ancestor < pairs[b].ancestor; });
  std::vector<Row<1>> narrow;
  std::vector<Row<kWide>> wide;
  for (std::size_t from = 0; from < open.size();) {
    std::vector<Index> sources;
    std::size_t to = from;
    Index last = 0;
    for (; to < open.size(); ++to) {
      const Pair& pair = pairs[open[to]];
      if (sources.empty() || sources.back() != pair.ancestor) {
        if (sources.size() == kWide * 64) break;
        sources.push_back(pair.ancestor);
      }
      last = std::max(last, pair.of);
    }
    const auto run = [&](auto& rows) {
      hand_down(*this, std::span<const Index>(sources), last, rows, [](Index, const auto&) {});
      std::size_t bit = 0;
      for (std::size_t i = from; i < to; ++i) {
        const Pair& pair = pairs[open[i]];
        if (sources[bit] != pair.ancestor) ++bit;
        const auto& row = rows[pair.of - sources.front()];
        answers[open[i]] = (row[bit / 64] >> bit % 64 & 1) != 0;
      }
    };
    if (sources.size() <= 64)
      run(narrow);
    else
      run(wide);
    from = to;
  }
  return answers;
}

std::vector<std::uint32_t> Ancestors::count_among(std::span<const Index> updates) const {
  std::vector<std::uint32_t> counts(updates.size(), 0);
  std::vector<Row<kWide>> rows;
  for (std::size_t from = 0; from < updates.size(); from += kWide * 64) {
    const auto sources = updates.subspan(from, std::min(kWide * 64, updates.size() - from));
    std::size_t next = from;
    hand_down(*this, sources, updates.back(), rows, [&](Index update, const Row<kWide>& row) {
      if (next == updates.size() || updates[next] != update) return;
      for (const std::uint64_t word : row)
        counts[next] += static_cast<std::uint32_t>(std::popcount(word));
      if (next < from + sources.size()) --counts[next];  // itself
      ++next;
    });
  }
  return counts;
}

std::vector<Ancestors::Index> Ancestors::lowest_from(std::vector<Index> marks) const {
  LT_CHECK(marks.size() == size());
  for (auto i = static_cast<Index>(size()); i-- > 0;) {
    for (const Index parent : parents(i)) marks[parent] = std::min(marks[parent], marks[i]);
  }
  return marks;
}

std::vector<std::uint64_t> Ancestors::bits_after(std::span<const std::uint64_t> bits) const {
  LT_CHECK(bits.size() == size());
  std::vector<std::uint64_t> after(size(), 0);
  for (auto i = static_cast<Index>(size()); i-- > 0;) {
    for (const Index parent : parents(i)) after[parent] |= after[i] | bits[i];
  }
  return after;
}

std::vector<bool> Ancestors::other_label_after(std::span<const Index> labels) const {
  LT_CHECK(labels.size() == size());
  struct Two {  // different labels borne later; two are as good as all
    Index one = kNone;
    Index other = kNone;
    void add(Index label) {
      if (label == kNone || label == one) return;
      (one == kNone ? one : other) = label;
    }
  };
  std::vector<Two> after(size());
  std::vector<bool> answers(size(), false);
  for (auto i = static_cast<Index>(size()); i-- > 0;) {
    answers[i] = (after[i].one != kNone && after[i].one != labels[i]) || after[i].other != kNone;
    Two from_here = after[i];
    from_here.add(labels[i]);
    for (const Index parent : parents(i)) {
      after[parent].add(from_here.one);
      after[parent].add(from_here.other);
    }
  }
  return answers;
}

}  // namespace lienthong
