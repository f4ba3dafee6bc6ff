// BLAKE2b-256 with a domain tag and the root fingerprint in front, so that nothing hashed or signed
// in one place or deployment can stand for something elsewhere. docs/protocol/notation.md.
#pragma once

#include <sodium/crypto_generichash.h>

#include <string_view>

#include "protocol/base/ids.h"

namespace lienthong {

// Tags: on the wire, never change.
inline constexpr std::string_view kTagGenesis = "lienthong/1 genesis";
inline constexpr std::string_view kTagStatement = "lienthong/1 statement";
inline constexpr std::string_view kTagStatementId = "lienthong/1 statement id";
inline constexpr std::string_view kTagRootSignature = "lienthong/1 root signature";
inline constexpr std::string_view kTagUpdate = "lienthong/1 update";
inline constexpr std::string_view kTagOpen = "lienthong/1 open";
inline constexpr std::string_view kTagClosed = "lienthong/1 closed";
inline constexpr std::string_view kTagSalt = "lienthong/1 salt";
inline constexpr std::string_view kTagSeal = "lienthong/1 seal";
inline constexpr std::string_view kTagLeaf = "lienthong/1 leaf";
inline constexpr std::string_view kTagNode = "lienthong/1 node";
inline constexpr std::string_view kTagFeed = "lienthong/1 feed";
inline constexpr std::string_view kTagState = "lienthong/1 state";
inline constexpr std::string_view kTagRegistry = "lienthong/1 registry";
inline constexpr std::string_view kTagKey = "lienthong/1 idempotency key";
inline constexpr std::string_view kTagPossession = "lienthong/1 possession";
inline constexpr std::string_view kTagInvite = "lienthong/1 invite";
inline constexpr std::string_view kTagInviteProof = "lienthong/1 invite proof";
inline constexpr std::string_view kTagSpeaker = "lienthong/1 speaker";
inline constexpr std::string_view kTagHeal = "lienthong/1 heal";
inline constexpr std::string_view kTagChunk = "lienthong/1 chunk";
inline constexpr std::string_view kTagChunkNode = "lienthong/1 chunk node";
inline constexpr std::string_view kTagBlob = "lienthong/1 blob";
inline constexpr std::string_view kTagBlobHeld = "lienthong/1 blob held";
inline constexpr std::string_view kTagBundle = "lienthong/1 bundle";
inline constexpr std::string_view kTagBundleKey = "lienthong/1 bundle key";
inline constexpr std::string_view kTagBundleRecord = "lienthong/1 bundle record";

// BLAKE2b-256(u8 size of tag ‖ tag ‖ fingerprint 32 ‖ everything added), where there is a `key`
// keyed with it: 16 to 64 bytes (LT_CHECK), or none.
class Hasher {
 public:
  Hasher(std::string_view tag, const RootFingerprint& root, ByteView key = {});
  Hasher& add(ByteView bytes);
  template <class Tag>
  Hasher& add(const Id<Tag>& id) {
    return add(id.view());
  }
  Hash256 finish();  // once

 private:
  crypto_generichash_state state_;
};

template <class... Parts>
Hash256 hash(std::string_view tag, const RootFingerprint& root, const Parts&... parts) {
  Hasher hasher(tag, root);
  (hasher.add(parts), ...);
  return hasher.finish();
}

}  // namespace lienthong
