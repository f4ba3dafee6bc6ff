#include "protocol/record/branches.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

namespace lienthong::custody {
namespace {

// ---- what a branch holds ----

struct Moment {  // in the order of time as the updates tell it
  Hlc hlc;
  UpdateId id;
  auto operator<=>(const Moment&) const = default;
};

struct Signed {  // an act, as far as line 1 asks
  Index agency = 0;
  TreeVersion named = 0;
  auto operator<=>(const Signed&) const = default;
};

struct Word {  // a decision, as far as it is judged
  Index agency = 0;
  TreeVersion version = 0;  // that it is held to
  auto operator<=>(const Word&) const = default;
};

struct Succession {
  Index by = 0;
  TreeVersion named = 0;
  AgencyId of;
  auto operator<=>(const Succession&) const = default;
};

struct Earliest {  // link, of those by one agency
  Index agency = kNone;
  Moment moment;
};

// What is signed by a link and all that follows it.
struct Holdings {
  std::set<Signed> pairs;
  std::map<Word, std::vector<Index>> decisions;  // updates
  std::set<Succession> successions;
  Earliest first;   // link
  Earliest second;  // by another agency than `first`

  void add_link(const Earliest& link) {
    if (link.agency == first.agency) {
      first.moment = std::min(first.moment, link.moment);
    } else if (first.agency == kNone || link.moment < first.moment) {
      second = first;
      first = link;
    } else if (second.agency == kNone || link.moment < second.moment) {
      second = link;
    }
  }

  void add(const Judged& record, Index place) {
    const JudgedUpdate& judged = record.updates()[place];
    const GraphUpdate& update = *judged.update;
    const TreeVersion named = update.envelope.tree_version;
    const UpdateKind kind = update.open.kind;
    pairs.insert(Signed{judged.agency, named});
    if (is_decision(kind)) decisions[Word{judged.agency, version_of(update)}].push_back(place);
    if (kind == UpdateKind::kSucceed) {
      successions.insert(Succession{judged.agency, named, update.open.target});
    }
    if (is_link(kind)) add_link({judged.agency, Moment{update.envelope.hlc, update.id}});
  }

  // What is less is moved to what is more.
  void merge(Holdings&& other) {
    if (pairs.size() < other.pairs.size()) pairs.swap(other.pairs);
    pairs.merge(other.pairs);
    if (successions.size() < other.successions.size()) successions.swap(other.successions);
    successions.merge(other.successions);
    if (decisions.size() < other.decisions.size()) decisions.swap(other.decisions);
    for (auto& [word, from] : other.decisions) {
      std::vector<Index>& to = decisions[word];
      if (to.size() < from.size()) to.swap(from);
      to.insert(to.end(), from.begin(), from.end());
    }
    if (other.first.agency != kNone) add_link(other.first);
    if (other.second.agency != kNone) add_link(other.second);
  }

  bool signed_by(Index agency) const {
    const auto at = pairs.lower_bound(Signed{agency, 0});
    return at != pairs.end() && at->agency == agency;
  }

  // The earliest link by another agency than `first_signer`, else `first_link`.
  Moment taken_up(Index first_signer, const Moment& first_link) const {
    if (first.agency != first_signer) return first.moment;
    return second.agency != kNone ? second.moment : first_link;
  }
};

// ---- the tree under its newest version ----

class Walks {
 public:
  explicit Walks(const Judged& record)
      : tree_(record.tree()), version_(tree_.newest()), agencies_(record.agencies()) {}

  const AgencyId& id(Index agency) const { return agencies_[agency]; }

  // The walk up, the agency itself first.
  const std::vector<Index>& of(Index agency) {
    if (walks_.size() <= agency) walks_.resize(agencies_.size());
    if (walks_[agency].empty()) {
      std::vector<Index> walk{agency};
      for (const AgencyId& above : tree_.superiors(agencies_[agency], version_)) {
        walk.push_back(number(above));
      }
      if (walks_.size() < agencies_.size()) walks_.resize(agencies_.size());
      walks_[agency] = std::move(walk);
    }
    return walks_[agency];
  }

