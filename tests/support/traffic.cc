#include "tests/support/traffic.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "agent/json/operation.h"
#include "agent/json/time.h"
#include "protocol/record/fields.h"
#include "store/office/calendar.h"
#include "tests/simulation/dice.h"
#include "tests/support/traffic_facts.h"

namespace lienthong::test {
namespace {

using Json = nlohmann::ordered_json;
using facts::LimitUnit;
using facts::Procedure;

constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
constexpr std::int64_t kFirstDay = 18995;  // 2022-01-03, a Monday
constexpr std::int64_t kOpensAt = 7 * kHour, kWorkMillis = 9 * kHour;
constexpr std::int64_t kDueAt = 17 * kHour;
constexpr double kNewShare = 0.11;     // of the changes: new dossiers
constexpr double kRemarked = 0.4;      // share of the steps with a remark
constexpr double kListed = 0.88;       // share of the dossiers whose papers are listed
constexpr double kLeftOut = 0.4;       // share of the papers after the first that are not listed
constexpr double kScanned = 0.93;      // share of the papers listed that are scanned
constexpr std::size_t kRecent = 1200;  // open dossiers among which an office works most of the time

bool is_working(std::int64_t day) {  // day 0 was a Thursday
  const std::int64_t weekday = (day + 3) % 7;
  return weekday < 5;
}

std::int64_t add_working(std::int64_t day, int count) {
  while (count > 0 || !is_working(day)) {
    ++day;
    if (is_working(day)) --count;
  }
  return day;
}

UnixMillis moment(std::int64_t day, std::int64_t millis) {
  return store::midnight_of(day) + millis;
}

std::int64_t day_of(UnixMillis time) { return store::day_at(time); }

std::string stamp(UnixMillis time) {  // to the second, as office software prints
  return agent::format_time(time / kSecond * kSecond);
}

std::string padded(std::uint64_t number, std::size_t digits) {
  std::string text = std::to_string(number);
  return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
}

std::string padded_hex(std::uint64_t number) {
  std::string text(16, '0');
  for (std::size_t i = 0; i < text.size(); ++i, number >>= 4)
    text[text.size() - 1 - i] = "0123456789abcdef"[number & 15];
  return text;
}

// Lower case without diacritics, as people make addresses of mail from their names: a letter that
// is not ASCII is left out.
std::string mail_name(std::string_view name) {
  std::string out;
  for (const char c : name)
    if (c >= 'a' && c <= 'z') out += c;
  return out;
}

struct Dossier {
  std::string code;
  const Procedure* procedure = nullptr;
  Status status = Status::kAccepted;
  std::string applicant;
};

}  // namespace

struct Traffic::Impl {
  explicit Impl(const TrafficOptions& given);

  // ---- people and things ----
  std::string person(bool woman);
  std::string person() { return person(dice.chance(0.5)); }
  Json applicant(std::string& name);
  const Procedure& procedure();
  std::string_view paper(const Procedure& procedure);
  Json components(const Procedure& procedure);
  std::optional<Json> fees(const Procedure& procedure, UnixMillis at);
  std::string remark(std::span<const std::string_view> texts, const Dossier& dossier);
  template <class Item>
  const Item& one_of(std::span<const Item> items) {
    return items[dice.below(items.size())];
  }

  // ---- time ----
  void pass(std::size_t per_day);
  std::optional<UnixMillis> due(const Procedure& procedure, UnixMillis received) const;
  std::string number();

  // ---- lines ----
  std::string summary(const Procedure& what, const std::string& applicant);
  Json describe(Dossier& out);
  void age(Json& dossier, Dossier& out, UnixMillis received, std::optional<UnixMillis> due_at);
  Json create(bool with_past);
  Json event(std::string_view action);
  Json step(Dossier& dossier, bool& gone);
  Json change();

