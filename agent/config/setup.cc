#include "agent/config/setup.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "agent/config/config.h"
#include "agent/engine/log.h"
#include "agent/joining/enrolment_client.h"
#include "agent/joining/identity_files.h"
#include "agent/joining/modes.h"
#include "protocol/base/text_fields.h"
#include "protocol/enrolment/by_hand.h"
#include "protocol/enrolment/grant.h"
#include "protocol/record/adoption.h"
#include "protocol/record/registry.h"
#include "protocol/record/root_file.h"
#include "store/office/projections.h"
#include "store/replica/raw.h"
#include "store/salvage/salvage.h"

namespace lienthong::agent {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kSecret = kSecretMode, kPublic = kPublicMode;
constexpr UnixMillis kRenewAfter = 730LL * 24 * 3600 * 1000;  // two years
constexpr std::string_view kStaging = "enrolling";
constexpr std::string_view kTokenRootFile = "token-root.pin";  // only in there
constexpr std::string_view kNowhere = "none";
constexpr std::string_view kAside = "replaced-";

// What a set-up makes, in the order in which it is moved into place; agent.toml makes it whole.
constexpr std::array<std::string_view, 7> kMade{kStoreFolder, kRootPinFile,   kNodeCertFile,
                                                kRootKeyFile, kRootPaperFile, kNodeKeyFile,
                                                kConfigFile};

Error io_error(const fs::path& path, const std::error_code& problem) {
  return Error(problem == std::errc::no_space_on_device ? Errc::kDiskFull : Errc::kIo,
               path.string() + ": " + problem.message());
}

// Whether another process has that file of a database locked.
bool is_locked(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return false;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool asked = ::fcntl(file, F_GETLK, &lock) == 0;
  ::close(file);
  return asked && lock.l_type != F_UNLCK;
}

// The data folder while it comes into being.
class Folder {
 public:
  // kConflict when it holds something that is not of an interrupted set-up.
  static Result<Folder> prepare(const SetupPlace& place) {
    init_crypto();
    Folder out;
    std::error_code problem;
    out.dir_ = fs::absolute(place.data_dir, problem).lexically_normal();
    if (!out.dir_.has_filename()) out.dir_ = out.dir_.parent_path();
    out.created_ = fs::create_directories(out.dir_, problem);
    if (problem) return io_error(out.dir_, problem);
    if (out.created_) {
      fs::permissions(out.dir_, fs::perms(kFolderMode), problem);
      if (problem) return io_error(out.dir_, problem);
    }
    if (place.replace) LT_TRY_VOID(out.put_aside());
    LT_TRY_VOID(out.check_empty());
    LT_TRY_VOID(narrow(out.dir_));
    LT_TRY_VOID(out.take_back());
    fs::create_directories(out.staging(), problem);
    if (!problem) fs::permissions(out.staging(), fs::perms(0700), problem);
    if (problem) return io_error(out.staging(), problem);
    return out;
  }

  const fs::path& dir() const { return dir_; }
  fs::path staging() const { return dir_ / kStaging; }

  // The keys of this machine: those of the attempt before, or new ones.
  Result<NodeKeys> keys(Entropy& entropy) const {
    const fs::path path = staging() / kNodeKeyFile;
    if (fs::exists(path)) {
      LT_TRY(const std::string text, read_file(path));
      return parse_node_keys(text);
    }
    NodeKeys made = make_node_keys(entropy);
    LT_TRY_VOID(write_file(path, render_node_keys(made), kSecret));
    return made;
  }

  Result<void> write(std::string_view name, std::string_view text, unsigned mode) const {
    return write_file(staging() / name, text, mode);
  }

  Result<void> put_in_place() const {
    std::error_code problem;
    for (const std::string_view name : kMade) {
      if (!fs::exists(staging() / name)) continue;
      fs::rename(staging() / name, dir_ / name, problem);
      if (problem) return io_error(dir_ / name, problem);
    }
    fs::remove_all(staging(), problem);
    if (problem) return io_error(staging(), problem);
    LT_TRY_VOID(narrow(dir_));
    return {};
  }

