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
// repeat, insert, tick, store. Nothing that was not written may be handed out. First byte: whether
// the dialling one knows the other's key, and whether feeds go in small parts, as streams.
void hostile_channel(ByteView input);

// ---- fuzz_values.cc: what decodes is encoded and decoded again, and is the same ----
void decode_record(ByteView input);  // first byte: which of envelope, bodies, seal, state and so on
void decode_symbols(ByteView input);  // and peel what came
void decode_heal_body(ByteView input);
void decode_numbers(ByteView input);  // the coder alone
void inflate(ByteView input);        // first byte: by itself or as a backlog, with which dictionary
void read_bundle(ByteView input);    // a whole file, cut anywhere
void read_evidence(ByteView input);  // and proves it, where it can be read
void read_bundle_head(ByteView input);      // after its signature was found good
void decode_bundle_record(ByteView input);  // inside the outer seal
void read_csv(ByteView input);
void open_secret(ByteView input);
void decode_token(ByteView input);
void parse_config(ByteView input);

// ---- fuzz_lanes.cc: two machines, and a channel that does what `input` says ----
void hostile_blob_lane(ByteView input);
void hostile_healing(ByteView input);

// ---- fuzz_enrolment.cc ----
// First byte: both machines with a channel between them that does what `input` says; or one of
// them with a peer that knows the secret; or with one that does not.
void hostile_enrolment(ByteView input);
void decode_grant(ByteView input);  // and check it as a newcomer does
void read_enrolment_file(ByteView input);

// Valid inputs to start from.
std::vector<Bytes> seeds_of_messages();
std::vector<Bytes> seeds_of_feed_parts();
std::vector<Bytes> seeds_of_hellos();
std::vector<Bytes> seeds_of_frames();
std::vector<Bytes> seeds_of_channels();
std::vector<Bytes> seeds_of_records();
std::vector<Bytes> seeds_of_symbols();
std::vector<Bytes> seeds_of_heal_bodies();
std::vector<Bytes> seeds_of_numbers();
std::vector<Bytes> seeds_of_packed();
std::vector<Bytes> seeds_of_bundles();
std::vector<Bytes> seeds_of_evidence();
std::vector<Bytes> seeds_of_bundle_heads();
std::vector<Bytes> seeds_of_bundle_records();
std::vector<Bytes> seeds_of_csv();
std::vector<Bytes> seeds_of_secrets();
std::vector<Bytes> seeds_of_tokens();
std::vector<Bytes> seeds_of_configs();
std::vector<Bytes> seeds_of_scripts();  // for hostile_blob_lane and hostile_healing
std::vector<Bytes> seeds_of_enrolments();
std::vector<Bytes> seeds_of_grants();
std::vector<Bytes> seeds_of_enrolment_files();

}  // namespace lienthong::fuzz
