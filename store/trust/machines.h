// The machines of agencies: who there is, whether they are trusted, and taking that trust back.
// docs/operations.md, "Machines". Reads one replica; any thread. What writes is a job of the
// writer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/trust/consequences.h"

namespace lienthong::store {

enum class MachineTrust : std::uint8_t {
  kTrusted,
  kClosed,   // holds sessions, but what it seals is held to a later tree version
  kRevoked,  // what it sealed up to its cuts counts; it gets no session
  kFallen,   // nothing counts: its issuer's certificate fell, or all of it was revoked
  kNoRight,  // its issuer had no right to certify it
};
std::string_view to_string(MachineTrust trust);

struct Machine {
  NodeId node;
  AgencyId agency;
  CertificateId certificate;  // the latest that is believed, else the latest there is
  MachineTrust trust = MachineTrust::kTrusted;
  bool may_issue = false;
  bool desk = false;  // of its agency's machines the one that answers for it, see desk_of()
  bool ours = false;  // this one
  std::uint8_t thousand = 0;
  UnixMillis issued_at = 0, renew_by = 0;
};
// By agency's code, then by the date of the certificate. Without `fallen` those of which nothing
// counts any more are left out.
std::vector<Machine> machines(const Replica& replica, std::optional<AgencyId> agency, bool fallen);

// Of the agency's machines that may hold sessions the one certified first. nullopt: it has none.
std::optional<NodeId> desk_of(const Registry& registry, const AgencyId& agency);

// A node's id or the first digits of it, at least 4. Fails: kNotFound, kConflict (several begin
// so), kInvalidArgument (no hexadecimal digits, or fewer than 4).
Result<NodeId> machine_named(const Registry& registry, std::string_view name);

// Other machines that may speak for our agency, and of which nobody here has said that this is as
// it should be: by the date of their certificates.
std::vector<Machine> unacknowledged(const Replica& replica);
// Says so. Fails: kNotFound (no other machine of our agency).
Result<void> acknowledge(Transaction& transaction, const NodeId& node);

// What one incarnation of a machine (one start) has sealed, as far as it is held here.
struct MachineLife {
  std::uint64_t incarnation = 0;
  std::uint32_t last = 0;       // number of its last seal
  UnixMillis from = 0, to = 0;  // when its first and last update came here; 0: it sealed none
  // What revocations leave of it; nullopt: nothing was revoked. 0: none of it counts.
  std::optional<std::uint32_t> within;
};
// In the order in which they came.
std::vector<MachineLife> lives_of_machine(const Replica& replica, const NodeId& node);

// ---- revocation ----

struct RevocationRequest {
  enum class Keep : std::uint8_t {
    kKnown,    // all that is held here of it
    kNothing,  // not even what is known to be good
    kUntil,    // what had come here by `until`
    kListed,   // `ends`
  };
  NodeId node;
  Keep keep = Keep::kKnown;
  UnixMillis until = 0;
  // Incarnations that are believed with the number of the last seal of each.
  std::vector<std::pair<std::uint64_t, std::uint32_t>> ends = {};
  std::string reason = {};
};

struct RevocationPlan {
  NodeId node;
  AgencyId agency;
  std::vector<Cut> cuts;  // what goes on to count, by incarnation
  std::vector<StatementBody> said;
  std::shared_ptr<const Registry> after;  // the registry, had it been said
  bool again = false;                     // it was revoked before: this moves the cut
  std::vector<CertificateId> certificates_fallen, certificates_risen;  // of other machines
};
// What revoking it now would say and do to other machines; what it does to records is asked of
// for_each_consequence(). Writes nothing. Fails: kNotFound, kNotAllowed (its agency is not below
// ours, or this machine may not issue; the machines of topmost agencies are the root's to revoke),
// kInvalidArgument (this very machine; an end twice; a reason that is too long), kCorrupt.
Result<RevocationPlan> plan_revocation(const Replica& replica, const RevocationRequest& request,
                                       UnixMillis now);
// The same as the root would say it, whoever we are: to be signed with its key. Then `after` is
// null, and nothing is known of what it does. Fails: kNotAllowed (its agency is not topmost).
Result<RevocationPlan> plan_revocation_by_root(const Replica& replica,
                                               const RevocationRequest& request, UnixMillis now);
inline constexpr std::size_t kReasonBytesMax = 1024;

// ---- closings ----

// Moves every closing that counts for the machine: up, so that late honest work comes in, or down.
// Of the request the reason is not said. Fails: as plan_revocation(); kNotFound also where nothing
// closes it.
Result<RevocationPlan> plan_closing(const Replica& replica, const RevocationRequest& request,
                                    UnixMillis now);
// Says what a plan of either kind would say. Fails as Transaction::state().
Result<void> carry_out(Transaction& transaction, const RevocationPlan& plan);

}  // namespace lienthong::store
