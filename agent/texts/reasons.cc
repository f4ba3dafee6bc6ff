#include "agent/texts/reasons.h"

#include <algorithm>

#include "protocol/base/check.h"

namespace lienthong::texts {
namespace {

constexpr ReasonText kReasonTexts[] = {
    {Reason::kOfferOpen, "offer-open", "{} has offered it to {}, which has not answered"},
    {Reason::kRecallRequested, "recall-requested", "{} has asked for it back"},
    {Reason::kLinkDown, "link-down", "no link with {}"},
    {Reason::kNotSent, "not-sent", "the last change has not been sent to {}"},
    {Reason::kNotAcknowledged, "not-acknowledged", "{} has not confirmed the last change"},
    {Reason::kLate, "late", "it is past its due date"},
    {Reason::kSetAside, "set-aside", "{} changes were set aside; the holder may adopt them"},
    {Reason::kInert, "inert", "{} changes have no effect; see its inert list"},
    {Reason::kConflict, "conflict", "two machines wrote the same field at the same time"},
    {Reason::kHeldBack, "held-back",
     "{} has {} offers and questions open with {} or beyond it: this one goes on as they are "
     "answered"},
    {Reason::kHeldBackElsewhere, "held-back-elsewhere",
     "{} of our offers wait for an answer: of more than {} in one direction the next office hands "
     "the rest on as earlier ones are answered"},
    {Reason::kTimeDoubtful, "time-doubtful",
     "{} has dated a change {}, but it was here at {} already: its clock was wrong"},
    {Reason::kForkDecided, "fork-decided", "custody was signed twice from {} on; {} has decided"},
    {Reason::kForkOpen, "fork-open",
     "custody was signed twice from {} on, and what stands may change until {} has decided"},
    {Reason::kForkOurs, "fork-ours",
     "custody was signed twice from {} on, and this office is to say which stands: lienthong "
     "handoff uphold"},
    {Reason::kParentMissing, "parent-missing",
     "changes that have come and build on an earlier one that has not: {}"},
    {Reason::kParentRefused, "parent-refused",
     "changes that build on one which was refused here (see: lienthong quarantine): {}"},
    {Reason::kRegistryMissing, "registry-missing",
     "changes that name a certificate, an agency or a tree version which is not here yet: {}"},
    {Reason::kMachineRevoked, "machine-revoked",
     "changes that a revoked machine sealed later than its revocation lets count: {}"},
    {Reason::kLegOpenOffered, "leg-open", "leg {} waits for {} to accept it"},
    {Reason::kLegOpenReturned, "leg-open", "leg {} came back from {} without an outcome"},
    {Reason::kLegOpenFinished, "leg-open", "leg {} has its outcome and is on the way back from {}"},
    {Reason::kLegOpenWorked, "leg-open", "leg {} is being worked on by {}"},
    {Reason::kLegLateOffered, "leg-late", "leg {} waits for {} to accept it"},
    {Reason::kLegLateReturned, "leg-late", "leg {} came back from {} without an outcome"},
    {Reason::kLegLateFinished, "leg-late", "leg {} has its outcome and is on the way back from {}"},
    {Reason::kLegLateWorked, "leg-late", "leg {} is being worked on by {}"},
    {Reason::kConsultationOpen, "consultation-open",
     "{} was asked for its opinion and has not answered"},
    {Reason::kConsultationOverdue, "consultation-overdue",
     "{} was asked for its opinion and has not answered"},
    {Reason::kToReturn, "to-return", "it is to go back to {}, which received it"},
    {Reason::kWaitsAnswer, "waits-answer", "answer to an offer"},
    {Reason::kWaitsPapers, "waits-papers", "papers from the applicant"},
    {Reason::kWaitsPayment, "waits-payment", "payment by the applicant"},
    {Reason::kWaitsReturn, "waits-return", "its way back to the desk that received it"},
    {Reason::kWaitsHandingOver, "waits-handing-over", "handing over the result"},
    {Reason::kWaitsNothing, "waits-nothing", "nothing"},
    {Reason::kWaitsLegs, "waits-legs", "work of the holder and outcomes of legs"},
    {Reason::kWaitsHolder, "waits-holder", "work of the holder"},
    {Reason::kDiskFull, "disk-full", "the disk is full, nothing can be written: {}"},
    {Reason::kReplicaFailed, "replica-failed", "the replica takes no changes: {}"},
    {Reason::kIdentityWrong, "identity", "nothing is written on this machine: {}"},
    {Reason::kIdentityDoubtful, "identity", "the files that say which machine this is: {}"},
    {Reason::kBegunAnew, "begun-anew",
     "a part of the agent ended unexpectedly and was begun anew: {}, {} times, the last one at {} "
     "({})"},
    {Reason::kScansDamaged, "scans-damaged",
     "{} files of dossiers did not read back and no neighbour has given them again yet: {}"},
    {Reason::kLinkDownSince, "link-down", "no link with {} since {}"},
    {Reason::kLinkNeverUp, "link-down", "no link with {} since this agent started, {}"},
    {Reason::kHandoffInPending, "handoff-in-pending",
     "{} dossiers offered to us for more than a day wait for our answer"},
    {Reason::kHandoffOutPending, "handoff-out-pending",
     "{} dossiers that we offered more than a day ago have no answer"},
    {Reason::kClockDoubtful, "clock-doubtful",
     "the clock of this machine is behind the newest change here, of {}: set it, deadlines would "
     "be "
     "wrong"},
    {Reason::kClockBeforeRelease, "clock-doubtful",
     "the clock of this machine says {}, but this program was made after {}: set it"},
    {Reason::kClockBeforeRoot, "clock-doubtful",
     "the clock of this machine says {}, but the root has said something on {}: set it"},
    {Reason::kClockDiffers, "clock-doubtful",
     "the clock of this machine says {}, those of its superiors and neighbours {}: set it"},
    {Reason::kClockOfOther, "clock-of-other",
     "the clock of {} differs from ours and the neighbours': it said {} when ours said {}"},
    {Reason::kNotListening, "not-listening",
     "cannot listen on {}; tried again every few seconds, all other work goes on"},
    {Reason::kOpenToOthers, "open-to-others",
     "others of this machine can read {}: take their rights away with chmod"},
    {Reason::kRefused, "refused", "{} updates of others were refused; see lienthong quarantine"},
    {Reason::kRefusedByNeighbours, "refused-by-neighbours",
     "{} refuses {} updates that this machine sent, so they are nowhere but here: {}; see "
     "lienthong "
     "quarantine"},
    {Reason::kRestored, "restored",
     "this database was restored from an older state: custody of older dossiers waits until the "
     "neighbours have given everything back"},
    {Reason::kShutDiskFull, "disk-full", "the disk is full, the database could not be opened: {}"},
    {Reason::kShutReopening, "replica-failed", "the database is being opened again: {}"},
    {Reason::kShutDamaged, "damaged", "this agent cannot open its data: {}"},
    {Reason::kCodeTwice, "agency-code-twice",
     "several agencies bear the code {}, so it names none of them: {}"},
    {Reason::kCodeNotTheirs, "agency-code-not-theirs",
     "the code {} is not that of {}: it lies under another office, or has been given to another"},
    {Reason::kDamagedNothingLost, "damaged",
     "the database was damaged on {}: {}; all that was acknowledged could be read, the damaged one "
     "is kept as {}; once you know: lienthong damage seen"},
    {Reason::kDamagedLost, "damaged",
     "the database was damaged on {}: {}; of what was acknowledged here {} writes (numbers {} to "
     "{}) and {} changes could not be read, the damaged one is kept as {}; once you know: "
     "lienthong "
     "damage seen"},
    {Reason::kDamagedUnknown, "damaged",
     "the database was damaged on {}: {}; how much of what was acknowledged here is missing is not "
     "known, the damaged one is kept as {}; once you know: lienthong damage seen"},
    {Reason::kStoreGone, "store-gone",
     "the database was gone and was begun anew on {}; what neighbours hold comes back from them, "
     "what was only here ({} writes had been acknowledged in all) does not; once you know: "
     "lienthong damage seen"},
    {Reason::kCalendarDamaged, "calendar-damaged",
     "the calendar cannot be used, dates are counted by the one built in: {}"},
    {Reason::kNeighbourStands, "neighbour-stands-still",
     "{} is connected but has acknowledged nothing since {}, while {} updates wait for it: the "
     "session is begun anew every minute; look at its disk and its log"},
    {Reason::kNeighbourDiffers, "neighbour-differs",
     "{} and this machine hold different updates of shared dossiers, because one of them refuses "
     "what the other holds; see lienthong quarantine on both"},
    {Reason::kTwinHere, "key-used-twice",
     "two machines use the key of this one, since {}, the other last seen at {}, from {} and {}, "
     "as {} tells: stop one of them for good and enrol it anew under a key of its own"},
    {Reason::kTwinThere, "key-used-twice",
     "two machines use the key of {}, since {}, last seen in turns at {}, from {} and {}: have one "
     "of them stopped for good and enrolled anew under a key of its own"},
    {Reason::kSecondMachine, "second-machine",
     "machine {} acts for this office beside this one, certified at {}: if it is yours, lienthong "
     "node acknowledge {}; if it took the place of this one or is nobody's, have it revoked at the "
     "office above"},
    {Reason::kBackupOld, "backup-old",
     "the last backup is of {}: make one, or mend what makes them; {} updates and {} files were on "
     "no other machine then"},
    {Reason::kMirrorFailed, "mirror-failed",
     "the copy on the second disk {} is not kept: {}; the last is of {}, and {} changes are not in "
     "it"},
    {Reason::kMirrorOld, "mirror-old",
     "the copy on the second disk {} is of {}, and {} changes are not in it"},
    {Reason::kShutNewer, "newer-version",
     "a newer program wrote this database and has to be installed again: {}"},
    {Reason::kNameUnresolved, "name-unresolved",
     "the name in the address {} of {} cannot be looked up: {}"},
    {Reason::kPortClosed, "port-closed", "at {}, the address of {}, nobody listens: {}"},
    {Reason::kNoAgentThere, "no-agent-there",
     "at {}, the address of {}, something else answers, no agent: a login page of the network, or "
     "another service"},
    {Reason::kVersionDiffers, "version-differs",
     "{} speaks other versions of the protocol than this program: {}"},
    {Reason::kTurnedAway, "turned-away", "{} and this machine do not believe one another: {}"},
    {Reason::kMtuHole, "mtu-hole",
     "the line to {} swallows large packets: small ones are sent until the network changes"},
    {Reason::kNatForgets, "nat-forgets",
     "a session with {} was dead after {} s of quiet and a new one live at once, {} times: a "
     "router on the way forgets connections"},
    {Reason::kQueueStands, "queue-not-moving", "{} updates wait for {}, the oldest since {}"},
    {Reason::kBudgetSpent, "budget-spent",
     "of the {} bytes that this day may cost {} are spent: updates, history and scans wait, "
     "handoffs go on"},
    {Reason::kPortTaken, "port-taken",
     "another program has an address of this agent, so nobody can dial it there: {}"},
    {Reason::kCalendarEnds, "calendar-ends",
     "the notice of days off for {} is not here yet: dates of then are counted from the law, as "
     "far "
     "as that decides; see: lienthong calendar import"},
    {Reason::kInvitationExpired, "invitation-expired",
     "the invitation of {} expired at {}, and nobody had used it"},
    {Reason::kRestartNeeded, "restart-needed",
     "the program on the disk is another one than the one that runs ({})"},
    {Reason::kRevokedWorks, "revoked-works",
     "the revoked machine {} of {} goes on: {} updates came that it had sealed too late"},
    {Reason::kDiskLow, "disk-low", "of the disk of {} only {} MB are free"},
    {Reason::kKeyOpen, "key-open",
     "others of this machine may read {}: somebody may have a copy of the key"},
    {Reason::kRootPaper, "root-paper", "the root key on paper still lies on this machine: {}"},
    {Reason::kNoBbr, "bbr-missing",
     "the kernel has no bbr: on lines with losses everything takes longer"},
    {Reason::kNoAgent, "no-agent", "no agent answers at {}: {}"},
    {Reason::kSocketDenied, "socket-denied", "this account may not open {}"},
    {Reason::kConfigMissing, "config-missing", "there is no configuration: {}"},
    {Reason::kConfigWrong, "config-wrong", "the configuration has a mistake: {}"},
    {Reason::kFolderMissing, "folder-missing", "the data folder is not there: {}"},
    {Reason::kFolderDenied, "folder-denied",
     "this account may not look into {}, so it was not looked at"},
    {Reason::kWrongOwner, "wrong-owner", "{} belongs to the account {}, but the agent works as {}"},
    {Reason::kReadOnly, "disk-read-only", "the disk of {} can only be read"},
    {Reason::kInodesFull, "inodes-full", "the disk of {} takes no further files"},
    {Reason::kStoreInUse, "store-in-use", "another process has the database: {}"},
    {Reason::kStoreMissing, "store-missing", "the database is not there: {}"},
    {Reason::kStoreBroken, "damaged", "the database cannot be opened as it is: {}"},
    {Reason::kDamagedKept, "damaged-kept", "a damaged database is kept as {}"},
    {Reason::kEnrolling, "enrolling", "a set-up was begun and not finished: {}"},
    {Reason::kRootKeyHere, "root-key-here", "the root key lies on this machine: {}"},
    {Reason::kClockFree, "clock-free", "nothing keeps the clock of this machine right"},
    {Reason::kNotEnabled, "not-enabled", "the agent does not start with the machine"},
    {Reason::kNoRoute, "no-route", "{}, an address of {}, cannot be reached: {}"},
    {Reason::kReserveGone, "reserve-gone",
     "the file that keeps room for a full disk is not there: {}"},
    {Reason::kNoVersionInForce, "no-version-in-force",
     "no version of procedure {} was in force then, so no due date is known"},
    {Reason::kNoLimit, "no-limit",
     "procedure {} has no limit that can be counted, so no due date is known"},
    {Reason::kSucceeded, "succeeded", "the procedure has been replaced by {}"},
    {Reason::kNoHolidayData, "no-holiday-data",
     "no holiday data for {}: counted by weekends alone"},
    {Reason::kNotDecided, "not-decided",
     "the notice for {} is not known: counted from the law; the other days of Tết, the second day "
     "of 2/9 and days that are swapped are not decided"},
    {Reason::kLateApology, "late-apology",
     "the apology comes less than a working day before {} (NĐ 61/2018 Đ.19(9))"},
    {Reason::kDueOnDayOff, "due-on-day-off", "{} is no working day"},
    {Reason::kCodeClaimed, "code-claimed",
     "another dossier bears that code too: {}; see: lienthong code list --twice"},
    {Reason::kCodeFormUnknown, "code-form-unknown",
     "{} has no form that is known; it is kept as it was given"},
    {Reason::kInertNotItsTurn, "not-its-turn", "it was not its author's turn to act"},
    {Reason::kInertBadLink, "bad-link", "it builds on a step of custody that does not stand"},
    {Reason::kInertTreeOlderThanLink, "tree-older-than-link",
     "it knows an older agency tree than the step of custody that it builds on"},
    {Reason::kInertDissolved, "dissolved", "its author or its target was dissolved"},
    {Reason::kInertNotInAudience, "not-in-audience", "its author does not take part in the record"},
    {Reason::kInertTooDeep, "too-deep", "too many changes build on one another"},
    {Reason::kInertCutOff, "cut-off", "its author's key was revoked before it was sealed"},
    {Reason::kInertClosed, "closed",
     "it was sealed after its author's office lost the right to it by a new agency tree"},
};

constexpr CodeMeaning kCodeMeanings[] = {
    {"not-found", "no such thing"},
    {"not-allowed", "not allowed"},
    {"conflict", "conflicts with what is there"},
    {"malformed", "cannot be read"},
    {"not-canonical", "not in the one form that is hashed"},
    {"invalid-argument", "wrong value"},
    {"unknown-agency", "no such agency"},
    {"unknown-certificate", "names a certificate that is not here"},
    {"unknown-parent", "builds on a change that is not here"},
    {"too-large", "too large"},
    {"truncated", "ends too early"},
    {"out-of-order", "a message out of turn"},
    {"bad-version", "another version"},
    {"newer-version", "written by a newer program"},
    {"bad-signature", "wrong signature or passphrase"},
    {"bad-hash", "does not match the hash that names it"},
    {"expired", "expired"},
    {"revoked", "revoked"},
    {"busy", "busy"},
    {"io", "disk or network error"},
    {"disk-full", "the disk is full"},
    {"corrupt", "damaged data"},
    {"timeout", "no answer in time"},
    {"closed", "the agent takes nothing now"},
    {"unclear", "a short name leads elsewhere here"},
    {"not-applied", "not applied, because another line was refused"},
};

const ReasonText& row_of(Reason reason) {
  const auto at = static_cast<std::size_t>(reason);
  LT_CHECK(at < std::size(kReasonTexts) && kReasonTexts[at].reason == reason);
  return kReasonTexts[at];
}

}  // namespace

std::span<const ReasonText> reason_texts() { return kReasonTexts; }
std::span<const CodeMeaning> code_meanings() { return kCodeMeanings; }

const char* to_string(Level level) {
  return level == Level::kCritical ? "critical" : level == Level::kWarning ? "warning" : "note";
}

const char* code_of(Reason reason) { return row_of(reason).code; }

std::string text_of(Language language, Reason reason, const std::vector<std::string>& values) {
  const char* english = row_of(reason).english;
  const char* shown = find_reason(language, english);
  std::vector<std::string> told = values;
  if (shown != nullptr)
    for (std::string& value : told) value = tell_text(language, value);
  return fill(shown != nullptr ? shown : english, told);
}

const char* meaning_of(std::string_view code) {
  const auto at = std::ranges::find(kCodeMeanings, code, &CodeMeaning::code);
  return at != std::end(kCodeMeanings) ? at->english : nullptr;
}

std::string text_of_inert(Language language, std::string_view code) {
  const auto from =
      std::span(kReasonTexts).subspan(static_cast<std::size_t>(Reason::kInertNotItsTurn));
  const auto at = std::ranges::find(from, code, &ReasonText::code);
  return at != from.end() ? text_of(language, at->reason, {}) : std::string();
}

}  // namespace lienthong::texts
