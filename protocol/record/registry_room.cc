// Room for statements: how much may be said under each certificate. docs/protocol/registry.md,
// "What counts".
#include <algorithm>
#include <numeric>

#include "protocol/base/limits.h"
#include "protocol/record/codec.h"
#include "protocol/record/registry_state.h"

namespace lienthong {

using registry_detail::cost_of;
using registry_detail::node_of;

namespace registry_detail {
namespace {

// Each step further from the root an eighth.
std::uint64_t room_at(unsigned depth) { return kIssuedBytesMax >> std::min(3 * depth, 63U); }

// The most that each may have at most if `rest` is divided so that whoever needs less than the
// others has what it needs. All of it where it suffices.
std::uint64_t level_of(std::vector<std::uint64_t> needs, std::uint64_t rest) {
  std::ranges::sort(needs);
  std::uint64_t left = rest;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    const std::uint64_t share = left / (needs.size() - i);
    if (needs[i] > share) return share;
    left -= needs[i];
  }
  return rest;
}

}  // namespace

std::uint64_t cost_of(std::size_t body_bytes, const StatementBody& body) {
  const bool cuts =
      std::holds_alternative<Revocation>(body) || std::holds_alternative<Closing>(body);
  return kStatementExtraBytes + (cuts ? body_bytes / kIssuedCutsShare : body_bytes);
}

// What a certificate says comes before what those below it say, and each of those has its share
// whatever the others say. So nobody is over for what others said, except for more than an equal
// share. Of what is over its room alone matters, so the answer is the same whatever of it came.
void share_room(const Held& data, Evaluated& out) {
  for (const StatementId& id : data.order) {
    const Entry& entry = *data.find(id);
    if (const Seal* seal = entry.seal())
      out.certificates[out.certificate_index.at(seal->certificate)].said +=
          cost_of(entry.statement.body.size(), entry.body);
  }
  auto& certificates = out.certificates;  // an issuer comes before what it issued
  std::vector<std::uint64_t> below(certificates.size()), needs(certificates.size());
  std::vector<std::vector<Index>> issued(certificates.size());
  for (std::size_t i = certificates.size(); i-- > 0;) {
    const CertificateNode& node = certificates[i];
    needs[i] = std::min(node.said + below[i], room_at(node.depth));
    if (node.issuer == kNone) continue;
    below[node.issuer] += needs[i];
    issued[node.issuer].push_back(static_cast<Index>(i));
  }
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    CertificateNode& node = certificates[i];
    if (node.issuer == kNone) node.room = room_at(0);
    node.over = node.said > node.room;
    std::vector<std::uint64_t> wanted;
    for (const Index index : issued[i]) wanted.push_back(needs[index]);
    const std::uint64_t level =
        level_of(std::move(wanted), node.room - std::min(node.said, node.room));
    for (const Index index : issued[i])
      certificates[index].room = std::min(level, room_at(certificates[index].depth));
  }
}

}  // namespace registry_detail

std::uint64_t Registry::room_left(const CertificateId& certificate) const {
  const auto* node = node_of(state_->evaluated, certificate);
  return node == nullptr || node->over ? 0 : node->room - node->said;
}

std::uint64_t Registry::room_of(const CertificateId& certificate) const {
  const auto* node = node_of(state_->evaluated, certificate);
  return node == nullptr ? 0 : node->room;
}

std::uint64_t statement_cost(const StatementBody& body) {
  return cost_of(wire::encode(body).size(), body);
}

}  // namespace lienthong
