#include "protocol/wire/columns_body.h"

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/record/fields.h"

// Cap'n Proto's encoding: https://capnproto.org/encoding.html. Words are 8 bytes, little-endian.
namespace lienthong::wire {
namespace {

constexpr std::uint64_t kEmptyStruct = 0xffff'fffcU;  // zero size, offset -1
constexpr unsigned kOfBytes = 2, kOfU16 = 3, kOfPointers = 6, kComposite = 7;  // element sizes

// ---- writing ----

class Words {
 public:
  // Room for `count` words of zeros; the place of the first.
  std::size_t add(std::size_t count) {
    const std::size_t at = out_.size() / 8;
    out_.resize(out_.size() + count * 8);
    return at;
  }
  void set(std::size_t at, std::uint64_t value) {
    for (unsigned i = 0; i < 8; ++i) out_[at * 8 + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  void point_struct(std::size_t at, std::size_t target, std::uint64_t data,
                    std::uint64_t pointers) {
    set(at, data + pointers == 0 ? kEmptyStruct : offset(at, target) | data << 32 | pointers << 48);
  }
  void point_list(std::size_t at, std::size_t target, std::uint64_t element, std::uint64_t count) {
    set(at, offset(at, target) | 1 | element << 32 | count << 35);
  }
  void data(std::size_t at, ByteView bytes, bool is_text) {
    const std::size_t size = bytes.size() + (is_text ? 1 : 0);
    const std::size_t target = add((size + 7) / 8);
    if (!bytes.empty()) std::memcpy(out_.data() + target * 8, bytes.data(), bytes.size());
    point_list(at, target, kOfBytes, size);
  }
  // A list of `count` structures: the place of the first.
  std::size_t structs(std::size_t at, std::uint64_t count, std::uint64_t data,
                      std::uint64_t pointers) {
    const std::size_t tag = add(1 + count * (data + pointers));
    point_list(at, tag, kComposite, count * (data + pointers));
    set(tag, count << 2 | data << 32 | pointers << 48);
    return tag + 1;
  }
  void reserve(std::size_t bytes) { out_.reserve(bytes); }
  Bytes take() { return std::move(out_); }

 private:
  static std::uint64_t offset(std::size_t at, std::size_t target) {
    return static_cast<std::uint64_t>(target - at - 1) << 2;
  }
  Bytes out_;
};

struct ItemLayout {
  std::array<unsigned, 2> numbers;  // word of each number
  unsigned text_count;
};
constexpr ItemLayout kComponentLayout{{0, 1}, 4};
constexpr ItemLayout kFeeLayout{{0, 1}, 3};
// Texts that are written even when they are empty.
constexpr std::array<bool, 4> kComponentAlways{true, true, false, false};
constexpr std::array<bool, 4> kFeeAlways{true, true, false, false};

Bytes rebuild_list(std::span<const Item> items, bool components) {
  const ItemLayout& layout = components ? kComponentLayout : kFeeLayout;
  const auto& always = components ? kComponentAlways : kFeeAlways;
  std::uint64_t data = 0, pointers = 0;
  for (const Item& item : items) {
    for (unsigned i = 0; i < 2; ++i)
      if (item.numbers[i] != 0) data = std::max<std::uint64_t>(data, layout.numbers[i] + 1);
    for (unsigned i = 0; i < layout.text_count; ++i)
      if (always[i] || !item.texts[i].empty()) pointers = std::max<std::uint64_t>(pointers, i + 1);
  }
  Words out;
  const std::size_t root = out.add(2);
  out.point_struct(root, root + 1, 0, 1);
  const std::size_t first = out.structs(root + 1, items.size(), data, pointers);
  for (std::size_t k = 0; k < items.size(); ++k)
    for (unsigned i = 0; i < 2; ++i)
      if (items[k].numbers[i] != 0)
        out.set(first + k * (data + pointers) + layout.numbers[i], items[k].numbers[i]);
  for (std::size_t k = 0; k < items.size(); ++k)
    for (unsigned i = 0; i < layout.text_count; ++i)
      if (always[i] || !items[k].texts[i].empty())
        out.data(first + k * (data + pointers) + data + i, items[k].texts[i], true);
  return out.take();
}

bool is_pointer(SlotType type) {
  return type == SlotType::kText || type == SlotType::kData || type == SlotType::kAgency ||
         type == SlotType::kComponents || type == SlotType::kFees;
}

// Slots of FieldWrites come first; `count` of them.
void write_fields(Words& out, std::size_t at, std::span<const Slot> slots,
                  std::span<const Value> values, std::span<const Item> items) {
  std::uint64_t data = 0, pointers = 0;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const bool number = slots[i].type == SlotType::kInteger || slots[i].type == SlotType::kTime;
    if (number && values[i].number != 0) data = 2;
    if (slots[i].field != 0 || slots[i].type != SlotType::kCleared)
      data = std::max<std::uint64_t>(data, 1);
    if (is_pointer(slots[i].type)) pointers = 1;
  }
  const std::size_t first = out.structs(at, slots.size(), data, pointers);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    std::uint64_t which = 3;
    if (slots[i].type == SlotType::kCleared) which = 0;
    if (slots[i].type == SlotType::kText) which = 1;
    if (slots[i].type == SlotType::kInteger || slots[i].type == SlotType::kTime) which = 2;
    const std::size_t element = first + i * (data + pointers);
    if (data > 0) out.set(element, slots[i].field | which << 16);
    if (which == 2 && data > 1) out.set(element + 1, values[i].number);
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (!is_pointer(slots[i].type)) continue;
    const std::size_t pointer = first + i * (data + pointers) + data;
    if (slots[i].type == SlotType::kComponents || slots[i].type == SlotType::kFees) {
      const Bytes list = rebuild_list(items.subspan(values[i].first, values[i].count),
                                      slots[i].type == SlotType::kComponents);
      out.data(pointer, list, false);
    } else {
      if (slots[i].type == SlotType::kAgency) LT_CHECK(values[i].bytes.size() == 32);
      out.data(pointer, values[i].bytes, slots[i].type == SlotType::kText);
    }
  }
}

void write_ids(Words& out, std::size_t at, ByteView ids) {
  LT_CHECK(!ids.empty() && ids.size() % 32 == 0);
  const std::size_t count = ids.size() / 32;
  const std::size_t first = out.add(count);
  out.point_list(at, first, kOfPointers, count);
  for (std::size_t i = 0; i < count; ++i) out.data(first + i, ids.subspan(i * 32, 32), false);
}

struct Split {  // slots of FieldWrites, and the values of the others
  std::size_t writes = 0;
  std::array<const Value*, kFieldCount - kFixedFields> fixed{};
  const Value* get(FixedField field) const {
    return fixed[static_cast<std::uint32_t>(field) - kFixedFields];
  }
};
Split split(const Shape& shape, std::span<const Value> values) {
  LT_CHECK(values.size() == shape.slots.size());
  Split out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (shape.slots[i].field < kFixedFields)
      out.writes = i + 1;
    else
      out.fixed[shape.slots[i].field - kFixedFields] = &values[i];
  }
  return out;
}

constexpr std::size_t kOpenPointers = 7, kClosedPointers = 6;  // of the bodies' structures

Bytes rebuild_open(const Shape& shape, std::span<const Value> values, std::span<const Item> items) {
  const Split parts = split(shape, values);
  const Value* texts[kOpenPointers] = {parts.get(FixedField::kTarget),
                                       nullptr,
                                       nullptr,
                                       parts.get(FixedField::kAction),
                                       parts.get(FixedField::kReferences),
                                       parts.get(FixedField::kLead),
                                       parts.get(FixedField::kDecision)};
  const auto has = [&](std::size_t i) {
    if (i == 1) return parts.writes > 0;
    if (i == 2) return !shape.closed_fields.empty();
    return texts[i] != nullptr;
  };
  std::uint64_t pointers = 0;
  for (std::size_t i = 0; i < kOpenPointers; ++i)
    if (has(i)) pointers = i + 1;
  const Value* at = parts.get(FixedField::kAt);
  const Value* deadline = parts.get(FixedField::kDeadline);
  const std::uint64_t words[3] = {
      std::uint64_t{shape.kind} | std::uint64_t{shape.record_kind} << 16 |
          (shape.urgent ? 1ULL << 32 : 0),
      at != nullptr ? at->number : 0, deadline != nullptr ? deadline->number : 0};
  std::uint64_t data = 3;
  while (data > 0 && words[data - 1] == 0) --data;
  Words out;
  out.reserve(values.size() * 72 + 256);
  const std::size_t root = out.add(1 + data + pointers);
  out.point_struct(root, root + 1, data, pointers);
  for (std::size_t i = 0; i < data; ++i) out.set(root + 1 + i, words[i]);
  const std::size_t first = root + 1 + data;
  for (std::size_t i = 0; i < kOpenPointers; ++i) {
    if (!has(i)) continue;
    if (i == 1) {
      write_fields(out, first + i, std::span(shape.slots).first(parts.writes), values, items);
    } else if (i == 2) {
      const std::size_t target = out.add((shape.closed_fields.size() + 3) / 4);
      out.point_list(first + i, target, kOfU16, shape.closed_fields.size());
      std::uint64_t word = 0;
      for (std::size_t k = 0; k < shape.closed_fields.size(); ++k) {
        word |= std::uint64_t{shape.closed_fields[k]} << 16 * (k % 4);
        out.set(target + k / 4, word);
        if (k % 4 == 3) word = 0;
      }
    } else if (i == 4) {
      write_ids(out, first + i, texts[i]->bytes);
    } else {
      if (i == 0 || i == 5) LT_CHECK(texts[i]->bytes.size() == 32);
      out.data(first + i, texts[i]->bytes, i == 3 || i == 6);
    }
  }
  return out.take();
}

Bytes rebuild_closed(const Shape& shape, std::span<const Value> values,
                     std::span<const Item> items) {
  const Split parts = split(shape, values);
  const Value* texts[kClosedPointers] = {
      parts.get(FixedField::kKeyHash), nullptr,
      parts.get(FixedField::kOfficer), parts.get(FixedField::kNote),
      parts.get(FixedField::kWords),   parts.get(FixedField::kAccount)};
  const auto has = [&](std::size_t i) { return i == 1 ? parts.writes > 0 : texts[i] != nullptr; };
  std::uint64_t pointers = 0;
  for (std::size_t i = 0; i < kClosedPointers; ++i)
    if (has(i)) pointers = i + 1;
  Words out;
  out.reserve(values.size() * 72 + 256);
  const std::size_t root = out.add(1 + pointers);
  out.point_struct(root, root + 1, 0, pointers);
  for (std::size_t i = 0; i < kClosedPointers; ++i) {
    if (!has(i)) continue;
    if (i == 0) LT_CHECK(texts[i]->bytes.size() == 16);
    if (i == 1)
      write_fields(out, root + 1 + i, std::span(shape.slots).first(parts.writes), values, items);
    else
      out.data(root + 1 + i, texts[i]->bytes, i > 1);
  }
  return out.take();
}

// ---- reading: bounds only, for what is read amiss does not rebuild to the same bytes ----

class Reader {
 public:
  struct Struct {
    std::size_t data_at = 0, data = 0, pointers = 0;  // words
  };
  struct List {
    std::size_t at = 0, count = 0;
    unsigned element = 0;
    Struct first;  // of a composite list
  };

