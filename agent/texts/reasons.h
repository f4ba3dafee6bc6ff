// Why something waits, was refused or needs an operator: each reason has a code for programs, which
// never changes, and a text for people, in English here and in other languages in the catalogue.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/texts/catalogue.h"

namespace lienthong::texts {

enum class Reason : std::uint8_t {
  // why: of a dossier
  kOfferOpen,
  kRecallRequested,
  kLinkDown,
  kNotSent,
  kNotAcknowledged,
  kLate,
  kSetAside,
  kInert,
  kConflict,
  kHeldBack,
  kHeldBackElsewhere,
  kTimeDoubtful,
  kForkDecided,
  kForkOpen,
  kForkOurs,
  kParentMissing,
  kParentRefused,
  kRegistryMissing,
  kMachineRevoked,
  kLegOpenOffered,
  kLegOpenReturned,
  kLegOpenFinished,
  kLegOpenWorked,
  kLegLateOffered,
  kLegLateReturned,
  kLegLateFinished,
  kLegLateWorked,
  kConsultationOpen,
  kConsultationOverdue,
  kToReturn,
  // why: what a dossier waits for
  kWaitsAnswer,
  kWaitsPapers,
  kWaitsPayment,
  kWaitsReturn,
  kWaitsHandingOver,
  kWaitsNothing,
  kWaitsLegs,
  kWaitsHolder,
  // check
  kDiskFull,
  kReplicaFailed,
  kIdentityWrong,
  kIdentityDoubtful,
  kBegunAnew,
  kScansDamaged,
  kLinkDownSince,
  kLinkNeverUp,
  kHandoffInPending,
  kHandoffOutPending,
  kClockDoubtful,
  kClockBeforeRelease,
  kClockBeforeRoot,
  kClockDiffers,
  kClockOfOther,
  kNotListening,
  kOpenToOthers,
  kRefused,
  kRefusedByNeighbours,
  kRestored,
  kShutDiskFull,
  kShutReopening,
  kShutDamaged,
  kCodeTwice,
  kCodeNotTheirs,
  kDamagedNothingLost,
  kDamagedLost,
  kDamagedUnknown,
  kStoreGone,
  kCalendarDamaged,
  kNeighbourStands,
  kNeighbourDiffers,
  kTwinHere,
  kTwinThere,
  kSecondMachine,
  kBackupOld,
  kMirrorFailed,
  kMirrorOld,
  kShutNewer,
  kNameUnresolved,
  kPortClosed,
  kNoAgentThere,
  kVersionDiffers,
  kTurnedAway,
  kMtuHole,
  kNatForgets,
  kQueueStands,
  kBudgetSpent,
  kPortTaken,
  kCalendarEnds,
  kInvitationExpired,
  kRestartNeeded,
  kRevokedWorks,
  kDiskLow,
  kKeyOpen,
  kRootPaper,
  kNoBbr,
  // doctor: of a machine, seen without its agent
  kNoAgent,
  kSocketDenied,
  kConfigMissing,
  kConfigWrong,
  kFolderMissing,
  kFolderDenied,
  kWrongOwner,
  kReadOnly,
  kInodesFull,
  kStoreInUse,
  kStoreMissing,
  kStoreBroken,
  kDamagedKept,
  kEnrolling,
  kRootKeyHere,
  kClockFree,
  kNotEnabled,
  kNoRoute,
  kReserveGone,
  // warnings of an operation
  kNoVersionInForce,
  kNoLimit,
  kSucceeded,
  kNoHolidayData,
  kNotDecided,
  kLateApology,
  kDueOnDayOff,
  kCodeClaimed,
  kCodeFormUnknown,
  // why an update has no effect
  kInertNotItsTurn,
  kInertBadLink,
  kInertTreeOlderThanLink,
  kInertDissolved,
  kInertNotInAudience,
  kInertTooDeep,
  kInertCutOff,
  kInertClosed,
};

struct ReasonText {
  Reason reason;
  const char* code;     // several may share one: what they have in common
  const char* english;  // with {} for each value
};
// What somebody should know of a machine.
enum class Level : std::uint8_t {
  kNote = 0,  // worth knowing; nothing is wrong
  kWarning = 1,
  kCritical = 2,
};
struct Finding {
  Level level = Level::kWarning;
  Reason reason{};
  std::vector<std::string> values;
};
const char* to_string(Level level);  // "note", "warning", "critical"

std::span<const ReasonText> reason_texts();  // all, in the order of the enumerators

const char* code_of(Reason reason);
std::string text_of(Language language, Reason reason, const std::vector<std::string>& values);

// What an error's code (to_string(Errc), and those of the API) means, in English; its translation
// is find_reason(). Null: no such code.
struct CodeMeaning {
  const char* code;
  const char* english;
};
std::span<const CodeMeaning> code_meanings();
const char* meaning_of(std::string_view code);
// The text of a reason why an update has no effect (to_string(InertReason)); empty: no such code.
std::string text_of_inert(Language language, std::string_view code);

}  // namespace lienthong::texts
