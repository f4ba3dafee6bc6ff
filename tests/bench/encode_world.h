// An office that writes generated traffic, and its superior: what the encoding is trained on and
// measured with. docs/benchmarks.md, "Encoding".
#pragma once

#include "tests/support/offices.h"
#include "tests/support/traffic.h"

namespace lienthong::test {

class EncodeWorld {
 public:
  // `commune`: as in TrafficOptions.
  EncodeWorld(std::uint64_t seed, std::size_t commune);

  // Written by the commune: many to a commit, or each by itself.
  void write_dossiers(std::size_t count);
  void write_changes(std::size_t count);
  // What was written since the last call, sealed now: a part for each seal, in order.
  std::vector<FeedPart> take_parts();
  // The district stores it.
  void deliver(const FeedPart& part);

  Offices offices;
  Traffic traffic;

 private:
  void write(const TrafficLine& line, store::Transaction& transaction);
  std::shared_ptr<const Registry> registry_;
  std::uint64_t taken_ = 0;  // of the feed
};

}  // namespace lienthong::test
