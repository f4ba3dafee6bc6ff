// Rows of the control slip (Phiếu kiểm soát): every handing over, from the custody chain, and the
// forwards inside an agency, from the timeline.
#include <algorithm>

#include "store/forms/form_values.h"
#include "store/office/text.h"

namespace lienthong::store {
namespace {

using Row = std::map<std::string, std::string>;

const TimelineEntry* entry_of(const Dossier& dossier, const UpdateId& id) {
  const auto at = std::ranges::find(dossier.timeline, id, &TimelineEntry::id);
  return at != dossier.timeline.end() ? &*at : nullptr;
}

void add_text(std::string& text, std::string_view more) {
  if (more.empty()) return;
  if (!text.empty()) text += "; ";
  text += more;
}

// Names of what proves the two sides: the update, and the seal over it once it has one. Where it
// was written on another day than the one that it tells, that day too.
std::string evidence(std::string_view side, const CustodyEntry& entry) {
  std::string text = std::string(side) + " " + entry.link.id.hex().substr(0, 12);
  text +=
      entry.seal ? ", niêm phong " + entry.seal->hex().substr(0, 12) : std::string(", chưa niêm");
  const UnixMillis written = entry.link.hlc.millis();
  if (day_at(written) != day_at(entry.at)) text += ", ghi ngày " + form_date(written);
  if (entry.came_at != 0) text += ", giờ nghi sai, đến lúc " + form_time(entry.came_at);
  return text;
}

Row given_row(const FormSource& source, const CustodyEntry& offer, const FormContext& context) {
  Row row;
  row["giver"] = form_agency(offer.link.by, context.registry);
  row["taker"] = form_agency(offer.link.to, context.registry);
  row["given_at"] = form_time(offer.at);
  row["evidence"] = evidence("giao", offer);
  if (offer.link.urgent) add_text(row["note"], "khẩn");
  if (const TimelineEntry* entry = entry_of(source.dossier, offer.link.id)) {
    row["giver_officer"] = entry->officer;
    add_text(row["note"], entry->note);
  }
  const auto due = context.step_due.find(offer.link.id);
  if (due != context.step_due.end()) row["result"] = form_result(offer.at, due->second);
  return row;
}

// What the answer to an offer adds to its row.
void put_answer(Row& row, const FormSource& source, const CustodyEntry& answer,
                const FormContext& context) {
  add_text(row["evidence"], evidence("nhận", answer));
  const TimelineEntry* entry = entry_of(source.dossier, answer.link.id);
  if (answer.link.kind == UpdateKind::kAccept) {
    row["taken_at"] = form_time(answer.at);
    if (entry != nullptr) row["taker_officer"] = entry->officer;
  } else if (answer.link.kind == UpdateKind::kDecline) {
    add_text(row["note"], "từ chối nhận, trả lại " + form_time(answer.at));
    if (entry != nullptr) row["taker_officer"] = entry->officer;
  } else {
    add_text(row["note"],
             form_agency(answer.link.by, context.registry) + " lấy lại " + form_time(answer.at));
  }
  if (entry != nullptr) add_text(row["note"], entry->note);
}

// A dossier that goes to another unit of the same agency. One-sided: nobody signs for taking it.
std::optional<Row> forwarded_row(const TimelineEntry& entry, const std::string& unit_before,
                                 const FormContext& context) {
  if (entry.kind != UpdateKind::kSet || entry.unit.empty() || entry.unit == unit_before)
    return std::nullopt;
  const std::string agency = form_agency(entry.agency, context.registry);
  Row row;
  row["giver"] = unit_before.empty() ? agency : agency + ", " + unit_before;
  row["taker"] = agency + ", " + entry.unit;
  row["given_at"] = form_time(entry.at);
  row["giver_officer"] = entry.officer;
  row["note"] = entry.note;
  add_text(row["note"], "chuyển trong cơ quan");
  row["evidence"] = "giao " + entry.id.hex().substr(0, 12);
  return row;
}

}  // namespace

std::vector<Row> control_rows(const FormSource& source, const FormContext& context) {
  std::vector<Row> rows;
  std::string unit;
  std::size_t open_offer = SIZE_MAX;  // place of its row
  const auto& custody = source.dossier.custody;
  const auto add = [&rows](Row row) {
    row["index"] = std::to_string(rows.size() + 1);
    rows.push_back(std::move(row));
  };
  for (const TimelineEntry& entry : source.dossier.timeline) {
    const auto link = std::ranges::find(
        custody, entry.id, [](const CustodyEntry& candidate) { return candidate.link.id; });
    if (link == custody.end()) {
      if (auto row = forwarded_row(entry, unit, context)) add(*std::move(row));
      if (!entry.unit.empty()) unit = entry.unit;
      continue;
    }
    if (link->link.kind == UpdateKind::kCreated) {
      unit = entry.unit;
    } else if (link->link.kind == UpdateKind::kOffer) {
      open_offer = rows.size();
      add(given_row(source, *link, context));
    } else if (link->link.kind == UpdateKind::kSucceed) {
      Row row;
      row["giver"] = form_agency(link->link.to, context.registry);
      row["taker"] = form_agency(link->link.by, context.registry);
      row["taken_at"] = form_time(link->at);
      row["taker_officer"] = entry.officer;
      row["note"] = "tiếp nhận theo sắp xếp đơn vị";
      row["evidence"] = evidence("nhận", *link);
      add(std::move(row));
    } else if (open_offer < rows.size()) {
      put_answer(rows[open_offer], source, *link, context);
      if (link->link.kind == UpdateKind::kAccept) unit.clear();
      open_offer = SIZE_MAX;
    }
  }
  if (open_offer < rows.size()) add_text(rows[open_offer]["note"], "đã giao, chưa nhận");
  return rows;
}

}  // namespace lienthong::store
