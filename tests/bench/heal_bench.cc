// What healing costs: bytes, round trips and CPU for a feed of which a part is missing on one side,
// in feed rows as the store keeps them. Prints one JSON document.
#include <rocksdb/env.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <ctime>
#include <deque>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>

#include "protocol/sync/healing.h"
#include "protocol/wire/part.h"
#include "store/replica/database.h"
#include "store/replica/rows.h"
#include "tests/support/empty_view.h"

namespace {

using namespace lienthong;

constexpr std::size_t kBatch = 20'000;
constexpr std::uint32_t kFeed = 1;
constexpr std::size_t kUpdateBytes = 160;  // of one healed update, made up

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// A feed in rows of the store, read as Replica::feed_ids() reads it.
class FeedRows final : public test::EmptyView {
 public:
  explicit FeedRows(const std::string& path) {
    auto opened = store::Database::open(path, nullptr, true);
    if (!opened.ok()) throw std::runtime_error(opened.error().message());
    database_ = *std::move(opened);
  }
  void add(const IdPrefix& id) {
    store::FeedEntry entry;
    entry.update = digest_.count + 1;
    entry.source = 3;
    entry.hash = digest_.count * 0x9e3779b97f4a7c15;
    entry.id = id;
    store::add_to_sum(digest_.sum, id);
    batch_.rows[store::key::feed_entry(kFeed, ++digest_.count)] = store::encode(entry);
    digest_.mark.number = digest_.count;
    if (batch_.rows.size() >= kBatch) flush();
  }
  void flush() {
    if (auto written = database_->write(batch_); !written.ok())
      throw std::runtime_error(written.error().message());
    batch_ = {};
  }

  std::optional<FeedDigest> feed_digest(FeedKind, const AgencyId&, UpTo) const override {
    return digest_;
  }
  FeedMark feed_end(FeedKind, const AgencyId&) const override { return digest_.mark; }
  std::vector<IdPrefix> feed_ids(FeedKind, const AgencyId&, std::uint64_t first,
                                 std::size_t limit) const override {
    std::vector<IdPrefix> out;
    out.reserve(limit);
    database_->scan(store::key::feed_prefix(kFeed), store::key::feed_entry(kFeed, first),
                    [&](std::string_view, std::string_view value) {
                      out.push_back(store::decode_feed_entry(value).id);
                      return out.size() < limit;
                    });
    return out;
  }
  Result<Entries> read_entries(FeedKind, const AgencyId&, std::span<const std::uint64_t> places,
                               std::size_t bytes_max) const override {
    Entries out;
    for (; out.taken < places.size() && out.taken * kUpdateBytes < bytes_max; ++out.taken) {
      const auto row = database_->get(store::key::feed_entry(kFeed, places[out.taken]));
      Statement statement;
      statement.body = to_bytes(store::decode_feed_entry(row.value()).id);
      statement.body.resize(kUpdateBytes);
      out.part.statements.push_back(std::move(statement));
    }
    return out;
  }

 private:
  std::unique_ptr<store::Database> database_;
  store::Changes batch_;
  FeedDigest digest_;
};

struct End {
  FeedRows rows;
  Healing healing;
  Healing* told = nullptr;  // the other end's
  std::deque<Bytes> outgoing;
  double cpu = 0;
  std::size_t bytes = 0, update_bytes = 0, messages = 0, received = 0;
  int last_update_turn = 0;

