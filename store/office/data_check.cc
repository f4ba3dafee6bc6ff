#include "store/office/data_check.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "protocol/record/codec.h"
#include "protocol/record/registers.h"
#include "store/office/calendar.h"
#include "store/office/deadline.h"
#include "store/office/dossier.h"
#include "store/office/dossier_code.h"
#include "store/office/official_code.h"
#include "store/office/reading.h"
#include "store/office/text.h"
#include "store/office/work.h"
#include "store/text/plain.h"

namespace lienthong::store {
namespace {

constexpr UnixMillis kClockSlack = 5LL * 60 * 1000;
constexpr std::array<std::string_view, kFindingCount> kNames = {
    "no-procedure",        "procedure-unknown",    "no-due-date",         "no-applicant",
    "done-without-result", "paid-without-receipt", "paid-without-moment", "scan-without-digest",
    "code-twice",          "code-unreadable",      "number-twice",        "dates-out-of-order",
    "date-in-future",      "id-number-unusual",    "phone-unusual",       "date-differs",
    "official-code-twice"};

std::string_view json_name(Field field) {
  return find_field(static_cast<std::uint16_t>(field))->json;
}

std::string text_of(const RecordState& state, Field field) {
  return open_text(state, field).value_or(std::string());
}

bool is_one_of(std::optional<Status> status, std::initializer_list<Status> states) {
  return status && std::ranges::find(states, *status) != states.end();
}

class DataCheck {
 public:
  DataCheck(const Replica& replica, const DataCheckOptions& options)
      : replica_(replica), options_(options) {}
  DataReport run();

 private:
  using Numbers = std::tuple<AgencyId, std::string, std::string, int, std::int64_t>;

  void add(Finding finding, const RecordState& state, std::string detail = {});
  bool wanted(const RecordState& state) const;
  bool in_catalogue(const std::string& procedure);
  void check_dossier(const RecordState& state);
  void check_code(const RecordState& state);
  void check_result(const RecordState& state, std::optional<Status> status);
  void check_fees(const RecordState& state);
  void check_scans(const RecordState& state);
  void check_dates(const RecordState& state);
  void check_numbers(const RecordState& state);
  void check_due(const RecordState& state, std::optional<Status> status);
  void check_document(const RecordState& state);

