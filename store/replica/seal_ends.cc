#include "store/replica/seal_ends.h"

#include <algorithm>
#include <map>
#include <span>

namespace lienthong::store {
namespace {

constexpr std::size_t kExceptionsMax = 256;     // of one cut
constexpr std::size_t kIncarnationsMax = 8192;  // of one machine: those that came first

// Takes in the seals of one incarnation, ascending by number.
class CutMaker {
 public:
  explicit CutMaker(std::uint64_t incarnation) { cut_.incarnation = incarnation; }

  // All that bear one number.
  void add(std::span<const NodeSeal> seals) {
    if (full_) return;
    const std::uint32_t number = seals.front().number;
    std::vector<CutException> fresh;
    if (last_is_twin_) fresh.push_back({cut_.number, cut_.number, cut_.seal});
    if (number > cut_.number + 1) fresh.push_back({cut_.number + 1, number - 1, {}});
    full_ = cut_.except.size() + fresh.size() > kExceptionsMax;
    if (full_) return;
    cut_.except.insert(cut_.except.end(), fresh.begin(), fresh.end());
    cut_.number = number;
    cut_.seal = std::ranges::min_element(seals, came_before)->id;
    last_is_twin_ = seals.size() > 1;
  }
  Cut take() { return std::move(cut_); }

 private:
  Cut cut_;
  bool last_is_twin_ = false;
  bool full_ = false;
};

}  // namespace

bool came_before(const NodeSeal& a, const NodeSeal& b) {
  if (a.row != b.row) return a.row < b.row;
  return !a.statement && b.statement;  // a statement's is the last seal before it
}

std::vector<Cut> cuts_within(std::vector<NodeSeal> seals) {
  std::map<std::uint64_t, std::uint32_t> begins;  // by incarnation: its first seal's place
  for (const NodeSeal& seal : seals) {
    const auto at = begins.emplace(seal.incarnation, seal.row).first;
    at->second = std::min(at->second, seal.row);
  }
  std::vector<std::uint32_t> order;
  for (const auto& [incarnation, row] : begins) order.push_back(row);
  std::ranges::sort(order);
  const std::uint32_t last =
      order.size() > kIncarnationsMax ? order[kIncarnationsMax - 1] : UINT32_MAX;
  std::erase_if(seals, [&](const NodeSeal& seal) { return begins.at(seal.incarnation) > last; });
  std::vector<Cut> out;
  for (std::size_t begin = 0; begin < seals.size();) {
    CutMaker cut(seals[begin].incarnation);
    const std::uint64_t incarnation = seals[begin].incarnation;
    while (begin < seals.size() && seals[begin].incarnation == incarnation) {
      std::size_t end = begin + 1;
      while (end < seals.size() && seals[end].incarnation == incarnation &&
             seals[end].number == seals[begin].number)
        ++end;
      cut.add(std::span(seals).subspan(begin, end - begin));
      begin = end;
    }
    out.push_back(cut.take());
  }
  return out;
}

}  // namespace lienthong::store
