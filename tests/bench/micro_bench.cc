// The hot paths one by one. docs/benchmarks.md, "Hot paths".
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>
#include <stdexcept>

#include "protocol/crypto/hash.h"
#include "protocol/record/fold.h"
#include "protocol/wire/part.h"
#include "store/office/projections.h"
#include "tests/support/deployment.h"
#include "tests/support/traffic.h"

namespace lienthong {
namespace {

constexpr std::size_t kDossiers = 3000;
constexpr std::size_t kPartBytes = 64 * 1024;

template <class T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message());
  return *std::move(result);
}
void must(const Result<void>& result) {
  if (!result.ok()) throw std::runtime_error(result.error().message());
}

// A folder on the disk on which the benchmark runs, removed at the end.
class Folder final {
 public:
  Folder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "lienthong_micro_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// A district and its commune, which has dossiers that have not left it.
struct World {
  World() {
    const AgencyId parent_id =
        deployment.add_agency(AgencyId{}, "H47.518", "Huyện Phú Ninh", "district");
    parent_node = &deployment.add_node(parent_id, true);
    const AgencyId child_id =
        deployment.add_agency(parent_id, "H47.518.20374", "Xã Tam Đàn", "commune");
    child_node = &deployment.add_node(child_id);
    parent = open(*parent_node, folder / "parent");
    child = open(*child_node, folder / "child");
    traffic_options.agency = "H47.518.20374";
    traffic_options.seed = 5;
    traffic = std::make_unique<test::Traffic>(traffic_options);
    store::Transaction transaction(*child, now);
    for (std::size_t i = 0; i < kDossiers; ++i) apply(transaction, traffic->next_dossier());
    must(transaction.commit());
    store::Transaction sealing(*child, now);
    must(sealing.ensure_feed(parent_id));
    must(sealing.seal_pending(parent_id));
    must(sealing.commit());
  }

  std::unique_ptr<store::Replica> open(const test::TestNode& node, const std::string& path) {
    store::Identity identity(node.key);
    identity.agency = node.agency;
    identity.certificate = node.certificate;
    store::Options options = store::office_options();
    options.path = path;
    options.entropy = &deployment.entropy();
    options.create = true;
    auto replica = must(store::Replica::open(options, identity, deployment.root()));
    must(replica->bootstrap(deployment.statements()));
    return replica;
  }

  void apply(store::Transaction& transaction, const test::TrafficLine& line) {
    const auto operation = must(test::traffic_operation(line, registry, child_node->agency));
    must(store::apply_operation(transaction, operation));
  }

  FeedRead read(std::uint64_t first) const {
    FeedRead what;
    what.reader = parent_node->agency;
    what.reader_node = parent_node->id();
    what.first = first;
    what.bytes_max = kPartBytes;
    return what;
  }
  FeedPart part(std::uint64_t first = 1) const {
    auto out = must(child->read_feed(read(first)));
    if (!out) throw std::runtime_error("the feed has ended");
    return *std::move(out);
  }

  Folder folder;
  test::TestDeployment deployment{11};
  test::TestNode* parent_node = nullptr;
  test::TestNode* child_node = nullptr;
  std::shared_ptr<const Registry> registry = deployment.registry();
  std::unique_ptr<store::Replica> parent, child;
  test::TrafficOptions traffic_options;
  std::unique_ptr<test::Traffic> traffic;
  UnixMillis now = 1'680'307'200'000;
};

World& world() {
  static World made;
  return made;
}

std::size_t updates_in(const FeedPart& part) {
  std::size_t count = 0;
  for (const SealedUnit& unit : part.units) count += unit.leaves.size();
  return count;
}

// ---- hashes and seals ----

void hash_300_bytes(benchmark::State& state) {
  const RootFingerprint root = world().deployment.root();
  const Bytes bytes(300, 7);
  for (auto unused : state) benchmark::DoNotOptimize(hash(kTagUpdate, root, ByteView(bytes)));
}
BENCHMARK(hash_300_bytes);

std::vector<Hash256> leaves() {
  std::vector<Hash256> out(256);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] =
        hash(kTagLeaf, world().deployment.root(), ByteView(Bytes(4, static_cast<std::uint8_t>(i))));
  return out;
}

void seal_256_make(benchmark::State& state) {
  const auto batch = leaves();
  const test::TestNode& node = *world().child_node;
  for (auto unused : state)
    benchmark::DoNotOptimize(
        make_seal(world().deployment.root(), node.key, node.certificate, 1, 1, SealId{}, batch));
}
BENCHMARK(seal_256_make);

void seal_verify(benchmark::State& state) {
  const test::TestNode& node = *world().child_node;
  const RootFingerprint& root = world().deployment.root();
  const Seal seal = make_seal(root, node.key, node.certificate, 1, 1, SealId{}, leaves());
  for (auto unused : state) must(verify_seal(root, seal, node.id()));
}
BENCHMARK(seal_verify);

void merkle_root_256(benchmark::State& state) {
  const auto batch = leaves();
  for (auto unused : state) benchmark::DoNotOptimize(merkle_root(world().deployment.root(), batch));
}
BENCHMARK(merkle_root_256);

// ---- records ----

