// The bodies of a part's updates as shapes and columns. docs/protocol/parts.md, "Columns".
// Internal to protocol/wire. No threads.
#pragma once

#include <algorithm>
#include <map>

#include "protocol/record/fields.h"
#include "protocol/wire/columns_body.h"
#include "protocol/wire/columns_names.h"
#include "protocol/wire/columns_text.h"
#include "protocol/wire/columns_values.h"

namespace lienthong::wire {

// One body: of a shape, or verbatim.
struct BodyRow {
  static constexpr std::uint32_t kVerbatim = 0;
  bool present = false;
  std::uint32_t shape = kVerbatim;  // from 1
  std::uint32_t first = 0;          // of `values`
  ByteView verbatim;
};

// What columns know of an update beside its bodies.
struct BodyContext {
  std::uint64_t hlc_millis = 0;
  std::uint64_t context = 0;  // what its values are likely to depend on
};

// Names inside bodies are the part's business.
template <class Io>
class BodyNames {
 public:
  virtual ~BodyNames() = default;
  virtual void name_agency(std::uint64_t context, IdTable<AgencyId>::Column& column,
                           Value& value) = 0;
  virtual void name_record(std::uint32_t update, Value& value) = 0;
  virtual void name_updates(std::uint32_t update, Value& value) = 0;
};

struct ItemColumns {  // of components or of fees
  NumberModel counts;
  std::array<TextColumn, 3> texts;
  DigestColumn digests;
  std::array<IntegerColumn, 2> numbers;
};

template <class Io>
class BodyColumns {
 public:
  // `accounts`: the writer may tell who used the API as a column.
  BodyColumns(Io& io, BodyNames<Io>& names, bool accounts)
      : io_(io), names_(names), accounts_(accounts) {}

  std::vector<std::array<BodyRow, 2>> rows;  // by update: open, closed
  std::vector<BodyContext> contexts;         // by update
  std::vector<Value> values;
  std::vector<Item> items;

  const Shape& shape(const BodyRow& row) const { return shapes_[row.shape - 1]; }

  // The writer: takes a body apart. Values point into it.
  void add(BodyRow& row, ByteView body, bool closed) {
    row.present = true;
    row.first = static_cast<std::uint32_t>(values.size());
    row.verbatim = body;
    Shape& shape = scratch_;
    const bool apart = closed ? take_apart_closed(body, shape, values, items, accounts_)
                              : take_apart_open(body, shape, values, items);
    if (!apart) return;
    ByteWriter key;
    key.u8(closed ? 1 : 0);
    write_shape(key, shape);
    const auto known = shape_numbers_.find(as_text(key.bytes()));
    if (known != shape_numbers_.end()) {
      row.shape = known->second;
      return;
    }
    if (!enter_columns(shape)) return values.resize(row.first);
    shapes_.push_back(shape);
    row.shape = static_cast<std::uint32_t>(shapes_.size());
    shape_numbers_.emplace(std::string(as_text(key.bytes())), row.shape);
  }

  // All rows and values; the reader leaves names inside the part to resolve later.
  void all() {
    shape_column();
    if (!io_.ok()) return;
    place_columns();
    for (auto& [key, column] : columns_) {
      if (!io_.ok()) return;
      one_column(key, column);
    }
    for (auto& pair : rows)
      for (std::size_t part = 0; part < 2; ++part)
        if (pair[part].present && pair[part].shape == BodyRow::kVerbatim)
          io_.verbatim(pair[part].verbatim, part == 0 ? kOpenBytesMax : kClosedBytesMax);
  }

 private:
  // Columns in their order on the wire.
  struct Key {
    bool closed;
    std::uint32_t field;
    SlotType type;
    auto operator<=>(const Key&) const = default;
  };
  struct Cell {
    std::uint32_t update, value;
  };
  struct Column {
    std::vector<Cell> cells;
    TextColumn text;
    IntegerColumn integer;
    TimeColumn time;
    IdTable<AgencyId>::Column agency;
    std::unique_ptr<ItemColumns> list;
  };

  // ---- shapes ----

  static void write_shape(ByteWriter& out, const Shape& shape) {
    if (!shape.closed) {
      out.varint(shape.kind);
      out.varint(std::uint64_t{shape.record_kind} << 1 | (shape.urgent ? 1 : 0));
    }
    out.varint(shape.slots.size());
    std::uint64_t next = 0;
    for (const Slot& slot : shape.slots) {
      out.varint((slot.field - next) << 4 | static_cast<std::uint64_t>(slot.type));
      next = slot.field + 1;
    }
    if (shape.closed) return;
    out.varint(shape.closed_fields.size());
    for (const std::uint16_t field : shape.closed_fields) out.varint(field);
  }

