// A record of a bundle inside its seal, without the signature: what BundleWriter and BundleReader
// carry to and fro. docs/protocol/bundles.md. Pure values.
#pragma once

#include "protocol/bundle/bundle.h"

namespace lienthong {

Bytes encode_bundle_record(const BundleRecord& record);
// nullopt: of a later version, to be passed over. Fails: kTruncated, kMalformed, kTooLarge.
Result<std::optional<BundleRecord>> decode_bundle_record(ByteView body);

}  // namespace lienthong
