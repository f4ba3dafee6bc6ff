// Printed forms of the one-stop desk: which there are, by set and number, and a page of one with
// its values. The definitions are data (conf/forms/, built into the program), because titles and
// numbers change by decree: TT 01/2018/TT-VPCP numbers 01 to 06, TT 03/2025/TT-VPCP 01 to 07.
// A value that is not known is empty and printed as "…"; nothing is made up.
// Pure; any thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/instant.h"
#include "protocol/base/result.h"

namespace lienthong::store {

enum class FormKind : std::uint8_t {
  kReceipt,
  kSupplement,
  kRefusal,
  kApology,
  kStop,
  kControl,
  kRegister,
};
std::string_view to_string(FormKind kind);  // "receipt", …, as in the data

enum class FormLayout : std::uint8_t {  // where the layout is known from
  kText,                                // the circular
  kPrintout,                            // printouts of systems in use
  kSecondary,                           // neither: to be checked
};
std::string_view to_string(FormLayout layout);

struct FormItem {
  std::string key, label;
};

struct FormDefinition {
  std::string number;  // "01"
  FormKind kind = FormKind::kReceipt;
  std::string title;
  std::string paper;  // "A5", "A4"
  FormLayout layout = FormLayout::kSecondary;
  std::vector<FormItem> fields, columns;
  std::vector<std::string> signatures;
};

struct FormSet {
  std::string name;           // "2018"
  std::string basis;          // the circular
  UnixMillis valid_from = 0;  // first moment of the first day
  std::vector<FormDefinition> forms;

  // By number ("5" and "05") or by kind ("control"); null: the set has none.
  const FormDefinition* find(std::string_view number_or_kind) const;
};

// Fails: kMalformed, naming the line; a set without forms, a number or key twice, a word that is
// none.
Result<FormSet> parse_form_set(std::string_view text);

// Those of the program, by the day from which they are valid.
std::span<const FormSet> form_sets();
const FormSet* find_form_set(std::string_view name);
// The set that a dossier received then goes by; earlier than the first: the first.
const FormSet& form_set_at(UnixMillis received_at);

struct FormPage {
  std::string set, basis;
  FormDefinition form;
  std::vector<std::string> values;             // one for each field; empty: not known
  std::vector<std::vector<std::string>> rows;  // one cell for each column
  std::vector<std::string> notes;              // printed under the form
};

// Pages whose rows are made when they are asked for, one after the other, so that a long register
// is never held whole.
class FormPages {
 public:
  using Visit = std::function<bool(const std::vector<std::string>& cells)>;

  virtual ~FormPages() = default;
  virtual std::size_t size() const = 0;
  virtual const FormPage& page(std::size_t index) const = 0;  // its rows are not in it
  // Stops when `visit` answers false. The same rows each time, as far as nothing changes meanwhile.
  virtual void for_each_row(std::size_t index, const Visit& visit) const = 0;
};

}  // namespace lienthong::store