  static SlotType type_of(FixedField field) {
    switch (field) {
      case FixedField::kTarget: return SlotType::kAgency;
      case FixedField::kAt:
      case FixedField::kDeadline: return SlotType::kTime;
      case FixedField::kReferences: return SlotType::kUpdates;
      case FixedField::kKeyHash: return SlotType::kSixteen;
      case FixedField::kLead: return SlotType::kRecord;
      case FixedField::kAction:
      case FixedField::kDecision:
      case FixedField::kOfficer:
      case FixedField::kNote:
      case FixedField::kWords:
      case FixedField::kAccount: return SlotType::kText;
    }
    return SlotType::kCleared;
  }
  static bool fits(const Slot& slot, bool closed) {
    if (slot.field < kFixedFields)
      return slot.type <= SlotType::kAgency || slot.type == SlotType::kComponents ||
             slot.type == SlotType::kFees;
    const auto field = static_cast<FixedField>(slot.field);
    return (field >= FixedField::kKeyHash) == closed && slot.type == type_of(field);
  }

  void read_shape(bool closed) {
    Shape shape;
    shape.closed = closed;
    if (!closed) {
      shape.kind = narrow();
      const std::uint64_t kind = number();
      shape.urgent = (kind & 1) != 0;
      shape.record_kind = static_cast<std::uint16_t>(kind >> 1);
      if (kind >> 17 != 0) io_.fail(Errc::kMalformed, "kind of a shape");
    }
    const std::uint64_t count = number();
    if (count > kReferenceCountMax + kFieldCount - kFixedFields)
      io_.fail(Errc::kTooLarge, "slots of a shape");
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < count && io_.ok(); ++i) {
      const std::uint64_t code = number();
      if (code >> 4 >= kFieldCount - next) return io_.fail(Errc::kMalformed, "slot of a shape");
      const Slot slot{static_cast<std::uint32_t>(next + (code >> 4)),
                      static_cast<SlotType>(code & 15)};
      if (!fits(slot, closed)) return io_.fail(Errc::kMalformed, "slot of a shape");
      shape.slots.push_back(slot);
      next = slot.field + 1;
    }
    if (!closed) {
      const std::uint64_t fields = number();
      if (fields > kReferenceCountMax) io_.fail(Errc::kTooLarge, "closed fields of a shape");
      for (std::uint64_t i = 0; i < fields && io_.ok(); ++i)
        shape.closed_fields.push_back(narrow());
    }
    if (!io_.ok()) return;
    if (!enter_columns(shape)) return io_.fail(Errc::kTooLarge, "columns of a part");
    shapes_.push_back(std::move(shape));
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    io_.varint(value);
    return value;
  }
  std::uint16_t narrow() {
    const std::uint64_t value = number();
    if (value > 0xffff) io_.fail(Errc::kMalformed, "kind of a shape");
    return static_cast<std::uint16_t>(value);
  }

  // Of components and fees, whose models are many. On the wire.
  static constexpr std::size_t kListColumnCountMax = 8;
  static bool is_list(SlotType type) {
    return type == SlotType::kComponents || type == SlotType::kFees;
  }
  // False: too many columns.
  bool enter_columns(const Shape& shape) {
    std::size_t fresh = 0, lists = 0;
    for (const Slot& slot : shape.slots) {
      const bool known = slot.type == SlotType::kCleared ||
                         columns_.contains(Key{shape.closed, slot.field, slot.type});
      fresh += known ? 0 : 1;
      lists += known || !is_list(slot.type) ? 0 : 1;
    }
    if (columns_.size() + fresh > kPartColumnCountMax) return false;
    if (list_columns_ + lists > kListColumnCountMax) return false;
    list_columns_ += lists;
    for (const Slot& slot : shape.slots)
      if (slot.type != SlotType::kCleared) columns_[Key{shape.closed, slot.field, slot.type}];
    return true;
  }

  // 0: verbatim; n: the n-th shape of the part; one more than there are: a new one follows in the
  // head (the writer numbered them in this order). The shape likely depends on the one before, that
  // of a closed part on its open one's.
  void shape_column() {
    std::uint32_t known = 0;
    std::uint64_t before = 0;
    for (std::uint32_t update = 0; update < rows.size(); ++update) {
      for (std::size_t part = 0; part < 2; ++part) {
        BodyRow& row = rows[update][part];
        if (!row.present) continue;
        std::uint64_t code = 0;
        if constexpr (Io::kWriting) code = row.shape;
        if (io_.coded())
          symbol(io_, shape_model_[part], part == 0 ? before : rows[update][0].shape, code);
        else
          io_.varint(code);
        if constexpr (Io::kWriting) {
          if (code == known + 1U) write_shape(io_.head(), shape(row)), ++known;
        } else {
          if (code > known + 1U) return io_.fail(Errc::kMalformed, "place of a shape");
          if (code == known + 1U) read_shape(part == 1), ++known;
          if (!io_.ok()) return;
          row.shape = static_cast<std::uint32_t>(code);
          if (code != 0 && shape(row).closed != (part == 1))
            return io_.fail(Errc::kMalformed, "shape of the other part");
          row.first = static_cast<std::uint32_t>(values.size());
          if (code != 0) {
            values.resize(values.size() + shape(row).slots.size());
            io_.charge(shape(row).slots.size() * 8 + shape(row).closed_fields.size() * 2);
          }
        }
        if (part == 0) before = row.shape;
      }
      contexts[update].context = rows[update][0].shape;
      if (!io_.ok()) return;
    }
  }
  // ---- columns ----

