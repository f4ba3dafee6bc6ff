#include "agent/config/rotation.h"

#include <algorithm>

#include "agent/joining/enrolment_client.h"
#include "agent/joining/identity_files.h"
#include "agent/joining/modes.h"
#include "store/office/projections.h"

namespace lienthong::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRotatingFile = "node.key.next";  // until it takes its place

Result<NodeKeys> next_keys(const fs::path& file, const NodeKeys& now, bool exchange_only,
                           Entropy& entropy) {
  if (fs::exists(file)) {
    LT_TRY(const std::string text, read_file(file));
    LT_TRY(NodeKeys begun, parse_node_keys(text));
    const bool same = begun.signing.public_key() == now.signing.public_key();
    if (same == exchange_only) return begun;
  }
  const Seed seed = exchange_only ? now.signing.seed() : entropy.array<32>();
  NodeKeys made{SigningKey(seed), DhKey(entropy.array<32>())};
  LT_TRY_VOID(write_file(file, render_node_keys(made), kSecretMode));
  return made;
}

// Whether a machine of that agency has everything that we have for it.
bool has_everything(const store::Replica& replica, const AgencyId& agency) {
  const FeedMark end = replica.feed_end(FeedKind::kUpdates, agency);
  const auto registry = replica.registry();
  for (const CertificateId& id : registry->certificates_of(agency)) {
    const NodeId node = registry->find_certificate(id)->node;
    const Cursor heard = replica.heard_cursor(FeedKind::kUpdates, node);
    if (heard.mark.epoch != end.epoch) continue;
    const auto lines =
        replica.feed_lines(agency, node, heard.mark.number + 1, end.number - heard.mark.number);
    if (std::ranges::all_of(lines, [](const FeedLine& line) { return line.echoed; })) return true;
  }
  return false;
}

Result<void> check_nothing_is_left(const store::Replica& replica) {
  const AgencyId& ours = replica.identity().agency;
  const auto registry = replica.registry();
  const auto above = registry->parent(ours, registry->newest());
  const std::uint64_t waiting = replica.counts().unsealed + replica.only_here();
  if (waiting == 0 && above && has_everything(replica, *above)) return {};
  return Error(Errc::kConflict,
               "the office above does not have everything of this machine yet: start the agent, "
               "lienthong sync now, and wait for in sync in status; or change the key of "
               "conversations alone, with --exchange-only");
}

Result<void> learn(store::Replica& replica, const Registry& granted, UnixMillis now) {
  std::vector<Statement> statements;
  for (const StatementId& id : granted.statements())
    statements.push_back(*granted.find_statement(id));
  store::Transaction transaction(replica, now);
  LT_TRY(const std::size_t added, transaction.add_statements(statements));
  static_cast<void>(added);
  return transaction.commit();
}

}  // namespace

Result<RotationOutcome> rotate_keys(const RotationRequest& request, const WallClock& clock,
                                    Entropy& entropy) {
  init_crypto();
  const fs::path dir = fs::absolute(request.data_dir);
  LT_TRY(const NodeFiles files, load_node_files(dir));
  LT_TRY(const Token token, decode_token(request.token));
  store::Options options = store::office_options();
  options.path = (dir / kStoreFolder).string();
  options.entropy = &entropy;
  auto opened = store::Replica::open(options, files.identity(), files.root);
  if (!opened.ok() && opened.error().code() == Errc::kBusy)
    return Error(Errc::kBusy, "an agent is at work in " + dir.string() + ": stop it first");
  LT_TRY(const auto replica, std::move(opened));
  const auto roots = replica->registry()->roots();
  if (std::ranges::find(roots, token.root) == roots.end() || token.agency != files.card.agency)
    return Error(Errc::kInvalidArgument,
                 "the token is not for a machine of this office: at the office above, lienthong "
                 "invite with this office's code");
  if (!request.exchange_only) LT_TRY_VOID(check_nothing_is_left(*replica));
  LT_TRY(const NodeKeys keys,
         next_keys(dir / kRotatingFile, files.keys, request.exchange_only, entropy));
  NodeCard card;
  const auto keep = [&](const GrantedNode& granted) -> Result<void> {
    card.agency = granted.agency;
    card.certificate = granted.certificate_id;
    card.thousand = granted.certificate.thousand;
    return learn(*replica, *granted.registry, clock.now());
  };
  LT_TRY_VOID(enrol_over_network(token, keys, entropy, keep));
  // The key first: what fits to it is found in the registry, should this be the last that is done.
  LT_TRY_VOID(write_file(dir / kNodeKeyFile, render_node_keys(keys), kSecretMode));
  LT_TRY_VOID(write_file(dir / kNodeCertFile, render_node_card(card), kPublicMode));
  std::error_code ignored;
  fs::remove(dir / kRotatingFile, ignored);
  return RotationOutcome{files.keys.signing.public_key(), keys.signing.public_key()};
}

}  // namespace lienthong::agent
