// Who bears which code, and by what right. docs/protocol/registry.md, "Codes".
#include <algorithm>

#include "protocol/base/check.h"
#include "protocol/record/agency_code.h"
#include "protocol/record/registry_state.h"

namespace lienthong {

using registry_detail::AgencyNode;
using registry_detail::Evaluated;
using registry_detail::Held;
using registry_detail::Index;
using registry_detail::kNone;

namespace registry_detail {
namespace {

// ---- declarations taken back ----

bool stands(const Evaluated& out, const WithdrawalNode& withdrawal, const AgencyNode& agency) {
  if (withdrawal.author == kNone)
    return withdrawal.entry->root == agency.entry->root && by_trusted_root(out, *withdrawal.entry);
  const CertificateNode& author = out.certificates[withdrawal.author];
  const HeldSeal held{*withdrawal.entry->seal(), withdrawal.entry->seal_id};
  const TreeVersion version = held_to(author, std::span(&held, 1), withdrawal.body->tree_version);
  return author.may_issue && author.revoked.within(held.seal, held.id) &&
         !dissolved_at(out, author.agency, version) &&
         (author.agency == agency.declared_parent ||
          superior_at(out, author.agency, agency.declared_parent, version));
}

void take_back(Evaluated& out) {
  std::vector<bool> asked(out.agencies.size());
  for (const WithdrawalNode& withdrawal : out.withdrawals) {
    const Index index = out.agency_index.at(withdrawal.body->agency);
    if (stands(out, withdrawal, out.agencies[index])) asked[index] = true;
  }
  std::vector<bool> carries(out.agencies.size());        // an agency below that stays
  for (std::size_t i = out.agencies.size(); i-- > 0;) {  // those below come after
    AgencyNode& node = out.agencies[i];
    const bool certified = std::ranges::any_of(
        node.certificates, [&](Index index) { return out.certificates[index].believed; });
    node.info.withdrawn = asked[i] && !node.named && !certified && !carries[i];
    if (node.believed && !node.info.withdrawn && node.declared_parent != kNone)
      carries[node.declared_parent] = true;
  }
}

// ---- codes ----

CodeRight right_of(const Evaluated& out, const AgencyNode& node) {
  if (!is_agency_code(node.info.code)) return CodeRight::kNone;
  if (node.declarer == kNone || node.renamed) return CodeRight::kGiven;
  const AgencyNode& above = out.agencies[node.declared_parent];
  CodeRight right = CodeRight::kNone;
  if (lies_under(node.info.code, above.info.code)) {
    right = CodeRight::kGiven;
  } else if (std::ranges::any_of(above.former_codes, [&](const std::string& former) {
               return lies_under(node.info.code, former);
             })) {
    right = CodeRight::kFormer;
  }
  return std::min(right, above.info.code_right);
}

}  // namespace

void settle_codes(const Held& data, Evaluated& out) {
  take_back(out);
  for (Index i = 0; i < out.agencies.size(); ++i) {  // those above come before
    AgencyNode& node = out.agencies[i];
    node.info.code_right = right_of(out, node);
    if (node.info.code_right == CodeRight::kNone || !node.believed || node.info.withdrawn ||
        dissolved_at(out, i, data.highest))
      continue;
    std::vector<Index>& bearers = out.by_code[node.info.code];
    if (!bearers.empty()) {
      const CodeRight best = out.agencies[bearers.front()].info.code_right;
      if (node.info.code_right < best) continue;
      if (node.info.code_right > best) bearers.clear();
    }
    bearers.push_back(i);
  }
}

}  // namespace registry_detail

// ---- who is meant ----

namespace {

constexpr char kIdMark = '~';
constexpr std::size_t kIdDigitsMin = 4;

std::string described(const Registry& registry, const AgencyInfo& info) {
  const AgencyInfo* declarer = registry.find_agency(info.declared_by);
  return info.code + kIdMark + info.id.short_hex() + " (" + info.name + ", declared by " +
         (declarer == nullptr ? "the root" : declarer->code) + ")";
}

Error several(const Registry& registry, std::string_view code,
              const std::vector<const AgencyInfo*>& bearers) {
  std::string list;
  for (const AgencyInfo* info : bearers)
    list += (list.empty() ? "" : ", ") + described(registry, *info);
  return Error(Errc::kConflict, "several agencies bear the code " + std::string(code) +
                                    "; name one by code and id: " + list);
}

}  // namespace

Result<const AgencyInfo*> Registry::agency_named(std::string_view name) const {
  if (name.size() == 2 * AgencyId::kSize) {
    const auto id = from_hex(name);
    const AgencyInfo* info = id.ok() ? find_agency(AgencyId::from(*id)) : nullptr;
    if (info != nullptr && info->belief == Belief::kBelieved) return info;
  }
  if (const AgencyInfo* alone = find_agency_by_code(name)) return alone;
  const std::size_t mark = name.find(kIdMark);
  const std::string_view code = name.substr(0, mark);
  if (mark != std::string_view::npos) {
    const std::string_view digits = name.substr(mark + 1);
    std::vector<const AgencyInfo*> meant = bearers_of(code);
    std::erase_if(meant, [&](const AgencyInfo* info) {
      return digits.size() < kIdDigitsMin || !info->id.hex().starts_with(digits);
    });
    if (meant.size() == 1) return meant.front();
    if (meant.size() > 1) return several(*this, name, meant);
  }
  const std::vector<const AgencyInfo*> all = bearers_of(name);
  std::vector<const AgencyInfo*> rightful = all;
  CodeRight best = CodeRight::kFormer;
  for (const AgencyInfo* info : all) best = std::max(best, info->code_right);
  std::erase_if(rightful, [&](const AgencyInfo* info) { return info->code_right != best; });
  if (rightful.size() > 1) return several(*this, name, rightful);
  if (!all.empty())
    return Error(Errc::kUnknownAgency, "nobody bears the code " + std::string(name) +
                                           " by right: " + described(*this, *all.front()));
  return Error(Errc::kUnknownAgency,
               "no agency bears the code \"" + std::string(name) + "\"; see agency list");
}

}  // namespace lienthong