  End(const std::string& path, bool leads) : rows(path), healing(rows, config(leads)) {}
  static HealingConfig config(bool leads) {
    HealingConfig out;
    out.leads = leads;
    out.nonce = leads ? 1 : 2;
    out.quiet = [](FeedKind) { return true; };
    out.flows_from = [](FeedKind) { return UINT64_MAX; };
    return out;
  }
  void perform(Instant now, int turn) {
    const double before = cpu_seconds();
    for (;;) {
      while (healing.has_work()) healing.work(now);
      auto actions = healing.take_actions();
      if (actions.empty()) break;
      for (HealAction& action : actions) {
        if (auto* send = std::get_if<SendHeal>(&action)) {
          const bool part = send->body[0] == 7;
          (part ? update_bytes : bytes) += send->body.size();
          ++messages;
          outgoing.push_back(std::move(send->body));
        } else if (auto* store = std::get_if<StoreHealed>(&action)) {
          received +=
              wire::decode_part_body(RootFingerprint(), store->part.body)->statements.size();
          last_update_turn = turn;
          healing.on_stored(store->token, now);
        } else if (const auto* set = std::get_if<SetCursor>(&action)) {
          told->on_peer_cursor(set->kind, now);
          healing.on_cursor_set(set->kind, now);
        }
      }
    }
    cpu += cpu_seconds() - before;
  }
};

struct Measured {
  int turns = 0;  // half round trips
  void run(End& a, End& b, Instant now) {
    turns = 0;
    a.perform(now, turns);
    b.perform(now, turns);
    while (!a.outgoing.empty() || !b.outgoing.empty()) {
      pass(a, b, now);
      pass(b, a, now);
    }
  }
  void pass(End& from, End& to, Instant now) {
    const auto bodies = std::exchange(from.outgoing, {});
    if (bodies.empty()) return;
    ++turns;
    const double before = cpu_seconds();
    for (const Bytes& body : bodies)
      if (auto taken = to.healing.on_message(body, now); !taken.ok())
        throw std::runtime_error(taken.error().message());
    to.cpu += cpu_seconds() - before;
    to.perform(now, turns);
  }
};

nlohmann::json side(const End& end) {
  return {{"bytes", end.bytes},
          {"update_bytes", end.update_bytes},
          {"messages", end.messages},
          {"received", end.received},
          {"cpu_seconds", end.cpu}};
}

int run(std::uint64_t entries, std::uint64_t missing, bool split, bool lost_cursor,
        const std::string& folder) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  nlohmann::json out;
  {
    End a(folder + "/a", true), b(folder + "/b", false);
    a.told = &b.healing;
    b.told = &a.healing;
    std::mt19937_64 mixer(7);
    const std::uint64_t step = missing == 0 ? 0 : entries / missing;
    for (std::uint64_t i = 0; i < entries; ++i) {
      IdPrefix id;
      for (std::size_t at = 0; at < id.size(); at += 8) {
        const std::uint64_t word = mixer();
        std::memcpy(id.data() + at, &word, 8);
      }
      const bool lost = step != 0 && i % step == step / 2 && i / step < missing;
      const bool lost_at_b = lost && split && (i / step) % 2 == 0;
      if (!lost || lost_at_b) a.rows.add(id);
      if (!lost_at_b) b.rows.add(id);
    }
    a.rows.flush();
    b.rows.flush();
    const Instant now{};
    Measured measured;
    if (lost_cursor) {
      a.healing.on_lost_cursor(FeedKind::kUpdates, now);
      measured.run(a, b, now);
    } else {
      for (const int second : {1, 4}) {  // a quiet moment
        a.healing.on_tick(now + std::chrono::seconds(second));
        measured.run(a, b, now + std::chrono::seconds(second));
      }
    }
    const std::size_t frames = 21 * (a.messages + b.messages);
    const int last_turn = std::max(a.last_update_turn, b.last_update_turn);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    out = {{"entries", entries},
           {"missing", missing},
           {"lost_cursor", lost_cursor},
           {"asker", side(a)},
           {"answerer", side(b)},
           {"bytes_beside_updates", a.bytes + b.bytes + frames},
           {"round_trips_until_healed", last_turn / 2.0},
           {"round_trips_in_all", measured.turns / 2.0},
           {"cpu_seconds_max", std::max(a.cpu, b.cpu)},
           {"resident_kib_both_sides", usage.ru_maxrss}};
  }
  std::filesystem::remove_all(folder);
  std::cout << out.dump(2) << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures healing of one feed between two machines");
  std::uint64_t entries = 1'000'000, missing = 1000;
  bool split = false, lost_cursor = false;
  std::string folder = (std::filesystem::temp_directory_path() / "heal_bench").string();
  app.add_option("--entries", entries, "entries of the feed");
  app.add_option("--missing", missing, "so many of them missing, scattered");
  app.add_flag("--split", split, "half of them on either side");
  app.add_flag("--lost-cursor", lost_cursor, "else compared in a quiet moment");
  app.add_option("--folder", folder, "for the databases; is emptied");
  CLI11_PARSE(app, argc, argv);
  return run(entries, missing, split, lost_cursor, folder);
}