  // The lowest at or above all; kNone: there is none.
  Index common(const std::vector<Index>& agencies) {
    const std::vector<Index> line = of(agencies.at(0));
    std::unordered_map<Index, std::size_t> position;
    for (std::size_t i = 0; i < line.size(); ++i) position.emplace(line[i], i);
    std::size_t lowest = 0;
    for (const Index agency : agencies) {
      const std::vector<Index>& walk = of(agency);
      const auto meets = std::find_if(walk.begin(), walk.end(),
                                      [&](Index above) { return position.contains(above); });
      if (meets == walk.end()) return kNone;
      lowest = std::max(lowest, position.at(*meets));
    }
    return line[lowest];
  }

  // The part of the tree directly below `top` (kNone: the topmost agencies) that it lies in.
  Index part(Index agency, Index top) {
    const std::vector<Index>& walk = of(agency);
    const auto at = std::find(walk.begin(), walk.end(), top);
    return *std::prev(at);
  }

  AgencyId surviving(Index agency) const {
    return agency == kNone ? AgencyId{} : tree_.surviving(agencies_[agency], version_);
  }

 private:
  Index number(const AgencyId& id) {
    if (numbers_.empty()) {
      for (Index i = 0; i < agencies_.size(); ++i) numbers_.emplace(agencies_[i], i);
    }
    const auto [at, added] = numbers_.emplace(id, static_cast<Index>(agencies_.size()));
    if (added) agencies_.push_back(id);
    return at->second;
  }

  const TreeView& tree_;
  TreeVersion version_;
  std::vector<AgencyId> agencies_;  // the record's, and those above them
  std::unordered_map<AgencyId, Index> numbers_;
  std::vector<std::vector<Index>> walks_;
};

// ---- one fork ----

using Side = std::uint32_t;  // place of a branch in its fork

class ForkJudge {
 public:
  ForkJudge(const Judged& record, Walks& walks, const std::vector<Index>& successors,
            std::vector<const Holdings*> branches)
      : record_(record),
        tree_(record.tree()),
        walks_(walks),
        successors_(successors),
        branches_(std::move(branches)) {
    find_binding();
  }

  JudgedFork run() {
    std::vector<Side> left(branches_.size());
    for (Side i = 0; i < left.size(); ++i) left[i] = i;
    JudgedFork fork;
    const Index all = walks_.common(signers(left));
    fork.notary = walks_.surviving(all);
    fork.bound = !binding_.empty();
    fork.disputed = decided_by(fork.notary) > 1;
    using Line = std::vector<Side> (ForkJudge::*)(const std::vector<Side>&);
    static constexpr std::pair<ForkLine, Line> kLines[] = {
        {ForkLine::kDecided, &ForkJudge::decided},
        {ForkLine::kCommonSuperior, &ForkJudge::common_superior},
        {ForkLine::kParts, &ForkJudge::parts},
        {ForkLine::kTakenUp, &ForkJudge::taken_up}};
    for (const auto& [line, keep] : kLines) {
      fork.line = line;
      left = (this->*keep)(left);
      if (left.size() == 1) break;
    }
    fork.stands = successors_[left[0]];
    if (fork.line == ForkLine::kDecided) fork.decision = earliest_best(left[0]);
    return fork;
  }

  std::vector<std::vector<Index>> binding() const {
    std::vector<std::vector<Index>> out(branches_.size());
    for (const Binding& each : binding_) {
      out[each.branch].insert(out[each.branch].end(), each.decisions->begin(),
                              each.decisions->end());
    }
    return out;
  }

 private:
  struct Binding {
    Side branch = 0;
    Word word;
    const std::vector<Index>* decisions = nullptr;
    bool struck = false;  // each of them
  };

  std::vector<Index> signers(const std::vector<Side>& of) const {
    std::vector<Index> out;
    for (const Side i : of) {
      for (const Signed& pair : branches_[i]->pairs) out.push_back(pair.agency);
    }
    sort_unique(out);
    return out;
  }

  unsigned decided_by(const AgencyId& agency) const {
    unsigned count = 0;
    for (const Holdings* branch : branches_) {
      count += std::any_of(branch->decisions.begin(), branch->decisions.end(),
                           [&](const auto& it) { return walks_.id(it.first.agency) == agency; });
    }
    return count;
  }

  // ---- line 1 ----

