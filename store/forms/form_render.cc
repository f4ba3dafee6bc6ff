#include "store/forms/form_render.h"

#include <algorithm>
#include <numeric>

#include "protocol/base/csv.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kLineColumns = 100;
constexpr std::size_t kCellColumnsMin = 12;  // narrower, and each row becomes a block of lines
constexpr std::string_view kUnknown = "…";

using Cells = std::vector<std::string>;

// Text is NFC, so a code point is a column.
std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string_view shown(std::string_view value) { return value.empty() ? kUnknown : value; }

// The bytes of the first `count` code points.
std::size_t bytes_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) continue;
    if (count-- == 0) break;
  }
  return at;
}

// At blanks; a word that is wider than the line is cut.
std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  std::size_t used = 0;
  const auto new_line = [&] {
    lines.emplace_back();
    used = 0;
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n\r\t"), text.size());
    std::string_view word = text.substr(0, end);
    if (used != 0 && used + 1 + columns(word) > width) new_line();
    if (used != 0 && !word.empty()) {
      lines.back() += ' ';
      ++used;
    }
    while (columns(word) > width) {
      const std::size_t cut = bytes_of(word, width);
      lines.back() += word.substr(0, cut);
      word.remove_prefix(cut);
      new_line();
    }
    lines.back() += word;
    used += columns(word);
    if (end < text.size() && text[end] == '\n') new_line();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string centred(std::string_view text) {
  const std::size_t width = columns(text);
  return std::string(width < kLineColumns ? (kLineColumns - width) / 2 : 0, ' ') +
         std::string(text) + "\n";
}

// As wide as their content where all fit, else the widest give way; empty: they cannot all fit.
std::vector<std::size_t> column_widths(const FormPages& pages, std::size_t index) {
  std::vector<std::size_t> widths;
  for (const FormItem& column : pages.page(index).form.columns)
    widths.push_back(columns(column.label));
  pages.for_each_row(index, [&widths](const Cells& row) {
    for (std::size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], columns(shown(row[i])));
    return true;
  });
  const std::size_t room = kLineColumns - std::min(kLineColumns, 3 * widths.size() + 1);
  while (std::accumulate(widths.begin(), widths.end(), std::size_t{0}) > room) {
    const auto widest = std::ranges::max_element(widths);
    if (*widest <= kCellColumnsMin) return {};
    --*widest;
  }
  return widths;
}

void put_cells(std::string& out, const Cells& cells, const std::vector<std::size_t>& widths) {
  std::vector<std::vector<std::string>> wrapped;
  std::size_t height = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    wrapped.push_back(wrap(cells[i], widths[i]));
    height = std::max(height, wrapped.back().size());
  }
  for (std::size_t line = 0; line < height; ++line) {
    for (std::size_t i = 0; i < wrapped.size(); ++i) {
      const std::string text = line < wrapped[i].size() ? wrapped[i][line] : "";
      out += "| " + text + std::string(widths[i] - std::min(widths[i], columns(text)), ' ') + ' ';
    }
    out += "|\n";
  }
}

void put_rule(std::string& out, const std::vector<std::size_t>& widths) {
  for (const std::size_t width : widths) out += "+" + std::string(width + 2, '-');
  out += "+\n";
}

// A row of a table that is too wide for a sheet of text: a block of lines.
std::string block_of(const FormPage& page, const Cells& row) {
  constexpr std::size_t kIndent = 4;
  std::string out;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string line = page.form.columns[i].label + ": " + std::string(shown(row[i]));
    std::size_t indent = i == 0 ? 0 : kIndent;
    for (const std::string& part : wrap(line, kLineColumns - 2 * kIndent)) {
      out += std::string(indent, ' ') + part + "\n";
      indent = 2 * kIndent;
    }
  }
  return out += "\n";
}

void put_table(const FormPages& pages, std::size_t index, const PutText& put) {
  const FormPage& page = pages.page(index);
  const auto widths = column_widths(pages, index);
  if (widths.empty())
    return pages.for_each_row(index, [&](const Cells& row) { return put(block_of(page, row)); });
  std::string out;
  Cells heads;
  for (const FormItem& column : page.form.columns) heads.push_back(column.label);
  put_rule(out, widths);
  put_cells(out, heads, widths);
  put_rule(out, widths);
  put(out);
  bool any = false;
  pages.for_each_row(index, [&](const Cells& row) {
    any = true;
    Cells cells;
    for (const std::string& cell : row) cells.emplace_back(shown(cell));
    out.clear();
    put_cells(out, cells, widths);
    put_rule(out, widths);
    return put(out);
  });
  if (!any) put("(không có dòng nào)\n");
}

std::string number_line(const FormPage& page) {
  return "Mẫu số " + page.form.number + " – " + page.basis;
}

