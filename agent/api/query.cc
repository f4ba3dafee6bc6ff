// What the address of a request says beside its path: the names that it may have, pages of lists,
// and whether the caller has the answer already.
#include <httplib.h>

#include <algorithm>

#include "agent/api/context.h"
#include "store/text/table.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

// " holder late? " as a list.
std::vector<std::string_view> names_of(std::string_view query) {
  std::vector<std::string_view> out;
  for (std::size_t at = query.find_first_not_of(' '); at != std::string_view::npos;) {
    const std::size_t end = std::min(query.find(' ', at), query.size());
    out.push_back(query.substr(at, end - at));
    at = query.find_first_not_of(' ', end);
  }
  return out;
}

Error unknown_name(const std::string& name, std::span<const std::string_view> known) {
  if (known.empty())
    return Error(Errc::kInvalidArgument,
                 "unknown query name \"" + name + "\"; this address has none but lang");
  std::string list;
  for (const std::string_view each : known) list += std::string(each) + ", ";
  list += "lang";
  const std::string near = store::nearest(name, known);
  if (!near.empty())
    return Error(Errc::kInvalidArgument, "unknown query name \"" + name + "\", perhaps \"" + near +
                                             "\"; there are " + list);
  return Error(Errc::kInvalidArgument, "unknown query name \"" + name + "\"; there are " + list);
}

bool is_yes_or_no(std::string_view text) {
  return text == "1" || text == "0" || text == "true" || text == "false";
}

// The address of the page after this one.
std::string next_address(const httplib::Request& request, const std::string& key) {
  std::string out = request.path;
  char mark = '?';
  const auto put = [&](const std::string& name, const std::string& value) {
    out += mark + httplib::detail::encode_query_param(name) + "=" +
           httplib::detail::encode_query_param(value);
    mark = '&';
  };
  for (const auto& [name, value] : request.params)
    if (name != "cursor" && name != "after" && name != "after_record") put(name, value);
  put("cursor", to_hex(as_bytes(key)));
  return out;
}

}  // namespace

Result<void> check_query(const ApiRoute& route, const httplib::Request& request) {
  std::vector<std::string_view> known = names_of(route.query);
  std::vector<std::string_view> flags;
  for (std::string_view& name : known) {
    if (!name.ends_with('?')) continue;
    name.remove_suffix(1);
    flags.push_back(name);
  }
  for (const auto& [name, value] : request.params) {
    if (name != "lang" && std::ranges::find(known, name) == known.end())
      return unknown_name(name, known);
    if (request.params.count(name) > 1)
      return Error(Errc::kInvalidArgument, "the query name \"" + name + "\" stands there twice");
    if (std::ranges::find(flags, name) != flags.end() && !is_yes_or_no(value))
      return Error(Errc::kInvalidArgument, name + " must be 1, 0, true or false");
  }
  return {};
}

Result<PageAsked> query_page(const httplib::Request& request) {
  PageAsked out;
  LT_TRY(const auto limit, query_number(request, "limit", 1'000'000'000));
  out.limit = static_cast<std::size_t>(limit.value_or(0));
  if (!request.has_param("cursor")) return out;
  const auto key = from_hex(request.get_param_value("cursor"));
  if (!key.ok() || key->empty())
    return Error(Errc::kInvalidArgument,
                 "cursor is to be one that the Link of an answer has named");
  out.after.assign(key->begin(), key->end());
  return out;
}

void send_page(ApiCall& call, PageAsked page, std::function<void(const KeyedSink&)> produce) {
  const auto beyond = [](const std::string& key, const std::string& after) {
    return after.empty() || key > after;
  };
  if (page.limit == 0 || page.limit > kPageLinesMax) {
    return send_lines(call, [=, produce = std::move(produce)](const LineSink& put) {
      std::size_t left = page.limit;
      produce([&](const std::string& key, const std::function<json()>& make) {
        if (!beyond(key, page.after)) return true;
        return put(make()) && --left != 0;
      });
    });
  }
  std::string body, last;
  std::size_t count = 0;
  bool more = false;
  produce([&](const std::string& key, const std::function<json()>& make) {
    if (!beyond(key, page.after)) return true;
    if ((more = count == page.limit)) return false;
    body += to_text(make()) + '\n';
    last = key;
    ++count;
    return !call.api.stopping;
  });
  if (more)
    call.response.set_header("Link", "<" + next_address(call.request, last) + ">; rel=\"next\"");
  call.response.status = 200;
  call.response.set_content(body, kLinesType);
}

std::string key_part(std::uint64_t number) {
  std::string out(sizeof number, '\0');
  for (auto at = out.rbegin(); at != out.rend(); ++at, number >>= 8U)
    *at = static_cast<char>(number & 0xFFU);
  return out;
}

bool is_known(ApiCall& call, const std::string& tag) {
  call.response.set_header("ETag", tag);
  std::string_view asked;
  const std::string header = call.request.get_header_value("If-None-Match");
  for (std::size_t at = 0; at < header.size();) {
    const std::size_t end = std::min(header.find(',', at), header.size());
    asked = std::string_view(header).substr(at, end - at);
    while (asked.starts_with(' ')) asked.remove_prefix(1);
    while (asked.ends_with(' ')) asked.remove_suffix(1);
    if (asked.starts_with("W/")) asked.remove_prefix(2);
    if (asked == "*" || asked == tag) {
      call.response.status = 304;
      return true;
    }
    at = end + 1;
  }
  return false;
}

}  // namespace lienthong::agent