  TrafficOptions options;
  sim::Dice dice;
  std::string district, commune;
  std::span<const std::string_view> communes;
  std::vector<std::string> officers;
  int family_weight = 0, procedure_weight = 0;
  UnixMillis now = moment(kFirstDay, kOpensAt);
  std::int64_t numbered_day = 0;
  std::size_t numbered = 0;
  std::vector<Dossier> open;  // oldest first
};

Traffic::Impl::Impl(const TrafficOptions& given) : options(given), dice(given.seed) {
  std::size_t count = 0;
  for (const facts::District& place : facts::kDistricts) count += place.communes.size();
  std::size_t left = options.commune % count;
  for (const facts::District& place : facts::kDistricts) {
    if (commune.empty() && left < place.communes.size()) {
      district = place.name;
      communes = place.communes;
      commune = place.communes[left];
    }
    left -= std::min(left, place.communes.size());
    if (!commune.empty()) break;
  }
  for (const facts::Weighted& name : facts::kFamilyNames) family_weight += name.weight;
  for (const Procedure& each : facts::kProcedures) procedure_weight += each.weight;
  for (int i = 0; i < 14; ++i) officers.push_back(person());
}

std::string Traffic::Impl::person(bool woman) {
  int left = static_cast<int>(dice.below(static_cast<std::size_t>(family_weight)));
  std::string name;
  for (const facts::Weighted& family : facts::kFamilyNames) {
    left -= family.weight;
    if (left >= 0) continue;
    name = family.text;
    break;
  }
  name += " " + std::string(one_of(woman ? facts::kMiddleWoman : facts::kMiddleMan));
  return name + " " + std::string(one_of(woman ? facts::kGivenWoman : facts::kGivenMan));
}

Json Traffic::Impl::applicant(std::string& name) {
  const bool woman = dice.chance(0.5);
  name = person(woman);
  const std::int64_t born = dice.between(1944, 2005);
  const int digit = (woman ? 1 : 0) + (born >= 2000 ? 2 : 0);
  Json out = {{"name", name}, {"kind", dice.chance(0.97) ? "citizen" : "organisation"}};
  out["id_number"] = std::string(dice.chance(0.93) ? "049" : "048") + std::to_string(digit) +
                     padded(static_cast<std::uint64_t>(born % 100), 2) +
                     padded(dice.below(1'000'000), 6);
  if (dice.chance(0.85)) {
    constexpr std::string_view kPrefixes[] = {"090", "091", "093", "097", "098", "035",
                                              "036", "037", "038", "076", "077", "085"};
    out["phone"] = std::string(kPrefixes[dice.below(std::size(kPrefixes))]) +
                   padded(dice.below(10'000'000), 7);
  }
  if (dice.chance(0.06)) out["email"] = mail_name(name) + std::to_string(born) + "@example.vn";
  std::string address = "Thôn " + std::to_string(dice.between(1, 11)) + ", ";
  if (dice.chance(0.2)) address = "Tổ " + std::to_string(dice.between(1, 14)) + ", " + address;
  // The desk leaves out the district of its own people.
  address += dice.chance(0.88) ? commune : std::string(one_of(communes)) + ", " + district;
  out["address"] = std::move(address);
  return out;
}

const Procedure& Traffic::Impl::procedure() {
  int left = static_cast<int>(dice.below(static_cast<std::size_t>(procedure_weight)));
  for (const Procedure& each : facts::kProcedures)
    if ((left -= each.weight) < 0) return each;
  return facts::kProcedures.front();
}

std::string_view Traffic::Impl::paper(const Procedure& of) {
  const char letter = of.papers[dice.below(of.papers.size())];
  return facts::kPapers[static_cast<std::size_t>(letter - 'a')];
}

Json Traffic::Impl::components(const Procedure& of) {
  Json list = Json::array();
  for (const char letter : of.papers) {
    if (!list.empty() && dice.chance(kLeftOut)) continue;
    Json item = {{"name", facts::kPapers[static_cast<std::size_t>(letter - 'a')]}};
    item["kind"] = letter == 'd' ? "copy" : dice.chance(0.85) ? "original" : "certified";
    if (letter == 'e') item["copies"] = dice.between(1, 12);
    if (dice.chance(kScanned)) {
      item["digest"] = padded_hex(dice.next()) + padded_hex(dice.next()) + padded_hex(dice.next()) +
                       padded_hex(dice.next());
      item["size"] = dice.between(60'000, 2'400'000);
      if (dice.chance(0.15)) item["media_type"] = "image/jpeg";
    }
    list.push_back(std::move(item));
  }
  return list;
}

std::optional<Json> Traffic::Impl::fees(const Procedure& of, UnixMillis at) {
  if (of.field != "Chứng thực" || dice.chance(0.6)) return std::nullopt;
  Json fee = {{"name", "Phí chứng thực"}, {"amount", dice.between(1, 30) * 2000}};
  fee["paid"] = dice.chance(0.85) ? "cash" : "online";
  fee["paid_at"] = stamp(at + dice.between(10, 400) * kSecond);
  fee["receipt"] = padded(dice.below(10'000'000), 7);
  return Json::array({fee});
}

std::string Traffic::Impl::remark(std::span<const std::string_view> texts, const Dossier& dossier) {
  std::string out;
  for (const char c : one_of(texts)) {
    switch (c) {
      case '#': out += std::to_string(dice.between(1, 900)); break;
      case '@': out += dice.chance(0.5) ? dossier.applicant : person(); break;
      case '%': {
        const std::string day = stamp(moment(day_of(now) + dice.between(-6, 12), 0));
        out += day.substr(8, 2) + "/" + day.substr(5, 2);
        break;
      }
      case '*': out += paper(*dossier.procedure); break;
      default: out += c;
    }
  }
  return out;
}

// ---- time ----

// The next moment in office hours; gaps vary as people come and go.
void Traffic::Impl::pass(std::size_t per_day) {
  const auto mean = static_cast<double>(kWorkMillis) / static_cast<double>(per_day);
  const double share = dice.unit() + dice.unit() * dice.unit() * 2;  // mean 1
  now += 1 + static_cast<std::int64_t>(mean * share);
  const std::int64_t day = day_of(now);
  if (now >= moment(day, kOpensAt + kWorkMillis)) {
    std::int64_t next = day + 1;
    while (!is_working(next)) ++next;
    now = moment(next, kOpensAt + dice.between(0, 20 * kMinute));
  }
}

std::optional<UnixMillis> Traffic::Impl::due(const Procedure& of, UnixMillis received) const {
  const std::int64_t day = day_of(received);
  switch (of.unit) {
    case LimitUnit::kUnknown: return std::nullopt;
    case LimitUnit::kSameDay:  // received after 15:00: the next working day
      return moment(received < moment(day, 15 * kHour) ? day : add_working(day, 1), kDueAt);
    case LimitUnit::kWorkingDays:
      return received + (add_working(day, of.limit) - day) * store::kDayMillis;
    case LimitUnit::kDays: return moment(add_working(day + of.limit, 0), kDueAt);
  }
  return std::nullopt;
}

std::string Traffic::Impl::number() {
  const std::int64_t day = day_of(now);
  if (day != numbered_day) numbered = options.numbers_from;
  numbered_day = day;
  const std::string date = stamp(now);
  return options.agency + "-" + date.substr(2, 2) + date.substr(5, 2) + date.substr(8, 2) + "-" +
         padded(++numbered, 4);
}

// ---- lines ----

// What the desk writes into the line for the content: whom or what it is about.
std::string Traffic::Impl::summary(const Procedure& what, const std::string& applicant) {
  const std::string about(what.topic);
  const double way = dice.unit();
  if (what.field == "Đất đai" || what.field == "Hoạt động xây dựng")
    return about + ", thửa " + std::to_string(dice.between(1, 999)) + ", tờ bản đồ " +
           std::to_string(dice.between(1, 60)) + ", " + std::to_string(dice.between(80, 9000)) +
           " m²";
  if (what.field == "Chứng thực" && way < 0.6)
    return about + " " + std::string(paper(what)) + ", số " + padded(dice.below(100'000'000), 8);
  if (what.field == "Hộ tịch" && way < 0.7) {
    const std::string born = stamp(now - dice.between(2, 20'000) * store::kDayMillis);
    return about + " – " + person() + ", sinh ngày " + born.substr(8, 2) + "/" + born.substr(5, 2) +
           "/" + born.substr(0, 4);
  }
  return about + " – " + (way < 0.8 ? applicant : person());
}

// What is known of a dossier when it comes in.
Json Traffic::Impl::describe(Dossier& out) {
  const Procedure& what = *out.procedure;
  Json dossier = {{"code", out.code},
                  {"procedure", what.code},
                  {"procedure_name", what.name},
                  {"field", what.field},
                  {"applicant", applicant(out.applicant)}};
  dossier["summary"] = summary(what, out.applicant);
  const double channel = dice.unit();
  dossier["channel"] = channel < 0.155 ? "online" : channel < 0.17 ? "postal" : "counter";
  if (channel < 0.155) dossier["submitted_at"] = stamp(now - dice.between(300, 54'000) * kSecond);
  dossier["received_at"] = stamp(now);
  if (dice.chance(0.08)) dossier["clock_starts_at"] = stamp(now);
  const auto due_at = due(what, now);
  if (due_at) dossier["due_at"] = stamp(*due_at);
  dossier["status"] = "accepted";
  if (what.goes_up && !options.superior.empty()) dossier["competent_agency"] = options.superior;
  dossier["unit"] = facts::kUnits[0];
  dossier["officer"] = one_of(std::span<const std::string>(officers));
  return dossier;
}

// What became of it by now: most were answered long ago.
void Traffic::Impl::age(Json& dossier, Dossier& out, UnixMillis received,
                        std::optional<UnixMillis> due_at) {
  const bool at_once = out.procedure->unit == LimitUnit::kUnknown;
  const double fate = dice.unit();
  if (fate < 0.16) {
    out.status = fate < 0.05    ? Status::kAccepted
                 : fate < 0.135 ? Status::kProcessing
                                : Status::kSupplement;
  } else {
    out.status = fate < 0.2 ? Status::kDone : Status::kReturned;
    UnixMillis end = received + dice.between(240, 5400) * kSecond;
    if (!at_once && due_at) {
      const std::int64_t last = day_of(*due_at) - dice.between(-1, 2);
      const std::int64_t day = add_working(std::max(last, day_of(received)), 0);
      end = std::max(end, moment(day, kOpensAt + dice.between(0, kWorkMillis)));
    }
    dossier["finished_at"] = stamp(end);
    if (out.status == Status::kReturned)
      dossier["returned_at"] = stamp(end + dice.between(120, 14'400) * kSecond);
  }
  dossier["status"] = to_json(out.status);
  if (out.status != Status::kAccepted) dossier["unit"] = one_of(facts::kUnits);
}

Json Traffic::Impl::create(bool with_past) {
  Dossier made;
  made.procedure = &procedure();
  made.code = number();
  Json dossier = describe(made);
  if (with_past) age(dossier, made, now, due(*made.procedure, now));
  if (dice.chance(kListed)) dossier["components"] = components(*made.procedure);
  if (auto list = fees(*made.procedure, now)) dossier["fees"] = *std::move(list);
  if (made.status != Status::kReturned) open.push_back(std::move(made));
  return {{"op", "create"}, {"dossier", std::move(dossier)}};
}

Json Traffic::Impl::event(std::string_view action) {
  Json out = {{"at", stamp(now)}, {"officer", one_of(std::span<const std::string>(officers))}};
  out["action"] = action;
  return out;
}

// The next step of a dossier that is under way; `gone` when the office has no more to do with it.
Json Traffic::Impl::step(Dossier& dossier, bool& gone) {
  Json fields = Json::object();
  Json what;
  const double way = dice.unit();
  switch (dossier.status) {
    case Status::kAccepted:
      dossier.status = Status::kProcessing;
      what = event("chuyển xử lý");
      fields["unit"] = one_of(facts::kUnits.subspan(1));
      break;
    case Status::kProcessing:
      if (way < 0.12) {
        dossier.status = Status::kSupplement;
        what = event("yêu cầu bổ sung");
        what["note"] = remark(facts::kSupplementRemarks, dossier);
      } else if (way < 0.5 && dossier.procedure->goes_up && !options.superior.empty()) {
        gone = true;
        Json out = {{"op", "offer"}, {"code", dossier.code}, {"to", options.superior}};
        if (dice.chance(0.4)) out["note"] = remark(facts::kOfferRemarks, dossier);
        out["officer"] = one_of(std::span<const std::string>(officers));
        return out;
      } else {
        dossier.status = Status::kDone;
        what = event("có kết quả");
        fields["finished_at"] = stamp(now - dice.between(0, 1800) * kSecond);
      }
      break;
    case Status::kSupplement: {
      dossier.status = Status::kProcessing;
      what = event("đã bổ sung");
      const auto due_at = due(*dossier.procedure, now);  // counted anew
      if (due_at) fields["due_at"] = stamp(*due_at);
      break;
    }
    default:
      dossier.status = Status::kReturned;
      what = event("trả kết quả");
      fields["returned_at"] = stamp(now - dice.between(0, 600) * kSecond);
      gone = true;
  }
  fields["status"] = to_json(dossier.status);
  if (!what.contains("note") && dice.chance(kRemarked))
    what["note"] = remark(facts::kRemarks, dossier);
  return {{"op", "set"}, {"code", dossier.code}, {"fields", fields}, {"event", what}};
}

Json Traffic::Impl::change() {
  if (open.empty() || dice.chance(kNewShare)) return create(false);
  const std::size_t span = dice.chance(0.75) ? std::min(open.size(), kRecent) : open.size();
  const std::size_t index = open.size() - 1 - dice.below(span);
  Dossier& dossier = open[index];
  if (dice.chance(0.04))
    return {{"op", "note"}, {"code", dossier.code}, {"note", remark(facts::kRemarks, dossier)}};
  bool gone = false;
  Json out = step(dossier, gone);
  if (gone) open.erase(open.begin() + static_cast<std::ptrdiff_t>(index));
  return out;
}

Traffic::Traffic(const TrafficOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Traffic::~Traffic() = default;

TrafficLine Traffic::next_dossier() {
  impl_->pass(impl_->options.dossiers_per_day);
  return {impl_->create(true).dump(), impl_->now};
}

TrafficLine Traffic::next_change() {
  impl_->pass(impl_->options.changes_per_day);
  return {impl_->change().dump(), impl_->now};
}

Result<store::Operation> traffic_operation(const TrafficLine& line,
                                           std::shared_ptr<const Registry> registry,
                                           const AgencyId& ours) {
  LT_TRY(const nlohmann::json parsed, agent::parse_line(line.json));
  const agent::ParseContext context{std::move(registry), ours};
  std::string place;
  auto operation = agent::parse_operation(parsed, context, place);
  if (!operation.ok())
    return Error(operation.error().code(), place + ": " + operation.error().detail());
  return operation;
}

}  // namespace lienthong::test
