// Registers of a record and writes of an update, read by their types: the one way to ask what a
// field says. Nothing where it was never written, was cleared, or has a value of another type than
// is asked for, as another program may have written it.
//
// Of two concurrent writes the state shows one, which is the one read here (fold.h, Register).
// Pure; any thread. Pointers live as long as what they were read from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/record/fields.h"
#include "protocol/record/fold.h"

namespace lienthong {

// Null: never written. monostate: cleared.
const FieldValue* open_value(const RecordState& state, Field field);
std::optional<std::string> open_text(const RecordState& state, Field field);
std::optional<std::int64_t> open_integer(const RecordState& state, Field field);
std::optional<Bytes> open_bytes(const RecordState& state, Field field);
std::optional<AgencyId> open_agency(const RecordState& state, Field field);  // 32 bytes, else none
std::optional<Status> open_status(const RecordState& state);                 // one of the ten

// The code that people know it by; empty: none.
std::string code_or_empty(const RecordState& state);
// The agency whose desk received it, as it was written; else the one that created the record.
AgencyId intake_of(const RecordState& state);

// What an update wrote, of one of its parts. Null: nothing to that field.
const FieldValue* written_value(const std::vector<FieldWrite>& writes, Field field);
std::optional<std::string> written_text(const std::vector<FieldWrite>& writes, Field field);
std::optional<std::int64_t> written_integer(const std::vector<FieldWrite>& writes, Field field);
std::optional<Status> written_status(const std::vector<FieldWrite>& writes);

// ---- what machines that wrote apart have left ----

// Some register has several writes, none of which saw the other.
bool has_conflict(const RecordState& state);
// Updates that were set aside and that the holder has not adopted since; ascending.
std::vector<UpdateId> open_set_aside(const RecordState& state);

}  // namespace lienthong
