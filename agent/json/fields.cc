#include "agent/json/fields.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "agent/json/checks.h"
#include "agent/json/text_check.h"
#include "agent/json/time.h"
#include "protocol/base/limits.h"
#include "protocol/record/codec.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> kChannels = {"", "counter", "online", "postal"};
constexpr std::size_t kItemCountMax = 500;
constexpr std::size_t kDigestCharsMax = 128;

bool clears(const json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty());
}

Result<std::uint64_t> read_count(const json& value, std::uint64_t max) {
  if (!value.is_number_integer() || (!value.is_number_unsigned() && value.get<std::int64_t>() < 0))
    return Error(Errc::kInvalidArgument, "must be a whole number, not negative");
  const auto number = value.get<std::uint64_t>();
  if (number > max) return Error(Errc::kInvalidArgument, "is at most " + std::to_string(max));
  return number;
}

Result<std::string> read_one_of(const json& value, std::span<const std::string_view> names) {
  if (value.is_string())
    if (const auto word = tidy_code(value.get_ref<const std::string&>()); word.ok())
      for (const std::string_view name : names)
        if (*word == name) return std::string(name);
  std::string list;
  for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  return Error(Errc::kInvalidArgument, "must be one of " + list);
}

Result<std::string> read_one_of(const json& value, std::initializer_list<std::string_view> names) {
  return read_one_of(value, std::span(names.begin(), names.size()));
}

Result<Status> read_status(const json& value) {
  std::vector<std::string_view> names;
  for (const StatusInfo& info : all_statuses()) names.push_back(info.json);
  LT_TRY(const std::string name, read_one_of(value, names));
  return *status_from_json(name);
}

Error inside(const Error& error, std::size_t index, const std::string& name) {
  return Error(error.code(),
               "item " + std::to_string(index + 1) + ", " + name + ": " + error.detail());
}

Result<void> read_component(const std::string& name, const json& value, wire::Component& out) {
  if (name == "name") {
    LT_TRY(out.name, read_text(value));
  } else if (name == "kind") {
    LT_TRY(out.kind, read_one_of(value, {"original", "certified", "copy", "digital"}));
  } else if (name == "copies") {
    LT_TRY(const std::uint64_t copies,
           read_count(value, std::numeric_limits<std::uint32_t>::max()));
    out.copies = static_cast<std::uint32_t>(copies);
  } else if (name == "digest") {
    LT_TRY(out.digest, read_code(value));
    if (out.digest.size() > kDigestCharsMax || !from_hex(out.digest).ok())
      return Error(Errc::kInvalidArgument, "must be hexadecimal, at most 128 digits");
  } else if (name == "size") {
    LT_TRY(out.size, read_count(value, std::numeric_limits<std::int64_t>::max()));
  } else if (name == "media_type") {
    LT_TRY(out.media_type, read_text(value));
  } else {
    return Error(Errc::kInvalidArgument,
                 "unknown field; a component has name, kind, copies, digest, size and media_type");
  }
  return {};
}

Result<void> read_fee(const std::string& name, const json& value, wire::Fee& out) {
  if (name == "name") {
    LT_TRY(out.name, read_text(value));
  } else if (name == "amount") {
    LT_TRY(const std::uint64_t amount, read_count(value, std::numeric_limits<std::int64_t>::max()));
    out.amount = static_cast<std::int64_t>(amount);
  } else if (name == "paid") {
    LT_TRY(out.paid, read_one_of(value, {"online", "cash", "none"}));
  } else if (name == "paid_at") {
    LT_TRY(out.paid_at, read_time(value));
  } else if (name == "receipt") {
    LT_TRY(out.receipt, read_text(value));
  } else {
    return Error(Errc::kInvalidArgument,
                 "unknown field; a fee has name, amount, paid, paid_at and receipt");
  }
  return {};
}

