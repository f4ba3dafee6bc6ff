// What was found to be broken, by kind: each kind is counted, and of each a few are told, so that
// no kind hides another.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace lienthong::sim {

class Findings {
 public:
  template <class... Parts>
  void add(const std::string& kind, const Parts&... parts) {
    Kind& found = kinds_[kind];
    if (++found.count <= kToldOfEach) found.told.push_back((std::string() + ... + parts));
  }
  bool empty() const { return kinds_.empty(); }
  // One for each kind: "kind (how many): one; another; a third".
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const auto& [kind, found] : kinds_) {
      std::string line = kind + " (" + std::to_string(found.count) + ")";
      for (std::size_t i = 0; i < found.told.size(); ++i)
        line += (i == 0 ? ": " : "; ") + found.told[i];
      out.push_back(std::move(line));
    }
    return out;
  }

 private:
  static constexpr std::size_t kToldOfEach = 3;
  struct Kind {
    std::size_t count = 0;
    std::vector<std::string> told;
  };
  std::map<std::string, Kind> kinds_;
};

}  // namespace lienthong::sim
