// top: a live screen of links, lanes, backlog and what waits.
#include <algorithm>
#include <ctime>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/live_screen.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr int kRefreshMillis = 2'000;
constexpr int kListsEvery = 5;  // refreshes
constexpr const char* kCountMax = "100";
constexpr const char* kSoonSeconds = "259200";  // three days
constexpr int kEscape = 27;
constexpr std::size_t kWidthMin = 40;

struct Row {  // of a list, about one dossier
  std::string code, text;
};
struct TopData {
  Json status, check;
  std::vector<Row> mine, theirs, late, soon;
  std::string failure;  // why there is nothing newer
};

std::string count_text(const std::vector<Row>& rows) {
  return std::to_string(rows.size()) + (std::to_string(rows.size()) == kCountMax ? "+" : "");
}

std::vector<Row> handoffs(const Client& client, const char* direction) {
  std::vector<Row> out;
  client.lines("/v1/handoffs", {{"pending", "1"}, {"direction", direction}, {"limit", kCountMax}},
               [&](const std::string& line) {
                 const Json one = Json::parse(line, nullptr, false);
                 if (!one.is_object()) return;
                 const bool in = std::string_view(direction) == "in";
                 out.push_back({text_of(one, "code"), show_age(number_of(one, "age_seconds")) +
                                                          " " + text_of(one, in ? "from" : "to")});
               });
  return out;
}

std::vector<Row> dossiers(const Client& client, const Query& query) {
  std::vector<Row> out;
  Query all = query;
  all.emplace_back("limit", kCountMax);
  client.lines("/v1/dossiers", all, [&](const std::string& line) {
    const Json one = Json::parse(line, nullptr, false);
    if (one.is_object()) out.push_back({text_of(one, "code"), show_time(text_of(one, "due_at"))});
  });
  return out;
}

void refresh(const Client& client, TopData& data, bool lists) {
  try {
    data.status = client.get("/v1/status");
    data.check = client.get("/v1/check");
    if (lists) {
      data.mine = handoffs(client, "in");
      data.theirs = handoffs(client, "out");
      data.late = dossiers(client, {{"late", "1"}});
      data.soon = dossiers(client, {{"due_within", kSoonSeconds}});
      std::erase_if(data.soon, [&data](const Row& row) {  // what is late is due, too
        return std::any_of(data.late.begin(), data.late.end(),
                           [&row](const Row& late) { return late.code == row.code; });
      });
    }
    data.failure.clear();
  } catch (const Failure& failure) {
    data.failure = failure.what();
  }
}

// ---- drawing ----

std::string check_line(const Json& check) {
  std::string out;
  for (const Json& message : list_of(check, "messages"))
    out += (out.empty() ? "" : ", ") + text_of(message, "code");
  return out.empty() ? tr("nothing is wrong") : out;
}

std::string lanes_line(const Json& budget) {
  const std::int64_t bound = number_of(budget, "bytes_per_day");
  const std::string spent = show_bytes(number_of(budget, "spent_bytes"));
  std::string out = bound == 0 ? spent : format("{} of {}", spent, show_bytes(bound));
  const Json& lanes = list_of(budget, "spent_bytes_by_lane");
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    const bool closed = std::ranges::any_of(list_of(budget, "closed_lanes"), [&](const Json& one) {
      return number_of(one, "lane") == static_cast<std::int64_t>(lane);
    });
    out += fmt::format("  {}{} {}", lane, closed ? "✗" : "",
                       show_bytes(lanes[lane].get<std::int64_t>()));
  }
  return out;
}

class Painter {
 public:
  Painter(Screen& screen, const TopData& data, std::size_t chosen)
      : screen_(screen), data_(data), chosen_(chosen) {}

  void paint() {
    head();
    const std::size_t row = neighbours(5);
    const std::size_t half = screen_.columns() / 2, last = screen_.rows() - 1;
    const std::size_t height = last > row ? (last - row) / 2 : 0;
    std::size_t index = 0;
    list(row, 0, height, tr("For this office to answer"), data_.mine, index);
    list(row, half, height, tr("For others to answer"), data_.theirs, index);
    list(row + height, 0, height, tr("Late"), data_.late, index);
    list(row + height, half, height, tr("Due within three days"), data_.soon, index);
    screen_.put(last, 0, tr("q quit  ↑↓ choose  w why  p peers  s dial now"), Style::kDim);
  }
  // Of the row that is chosen; empty: none is.
  const std::string& code() const { return code_; }
  std::size_t shown_rows() const { return shown_rows_; }

 private:
  void head() {
    const Json& status = data_.status;
    std::time_t now = std::time(nullptr);
    char text[6] = "";
    std::tm local{};
    if (::localtime_r(&now, &local) != nullptr) std::strftime(text, sizeof text, "%H:%M", &local);
    screen_.put(0, 0,
                "lienthong  " + text_of(status, "agency") + " " + text_of(status, "agency_name"),
                Style::kBold);
    screen_.put(0, screen_.columns() - 6, std::string(" ") + text);
    const std::int64_t state = number_of(data_.check, "state");
    if (!data_.failure.empty())
      screen_.put(1, 0, shorten(data_.failure, screen_.columns() - 1), Style::kInverse);
    else
      screen_.put(1, 0, shorten(check_line(data_.check), screen_.columns() - 1),
                  state > 0 ? Style::kInverse : Style::kPlain);
    const auto number = [&status](const char* name) {
      return std::to_string(number_of(status, name));
    };
    screen_.put(2, 0,
                format("dossiers {}  only here {}  waiting {}  without effect {}  refused {}",
                       number("records"), number("only_here"), number("waiting"), number("inert"),
                       number("refused")));
    if (!status.is_object()) return;  // it has never answered
    if (const Json budget = status.value("budget", Json()); budget.is_object())
      screen_.put(3, 0, std::string(tr("lanes today")) + "  " + lanes_line(budget));
  }

