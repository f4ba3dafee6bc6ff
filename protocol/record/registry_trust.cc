// What the registry says of certificates, nodes and seals. registry.h.
#include <algorithm>
#include <tuple>

#include "protocol/record/registry_state.h"

namespace lienthong {

using registry_detail::CertificateNode;
using registry_detail::dissolved_at;
using registry_detail::Evaluated;
using registry_detail::Index;
using registry_detail::index_of;
using registry_detail::kNone;
using registry_detail::node_of;
using registry_detail::superior_at;

namespace {

Belief belief_of(const CertificateNode& node) {
  if (node.believed) return Belief::kBelieved;
  return node.no_right ? Belief::kNoRight : Belief::kCutOff;
}

bool issued_later(const CertificateNode& a, const CertificateNode& b) {
  if (a.body->issued_at != b.body->issued_at) return a.body->issued_at > b.body->issued_at;
  return a.entry->id < b.entry->id;
}

}  // namespace

const Certificate* Registry::find_certificate(const CertificateId& id) const {
  const CertificateNode* node = node_of(state_->evaluated, id);
  return node == nullptr ? nullptr : node->body;
}

namespace {

std::optional<CertificateId> latest_of(const Evaluated& from, const NodeId& node, Index agency) {
  const auto found = from.node_certificates.find(node);
  if (found == from.node_certificates.end()) return std::nullopt;
  const CertificateNode* best = nullptr;
  for (const Index index : found->second) {
    const CertificateNode& certificate = from.certificates[index];
    if (!certificate.believed || (agency != kNone && certificate.agency != agency)) continue;
    if (best == nullptr || issued_later(certificate, *best)) best = &certificate;
  }
  if (best == nullptr) return std::nullopt;
  return id_cast<CertificateId>(best->entry->id);
}

}  // namespace

std::optional<CertificateId> Registry::certificate_of(const NodeId& node) const {
  return latest_of(state_->evaluated, node, kNone);
}

std::optional<CertificateId> Registry::certificate_of(const NodeId& node,
                                                      const AgencyId& agency) const {
  const Index within = index_of(state_->evaluated, agency);
  return within == kNone ? std::nullopt : latest_of(state_->evaluated, node, within);
}

std::vector<CertificateId> Registry::certificates_of(const AgencyId& agency) const {
  const Evaluated& from = state_->evaluated;
  std::vector<CertificateId> out;
  const Index index = index_of(from, agency);
  if (index == kNone) return out;
  std::vector<const CertificateNode*> believed;
  for (const Index certificate : from.agencies[index].certificates)
    if (from.certificates[certificate].believed)
      believed.push_back(&from.certificates[certificate]);
  std::sort(believed.begin(), believed.end(),
            [](const auto* a, const auto* b) { return issued_later(*a, *b); });
  for (const CertificateNode* node : believed)
    out.push_back(id_cast<CertificateId>(node->entry->id));
  return out;
}

Belief Registry::certificate_belief(const CertificateId& id) const {
  const CertificateNode* node = node_of(state_->evaluated, id);
  return node == nullptr ? Belief::kUnknown : belief_of(*node);
}

std::vector<CertificateId> Registry::newly_believed(const Registry& before) const {
  std::vector<CertificateId> out;
  for (const CertificateNode& node : state_->evaluated.certificates) {
    const auto id = id_cast<CertificateId>(node.entry->id);
    if (node.believed && before.certificate_belief(id) != Belief::kBelieved) out.push_back(id);
  }
  return out;
}

std::vector<NodeId> Registry::judged_otherwise(const Registry& before) const {
  std::vector<NodeId> out;
  for (const CertificateNode& node : state_->evaluated.certificates) {
    const auto id = id_cast<CertificateId>(node.entry->id);
    const CertificateNode* old = node_of(before.state_->evaluated, id);
    if (old != nullptr && (old->believed != node.believed || old->revoked != node.revoked ||
                           old->closed != node.closed))
      out.push_back(node.body->node);
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool Registry::judges_alike(const Registry& other, const NodeId& node, const HeldSeal* seal) const {
  const auto within = [&](const registry_detail::Limits& limits) {
    return seal == nullptr ? limits.empty() : limits.within(seal->seal, seal->id);
  };
  const auto beyond = [&](const CertificateNode& certificate) {
    std::vector<TreeVersion> out;
    for (const auto& [version, limits] : certificate.closed)
      if (!within(limits)) out.push_back(version);
    return out;
  };
  const auto found = state_->evaluated.node_certificates.find(node);
  if (found == state_->evaluated.node_certificates.end()) return true;
  return std::ranges::all_of(found->second, [&](Index index) {
    const CertificateNode& here = state_->evaluated.certificates[index];
    const auto* there = node_of(other.state_->evaluated, id_cast<CertificateId>(here.entry->id));
    return there == nullptr || ((here.believed && within(here.revoked)) ==
                                    (there->believed && within(there->revoked)) &&
                                beyond(here) == beyond(*there));
  });
}

Belief Registry::seal_belief(const Seal& seal, const SealId& id) const {
  const CertificateNode* node = node_of(state_->evaluated, seal.certificate);
  if (node == nullptr) return Belief::kUnknown;
  if (!node->believed) return belief_of(*node);
  return node->revoked.within(seal, id) ? Belief::kBelieved : Belief::kCutOff;
}

bool Registry::is_cut(const CertificateId& id) const {
  const CertificateNode* node = node_of(state_->evaluated, id);
  return node != nullptr && (!node->revoked.empty() || !node->closed.empty());
}

bool Registry::beyond_revocation(const Seal& seal, const SealId& id) const {
  const CertificateNode* node = node_of(state_->evaluated, seal.certificate);
  return node != nullptr && !node->revoked.within(seal, id);
}

std::vector<AgencyId> Registry::issuing_line(const NodeId& node) const {
  const Evaluated& from = state_->evaluated;
  std::vector<AgencyId> out;
  const auto found = from.node_certificates.find(node);
  if (found == from.node_certificates.end()) return out;
  for (Index at = found->second.front(); at != kNone; at = from.certificates[at].issuer)
    out.push_back(from.certificates[at].body->agency);
  std::ranges::reverse(out);
  return out;
}

TreeVersion Registry::held_to(const CertificateId& author, std::span<const HeldSeal> seals,
                              TreeVersion named) const {
  const CertificateNode* node = node_of(state_->evaluated, author);
  return node == nullptr ? named : registry_detail::held_to(*node, seals, named);
}

std::vector<Registry::CountingWord> Registry::counting(const CertificateId& id, TreeVersion version,
                                                       std::uint64_t incarnation) const {
  std::vector<CountingWord> out;
  const CertificateNode* node = node_of(state_->evaluated, id);
  if (node == nullptr) return out;
  const registry_detail::Limits* limits = version == 0 ? &node->revoked : nullptr;
  for (const auto& [of, closed] : node->closed)
    if (of == version) limits = &closed;
  if (limits == nullptr) return out;
  for (const auto& word : limits->counting(incarnation)) {
    out.push_back({*word.id, std::nullopt});
    const auto cut = std::ranges::lower_bound(*word.cuts, incarnation, {}, &Cut::incarnation);
    if (cut != word.cuts->end() && cut->incarnation == incarnation) out.back().cut = *cut;
  }
  return out;
}

std::vector<TreeVersion> Registry::closings_of(const CertificateId& id) const {
  std::vector<TreeVersion> out;
  if (const CertificateNode* node = node_of(state_->evaluated, id))
    for (const auto& [version, limits] : node->closed) out.push_back(version);
  return out;
}

UpdateTrust Registry::trust_in(const CertificateId& author, std::span<const HeldSeal> seals,
                               TreeVersion named) const {
  const CertificateNode* node = node_of(state_->evaluated, author);
  if (node == nullptr) return {false, named, 0};
  const auto counts = [&](const HeldSeal& held) {
    return node->revoked.within(held.seal, held.id) &&
           seal_belief(held.seal, held.id) == Belief::kBelieved;
  };
  const bool sealed = seals.empty() ? node->revoked.empty() : std::ranges::any_of(seals, counts);
  return {node->believed && sealed, registry_detail::held_to(*node, seals, named),
          node->body->tree_version};
}

std::vector<CertificateId> Registry::certificates_with(const DhPublicKey& key) const {
  std::vector<CertificateId> out;
  const auto [first, last] = state_->evaluated.dh_certificates.equal_range(key);
  for (auto it = first; it != last; ++it)
    out.push_back(id_cast<CertificateId>(state_->evaluated.certificates[it->second].entry->id));
  return out;
}

bool Registry::may_connect(const CertificateId& certificate) const {
  const CertificateNode* node = node_of(state_->evaluated, certificate);
  return node != nullptr && node->believed && node->revoked.empty();
}

bool Registry::may_issue_for(const CertificateId& issuer, const AgencyId& agency,
                             TreeVersion version) const {
  const Evaluated& from = state_->evaluated;
  const CertificateNode* node = node_of(from, issuer);
  const Index about = index_of(from, agency);
  if (node == nullptr || about == kNone || !node->may_issue || !node->revoked.empty()) return false;
  return node->agency != about && superior_at(from, node->agency, about, version) &&
         !dissolved_at(from, node->agency, version);
}

bool Registry::may_declare(const CertificateId& issuer, const AgencyId& parent,
                           TreeVersion version) const {
  const Evaluated& from = state_->evaluated;
  const CertificateNode* node = node_of(from, issuer);
  const Index above = index_of(from, parent);
  return node != nullptr && above != kNone && node->may_issue && node->revoked.empty() &&
         (node->agency == above || superior_at(from, node->agency, above, version)) &&
         !dissolved_at(from, node->agency, version) && !dissolved_at(from, above, version);
}

}  // namespace lienthong