template <class Item, class ReadItem>
Result<FieldValue> read_list(const json& value, const ReadItem& read_item) {
  if (!value.is_array()) return Error(Errc::kInvalidArgument, "must be a list");
  if (value.size() > kItemCountMax)
    return Error(Errc::kTooLarge, "more than " + std::to_string(kItemCountMax) + " items");
  std::vector<Item> items;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!value[i].is_object())
      return Error(Errc::kInvalidArgument, "item " + std::to_string(i + 1) + " must be an object");
    Item item;
    for (const auto& [name, inner] : value[i].items()) {
      if (clears(inner)) continue;
      if (auto read = read_item(name, inner, item); !read.ok())
        return inside(read.error(), i, name);
    }
    if (!check_name(item.name).ok())
      return Error(Errc::kInvalidArgument, "item " + std::to_string(i + 1) + " needs a name");
    items.push_back(std::move(item));
  }
  return FieldValue(wire::encode(items));
}

json components_json(const Bytes& bytes) {
  const auto items = wire::decode_components(bytes);
  if (!items.ok()) return nullptr;
  json list = json::array();
  for (const wire::Component& item : *items) {
    json out = {{"name", item.name}};
    if (!item.kind.empty()) out["kind"] = item.kind;
    if (item.copies != 0) out["copies"] = item.copies;
    if (!item.digest.empty()) out["digest"] = item.digest;
    if (item.size != 0) out["size"] = item.size;
    if (!item.media_type.empty()) out["media_type"] = item.media_type;
    list.push_back(std::move(out));
  }
  return list;
}

json fees_json(const Bytes& bytes) {
  const auto items = wire::decode_fees(bytes);
  if (!items.ok()) return nullptr;
  json list = json::array();
  for (const wire::Fee& item : *items) {
    json out = {{"name", item.name}, {"amount", item.amount}};
    if (!item.paid.empty()) out["paid"] = item.paid;
    if (item.paid_at != 0) out["paid_at"] = format_time(item.paid_at);
    if (!item.receipt.empty()) out["receipt"] = item.receipt;
    list.push_back(std::move(out));
  }
  return list;
}

json integer_json(FieldType type, std::int64_t number) {
  if (type == FieldType::kInstant) return format_time(number);
  if (type == FieldType::kInteger) return number;
  if (type == FieldType::kStatus) {
    const auto status = status_from_number(number);
    return status ? json(to_json(*status)) : json(nullptr);
  }
  if (type == FieldType::kChannel && number >= 1 && number <= 3)
    return kChannels[static_cast<std::size_t>(number)];
  return nullptr;
}

}  // namespace

Result<std::string> read_text(const json& value) {
  if (!value.is_string()) return Error(Errc::kInvalidArgument, "must be a string");
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() > kTextBytesMax)
    return Error(Errc::kTooLarge, "has " + std::to_string(text.size()) + " bytes, at most " +
                                      std::to_string(kTextBytesMax) + " are taken");
  return tidy_text(text);
}

Result<std::string> read_code(const json& value) {
  LT_TRY(const std::string text, read_text(value));
  return tidy_code(text);
}

namespace {

// Its texts are read as any text is.
Result<void> tidy_texts(json& value) {
  if (value.is_string()) {
    LT_TRY(value, read_text(value));
  } else if (value.is_structured()) {
    for (json& inner : value) LT_TRY_VOID(tidy_texts(inner));
  }
  return {};
}

}  // namespace

Result<FieldValue> read_json_text(json value) {
  if (!value.is_array() && !value.is_object())
    return Error(Errc::kInvalidArgument, "must be a list or an object");
  LT_TRY_VOID(tidy_texts(value));
  LT_TRY(std::string text, read_text(json(value.dump())));
  return FieldValue(std::move(text));
}

Result<UnixMillis> read_time(const json& value, DateAlone alone) {
  if (!value.is_string())
    return Error(Errc::kInvalidArgument,
                 "must be a date or moment in quotes, such as "
                 "\"2023-04-01T09:33:56+07:00\" (RFC 3339) or "
                 "\"31/12/2024 08:30\"");
  return read_moment(value.get_ref<const std::string&>(), alone);
}

