// The shape of the tree against a naive computation of the same rules, and by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include "protocol/record/tree_shape.h"

namespace lienthong {
namespace {

using Index = TreeShape::Index;
constexpr Index kNone = TreeShape::kNone;

// ---- by hand ----

// P with the districts D1 (communes A, B) and D2 (C, E) and the department X; Q beside it.
enum : Index { P, D1, D2, A, B, C, E, X, Q };

TreeShape nine() {
  TreeShape shape;
  for (const Index parent : std::vector<Index>{kNone, P, P, D1, D1, D2, D2, P, kNone}) {
    shape.add(parent);
  }
  return shape;
}

TEST(TreeShape, ADissolvedAgencyCountsAsBelowItsSuccessor) {
  TreeShape shape = nine();
  shape.dissolve(A, C);
  shape.finish(1);
  EXPECT_TRUE(shape.superior(D1, A, 0));
  EXPECT_TRUE(shape.above_or_equal(C, A, 1));
  EXPECT_TRUE(shape.above_or_equal(D2, A, 1));
  EXPECT_FALSE(shape.above_or_equal(D1, A, 1));
  EXPECT_FALSE(shape.superior(D1, A, 1));  // by the parents alone
  EXPECT_FALSE(shape.superior(D2, A, 1));  // by the walk alone
  EXPECT_TRUE(shape.superior(P, A, 1));
  EXPECT_EQ(shape.parent(A, 1), D1);
  EXPECT_EQ(shape.level(A, 1), 2U);
  EXPECT_EQ(shape.resolve(A, 1), C);
}

TEST(TreeShape, WhatIsLeftBelowGoesWithADissolvedAgency) {
  TreeShape shape = nine();
  shape.dissolve(D1, D2);
  shape.finish(1);
  for (const Index left : std::vector<Index>{A, B}) {
    EXPECT_TRUE(shape.dissolved(left, 1));
    EXPECT_FALSE(shape.dissolved(left, 0));
    EXPECT_EQ(shape.resolve(left, 1), D2);
    EXPECT_EQ(shape.up(left, 1), D2);
  }
  EXPECT_TRUE(shape.move(A, X));  // a later version takes it out
  shape.finish(2);
  EXPECT_FALSE(shape.dissolved(A, 2));
  EXPECT_EQ(shape.up(A, 2), X);
  EXPECT_TRUE(shape.dissolved(B, 2));
}

TEST(TreeShape, ASuccessorBelowTheAgencyItSucceedsLivesOn) {
  TreeShape shape = nine();
  shape.dissolve(D1, A);
  shape.finish(1);
  EXPECT_FALSE(shape.dissolved(A, 1));
  EXPECT_EQ(shape.resolve(D1, 1), A);
  EXPECT_EQ(shape.resolve(B, 1), A);
  // D1 and A would walk in a circle, so D1 goes to its parent; A stays below it.
  EXPECT_EQ(shape.up(D1, 1), P);
  EXPECT_EQ(shape.up(A, 1), D1);
  EXPECT_EQ(shape.up(B, 1), A);
}

TEST(TreeShape, ACircleOfSuccessorsHasNoHeir) {
  TreeShape shape = nine();
  shape.dissolve(A, C);
  shape.dissolve(C, A);
  shape.finish(1);
  EXPECT_TRUE(shape.dissolved(shape.resolve(A, 1), 1));
  EXPECT_TRUE(shape.dissolved(shape.resolve(C, 1), 1));
  EXPECT_EQ(shape.up(A, 1), D1);
  EXPECT_EQ(shape.up(C, 1), D2);
}

TEST(TreeShape, WithoutASoleSuccessorTheWalkGoesToTheParent) {
  TreeShape shape = nine();
  shape.dissolve(D1, kNone);
  shape.finish(1);
  EXPECT_TRUE(shape.dissolved(A, 1));
  EXPECT_EQ(shape.resolve(A, 1), A);
  EXPECT_EQ(shape.up(A, 1), D1);
  EXPECT_EQ(shape.up(D1, 1), P);
}

TEST(TreeShape, AMoveIntoACircleIsPassedOver) {
  TreeShape shape = nine();
  EXPECT_FALSE(shape.move(P, A));
  EXPECT_FALSE(shape.move(P, P));
  EXPECT_TRUE(shape.move(Q, P));
  shape.finish(3);
  EXPECT_EQ(shape.up(P, 3), kNone);
  EXPECT_EQ(shape.up(Q, 2), kNone);  // versions between read as the one before
  EXPECT_EQ(shape.up(Q, 3), P);
  EXPECT_EQ(shape.up(Q, 99), P);
}

TEST(TreeShape, CommonAndSurvivingAreTheLowestThereAre) {
  TreeShape shape = nine();
  shape.dissolve(D1, D2);
  shape.finish(1);
  std::vector<AgencyId> ids;
  for (std::uint8_t i = 1; i <= 9; ++i) ids.push_back(AgencyId::from(Bytes(32, i)));
  const ShapedTree tree(shape, ids);
  const auto common = [&](std::vector<Index> of, TreeVersion version) {
    std::vector<AgencyId> agencies;
    for (const Index i : of) agencies.push_back(ids[i]);
    return tree.common(agencies, version);
  };
  EXPECT_EQ(common({A, B}, 0), ids[D1]);
  EXPECT_EQ(common({A, B}, 1), ids[D2]);
  EXPECT_EQ(common({A, C, X}, 0), ids[P]);
  EXPECT_EQ(common({A, A}, 0), ids[A]);
  EXPECT_EQ(common({A, Q}, 0), AgencyId{});
  EXPECT_EQ(tree.surviving(ids[A], 1), ids[D2]);
  EXPECT_EQ(tree.surviving(ids[A], 0), ids[A]);
  EXPECT_EQ(tree.superiors(ids[A], 1), (std::vector{ids[D2], ids[P]}));
  EXPECT_FALSE(tree.above_or_equal(AgencyId{}, AgencyId{}, 0));
}

// ---- against the rules written down once more ----

struct Naive {
  std::vector<Index> parent, up;
  std::map<Index, Index> heir;  // of the dissolved; kNone: no sole one