  const Replica& replica_;
  const DataCheckOptions& options_;
  DataReport report_;
  std::unordered_map<std::string, bool> catalogue_;
  std::map<Numbers, RecordId> numbers_;  // of documents
};

void DataCheck::add(Finding finding, const RecordState& state, std::string detail) {
  std::uint64_t& count = report_.counts[static_cast<std::size_t>(finding)];
  if (++count > options_.limit) return;
  DataFinding out;
  out.finding = finding;
  out.code = code_or_empty(state);
  out.record = state.record;
  out.agency = open_agency(state, Field::kIntakeAgency).value_or(AgencyId());
  out.detail = std::move(detail);
  report_.findings.push_back(std::move(out));
}

bool DataCheck::wanted(const RecordState& state) const {
  if (state.chain.empty() || state.needs_newer_rules()) return false;
  return options_.agency.is_zero() || intake_of(state) == options_.agency;
}

bool DataCheck::in_catalogue(const std::string& procedure) {
  const auto known = catalogue_.find(procedure);
  if (known != catalogue_.end()) return known->second;
  bool found = false;
  for (const RecordId& id : replica_.find_code(procedure)) {
    const auto entry = replica_.find_record(id);
    found = found || (entry && entry->state.kind == RecordKind::kProcedure);
  }
  catalogue_.emplace(procedure, found);
  return found;
}

void DataCheck::check_code(const RecordState& state) {
  const std::string code = code_or_empty(state);
  if (code.empty() || !parse_dossier_code(code)) add(Finding::kCodeUnreadable, state);
  if (!code.empty())
    if (const auto same = replica_.find_code(code).size(); same > 1)
      add(Finding::kCodeTwice, state, std::to_string(same) + " records");
  for (const OfficialCode& official : official_codes(replica_, state.record)) {
    std::vector<RecordId> bearers = find_official_code(replica_, official.code);
    for (const RecordId& id : replica_.find_code(official.code)) bearers.push_back(id);
    std::string others;
    for (const RecordId& id : bearers) {
      const auto entry = id != state.record ? replica_.find_record(id) : std::nullopt;
      if (entry) others += (others.empty() ? "" : ", ") + code_or_empty(entry->state);
    }
    if (!others.empty())
      add(Finding::kOfficialCodeTwice, state, official.code + ", also of " + others);
  }
}

void DataCheck::check_result(const RecordState& state, std::optional<Status> status) {
  if (!is_one_of(status, {Status::kDone, Status::kReturned})) return;
  if (text_of(state, Field::kResultNumber).empty() &&
      open_integer(state, Field::kResultDigitised).value_or(0) == 0)
    add(Finding::kDoneWithoutResult, state);
}

void DataCheck::check_fees(const RecordState& state) {
  const auto bytes = open_bytes(state, Field::kFees);
  const auto fees =
      bytes ? wire::decode_fees(*bytes) : Result<std::vector<wire::Fee>>(std::vector<wire::Fee>());
  if (!fees.ok()) return;
  for (const wire::Fee& fee : *fees) {
    if (fee.paid != "online" && fee.paid != "cash") continue;
    if (fee.receipt.empty()) add(Finding::kPaidWithoutReceipt, state, fee.name);
    if (fee.paid_at == 0) add(Finding::kPaidWithoutMoment, state, fee.name);
  }
}

// The list itself is closed, so it is read only where something is said to be digitised.
void DataCheck::check_scans(const RecordState& state) {
  if (open_integer(state, Field::kDigitisedCount).value_or(0) == 0) return;
  if (!takes_part(replica_, state)) return;
  const auto values = read_values(replica_, state);
  const auto at = values.find(Field::kComponents);
  const auto* bytes = at != values.end() ? std::get_if<Bytes>(&at->second) : nullptr;
  if (bytes == nullptr) return;
  const auto list = wire::decode_components(*bytes);
  if (!list.ok()) return;
  for (const wire::Component& item : *list)
    if (item.kind == "digital" && item.digest.empty())
      add(Finding::kScanWithoutDigest, state, item.name);
}

void DataCheck::check_dates(const RecordState& state) {
  static constexpr std::array kOrder = {Field::kSubmittedAt, Field::kReceivedAt, Field::kFinishedAt,
                                        Field::kReturnedAt};
  std::optional<std::int64_t> before;
  Field before_field = Field::kSubmittedAt;
  for (const Field field : kOrder) {
    const auto at = open_integer(state, field);
    if (!at) continue;
    if (before && *at < *before)
      add(Finding::kDatesOutOfOrder, state,
          std::string(json_name(field)) + " " + form_time(*at) + " < " +
              std::string(json_name(before_field)) + " " + form_time(*before));
    if (day_at(*at) > day_at(options_.now))
      add(Finding::kDateInFuture, state, std::string(json_name(field)) + " " + form_time(*at));
    before = at;
    before_field = field;
  }
  const auto received = open_integer(state, Field::kReceivedAt);
  for (const Field field : {Field::kClockStartsAt, Field::kDueAt}) {
    const auto at = open_integer(state, field);
    if (received && at && day_at(*at) < day_at(*received))
      add(Finding::kDatesOutOfOrder, state,
          std::string(json_name(field)) + " " + form_time(*at) + " < received_at " +
              form_time(*received));
  }
}

// The date stands as it was counted by the calendar of its day, or as the office wrote it; a new
// calendar moves none by itself.
void DataCheck::check_due(const RecordState& state, std::optional<Status> status) {
  const auto due = open_integer(state, Field::kDueAt);
  if (options_.calendar == nullptr || !due || (status && ends_clock(*status))) return;
  DeadlineInput clock = read_work(replica_, state).clock;
  if (!clock.limit) return;
  for (ClockEvent& event : clock.events) {
    if (event.apology) return;
    event.due_at.reset();
  }
  const auto counted = find_deadline(clock, *options_.calendar).due_at;
  if (counted && day_at(*counted) != day_at(*due))
    add(Finding::kDateDiffers, state,
        form_date(*due) + ", by the calendar now " + form_date(*counted));
}

// Numbers of persons, as far as they can be read here. The card of a foreigner has letters.
void DataCheck::check_numbers(const RecordState& state) {
  const auto has = [&](Field field) {
    return state.closed_fields.contains(static_cast<std::uint16_t>(field));
  };
  if (!has(Field::kApplicantIdNumber) && !has(Field::kApplicantPhone)) return;
  if (!takes_part(replica_, state)) return;
  const auto values = read_values(replica_, state);
  const auto text = [&](Field field) {
    const auto at = values.find(field);
    const auto* value = at != values.end() ? std::get_if<std::string>(&at->second) : nullptr;
    return value != nullptr ? *value : std::string();
  };
  const auto digits = [](const std::string& key) {
    return std::ranges::all_of(key, [](char c) { return c >= '0' && c <= '9'; });
  };
  const std::string id = text(Field::kApplicantIdNumber), id_digits = id_key(id);
  if (!id.empty() && (id.find_first_of("+=") != std::string::npos ||
                      (digits(id_digits) && id_digits.size() != 12 && id_digits.size() != 9)))
    add(Finding::kIdNumberUnusual, state, id);
  const std::string phone = text(Field::kApplicantPhone), number = phone_key(phone);
  const bool foreign = phone.starts_with('+') && !number.starts_with('0');
  const bool known = number.starts_with('0') && (number.size() == 10 || number.size() == 11);
  if (!phone.empty() && !foreign && (!known || phone.find_first_of("E=") != std::string::npos))
    add(Finding::kPhoneUnusual, state, phone);
}

void DataCheck::check_dossier(const RecordState& state) {
  const auto status = open_status(state);
  check_code(state);
  const std::string procedure = text_of(state, Field::kProcedure);
  if (procedure.empty()) {
    add(Finding::kNoProcedure, state);
  } else if (!in_catalogue(procedure)) {
    add(Finding::kProcedureUnknown, state, procedure);
  }
  const bool counts =
      !is_one_of(status, {Status::kRegistered, Status::kRefused, Status::kWithdrawn});
  if (counts && !open_integer(state, Field::kDueAt)) add(Finding::kNoDueDate, state);
  if (!state.closed_fields.contains(static_cast<std::uint16_t>(Field::kApplicantName)))
    add(Finding::kNoApplicant, state);
  check_result(state, status);
  check_fees(state);
  check_scans(state);
  check_dates(state);
  check_numbers(state);
  check_due(state, status);
}

// Numbers run for a year in each book of an agency (NĐ 30/2020/NĐ-CP).
void DataCheck::check_document(const RecordState& state) {
  const auto number = open_integer(state, Field::kNumber);
  if (!number) return;
  auto at = open_integer(state, Field::kReceivedAt);
  if (!at) at = open_integer(state, Field::kSignedAt);
  if (!at) return;
  const Numbers key{state.origin, text_of(state, Field::kDirection),
                    text_of(state, Field::kRegisterBook), office_year(*at), *number};
  const auto [first, added] = numbers_.emplace(key, state.record);
  if (!added)
    add(Finding::kNumberTwice, state,
        "number " + std::to_string(*number) + " of " + std::to_string(office_year(*at)) +
            ", also of record " + first->second.short_hex());
}

DataReport DataCheck::run() {
  UnixMillis newest = 0;
  replica_.for_each_record([&](const RecordEntry& entry) {
    if (options_.stopping && options_.stopping()) return false;
    newest = std::max(newest, entry.state.latest.millis());
    if (!wanted(entry.state)) return true;
    ++report_.checked;
    if (entry.state.kind == RecordKind::kDossier) check_dossier(entry.state);
    if (entry.state.kind == RecordKind::kDocument) check_document(entry.state);
    return true;
  });
  report_.clock_doubtful = newest > options_.now + kClockSlack;
  return std::move(report_);
}

}  // namespace

std::string_view to_string(Finding finding) { return kNames[static_cast<std::size_t>(finding)]; }

bool clock_doubtful(const Replica& replica, UnixMillis now) {
  if (now == 0) return false;
  const ClockVerdict verdict = replica.clock(now);
  if (verdict.fault != ClockFault::kNone) return true;
  return !verdict.confirmed && now + kMinuteMillis < replica.newest_time();
}

DataReport check_data(const Replica& replica, const DataCheckOptions& options) {
  return DataCheck(replica, options).run();
}

}  // namespace lienthong::store
