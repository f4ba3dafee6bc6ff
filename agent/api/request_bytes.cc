#include "agent/api/request_bytes.h"

#include <algorithm>
#include <charconv>

namespace lienthong::agent {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kChunkHeadBytesMax = 256;

bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

struct Place {
  std::size_t line = 0, value = 0, end = 0;  // offsets in the head; `end`: of the value
};

std::optional<Place> find_header(std::string_view head, std::string_view name) {
  std::size_t at = head.find(kLineEnd);
  while (at != std::string_view::npos) {
    const std::size_t line = at + kLineEnd.size();
    const std::size_t end = head.find(kLineEnd, line);
    if (end == std::string_view::npos) break;
    if (const std::size_t colon = head.find(':', line);
        colon < end && same(head.substr(line, colon - line), name))
      return Place{line, colon + 1, end};
    at = end;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> header_of(std::string_view head, std::string_view name) {
  const auto place = find_header(head, name);
  if (!place) return std::nullopt;
  std::string_view value = head.substr(place->value, place->end - place->value);
  const auto first = value.find_first_not_of(" \t");
  if (first == std::string_view::npos) return std::string_view();
  return value.substr(first, value.find_last_not_of(" \t") - first + 1);
}

bool RequestBytes::look_for_head() {
  if (head_size_ != 0) return true;
  const std::size_t from = looked_ < kHeadEnd.size() ? 0 : looked_ - kHeadEnd.size();
  const std::size_t end = bytes.find(kHeadEnd, from);
  looked_ = bytes.size();
  if (end == std::string::npos) return false;
  head_size_ = end + kHeadEnd.size();
  return true;
}

bool RequestBytes::head_done() {
  const auto expected = header_of(head(), "Expect");
  const bool waits = expected && same(*expected, "100-continue");
  if (waits) {
    const auto place = *find_header(head(), "Expect");
    const std::size_t size = place.end + kLineEnd.size() - place.line;
    bytes.erase(place.line, size);
    head_size_ -= size;
  }
  chunked_ = header_of(head(), "Transfer-Encoding").has_value();
  chunk_at_ = head_size_;
  if (const auto length = header_of(head(), "Content-Length"); length && !chunked_) {
    const char* const end = length->data() + length->size();
    const auto [stop, failed] = std::from_chars(length->data(), end, length_);
    if (failed == std::errc::result_out_of_range) length_ = UINT64_MAX;
    broken_ = failed == std::errc::invalid_argument || (failed == std::errc() && stop != end);
  }
  return waits;
}

// Past one chunk, or the end of the trailers; false: it is not here yet.
bool RequestBytes::next_chunk() {
  const std::size_t end = bytes.find(kLineEnd, chunk_at_);
  if (end == std::string::npos) {
    broken_ = bytes.size() - chunk_at_ > kChunkHeadBytesMax;
    return broken_;
  }
  if (last_chunk_) {
    broken_ = end == chunk_at_;  // the empty line: nothing follows
    chunk_at_ = end + kLineEnd.size();
    return true;
  }
  std::uint64_t size = 0;
  const auto [stop, failed] = std::from_chars(&bytes[chunk_at_], &bytes[end], size, 16);
  if (failed != std::errc() || size > SIZE_MAX / 2) return broken_ = true;
  last_chunk_ = size == 0;
  const std::size_t next = end + kLineEnd.size() + (last_chunk_ ? 0 : size + kLineEnd.size());
  if (next > bytes.size()) {
    last_chunk_ = false;
    return false;
  }
  chunk_at_ = next;
  return true;
}

bool RequestBytes::body_done() {
  if (broken_) return true;
  if (!chunked_) return bytes.size() - head_size_ >= length_;
  while (!broken_ && next_chunk()) {
  }
  return broken_;
}

}  // namespace lienthong::agent
