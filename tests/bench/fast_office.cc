// Fills data folders for benchmarks without a daemon: `apply` writes generated traffic straight
// into a replica, each operation at the moment of the traffic's own clock; `sync` brings two
// replicas level as a session would; `scatter` leaves some updates out; `remark` writes to dossiers
// that the other office has, or has changed meanwhile as well. The daemons of the folders must not
// run. Prints JSON. docs/benchmarks.md, "Running".
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/engine/clock.h"
#include "agent/joining/identity_files.h"
#include "store/office/projections.h"
#include "tests/support/traffic.h"

namespace {

using lienthong::Bytes;
using lienthong::Cursor;
using lienthong::Echo;
using lienthong::Error;
using lienthong::FeedKind;
using lienthong::Result;
using lienthong::test::Traffic;
using lienthong::test::TrafficLine;
namespace agent = lienthong::agent;
namespace store = lienthong::store;

constexpr std::size_t kPartBytes = 256 * 1024;
constexpr std::uint64_t kPlacesAtOnce = 1000;

struct Office {
  std::unique_ptr<agent::NodeFiles> files;
  std::unique_ptr<store::Replica> replica;
};

Result<Office> open_office(const std::string& folder, agent::SystemEntropy& entropy) {
  Office out;
  LT_TRY(agent::NodeFiles files, agent::load_node_files(folder));
  store::Options options = store::office_options();
  options.path = (std::filesystem::path(folder) / agent::kStoreFolder).string();
  options.entropy = &entropy;
  LT_TRY(out.replica, store::Replica::open(options, files.identity(), files.root));
  return out;
}

struct ApplyPlan {
  std::string folder;
  lienthong::test::TrafficOptions traffic;
  std::size_t skip_dossiers = 0, dossiers = 0, skip_changes = 0, changes = 0;
  std::size_t group = 1;
};

// Writes lines, so many a commit; a commit has the clock of its first line.
class Writer {
 public:
  Writer(store::Replica& replica, std::size_t group) : replica_(replica), group_(group) {}

  Result<void> write(const TrafficLine& line) {
    const auto registry = replica_.registry();
    LT_TRY(const store::Operation operation,
           lienthong::test::traffic_operation(line, registry, replica_.identity().agency));
    if (!transaction_) transaction_.emplace(replica_, line.at);
    if (auto done = store::apply_operation(*transaction_, operation); !done.ok())
      return Error(done.error().code(), done.error().detail() + "\n" + line.json);
    ++written_;
    return ++waiting_ >= group_ ? finish() : Result<void>();
  }
  Result<void> finish() {
    waiting_ = 0;
    if (!transaction_) return {};
    auto done = transaction_->commit();
    transaction_.reset();
    return done;
  }
  std::size_t written() const { return written_; }