  void place_columns() {
    std::vector<std::vector<Column*>> of_shape(shapes_.size());
    for (std::size_t i = 0; i < shapes_.size(); ++i)
      for (const Slot& slot : shapes_[i].slots)
        of_shape[i].push_back(slot.type == SlotType::kCleared
                                  ? nullptr
                                  : &columns_[Key{shapes_[i].closed, slot.field, slot.type}]);
    for (std::uint32_t update = 0; update < rows.size(); ++update)
      for (const BodyRow& row : rows[update]) {
        if (!row.present || row.shape == BodyRow::kVerbatim) continue;
        const auto& columns = of_shape[row.shape - 1];
        for (std::uint32_t i = 0; i < columns.size(); ++i)
          if (columns[i] != nullptr) columns[i]->cells.push_back({update, row.first + i});
      }
  }

  void one_column(const Key& key, Column& column) {
    switch (key.type) {
      case SlotType::kCleared: return;
      case SlotType::kTime: return times(column);
      case SlotType::kComponents:
      case SlotType::kFees: return lists(column, key.type == SlotType::kComponents);
      default: break;
    }
    const bool decides = !key.closed && key.field == static_cast<std::uint32_t>(Field::kProcedure);
    for (const Cell& cell : column.cells) {
      if (!io_.ok()) return;
      Value& value = values[cell.value];
      std::uint64_t& context = contexts[cell.update].context;
      switch (key.type) {
        case SlotType::kText:
        case SlotType::kData: column.text.value(io_, context, value.bytes); break;
        case SlotType::kInteger: column.integer.value(io_, context, value.number); break;
        case SlotType::kAgency: names_.name_agency(context, column.agency, value); break;
        case SlotType::kRecord: names_.name_record(cell.update, value); break;
        case SlotType::kUpdates: names_.name_updates(cell.update, value); break;
        default: io_.raw(value.bytes, 16);
      }
      if (decides && io_.coded()) context += 61 * column.text.last();
    }
  }

  void times(Column& column) {
    std::vector<TimeCell> cells;
    cells.reserve(column.cells.size());
    for (const Cell& cell : column.cells)
      cells.push_back({contexts[cell.update].context, values[cell.value].number,
                       contexts[cell.update].hlc_millis, cell.update});
    column.time.all(io_, cells, rows.size(), times_);
    if constexpr (!Io::kWriting)
      for (std::size_t i = 0; i < cells.size(); ++i)
        values[column.cells[i].value].number = cells[i].value;
  }

  // Component and fee lists: how many in each, then a column for each of their fields.
  void lists(Column& column, bool components) {
    column.list = std::make_unique<ItemColumns>();
    ItemColumns& list = *column.list;
    std::vector<Item*> all;
    std::vector<std::uint64_t> depends;  // on what its update does, and its place in the list
    for (const Cell& cell : column.cells) {
      Value& value = values[cell.value];
      std::uint64_t count = value.count;
      io_.number(list.counts, count);
      if constexpr (!Io::kWriting) {
        if (count > kReferenceCountMax) io_.fail(Errc::kTooLarge, "list in a body");
        io_.charge(count * 64);
        if (!io_.ok()) return;
        value.first = static_cast<std::uint32_t>(items.size());
        value.count = static_cast<std::uint32_t>(count);
        items.resize(items.size() + count);
      }
      for (std::uint64_t i = 0; i < count; ++i)
        depends.push_back(contexts[cell.update].context + 13 * i);
    }
    for (const Cell& cell : column.cells)
      for (std::uint32_t i = 0; i < values[cell.value].count; ++i)
        all.push_back(&items[values[cell.value].first + i]);
    const auto each = [&](const auto& move) {
      for (std::size_t i = 0; i < all.size() && io_.ok(); ++i) move(*all[i], depends[i]);
    };
    each([&](Item& item, std::uint64_t& context) {
      list.texts[0].value(io_, context, item.texts[0]);
      if (io_.coded()) context = list.texts[0].last();
    });
    each([&](Item& item, std::uint64_t& context) {
      list.texts[1].value(io_, context, item.texts[1]);
    });
    each([&](Item& item, std::uint64_t& context) {
      list.numbers[0].value(io_, context, item.numbers[0]);
    });
    each([&](Item& item, std::uint64_t& context) {
      list.digests.value(io_, context, item.texts[2]);
    });
    each([&](Item& item, std::uint64_t&) { list.numbers[1].value(io_, 0, item.numbers[1]); });
    if (components)
      each([&](Item& item, std::uint64_t& context) {
        list.texts[2].value(io_, context, item.texts[3]);
      });
  }

  Io& io_;
  BodyNames<Io>& names_;
  const bool accounts_;
  Shape scratch_;
  std::vector<Shape> shapes_;
  std::map<std::string, std::uint32_t, std::less<>> shape_numbers_;
  std::array<SymbolModel, 2> shape_model_;
  std::map<Key, Column> columns_;
  std::size_t list_columns_ = 0;
  TimeTable times_;
};

}  // namespace lienthong::wire
