// The ten states of a dossier: their numbers on the wire, which are the codes of the national
// portal (Cổng Dịch vụ công quốc gia; identical in the code of several systems in use), their
// names, and which may follow which. One table, used by every layer. There is no state for "at
// another agency": that is custody and never changes the state. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace lienthong {

enum class Status : std::uint8_t {  // on the wire and on disk: never change
  kRegistered = 1,
  kAccepted = 2,
  kRefused = 3,
  kProcessing = 4,
  kSupplement = 5,
  kPayment = 6,
  kWithdrawn = 7,
  kStopped = 8,
  kDone = 9,
  kReturned = 10,
};

struct StatusInfo {
  Status status;
  std::string_view json;         // "registered"
  std::string_view portal_name;  // as the national portal words it
  std::uint16_t next;            // what may follow, as bits 1 << number
};
std::span<const StatusInfo> all_statuses();  // ascending by number

// The code under which the national portal knows the state ("TrangThaiHoSo"): its number.
constexpr std::int64_t portal_code(Status status) { return static_cast<std::int64_t>(status); }

// nullopt: none of the ten.
std::optional<Status> status_from_number(std::int64_t number);
std::string_view to_json(Status status);
std::optional<Status> status_from_json(std::string_view text);

// Whether the office may move a dossier from one state to the other; `nullopt` stands for "new".
// Checked where a change is written, only flagged elsewhere.
bool transition_allowed(std::optional<Status> from, Status to);

}  // namespace lienthong
