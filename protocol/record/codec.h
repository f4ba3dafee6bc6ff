// Between Cap'n Proto's canonical bytes and our value types. Only codec.cc, statement_codec.cc and
// codec_common.h see capnp types. Encoders give canonical bytes. Decoders fail with kTooLarge,
// kMalformed (bad pointers, bad UTF-8, wrong sizes of ids, lists out of order) or kNotCanonical;
// unknown fields are passed over, the caller keeps the bytes. docs/protocol/bodies.md, registry.md.
#pragma once

#include "protocol/record/statement.h"
#include "protocol/record/update.h"

namespace lienthong::wire {

Bytes encode(const OpenBody& body);
Bytes encode(const ClosedBody& body);
Bytes encode(const StatementBody& body);

Result<OpenBody> decode_open(ByteView bytes);
Result<ClosedBody> decode_closed(ByteView bytes);
Result<StatementBody> decode_statement(ByteView bytes);

// Values of the fields `components` and `fees`.
struct Component {
  std::string name, kind;
  std::uint32_t copies = 0;
  std::string digest;
  std::uint64_t size = 0;
  std::string media_type;
  bool operator==(const Component&) const = default;
};
struct Fee {
  std::string name;
  std::int64_t amount = 0;
  std::string paid;
  UnixMillis paid_at = 0;
  std::string receipt;
  bool operator==(const Fee&) const = default;
};
Bytes encode(const std::vector<Component>& items);
Bytes encode(const std::vector<Fee>& items);
Result<std::vector<Component>> decode_components(ByteView bytes);
Result<std::vector<Fee>> decode_fees(ByteView bytes);

}  // namespace lienthong::wire