  explicit Reader(ByteView bytes) : bytes_(bytes), size_(bytes.size() / 8) {}
  bool ok() const { return ok_; }

  std::uint64_t word(std::size_t at) {
    if (at >= size_) return no(), 0;
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i) value |= std::uint64_t{bytes_[at * 8 + i]} << (8 * i);
    return value;
  }
  std::uint64_t data(const Struct& of, std::size_t index) {
    return index < of.data ? word(of.data_at + index) : 0;
  }
  // Place of a pointer that is not null.
  std::optional<std::size_t> pointer(const Struct& of, std::size_t index) {
    if (index >= of.pointers) return std::nullopt;
    const std::size_t at = of.data_at + of.data + index;
    return word(at) == 0 ? std::nullopt : std::optional(at);
  }
  Struct root() {
    const std::uint64_t value = word(0);
    if ((value & 3) != 0) no();
    Struct out{target(0, value), (value >> 32) & 0xffff, value >> 48};
    if (value == kEmptyStruct) out = {};
    need(out.data_at, out.data + out.pointers);
    return out;
  }
  List list(std::size_t at) {
    const std::uint64_t value = word(at);
    List out;
    if ((value & 3) != 1) return no(), out;
    out.at = target(at, value);
    out.element = (value >> 32) & 7;
    out.count = value >> 35;
    if (out.element == kComposite) {
      const std::uint64_t tag = word(out.at);
      out.first = {out.at + 1, (tag >> 32) & 0xffff, tag >> 48};
      const std::size_t each = out.first.data + out.first.pointers;
      const std::size_t words = out.count;
      out.count = (tag & 0xffff'ffffU) >> 2;
      if (out.count > kReferenceCountMax || out.count * each != words) no();
      need(out.at, 1 + words);
      return out;
    }
    const std::size_t bits = out.element == kOfBytes      ? 8
                             : out.element == kOfU16      ? 16
                             : out.element == kOfPointers ? 64
                                                          : 0;
    if (bits == 0) no();
    need(out.at, (out.count * bits + 63) / 64);
    return out;
  }
  ByteView bytes(std::size_t at) {
    const List of = list(at);
    if (of.element != kOfBytes) no();
    return ok_ ? bytes_.subspan(of.at * 8, of.count) : ByteView();
  }
  ByteView text(std::size_t at) {
    const ByteView all = bytes(at);
    if (all.empty()) return no(), all;
    return all.first(all.size() - 1);
  }
  std::uint16_t u16(const List& of, std::size_t index) {
    return static_cast<std::uint16_t>(word(of.at + index / 4) >> 16 * (index % 4));
  }
  void no() { ok_ = false; }

 private:
  static std::size_t target(std::size_t at, std::uint64_t pointer) {
    return at + 1 + ((pointer & 0xffff'ffffU) >> 2);
  }
  void need(std::size_t at, std::size_t words) {
    if (at > size_ || words > size_ - at) no();
  }
  ByteView bytes_;
  std::size_t size_;
  bool ok_ = true;
};

bool take_apart_list(ByteView body, bool components, std::vector<Item>& items) {
  const ItemLayout& layout = components ? kComponentLayout : kFeeLayout;
  const std::size_t before = items.size();
  Reader in(body);
  const auto root = in.root();
  const auto at = in.pointer(root, 0);
  if (!at) return false;
  const Reader::List list = in.list(*at);
  if (list.element != kComposite) return false;
  Reader::Struct each = list.first;
  for (std::size_t k = 0; k < list.count && in.ok(); ++k) {
    Item item;
    for (unsigned i = 0; i < 2; ++i) item.numbers[i] = in.data(each, layout.numbers[i]);
    for (unsigned i = 0; i < layout.text_count; ++i)
      if (const auto text = in.pointer(each, i)) item.texts[i] = in.text(*text);
    items.push_back(item);
    each.data_at += each.data + each.pointers;
  }
  if (in.ok()) {
    const Bytes again = rebuild_list(std::span(items).subspan(before), components);
    if (std::ranges::equal(again, body)) return true;
  }
  items.resize(before);
  return false;
}

void take_data(ByteView bytes, Slot& slot, Value& value, std::vector<Item>& items) {
  const FieldInfo* info = find_field(static_cast<std::uint16_t>(slot.field));
  const FieldType type = info != nullptr ? info->type : FieldType::kText;
  value.bytes = bytes;
  slot.type = SlotType::kData;
  if (type == FieldType::kAgency && bytes.size() == 32) slot.type = SlotType::kAgency;
  if (type != FieldType::kComponents && type != FieldType::kFees) return;
  const bool components = type == FieldType::kComponents;
  value.first = static_cast<std::uint32_t>(items.size());
  if (!take_apart_list(bytes, components, items)) return;
  slot.type = components ? SlotType::kComponents : SlotType::kFees;
  value.count = static_cast<std::uint32_t>(items.size()) - value.first;
  value.bytes = {};
}

void take_fields(Reader& in, std::size_t at, Shape& shape, std::vector<Value>& values,
                 std::vector<Item>& items) {
  const Reader::List list = in.list(at);
  if (list.element != kComposite) return in.no();
  Reader::Struct each = list.first;
  for (std::size_t k = 0; k < list.count && in.ok(); ++k) {
    const std::uint64_t head = in.data(each, 0);
    Slot slot{static_cast<std::uint32_t>(head & 0xffff), SlotType::kCleared};
    Value value;
    const std::uint64_t which = head >> 16;
    const auto pointer = in.pointer(each, 0);
    if (which == 1 && pointer) {
      slot.type = SlotType::kText;
      value.bytes = in.text(*pointer);
    } else if (which == 2) {
      const FieldInfo* info = find_field(static_cast<std::uint16_t>(slot.field));
      slot.type = info != nullptr && info->type == FieldType::kInstant ? SlotType::kTime
                                                                       : SlotType::kInteger;
      value.number = in.data(each, 1);
    } else if (which == 3 && pointer) {
      take_data(in.bytes(*pointer), slot, value, items);
    } else if (which != 0) {
      return in.no();
    }
    if (!shape.slots.empty() && shape.slots.back().field >= slot.field) return in.no();
    shape.slots.push_back(slot);
    values.push_back(value);
    each.data_at += each.data + each.pointers;
  }
}

class Taker {
 public:
  Taker(ByteView body, Shape& shape, std::vector<Value>& values, std::vector<Item>& items)
      : body_(body),
        in_(body),
        shape_(shape),
        values_(values),
        items_(items),
        values_before_(values.size()),
        items_before_(items.size()) {
    shape_.slots.clear();
    shape_.closed_fields.clear();
  }

  bool open() {
    const Reader::Struct root = in_.root();
    const std::uint64_t head = in_.data(root, 0);
    shape_.closed = false;
    shape_.kind = static_cast<std::uint16_t>(head);
    shape_.record_kind = static_cast<std::uint16_t>(head >> 16);
    shape_.urgent = (head >> 32 & 1) != 0;
    if (const auto at = in_.pointer(root, 1)) take_fields(in_, *at, shape_, values_, items_);
    if (const auto at = in_.pointer(root, 2)) {
      const Reader::List list = in_.list(*at);
      if (list.element != kOfU16 || list.count > kReferenceCountMax) in_.no();
      for (std::size_t i = 0; i < list.count && in_.ok(); ++i)
        shape_.closed_fields.push_back(in_.u16(list, i));
    }
    bytes(root, 0, FixedField::kTarget, SlotType::kAgency, 32);
    text(root, 3, FixedField::kAction);
    number(root, 1, FixedField::kAt);
    ids(root, 4);
    bytes(root, 5, FixedField::kLead, SlotType::kRecord, 32);
    number(root, 2, FixedField::kDeadline);
    text(root, 6, FixedField::kDecision);
    return finish();
  }
  bool closed(bool accounts) {
    const Reader::Struct root = in_.root();
    shape_.closed = true;
    shape_.kind = shape_.record_kind = 0;
    shape_.urgent = false;
    if (const auto at = in_.pointer(root, 1)) take_fields(in_, *at, shape_, values_, items_);
    bytes(root, 0, FixedField::kKeyHash, SlotType::kSixteen, 16);
    text(root, 2, FixedField::kOfficer);
    text(root, 3, FixedField::kNote);
    text(root, 4, FixedField::kWords);
    if (accounts) text(root, 5, FixedField::kAccount);
    return finish();
  }

 private:
  void add(FixedField field, SlotType type, Value value) {
    shape_.slots.push_back({static_cast<std::uint32_t>(field), type});
    values_.push_back(value);
  }
  void bytes(const Reader::Struct& root, std::size_t index, FixedField field, SlotType type,
             std::size_t size) {
    const auto at = in_.pointer(root, index);
    if (!at) return;
    Value value;
    value.bytes = in_.bytes(*at);
    if (value.bytes.size() != size) return in_.no();
    add(field, type, value);
  }
  void text(const Reader::Struct& root, std::size_t index, FixedField field) {
    const auto at = in_.pointer(root, index);
    if (!at) return;
    Value value;
    value.bytes = in_.text(*at);
    add(field, SlotType::kText, value);
  }
  void number(const Reader::Struct& root, std::size_t index, FixedField field) {
    Value value;
    value.number = in_.data(root, index);
    if (value.number != 0) add(field, SlotType::kTime, value);
  }
  // Nearly always together in the body: one view over all ids does unless words lie between.
  void ids(const Reader::Struct& root, std::size_t index) {
    const auto at = in_.pointer(root, index);
    if (!at) return;
    const Reader::List list = in_.list(*at);
    if (list.element != kOfPointers || list.count == 0 || list.count > kReferenceCountMax)
      return in_.no();
    ByteView all;
    for (std::size_t i = 0; i < list.count && in_.ok(); ++i) {
      const ByteView one = in_.bytes(list.at + i);
      if (one.size() != 32) return in_.no();
      if (i == 0)
        all = one;
      else if (all.data() + all.size() == one.data())
        all = ByteView(all.data(), all.size() + 32);
      else
        return in_.no();
    }
    Value value;
    value.bytes = all;
    add(FixedField::kReferences, SlotType::kUpdates, value);
  }
  bool finish() {
    const auto values = std::span(std::as_const(values_)).subspan(values_before_);
    if (in_.ok() && body_.size() % 8 == 0 && !body_.empty() &&
        std::ranges::equal(rebuild(shape_, values, items_), body_))
      return true;
    values_.resize(values_before_);
    items_.resize(items_before_);
    return false;
  }

  ByteView body_;
  Reader in_;
  Shape& shape_;
  std::vector<Value>& values_;
  std::vector<Item>& items_;
  const std::size_t values_before_, items_before_;
};

}  // namespace

bool take_apart_open(ByteView body, Shape& shape, std::vector<Value>& values,
                     std::vector<Item>& items) {
  return Taker(body, shape, values, items).open();
}

bool take_apart_closed(ByteView body, Shape& shape, std::vector<Value>& values,
                       std::vector<Item>& items, bool accounts) {
  return Taker(body, shape, values, items).closed(accounts);
}

Bytes rebuild(const Shape& shape, std::span<const Value> values, std::span<const Item> items) {
  return shape.closed ? rebuild_closed(shape, values, items) : rebuild_open(shape, values, items);
}

}  // namespace lienthong::wire
