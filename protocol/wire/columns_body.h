// Bodies of updates taken apart into values, and put together again in canonical form without
// Cap'n Proto's library, which would take most of the time. docs/protocol/parts.md, "Shapes".
// Internal to protocol/wire. Pure; no threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "protocol/base/bytes.h"

namespace lienthong::wire {

enum class SlotType : std::uint8_t {  // on the wire: never change
  kCleared = 0,
  kText = 1,
  kInteger = 2,
  kData = 3,
  kTime = 4,        // integer: milliseconds since 1970
  kAgency = 5,      // data: 32 bytes
  kRecord = 6,      // 32 bytes
  kUpdates = 7,     // ids, one after the other
  kSixteen = 8,     // 16 random bytes
  kComponents = 9,  // data: canonical ComponentList
  kFees = 10,       // data: canonical FeeList
};

// Fields of the bodies that are no FieldWrite, numbered beyond those. On the wire: never change.
inline constexpr std::uint32_t kFixedFields = 0x10000;
enum class FixedField : std::uint32_t {
  kTarget = kFixedFields,
  kAction,
  kAt,
  kReferences,
  kLead,
  kDeadline,
  kDecision,
  kKeyHash,  // from here on: of the closed part
  kOfficer,
  kNote,
  kWords,    // the closed part's action
  kAccount,  // of the closed part; only for readers who know it
};
inline constexpr std::uint32_t kFieldCount = kFixedFields + 12;

struct Slot {
  std::uint32_t field = 0;
  SlotType type = SlotType::kCleared;
  bool operator==(const Slot&) const = default;
};

// What bodies that look alike have in common.
struct Shape {
  bool closed = false;
  std::uint16_t kind = 0;
  std::uint16_t record_kind = 0;
  bool urgent = false;
  std::vector<Slot> slots;  // ascending by field
  std::vector<std::uint16_t> closed_fields;
  bool operator==(const Shape&) const = default;
};

// Views point into the body, or into what the reader keeps.
struct Value {
  ByteView bytes;
  std::uint64_t number = 0;
  std::uint32_t first = 0;  // of `items`
  std::uint32_t count = 0;
};

// A component (name, kind, digest, media type; copies, size) or a fee (name, paid, receipt; amount,
// paid at).
struct Item {
  std::array<ByteView, 4> texts;
  std::array<std::uint64_t, 2> numbers{};
};

// False: not a body that rebuild() would give back; then `values` and `items` are as before.
bool take_apart_open(ByteView body, Shape& shape, std::vector<Value>& values,
                     std::vector<Item>& items);
// `accounts`: whether the reader knows kAccount.
bool take_apart_closed(ByteView body, Shape& shape, std::vector<Value>& values,
                       std::vector<Item>& items, bool accounts);

// `values`: one for each slot. Ids are 32 bytes, sixteens 16 (LT_CHECK).
Bytes rebuild(const Shape& shape, std::span<const Value> values, std::span<const Item> items);

}  // namespace lienthong::wire
