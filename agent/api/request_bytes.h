// How much of an HTTP/1.1 request has come: its head, and where its body ends. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lienthong::agent {

// Without regard to case; the first of that name, without blanks around it.
std::optional<std::string_view> header_of(std::string_view head, std::string_view name);

class RequestBytes {
 public:
  // What has come so far. Some of it is passed over once the head is whole: see head_done().
  std::string bytes;

  // Length of the head with the empty line that ends it; 0: it is not whole yet.
  std::size_t head_size() const { return head_size_; }
  std::string_view head() const { return std::string_view(bytes).substr(0, head_size_); }
  // Looks at what came since the last call. True: the head is whole.
  bool look_for_head();
  // Once, when the head is whole: reads how long the body is. An announced wait for "100 Continue"
  // is taken out of the head. True: it was there, and is to be said.
  bool head_done();
  // Where there is no end to it, or more than may be: what is there is all that will be heard.
  bool body_too_long(std::size_t max) const { return !chunked_ && length_ > max; }
  // Whether the whole body has come. Chunks that cannot be read end it: httplib refuses them.
  bool body_done();

 private:
  bool next_chunk();

  std::size_t head_size_ = 0, looked_ = 0;
  std::uint64_t length_ = 0;
  bool chunked_ = false, last_chunk_ = false, broken_ = false;
  std::size_t chunk_at_ = 0;  // where the next chunk's size begins
};

}  // namespace lienthong::agent
