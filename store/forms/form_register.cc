#include "store/forms/form_register.h"

#include <algorithm>
#include <array>

#include "protocol/record/registers.h"
#include "store/forms/form_values.h"
#include "store/office/dossier.h"
#include "store/office/find.h"
#include "store/office/reading.h"
#include "store/office/text.h"

namespace lienthong::store {
namespace {

using Values = std::map<Field, FieldValue>;
using Row = std::map<std::string, std::string>;

using Received = Registers::Received;

// Empty names stand last.
struct BookName {
  std::string name;
  bool operator<(const BookName& other) const {
    return std::pair(name.empty(), name) < std::pair(other.name.empty(), other.name);
  }
};
using Books = std::map<BookName, std::deque<Received>>;

std::string text_of(const RecordState& state, Field field) {
  return open_text(state, field).value_or(std::string());
}

std::optional<UnixMillis> received_in(const RecordState& state, const RegisterQuery& query) {
  if (state.kind != RecordKind::kDossier || state.chain.empty()) return std::nullopt;
  if (open_agency(state, Field::kIntakeAgency) != query.agency) return std::nullopt;
  const auto at = open_integer(state, Field::kReceivedAt);
  if (!at || office_year(*at) != query.year) return std::nullopt;
  if (query.field && text_of(state, Field::kFieldOfWork) != *query.field) return std::nullopt;
  if (query.procedure && text_of(state, Field::kProcedure) != *query.procedure) return std::nullopt;
  return at;
}

// Goes through the codes of those that the agency has to do with, page by page: a register of very
// many dossiers keeps twelve bytes of each.
Books collect(const Replica& replica, const RegisterQuery& query) {
  Books books;
  const bool by_procedure = query.by_procedure || query.procedure.has_value();
  const Field by = by_procedure ? Field::kProcedure : Field::kFieldOfWork;
  const auto stopping = [&query] { return query.stopping && query.stopping(); };
  Selection selection(replica, {}, 0, stopping);
  for (auto page = selection.next(); !page.empty() && !stopping(); page = selection.next())
    for (const Match& match : page) {
      const auto entry = selection.record(match);
      if (!entry) continue;
      if (const auto at = received_in(entry->state, query))
        books[{text_of(entry->state, by)}].push_back({*at, match.record});
    }
  for (auto& [name, list] : books) std::ranges::stable_sort(list, {}, &Received::at);
  return books;
}

std::string date_of(const Values& values, Field field) {
  const auto at = form_moment(values, field);
  return at ? form_date(*at) : "";
}

std::string method(const Values& values) {
  static constexpr std::array<std::string_view, 4> kNames = {"", "Trực tiếp", "Trực tuyến",
                                                             "Bưu chính công ích"};
  const auto channel = form_moment(values, Field::kChannel);
  return channel && *channel >= 1 && *channel <= 3
             ? std::string(kNames[static_cast<std::size_t>(*channel)])
             : "";
}

std::string remark(const Values& values) {
  const auto status = form_status(values);
  if (!status) return {};
  if (*status == Status::kRefused) return "Từ chối";
  if (*status == Status::kWithdrawn) return "Rút hồ sơ";
  if (*status == Status::kStopped) return "Dừng giải quyết";
  if (*status != Status::kDone && *status != Status::kReturned) return {};
  auto end = form_moment(values, Field::kFinishedAt);
  if (!end) end = form_moment(values, Field::kReturnedAt);
  return form_result(end, form_moment(values, Field::kDueAt));
}

Row row_of(const Values& values, std::size_t number, const Registry& registry) {
  std::string contact = form_value(values, Field::kApplicantAddress);
  const std::string phone = form_value(values, Field::kApplicantPhone);
  if (!contact.empty() && !phone.empty()) contact += ", ";
  const std::string index = std::to_string(number);
  return {{"index", index.size() < 2 ? "0" + index : index},
          {"code", form_value(values, Field::kCode)},
          {"content", form_content(values)},
          {"applicant_name", form_value(values, Field::kApplicantName)},
          {"applicant_contact", contact + phone},
          {"competent_agency", form_agency(values, Field::kCompetentAgency, registry)},
          {"received_at", date_of(values, Field::kReceivedAt)},
          {"due_at", date_of(values, Field::kDueAt)},
          {"returned_at", date_of(values, Field::kReturnedAt)},
          {"method", method(values)},
          {"note", remark(values)}};
}

}  // namespace

Result<Registers> Registers::collect(const Replica& replica, const RegisterQuery& query) {
  if (query.year < kRegisterYearMin || query.year > kRegisterYearMax)
    return Error(Errc::kInvalidArgument, "a register is of one year, as 2023");
  const auto first_day = parse_date(std::to_string(query.year) + "-01-01");
  const FormSet& set =
      query.set != nullptr ? *query.set : form_set_at(first_day ? midnight_of(*first_day) : 0);
  const FormDefinition* form = set.find(to_string(FormKind::kRegister));
  if (form == nullptr)
    return Error(Errc::kNotFound, "the forms of " + set.name + " have no register");
  Registers out(replica);
  for (auto& [book, list] : store::collect(replica, query)) {
    FormPage page = lay_out(set, *form,
                            {{"agency", form_agency(query.agency, *out.registry_)},
                             {"year", std::to_string(query.year)},
                             {"scope", book.name}},
                            {});
    page.notes.emplace_back("Lập từ dữ liệu có trên máy lúc in; số thứ tự theo thời gian nhận.");
    out.books_.push_back({std::move(page), std::move(list)});
  }
  return out;
}

void Registers::for_each_row(std::size_t index, const Visit& visit) const {
  const Book& book = books_[index];
  const OfficeReader reader(*replica_);
  std::size_t number = 0;
  for (const Received& item : book.list) {
    const auto entry = reader.record(item.record);
    if (!entry) continue;
    auto values = read_values(*replica_, entry->state);
    if (!takes_part(*replica_, entry->state)) withhold(values);
    Row row = row_of(values, ++number, *registry_);
    row["code"] = form_codes(row["code"], official_codes(*replica_, entry->state.record));
    if (!visit(row_cells(book.page.form, row))) return;
  }
}

}  // namespace lienthong::store
