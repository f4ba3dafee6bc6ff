#include "agent/json/portal.h"

#include <nlohmann/json.hpp>

#include "agent/json/fields.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using store::portal_time;
using Values = std::map<Field, FieldValue>;

void put_text(json& out, const char* name, const std::string& text) {
  if (!text.empty()) out[name] = text;
}

void put_time(json& out, const char* name, const Values& values, Field field) {
  if (const auto time = store::form_moment(values, field)) out[name] = portal_time(*time);
}

json field_json(const Values& values, Field field, const Registry& registry) {
  const auto at = values.find(field);
  if (at == values.end()) return nullptr;
  return write_field(*find_field(static_cast<std::uint16_t>(field)), at->second, registry);
}

void put_list(json& out, const char* name, json list) {
  if (list.is_array() && !list.empty()) out[name] = std::move(list);
}

json appointments(const store::FormSource& source) {
  json list = json::array();
  for (const auto& [before, after] : store::moved_dates(source))
    list.push_back(
        {{"NgayHenTraTruoc", portal_time(before)}, {"NgayHenTraMoi", portal_time(after)}});
  return list;
}

json results(const Values& values, const Registry& registry) {
  json result = json::object();
  for (const Field field :
       {Field::kResultNumber, Field::kResultSignedAt, Field::kResultKind, Field::kResultDigest}) {
    json value = field_json(values, field, registry);
    const std::string name(find_field(static_cast<std::uint16_t>(field))->json.substr(7));
    if (!value.is_null()) result[name] = std::move(value);
  }
  return result.empty() ? json::array() : json::array({std::move(result)});
}

}  // namespace

json portal_json(const store::FormSource& source, const Registry& registry, store::SyncState sync) {
  const Values& values = source.dossier.values;
  json out = json::object();
  put_text(out, "MaHoSo", store::form_value(values, Field::kCode));
  put_text(out, "MaTTHC", store::form_value(values, Field::kProcedure));
  put_text(out, "TenTTHC", store::form_value(values, Field::kProcedureName));
  put_text(out, "ChuHoSo", store::form_value(values, Field::kApplicantName));
  put_text(out, "TrichYeu", store::form_value(values, Field::kSummary));
  if (const auto channel = store::form_moment(values, Field::kChannel))
    out["KenhThucHien"] = *channel;  // ours are the portal's: 1 counter, 2 online, 3 postal
  put_time(out, "NgayTiepNhan", values, Field::kReceivedAt);
  put_time(out, "NgayHenTra", values, Field::kDueAt);
  put_time(out, "NgayKetThucXuLy", values, Field::kFinishedAt);
  put_time(out, "NgayTra", values, Field::kReturnedAt);
  if (const auto status = store::form_status(values)) out["TrangThaiHoSo"] = portal_code(*status);
  if (const json agency = field_json(values, Field::kCompetentAgency, registry); agency.is_string())
    out["DonViXuLy"] = agency;
  put_list(out, "TaiLieuNop", field_json(values, Field::kComponents, registry));
  put_list(out, "DanhSachLePhi", field_json(values, Field::kFees, registry));
  put_list(out, "DanhSachHoSoBoSung", appointments(source));
  put_list(out, "DanhSachGiayToKetQua", results(values, registry));
  out["sync_state"] = to_string(sync);
  return out;
}

}  // namespace lienthong::agent
