// The small files of a data folder that say who this node is. docs/storage.md, "Files".
//   node.key   both secret keys, mode 0600        root.pin  fingerprint of the deployment's root
//   node.cert  agency, certificate, thousand      store/    the replica
// Text, one "name value" a line under a heading with a version. Blocking.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "protocol/crypto/keys.h"
#include "store/replica/replica.h"

namespace lienthong::agent {

inline constexpr std::string_view kNodeKeyFile = "node.key";
inline constexpr std::string_view kNodeCertFile = "node.cert";
inline constexpr std::string_view kRootPinFile = "root.pin";
inline constexpr std::string_view kRootKeyFile = "root.key";
inline constexpr std::string_view kRootPaperFile = "root-paper.txt";
inline constexpr std::string_view kStoreFolder = "store";
inline constexpr std::string_view kConfigFile = "agent.toml";

struct NodeCard {  // node.cert
  AgencyId agency;
  CertificateId certificate;
  std::uint8_t thousand = 0;  // 0 to 9
};

std::string render_node_keys(const NodeKeys& keys);
Result<NodeKeys> parse_node_keys(std::string_view text);  // kMalformed, kBadVersion
std::string render_node_card(const NodeCard& card);
Result<NodeCard> parse_node_card(std::string_view text);  // kMalformed, kBadVersion
std::string render_root_pin(const RootFingerprint& root);
Result<RootFingerprint> parse_root_pin(std::string_view text);

// Reads up to 64 MB. kNotFound, kIo, kTooLarge; the detail names the file.
Result<std::string> read_file(const std::filesystem::path& path);
// All or nothing: temporary file, fsync, rename, fsync of the folder. Mode as in chmod. kIo,
// kDiskFull.
Result<void> write_file(const std::filesystem::path& path, std::string_view text, unsigned mode);

struct NodeFiles {
  NodeKeys keys;
  NodeCard card;
  RootFingerprint root;
  store::Identity identity() const;
};
// Errors name the file. kNotFound: the folder holds no node.
Result<NodeFiles> load_node_files(const std::filesystem::path& data_dir);

}  // namespace lienthong::agent