  // The row after them.
  std::size_t neighbours(std::size_t row) {
    const std::size_t begin[] = {0, 16, 28, 39, 50, 61};
    const char* heads[] = {tr("NEIGHBOUR"), tr("STATE"),  tr("ROUND TRIP"),
                           tr("TO SEND"),   tr("TO GET"), tr("LAST CONTACT")};
    for (std::size_t i = 0; i < 6; ++i) screen_.put(row, begin[i], heads[i], Style::kBold);
    const Json& all = list_of(data_.status, "neighbours");
    const std::size_t room = std::max<std::size_t>(3, screen_.rows() / 4);
    std::size_t count = 0;
    for (const Json& one : all) {
      if (++count > room || (count == room && all.size() > room)) {
        screen_.put(++row, 0, format("and {} more", all.size() - count + 1));
        break;
      }
      const bool up = text_of(one, "state") == "connected";
      const auto rtt = one.find("rtt");
      const std::string trip = rtt != one.end() && rtt->is_number()
                                   ? fmt::format("{:.0f} ms", rtt->get<double>() * 1000)
                                   : "–";
      const auto waits = [&one](const char* name) {
        return std::to_string(number_of(one.value(name, Json::object()), "updates"));
      };
      ++row;
      const std::string cells[] = {text_of(one, "agency"),
                                   state_name(text_of(one, "state")),
                                   trip,
                                   waits("pending_out"),
                                   waits("pending_in"),
                                   show_time(text_of(one, "last_contact"))};
      for (std::size_t i = 0; i < 6; ++i) {
        const std::size_t width = (i < 5 ? begin[i + 1] : screen_.columns()) - begin[i] - 1;
        screen_.put(row, begin[i], shorten(cells[i], width - 1),
                    up ? Style::kPlain : Style::kInverse);
      }
    }
    return row + 2;
  }

  void list(std::size_t row, std::size_t column, std::size_t height, const char* title,
            const std::vector<Row>& rows, std::size_t& index) {
    if (height == 0) return;
    const std::size_t width = screen_.columns() / 2 - 2;
    screen_.put(row, column, fmt::format("{} ({})", title, count_text(rows)), Style::kBold);
    for (std::size_t i = 0; i < rows.size() && i + 1 < height; ++i, ++index) {
      const bool chosen = index == chosen_;
      if (chosen) code_ = rows[i].code;
      screen_.put(row + 1 + i, column, shorten(rows[i].code + "  " + rows[i].text, width),
                  chosen ? Style::kInverse : Style::kPlain);
    }
    shown_rows_ = index;
  }

  Screen& screen_;
  const TopData& data_;
  std::size_t chosen_;
  std::string code_;
  std::size_t shown_rows_ = 0;
};

void paint_lines(Screen& screen, const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < lines.size() && i + 1 < screen.rows(); ++i)
    screen.put(i, 0, shorten(lines[i], screen.columns() - 1));
}

// A screen as large as the terminal is now.
void fit(Screen& screen) {
  std::size_t rows = 0, columns = 0;
  Terminal::size(rows, columns);
  columns = std::max(columns, kWidthMin);
  if (rows != screen.rows() || columns != screen.columns()) screen = Screen(rows, columns);
  screen.clear();
}

std::vector<std::string> printed(const std::function<int()>& print) {
  try {
    return captured([&print] { (void)print(); });
  } catch (const Failure& failure) {
    return {failure.what()};
  }
}

int top(const Shell& shell) {
  const Terminal terminal;
  const Client client = shell.client();
  Screen screen(0, 0);
  TopData data;
  std::size_t chosen = 0;
  std::function<int()> page;  // shown instead; empty: none
  for (int round = 0;;) {
    if (!page) refresh(client, data, round++ % kListsEvery == 0);
    for (int key = -1; key != 0;) {  // keys are answered without asking the agent again
      fit(screen);
      std::string code;
      std::size_t count = 0;
      if (page) {
        paint_lines(screen, printed(page));
        screen.put(screen.rows() - 1, 0, tr("q back"), Style::kDim);
      } else {
        Painter painter(screen, data, chosen);
        painter.paint();
        code = painter.code();
        count = painter.shown_rows();
      }
      Terminal::send(screen.flush());
      key = Terminal::key(kRefreshMillis);
      if (key == Terminal::kEnd) return kDone;
      if (key == 'q' || key == kEscape) {
        if (!page) return kDone;
        page = nullptr;
      }
      if (key == 'p') page = [&shell] { return show_peers(shell); };
      if (key == 'w' && !code.empty()) page = [&shell, code] { return show_why(shell, code); };
      if (key == 's')
        (void)printed([&client] {
          (void)client.post("/v1/sync");
          return 0;
        });
      if ((key == Terminal::kDown || key == 'j') && chosen + 1 < count) ++chosen;
      if ((key == Terminal::kUp || key == 'k') && chosen > 0) --chosen;
      if (key == 'l' - 'a' + 1) screen.forget();  // Ctrl-L
    }
  }
}

}  // namespace

void add_top(CLI::App& app, Shell& shell) {
  add_verb(app, "top", "a live screen of links, lanes, backlog, and what waits or is late",
           "lienthong top")
      ->callback([&shell] { shell.run = [&shell] { return top(shell); }; });
}

}  // namespace lienthong::tools
