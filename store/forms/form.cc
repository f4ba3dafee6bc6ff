#include "store/forms/form.h"

#include <algorithm>
#include <array>
#include <optional>

#include "protocol/base/check.h"
#include "store/office/calendar.h"

namespace lienthong::store {

// Made from conf/forms/ at build time.
extern const std::string_view kForms2018;
extern const std::string_view kForms2025;

namespace {

constexpr std::array<std::string_view, 7> kKindNames = {
    "receipt", "supplement", "refusal", "apology", "stop", "control", "register"};
constexpr std::array<std::string_view, 3> kLayoutNames = {"text", "printout", "secondary"};

template <class Enum, std::size_t N>
std::optional<Enum> find_name(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto at = std::ranges::find(names, name);
  if (at == names.end()) return std::nullopt;
  return static_cast<Enum>(at - names.begin());
}

// Cuts the first word off.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(line.find_first_not_of(' ', end), line.size()));
  return word;
}

class FormParser {
 public:
  Result<FormSet> run(std::string_view text);

 private:
  Error fail(std::string detail) const {
    return Error(Errc::kMalformed, "forms, line " + std::to_string(number_) + ": " + detail);
  }
  Result<void> line(std::string_view word, std::string_view rest);
  Result<void> of_form(std::string_view word, std::string_view rest);
  Result<void> begin_form(std::string_view rest);
  Result<void> add_item(std::vector<FormItem>& items, std::string_view rest);

  FormSet out_;
  std::size_t number_ = 0;
  bool headed_ = false;
};

Result<void> FormParser::begin_form(std::string_view rest) {
  FormDefinition form;
  form.number = take_word(rest);
  if (form.number.empty() || out_.find(form.number) != nullptr)
    return fail("a form needs a number of its own");
  const auto kind = find_name<FormKind>(kKindNames, rest);
  if (!kind) return fail("no kind of form is called \"" + std::string(rest) + "\"");
  if (out_.find(rest) != nullptr) return fail("a second form of one kind");
  form.kind = *kind;
  out_.forms.push_back(std::move(form));
  return {};
}

Result<void> FormParser::add_item(std::vector<FormItem>& items, std::string_view rest) {
  const std::string_view key = take_word(rest);
  if (rest.empty()) return fail("a key and a label are needed");
  if (std::ranges::find(items, key, &FormItem::key) != items.end())
    return fail("\"" + std::string(key) + "\" stands twice");
  items.push_back({std::string(key), std::string(rest)});
  return {};
}

Result<void> FormParser::of_form(std::string_view word, std::string_view rest) {
  if (out_.forms.empty()) return fail("\"" + std::string(word) + "\" before the first form");
  FormDefinition& form = out_.forms.back();
  if (word == "title") {
    form.title = rest;
  } else if (word == "paper") {
    if (rest != "A4" && rest != "A5") return fail("paper is A4 or A5");
    form.paper = rest;
  } else if (word == "layout") {
    const auto layout = find_name<FormLayout>(kLayoutNames, rest);
    if (!layout) return fail("a layout is text, printout or secondary");
    form.layout = *layout;
  } else if (word == "field") {
    return add_item(form.fields, rest);
  } else if (word == "column") {
    return add_item(form.columns, rest);
  } else if (word == "sign") {
    form.signatures.emplace_back(rest);
  } else {
    return fail("unknown word \"" + std::string(word) + "\"");
  }
  return {};
}

Result<void> FormParser::line(std::string_view word, std::string_view rest) {
  if (!headed_) {
    if (word != "lienthong" || rest != "forms 1") return fail("\"lienthong forms 1\" is missing");
    headed_ = true;
    return {};
  }
  if (rest.empty()) return fail("\"" + std::string(word) + "\" needs a value");
  if (word == "set") {
    out_.name = rest;
  } else if (word == "basis") {
    out_.basis = rest;
  } else if (word == "valid_from") {
    const auto day = parse_date(rest);
    if (!day) return fail("valid_from is a day, as 2025-09-15");
    out_.valid_from = midnight_of(*day);
  } else if (word == "form") {
    return begin_form(rest);
  } else {
    return of_form(word, rest);
  }
  return {};
}

Result<FormSet> FormParser::run(std::string_view text) {
  while (!text.empty()) {
    ++number_;
    const std::size_t end = text.find('\n');
    std::string_view rest = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (rest.empty() || rest.starts_with('#')) continue;
    const std::string_view word = take_word(rest);
    LT_TRY_VOID(line(word, rest));
  }
  if (out_.name.empty() || out_.basis.empty() || out_.valid_from == 0 || out_.forms.empty())
    return fail("a set has a name, a basis, a day from which it is valid, and forms");
  for (const FormDefinition& form : out_.forms)
    if (form.title.empty() || form.paper.empty() || form.fields.empty())
      return fail("form " + form.number + " needs a title, a paper and fields");
  return std::move(out_);
}

FormSet built_in(std::string_view text) {
  auto parsed = parse_form_set(text);
  LT_CHECK(parsed.ok());
  return *std::move(parsed);
}

}  // namespace

std::string_view to_string(FormKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

std::string_view to_string(FormLayout layout) {
  return kLayoutNames[static_cast<std::size_t>(layout)];
}

const FormDefinition* FormSet::find(std::string_view number_or_kind) const {
  const std::string padded = (number_or_kind.size() == 1 ? "0" : "") + std::string(number_or_kind);
  const auto at = std::ranges::find_if(forms, [&](const FormDefinition& form) {
    return form.number == padded || to_string(form.kind) == number_or_kind;
  });
  return at != forms.end() ? &*at : nullptr;
}

Result<FormSet> parse_form_set(std::string_view text) { return FormParser().run(text); }

std::span<const FormSet> form_sets() {
  static const std::vector<FormSet> sets = {built_in(kForms2018), built_in(kForms2025)};
  return sets;
}

const FormSet* find_form_set(std::string_view name) {
  const auto sets = form_sets();
  const auto at = std::ranges::find(sets, name, &FormSet::name);
  return at != sets.end() ? &*at : nullptr;
}

const FormSet& form_set_at(UnixMillis received_at) {
  const auto sets = form_sets();
  std::size_t chosen = 0;
  while (chosen + 1 < sets.size() && sets[chosen + 1].valid_from <= received_at) ++chosen;
  return sets[chosen];
}

}  // namespace lienthong::store
