// The traffic generator: the same options give the same lines, and an office accepts every one.
#include "tests/support/traffic.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <set>

#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

TrafficOptions seeded(std::uint64_t seed) {
  TrafficOptions options;
  options.seed = seed;
  return options;
}

std::vector<TrafficLine> lines_of(const TrafficOptions& options, int dossiers, int changes) {
  Traffic traffic(options);
  std::vector<TrafficLine> lines;
  for (int i = 0; i < dossiers; ++i) lines.push_back(traffic.next_dossier());
  for (int i = 0; i < changes; ++i) lines.push_back(traffic.next_change());
  return lines;
}

TEST(Traffic, SameOptionsGiveTheSameLines) {
  const auto one = lines_of(seeded(7), 200, 200), two = lines_of(seeded(7), 200, 200);
  ASSERT_EQ(one.size(), two.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].json, two[i].json);
    EXPECT_EQ(one[i].at, two[i].at);
  }
}

TEST(Traffic, AnotherSeedGivesOtherLines) {
  std::set<std::string> seen;
  for (const TrafficLine& line : lines_of(seeded(7), 200, 0)) seen.insert(line.json);
  for (const TrafficLine& line : lines_of(seeded(8), 200, 0))
    EXPECT_TRUE(seen.insert(line.json).second) << line.json;
}

TEST(Traffic, TimeNeverGoesBack) {
  UnixMillis last = 0;
  for (const TrafficLine& line : lines_of(seeded(7), 500, 500)) {
    EXPECT_GE(line.at, last);
    last = line.at;
  }
}

TEST(Traffic, AnOfficeAcceptsEveryLine) {
  Offices offices(7);
  const auto registry = offices.deployment.registry();
  TrafficOptions options;
  options.agency = registry->find_agency(offices.commune_id)->code;
  options.superior = registry->find_agency(offices.district_id)->code;
  std::size_t created = 0, set = 0, noted = 0, offered = 0;
  offices.commune->commit([&](store::Transaction& transaction) {
    for (const TrafficLine& line : lines_of(options, 300, 1200)) {
      const auto operation = traffic_operation(line, registry, offices.commune_id);
      ASSERT_TRUE(operation.ok()) << operation.error().message() << "\n" << line.json;
      const auto done = store::apply_operation(transaction, *operation);
      ASSERT_TRUE(done.ok()) << done.error().message() << "\n" << line.json;
      created += std::holds_alternative<store::CreateDossier>(operation->deed) ? 1 : 0;
      set += std::holds_alternative<store::SetFields>(operation->deed) ? 1 : 0;
      noted += std::holds_alternative<store::AddNote>(operation->deed) ? 1 : 0;
      offered += std::holds_alternative<store::Offer>(operation->deed) ? 1 : 0;
    }
  });
  for (const std::size_t count : {created, set, noted, offered}) EXPECT_GT(count, 0U);
  EXPECT_EQ(created + set + noted + offered, 1500U);
}

}  // namespace
}  // namespace lienthong::test
