// Feedback of citizens (phản ánh, kiến nghị), its four clocks, and the report on a period.
// Any thread; pure, but for what takes a replica.
// Source of the clocks: domain 3.1, the public description of index 766: refuse within 2 working
// days, ask for more within 5, handle within 15, publish within 2 of the answer.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/record/fields.h"
#include "protocol/record/update.h"
#include "store/office/calendar.h"
#include "store/replica/replica.h"

namespace lienthong::store {

inline constexpr std::array<std::string_view, 2> kFeedbackTopics = {"regulation", "behaviour"};
inline constexpr std::array<std::string_view, 7> kFeedbackSources = {
    "1022", "zalo", "facebook", "chatbot", "portal", "counter", "post"};
inline constexpr std::int64_t kSatisfactionMax = 5;  // of 1 to 5, this program's own scale

struct FeedbackRules {  // in working days
  int refuse = 2, supplement = 5, handle = 15, publish = 2;
};

// End of the nth working day after that moment.
using AddWorkingDays = std::function<UnixMillis(UnixMillis from, int days)>;

struct StatusMoment {
  UnixMillis at = 0;  // as the office said
  Status status = Status::kRegistered;
};

// What is known of one piece of feedback; 0: not yet, or not given.
struct FeedbackFacts {
  UnixMillis received_at = 0, due_at = 0, answered_at = 0, published_at = 0;
  std::vector<StatusMoment> statuses;  // in the order of their moments
};

enum class ClockState : std::uint8_t { kRunning, kOverdue, kMet, kLate };
std::string_view to_string(ClockState state);

struct FeedbackClock {
  std::string_view name;                  // "refuse", "supplement", "handle", "publish"
  int days = 0;                           // 0: the office wrote the date itself
  UnixMillis from = 0, due = 0, end = 0;  // end 0: runs
  ClockState state = ClockState::kRunning;
};

// As of `now`: what happened later does not count. Dates are compared by day at the office.
// "refuse" runs until the feedback is taken up or turned down; "supplement" stands only where more
// was asked for; "publish" from the answer on.
std::vector<FeedbackClock> feedback_clocks(const FeedbackFacts& facts, const FeedbackRules& rules,
                                           const AddWorkingDays& add, UnixMillis now);

// Report II.05 for a period, as of its end (exclusive): received = handled + open.
struct FeedbackCounts {
  std::int64_t carried = 0, received = 0;  // before the period and open in it; in the period
  std::int64_t on_time = 0, late = 0;      // answered
  std::int64_t refused = 0, ended = 0;     // turned down; withdrawn or stopped
  std::int64_t open_in_time = 0, open_overdue = 0;
  std::int64_t published_in_time = 0, published_late = 0, not_published = 0;  // of those answered
};
// Adds one piece of feedback; false: it is not of the period.
bool count_feedback(const FeedbackFacts& facts, const FeedbackRules& rules,
                    const AddWorkingDays& add, UnixMillis from, UnixMillis to,
                    FeedbackCounts& counts);

// ---- as it lies in a replica ----

FeedbackFacts feedback_facts(const Replica& replica, const RecordState& state);
// By the usual rules; `calendar` outlives what is given back of it.
AddWorkingDays working_days_of(const Calendar& calendar);
std::vector<FeedbackClock> feedback_clocks(const Replica& replica, const RecordState& state,
                                           const Calendar& calendar, UnixMillis now);
// One of the clocks has run out and nothing has come of it yet.
bool is_overdue(const std::vector<FeedbackClock>& clocks);

// Received by the agency's own desk, or by one below it.
bool received_below(const RecordState& state, const AgencyId& agency, const Registry& registry);

struct FeedbackReport {
  FeedbackCounts all;
  std::map<std::string, FeedbackCounts> by_topic, by_source;  // not said: "unknown"
  std::int64_t about_unknown = 0;  // names a dossier that no record here bears the code of
};
// As of the end of the period, which is exclusive, or of now while it lasts. `agency`: received
// there or below it; none: everything here.
FeedbackReport report_feedback(const Replica& replica, UnixMillis from, UnixMillis to,
                               const std::optional<AgencyId>& agency, const Calendar& calendar,
                               UnixMillis now);

}  // namespace lienthong::store