 private:
  store::Replica& replica_;
  std::size_t group_;
  std::size_t waiting_ = 0, written_ = 0;
  std::optional<store::Transaction> transaction_;
};

Result<void> apply(const ApplyPlan& plan) {
  agent::SystemEntropy entropy;
  LT_TRY(Office office, open_office(plan.folder, entropy));
  Traffic traffic(plan.traffic);
  Writer writer(*office.replica, plan.group);
  for (std::size_t i = 0; i < plan.skip_dossiers + plan.dossiers; ++i) {
    const TrafficLine line = traffic.next_dossier();
    if (i >= plan.skip_dossiers) LT_TRY_VOID(writer.write(line));
  }
  for (std::size_t i = 0; i < plan.skip_changes + plan.changes; ++i) {
    const TrafficLine line = traffic.next_change();
    if (i >= plan.skip_changes) LT_TRY_VOID(writer.write(line));
  }
  LT_TRY_VOID(writer.finish());
  const store::Counts counts = office.replica->counts();
  std::puts(nlohmann::json{
      {"written", writer.written()}, {"records", counts.records}, {"updates", counts.updates}}
                .dump()
                .c_str());
  return {};
}

template <class Work>
Result<void> commit(store::Replica& replica, const agent::SystemClock& clock, const Work& work) {
  store::Transaction transaction(replica, clock.now());
  LT_TRY_VOID(work(transaction));
  return transaction.commit();
}

// Everything that `to` lacks of one feed; the number of parts.
Result<std::size_t> carry(FeedKind kind, store::Replica& from, store::Replica& to,
                          const agent::SystemClock& clock) {
  const auto& reader = to.identity();
  for (std::size_t parts = 0;; ++parts) {
    const Cursor cursor = to.cursor(kind, from.identity().node);
    const auto hash = from.feed_hash(kind, reader.agency, cursor.mark.number);
    const bool fits =
        cursor.mark.epoch == from.feed_end(kind, reader.agency).epoch && hash == cursor.mark.hash;
    lienthong::FeedRead what;
    what.kind = kind;
    what.reader = reader.agency;
    what.reader_node = reader.node;
    what.echo = Echo::kPassOver;
    what.first = fits ? cursor.mark.number + 1 : 1;
    what.bytes_max = kPartBytes;
    LT_TRY(const auto part, from.read_feed(what));
    const auto note = [&](store::Transaction& transaction) {
      transaction.note_heard_cursor(kind, reader.node, to.cursor(kind, from.identity().node));
      return Result<void>();
    };
    const auto receive = [&](store::Transaction& transaction) -> Result<void> {
      LT_TRY(const auto outcome,
             transaction.receive(kind, from.identity().node, from.identity().agency, *part));
      if (outcome.refused.empty()) return {};
      return Error(outcome.refused.front().code, outcome.refused.front().detail);
    };
    if (part) {
      LT_TRY_VOID(commit(to, clock, receive));
    } else {
      LT_TRY_VOID(commit(from, clock, note));
      return parts;
    }
  }
}

Result<std::size_t> carry_all(store::Replica& from, store::Replica& to,
                              const agent::SystemClock& clock) {
  const auto seal = [&](store::Transaction& transaction) -> Result<void> {
    LT_TRY_VOID(transaction.ensure_feed(to.identity().agency));
    auto sealed = transaction.seal_pending(to.identity().agency);
    return sealed.ok() ? Result<void>() : Result<void>(sealed.error());
  };
  LT_TRY_VOID(commit(from, clock, seal));
  LT_TRY(const std::size_t statements, carry(FeedKind::kRegistry, from, to, clock));
  LT_TRY(const std::size_t updates, carry(FeedKind::kUpdates, from, to, clock));
  return statements + updates;
}

Result<void> sync(const std::string& one, const std::string& two) {
  agent::SystemEntropy entropy;
  const agent::SystemClock clock;
  LT_TRY(Office first, open_office(one, entropy));
  LT_TRY(Office second, open_office(two, entropy));
  std::size_t parts = 0;
  for (std::size_t before = 1; before != parts;) {
    before = parts;
    LT_TRY(const std::size_t there, carry_all(*first.replica, *second.replica, clock));
    LT_TRY(const std::size_t back, carry_all(*second.replica, *first.replica, clock));
    parts += there + back;
  }
  std::puts(nlohmann::json{
      {"parts", parts},
      {"updates", {first.replica->counts().updates, second.replica->counts().updates}}}
                .dump()
                .c_str());
  return {};
}

// Brings over what `to` lacks but so many updates, scattered evenly, and then gives the feed a new
// epoch, so that no cursor fits: what a restored disk over there leaves behind.
Result<void> scatter(const std::string& one, const std::string& two, std::size_t leave_out) {
  agent::SystemEntropy entropy;
  const agent::SystemClock clock;
  LT_TRY(Office first, open_office(one, entropy));
  LT_TRY(Office second, open_office(two, entropy));
  store::Replica& from = *first.replica;
  store::Replica& to = *second.replica;
  const auto& reader = to.identity();
  const auto seal = [&](store::Transaction& transaction) -> Result<void> {
    LT_TRY_VOID(transaction.ensure_feed(reader.agency));
    auto sealed = transaction.seal_pending(reader.agency);
    return sealed.ok() ? Result<void>() : Result<void>(sealed.error());
  };
  LT_TRY_VOID(commit(from, clock, seal));
  LT_TRY(const std::size_t statements, carry(FeedKind::kRegistry, from, to, clock));
  const auto end = from.feed_end(FeedKind::kUpdates, reader.agency);
  const std::uint64_t every = leave_out == 0 ? end.number + 1 : end.number / leave_out;
  for (std::uint64_t begin = 1; begin <= end.number; begin += kPlacesAtOnce) {
    std::vector<std::uint64_t> places;
    for (std::uint64_t n = begin; n < begin + kPlacesAtOnce && n <= end.number; ++n)
      if (n % every != every / 2) places.push_back(n);
    LT_TRY(const auto part, from.read_places(reader.agency, reader.node, Echo::kCarry, places));
    if (!part) return Error(lienthong::Errc::kNotFound, "nothing at these places");
    const auto receive = [&](store::Transaction& transaction) -> Result<void> {
      LT_TRY(const auto outcome, transaction.receive(FeedKind::kUpdates, from.identity().node,
                                                     from.identity().agency, *part));
      if (outcome.refused.empty()) return {};
      return Error(outcome.refused.front().code, outcome.refused.front().detail);
    };
    LT_TRY_VOID(commit(to, clock, receive));
  }
  const auto forget = [&](store::Transaction& transaction) {
    Cursor beyond;
    beyond.mark = {end.epoch, end.number + 1, 1};
    transaction.note_heard_cursor(FeedKind::kUpdates, reader.node, beyond);
    return Result<void>();
  };
  LT_TRY_VOID(commit(from, clock, forget));
  std::puts(nlohmann::json{{"statement_parts", statements},
                           {"updates", {from.counts().updates, to.counts().updates}}}
                .dump()
                .c_str());
  return {};
}

struct RemarkPlan {
  std::string one, two;
  std::size_t both = 0, others = 0;
};

// Of so many, about this many from all over.
std::vector<lienthong::RecordId> spread(const std::vector<lienthong::RecordId>& all,
                                        std::size_t count) {
  std::vector<lienthong::RecordId> out;
  for (std::size_t i = 0; i < std::min(count, all.size()); ++i)
    out.push_back(all[i * all.size() / count]);
  return out;
}

// ONE writes a remark each to dossiers that TWO has as well: to so many of which TWO has changed
// since they were level, and to others.
Result<void> remark(const RemarkPlan& plan) {
  agent::SystemEntropy entropy;
  LT_TRY(Office first, open_office(plan.one, entropy));
  LT_TRY(Office second, open_office(plan.two, entropy));
  std::vector<lienthong::RecordId> changed, level;
  first.replica->for_each_record([&](const store::RecordEntry& here) {
    const auto creation = first.replica->find_update(here.updates.front());
    const auto id = lienthong::id_cast<lienthong::RecordId>(creation->id);
    if (const auto there = second.replica->find_record(id))
      (there->updates.size() > here.updates.size() ? changed : level).push_back(id);
    return true;
  });
  std::vector<lienthong::RecordId> chosen = spread(changed, plan.both);
  for (const auto& record : spread(level, plan.others)) chosen.push_back(record);
  lienthong::UnixMillis now = second.replica->newest_time();
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    // Those that both touch lie among the others.
    const std::size_t place = i * 7919 % chosen.size();
    store::Transaction transaction(*first.replica, now += 20'000);
    store::Draft draft;
    draft.record = chosen[place];
    draft.open.kind = lienthong::UpdateKind::kNote;
    draft.closed.emplace().note = "Đã xem hồ sơ, đề nghị kiểm tra lại mục " +
                                  std::to_string(place % 17 + 1) + " trước ngày " +
                                  std::to_string(place % 28 + 1) + " hằng tháng.";
    LT_TRY_VOID(transaction.write(std::move(draft)));
    LT_TRY_VOID(transaction.commit());
  }
  std::puts(nlohmann::json{{"written", chosen.size()}, {"changed", changed.size()}}.dump().c_str());
  return {};
}

int report(const Result<void>& done) {
  if (done.ok()) return 0;
  std::fprintf(stderr, "fast_office: %s\n", done.error().message().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Fills data folders for benchmarks.");
  app.require_subcommand(1);
  ApplyPlan plan;
  auto* applying = app.add_subcommand("apply", "writes generated traffic into a replica");
  applying->add_option("--data", plan.folder)->required();
  applying->add_option("--agency", plan.traffic.agency)->required();
  applying->add_option("--superior", plan.traffic.superior);
  applying->add_option("--seed", plan.traffic.seed);
  applying->add_option("--commune", plan.traffic.commune);
  applying->add_option("--dossiers-per-day", plan.traffic.dossiers_per_day);
  applying->add_option("--numbers-from", plan.traffic.numbers_from,
                       "beside dossiers of another seed with the same office");
  applying->add_option("--skip-dossiers", plan.skip_dossiers, "made up before, so passed over");
  applying->add_option("--dossiers", plan.dossiers);
  applying->add_option("--skip-changes", plan.skip_changes);
  applying->add_option("--changes", plan.changes);
  applying->add_option("--group", plan.group, "operations a commit")->check(CLI::Range(1, 4096));
  auto* syncing = app.add_subcommand("sync", "brings two replicas level");
  std::string one, two;
  syncing->add_option("ONE", one)->required();
  syncing->add_option("TWO", two)->required();
  auto* scattering = app.add_subcommand("scatter", "brings TWO nearly level with ONE");
  std::size_t leave_out = 1000;
  scattering->add_option("ONE", one)->required();
  scattering->add_option("TWO", two)->required();
  scattering->add_option("--leave-out", leave_out, "updates that TWO does not get");
  auto* remarking = app.add_subcommand("remark", "ONE writes to dossiers that TWO has");
  RemarkPlan remarks;
  remarking->add_option("ONE", remarks.one)->required();
  remarking->add_option("TWO", remarks.two)->required();
  remarking->add_option("--both", remarks.both, "of those that TWO has changed since");
  remarking->add_option("--others", remarks.others);
  CLI11_PARSE(app, argc, argv);
  lienthong::init_crypto();
  if (applying->parsed()) return report(apply(plan));
  if (remarking->parsed()) return report(remark(remarks));
  return report(syncing->parsed() ? sync(one, two) : scatter(one, two, leave_out));
}