// A dossier's life: created, then so many steps.
std::vector<GraphUpdate> life(std::size_t steps) {
  const test::TestNode& node = *world().child_node;
  std::vector<GraphUpdate> out;
  Hlc clock;
  for (std::size_t i = 0; i <= steps; ++i) {
    Update update;
    OpenBody& open = out.emplace_back().open;
    clock = Hlc::next(world().now + static_cast<UnixMillis>(i) * 60'000, clock);
    update.envelope.certificate = node.certificate;
    update.envelope.tree_version = world().registry->newest();
    update.envelope.hlc = clock;
    open.kind = i == 0 ? UpdateKind::kCreated : UpdateKind::kSet;
    open.writes = {{12, std::int64_t{4}}, {15, std::string("Bộ phận Một cửa")}};
    if (i > 0) {
      update.envelope.record = id_cast<RecordId>(out.front().id);
      update.envelope.deps = {out[i - 1].id};
      update.envelope.link = out.front().id;
    }
    GraphUpdate& made = out.back();
    made.envelope = update.envelope;
    made.id = update_id(world().deployment.root(), update);
    made.agency = node.agency;
    made.node = node.id();
  }
  return out;
}

void fold_record(benchmark::State& state) {
  const auto updates = life(static_cast<std::size_t>(state.range(0)) - 1);
  for (auto unused : state) benchmark::DoNotOptimize(fold(updates, *world().registry));
}
BENCHMARK(fold_record)->Arg(6)->Arg(50);

void extend_record(benchmark::State& state) {
  const auto updates = life(5);
  const RecordState before = fold(std::span(updates).first(5), *world().registry);
  for (auto unused : state) {
    RecordState after = before;
    if (!extend(after, updates.back(), *world().registry))
      throw std::runtime_error("does not extend");
    benchmark::DoNotOptimize(after);
  }
}
BENCHMARK(extend_record);

// ---- parts of a feed ----

void feed_read(benchmark::State& state) {
  std::size_t updates = 0;
  for (auto unused : state) updates += updates_in(world().part());
  state.SetItemsProcessed(static_cast<std::int64_t>(updates));
}
BENCHMARK(feed_read)->Unit(benchmark::kMicrosecond);

void part_encode(benchmark::State& state) {
  const FeedPart part = world().part();
  Bytes bytes;
  for (auto unused : state) bytes = wire::encode_part_body(world().deployment.root(), part);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(updates_in(part)));
  state.counters["bytes_an_update"] =
      static_cast<double>(bytes.size()) / static_cast<double>(updates_in(part));
}
BENCHMARK(part_encode)->Unit(benchmark::kMicrosecond);

void part_decode(benchmark::State& state) {
  const RootFingerprint& root = world().deployment.root();
  const FeedPart part = world().part();
  const Bytes bytes = wire::encode_part_body(root, part);
  for (auto unused : state) benchmark::DoNotOptimize(must(wire::decode_part_body(root, bytes)));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(updates_in(part)));
}
BENCHMARK(part_decode)->Unit(benchmark::kMicrosecond);

// ---- commits, on the real disk ----

void commit_one_dossier(benchmark::State& state) {
  World& w = world();
  for (auto unused : state) {
    store::Transaction transaction(*w.child, w.now);
    w.apply(transaction, w.traffic->next_dossier());
    must(transaction.commit());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(commit_one_dossier)->Unit(benchmark::kMicrosecond)->MinTime(0.2);

void commit_64_dossiers(benchmark::State& state) {
  World& w = world();
  for (auto unused : state) {
    store::Transaction transaction(*w.child, w.now);
    for (int i = 0; i < 64; ++i) w.apply(transaction, w.traffic->next_dossier());
    must(transaction.commit());
  }
  state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(commit_64_dossiers)->Unit(benchmark::kMicrosecond)->MinTime(0.2);

// As a first sync takes its parts in. By itself, so that a profiler can count it alone:
// valgrind --tool=callgrind --toggle-collect='*receive_parts*'
[[gnu::noinline]] std::size_t receive_parts(store::Replica& reader,
                                            const std::vector<EncodedPart>& parts) {
  World& w = world();
  std::size_t updates = 0;
  for (const EncodedPart& part : parts) {
    store::Transaction transaction(reader, w.now);
    const auto outcome = must(
        transaction.receive(FeedKind::kUpdates, w.child_node->id(), w.child_node->agency, part));
    must(transaction.commit());
    updates += outcome.added;
  }
  return updates;
}

// Decoded, verified, folded, numbered, synced; each round into an empty replica.
void receive_dossiers(benchmark::State& state) {
  World& w = world();
  std::vector<EncodedPart> parts;
  for (std::uint64_t first = 1; first <= kDossiers;) {
    const FeedPart part = w.part(first);
    const auto names = w.child->names();
    parts.push_back(
        {part.epoch, part.covered, wire::encode_part_body(w.deployment.root(), part, names.get())});
    first = part.covered.back().last + 1;
  }
  std::size_t updates = 0;
  int round = 0;
  for (auto unused : state) {
    state.PauseTiming();
    const std::string name = "reader" + std::to_string(++round);
    auto reader = w.open(*w.parent_node, w.folder / name.c_str());
    state.ResumeTiming();
    updates += receive_parts(*reader, parts);
    state.PauseTiming();
    reader.reset();
    std::filesystem::remove_all(w.folder / name.c_str());
    state.ResumeTiming();
  }
  if (updates < kDossiers) throw std::runtime_error("not all were stored");
  state.SetItemsProcessed(static_cast<std::int64_t>(updates));
}
BENCHMARK(receive_dossiers)->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace
}  // namespace lienthong

int main(int argc, char** argv) {
  lienthong::init_crypto();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
