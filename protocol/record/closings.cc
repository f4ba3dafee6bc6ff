#include "protocol/record/closings.h"

#include <algorithm>
#include <set>
#include <utility>

#include "protocol/base/limits.h"

namespace lienthong {
namespace {

// The agency, then those above it by the walk.
std::vector<AgencyId> walk(const Registry& registry, const AgencyId& from, TreeVersion version) {
  std::vector<AgencyId> out;
  for (std::optional<AgencyId> at = from; at && std::ranges::find(out, *at) == out.end();) {
    out.push_back(*at);
    const auto successors = registry.successors(*at, version);
    at = registry.dissolved(*at, version) && successors.size() == 1
             ? std::optional(successors.front())
             : registry.parent(*at, version);
  }
  return out;
}

bool closed(const Registry& registry, const CertificateId& certificate, TreeVersion version) {
  return std::ranges::binary_search(registry.closings_of(certificate), version);
}

// Encoded, as an element of a list: three words and a pointer each for the seal and the others.
constexpr std::size_t kCutBytes = 64;
constexpr std::size_t kOtherBytes = 48;
constexpr std::size_t kCutsBytesMax = kStatementBytesMax / 2;  // the rest is for reason and after

template <class Word>
std::vector<Word> split(Word whole) {
  std::vector<Word> out;
  const std::vector<Cut> cuts = std::exchange(whole.cuts, {});
  Word part = whole;
  std::size_t bytes = 0;
  for (const Cut& cut : cuts) {
    const std::size_t size = kCutBytes + kOtherBytes * cut.others.size();
    if (bytes > 0 && bytes + size > kCutsBytesMax) {
      part.stretch.last = cut.incarnation - 1;
      out.push_back(std::exchange(part, whole));
      part.stretch.first = cut.incarnation;
      bytes = 0;
    }
    part.cuts.push_back(cut);
    bytes += size;
  }
  out.push_back(std::move(part));
  return out;
}

}  // namespace

std::vector<AgencyId> closed_agencies(const Registry& registry, TreeVersion version) {
  std::set<AgencyId> out;
  if (version == 0 || version > registry.tree_head().number) return {};
  for (const AgencyId& agency : registry.everyone()) {
    if (registry.dissolved(agency, version) && !registry.dissolved(agency, version - 1))
      out.insert(agency);
    const auto now = walk(registry, agency, version);
    for (const AgencyId& upper : walk(registry, agency, version - 1))
      if (std::ranges::find(now, upper) == now.end()) out.insert(upper);
  }
  return {out.begin(), out.end()};
}

AgencyId closing_agency(const Registry& registry, const AgencyId& of) {
  const TreeVersion newest = registry.newest();
  const auto by_walk = walk(registry, of, newest);
  for (const AgencyId& upper : registry.superiors(of, newest))
    if (!registry.dissolved(upper, newest) && std::ranges::find(by_walk, upper) != by_walk.end())
      return upper;
  return {};
}

std::vector<Closing> closings_owed(const Registry& before, const Registry& after,
                                   const AgencyId& desk, const LastSeals& last_seals,
                                   UnixMillis now) {
  std::vector<Closing> out;
  const TreeVersion standing = after.tree_head().number;
  std::set<std::pair<TreeVersion, NodeId>> owed;
  for (TreeVersion version = 1; version <= standing; ++version) {
    const bool fresh = version > before.tree_head().number;
    for (const AgencyId& agency : closed_agencies(after, version)) {
      if (closing_agency(after, agency) != desk) continue;
      for (const CertificateId& id : after.certificates_of(agency)) {
        if (closed(after, id, version)) continue;
        if (!fresh && before.certificate_belief(id) == Belief::kBelieved) continue;
        const NodeId& node = after.find_certificate(id)->node;
        if (!owed.emplace(version, node).second) continue;
        Closing closing;
        closing.node = node;
        closing.version = version;
        if (fresh) closing.cuts = last_seals(node);
        closing.decided_at = now;
        closing.tree_version = after.newest();
        for (Closing& part : in_statements(std::move(closing))) out.push_back(std::move(part));
      }
    }
  }
  return out;
}

std::vector<Closing> in_statements(Closing whole) { return split(std::move(whole)); }
std::vector<Revocation> in_statements(Revocation whole) { return split(std::move(whole)); }

}  // namespace lienthong