  static std::vector<Index> line(Index a, const std::function<Index(Index)>& step) {
    std::vector<Index> out;
    while (a != kNone && std::find(out.begin(), out.end(), a) == out.end()) {
      out.push_back(a);
      a = step(a);
    }
    return out;
  }
  Index heir_of(Index a) const {
    const auto at = heir.find(a);
    return at == heir.end() ? kNone : at->second;
  }
  static bool on(const std::vector<Index>& list, Index a) {
    return std::find(list.begin(), list.end(), a) != list.end();
  }

  Naive(std::vector<Index> parents, std::map<Index, Index> named)
      : parent(std::move(parents)), heir(std::move(named)) {
    for (;;) {
      std::vector<Index> todo;
      for (Index a = 0; a < parent.size(); ++a) {
        const Index p = parent[a];
        if (p == kNone || heir.contains(a) || !heir.contains(p)) continue;
        if (!on(line(p, [&](Index b) { return heir_of(b); }), a)) todo.push_back(a);
      }
      if (todo.empty()) break;
      std::map<Index, Index> more;
      for (const Index a : todo) more[a] = heir[parent[a]];
      heir.insert(more.begin(), more.end());
    }
    for (Index a = 0; a < parent.size(); ++a) {
      up.push_back(heir_of(a) != kNone ? heir_of(a) : parent[a]);
    }
    for (;;) {
      std::vector<Index> circle;
      for (Index a = 0; a < parent.size(); ++a) {
        if (!heir.contains(a) || up[a] == parent[a]) continue;
        if (on(line(up[a], [&](Index b) { return up[b]; }), a)) circle.push_back(a);
      }
      if (circle.empty()) break;
      for (const Index a : circle) up[a] = parent[a];
    }
  }
};

class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}
  Index below(std::size_t count) { return static_cast<Index>(random_() % count); }

 private:
  std::mt19937 random_;
};

void agree(const TreeShape& shape, const Naive& naive, TreeVersion version) {
  for (Index a = 0; a < naive.parent.size(); ++a) {
    ASSERT_EQ(shape.parent(a, version), naive.parent[a]) << a;
    ASSERT_EQ(shape.dissolved(a, version), naive.heir.contains(a)) << a;
    ASSERT_EQ(shape.successor(a, version), naive.heir_of(a)) << a;
    ASSERT_EQ(shape.up(a, version), naive.up[a]) << a;
    const auto parents = Naive::line(a, [&](Index b) { return naive.parent[b]; });
    ASSERT_EQ(shape.level(a, version), parents.size() - 1);
    const auto walk = Naive::line(a, [&](Index b) { return naive.up[b]; });
    for (Index s = 0; s < naive.parent.size(); ++s) {
      ASSERT_EQ(shape.above_or_equal(s, a, version), Naive::on(walk, s));
      ASSERT_EQ(shape.superior(s, a, version), Naive::on(walk, s) && Naive::on(parents, s));
    }
  }
}

TEST(TreeShape, AgreesWithTheRulesInRandomTrees) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    Dice dice(seed);
    const std::size_t count = 2 + dice.below(12);
    std::vector<Index> parents;
    std::map<Index, Index> named;
    TreeShape shape;
    std::vector<std::pair<std::vector<Index>, std::map<Index, Index>>> told;
    const auto declare = [&] {
      const Index parent =
          parents.empty() || dice.below(8) == 0 ? kNone : dice.below(parents.size());
      shape.add(parent);
      parents.push_back(parent);
      for (auto& [then, dissolved] : told) then.push_back(parent);
    };
    for (std::size_t i = 0; i < count; ++i) declare();
    told.emplace_back(parents, named);
    for (TreeVersion version = 1; version <= 5; ++version) {
      for (unsigned n = dice.below(4); n-- > 0;) {
        const Index agency = dice.below(parents.size());
        const Index other = dice.below(parents.size());
        if (dice.below(2) == 0) {
          const bool circle =
              Naive::on(Naive::line(other, [&](Index b) { return parents[b]; }), agency);
          ASSERT_EQ(shape.move(agency, other), !circle);
          if (!circle) parents[agency] = other;
        } else if (agency != other) {
          const Index heir = dice.below(5) == 0 ? kNone : other;
          shape.dissolve(agency, heir);
          named[agency] = heir;
        }
      }
      shape.finish(version);
      told.emplace_back(parents, named);
      if (dice.below(2) == 0) declare();  // later than the versions that are here
    }
    for (TreeVersion version = 0; version < told.size(); ++version) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", version " + std::to_string(version));
      const Naive naive(told[version].first, told[version].second);
      agree(shape, naive, version);
      // The same told at once, without the versions before.
      TreeShape whole;
      for (std::size_t i = 0; i < naive.parent.size(); ++i) whole.add(kNone);
      const std::vector<std::pair<Index, Index>> dissolved(told[version].second.begin(),
                                                           told[version].second.end());
      whole.finish(version, told[version].first, dissolved);
      agree(whole, naive, version);
    }
  }
}

}  // namespace
}  // namespace lienthong
