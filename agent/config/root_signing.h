// Statements for a root key to sign: the file that is made beside an agent, what it says in words
// for whoever keeps the key, and the signature. The agent never sees a root key. Pure but for the
// key files' text. docs/protocol/registry.md, "Root-signed statements by hand".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/crypto/secret_file.h"
#include "protocol/record/root_file.h"

namespace lienthong::agent {

// One sentence about what is to be signed; the values stand in the order of the sentence.
struct RootWord {
  enum class What : std::uint8_t {
    kVersion,             // number, note
    kNewKeyInUse,         // key
    kNewKeyOnPaper,       // key
    kRenamed,             // agency, new code and name
    kMoved,               // agency, from, to
    kSucceeded,           // agency, its heir
    kSplit,               // agency, its successors
    kEnded,               // agency
    kGoesAlong,           // agency, whom it lies below, its heir
    kGoesAlongUndecided,  // agency, whom it lies below
    kClosed,              // how many offices
    kClosedByRoot,        // machine, agency, version
    kDeclared,            // code and name, tier
    kCertified,           // machine, agency
    kCertifiedToIssue,    // machine, agency
    kRevoked,             // machine, agency, how many starts go on to count
    kWithdrawn,           // agency
  };
  What what;
  std::vector<std::string> values;
};

struct RootPlan {
  RootFile file;
  std::string root;  // its fingerprint
  std::vector<RootWord> words;
};

// The file for those statements, given as hexadecimal bytes of their bodies. `registry`: as GET
// /v1/registry gives it. Fails: as decode_adoption_file(); kMalformed.
Result<std::string> make_root_file(std::string_view registry,
                                   const std::vector<std::string>& bodies);
// What the file holds; the words are computed from the registry in it, and not from what anybody
// says of it. Fails: as decode_root_file() and registry_in(); kConflict (the tree has gone on since
// it was made), and as store::outlook(). Of one that is signed there are no words.
Result<RootPlan> plan_root_file(std::string_view file);
// The signed file. Fails: as open_secret(), kMalformed, and as sign_root_file().
Result<std::string> sign_by_root_key(const RootPlan& plan, std::string_view root_key,
                                     std::string_view passphrase);
Result<std::string> sign_by_root_paper(const RootPlan& plan, std::string_view root_paper);

// ---- a root key in use that is lost or stolen ----

struct RootRenewal {
  std::string_view registry;           // as GET /v1/registry gives it
  std::string_view root_paper;         // the key on paper
  std::string_view passphrase;         // of the new key; not empty
  std::optional<TreeVersion> after{};  // the last version that is right; none: the last there is
  std::string note{};
  UnixMillis now = 0;
  SecretFileCost cost{};
};
struct RenewedRoot {
  std::string key;   // file of the new key in use
  std::string file;  // signed by the key on paper, to be taken in
  std::string public_key;
  TreeVersion version = 0;
};
// A version of the tree with another key in use, on the word of the key on paper, which stands over
// whatever the key before has said after `after`. Fails: kMalformed, kInvalidArgument (no such
// version, no passphrase), kNotAllowed (the key is not this root's on paper), and as registry_in().
Result<RenewedRoot> renew_root_key(const RootRenewal& renewal, Entropy& entropy);

}  // namespace lienthong::agent
