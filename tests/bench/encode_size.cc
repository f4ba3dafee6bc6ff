// How small parts get, and how fast: prints one line of JSON for each kind of traffic. Arguments:
// dossiers, tries, seals to a part.
// docs/benchmarks.md, "Encoding".
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>

#include "protocol/wire/compress.h"
#include "protocol/wire/dictionary.h"
#include "protocol/wire/part.h"
#include "tests/bench/encode_world.h"

namespace {

using namespace lienthong;

// Processor time of this thread: other programs do not count.
struct Clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
  static time_point now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time_point(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  }
};

constexpr std::uint64_t kSeed = 90'001;  // training uses others
constexpr std::size_t kCommune = 40;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Measured {
  std::size_t updates = 0, body = 0, dense = 0, raw = 0, plain = 0;
  double encode = 0, decode = 0;
  std::vector<Bytes> bodies;
};

// Ids, secrets, digests and signatures of a body (docs/protocol/parts.md, "Layout").
std::size_t raw_bytes(ByteView body) {
  ByteReader in(body);
  const bool coded = (*in.u8() & 1) != 0;
  static_cast<void>(*in.varint());
  return coded ? static_cast<std::size_t>(*in.varint()) : wire::dense_tail(body);
}

// As many seals to a part as asked for.
std::vector<FeedPart> join(std::vector<FeedPart> parts, std::size_t seals) {
  std::vector<FeedPart> out;
  for (FeedPart& part : parts) {
    if (out.empty() || out.back().units.size() >= seals)
      out.push_back(std::move(part));
    else
      out.back().units.push_back(std::move(part.units[0]));
  }
  return out;
}

// Encodes as the commune does, decodes as the district does, which then stores it. Times are the
// least of `repeat` tries.
Measured measure(test::EncodeWorld& world, const std::vector<FeedPart>& parts, bool deliver,
                 int repeat) {
  Measured out;
  const RootFingerprint& root = world.offices.deployment.root();
  for (const FeedPart& part : parts) {
    Bytes body;
    double encode = 1e9, decode = 1e9;
    for (int i = 0; i < repeat; ++i) {
      auto start = Clock::now();
      const auto names = world.offices.commune->replica().names();
      body = wire::encode_part_body(root, part, names.get());
      encode = std::min(encode, seconds_since(start));
      store::Transaction transaction(world.offices.district->replica(), 1);
      start = Clock::now();
      const auto here = transaction.names();
      const auto back = wire::decode_part(root, body, here.get());
      decode = std::min(decode, seconds_since(start));
      if (!back.ok()) throw std::runtime_error(back.error().message());
      if (i == 0 && back->units != part.units)
        throw std::runtime_error("a part comes back changed");
    }
    out.encode += encode;
    out.decode += decode;
    for (const SealedUnit& unit : part.units) {
      out.updates += unit.leaves.size();
      for (const SealedLeaf& leaf : unit.leaves)
        out.plain += leaf.update.open.size() + leaf.update.closed.size() + 200;
    }
    out.body += body.size();
    out.dense += wire::dense_tail(body);
    out.raw += raw_bytes(body);
    out.bodies.push_back(std::move(body));
    if (deliver) world.deliver(part);
  }
  return out;
}

std::size_t backlog(const std::vector<Bytes>& bodies, int level, std::uint32_t dictionary,
                    double& deflate, double& inflate) {
  wire::BacklogDeflater out(level, dictionary);
  wire::BacklogInflater in(dictionary);
  std::size_t bytes = 0;
  for (const Bytes& body : bodies) {
    auto start = Clock::now();
    const auto packed = out.deflate(body, wire::dense_tail(body));
    deflate += seconds_since(start);
    if (!packed) throw std::runtime_error("spoilt");
    start = Clock::now();
    const auto back = in.inflate(*packed);
    inflate += seconds_since(start);
    if (!back.ok() || *back != body) throw std::runtime_error("a body comes back changed");
    bytes += packed->size();
  }
  return bytes;
}

// Of messages compressed one by one with the dictionary, ascending.
std::vector<std::size_t> each_alone(const std::vector<Bytes>& bodies) {
  wire::MessageDeflater deflater(wire::kDictionaryNewest);
  std::vector<std::size_t> sizes;
  for (const Bytes& body : bodies) {
    const auto packed = deflater.deflate(body, wire::dense_tail(body));
    sizes.push_back(packed ? packed->size() : body.size());
  }
  std::ranges::sort(sizes);
  return sizes;
}

// Dossiers of six updates or so, each with nothing known to the reader.
void report_newcomer() {
  std::vector<Bytes> bodies;
  for (std::size_t i = 0; i < 15; ++i) {
    test::EncodeWorld world(kSeed + 100 + i, kCommune + i);
    world.write_dossiers(1);
    world.write_changes(5);
    FeedPart part = join(world.take_parts(), 99).at(0);
    bodies.push_back(wire::encode_part_body(world.offices.deployment.root(), part));
  }
  const std::vector<std::size_t> sizes = each_alone(bodies);
  std::puts(nlohmann::ordered_json{{"what", "six updates in full"},
                                   {"median alone", sizes[sizes.size() / 2]},
                                   {"largest alone", sizes.back()}}
                .dump()
                .c_str());
}

void report(const char* name, const Measured& measured) {
  nlohmann::ordered_json line{{"what", name},
                              {"updates", measured.updates},
                              {"parts", measured.bodies.size()},
                              {"plain", measured.plain},
                              {"columns", measured.body},
                              {"dense", measured.dense},
                              {"raw", measured.raw},
                              {"encode_s", measured.encode},
                              {"decode_s", measured.decode}};
  for (const int level : {3, 9, 12})
    for (const std::uint32_t dictionary : {0U, wire::kDictionaryNewest}) {
      double deflate = 0, inflate = 0;
      const std::size_t bytes = backlog(measured.bodies, level, dictionary, deflate, inflate);
      line["level " + std::to_string(level) + (dictionary != 0 ? " dict" : "")] = {
          {"bytes", bytes}, {"deflate_s", deflate}, {"inflate_s", inflate}};
    }
  const std::vector<std::size_t> sizes = each_alone(measured.bodies);
  line["each alone"] = std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
  line["median alone"] = sizes[sizes.size() / 2];
  std::puts(line.dump().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t dossiers = argc > 1 ? std::stoul(argv[1]) : 20'000;
  const int repeat = argc > 2 ? std::stoi(argv[2]) : 3;
  const std::size_t seals = argc > 3 ? std::stoul(argv[3]) : 1;       // to a part
  const std::size_t before = argc > 4 ? std::stoul(argv[4]) : 2'000;  // the outage
  try {
    {
      test::EncodeWorld world(kSeed, kCommune);
      world.write_dossiers(dossiers);
      report("dossiers", measure(world, join(world.take_parts(), seals), false, repeat));
    }
    {
      test::EncodeWorld world(kSeed + 1, kCommune + 1);
      world.write_dossiers(before);
      for (const FeedPart& part : world.take_parts()) world.deliver(part);
      world.write_changes(2'340);
      report("outage", measure(world, join(world.take_parts(), seals), true, repeat));
      Measured single;
      for (int i = 0; i < 200; ++i) {
        world.write_changes(1);
        Measured one = measure(world, world.take_parts(), true, repeat);
        single.updates += one.updates;
        single.plain += one.plain;
        single.body += one.body;
        single.dense += one.dense;
        single.raw += one.raw;
        single.encode += one.encode;
        single.decode += one.decode;
        for (Bytes& body : one.bodies) single.bodies.push_back(std::move(body));
      }
      report("single changes", single);
    }
    report_newcomer();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