Result<AgencyId> read_agency(const json& value, const Registry& registry) {
  if (!value.is_string()) return Error(Errc::kInvalidArgument, "must be the code of an agency");
  LT_TRY(const std::string code, read_code(value));
  auto info = registry.agency_named(code);
  if (!info.ok() && info.error().code() == Errc::kUnknownAgency) {
    // Codes are written large; who types them small means the same.
    std::string large = code;
    std::ranges::transform(large.begin(), std::ranges::find(large, '~'), large.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    });
    if (const auto meant = registry.agency_named(large); meant.ok()) return (*meant)->id;
  }
  if (!info.ok()) return info.error();
  return (*info)->id;
}

Result<FieldValue> read_field(const FieldInfo& info, const json& value, const Registry& registry) {
  if (clears(value)) return FieldValue();
  LT_TRY_VOID(check_value(info, value));
  switch (info.type) {
    case FieldType::kText: {
      const bool is_code = info.field == Field::kCode || info.field == Field::kProcedure ||
                           info.field == Field::kResultDigest;
      LT_TRY(std::string text, is_code ? read_code(value) : read_text(value));
      if (text.empty()) return FieldValue();  // nothing that anybody sees
      return FieldValue(std::move(text));
    }
    case FieldType::kInstant: {
      // A day that is a date due is kept until its desk closes.
      LT_TRY(const UnixMillis time,
             read_time(value, info.field == Field::kDueAt ? DateAlone::kDeskCloses
                                                          : DateAlone::kDayBegins));
      return FieldValue(time);
    }
    case FieldType::kInteger: {
      LT_TRY(const std::uint64_t number,
             read_count(value, std::numeric_limits<std::int64_t>::max()));
      return FieldValue(static_cast<std::int64_t>(number));
    }
    case FieldType::kStatus: {
      LT_TRY(const Status status, read_status(value));
      return FieldValue(static_cast<std::int64_t>(status));
    }
    case FieldType::kChannel: {
      LT_TRY(const std::string name, read_one_of(value, {"counter", "online", "postal"}));
      return FieldValue(
          static_cast<std::int64_t>(std::ranges::find(kChannels, name) - kChannels.begin()));
    }
    case FieldType::kAgency: {
      LT_TRY(const AgencyId agency, read_agency(value, registry));
      return FieldValue(to_bytes(agency.view()));
    }
    case FieldType::kComponents: return read_list<wire::Component>(value, read_component);
    case FieldType::kFees: return read_list<wire::Fee>(value, read_fee);
    case FieldType::kRecord: {
      auto bytes = value.is_string() ? from_hex(value.get_ref<const std::string&>())
                                     : Result<Bytes>(Error(Errc::kMalformed, ""));
      if (!bytes.ok() || bytes->size() != RecordId::kSize)
        return Error(Errc::kInvalidArgument, "must be the id of a record, 64 hexadecimal digits");
      return FieldValue(*std::move(bytes));
    }
    case FieldType::kJson: return read_json_text(value);
  }
  return Error(Errc::kInvalidArgument, "cannot be written");
}

json write_field(const FieldInfo& info, const FieldValue& value, const Registry& registry) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (info.type == FieldType::kText) return *text;
    if (info.type != FieldType::kJson) return nullptr;
    const json parsed = json::parse(*text, nullptr, false);
    return parsed.is_discarded() ? json(nullptr) : parsed;
  }
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return integer_json(info.type, *number);
  if (const auto* bytes = std::get_if<Bytes>(&value)) {
    if (info.type == FieldType::kAgency && bytes->size() == AgencyId::kSize)
      return agency_json(AgencyId::from(*bytes), registry);
    if (info.type == FieldType::kRecord) return to_hex(*bytes);
    if (info.type == FieldType::kComponents) return components_json(*bytes);
    if (info.type == FieldType::kFees) return fees_json(*bytes);
  }
  return nullptr;
}

std::string agency_code(const AgencyId& agency, const Registry& registry) {
  const AgencyInfo* info = registry.find_agency(agency);
  if (info == nullptr) return agency.short_hex();
  // What is dissolved keeps the code that it had.
  if (registry.dissolved(agency, registry.newest())) return info->code;
  if (registry.find_agency_by_code(info->code) == info) return info->code;
  return info->code + "~" + agency.short_hex();
}

json agency_json(const AgencyId& agency, const Registry& registry) {
  if (agency.is_zero()) return nullptr;
  return agency_code(agency, registry);
}

}  // namespace lienthong::agent