  // Everything but what a next attempt needs. What was put aside comes back.
  void abandon(bool keep_keys) const {
    std::error_code ignored;
    if (!aside_.empty()) {
      for (const auto& entry : fs::directory_iterator(aside_, ignored))
        fs::rename(entry.path(), dir_ / entry.path().filename(), ignored);
      fs::remove(aside_, ignored);
    }
    for (const std::string_view name : kMade) {
      if (keep_keys && name == kNodeKeyFile) continue;
      fs::remove_all(staging() / name, ignored);
    }
    if (keep_keys) return;
    fs::remove_all(staging(), ignored);
    if (created_) fs::remove(dir_, ignored);
  }

 private:
  Result<void> check_empty() const {
    std::error_code problem;
    const bool interrupted = fs::exists(staging()) && !fs::exists(dir_ / kConfigFile);
    for (const auto& entry : fs::directory_iterator(dir_, problem)) {
      const std::string name = entry.path().filename().string();
      if (name == kStaging || name == "lost+found" || name.starts_with(kAside)) continue;
      const bool ours = std::find(kMade.begin(), kMade.end(), name) != kMade.end();
      if (interrupted && ours) continue;
      return Error(Errc::kConflict, dir_.string() + " is not empty: it holds " + name);
    }
    if (problem) return io_error(dir_, problem);
    return {};
  }

  // Of a machine that was: all of it goes into a folder of its own.
  Result<void> put_aside() {
    if (!fs::exists(dir_ / kConfigFile) && !fs::exists(dir_ / kNodeKeyFile)) return {};
    if (is_locked(dir_ / kStoreFolder / "LOCK"))
      return Error(Errc::kBusy, "an agent is at work in " + dir_.string() + ": stop it first");
    std::error_code problem;
    for (int number = 1; aside_.empty(); ++number)
      if (fs::path free = dir_ / (std::string(kAside) + std::to_string(number)); !fs::exists(free))
        aside_ = std::move(free);
    fs::create_directory(aside_, problem);
    if (!problem) fs::permissions(aside_, fs::perms(0700), problem);
    if (problem) return io_error(aside_, problem);
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator(dir_, problem)) {
      const std::string name = entry.path().filename().string();
      if (name != kStaging && name != "lost+found" && !name.starts_with(kAside))
        old.push_back(entry.path());
    }
    for (const fs::path& path : old) {
      fs::rename(path, aside_ / path.filename(), problem);
      if (problem) return io_error(path, problem);
    }
    return {};
  }

  // A set-up that ended while its files were being moved starts again with the same keys.
  Result<void> take_back() const {
    std::error_code problem;
    for (const std::string_view name : kMade) {
      if (!fs::exists(dir_ / name)) continue;
      if (name == kNodeKeyFile && !fs::exists(staging() / name)) {
        fs::rename(dir_ / name, staging() / name, problem);
      } else {
        fs::remove_all(dir_ / name, problem);
      }
      if (problem) return io_error(dir_ / name, problem);
    }
    fs::remove_all(staging() / kStoreFolder, problem);
    return problem ? Result<void>(io_error(staging(), problem)) : Result<void>();
  }

  fs::path dir_;
  fs::path aside_;  // what was put aside now; empty: nothing was
  bool created_ = false;
};

// What an administrator has laid down for the offices that are set up on this machine.
Result<Config> settings_of(const SetupPlace& place) {
  if (place.settings.empty() || !fs::exists(place.settings)) return Config();
  LT_TRY(const std::string text, read_file(place.settings));
  // In front of all, since sections follow; the first line is not of the file.
  const auto reading =
      parse_config("data_dir = " + in_quotes(place.data_dir.string(), "\\u00") + "\n" + text);
  if (reading.mistakes.empty()) return reading.config;
  const ConfigMistake& first = reading.mistakes.front();
  const std::size_t line = first.line > 1 ? first.line - 1 : first.line;
  return Error(Errc::kInvalidArgument,
               place.settings.string() + ":" + std::to_string(line) + ": " + first.text);
}

