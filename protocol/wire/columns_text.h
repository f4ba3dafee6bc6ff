// Columns of texts. docs/protocol/parts.md, "Texts". Internal to protocol/wire. No threads.
//
// In a coded part a text is a place in the table of those that the column had before, or new; a new
// one is a row of words, each a place in the column's table of words or new, and of runs of digits,
// each digit told by that in the same place of the run before. What is really new lies in the head.
#pragma once

#include <functional>

#include "protocol/wire/columns_io.h"

namespace lienthong::wire {

// Texts in the order in which they came, and where they are (asked by the writer alone).
class TextTable {
 public:
  std::optional<std::uint64_t> find(ByteView text) const {
    if (slots_.empty()) return std::nullopt;
    for (std::size_t at = first_slot(text);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at] == 0) return std::nullopt;
      const ByteView known = texts_[slots_[at] - 1];
      if (known.size() == text.size() && as_text(known) == as_text(text)) return slots_[at] - 1;
    }
  }
  template <class Io>
  std::uint64_t add(ByteView text) {
    texts_.push_back(text);
    if constexpr (Io::kWriting) {
      if (texts_.size() * 2 > slots_.size())
        grow();
      else
        take_slot(static_cast<std::uint32_t>(texts_.size()));
    }
    return texts_.size() - 1;
  }
  ByteView operator[](std::uint64_t place) const { return texts_[place]; }
  std::size_t size() const { return texts_.size(); }

 private:
  std::size_t first_slot(ByteView text) const {
    return std::hash<std::string_view>()(as_text(text)) & (slots_.size() - 1);
  }
  void take_slot(std::uint32_t number) {
    std::size_t at = first_slot(texts_[number - 1]);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = number;
  }
  void grow() {
    slots_.assign(std::max<std::size_t>(64, slots_.size() * 4), 0);
    for (std::uint32_t number = 1; number <= texts_.size(); ++number) take_slot(number);
  }

  std::vector<ByteView> texts_;
  std::vector<std::uint32_t> slots_;  // places from 1; open addressing, size a power of two
};

// Runs of digits at each place of a text.
class DigitModel {
 public:
  // `run`: at most kRunMax digits; all of them written or read.
  static constexpr std::size_t kRunMax = 16;
  template <class Io>
  void run(Io& io, std::size_t place, std::string& run) {
    Place& here = places_[std::min(place, places_.size() - 1)];
    std::size_t size = run.size();
    std::uint32_t code = static_cast<std::uint32_t>(size - 1);
    tree(io, here.size, code);
    if constexpr (!Io::kWriting) run.assign(size = code + 1, '0');
    bool equal = here.last.size() == size;  // so far, to the run before
    for (std::size_t i = 0; i < size; ++i) {
      const auto before = static_cast<unsigned>(equal ? here.last[i] - '0' : 0);
      std::uint32_t digit = (static_cast<unsigned>(run[i] - '0') + 10 - before) % 10;
      tree(io, here.digits[i][equal ? 1 : 0], digit);
      if constexpr (!Io::kWriting)
        if (digit > 9) return io.fail(Errc::kMalformed, "a digit over 9");
      if constexpr (!Io::kWriting) run[i] = static_cast<char>('0' + (digit + before) % 10);
      equal = equal && digit == 0;
    }
    here.last = run;
  }

 private:
  using Tree = std::array<BitModel, 16>;  // of numbers up to 15
  template <class Io>
  static void tree(Io& io, Tree& models, std::uint32_t& value) {
    std::uint32_t node = 1;
    for (unsigned k = 4; k-- > 0;) {
      bool bit = (value >> k & 1) != 0;
      io.bit(models[node], bit);
      node = node << 1 | (bit ? 1 : 0);
    }
    value = node & 15;
  }
  struct Place {
    Tree size{};
    std::array<std::array<Tree, 2>, kRunMax> digits{};
    std::string last;
  };
  std::array<Place, 8> places_;
};

class TextColumn {
 public:
  // `context`: what the text is likely to depend on. In a coded part `text` then lives as long as
  // the io (reader) or as what it points to (writer).
  template <class Io>
  void value(Io& io, std::uint64_t context, ByteView& text) {
    if (!io.coded()) return io.text(text);
    std::uint64_t place = 0;
    if constexpr (Io::kWriting) {
      if (const auto known = values_.find(text)) place = *known + 1;
    }
    symbol(io, index_, context, place);
    last_ = place;
    if (place == 0) {
      words(io, text);
      last_ = values_.add<Io>(text) + 1;
    } else if constexpr (!Io::kWriting) {
      if (place > values_.size()) return io.fail(Errc::kMalformed, "place of a text");
      text = values_[place - 1];
      io.charge(text.size());
    }
  }
  // Place of the value just written or read, from 1: what other columns may depend on.
  std::uint64_t last() const { return last_; }

 private:
  enum Symbol : std::uint64_t { kEnd = 0, kNewWord = 1, kDigits = 2, kWords = 3 };  // on the wire
  static bool is_digit(std::uint8_t byte) { return byte >= '0' && byte <= '9'; }
  // A word ends before a space and before a digit; a run of digits where it does.
  static std::size_t token_size(ByteView rest) {
    std::size_t size = 1;
    if (is_digit(rest[0])) {
      while (size < rest.size() && size < DigitModel::kRunMax && is_digit(rest[size])) ++size;
    } else {
      while (size < rest.size() && rest[size] != ' ' && !is_digit(rest[size])) ++size;
    }
    return size;
  }

