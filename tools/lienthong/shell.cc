#include "tools/lienthong/shell.h"

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

#include "tools/lienthong/explain.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr auto kPollPause = std::chrono::milliseconds(200);

// Codes of the agencies that have not acknowledged the dossier's last change: of the one it is
// going to where that is a neighbour, else of the next on the way to whose turn it is, else of all.
std::vector<std::string> not_acknowledged(const Json& why, const std::string& to) {
  const Json& hops = list_of(why, "hops");
  const auto is_target = [&to](const Json& hop) { return text_of(hop, "agency") == to; };
  const auto is_next = [](const Json& hop) { return hop.value("towards_turn", false); };
  const bool has_target = std::ranges::any_of(hops, is_target);
  const bool has_next = std::ranges::any_of(hops, is_next);
  std::vector<std::string> open;
  for (const Json& hop : hops) {
    const bool concerned = has_target ? is_target(hop) : !has_next || is_next(hop);
    if (concerned && text_of(hop, "state") != "acknowledged") {
      open.push_back(text_of(hop, "agency"));
    }
  }
  return open;
}

// Terminal echo off while a passphrase is typed.
class Silence {
 public:
  Silence() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~Silence() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

std::string ask(const char* question) {
  std::cerr << question << std::flush;
  std::string answer;
  {
    const Silence silence;
    std::getline(std::cin, answer);
  }
  std::cerr << '\n';
  return answer;
}

}  // namespace

void Wait::add_to(CLI::App& verb) {
  verb.add_flag("--wait", wanted, tr("return only when the neighbour concerned has acknowledged"));
  verb.add_option("--timeout", timeout, tr("how long to wait at most, such as 30s or 5m"));
}

CLI::App* add_verb(CLI::App& parent, const char* name, const char* description,
                   const char* example) {
  CLI::App* verb = parent.add_subcommand(name, tr(description));
  verb->fallthrough();
  verb->get_help_ptr()->group(tr("Options"));
  verb->footer(std::string(tr("Example:")) + "\n  " + tr(example));
  return verb;
}

// Ten years, as the API takes them.
constexpr std::int64_t kDurationMax = 10LL * 366 * 24 * 3600;

std::chrono::seconds parse_duration(const std::string& text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  const std::int64_t factor = unit.empty() || unit == "s" ? 1
                              : unit == "m"               ? 60
                              : unit == "h"               ? 3600
                              : unit == "d"               ? 86400
                                                          : 0;
  if (error != std::errc{} || factor == 0 || number < 0 || number > kDurationMax / factor) {
    throw Failure(kUsage, format("'{}' is not a duration such as 30s, 15m, 4h or 2d", text));
  }
  return std::chrono::seconds(number * factor);
}

void wait_until_acknowledged(const Client& client, const std::string& code, const std::string& to,
                             std::chrono::seconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const Json why = client.get("/v1/dossiers/" + encode(code) + "/why");
    const std::vector<std::string> open = not_acknowledged(why, to);
    if (open.empty()) return;
    if (std::chrono::steady_clock::now() >= deadline) {
      throw Failure(kFailed,
                    format("kept here, but {} has not acknowledged it within {} s; it goes "
                           "on by itself, see: lienthong why {}",
                           fmt::format("{}", fmt::join(open, ", ")), timeout.count(), code));
    }
    std::this_thread::sleep_for(kPollPause);
  }
}

int run_operation(const Shell& shell, const Json& operation, const Wait& wait,
                  const char* done_message) {
  const auto timeout = parse_duration(wait.timeout);
  const Client client = shell.client();
  Json result = client.operate(operation);
  const std::string code = text_of(result, "code");
  std::string failed;
  if (wait.wanted) {
    try {
      wait_until_acknowledged(client, code, text_of(operation, "to"), timeout);
    } catch (const Failure& failure) {
      failed = failure.what();
    }
    result["acknowledged"] = failed.empty();
  }
  if (shell.json) {
    result.erase("line");
    print_json(result);
  } else {
    print_line(code + ": " + tr(done_message) +
               (result.value("repeated", false) ? std::string(" ") + tr("(known already)") : ""));
    print_warnings(result);
  }
  if (!failed.empty()) throw Failure(kFailed, failed);
  return kDone;
}

// "status=processing", "applicant.name=Lò Thị Hoa", "fees=[…]" into one object. Text that begins
// with a bracket is JSON, as is "copies:=2"; everything else is text.
Json read_fields(const std::vector<std::string>& words) {
  Json fields = Json::object();
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Failure(kUsage, format("'{}' is not FIELD=VALUE", word));
    }
    std::string name = word.substr(0, equals);
    const std::string text = word.substr(equals + 1);
    const bool as_json = name.ends_with(':') || text.starts_with('[') || text.starts_with('{');
    if (name.ends_with(':')) name.pop_back();
    Json value = as_json ? Json::parse(text, nullptr, false) : Json(text);
    if (value.is_discarded()) throw Failure(kUsage, format("the value of '{}' is not JSON", name));
    Json* place = &fields;
    std::size_t begin = 0;
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', begin)) {
      place = &(*place)[name.substr(begin, dot - begin)];
      begin = dot + 1;
    }
    (*place)[name.substr(begin)] = std::move(value);
  }
  return fields;
}

std::string read_file(const std::string& path) {
  if (path == "-") {
    return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw Failure(kFailed, format("cannot read {}", path));
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::string read_passphrase(const std::string& file, bool confirm) {
  std::string passphrase;
  if (!file.empty()) {
    passphrase = read_file(file);
    if (passphrase.ends_with('\n')) passphrase.pop_back();
    if (passphrase.ends_with('\r')) passphrase.pop_back();
  } else if (isatty(STDIN_FILENO) != 0) {
    passphrase = ask(tr("Passphrase of the root key: "));
    if (confirm && ask(tr("The same again: ")) != passphrase) {
      throw Failure(kFailed, tr("the two passphrases differ"));
    }
  } else {
    throw Failure(kUsage, tr("no terminal to ask for the passphrase; name --passphrase-file FILE"));
  }
  if (passphrase.empty()) throw Failure(kFailed, tr("the passphrase is empty"));
  return passphrase;
}

CLI::Validator kind_of_agency() {
  constexpr std::size_t kSizeMax = 32;
  return CLI::Validator(
      [](std::string& kind) -> std::string {
        const bool plain = std::ranges::all_of(kind, [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        });
        if (plain && !kind.empty() && kind.size() <= kSizeMax) return {};
        return tr("a kind of agency is a word of a to z, 0 to 9 and -, such as department");
      },
      "KIND");
}

}  // namespace lienthong::tools