// `dialled`: others are to join below this office, so they have to reach it.
Result<Config> make_config(const Folder& folder, const SetupPlace& place, bool dialled,
                           std::vector<NeighbourConfig> neighbours) {
  LT_TRY(Config config, settings_of(place));
  config.data_dir = folder.dir();
  if (!place.listen.empty()) config.listen = place.listen;
  if (config.listen.empty() && dialled) config.listen.emplace_back(kDefaultListen);
  if (config.listen == std::vector{std::string(kNowhere)}) config.listen.clear();
  config.api.socket =
      place.socket.empty() ? folder.dir() / "agent.sock" : fs::absolute(place.socket);
  if (config.api.socket.string().size() > kSocketPathMax) {
    return Error(Errc::kInvalidArgument,
                 "the socket's path " + config.api.socket.string() +
                     " is over 107 bytes: give a shorter one with --socket");
  }
  std::ranges::move(config.neighbours, std::back_inserter(neighbours));
  config.neighbours = std::move(neighbours);
  const auto reading = parse_config(render_config(config));
  if (!reading.mistakes.empty())
    return Error(Errc::kInvalidArgument, reading.mistakes.front().text);
  return config;
}

Result<void> make_store(const Folder& folder, const store::Identity& identity,
                        const std::shared_ptr<const Registry>& registry, Entropy& entropy) {
  store::Options options = store::office_options();
  options.path = (folder.staging() / kStoreFolder).string();
  options.entropy = &entropy;
  options.create = true;
  LT_TRY(const auto replica, store::Replica::open(options, identity, registry->root()));
  return store::RawReplica::begin(*replica, registry);
}

Result<void> write_node(const Folder& folder, const NodeFiles& files, std::string_view config) {
  LT_TRY_VOID(folder.write(kNodeKeyFile, render_node_keys(files.keys), kSecret));
  LT_TRY_VOID(folder.write(kNodeCertFile, render_node_card(files.card), kPublic));
  LT_TRY_VOID(folder.write(kRootPinFile, render_root_pin(files.root), kPublic));
  return folder.write(kConfigFile, config, kPublic);
}

Bytes nonce(Entropy& entropy) {
  const auto drawn = entropy.array<16>();
  return Bytes(drawn.begin(), drawn.end());
}

// ---- a new root ----

struct RootKeys {
  SigningKey in_use;
  SigningKey on_paper;
};

struct Founding {  // the first statements of a deployment
  RootFingerprint root;
  NodeCard card;
  std::vector<Statement> statements;
};

Founding found(const InitRequest& request, const RootKeys& roots, const NodeKeys& keys,
               UnixMillis now, Entropy& entropy) {
  Founding out;
  out.statements.push_back(make_genesis(roots.in_use, roots.on_paper, now, entropy.array<16>()));
  out.root = root_fingerprint(out.statements.front().body);
  AgencyDeclaration agency;
  agency.code = request.code;
  agency.name = request.name;
  agency.tier = request.tier;
  agency.declared_at = now;
  agency.nonce = nonce(entropy);
  out.statements.push_back(sign_by_root(out.root, roots.in_use, StatementBody(agency)));
  out.card.agency = id_cast<AgencyId>(statement_id(out.root, out.statements.back()));
  Certificate certificate;
  certificate.agency = out.card.agency;
  certificate.node = keys.signing.public_key();
  certificate.dh_key = keys.dh.public_key();
  certificate.may_issue = true;
  certificate.issued_at = now;
  certificate.renew_by = now + kRenewAfter;
  certificate.possession =
      sign_possession(out.root, certificate.agency, keys.signing, certificate.dh_key);
  out.statements.push_back(sign_by_root(out.root, roots.in_use, StatementBody(certificate)));
  out.card.certificate = id_cast<CertificateId>(statement_id(out.root, out.statements.back()));
  return out;
}

std::string render_paper(const InitRequest& request, const RootFingerprint& root,
                         const SigningKey& key) {
  return TextFieldsWriter("root-paper")
      .comment("Second root key of " + request.code + " " + request.name + ".")
      .comment(
          "Print this page, put it in a safe, then remove the file. Whoever has it can replace the")
      .comment("root key in use, and its word stands over that key's.")
      .field("root", root.view())
      .field("key", key.public_key().view())
      .field("seed", ByteView(key.seed()))
      .text();
}

