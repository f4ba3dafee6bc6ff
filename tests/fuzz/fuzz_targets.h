// What the fuzzers do with one input: each returns normally or aborts. A failed LT_CHECK or a
// sanitizer's report is a finding. Shared by the libFuzzer targets and the smoke test.
#pragma once

#include <vector>

#include "protocol/base/bytes.h"

namespace lienthong::fuzz {

void decode_message(ByteView input);  // and what decodes comes back the same
void decode_feed_part(ByteView input);
void decode_hello(ByteView input);
void assemble_frames(ByteView input);  // u8 size, then a plaintext of that size, repeated
// Two sessions with a channel in between that does what `input` says: deliver, cut, flip, drop,
// repeat, insert, tick, store. Nothing that was not written may be handed out.
void hostile_channel(ByteView input);

// Valid inputs to start from.
std::vector<Bytes> seeds_of_messages();
std::vector<Bytes> seeds_of_feed_parts();
std::vector<Bytes> seeds_of_hellos();
std::vector<Bytes> seeds_of_frames();
std::vector<Bytes> seeds_of_channels();

}  // namespace lienthong::fuzz
