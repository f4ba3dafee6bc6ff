// What healing reads of feeds, and the cursor that it ends in. docs/storage.md, "Feeds".
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

IdPrefix prefix_of(ByteView id) {
  IdPrefix out;
  std::ranges::copy(id.first(out.size()), out.begin());
  return out;
}

StatementId stored_statement_id(const Registry& registry, std::string_view row) {
  return registry.id_of(decode_statement_row(row).statement);
}

}  // namespace

void add_to_sum(IdPrefix& sum, ByteView id) {
  unsigned carry = 0;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    carry += static_cast<unsigned>(sum[i]) + id[i];
    sum[i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
}

void take_from_sum(IdPrefix& sum, ByteView id) {
  int borrow = 0;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    const int digit = sum[i] - id[i] - borrow;
    borrow = digit < 0 ? 1 : 0;
    sum[i] = static_cast<std::uint8_t>(digit);
  }
}

// The registry's feed only grows, so its sum is taken further from where it was counted last.
std::optional<FeedDigest> Replica::feed_digest(FeedKind kind, const AgencyId& reader,
                                               UpTo up_to) const {
  const auto ledger = impl_->ledger();
  FeedDigest out;
  if (kind == FeedKind::kUpdates) {
    const FeedMeta* whole = ledger->whole_feed(reader);
    if (whole == nullptr) return std::nullopt;
    const FeedMeta& meta = *whole;
    if (up_to == UpTo::kSealed && ledger->unsealed > 0) {
      if (!meta.sealed) return std::nullopt;
      out.mark = {meta.epoch, meta.sealed->end, meta.sealed->hash};
      out.count = meta.sealed->end - meta.sealed->withdrawn;
      out.sum = meta.sealed->sum;
      return out;
    }
    out.mark = {meta.epoch, meta.end, meta.hash};
    out.count = meta.end - meta.withdrawn;
    out.sum = meta.sum;
    return out;
  }
  out.mark = {ledger->statement_epoch_for(reader), ledger->statements, ledger->statement_hash};
  out.count = ledger->statements;
  const std::lock_guard lock(impl_->mutex);
  if (impl_->statements_summed > out.count) {
    impl_->statements_summed = 0;
    impl_->statement_sum = {};
  }
  while (impl_->statements_summed < out.count) {
    const auto row = impl_->database->get(key::statement(impl_->statements_summed + 1));
    if (!row) return std::nullopt;
    add_to_sum(impl_->statement_sum, stored_statement_id(*ledger->registry, *row).view());
    ++impl_->statements_summed;
  }
  out.sum = impl_->statement_sum;
  return out;
}

std::vector<IdPrefix> Replica::feed_ids(FeedKind kind, const AgencyId& reader, std::uint64_t first,
                                        std::size_t limit) const {
  const auto ledger = impl_->ledger();
  const Database& database = *impl_->database;
  std::vector<IdPrefix> out;
  if (first == 0) return out;
  if (kind == FeedKind::kRegistry) {
    database.scan("T", key::statement(first), [&](std::string_view, std::string_view row) {
      if (out.size() >= limit) return false;
      out.push_back(prefix_of(stored_statement_id(*ledger->registry, row).view()));
      return true;
    });
    return out;
  }
  const FeedMeta* meta = ledger->whole_feed(reader);
  if (meta == nullptr || first > meta->end) return out;
  out.reserve(std::min<std::uint64_t>(limit, meta->end - first + 1));
  const std::uint32_t feed = meta->number;
  database.scan(key::feed_prefix(feed), key::feed_entry(feed, first),
                [&](std::string_view k, std::string_view value) {
                  const std::uint64_t place = decode_number(k.substr(k.size() - 8));
                  if (place > meta->end || out.size() >= limit) return false;
                  out.push_back(decode_feed_entry(value).id);
                  return true;
                });
  return out;
}

void Transaction::Impl::note_sealed(const AgencyId& reader) {
  flush();
  const auto at = ledger.feeds.find(reader);
  if (at == ledger.feeds.end()) return;
  FeedMeta& meta = at->second;
  meta.sealed = FeedMeta::Sealed{meta.end, meta.hash, meta.sum, meta.withdrawn};
}

Cursor Transaction::cursor(FeedKind kind, const NodeId& writer) const {
  const auto row = impl_->overlay.get(key::cursor(kind, writer));
  return row ? decode_cursor_row(*row) : Cursor{};
}

Cursor Transaction::set_cursor(FeedKind kind, const NodeId& writer, const FeedMark& mark,
                               std::span<const CursorRange> beside) {
  const Cursor before = this->cursor(kind, writer);
  Cursor cursor;
  cursor.mark = mark;
  const auto add = [&](const CursorRange& range) {
    if (range.last > mark.number) cursor.add(mark.epoch, range.first, range.last, range.hash);
  };
  if (before.mark.epoch == mark.epoch) std::ranges::for_each(before.ranges, add);
  std::ranges::for_each(beside, add);
  impl_->overlay.put(key::cursor(kind, writer), encode_cursor_row(cursor));
  return cursor;
}

}  // namespace lienthong::store