  void find_binding() {
    std::map<Word, std::vector<Side>> words;
    for (Side i = 0; i < branches_.size(); ++i) {
      for (const auto& [word, decisions] : branches_[i]->decisions) words[word].push_back(i);
    }
    if (words.empty()) return;
    std::vector<std::pair<Signed, Side>> held;
    for (Side i = 0; i < branches_.size(); ++i) {
      for (const Signed& pair : branches_[i]->pairs) held.emplace_back(pair, i);
    }
    std::sort(held.begin(), held.end());
    for (const auto& [word, holders] : words) {
      const auto out_of_reach = branches_out_of_reach(word, held);
      if (!out_of_reach) continue;
      for (const Side i : holders) {
        if (*out_of_reach != kNone && *out_of_reach != i) continue;
        binding_.push_back({i, word, &branches_[i]->decisions.at(word), false});
      }
    }
  }

  // The one branch with acts that are not below the word's author; kNone: there is no such branch;
  // nullopt: more than one, or the author has no say at all.
  std::optional<Side> branches_out_of_reach(
      const Word& word, const std::vector<std::pair<Signed, Side>>& held) const {
    const AgencyId& author = walks_.id(word.agency);
    if (tree_.dissolved(author, word.version)) return std::nullopt;
    Side found = kNone;
    const Signed* last = nullptr;
    bool below = false;
    for (const auto& [pair, branch] : held) {
      if (branch == found) continue;
      if (last == nullptr || *last != pair) below = is_below(pair, word);
      last = &pair;
      if (below || succeeded_below(pair, word, *branches_[branch])) continue;
      if (found != kNone) return std::nullopt;
      found = branch;
    }
    return found;
  }

  bool is_below(const Signed& pair, const Word& word) const {
    const AgencyId& author = walks_.id(word.agency);
    const AgencyId& signer = walks_.id(pair.agency);
    if (tree_.above_or_equal(author, signer, word.version)) return true;
    // It says itself that it is below the author by now.
    return pair.named > word.version && !tree_.dissolved(author, pair.named) &&
           tree_.above_or_equal(author, signer, pair.named);
  }

  // Its branch succeeds, under a later tree, one that was below the author.
  bool succeeded_below(const Signed& pair, const Word& word, const Holdings& branch) const {
    return std::any_of(
        branch.successions.begin(), branch.successions.end(), [&](const Succession& s) {
          return s.named > word.version &&
                 tree_.above_or_equal(walks_.id(s.by), walks_.id(pair.agency), s.named) &&
                 tree_.above_or_equal(walks_.id(word.agency), s.of, word.version);
        });
  }

  std::pair<TreeVersion, int> rank(const Word& word) const {
    return {word.version, -static_cast<int>(tree_.level(walks_.id(word.agency), word.version))};
  }

  // A binding decision gives way to one of another branch that has it in its past.
  void strike() {
    const bool contested = std::any_of(binding_.begin(), binding_.end(), [&](const Binding& each) {
      return each.branch != binding_[0].branch;
    });
    if (!contested) return;
    std::vector<Index> branch_of(record_.updates().size(), kNone);
    for (const Binding& each : binding_) {
      for (const Index decision : *each.decisions) branch_of[decision] = each.branch;
    }
    struck_ = record_.graph().other_label_after(branch_of);
    for (Binding& each : binding_) {
      each.struck = std::all_of(each.decisions->begin(), each.decisions->end(),
                                [&](Index decision) { return struck_[decision]; });
    }
  }

  std::vector<Side> decided(const std::vector<Side>& left) {
    if (binding_.empty()) return left;
    strike();
    for (const Binding& each : binding_) {
      if (!each.struck && (!best_ || rank(each.word) > *best_)) best_ = rank(each.word);
    }
    std::vector<Side> out;
    for (const Binding& each : binding_) {
      if (!each.struck && rank(each.word) == *best_) out.push_back(each.branch);
    }
    sort_unique(out);
    return out;
  }

  Index earliest_best(Side branch) const {
    Index found = kNone;
    Moment moment;
    for (const Binding& each : binding_) {
      if (each.branch != branch || each.struck || rank(each.word) != *best_) continue;
      for (const Index decision : *each.decisions) {
        if (!struck_.empty() && struck_[decision]) continue;
        const GraphUpdate& update = *record_.updates()[decision].update;
        const Moment at{update.envelope.hlc, update.id};
        if (found != kNone && moment < at) continue;
        found = decision;
        moment = at;
      }
    }
    return found;
  }

  // ---- lines 2 to 4 ----

  std::vector<Side> common_superior(const std::vector<Side>& left) {
    top_ = walks_.common(signers(left));
    std::vector<Side> out;
    for (const Side i : left) {
      if (top_ != kNone && branches_[i]->signed_by(top_)) out.push_back(i);
    }
    return out.empty() ? left : out;
  }

