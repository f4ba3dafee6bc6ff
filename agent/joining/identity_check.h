// Whether the files that say who this node is fit one another and the registry: looked at at every
// start. What does not fit is named with its remedy. A machine whose keys are not those of its
// certificate reads and shows what it has, and writes nothing: nobody would ever take it.
// docs/operations.md, "Identity files". Blocking.
#pragma once

#include <optional>
#include <vector>

#include "agent/joining/identity_files.h"
#include "protocol/record/registry.h"

namespace lienthong::agent {

struct IdentityFinding {
  bool critical = false;  // nothing is written
  Error error;            // kCorrupt; names the file and the remedy
  enum class What : std::uint8_t { kFile, kKeyOpen, kRootPaper } what = What::kFile;
  std::string path = {};  // of the last two
};

// The files as they could be read.
struct IdentityFiles {
  std::optional<NodeKeys> keys;
  std::optional<NodeCard> card;
  Error key_error{Errc::kNotFound, ""}, card_error{Errc::kNotFound, ""};  // where there is none
  RootFingerprint root;

  // What a replica is opened with. Keys that are not there are drawn, and never used.
  NodeFiles provisional(Entropy& entropy) const;
};

// kNotFound: the folder holds no node. kCorrupt: root.pin, or both other files, cannot be used.
Result<IdentityFiles> read_identity_files(const std::filesystem::path& data_dir);

struct IdentityCheck {
  std::vector<IdentityFinding> findings;
  // The registry knows better what node.cert says: to be written, and the replica opened with it.
  std::optional<NodeCard> card;

  const IdentityFinding* critical() const;  // the first; null: none
};
IdentityCheck check_identity(const std::filesystem::path& data_dir, const IdentityFiles& files,
                             const Registry& registry);
// Keeps the old node.cert beside it. A finding that says so.
Result<IdentityFinding> renew_card(const std::filesystem::path& data_dir, const NodeCard& card);
// Secrets that others can read, or that should not lie here.
std::vector<IdentityFinding> check_secrets(const std::filesystem::path& data_dir);

// Changes when one of the files does.
std::string identity_stamp(const std::filesystem::path& data_dir);

}  // namespace lienthong::agent