void put_signatures(std::string& out, const FormPage& page) {
  const std::size_t count = page.form.signatures.size();
  if (count == 0) return;
  const std::size_t room = kLineColumns / count;
  std::string names, remarks;
  const auto put = [room](std::string& line, std::string_view text) {
    const std::size_t width = columns(text), left = width < room ? (room - width) / 2 : 0;
    line += std::string(left, ' ') + std::string(text);
    line += std::string(room - std::min(room, left + width), ' ');
  };
  for (const std::string& name : page.form.signatures) {
    put(names, name);
    put(remarks, "(ký, ghi rõ họ tên)");
  }
  out += "\n" + names + "\n" + remarks + "\n\n\n";
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

void put_html(const FormPages& pages, std::size_t index, const PutText& put) {
  const FormPage& page = pages.page(index);
  std::string out = "<section>\n<p class=\"number\">" + escaped(number_line(page)) + "</p>\n<h1>" +
                    escaped(page.form.title) + "</h1>\n<table class=\"lines\">\n";
  for (std::size_t i = 0; i < page.values.size(); ++i)
    out += "<tr><th>" + escaped(page.form.fields[i].label) + "</th><td>" +
           escaped(shown(page.values[i])) + "</td></tr>\n";
  out += "</table>\n";
  if (!page.form.columns.empty()) {
    out += "<table class=\"rows\">\n<thead><tr>";
    for (const FormItem& column : page.form.columns)
      out += "<th>" + escaped(column.label) + "</th>";
    put(out + "</tr></thead>\n<tbody>\n");
    pages.for_each_row(index, [&put](const Cells& row) {
      std::string line = "<tr>";
      for (const std::string& cell : row) line += "<td>" + escaped(shown(cell)) + "</td>";
      return put(line + "</tr>\n");
    });
    out = "</tbody>\n</table>\n";
  }
  if (!page.form.signatures.empty()) {
    out += "<table class=\"sign\"><tr>";
    for (const std::string& name : page.form.signatures)
      out += "<td>" + escaped(name) + "<br><i>(ký, ghi rõ họ tên)</i></td>";
    out += "</tr></table>\n";
  }
  for (const std::string& note : page.notes) out += "<p class=\"note\">" + escaped(note) + "</p>\n";
  put(out + "</section>\n");
}

constexpr std::string_view kStyle =
    "body{font-family:\"Times New Roman\",serif;font-size:12pt;margin:0}\n"
    "section{page-break-after:always}section:last-child{page-break-after:auto}\n"
    "h1{font-size:14pt;text-align:center}.number{text-align:right;font-style:italic;margin:0}\n"
    "table{width:100%;border-collapse:collapse;margin-top:2mm}\n"
    ".lines th{text-align:left;font-weight:normal;width:40%;vertical-align:top}\n"
    ".rows th,.rows td{border:1px solid #000;padding:1mm;font-size:10pt;vertical-align:top}\n"
    ".rows thead{display:table-header-group}\n"
    ".sign td{text-align:center;vertical-align:top;height:25mm;width:50%}\n"
    ".note{font-size:9pt;font-style:italic}\n";

// Pages that are there, rows and all.
class WholePages final : public FormPages {
 public:
  explicit WholePages(std::span<const FormPage> pages) : pages_(pages) {}
  std::size_t size() const override { return pages_.size(); }
  const FormPage& page(std::size_t index) const override { return pages_[index]; }
  void for_each_row(std::size_t index, const Visit& visit) const override {
    for (const Cells& row : pages_[index].rows)
      if (!visit(row)) return;
  }

 private:
  std::span<const FormPage> pages_;
};

using Render = void (*)(const FormPages&, const PutText&);
std::string whole(std::span<const FormPage> pages, Render render) {
  std::string out;
  render(WholePages(pages), [&out](std::string_view text) {
    out += text;
    return true;
  });
  return out;
}

}  // namespace

void render_text(const FormPages& pages, const PutText& put) {
  for (std::size_t index = 0; index < pages.size(); ++index) {
    const FormPage& page = pages.page(index);
    std::string out = index != 0 ? "\f\n" : "";
    out += number_line(page) + "\n\n" + centred(page.form.title) + "\n";
    for (std::size_t i = 0; i < page.values.size(); ++i) {
      const std::string line =
          page.form.fields[i].label + ": " + std::string(shown(page.values[i]));
      for (const std::string& part : wrap(line, kLineColumns)) out += part + "\n";
    }
    if (!page.form.columns.empty()) {
      put(out + "\n");
      put_table(pages, index, put);
      out.clear();
    }
    put_signatures(out, page);
    for (const std::string& note : page.notes)
      for (const std::string& part : wrap("* " + note, kLineColumns)) out += part + "\n";
    put(out);
  }
}

void render_html(const FormPages& pages, const PutText& put) {
  const std::string paper = pages.size() == 0 ? "A4" : pages.page(0).form.paper;
  const bool landscape = paper == "A4";
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"vi\">\n<head>\n<meta charset=\"utf-8\">\n<title>";
  out += escaped(pages.size() == 0 ? "" : pages.page(0).form.title);
  put(out + "</title>\n<style>\n@page{size:" + paper + (landscape ? " landscape" : "") +
      ";margin:10mm}\n" + std::string(kStyle) + "</style>\n</head>\n<body>\n");
  for (std::size_t index = 0; index < pages.size(); ++index) put_html(pages, index, put);
  put("</body>\n</html>\n");
}

void render_csv(const FormPages& pages, const PutText& put) {
  if (pages.size() == 0) return;
  const FormDefinition& form = pages.page(0).form;
  Cells heads = {"Mẫu số"};
  for (const FormItem& field : form.fields) heads.push_back(field.label);
  for (const FormItem& column : form.columns) heads.push_back(column.label);
  put(csv_row(heads));
  for (std::size_t index = 0; index < pages.size(); ++index) {
    const FormPage& page = pages.page(index);
    Cells front = {page.form.number};
    front.insert(front.end(), page.values.begin(), page.values.end());
    bool any = false;
    const auto put_row = [&](const Cells& row) {
      any = true;
      Cells line = front;
      line.insert(line.end(), row.begin(), row.end());
      return put(csv_row(line));
    };
    pages.for_each_row(index, put_row);
    if (!any) put_row(Cells(form.columns.size()));
  }
}

std::string render_text(std::span<const FormPage> pages) { return whole(pages, render_text); }
std::string render_html(std::span<const FormPage> pages) { return whole(pages, render_html); }
std::string render_csv(std::span<const FormPage> pages) { return whole(pages, render_csv); }

}  // namespace lienthong::store