Result<void> write_roots(const Folder& folder, const InitRequest& request, const RootKeys& roots,
                         const RootFingerprint& root, Entropy& entropy) {
  const auto salt = entropy.array<16>();
  const auto key_nonce = entropy.array<24>();
  LT_TRY_VOID(folder.write(
      kRootKeyFile,
      seal_secret(roots.in_use.seed(), request.passphrase, salt, key_nonce, request.cost),
      kSecret));
  return folder.write(kRootPaperFile, render_paper(request, root, roots.on_paper), kSecret);
}

Result<SetupOutcome> init_in(const Folder& folder, const InitRequest& request,
                             const WallClock& clock, Entropy& entropy) {
  LT_TRY(const Config config, make_config(folder, request.place, true, {}));
  LT_TRY(const NodeKeys keys, folder.keys(entropy));
  const Seed in_use = entropy.array<32>();
  const Seed on_paper = entropy.array<32>();
  const RootKeys roots{SigningKey(in_use), SigningKey(on_paper)};
  const Founding founding = found(request, roots, keys, clock.now(), entropy);
  const NodeFiles files{keys, founding.card, founding.root};
  LT_TRY(const Registry genesis, Registry::create(founding.root, founding.statements.front()));
  LT_TRY(const auto registry, genesis.with(std::span(founding.statements).subspan(1)));
  LT_TRY_VOID(make_store(folder, files.identity(), registry, entropy));
  LT_TRY_VOID(write_roots(folder, request, roots, founding.root, entropy));
  LT_TRY_VOID(write_node(folder, files, render_config(config)));
  LT_TRY_VOID(folder.put_in_place());
  SetupOutcome out;
  out.listen = config.listen;
  out.config = folder.dir() / kConfigFile;
  out.root_key = folder.dir() / kRootKeyFile;
  out.root_paper = folder.dir() / kRootPaperFile;
  out.agency_code = request.code;
  out.agency_name = request.name;
  out.agency = founding.card.agency;
  out.node = keys.signing.public_key();
  out.root = founding.root;
  return out;
}

// ---- enrolment ----

// The agency above ours whose machine has that X25519 key, or else our parent. Somebody may have
// put the key beside another agency's name.
std::string parent_code(const Registry& registry, const AgencyId& ours,
                        const std::optional<DhPublic>& key) {
  const TreeVersion version = registry.newest();
  if (key) {
    for (const CertificateId& id : registry.certificates_with(*key)) {
      const AgencyId& agency = registry.find_certificate(id)->agency;
      if (agency != ours && registry.may_connect(id) &&
          registry.above_or_equal(agency, ours, version))
        return registry.find_agency(agency)->code;
    }
  }
  const auto parent = registry.parent(ours, version);
  const AgencyInfo* agency = parent ? registry.find_agency(*parent) : nullptr;
  return agency == nullptr ? std::string() : agency->code;
}

struct Parent {
  std::vector<std::string> addresses;
  std::optional<DhPublic> dh_key;
};

Result<SetupOutcome> complete(const Folder& folder, const SetupPlace& place, const NodeKeys& keys,
                              const GrantedNode& granted, const Parent& parent, Entropy& entropy) {
  const RootFingerprint& root = granted.registry->root();
  NodeCard card;
  card.agency = granted.agency;
  card.certificate = granted.certificate_id;
  card.thousand = granted.certificate.thousand;
  const NodeFiles files{keys, card, root};
  SetupOutcome out;
  out.parent_code = parent_code(*granted.registry, granted.agency, parent.dh_key);
  std::vector<NeighbourConfig> neighbours;
  if (!parent.addresses.empty() && !out.parent_code.empty()) {
    NeighbourConfig neighbour;
    neighbour.agency = out.parent_code;
    neighbour.addresses = parent.addresses;
    neighbours.push_back(std::move(neighbour));
  }
  LT_TRY(const Config config,
         make_config(folder, place, granted.certificate.may_issue, std::move(neighbours)));
  LT_TRY_VOID(make_store(folder, files.identity(), granted.registry, entropy));
  LT_TRY_VOID(write_node(folder, files, render_config(config)));
  LT_TRY_VOID(folder.put_in_place());
  out.listen = config.listen;
  out.config = folder.dir() / kConfigFile;
  const AgencyInfo* agency = granted.registry->find_agency(granted.agency);
  LT_CHECK(agency != nullptr);  // a believed certificate names it
  out.agency_code = agency->code;
  out.agency_name = agency->name;
  out.agency = granted.agency;
  out.node = granted.certificate.node;
  out.root = root;
  return out;
}

}  // namespace

