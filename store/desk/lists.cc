// One entry of a list: components, fees, answers of a survey. The list is read, changed and written
// in one transaction, so that several who add to it at once all find their entry there.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "protocol/record/codec.h"
#include "store/desk/carry_out.h"
#include "store/text/plain.h"

namespace lienthong::store {
namespace {

using nlohmann::json;

constexpr std::size_t kItemCountMax = 500;
constexpr std::size_t kDigestDigitsMin = 8;

// What this machine has of the field; nullopt: nothing is written. kNotAllowed where what is
// written cannot be read here.
Result<std::optional<FieldValue>> value_here(const Task& task, Field field) {
  const FieldInfo* info = find_field(number_of(field));
  if (info->part == Part::kOpen) return task.current(field);
  const auto& closed = task.state().closed_fields;
  const auto at = closed.find(number_of(field));
  if (at == closed.end() || at->second.writes.empty()) return std::optional<FieldValue>();
  const auto update = task.transaction().find_update(at->second.writes.front());
  const auto body = wire::decode_closed(update ? ByteView(update->update.closed) : ByteView());
  const FieldWrite* write = body.ok() ? find_write(body->writes, field) : nullptr;
  if (write == nullptr)
    return Error(Errc::kNotAllowed, name_of(field) + " of " + task.code() +
                                        " cannot be read on this machine, so nothing is added to "
                                        "it or taken from it here; see: lienthong dossier show");
  return std::optional(write->value);
}

// ---- the three lists ----

struct Components {
  using Item = wire::Component;
  static Result<std::vector<Item>> decode(const FieldValue& value) {
    const auto* bytes = std::get_if<Bytes>(&value);
    return bytes != nullptr ? wire::decode_components(*bytes) : std::vector<Item>();
  }
  static FieldValue encode(const std::vector<Item>& items) { return wire::encode(items); }
  static std::string name(const Item& item) { return item.name; }
  static std::string digest(const Item& item) { return item.digest; }
  // A file goes to the entry of its name that still waits for one.
  static bool fills(const Item& there, const Item& fresh) {
    return !fresh.digest.empty() && there.digest.empty() && there.name == fresh.name;
  }
};
struct Fees {
  using Item = wire::Fee;
  static Result<std::vector<Item>> decode(const FieldValue& value) {
    const auto* bytes = std::get_if<Bytes>(&value);
    return bytes != nullptr ? wire::decode_fees(*bytes) : std::vector<Item>();
  }
  static FieldValue encode(const std::vector<Item>& items) { return wire::encode(items); }
  static std::string name(const Item& item) { return item.name; }
  static std::string digest(const Item&) { return {}; }
  static bool fills(const Item&, const Item&) { return false; }
};
struct Answers {
  using Item = json;
  static Result<std::vector<Item>> decode(const FieldValue& value) {
    const auto* text = std::get_if<std::string>(&value);
    const json list = json::parse(text != nullptr ? *text : "[]", nullptr, false);
    return list.is_array() ? list.get<std::vector<json>>() : std::vector<json>();
  }
  static FieldValue encode(const std::vector<Item>& items) { return json(items).dump(); }
  static std::string name(const Item& item) {
    return item.is_object() ? item.value("question", "") : "";
  }
  static std::string digest(const Item&) { return {}; }
  static bool fills(const Item&, const Item&) { return false; }
};

// The entry that `at` names: by its name, its place from 1, or the start of its file's digest.
template <class List>
Result<std::size_t> find_entry(const Task& task, Field field,
                               const std::vector<typename List::Item>& items,
                               const std::string& at) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < items.size(); ++i)
    if (folded(List::name(items[i])) == folded(at)) found.push_back(i);
  std::size_t place = 0;
  const auto [end, failed] = std::from_chars(at.data(), at.data() + at.size(), place);
  const bool number = failed == std::errc() && end == at.data() + at.size();
  if (found.empty() && number && place >= 1 && place <= items.size()) found.push_back(place - 1);
  if (found.empty() && at.size() >= kDigestDigitsMin)
    for (std::size_t i = 0; i < items.size(); ++i)
      if (List::digest(items[i]).starts_with(at)) found.push_back(i);
  if (found.size() == 1) return found.front();
  if (found.empty())
    return Error(Errc::kNotFound, name_of(field) + " of " + task.code() + " has no entry \"" + at +
                                      "\"; name it by its name or its place from 1");
  return Error(Errc::kConflict, name_of(field) + " of " + task.code() + " has several entries \"" +
                                    at + "\"; name one by its place from 1");
}

template <class List>
Result<FieldValue> changed(const Task& task, const ChangeList& what) {
  LT_TRY(const auto before, value_here(task, what.list));
  std::vector<typename List::Item> items;
  if (before) {
    LT_TRY(items, List::decode(*before));
  }
  LT_TRY(auto fresh, List::decode(what.entry));
  if (what.act != ListAct::kRemove && fresh.size() != 1)
    return Error(Errc::kInvalidArgument, name_of(what.list) + ": one entry is needed");
  if (what.act == ListAct::kAdd) {
    const auto waiting = std::ranges::find_if(
        items, [&](const auto& item) { return List::fills(item, fresh.front()); });
    if (waiting != items.end()) {
      *waiting = std::move(fresh.front());
    } else if (items.size() == kItemCountMax) {
      return Error(Errc::kTooLarge, "more than " + std::to_string(kItemCountMax) + " items");
    } else {
      items.push_back(std::move(fresh.front()));
    }
    return List::encode(items);
  }
  const std::string at = what.at.empty() && !fresh.empty() ? List::name(fresh.front()) : what.at;
  LT_TRY(const std::size_t place, find_entry<List>(task, what.list, items, at));
  if (what.act == ListAct::kReplace) {
    items[place] = std::move(fresh.front());
  } else {
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(place));
  }
  if (items.empty()) return FieldValue();
  return List::encode(items);
}

}  // namespace

Result<OperationResult> carry_out(Task& task, const ChangeList& what) {
  LT_TRY_VOID(task.require_custody("change it"));
  FieldValue value;
  if (what.list == Field::kComponents) {
    LT_TRY(value, changed<Components>(task, what));
  } else if (what.list == Field::kFees) {
    LT_TRY(value, changed<Fees>(task, what));
  } else {
    LT_TRY(value, changed<Answers>(task, what));
  }
  SetFields set{.record = what.record};
  const FieldInfo* info = find_field(number_of(what.list));
  put(info->part == Part::kOpen ? set.open : set.closed, what.list, std::move(value));
  return carry_out(task, set);
}

}  // namespace lienthong::store
