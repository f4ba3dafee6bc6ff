#include "tools/lienthong/describe.h"

#include <string>
#include <vector>

namespace lienthong::tools {
namespace {

// The words of a list that a value is checked against: "TEXT:{vi,en}" of the parser.
std::vector<std::string> words_of(const std::string& type) {
  std::vector<std::string> out;
  const std::size_t begin = type.find(":{");
  const std::size_t end = type.rfind('}');
  if (begin == std::string::npos || end == std::string::npos) return out;
  std::string word;
  for (const char letter : type.substr(begin + 2, end - begin - 2)) {
    if (letter == ',') {
      out.push_back(std::move(word));
      word.clear();
    } else {
      word += letter;
    }
  }
  out.push_back(std::move(word));
  return out;
}

Json describe_option(const CLI::Option& option) {
  Json names = Json::array();
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  const bool is_argument = names.empty();
  const std::string type = option.get_type_name();
  const bool is_flag = option.get_items_expected_max() == 0;
  return Json{{"names", names},
              {"value", is_argument ? option.get_name(true)
                        : is_flag   ? std::string()
                                    : type.substr(0, type.find(':'))},
              {"words", words_of(type)},
              {"description", option.get_description()},
              {"required", option.get_required()},
              {"many", option.get_items_expected_max() > 1}};
}

void add_options(const CLI::App& app, Json& out) {
  for (const CLI::Option* option : app.get_options()) out.push_back(describe_option(*option));
  for (const CLI::App* group : app.get_subcommands([](const CLI::App* each) {
         return each->get_name().empty();  // a group of options, of which one is wanted
       }))
    add_options(*group, out);
}

}  // namespace

Json describe_verbs(const CLI::App& app) {
  Json options = Json::array();
  add_options(app, options);
  Json verbs = Json::array();
  for (const CLI::App* verb :
       app.get_subcommands([](const CLI::App* each) { return !each->get_name().empty(); }))
    verbs.push_back(describe_verbs(*verb));
  const std::string footer = app.get_footer();
  const std::size_t line = footer.find("\n  ");
  return Json{{"name", app.get_name()},
              {"description", app.get_description()},
              {"example", line == std::string::npos ? std::string() : footer.substr(line + 3)},
              {"options", options},
              {"verbs", verbs}};
}

}  // namespace lienthong::tools