Result<SetupOutcome> init_deployment(const InitRequest& request, const WallClock& clock,
                                     Entropy& entropy) {
  if (request.code.empty() || request.name.empty() || request.tier.empty()) {
    return Error(Errc::kInvalidArgument, "code, name and tier of the agency are needed");
  }
  if (request.passphrase.empty())
    return Error(Errc::kInvalidArgument, "the root key needs a passphrase");
  LT_TRY(const Folder folder, Folder::prepare(request.place));
  auto outcome = init_in(folder, request, clock, entropy);
  if (!outcome) folder.abandon(false);
  return outcome;
}

Result<SetupOutcome> enroll_with_token(const SetupPlace& place, std::string_view token_text,
                                       const WallClock& clock, Entropy& entropy) {
  LT_TRY(const Token token, decode_token(token_text));
  // Our clock may be wrong by days, the parent's decides; a day late is said without dialling.
  constexpr UnixMillis kDay = 24LL * 3600 * 1000;
  if (clock.now() - kDay > token.expires_at) return to_error(EnrolmentRefusal::kExpired);
  LT_TRY(const Folder folder, Folder::prepare(place));
  LT_TRY(const NodeKeys keys, folder.keys(entropy));
  Result<SetupOutcome> outcome = Error(Errc::kClosed, "nothing was granted");
  const auto keep = [&](const GrantedNode& granted) -> Result<void> {
    const Parent parent{token.addresses, token.parent_dh_key};
    outcome = complete(folder, place, keys, granted, parent, entropy);
    if (outcome) outcome->clock_ahead = clock.now() - granted.certificate.issued_at;
    return outcome ? Result<void>() : Result<void>(outcome.error());
  };
  const auto enrolled = enrol_over_network(token, keys, entropy, keep);
  if (enrolled) return outcome;
  folder.abandon(true);
  return enrolled.error();
}

Result<std::string> make_request(const SetupPlace& place, std::string_view token_text,
                                 Entropy& entropy) {
  LT_TRY(const Token token, decode_token(token_text));
  LT_TRY(const Folder folder, Folder::prepare(place));
  LT_TRY(const NodeKeys keys, folder.keys(entropy));
  LT_TRY_VOID(folder.write(kTokenRootFile, render_root_pin(token.root), kPublic));
  return render_request(token, keys);
}

Result<SetupOutcome> enroll_with_certificate(const SetupPlace& place, std::string_view certificate,
                                             const WallClock&, Entropy& entropy) {
  LT_TRY(const CertificateFile file, parse_certificate_file(certificate));
  if (!fs::exists(place.data_dir / kStaging / kNodeKeyFile) &&
      !fs::exists(place.data_dir / kNodeKeyFile)) {
    return Error(Errc::kNotFound, "no request was made in " + place.data_dir.string() +
                                      ": make one with `lienthong enroll TOKEN --request FILE`");
  }
  LT_TRY(const Folder folder, Folder::prepare(place));
  LT_TRY(const NodeKeys keys, folder.keys(entropy));
  LT_TRY(const std::string pin, read_file(folder.staging() / kTokenRootFile));
  LT_TRY(const RootFingerprint root, parse_root_pin(pin));
  const Parent parent{file.addresses, std::nullopt};
  const MachineKeys machine{keys.signing.public_key(), keys.dh.public_key()};
  const auto granted = check_grant(root, machine, file.grant);
  auto outcome = granted ? complete(folder, place, keys, *granted, parent, entropy)
                         : Result<SetupOutcome>(granted.error());
  if (!outcome) folder.abandon(true);
  return outcome;
}

// ---- a machine of the topmost office ----

