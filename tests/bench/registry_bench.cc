// What a statement costs a district that holds many records: one that changes nothing, and a
// revocation of a commune's machine that concerns some of them. On a real disk, in one process.
//   registry_bench [records] [concerned] [folder]
#include <chrono>
#include <ctime>
#include <filesystem>
#include <iostream>

#include "store/replica/replica.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using store::Transaction;
using Clock = std::chrono::steady_clock;

constexpr int kInACommit = 512;

double milliseconds_since(Clock::time_point began) {
  return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

void create(Office& office, int records) {
  for (int made = 0; made < records;) {
    office.commit([&](Transaction& transaction) {
      for (int i = 0; i < kInACommit && made < records; ++i, ++made) {
        store::Draft draft;
        draft.open.kind = UpdateKind::kCreated;
        draft.closed = ClosedBody{};
        if (!transaction.write(std::move(draft)).ok()) throw std::runtime_error("write");
      }
      transaction.savepoint();
    });
  }
}

void state(Office& office, const char* what, const std::function<bool(Transaction&)>& say) {
  const std::uint64_t seen = office.replica().last_change();
  const auto began = Clock::now();
  const std::clock_t processor = std::clock();
  double longest = 0;
  std::size_t commits = 0;
  {
    Transaction transaction(office.replica(), office.now += 1000);
    if (!say(transaction)) std::cout << what << ": refused" << std::endl;
    if (!transaction.commit().ok()) throw std::runtime_error("commit");
    longest = milliseconds_since(began);
    ++commits;
  }
  while (office.replica().unfinished()) {
    const auto step = Clock::now();
    Transaction transaction(office.replica(), office.now);
    (void)transaction.go_on();
    if (!transaction.commit().ok()) throw std::runtime_error("commit");
    longest = std::max(longest, milliseconds_since(step));
    ++commits;
  }
  const double used = 1e3 * static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC;
  std::cout << what << ": " << milliseconds_since(began) << " ms (" << used
            << " of the processor) in " << commits << " commits, the longest " << longest
            << " ms; states that are others now: "
            << office.replica().change_events(seen, 10'000'000).events.size() << std::endl;
}

int run(int records, int concerned, const std::string& folder) {
  std::filesystem::remove_all(folder);
  Offices offices(1);
  const TestNode district_node = offices.district->node();
  Office district(offices.deployment, district_node, nullptr, folder);
  Office& commune = *offices.commune;
  create(commune, concerned);
  while (send(commune, district, 256 * 1024)) continue;
  create(commune, concerned);
  while (send(commune, district, 256 * 1024)) continue;
  const auto last = commune.replica().find_update(static_cast<std::uint64_t>(concerned))->seal;
  const Seal cut = commune.replica().find_seal(*last)->seal();
  create(district, records - 2 * concerned);
  std::cout << "records at the district: " << district.replica().counts().records << std::endl;

  TestNode other = offices.other->node();
  Revocation made_up;
  made_up.node.bytes[0] = 1;
  made_up.reason = "x";
  state(district, "a statement without any right", [&](Transaction& transaction) {
    FeedPart part;
    part.statements = {other.say(offices.deployment.root(), made_up)};
    return transaction.receive(FeedKind::kRegistry, other.id(), other.agency, part)->added > 0;
  });
  // The first one reads what nobody has read since the start.
  for (const char* what : {"a revocation of nobody, the first", "a revocation of nobody"}) {
    ++made_up.node.bytes[1];
    state(district, what,
          [&](Transaction& transaction) { return transaction.state(made_up).ok(); });
  }
  Revocation revocation = made_up;
  revocation.node = commune.node().id();
  revocation.cuts = {{cut.incarnation, cut.number, {}}};
  state(district, "a revocation",
        [&](Transaction& transaction) { return transaction.state(revocation).ok(); });
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace lienthong::test

int main(int argc, char** argv) {
  const int records = argc > 1 ? std::atoi(argv[1]) : 20'000;
  const int concerned = argc > 2 ? std::atoi(argv[2]) : 1'000;
  return lienthong::test::run(records, concerned,
                              argc > 3 ? argv[3] : "/var/tmp/lienthong-registry-bench");
}
