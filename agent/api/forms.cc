// Printed forms: of one dossier, and the registers of a year.
#include <memory>
#include <span>

#include "agent/api/routes.h"
#include "store/forms/form_register.h"
#include "store/forms/form_render.h"
#include "store/forms/form_values.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using store::FormDefinition;
using store::FormItem;
using store::FormPage;
using store::FormSet;

enum class Format : std::uint8_t { kJson, kText, kHtml, kCsv };

Result<Format> read_format(const httplib::Request& request) {
  if (!request.has_param("format")) return Format::kJson;
  const std::string name = request.get_param_value("format");
  if (name == "json") return Format::kJson;
  if (name == "text") return Format::kText;
  if (name == "html") return Format::kHtml;
  if (name == "csv") return Format::kCsv;
  return Error(Errc::kInvalidArgument, "format must be one of json, text, html, csv");
}

// Null: none was asked for.
Result<const FormSet*> read_set(const httplib::Request& request) {
  const FormSet* set = nullptr;
  if (!request.has_param("set")) return set;
  set = store::find_form_set(request.get_param_value("set"));
  if (set != nullptr) return set;
  std::string names;
  for (const FormSet& known : store::form_sets()) names += (names.empty() ? "" : ", ") + known.name;
  return Error(Errc::kInvalidArgument, "set must be one of " + names);
}

Result<const FormDefinition*> find_form(const FormSet& set, const std::string& number) {
  if (const FormDefinition* form = set.find(number)) return form;
  std::string list;
  for (const FormDefinition& form : set.forms)
    list += (list.empty() ? "" : ", ") + form.number + " " + std::string(to_string(form.kind));
  return Error(Errc::kNotFound,
               "no form " + number + " among those of " + set.name + ", which has " + list);
}

json items_json(const std::vector<FormItem>& items) {
  json list = json::array();
  for (const FormItem& item : items) list.push_back({{"key", item.key}, {"label", item.label}});
  return list;
}

json cell_json(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

json row_json(const std::vector<std::string>& row) {
  json cells = json::array();
  for (const std::string& cell : row) cells.push_back(cell_json(cell));
  return cells;
}

json page_json(const FormPage& page) {
  json fields = items_json(page.form.fields);
  for (std::size_t i = 0; i < page.values.size(); ++i)
    fields[i]["value"] = cell_json(page.values[i]);
  json rows = json::array();
  for (const auto& row : page.rows) rows.push_back(row_json(row));
  return {{"set", page.set},
          {"basis", page.basis},
          {"number", page.form.number},
          {"form", to_string(page.form.kind)},
          {"title", page.form.title},
          {"paper", page.form.paper},
          {"layout", to_string(page.form.layout)},
          {"fields", std::move(fields)},
          {"columns", items_json(page.form.columns)},
          {"rows", std::move(rows)},
          {"signatures", page.form.signatures},
          {"notes", page.notes}};
}

// A list of what page_json() makes, "rows" behind all else.
void put_json(const store::FormPages& pages, const TextSink& put) {
  put("[");
  for (std::size_t index = 0; index < pages.size(); ++index) {
    json page = page_json(pages.page(index));
    page.erase("rows");
    std::string head = to_text(page);
    head.back() = ',';  // the brace that ends it
    put((index != 0 ? "," : "") + head + "\"rows\":[");
    bool first = true;
    pages.for_each_row(index, [&](const std::vector<std::string>& row) {
      return put((std::exchange(first, false) ? "" : ",") + to_text(row_json(row)));
    });
    put("]}");
  }
  put("]");
}

const char* type_of(Format format) {
  switch (format) {
    case Format::kJson: return "application/json";
    case Format::kText: return "text/plain; charset=utf-8";
    case Format::kHtml: return "text/html; charset=utf-8";
    case Format::kCsv: return "text/csv; charset=utf-8";
  }
  return "";
}

void send_page(ApiCall& call, Format format, const FormPage& page) {
  const std::span<const FormPage> one(&page, 1);
  switch (format) {
    case Format::kJson: return send_json(call.response, page_json(page));
    case Format::kText: return call.response.set_content(store::render_text(one), type_of(format));
    case Format::kHtml: return call.response.set_content(store::render_html(one), type_of(format));
    case Format::kCsv: return call.response.set_content(store::render_csv(one), type_of(format));
  }
}

void put_pages(const store::FormPages& pages, Format format, const TextSink& put) {
  switch (format) {
    case Format::kJson: return put_json(pages, put);
    case Format::kText: return store::render_text(pages, put);
    case Format::kHtml: return store::render_html(pages, put);
    case Format::kCsv: return store::render_csv(pages, put);
  }
}

Result<FormPage> dossier_page(ApiCall& call) {
  const store::Replica& replica = call.api.replica();
  LT_TRY(const FormSet* set, read_set(call.request));
  LT_TRY(const RecordId record, find_one(replica, call.parameter(0)));
  LT_TRY(const store::FormSource source, store::read_form_source(replica, record));
  if (!may_read(call.api, call.caller, source.dossier.state))
    return not_inspected(source.dossier.state);
  const auto registry = replica.registry();
  store::FormContext context{*registry};
  context.now = call.api.now();
  if (set == nullptr) {
    const auto received = store::form_moment(source.dossier.values, Field::kReceivedAt);
    set = &store::form_set_at(received.value_or(context.now));
  }
  LT_TRY(const FormDefinition* form, find_form(*set, call.parameter(1)));
  store::put_work(context, replica, source.dossier.state, call.api.calendar());
  return store::fill_form(*set, *form, source, context);
}

Result<store::Registers> register_pages(ApiCall& call) {
  const httplib::Request& request = call.request;
  store::RegisterQuery query;
  LT_TRY(query.set, read_set(request));
  LT_TRY(const auto year, query_number(request, "year", store::kRegisterYearMax));
  if (!year) return Error(Errc::kInvalidArgument, "year is missing, as year=2023");
  query.year = static_cast<int>(*year);
  LT_TRY(const auto agency, query_agency(call, "agency"));
  query.agency = agency.value_or(call.api.replica().identity().agency);
  if (request.has_param("field")) query.field = request.get_param_value("field");
  if (request.has_param("procedure")) query.procedure = request.get_param_value("procedure");
  query.by_procedure = request.get_param_value("by") == "procedure";
  query.stopping = [&call] { return call.api.stopping.load(); };
  if (request.has_param("number") && query.set == nullptr) {
    // The number says which set is meant: 06 is the register of one, 07 of the other.
    for (const FormSet& set : store::form_sets()) {
      const FormDefinition* form = set.find(request.get_param_value("number"));
      if (form != nullptr && form->kind == store::FormKind::kRegister) query.set = &set;
    }
  }
  return store::Registers::collect(call.api.replica(), query);
}

}  // namespace

void get_form(ApiCall& call) {
  const auto format = read_format(call.request);
  if (!format.ok()) return send_error(call.response, format.error());
  const auto page = dossier_page(call);
  if (!page.ok()) return send_error(call.response, page.error());
  send_page(call, *format, *page);
}

void get_registers(ApiCall& call) {
  const auto format = read_format(call.request);
  if (!format.ok()) return send_error(call.response, format.error());
  auto pages = register_pages(call);
  if (!pages.ok()) return send_error(call.response, pages.error());
  const auto shared = std::make_shared<const store::Registers>(*std::move(pages));
  send_text(call, type_of(*format),
            [shared, how = *format](const TextSink& put) { put_pages(*shared, how, put); });
}

}  // namespace lienthong::agent