namespace {

Result<AgencyId> topmost(const Registry& registry, std::string_view code) {
  const TreeVersion version = registry.newest();
  std::vector<AgencyId> found;
  for (const AgencyInfo* agency : registry.agencies())
    if (!registry.parent(agency->id, version) && !registry.dissolved(agency->id, version) &&
        (code.empty() || agency->code == code))
      found.push_back(agency->id);
  if (found.size() == 1) return found.front();
  if (found.empty())
    return Error(Errc::kNotAllowed, "the root certifies machines of the topmost office alone");
  return Error(Errc::kConflict, "several offices are topmost: name one by its code");
}

}  // namespace

Result<std::string> make_root_request(const SetupPlace& place, std::string_view registry_file,
                                      std::string_view code, const WallClock& clock,
                                      Entropy& entropy) {
  LT_TRY(AdoptionFile own, decode_adoption_file(as_bytes(registry_file)));
  LT_TRY(const auto registry, registry_in(own));
  LT_TRY(const AgencyId agency, topmost(*registry, code));
  LT_TRY(const Folder folder, Folder::prepare(place));
  LT_TRY(const NodeKeys keys, folder.keys(entropy));
  Certificate certificate;
  certificate.agency = agency;
  certificate.node = keys.signing.public_key();
  certificate.dh_key = keys.dh.public_key();
  certificate.may_issue = true;
  certificate.thousand = static_cast<std::uint8_t>(registry->certificates_of(agency).size() % 10);
  certificate.issued_at = clock.now();
  certificate.renew_by = clock.now() + kRenewAfter;
  certificate.tree_version = registry->newest();
  certificate.possession =
      sign_possession(registry->writing_root(), agency, keys.signing, certificate.dh_key);
  RootFile out;
  out.root = own.root;
  out.said = {StatementBody(certificate)};
  out.registry = std::move(own.statements);
  return std::string(as_text(encode_root_file(out)));
}

Result<SetupOutcome> enroll_by_root(const SetupPlace& place, std::string_view registry_file,
                                    std::string_view signed_file, Entropy& entropy) {
  LT_TRY(const AdoptionFile own, decode_adoption_file(as_bytes(registry_file)));
  LT_TRY(const auto before, registry_in(own));
  LT_TRY(const RootFile file, decode_root_file(as_bytes(signed_file)));
  const std::vector<Statement> said = statements_in(file);
  if (!file.is_signed())
    return Error(Errc::kInvalidArgument, "the file is not signed yet: lienthong root sign");
  LT_TRY(const auto registry, before->with(said));
  if (!fs::exists(place.data_dir / kStaging / kNodeKeyFile))
    return Error(Errc::kNotFound, "no request was made in " + place.data_dir.string() +
                                      ": make one with `lienthong root enroll --request FILE`");
  SetupPlace here = place;
  here.replace = false;  // what was there was put aside when the request was made
  LT_TRY(const Folder folder, Folder::prepare(here));
  LT_TRY(const NodeKeys keys, folder.keys(entropy));
  const auto id = registry->certificate_of(keys.signing.public_key());
  if (!id || registry->find_certificate(*id)->dh_key != keys.dh.public_key())
    return Error(Errc::kNotAllowed,
                 "what the root has signed certifies another machine, or does not count");
  const Certificate& certificate = *registry->find_certificate(*id);
  const GrantedNode granted{certificate.agency, *id, certificate, registry};
  auto outcome = complete(folder, here, keys, granted, {}, entropy);
  if (!outcome) folder.abandon(true);
  return outcome;
}

Result<RefillOutcome> refill_store(const fs::path& data_dir, const WallClock& clock,
                                   Entropy& entropy) {
  init_crypto();
  LT_TRY(const NodeFiles files, load_node_files(data_dir));
  store::Options options = store::office_options();
  options.path = (fs::absolute(data_dir) / kStoreFolder).string();
  options.entropy = &entropy;
  LT_TRY(const store::Damage damage,
         store::begin_anew({options, files.identity(), files.root, clock.now(), {}}));
  return RefillOutcome{damage.last_write};
}

}  // namespace lienthong::agent
