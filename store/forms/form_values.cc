#include "store/forms/form_values.h"

#include <algorithm>

#include "protocol/record/codec.h"
#include "protocol/record/registers.h"
#include "store/office/text.h"

namespace lienthong::store {
namespace {

using Values = std::map<Field, FieldValue>;
using Texts = std::map<std::string, std::string>;

std::string joined(std::string left, std::string_view mark, std::string_view right) {
  if (left.empty()) return std::string(right);
  if (right.empty()) return left;
  return left + std::string(mark) + std::string(right);
}

std::string kind_name(std::string_view kind) {
  if (kind == "original") return "Bản chính";
  if (kind == "certified") return "Bản sao chứng thực";
  if (kind == "copy") return "Bản sao";
  return kind == "digital" ? "Bản điện tử" : "";
}

std::vector<Texts> component_rows(const Values& values) {
  std::vector<Texts> rows;
  const auto at = values.find(Field::kComponents);
  const auto* bytes = at != values.end() ? std::get_if<Bytes>(&at->second) : nullptr;
  if (bytes == nullptr) return rows;
  const auto list = wire::decode_components(*bytes);
  if (!list.ok()) return rows;
  for (const wire::Component& item : *list) {
    rows.push_back({{"index", std::to_string(rows.size() + 1)},
                    {"name", item.name},
                    {"kind", kind_name(item.kind)},
                    {"copies", item.copies != 0 ? std::to_string(item.copies) : ""},
                    {"digest", item.digest.substr(0, 12)}});
  }
  return rows;
}

std::string fee_text(const wire::Fee& fee) {
  std::string text = fee.name + ": " + form_money(fee.amount);
  std::string paid;
  if (fee.paid == "online") paid = "đã nộp trực tuyến";
  if (fee.paid == "cash") paid = "đã nộp tiền mặt";
  if (fee.paid == "none") paid = "chưa nộp";
  if (fee.paid_at != 0) paid = joined(std::move(paid), " ", form_time(fee.paid_at));
  if (!fee.receipt.empty()) paid = joined(std::move(paid), ", biên lai ", fee.receipt);
  return paid.empty() ? text : text + " (" + paid + ")";
}

std::string fees_text(const Values& values) {
  const auto at = values.find(Field::kFees);
  const auto* bytes = at != values.end() ? std::get_if<Bytes>(&at->second) : nullptr;
  if (bytes == nullptr) return {};
  const auto list = wire::decode_fees(*bytes);
  std::string text;
  if (list.ok())
    for (const wire::Fee& fee : *list) text = joined(std::move(text), "; ", fee_text(fee));
  return text;
}

std::string long_moment(const Values& values, Field field) {
  const auto time = form_moment(values, field);
  return time ? form_long_time(*time) : "";
}

}  // namespace

std::string form_codes(std::string code, std::span<const OfficialCode> others) {
  std::string list;
  for (const OfficialCode& other : others) list = joined(std::move(list), ", ", other.code);
  return list.empty() ? std::move(code) : code + " (" + list + ")";
}

namespace {

// What every form says of the dossier and of who brought it.
Texts common_texts(const FormSource& source, const FormContext& context) {
  const Values& values = source.dossier.values;
  std::vector<OfficialCode> codes;
  for (const OfficialCodeEntry& code : source.dossier.official_codes)
    codes.push_back({code.code, code.system});
  Texts out;
  out["code"] = form_codes(form_value(values, Field::kCode), codes);
  out["agency"] = form_agency(values, Field::kIntakeAgency, context.registry);
  out["competent_agency"] = form_agency(values, Field::kCompetentAgency, context.registry);
  out["content"] = form_content(values);
  out["applicant_name"] = form_value(values, Field::kApplicantName);
  out["applicant_address"] = form_value(values, Field::kApplicantAddress);
  out["applicant_phone"] = form_value(values, Field::kApplicantPhone);
  out["applicant_email"] = form_value(values, Field::kApplicantEmail);
  out["applicant_id_number"] = form_value(values, Field::kApplicantIdNumber);
  out["received_at"] = long_moment(values, Field::kReceivedAt);
  out["due_at"] =
      context.appointments.empty() ? long_moment(values, Field::kDueAt) : context.appointments;
  out["time_limit"] = context.time_limit;
  out["fees"] = fees_text(values);
  return out;
}

void put_receipt(Texts& out, const FormSource& source) {
  if (!source.changes.empty() && source.changes.front().entry.kind == UpdateKind::kCreated)
    out["officer"] = source.changes.front().entry.officer;
  if (out["officer"].empty()) out["officer"] = form_value(source.dossier.values, Field::kOfficer);
}

void put_change(Texts& out, const FormChange& change, const FormContext& context) {
  out["reason"] = change.entry.note;
  out["officer"] = change.entry.officer;
  out["at"] = form_long_time(change.entry.at);
  out["agency"] = form_agency(change.entry.agency, context.registry);
}

const FormChange* last_with(const FormSource& source, Status status) {
  const auto at =
      std::find_if(source.changes.rbegin(), source.changes.rend(),
                   [status](const FormChange& change) { return change.status == status; });
  return at != source.changes.rend() ? &*at : nullptr;
}

void put_apology(Texts& out, const FormSource& source, const FormChange& apology) {
  std::optional<UnixMillis> before;
  for (const FormChange& change : source.changes) {
    if (&change == &apology) break;
    if (change.due_at) before = change.due_at;
  }
  out["old_due_at"] = before ? form_long_time(*before) : "";
  out["new_due_at"] = apology.due_at ? form_long_time(*apology.due_at) : "";
}

std::string cooperating(const FormSource& source, const FormContext& context) {
  const auto at = source.dossier.values.find(Field::kCompetentAgency);
  const auto* competent =
      at != source.dossier.values.end() ? std::get_if<Bytes>(&at->second) : nullptr;
  std::vector<AgencyId> seen;
  std::string text;
  const auto add = [&](const AgencyId& agency) {
    if (agency.is_zero() || std::ranges::find(seen, agency) != seen.end()) return;
    seen.push_back(agency);
    if (competent != nullptr && to_bytes(agency.view()) == *competent) return;
    text = joined(std::move(text), "; ", form_agency(agency, context.registry));
  };
  seen.push_back(source.dossier.state.origin);
  for (const CustodyEntry& entry : source.dossier.custody) {
    add(entry.link.by);
    if (entry.link.kind == UpdateKind::kOffer) add(entry.link.to);
  }
  for (const TimelineEntry& entry : source.dossier.timeline)
    if (entry.kind == UpdateKind::kConsult) add(entry.to);
  return text;
}

void put_control(Texts& out, const FormSource& source, const FormContext& context) {
  out["cooperating"] = cooperating(source, context);
  out["holder"] = form_agency(source.dossier.state.holder, context.registry);
  if (!source.dossier.state.offered.is_zero())
    out["holder"] += ", đã giao cho " +
                     form_agency(source.dossier.state.offered, context.registry) + ", chưa nhận";
  const auto end = form_end(source);
  if (end) out["ended_at"] = form_long_time(*end);
  out["result"] = form_result(end, form_moment(source.dossier.values, Field::kDueAt));
}

Error nothing_to_print(const FormSource& source, const FormDefinition& form,
                       std::string_view what) {
  return Error(Errc::kNotFound, "form " + form.number + " (" + std::string(to_string(form.kind)) +
                                    ") of " + source.dossier.code() +
                                    " has nothing to say: " + std::string(what));
}

// The change that the form is about; null: there was none.
const FormChange* subject(FormKind kind, const FormSource& source) {
  switch (kind) {
    case FormKind::kSupplement: return last_with(source, Status::kSupplement);
    case FormKind::kRefusal: return last_with(source, Status::kRefused);
    case FormKind::kStop: return last_with(source, Status::kStopped);
    case FormKind::kApology: {
      const auto at = std::find_if(source.changes.rbegin(), source.changes.rend(),
                                   [](const FormChange& change) { return change.reappointed; });
      return at != source.changes.rend() ? &*at : nullptr;
    }
    case FormKind::kReceipt:
    case FormKind::kControl:
    case FormKind::kRegister: break;
  }
  return nullptr;
}

std::string_view missing_subject(FormKind kind) {
  switch (kind) {
    case FormKind::kSupplement: return "no supplement was asked for";
    case FormKind::kRefusal: return "it was not refused";
    case FormKind::kStop: return "it was not stopped";
    default: return "no apology was made";
  }
}

}  // namespace

// ---- single values ----

std::string form_value(const Values& values, Field field) {
  const auto at = values.find(field);
  const auto* text = at != values.end() ? std::get_if<std::string>(&at->second) : nullptr;
  return text != nullptr ? *text : std::string();
}

std::optional<UnixMillis> form_moment(const Values& values, Field field) {
  const auto at = values.find(field);
  const auto* number = at != values.end() ? std::get_if<std::int64_t>(&at->second) : nullptr;
  return number != nullptr ? std::optional(*number) : std::nullopt;
}

std::optional<Status> form_status(const Values& values) {
  const auto number = form_moment(values, Field::kStatus);
  return number ? status_from_number(*number) : std::nullopt;
}

std::string form_agency(const AgencyId& agency, const Registry& registry) {
  if (agency.is_zero()) return {};
  const AgencyInfo* info = registry.find_agency(agency);
  return info != nullptr ? info->name + " (" + info->code + ")" : agency.short_hex();
}

std::string form_agency(const Values& values, Field field, const Registry& registry) {
  const auto at = values.find(field);
  const auto* bytes = at != values.end() ? std::get_if<Bytes>(&at->second) : nullptr;
  if (bytes == nullptr || bytes->size() != AgencyId::kSize) return {};
  return form_agency(AgencyId::from(*bytes), registry);
}

std::string form_content(const Values& values) {
  std::string text = form_value(values, Field::kProcedureName);
  const std::string code = form_value(values, Field::kProcedure);
  if (!code.empty()) text += text.empty() ? code : " (" + code + ")";
  return joined(std::move(text), ": ", form_value(values, Field::kSummary));
}

std::string form_result(std::optional<UnixMillis> end, std::optional<UnixMillis> due) {
  if (!end || !due) return {};
  switch (punctuality(*end, due)) {
    case Punctuality::kEarly: return "Trước hạn";
    case Punctuality::kOnTime: return "Đúng hạn";
    case Punctuality::kLate: return "Quá hạn";
  }
  return {};
}

std::optional<UnixMillis> form_end(const FormSource& source) {
  const Values& values = source.dossier.values;
  const auto status = form_status(values);
  if (!status) return std::nullopt;
  switch (*status) {
    case Status::kDone: return form_moment(values, Field::kFinishedAt);
    case Status::kReturned: {
      const auto finished = form_moment(values, Field::kFinishedAt);
      return finished ? finished : form_moment(values, Field::kReturnedAt);
    }
    case Status::kRefused:
    case Status::kWithdrawn:
    case Status::kStopped: {
      const FormChange* change = last_with(source, *status);
      return change != nullptr ? std::optional(change->entry.at) : std::nullopt;
    }
    default: return std::nullopt;
  }
}

// ---- pages ----

Result<FormSource> read_form_source(const Replica& replica, const RecordId& id) {
  FormSource source;
  LT_TRY(source.dossier, read_dossier(replica, id));
  for (const TimelineEntry& entry : source.dossier.timeline) {
    FormChange change;
    change.entry = entry;
    if (entry.kind == UpdateKind::kCreated || entry.kind == UpdateKind::kSet ||
        entry.kind == UpdateKind::kAdopt) {
      if (const auto stored = replica.find_update(entry.id)) {
        change.status = written_status(stored->open.writes);
        change.due_at = written_integer(stored->open.writes, Field::kDueAt);
        change.reappointed =
            written_integer(stored->open.writes, Field::kReappointedAt).has_value();
      }
    }
    source.changes.push_back(std::move(change));
  }
  return source;
}

std::vector<std::pair<UnixMillis, UnixMillis>> moved_dates(const FormSource& source) {
  std::vector<std::pair<UnixMillis, UnixMillis>> out;
  std::optional<UnixMillis> before;
  for (const FormChange& change : source.changes) {
    if (!change.due_at) continue;
    if (before && *before != *change.due_at) out.emplace_back(*before, *change.due_at);
    before = change.due_at;
  }
  return out;
}

namespace {

std::string look_up(const Texts& texts, const std::string& key) {
  const auto at = texts.find(key);
  return at != texts.end() ? at->second : std::string();
}

}  // namespace

std::vector<std::string> row_cells(const FormDefinition& form, const Texts& row) {
  std::vector<std::string> cells;
  for (const FormItem& column : form.columns) cells.push_back(look_up(row, column.key));
  return cells;
}

FormPage lay_out(const FormSet& set, const FormDefinition& form, const Texts& values,
                 const std::vector<Texts>& rows) {
  FormPage page;
  page.set = set.name;
  page.basis = set.basis;
  page.form = form;
  for (const FormItem& field : form.fields) page.values.push_back(look_up(values, field.key));
  for (const Texts& row : rows) page.rows.push_back(row_cells(form, row));
  if (form.layout == FormLayout::kSecondary)
    page.notes.emplace_back("Bố cục mẫu này lấy từ nguồn thứ cấp, cần đối chiếu với " + set.basis +
                            ".");
  return page;
}

Result<FormPage> fill_form(const FormSet& set, const FormDefinition& form, const FormSource& source,
                           const FormContext& context) {
  Texts texts = common_texts(source, context);
  std::vector<Texts> rows;
  if (form.kind == FormKind::kRegister)
    return Error(Errc::kInvalidArgument, "form " + form.number +
                                             " is a register of many dossiers: ask for it with a "
                                             "year and without a code");
  if (form.kind == FormKind::kReceipt) {
    put_receipt(texts, source);
    rows = component_rows(source.dossier.values);
  } else if (form.kind == FormKind::kControl) {
    put_control(texts, source, context);
    rows = control_rows(source, context);
  } else {
    const FormChange* change = subject(form.kind, source);
    if (change == nullptr) return nothing_to_print(source, form, missing_subject(form.kind));
    put_change(texts, *change, context);
    if (form.kind == FormKind::kApology) put_apology(texts, source, *change);
  }
  FormPage page = lay_out(set, form, texts, rows);
  if (!source.dossier.missing_closed.empty())
    page.notes.emplace_back("Phần kín của hồ sơ không có trên máy này, chỗ thiếu để trống.");
  return page;
}

}  // namespace lienthong::store
