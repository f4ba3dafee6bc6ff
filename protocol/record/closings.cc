#include "protocol/record/closings.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "protocol/base/limits.h"

namespace lienthong {
namespace {

bool closed(const Registry& registry, const CertificateId& certificate, TreeVersion version) {
  return std::ranges::binary_search(registry.closings_of(certificate), version);
}

// Encoded, at most: of a cut four words, its seal, and the tag of its list.
constexpr std::size_t kCutBytes = 72;
constexpr std::size_t kExceptionBytes = 48;
constexpr std::size_t kCutsBytesMax = kStatementBytesMax / 2;  // the rest is for reason and after

template <class Word>
std::vector<Word> split(Word whole) {
  std::vector<Word> out;
  const std::vector<Cut> cuts = std::exchange(whole.cuts, {});
  Word part = whole;
  std::size_t bytes = 0;
  for (const Cut& cut : cuts) {
    const std::size_t size = kCutBytes + kExceptionBytes * cut.except.size();
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

bool closes(const Registry& registry, TreeVersion version, const AgencyId& agency) {
  if (version == 0 || version > registry.tree_head().number) return false;
  if (registry.dissolved(agency, version) && !registry.dissolved(agency, version - 1)) return true;
  return std::ranges::any_of(registry.everyone(), [&](const AgencyId& lower) {
    return registry.above_or_equal(agency, lower, version - 1) &&
           !registry.above_or_equal(agency, lower, version);
  });
}

std::vector<AgencyId> closed_agencies(const Registry& registry, TreeVersion version) {
  if (version == 0 || version > registry.tree_head().number) return {};
  std::set<AgencyId> out;
  for (const AgencyId& agency : registry.everyone()) {
    if (registry.dissolved(agency, version) && !registry.dissolved(agency, version - 1))
      out.insert(agency);
    for (const AgencyId& upper : registry.superiors(agency, version - 1))
      if (!registry.above_or_equal(upper, agency, version)) out.insert(upper);
  }
  return {out.begin(), out.end()};
}

AgencyId closing_agency(const Registry& registry, const AgencyId& of) {
  const TreeVersion newest = registry.newest();
  for (const AgencyId& upper : registry.superiors(of, newest))
    if (!registry.dissolved(upper, newest) && registry.superior(upper, of, newest)) return upper;
  return {};
}

namespace {

// What one desk owes, as it is found.
class Owed {
 public:
  Owed(const Registry& registry, const LastSeals& last_seals, UnixMillis now)
      : registry_(registry), last_seals_(last_seals), now_(now) {}

  enum class Within : std::uint8_t { kWhatIsHeld, kNothing };
  void add(const CertificateId& certificate, TreeVersion version, Within within) {
    const NodeId& node = registry_.find_certificate(certificate)->node;
    if (closed(registry_, certificate, version) || !done_.emplace(version, node).second) return;
    Closing closing;
    closing.node = node;
    closing.version = version;
    if (within == Within::kWhatIsHeld) closing.cuts = last_seals_(node);
    closing.decided_at = now_;
    closing.tree_version = registry_.newest();
    for (Closing& part : in_statements(std::move(closing))) out_.push_back(std::move(part));
  }
  std::vector<Closing> take() { return std::move(out_); }

 private:
  const Registry& registry_;
  const LastSeals& last_seals_;
  UnixMillis now_;
  std::set<std::pair<TreeVersion, NodeId>> done_;
  std::vector<Closing> out_;
};

}  // namespace

std::vector<Closing> closings_owed(const Registry& before, const Registry& after,
                                   const AgencyId& desk, const LastSeals& last_seals,
                                   UnixMillis now) {
  Owed owed(after, last_seals, now);
  const TreeVersion standing = after.tree_head().number;
  TreeVersion known = std::min(before.tree_head().number, standing);  // the same ones, in both
  while (known > 0 && before.tree_id(known) != after.tree_id(known)) --known;
  for (TreeVersion version = known + 1; version <= standing; ++version)
    for (const AgencyId& agency : closed_agencies(after, version))
      if (closing_agency(after, agency) == desk)
        for (const CertificateId& id : after.certificates_of(agency))
          owed.add(id, version, Owed::Within::kWhatIsHeld);
  for (const CertificateId& id : after.newly_believed(before)) {
    const AgencyId& agency = after.find_certificate(id)->agency;
    if (known == 0 || closing_agency(after, agency) != desk) continue;
    for (TreeVersion version = 1; version <= known; ++version)
      if (closes(after, version, agency)) owed.add(id, version, Owed::Within::kNothing);
  }
  return owed.take();
}

namespace {

constexpr std::size_t kBoundOneByOne = 16;    // numbers of an incarnation
constexpr std::size_t kBoundCountMax = 1024;  // exceptions of a cut: they fit into a statement

// False: the cut says it already, the number lies beyond, or there is no place for more.
bool bind(Cut& cut, std::uint32_t number, const SealId& id) {
  if (number > cut.number) return false;
  if (number == cut.number) {
    if (!cut.seal.is_zero()) return false;
    cut.seal = id;
    return true;
  }
  const auto at = std::ranges::lower_bound(cut.except, number, {}, &CutException::last);
  if (at != cut.except.end() && at->first <= number) return false;
  if (cut.except.size() >= kBoundCountMax) return false;
  cut.except.insert(at, {number, number, id});
  return true;
}

bool bind_all(Cut& cut, const FirstSeals& twins, const FirstSeals& held) {
  bool changed = false;
  for (const auto& [number, id] : twins) changed |= bind(cut, number, id);
  if (!changed || cut.except.size() <= kBoundOneByOne) return changed;
  for (const auto& [number, id] : held) bind(cut, number, id);
  return true;
}

}  // namespace

std::vector<StatementBody> bind_numbers(const Registry& registry, const CertificateId& certificate,
                                        std::uint64_t incarnation, const FirstSeals& twins,
                                        const FirstSeals& held, UnixMillis now) {
  std::vector<StatementBody> out;
  std::vector<TreeVersion> versions = registry.closings_of(certificate);
  versions.insert(versions.begin(), 0);
  for (const TreeVersion version : versions) {
    std::vector<StatementId> after;
    std::optional<Cut> cut;  // of revocations the lowest, of closings the highest
    bool none = false;
    for (const auto& word : registry.counting(certificate, version, incarnation)) {
      after.push_back(word.id);
      none = none || (version == 0 && !word.cut);
      if (word.cut && (!cut || (word.cut->number < cut->number) == (version == 0))) cut = word.cut;
    }
    if (none || !cut || !bind_all(*cut, twins, held)) continue;
    const NodeId& node = registry.find_certificate(certificate)->node;
    const Stretch stretch{incarnation, incarnation};
    if (version == 0)
      out.emplace_back(Revocation{node,
                                  {*cut},
                                  "a number was used twice",
                                  now,
                                  std::move(after),
                                  registry.newest(),
                                  stretch});
    else
      out.emplace_back(
          Closing{node, version, {*cut}, now, std::move(after), registry.newest(), stretch});
  }
  return out;
}

std::vector<Closing> in_statements(Closing whole) { return split(std::move(whole)); }
std::vector<Revocation> in_statements(Revocation whole) { return split(std::move(whole)); }

}  // namespace lienthong