  // Which symbol came after `before` last time, else by the place in the text.
  template <class Io>
  void word_symbol(Io& io, std::uint64_t before, std::size_t place, std::uint64_t& value) {
    const std::size_t context =
        (before == kDigits ? kPlaces - 1 - std::min<std::size_t>(place, 15) : before) % kPlaces;
    std::uint8_t& sure = follows_->sure[context];
    bool hit = false;
    if constexpr (Io::kWriting) hit = follows_->last[context] == value;
    io.bit(follows_->hit[sure], hit);
    if (hit) {
      value = follows_->last[context];
      if (sure < 3) ++sure;
      return;
    }
    io.number(word_[std::min<std::size_t>(place, word_.size() - 1)], value);
    if constexpr (!Io::kWriting)
      if (value == follows_->last[context])
        return io.fail(Errc::kMalformed, "a code that was the last");
    sure = 0;
    follows_->last[context] = static_cast<std::uint32_t>(value);
  }

  template <class Io>
  void words(Io& io, ByteView& text) {
    if (!follows_) {
      follows_ = std::make_unique<Follows>();
      word_.resize(4);
    }
    Bytes& built = built_;
    built.clear();
    ByteView rest = text;
    std::uint64_t before = kNewWord;  // which itself is never before anything
    for (std::size_t place = 0; io.ok(); ++place) {
      std::uint64_t what = kEnd;
      ByteView token;
      if constexpr (Io::kWriting) {
        if (!rest.empty()) {
          token = rest.first(token_size(rest));
          rest = rest.subspan(token.size());
          const auto known = is_digit(token[0]) ? std::nullopt : words_.find(token);
          what = is_digit(token[0]) ? kDigits : known ? kWords + *known : kNewWord;
        }
      }
      word_symbol(io, before, place, what);
      if (what == kEnd) break;
      before = what;
      if (what == kDigits) {
        if (!digits_) digits_ = std::make_unique<DigitModel>();
        std::string run(as_text(token));
        digits_->run(io, place, run);
        if constexpr (!Io::kWriting) built.insert(built.end(), run.begin(), run.end());
      } else if (what == kNewWord) {
        io.text(token);
        before = kWords + words_.add<Io>(token);
      } else if constexpr (!Io::kWriting) {
        if (what - kWords >= words_.size()) return io.fail(Errc::kMalformed, "place of a word");
        token = words_[what - kWords];
      }
      if constexpr (!Io::kWriting) {
        if (what != kDigits && token.empty()) return io.fail(Errc::kMalformed, "empty word");
        if (what != kDigits) built.insert(built.end(), token.begin(), token.end());
        if (built.size() > kOpenBytesMax) return io.fail(Errc::kTooLarge, "text of a part");
      }
    }
    if constexpr (!Io::kWriting) text = io.keep(built);
  }

  static constexpr std::size_t kPlaces = 2048;  // part of the format
  struct Follows {
    std::array<BitModel, 4> hit{};
    std::array<std::uint32_t, kPlaces> last{};
    std::array<std::uint8_t, kPlaces> sure{};
  };
  SymbolModel index_;
  TextTable values_, words_;
  std::vector<NumberModel> word_;  // by place in the text
  std::unique_ptr<Follows> follows_;
  std::unique_ptr<DigitModel> digits_;
  Bytes built_;
  std::uint64_t last_ = 0;
};

// Hexadecimal of hashes: the bytes themselves are raw. Anything else is a text.
class DigestColumn {
 public:
  template <class Io>
  void value(Io& io, std::uint64_t context, ByteView& text) {
    std::array<std::uint8_t, kBytesMax> binary{};
    std::uint64_t size = 0;  // 0: text; n: so many bytes in hexadecimal
    if constexpr (Io::kWriting) size = from_lower_hex(text, binary);
    if (io.coded())
      symbol(io, size_, context, size);
    else
      io.varint(size);
    if (size == 0) return texts_.value(io, context, text);
    if constexpr (!Io::kWriting)
      if (size > kBytesMax) return io.fail(Errc::kMalformed, "size of a digest");
    ByteView view = ByteView(binary).first(size);
    io.raw(view, size);
    if constexpr (!Io::kWriting) text = io.keep(as_bytes(to_hex(view)));
  }

 private:
  static constexpr std::size_t kBytesMin = 8, kBytesMax = 64;

  // 0: anything but lower-case hexadecimal of kBytesMin to kBytesMax bytes.
  static std::size_t from_lower_hex(ByteView text, std::array<std::uint8_t, kBytesMax>& out) {
    const std::size_t size = text.size() / 2;
    if (text.size() % 2 != 0 || size < kBytesMin || size > kBytesMax) return 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const std::uint8_t c = text[i];
      const bool letter = c >= 'a' && c <= 'f';
      if (!letter && (c < '0' || c > '9')) return 0;
      const unsigned digit = letter ? c - 'a' + 10U : c - '0' + 0U;
      out[i / 2] = static_cast<std::uint8_t>(i % 2 == 0 ? digit << 4 : out[i / 2] | digit);
    }
    return size;
  }

  SymbolModel size_;
  TextColumn texts_;
};

}  // namespace lienthong::wire
