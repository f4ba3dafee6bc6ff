#include "tests/bench/encode_world.h"

#include <stdexcept>

namespace lienthong::test {
namespace {

template <class T>
void must(const Result<T>& result, std::string_view what) {
  if (!result.ok()) throw std::runtime_error(std::string(what) + ": " + result.error().message());
}

TrafficOptions options_for(const Offices& offices, std::uint64_t seed, std::size_t commune) {
  TrafficOptions options;
  options.seed = seed;
  options.commune = commune;
  const auto registry = offices.deployment.registry();
  options.agency = registry->find_agency(offices.commune_id)->code;
  options.superior = registry->find_agency(offices.district_id)->code;
  return options;
}

}  // namespace

EncodeWorld::EncodeWorld(std::uint64_t seed, std::size_t commune)
    : offices(seed),
      traffic(options_for(offices, seed, commune)),
      registry_(offices.deployment.registry()) {
  store::Transaction transaction(offices.commune->replica(), 1);
  must(transaction.ensure_feed(offices.district_id), "feed");
  must(transaction.commit(), "commit");
}

void EncodeWorld::write(const TrafficLine& line, store::Transaction& transaction) {
  const auto operation = traffic_operation(line, registry_, offices.commune_id);
  must(operation, line.json);
  must(store::apply_operation(transaction, *operation), line.json);
}

void EncodeWorld::write_dossiers(std::size_t count) {
  constexpr std::size_t kGroup = 500;
  for (std::size_t done = 0; done < count; done += kGroup) {
    TrafficLine line = traffic.next_dossier();
    store::Transaction transaction(offices.commune->replica(), line.at);
    for (std::size_t i = 0;;) {
      write(line, transaction);
      if (++i >= std::min(kGroup, count - done)) break;
      line = traffic.next_dossier();
    }
    must(transaction.commit(), "commit");
  }
}

void EncodeWorld::write_changes(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const TrafficLine line = traffic.next_change();
    store::Transaction transaction(offices.commune->replica(), line.at);
    write(line, transaction);
    must(transaction.commit(), "commit");
  }
}

std::vector<FeedPart> EncodeWorld::take_parts() {
  store::Replica& replica = offices.commune->replica();
  store::Transaction transaction(replica, 1);
  must(transaction.seal_pending(offices.district_id), "seal");
  must(transaction.commit(), "commit");
  std::vector<FeedPart> parts;
  for (;;) {
    FeedRead what;
    what.reader = offices.district_id;
    what.reader_node = offices.district->node().id();
    what.first = taken_ + 1;
    const auto read = replica.read_feed(what);
    must(read, "feed");
    if (!*read) return parts;
    taken_ = (*read)->covered.back().last;
    for (const SealedUnit& unit : (*read)->units) {
      FeedPart& part = parts.emplace_back();
      part.epoch = (*read)->epoch;
      part.units.push_back(unit);
    }
  }
}

void EncodeWorld::deliver(const FeedPart& part) {
  store::Transaction transaction(offices.district->replica(), 1);
  const auto outcome = transaction.receive(FeedKind::kUpdates, offices.commune->node().id(),
                                           offices.commune_id, part);
  must(outcome, "receive");
  if (!outcome->refused.empty() || outcome->waiting > 0)
    throw std::runtime_error("the district does not take what the commune wrote");
  must(transaction.commit(), "commit");
}

}  // namespace lienthong::test
