// Where a node's seals end: what the revocations of it, or the closings of it for one tree version,
// that count say together. Internal to protocol/record.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "protocol/record/statement.h"

namespace lienthong::registry_detail {

// A revocation or closing of one node. What it points to outlives what is made of it.
struct CutWord {
  const StatementId* id = nullptr;
  const Stretch* stretch = nullptr;
  const std::vector<Cut>* cuts = nullptr;
  std::span<const std::uint32_t> after;  // places in the list of words, each before its own
  std::optional<unsigned>
      height;  // 0: the root; else 1 + level of the agency; none: acts on nobody
};

class Limits {
 public:
  // With several of one height: a seal is within if it is within each, or within any.
  enum class Several : std::uint8_t { kWithinEach, kWithinAny };

  Limits() = default;
  // For each incarnation by itself, of those that act and speak of it: none that another of them
  // follows at any distance, and of the others those with the least height.
  Limits(std::span<const CutWord> words, Several several);

  // The same words count; what they are is where it was.
  bool operator==(const Limits&) const = default;

  bool empty() const { return parts_.empty(); }  // nothing counts
  struct Counting {
    const StatementId* id = nullptr;
    const std::vector<Cut>* cuts = nullptr;
    bool operator==(const Counting&) const = default;
  };
  // Those that count for an incarnation.
  std::span<const Counting> counting(std::uint64_t incarnation) const;
  // Whether they leave the seal standing.
  bool within(const Seal& seal, const SealId& id) const;
  // Whether no seal whatever is within.
  bool nothing() const;

 private:
  struct Part {
    Stretch stretch;
    std::vector<Counting> words;  // not empty
    bool operator==(const Part&) const = default;
  };
  std::vector<Part> parts_;  // ascending, disjoint; between them nobody speaks
  Several several_ = Several::kWithinEach;
};

}  // namespace lienthong::registry_detail