  std::vector<Side> parts(const std::vector<Side>& left) {
    std::vector<Side> out;
    std::size_t most = 0;
    for (const Side i : left) {
      std::vector<Index> found;
      Index last = kNone;
      for (const Signed& pair : branches_[i]->pairs) {
        if (pair.agency != top_ && pair.agency != last) {
          found.push_back(walks_.part(pair.agency, top_));
        }
        last = pair.agency;
      }
      sort_unique(found);
      if (found.size() > most) out.clear();
      most = std::max(most, found.size());
      if (found.size() == most) out.push_back(i);
    }
    return out;
  }

  std::vector<Side> taken_up(const std::vector<Side>& left) {
    const auto moment = [&](Side i) {
      const LinkNode& link = record_.links()[successors_[i]];
      const GraphUpdate& first = record_.update_of(link);
      return branches_[i]->taken_up(link.agency, Moment{first.envelope.hlc, first.id});
    };
    return {*std::min_element(left.begin(), left.end(),
                              [&](Side a, Side b) { return moment(a) < moment(b); })};
  }

  const Judged& record_;
  const TreeView& tree_;
  Walks& walks_;
  const std::vector<Index>& successors_;
  std::vector<const Holdings*> branches_;
  std::vector<Binding> binding_;
  std::vector<bool> struck_;  // by update; empty: none
  std::optional<std::pair<TreeVersion, int>> best_;
  Index top_ = kNone;  // of the branches that line 2 was handed
};

// Decides every fork, those behind it first, since what is signed behind an inner fork is signed
// behind each outer one.
std::map<Index, JudgedFork> decide_all(const Judged& record) {
  const std::vector<LinkNode>& links = record.links();
  std::map<Index, JudgedFork> decided;
  Walks walks(record);
  std::vector<Holdings> behind(links.size());
  for (auto i = static_cast<Index>(links.size()); i-- > 0;) {
    const LinkNode& link = links[i];
    if (!link.in_force) continue;
    Holdings& all = behind[i];
    if (link.next.size() > 1) {
      std::vector<const Holdings*> branches;
      for (const Index next : link.next) branches.push_back(&behind[next]);
      decided.emplace(i, ForkJudge(record, walks, link.next, std::move(branches)).run());
    }
    for (const Index next : link.next) {
      all.merge(std::move(behind[next]));
      behind[next] = Holdings{};
    }
    all.add(record, link.update);
    for (const Index update : link.under) all.add(record, update);
  }
  return decided;
}

}  // namespace

Chain find_chain(const Judged& record) {
  Chain chain;
  const std::vector<LinkNode>& links = record.links();
  if (!links[0].in_force) return chain;
  if (std::any_of(links.begin(), links.end(),
                  [](const LinkNode& link) { return link.in_force && link.next.size() > 1; })) {
    chain.decided = decide_all(record);
  }
  Index at = 0;
  for (;;) {
    chain.links.push_back(at);
    const std::vector<Index>& next = links[at].next;
    if (next.empty()) return chain;
    if (next.size() > 1) chain.forks.push_back(at);
    at = next.size() == 1 ? next[0] : chain.decided.at(at).stands;
  }
}

std::vector<Index> acts_of(const Judged& record, Index link) {
  std::vector<Index> acts;
  std::vector<Index> ahead{link};
  while (!ahead.empty()) {
    const LinkNode& at = record.links()[ahead.back()];
    ahead.pop_back();
    ahead.insert(ahead.end(), at.next.begin(), at.next.end());
    acts.push_back(at.update);
    acts.insert(acts.end(), at.under.begin(), at.under.end());
  }
  std::sort(acts.begin(), acts.end());
  return acts;
}

std::vector<std::vector<Index>> binding_decisions(const Judged& record, Index link) {
  const std::vector<Index>& next = record.links()[link].next;
  std::vector<Holdings> holdings(next.size());
  std::vector<const Holdings*> branches;
  for (std::size_t i = 0; i < next.size(); ++i) {
    for (const Index act : acts_of(record, next[i])) holdings[i].add(record, act);
    branches.push_back(&holdings[i]);
  }
  Walks walks(record);
  return ForkJudge(record, walks, next, std::move(branches)).binding();
}

}  // namespace lienthong::custody
