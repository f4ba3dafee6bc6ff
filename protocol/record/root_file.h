// What goes between an office and whoever keeps a root key: statements that the root is to sign,
// with the registry in which they are to count, and back with its signatures.
// docs/protocol/registry.md, "Root-signed statements by hand". Pure; no threads.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "protocol/record/registry.h"

namespace lienthong {

struct RootFile {
  RootFingerprint root;             // that whoever wrote it has pinned
  std::vector<StatementBody> said;  // in the order in which they are to be taken in
  std::vector<RootSignature> by;    // none, or one for each
  std::vector<Statement> registry;  // of whoever wrote it, genesis first; none once it is signed

  bool is_signed() const { return !by.empty(); }
};

bool is_root_file(ByteView bytes);  // begins as one
Bytes encode_root_file(const RootFile& file);
// Form, and no more than that: what a signature is worth is asked of a registry.
// Fails: kMalformed (no such file, a body that no root signs), kTruncated, kTooLarge.
Result<RootFile> decode_root_file(ByteView bytes);
// The registry in it. Fails: kMalformed (there is none), and as Registry::create() and with().
Result<std::shared_ptr<const Registry>> registry_in(const RootFile& file);

// The statements with their signatures.
std::vector<Statement> statements_in(const RootFile& file);

// Signs all of them under the root that writes the tree there, and takes the registry out. Fails:
// kNotAllowed (a word that would have no effect: the key is not that root's, or its word is over;
// what it says is not the root's to say), kConflict (the tree has gone on since the file was made),
// and as Registry::check().
Result<RootFile> sign_root_file(const RootFile& file, const SigningKey& key);

}  // namespace lienthong
