// What the store costs, stage by stage: a commune writes dossiers and changes, its district reads
// them in. On a real disk, in one process, without a network.
//   store_bench [dossiers] [changes] [folder]
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "protocol/wire/part.h"
#include "store/desk/operations.h"
#include "store/office/projections.h"
#include "tests/support/deployment.h"
#include "tests/support/traffic.h"

namespace lienthong::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kOperationsInACommit = 256;
constexpr std::size_t kBytesInACommit = 1U << 20;  // as the engine groups them

// Process time beside wall time: compaction runs on threads of its own.
class Stage {
 public:
  explicit Stage(std::string name)
      : name_(std::move(name)), began_(Clock::now()), cpu_(std::clock()) {}
  ~Stage() {
    const std::chrono::duration<double> wall = Clock::now() - began_;
    const double cpu = static_cast<double>(std::clock() - cpu_) / CLOCKS_PER_SEC;
    std::cout << name_ << ": " << wall.count() << " s, of processors " << cpu << " s; resident "
              << resident_mb() << " MB" << std::endl;
  }

 private:
  static double resident_mb() {
    std::ifstream statm("/proc/self/statm");
    double size = 0, resident = 0;
    statm >> size >> resident;
    return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
  }
  std::string name_;
  Clock::time_point began_;
  std::clock_t cpu_;
};

template <class T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message());
  return *std::move(result);
}
void must(const Result<void>& result) {
  if (!result.ok()) throw std::runtime_error(result.error().message());
}

struct Office {
  Office(const TestNode& machine, const TestDeployment& deployment, const fs::path& path)
      : node(machine), root(deployment.root()), entropy(7) {
    options.path = path.string();
    options.entropy = &entropy;
    options.create = true;
    open();
    if (!replica->registry()) must(replica->bootstrap(deployment.statements()));
  }
  void open() {
    replica.reset();
    store::Identity identity(node.key);
    identity.agency = node.agency;
    identity.certificate = node.certificate;
    replica = must(store::Replica::open(options, std::move(identity), root));
  }
  void commit(UnixMillis now, const std::function<void(store::Transaction&)>& work) {
    store::Transaction transaction(*replica, now);
    work(transaction);
    must(transaction.commit());
  }
  const TestNode& node;
  RootFingerprint root;
  SeededEntropy entropy;
  store::Options options = store::office_options();
  std::unique_ptr<store::Replica> replica;
};

void write_all(Office& office, const std::vector<TrafficLine>& lines) {
  const auto registry = office.replica->registry();
  for (std::size_t i = 0; i < lines.size();) {
    office.commit(lines[i].at, [&](store::Transaction& transaction) {
      for (std::size_t n = 0; n < kOperationsInACommit && i < lines.size(); ++n, ++i) {
        transaction.savepoint();
        const auto operation = must(traffic_operation(lines[i], registry, office.node.agency));
        must(store::apply_operation(transaction, operation));
      }
    });
  }
}

std::vector<EncodedPart> read_all(const Office& from, const Office& to, std::uint64_t first) {
  std::vector<EncodedPart> parts;
  FeedRead what;
  what.reader = to.node.agency;
  what.reader_node = to.node.id();
  what.echo = Echo::kPassOver;
  what.first = first;
  for (;;) {
    const auto part = must(from.replica->read_feed(what));
    if (!part) return parts;
    what.first = part->covered.back().last + 1;
    parts.push_back({part->epoch, part->covered, wire::encode_part_body(from.root, *part)});
  }
}

void receive_all(const Office& from, Office& to, const std::vector<EncodedPart>& parts,
                 UnixMillis now) {
  for (std::size_t i = 0; i < parts.size();) {
    to.commit(now, [&](store::Transaction& transaction) {
      for (; i < parts.size() && transaction.bytes() < kBytesInACommit; ++i) {
        transaction.savepoint();
        const auto outcome = must(
            transaction.receive(FeedKind::kUpdates, from.node.id(), from.node.agency, parts[i]));
        if (!outcome.refused.empty() || outcome.waiting != 0)
          throw std::runtime_error("something was not taken: " + outcome.refused[0].detail);
      }
    });
  }
}

// A name of its own, so that a profiler can be told to look at this alone.
[[gnu::noinline]] void receive_stage(const Office& from, Office& to,
                                     const std::vector<EncodedPart>& parts, UnixMillis now) {
  receive_all(from, to, parts, now);
}

void sync(Office& from, Office& to, std::uint64_t first, UnixMillis now) {
  {
    const Stage stage("  seal");
    from.commit(now, [&](store::Transaction& transaction) {
      must(transaction.ensure_feed(to.node.agency));
      must(transaction.seal_pending(to.node.agency));
    });
  }
  std::vector<EncodedPart> parts;
  {
    const Stage stage("  read and encode");
    parts = read_all(from, to, first);
  }
  std::size_t bytes = 0;
  for (const EncodedPart& part : parts) bytes += part.body.size();
  std::cout << "  " << parts.size() << " parts, " << bytes << " bytes" << std::endl;
  const Stage stage("  receive");
  receive_stage(from, to, parts, now);
}

void run(std::size_t dossiers, std::size_t changes, const fs::path& folder) {
  TestDeployment deployment(1);
  const AgencyId province = deployment.add_agency({}, "H47", "Tỉnh Quảng Nam", "province");
  deployment.add_node(province, true);
  const AgencyId district = deployment.add_agency(province, "H47.12", "Phú Ninh", "district");
  TestNode& hub = deployment.add_node(district, true);
  const AgencyId commune = deployment.add_agency(district, "H47.12.05", "Tam Dân", "commune");
  TestNode& leaf = deployment.add_node(commune);
  Office from(leaf, deployment, folder / "commune"), to(hub, deployment, folder / "district");
  to.commit(1, [&](store::Transaction& transaction) {
    must(transaction.ensure_feed(province));
    must(transaction.ensure_feed(commune));
  });
  Traffic traffic({.seed = 5, .superior = "H47.12"});
  std::vector<TrafficLine> lines;
  for (std::size_t i = 0; i < dossiers; ++i) lines.push_back(traffic.next_dossier());
  {
    const Stage stage(std::to_string(dossiers) + " dossiers written");
    write_all(from, lines);
  }
  std::cout << "first sync\n";
  sync(from, to, 1, lines.back().at);
  const std::uint64_t end = from.replica->feed_end(FeedKind::kUpdates, district).number;
  lines.clear();
  for (std::size_t i = 0; i < changes; ++i) lines.push_back(traffic.next_change());
  if (!lines.empty()) {
    {
      const Stage stage(std::to_string(changes) + " changes written");
      write_all(from, lines);
    }
    std::cout << "catch-up\n";
    sync(from, to, end + 1, lines.back().at);
  }
  std::cout << "updates there: " << to.replica->counts().updates << std::endl;
  lines = {};
  {
    const Stage stage("opened again");
    to.open();
  }
  from.replica.reset();
  ::malloc_trim(0);
  const Stage stage("one replica left");
}

}  // namespace
}  // namespace lienthong::test

int main(int argc, char** argv) {
  const auto number = [&](int at, std::size_t otherwise) {
    return argc > at ? std::strtoull(argv[at], nullptr, 10) : otherwise;
  };
  const std::string folder = argc > 3 ? argv[3] : "store_bench_data";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  ::mallopt(M_ARENA_MAX, 2);
  try {
    lienthong::test::run(number(1, 20'000), number(2, 2'340), folder);
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << "\n";
    return 1;
  }
}
