// Names of the small values that a replica keeps beside records (Replica::local_value): on disk,
// never change. docs/storage.md lists them.
#pragma once

#include <string_view>

namespace lienthong::store::local {

// Day and last number of next_code(), by programs that kept one day only.
inline constexpr std::string_view kNumbering = "numbering";
// What follows tells one from another:
inline constexpr std::string_view kDayNumber = "numbering/";         // day: its last number
inline constexpr std::string_view kInvite = "invite/";               // number of the invitation
inline constexpr std::string_view kReplaces = "invite-replaces/";    // number: the machine
inline constexpr std::string_view kMachineKnown = "machine-known/";  // node: seen by somebody
inline constexpr std::string_view kOperationKey = "operation-key/";  // of offers withdrawn
inline constexpr std::string_view kKeyContent = "k/";   // hash of a key: what it was used for
inline constexpr std::string_view kReport = "report/";  // form, agency, period
inline constexpr std::string_view kDocumentNumber =
    "document-number/";                                // direction, register, year
inline constexpr std::string_view kBudget = "budget";  // the day's spending
inline constexpr std::string_view kStarts = "life/starts";
inline constexpr std::string_view kStartTold = "life/told/";     // node: as it heard it last
inline constexpr std::string_view kStartsHeard = "life/heard/";  // node
inline constexpr std::string_view kOwnTwin = "life/twin";        // as a neighbour tells it
// Record, as 32 bytes: erased then (8 bytes), and its bytes may still lie in files.
inline constexpr std::string_view kErased = "erased/";
inline constexpr std::string_view kBackupFolder = "backup/folder/";  // path: when, as the API says
inline constexpr std::string_view kLastMirror = "backup/mirror";     // JSON: as kLastBackup
inline constexpr std::string_view kLastBackup = "backup/last";       // JSON: what the API answered
inline constexpr std::string_view kImport = "bundle/";               // node and time of its making
inline constexpr std::string_view kStatementEpoch = "registry-epoch/";  // agency

}  // namespace lienthong::store::local
