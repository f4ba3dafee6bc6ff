#include "agent/joining/identity_check.h"

#include <sys/stat.h>

#include <algorithm>

namespace lienthong::agent {
namespace {

constexpr std::string_view kDamagedSuffix = ".damaged";
constexpr unsigned kCardMode = 0644;
constexpr unsigned kOthers = 0077;

std::string in(const std::filesystem::path& data_dir, std::string_view name) {
  return (data_dir / name).string();
}

template <class T>
std::optional<T> keep(Result<T> result, Error& error) {
  if (result) return *std::move(result);
  error = result.error();
  return std::nullopt;
}

template <class Parse>
auto read_as(const std::filesystem::path& file, const Parse& parse)
    -> decltype(parse(std::string_view())) {
  LT_TRY(const std::string text, read_file(file));
  return parse(text);
}

NodeCard card_of(const Registry& registry, const CertificateId& id) {
  const Certificate& certificate = *registry.find_certificate(id);
  return {certificate.agency, id, certificate.thousand};
}

bool fits(const NodeCard& card, const CertificateId& id, const Certificate& certificate) {
  return card.certificate == id && card.agency == certificate.agency &&
         card.thousand == certificate.thousand;
}

// Why no believed certificate bears the node's key.
IdentityFinding unknown_key(const std::filesystem::path& data_dir, const IdentityFiles& files,
                            const Registry& registry) {
  const Certificate* named =
      files.card ? registry.find_certificate(files.card->certificate) : nullptr;
  const std::string key_file = in(data_dir, kNodeKeyFile), card_file = in(data_dir, kNodeCertFile);
  if (named != nullptr && named->node == files.keys->signing.public_key())
    return {true,
            Error(Errc::kCorrupt, card_file + ": its certificate is not believed any more; ask the "
                                              "office above to certify this machine anew")};
  if (named != nullptr)
    return {true, Error(Errc::kCorrupt,
                        key_file + ": the signing key is not the one of this machine's "
                                   "certificate; put the file back from its copy, or enrol the "
                                   "machine anew")};
  return {true, Error(Errc::kCorrupt,
                      card_file + " and " + key_file +
                          ": the registry knows neither this certificate nor this key; put the "
                          "files back from their copy, or enrol the machine anew")};
}

}  // namespace

NodeFiles IdentityFiles::provisional(Entropy& entropy) const {
  return {keys ? *keys : NodeKeys{SigningKey(entropy.array<32>()), DhKey(entropy.array<32>())},
          card.value_or(NodeCard()), root};
}

Result<IdentityFiles> read_identity_files(const std::filesystem::path& data_dir) {
  if (!std::filesystem::exists(data_dir / kStoreFolder) &&
      !std::filesystem::exists(data_dir / kNodeKeyFile))
    return Error(Errc::kNotFound, "there is no " + in(data_dir, kNodeKeyFile));
  IdentityFiles out;
  out.keys = keep(read_as(data_dir / kNodeKeyFile, parse_node_keys), out.key_error);
  out.card = keep(read_as(data_dir / kNodeCertFile, parse_node_card), out.card_error);
  const auto root = read_as(data_dir / kRootPinFile, parse_root_pin);
  if (!root)
    return Error(Errc::kCorrupt,
                 in(data_dir, kRootPinFile) + " cannot be used (" + root.error().detail() +
                     "); the fingerprint stands on the sheet of the root and at the office above: "
                     "put the file back");
  if (!out.keys && !out.card)
    return Error(Errc::kCorrupt, in(data_dir, kNodeKeyFile) + " and " +
                                     in(data_dir, kNodeCertFile) + " cannot be used (" +
                                     out.key_error.detail() +
                                     "); put them back from their copy, or enrol the machine anew");
  out.root = *root;
  return out;
}

const IdentityFinding* IdentityCheck::critical() const {
  const auto at = std::ranges::find_if(findings, &IdentityFinding::critical);
  return at == findings.end() ? nullptr : &*at;
}

IdentityCheck check_identity(const std::filesystem::path& data_dir, const IdentityFiles& files,
                             const Registry& registry) {
  IdentityCheck out;
  if (!files.keys) {
    out.findings.push_back(
        {true, Error(Errc::kCorrupt,
                     in(data_dir, kNodeKeyFile) + ": the keys of this machine cannot be read (" +
                         files.key_error.detail() +
                         "); put the file back from its copy, or enrol the machine anew")});
    return out;
  }
  const NodeId node = files.keys->signing.public_key();
  const DhPublicKey dh_key = files.keys->dh.public_key();
  std::optional<CertificateId> id;
  if (files.card) {
    const Certificate* named = registry.find_certificate(files.card->certificate);
    if (named != nullptr && named->node == node && registry.may_connect(files.card->certificate))
      id = files.card->certificate;
  }
  // The exchange key was changed, and nothing after that was done: the newest bears it.
  if (!id || registry.find_certificate(*id)->dh_key != dh_key)
    if (const auto newest = registry.certificate_of(node);
        newest && registry.find_certificate(*newest)->dh_key == dh_key)
      id = newest;
  if (!id) id = registry.certificate_of(node);
  if (!id || !registry.may_connect(*id)) {
    out.findings.push_back(unknown_key(data_dir, files, registry));
    return out;
  }
  const Certificate& certificate = *registry.find_certificate(*id);
  if (certificate.dh_key != files.keys->dh.public_key()) {
    out.findings.push_back(
        {true, Error(Errc::kCorrupt,
                     in(data_dir, kNodeKeyFile) +
                         ": the agreement key is not the one of this machine's certificate; put "
                         "the file back from its copy, or enrol the machine anew")});
  }
  if (!files.card || !fits(*files.card, *id, certificate)) out.card = card_of(registry, *id);
  return out;
}

Result<IdentityFinding> renew_card(const std::filesystem::path& data_dir, const NodeCard& card) {
  const std::filesystem::path file = data_dir / kNodeCertFile;
  const std::string kept = file.string() + std::string(kDamagedSuffix);
  std::error_code problem;
  std::filesystem::remove(kept, problem);
  const bool was_there = std::filesystem::exists(file, problem);
  if (was_there) std::filesystem::rename(file, kept, problem);
  if (problem) return Error(Errc::kIo, file.string() + ": " + problem.message());
  LT_TRY_VOID(write_file(file, render_node_card(card), kCardMode));
  return IdentityFinding{
      false,
      was_there
          ? Error(Errc::kCorrupt, file.string() +
                                      ": it could not be used and was written anew from the "
                                      "registry; the old one is " +
                                      kept)
          : Error(Errc::kCorrupt, file.string() + ": it was not there and was written anew from "
                                                  "the registry")};
}

std::vector<IdentityFinding> check_secrets(const std::filesystem::path& data_dir) {
  std::vector<IdentityFinding> out;
  for (const std::string_view name : {kNodeKeyFile, kRootKeyFile}) {
    struct stat found {};
    const std::string file = in(data_dir, name);
    if (::stat(file.c_str(), &found) == 0 && (found.st_mode & kOthers) != 0)
      out.push_back(
          {false,
           Error(Errc::kNotAllowed, file + ": others on this machine may read it; set its mode to "
                                           "0600, and think of who may have a copy"),
           IdentityFinding::What::kKeyOpen, file});
  }
  std::error_code problem;
  if (std::filesystem::exists(data_dir / kRootPaperFile, problem))
    out.push_back(
        {false,
         Error(Errc::kNotAllowed, in(data_dir, kRootPaperFile) +
                                      ": the key on paper still lies on this machine; print it, "
                                      "put the sheet away, and remove the file"),
         IdentityFinding::What::kRootPaper, in(data_dir, kRootPaperFile)});
  return out;
}

std::string identity_stamp(const std::filesystem::path& data_dir) {
  std::string out;
  for (const std::string_view name : {kNodeKeyFile, kNodeCertFile, kRootPinFile}) {
    struct stat found {};
    if (::stat(in(data_dir, name).c_str(), &found) == 0)
      out += std::to_string(found.st_ino) + "/" + std::to_string(found.st_size) + "/" +
             std::to_string(found.st_mtim.tv_sec) + "." + std::to_string(found.st_mtim.tv_nsec);
    out += ";";
  }
  return out;
}

}  // namespace lienthong::agent
