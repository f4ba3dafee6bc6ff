#include "agent/joining/identity_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "agent/net/descriptor.h"
#include "protocol/base/text_fields.h"

namespace lienthong::agent {
namespace {

constexpr std::size_t kFileBytesMax = 64ULL << 20;

Error io_error(const std::filesystem::path& path, const char* what) {
  const int cause = errno;
  return Error(cause == ENOSPC ? Errc::kDiskFull : Errc::kIo,
               std::string(what) + " " + path.string() + ": " + std::strerror(cause));
}

Result<void> write_all(int file, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return io_error(path, "cannot write");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file) != 0) return io_error(path, "cannot sync");
  return {};
}

}  // namespace

std::string render_node_keys(const NodeKeys& keys) {
  return TextFieldsWriter("node-key")
      .comment("The secret keys of this machine. They must not leave it.")
      .field("signing", ByteView(keys.signing.seed()))
      .field("dh", ByteView(keys.dh.secret()))
      .text();
}

Result<NodeKeys> parse_node_keys(std::string_view text) {
  LT_TRY(const TextFields fields, TextFields::parse(text, "node-key"));
  LT_TRY(const Seed signing, fields.bytes<32>("signing"));
  LT_TRY(const Seed dh, fields.bytes<32>("dh"));
  return NodeKeys{SigningKey(signing), DhKey(dh)};
}

std::string render_node_card(const NodeCard& card) {
  return TextFieldsWriter("node")
      .field("agency", card.agency.view())
      .field("certificate", card.certificate.view())
      .field("thousand", std::to_string(card.thousand))
      .text();
}

Result<NodeCard> parse_node_card(std::string_view text) {
  LT_TRY(const TextFields fields, TextFields::parse(text, "node"));
  NodeCard card;
  LT_TRY(card.agency.bytes, fields.bytes<32>("agency"));
  LT_TRY(card.certificate.bytes, fields.bytes<32>("certificate"));
  LT_TRY(const std::string_view thousand, fields.one("thousand"));
  if (thousand.size() != 1 || thousand[0] < '0' || thousand[0] > '9') {
    return Error(Errc::kMalformed, "node file: \"thousand\" is not a digit");
  }
  card.thousand = static_cast<std::uint8_t>(thousand[0] - '0');
  return card;
}

std::string render_root_pin(const RootFingerprint& root) {
  return TextFieldsWriter("root")
      .comment("The fingerprint of the deployment's root. What another root signed is refused.")
      .field("fingerprint", root.view())
      .text();
}

Result<RootFingerprint> parse_root_pin(std::string_view text) {
  LT_TRY(const TextFields fields, TextFields::parse(text, "root"));
  RootFingerprint root;
  LT_TRY(root.bytes, fields.bytes<32>("fingerprint"));
  return root;
}

Result<std::string> read_file(const std::filesystem::path& path) {
  std::error_code problem;
  if (!std::filesystem::exists(path, problem))
    return Error(Errc::kNotFound, "there is no " + path.string());
  const auto size = std::filesystem::file_size(path, problem);
  if (problem) return Error(Errc::kIo, "cannot read " + path.string() + ": " + problem.message());
  if (size > kFileBytesMax) return Error(Errc::kTooLarge, path.string() + " is over 64 MB");
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  if (!in) return Error(Errc::kIo, "cannot read " + path.string());
  return content.str();
}

Result<void> write_file(const std::filesystem::path& path, std::string_view text, unsigned mode) {
  const std::filesystem::path temporary = path.string() + ".new";
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (file.get() < 0) return io_error(temporary, "cannot create");
    if (::fchmod(file.get(), mode) != 0) return io_error(temporary, "cannot set the mode of");
    LT_TRY_VOID(write_all(file.get(), text, temporary));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return io_error(path, "cannot put in place");
  const Descriptor folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0)
    return io_error(path.parent_path(), "cannot sync");
  return {};
}

store::Identity NodeFiles::identity() const {
  store::Identity identity(keys.signing);
  identity.agency = card.agency;
  identity.certificate = card.certificate;
  identity.thousand = card.thousand;
  return identity;
}

Result<NodeFiles> load_node_files(const std::filesystem::path& data_dir) {
  const auto in_file = [&](std::string_view name, const Error& error) {
    return Error(error.code(), (data_dir / name).string() + ": " + error.detail());
  };
  LT_TRY(const std::string key_text, read_file(data_dir / kNodeKeyFile));
  LT_TRY(const std::string card_text, read_file(data_dir / kNodeCertFile));
  LT_TRY(const std::string pin_text, read_file(data_dir / kRootPinFile));
  auto keys = parse_node_keys(key_text);
  if (!keys) return in_file(kNodeKeyFile, keys.error());
  const auto card = parse_node_card(card_text);
  if (!card) return in_file(kNodeCertFile, card.error());
  const auto root = parse_root_pin(pin_text);
  if (!root) return in_file(kRootPinFile, root.error());
  return NodeFiles{*std::move(keys), *card, *root};
}

}  // namespace lienthong::agent
