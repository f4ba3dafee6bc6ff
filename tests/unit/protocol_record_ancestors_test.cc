#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "protocol/record/ancestors.h"

namespace lienthong {
namespace {

using Index = Ancestors::Index;
constexpr Index kNone = Ancestors::kNone;

struct Case {
  Ancestors graph;
  std::vector<std::set<Index>> past;

  void add(const std::vector<Index>& parents) {
    graph.add(parents);
    std::set<Index> all;
    for (const Index parent : parents) {
      all.insert(parent);
      all.insert(past[parent].begin(), past[parent].end());
    }
    past.push_back(std::move(all));
  }
};

// Of many lines, of few, or all side by side, so that blocks of every width are met.
Case any_graph(std::mt19937& random, std::size_t count) {
  Case out;
  out.add({});
  const std::size_t near = 1 + random() % (1 + random() % count);
  while (out.graph.size() < count) {
    const std::size_t size = out.graph.size();
    std::set<Index> parents;
    for (std::size_t n = 1 + random() % 3; n-- > 0;) {
      parents.insert(static_cast<Index>(size - 1 - random() % std::min(size, near)));
    }
    if (random() % 50 == 0) parents = {0};
    out.add({parents.begin(), parents.end()});
  }
  return out;
}

TEST(Ancestors, AnswerAsThePastsWrittenOutDo) {
  std::mt19937 random(7);
  for (int round = 0; round < 40; ++round) {
    const std::size_t count = round < 30 ? 2 + random() % 120 : 1500;
    const Case c = any_graph(random, count);
    std::vector<Ancestors::Pair> pairs;
    for (std::size_t n = 0; n < 4 * count; ++n) {
      pairs.push_back({static_cast<Index>(random() % count), static_cast<Index>(random() % count)});
    }
    const std::vector<bool> answers = c.graph.has(pairs);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      ASSERT_EQ(answers[i], c.past[pairs[i].of].contains(pairs[i].ancestor));
    }

    std::vector<Index> some;
    for (Index i = 0; i < count; ++i) {
      if (random() % 4 != 0) some.push_back(i);
    }
    const std::vector<std::uint32_t> counts = c.graph.count_among(some);
    for (std::size_t k = 0; k < some.size(); ++k) {
      const std::set<Index>& past = c.past[some[k]];
      ASSERT_EQ(counts[k],
                std::count_if(some.begin(), some.end(), [&](Index i) { return past.contains(i); }));
    }

    std::vector<Index> marks(count, kNone);
    std::vector<std::uint64_t> bits(count, 0);
    std::vector<Index> labels(count, kNone);
    for (Index i = 0; i < count; ++i) {
      if (random() % 5 == 0) marks[i] = static_cast<Index>(random() % 9);
      if (random() % 5 == 0) bits[i] = std::uint64_t{1} << random() % 64;
      if (random() % 5 == 0) labels[i] = static_cast<Index>(random() % 3);
    }
    const std::vector<Index> lowest = c.graph.lowest_from(marks);
    const std::vector<std::uint64_t> after = c.graph.bits_after(bits);
    const std::vector<bool> other = c.graph.other_label_after(labels);
    for (Index i = 0; i < count; ++i) {
      Index least = marks[i];
      std::uint64_t all = 0;
      bool differs = false;
      for (Index later = i + 1; later < count; ++later) {
        if (!c.past[later].contains(i)) continue;
        least = std::min(least, marks[later]);
        all |= bits[later];
        differs = differs || (labels[later] != kNone && labels[later] != labels[i]);
      }
      ASSERT_EQ(lowest[i], least);
      ASSERT_EQ(after[i], all);
      ASSERT_EQ(other[i], differs);
    }
  }
}

}  // namespace
}  // namespace lienthong
