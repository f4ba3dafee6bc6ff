#include "tests/unit/golden_world.h"

#include <algorithm>

#include "protocol/base/check.h"

namespace lienthong::golden {
namespace {

constexpr std::uint64_t kSeed = 20'250'701;

OpenBody body_of(UpdateKind kind) {
  OpenBody open;
  open.kind = kind;
  return open;
}

FieldWrite write_of(Field field, FieldValue value) {
  return {static_cast<std::uint16_t>(field), std::move(value)};
}

OpenBody set_of(std::vector<FieldWrite> writes, std::string action = "process") {
  OpenBody open = body_of(UpdateKind::kSet);
  open.writes = std::move(writes);
  open.action = std::move(action);
  return open;
}

ClosedBody note_of(std::string note) {
  ClosedBody closed;
  closed.officer = "Võ Thị Hoa";
  closed.note = std::move(note);
  return closed;
}

}  // namespace

World::World() : deployment(kSeed), neighbour(kSeed + 1) {
  declare();
  procedure();
  birth();
  other_kinds();
  fork_decided();
  forks_undecided();
  without_right();
  beyond_cuts();
  statements_before = deployment.statements().size();
  updates_before = updates.size();
  reform();
  succession();
  later_rules();
  accounts();
  two_tiers();
}

const Update& World::update(const UpdateId& id) const {
  const auto found = std::ranges::find(updates, id, &Written::id);
  LT_CHECK(found != updates.end());
  return found->update;
}

// ---- the registry ----

void World::declare() {
  province = deployment.add_agency({}, "H47", "Tỉnh Quảng Nam", "province");
  p = &deployment.add_node(province, true);
  district = deployment.add_agency(province, "H47.518", "Huyện Phú Ninh", "district");
  d = &deployment.add_node(district, true);
  commune = deployment.add_agency(district, "H47.518.20374", "Xã Tam Đàn", "commune");
  c = &deployment.add_node(commune);
  twin = &deployment.add_node(commune);
  other = deployment.add_agency(district, "H47.518.20395", "Xã Tam Lãnh", "commune");
  o = &deployment.add_node(other);
  third = deployment.add_agency(district, "H47.518.20398", "Xã Tam Thái", "commune");
  t = &deployment.add_node(third);
  // A slip of the pen, taken back.
  mistake = deployment.add_agency(district, "H47.518.20473", "Xã Tam Đàn", "commune");
  Withdrawal back;
  back.agency = mistake;
  back.reason = "nhầm mã";
  back.decided_at = deployment.tick();
  deployment.add(d->say(root(), back));
}

// 1 July 2025: there are no districts any more, communes were joined. A machine was lost before.
void World::reform() {
  TreeChange change = deployment.tree_change({{commune, Rename{"", "Xã Chiên Đàn"}},
                                              {commune, Reparent{province}},
                                              {other, Rename{"H47.20395", "Xã Phú Ninh"}},
                                              {other, Reparent{province}},
                                              {third, Dissolve{{commune}}},
                                              {district, Dissolve{{commune, other}}}});
  change.decided_at = 1'751'302'800'000;  // 2025-06-30T17:00:00Z
  change.note = "Nghị quyết 76/2025/UBTVQH15";
  deployment.add(deployment.by_root(change));

  // What the dissolved commune's machine seals beyond its second seal is held to that.
  Closing closing;
  closing.node = t->id();
  closing.version = 1;
  closing.cuts = {{t->incarnation, t->number, t->last_seal, {}}};
  closing.decided_at = deployment.tick();
  closing.tree_version = 1;
  deployment.add(p->say(root(), closing));

  // The lost machine: what is within, and of that what is not.
  Revocation lost;
  lost.node = twin->id();
  lost.cuts = {{twin->incarnation, 3, {}, {{1, 1, {}}}}};
  lost.reason = "mất máy";
  lost.decided_at = deployment.tick();
  lost.tree_version = 1;
  lost.stretch = {0, twin->incarnation};
  const StatementId revoked = deployment.add(p->say(root(), lost));
  // The same once more, for the rest of its incarnations, by one who knew the first.
  Revocation rest = lost;
  rest.cuts.clear();
  rest.stretch = {twin->incarnation + 1, UINT64_MAX};
  rest.after = {revoked};
  deployment.add(p->say(root(), rest));
  // Of the number used twice the one seal, and an exception of several numbers.
  Revocation moved = lost;
  const auto second_seal = std::ranges::find(seals, "twin.2", &Sealed::name);
  LT_CHECK(second_seal != seals.end());
  moved.cuts = {{twin->incarnation,
                 9,
                 {},
                 {{1, 1, {}}, {2, 2, seal_id(root(), second_seal->unit.seal)}, {4, 7, {}}}}};
  moved.after = {revoked};
  deployment.add(p->say(root(), moved));

  Certificate renewed = deployment.certificate(commune, *c);
  renewed.replaces = c->certificate;
  renewed.thousand = 3;
  renewed.may_issue = true;
  deployment.add(p->say(root(), renewed));

  // The province next to it began apart; now both are one.
  const AgencyId city = neighbour.add_agency({}, "H17", "Thành phố Đà Nẵng", "province");
  (void)neighbour.add_node(city, true);
  deployment.learn(deployment.adopts(neighbour, province), neighbour);

  // Both keys are replaced, each by a word of its own.
  SigningKey in_use(deployment.entropy().array<32>()), paper(deployment.entropy().array<32>());
  TreeChange keys = deployment.tree_change({});
  keys.key_on_paper = paper.public_key();
  keys.note = "thay khóa giấy";
  deployment.add(deployment.by_paper(keys));
  keys = deployment.tree_change({});
  keys.key_in_use = in_use.public_key();
  keys.note = "thay khóa đang dùng";
  deployment.add(deployment.by_root(keys));
  now_ = 1'751'331'600'000;  // 2025-07-01T01:00:00Z
}

// ---- records ----

void World::birth() {
  Paper& paper = begin("birth", *c, RecordKind::kDossier, "H47.518.20374-230403-0001");
  seal("birth.1", *c);
  OpenBody open =
      set_of({write_of(Field::kStatus, std::int64_t{2}), write_of(Field::kUnit, std::monostate())},
             "assign");
  open.at = now_ / 1000 * 1000;
  ClosedBody closed = note_of("Giao cán bộ tư pháp - hộ tịch");
  closed.action = "Phân công";
  closed.key_hash = Bytes(16, 0x47);
  write(paper, "set", *c, open, closed);
  open = body_of(UpdateKind::kOffer);
  open.target = district;
  open.urgent = true;
  const UpdateId offer = write(paper, "offer", *c, open);
  open = body_of(UpdateKind::kRecallRequest);
  open.references = {offer};
  write(paper, "recall-request", *c, open);
  seal("birth.2", *c);
  write(paper, "accept", *d, UpdateKind::kAccept);
  open = body_of(UpdateKind::kConsult);
  open.target = other;
  open.deadline = now_ + 3 * 86'400'000LL;
  const UpdateId consult = write(paper, "consult", *d, open, note_of("Xin ý kiến"));
  write(paper, "share", *d, UpdateKind::kShare, third);
  seal("birth.3", *d);
  open = body_of(UpdateKind::kReply);
  open.references = {consult};
  Place at;
  at.link = consult;
  write(paper, "reply", *o, open, note_of("Đúng nơi thường trú"), at);
  seal("birth.4", *o);
  open = body_of(UpdateKind::kNote);
  open.action = "remind";
  write(paper, "note", *c, open, note_of("Sắp đến hạn"));
  seal("birth.5", *c);
  write(paper, "inspect", *p, UpdateKind::kInspect);
  seal("birth.6", *p);
  write(paper, "offer-back", *d, UpdateKind::kOffer, commune);
  seal("birth.7", *d);
  write(paper, "decline", *c, UpdateKind::kDecline);
  seal("birth.8", *c);
  write(paper, "reclaim", *p, UpdateKind::kReclaim);
  write(paper, "offer-home", *p, UpdateKind::kOffer, commune);
  seal("birth.9", *p);
  write(paper, "accept-home", *c, UpdateKind::kAccept);
  write(paper, "done", *c, set_of({write_of(Field::kStatus, std::int64_t{9})}, "approve"));
  open = body_of(UpdateKind::kErase);
  open.decision = "15/QĐ-UBND";
  write(paper, "erase", *c, open);
  seal("birth.10", *c);
}

// Two machines of one office hand the same dossier to two others; the district says which stands,
// and the holder takes over what was written in the other.
void World::fork_decided() {
  Paper& paper = begin("fork", *c, RecordKind::kDossier, "H47.518.20374-230403-0002");
  seal("fork.1", *c);
  const UpdateId created = *paper.link;
  const UpdateId taken = hand_over(paper, "one", *c, *o);
  Place beside;
  beside.deps = {{created}};
  beside.link = created;
  const UpdateId lost = hand_over(paper, "two", *twin, *t, beside);
  Place in_lost;
  in_lost.deps = {{lost}};
  in_lost.link = lost;
  const UpdateId aside =
      write(paper, "aside", *t, set_of({write_of(Field::kStep, std::int64_t{2})}), {}, in_lost);
  for (const auto& [name, node] : {std::pair{"fork.2", c}, {"fork.3", o}, {"twin.1", twin}})
    seal(name, *node);
  seal("fork.4", *t);
  OpenBody open = body_of(UpdateKind::kUphold);
  open.decision = "12/QĐ-UBND";
  Place all;
  all.deps = {{taken, aside}};
  all.link = taken;
  std::ranges::sort(*all.deps);
  write(paper, "uphold", *d, open, {}, all);
  seal("fork.5", *d);
  open = body_of(UpdateKind::kAdopt);
  open.references = {aside};
  open.writes = {write_of(Field::kStep, std::int64_t{2})};
  Place after;
  after.link = taken;
  write(paper, "adopt", *o, open, {}, after);
  seal("fork.6", *o);
}

// Forks that no decision settles, one for each further line by which a branch stands.
void World::forks_undecided() {
  const auto both = [&](const std::string& name, auto one, auto two) {
    Paper& paper = begin(name, *c, RecordKind::kDossier,
                         "H47.518.20374-230404-000" + std::to_string(records.size()));
    Place at;
    at.deps = {{*paper.link}};
    at.link = paper.link;
    one(paper, at);
    two(paper, at);
  };
  const auto to_third = [&](Paper& paper, const Place& at) {
    hand_over(paper, "two", *twin, *t, at);
  };
  both(
      "fork-superior", [&](Paper& paper, const Place& at) { hand_over(paper, "one", *c, *d, at); },
      to_third);
  both(
      "fork-parts",
      [&](Paper& paper, Place at) {
        at.link = hand_over(paper, "one", *c, *o, at);
        at.deps = {{*at.link}};
        hand_over(paper, "further", *o, *t, at);
      },
      to_third);
  both(
      "fork-taken-up", [&](Paper& paper, const Place& at) { hand_over(paper, "one", *c, *o, at); },
      to_third);
  seal("forks.1", *c);
  seal("forks.2", *o);
  seal("forks.3", *d);
  seal("forks.4", *t);
  seal("twin.2", *twin);
}

void World::procedure() {
  Paper& procedure = begin("procedure", *p, RecordKind::kProcedure, "1.001193");
  write(procedure, "set", *p,
        set_of({write_of(Field::kSuccessor, std::string("1.004884"))}, "publish"));
  seal("kinds.1", *p);
}

void World::other_kinds() {
  Paper& feedback = begin("feedback", *c, RecordKind::kFeedback, "H47.518.20374-PA-230403-0001");
  write(feedback, "set", *c, set_of({write_of(Field::kStatus, std::int64_t{4})}, "receive"));
  Paper& document = begin("document", *c, RecordKind::kDocument, "20374-VB-DEN-2023-000125");
  write(document, "offer", *c, UpdateKind::kOffer, district);
  seal("kinds.2", *c);
  Paper& leg = begin("leg", *d, RecordKind::kLeg, "H47.518.20374-230403-0001/1",
                     std::ranges::find(records, "birth", &Paper::name)->id);
  write(leg, "offer", *d, UpdateKind::kOffer, other);
  seal("kinds.3", *d);
  write(leg, "accept", *o, UpdateKind::kAccept);
  write(leg, "set", *o, set_of({write_of(Field::kResultNumber, std::string("57/2023"))}, "verify"),
        note_of("Đã xác minh"));
  seal("kinds.4", *o);
}

// Each has no right, and stays without.
void World::without_right() {
  Paper& paper = begin("inert", *c, RecordKind::kDossier, "H47.518.20374-230403-0003");
  const UpdateId created = *paper.link;
  Place root_of;
  root_of.link = created;
  write(paper, "not-its-turn", *o, UpdateKind::kAccept, {}, root_of);
  write(paper, "not-in-audience", *o, UpdateKind::kNote, {}, root_of);
  // What it follows is there, but no link.
  const UpdateId note = write(paper, "note", *c, UpdateKind::kNote, {}, root_of);
  Place on_note;
  on_note.link = note;
  write(paper, "bad-link", *c, UpdateKind::kSet, {}, on_note);
  paper.link = created;
  seal("inert.1", *c);
  seal("inert.2", *o);
}

// By the machine that is lost later and by the office that is dissolved later: some within the
// cuts, some beyond.
void World::beyond_cuts() {
  Paper& lost = begin("lost", *twin, RecordKind::kDossier, "H47.518.20374-230405-0001");
  seal("twin.3", *twin);
  write(lost, "set-beyond", *twin, UpdateKind::kSet);
  seal("twin.4", *twin);
  begin("closed", *t, RecordKind::kDossier, "H47.518.20398-230405-0001");
  seal("closed.1", *t);
}

// Under the tree of 2025.
void World::succession() {
  Paper& closed = *std::ranges::find(records, "closed", &Paper::name);
  Place old;
  old.tree = 0;
  write(closed, "set-beyond", *t, set_of({write_of(Field::kStep, std::int64_t{2})}), {}, old);
  seal("closed.2", *t);
  write(closed, "dissolved", *t, UpdateKind::kSet);
  seal("closed.3", *t);
  write(closed, "succeed", *c, UpdateKind::kSucceed, third);
  Place older;
  older.tree = 0;
  older.link = closed.link;
  write(closed, "tree-older-than-link", *c, UpdateKind::kSet, {}, older);
  seal("succession.1", *c);
}

// As a program with later rules would write: the record is kept and passed on, and waits.
void World::later_rules() {
  Paper& paper = begin("later", *o, RecordKind::kDossier, "H47.20395-250701-0001");
  Place later;
  later.rules = kRulesVersion + 1;
  write(paper, "unknown-kind", *o, body_of(static_cast<UpdateKind>(999)), {}, later);
  seal("later.1", *o);
}

// Closed parts that say by whose account of the author's machine they came, alone and beside words.
void World::accounts() {
  Paper& paper = begin("account", *o, RecordKind::kDossier, "H47.20395-250701-0002");
  ClosedBody closed;
  closed.account = "hanh";
  write(paper, "alone", *o, body_of(UpdateKind::kNote), closed);
  closed = note_of("Đã gọi điện cho công dân");
  closed.account = "token portal";
  write(paper, "with-words", *o, body_of(UpdateKind::kNote), closed);
  seal("account.1", *o);
}

// Who helped to hand it in, what another system calls it, and a table of days off.
void World::two_tiers() {
  Paper& paper = begin("two-tiers", *o, RecordKind::kDossier, "H47.20395-260608-0001");
  write(paper, "support", *o, set_of({write_of(Field::kSupportAgency, to_bytes(commune.view()))}),
        {}, {});
  OpenBody code = body_of(UpdateKind::kNote);
  code.action = "code-add";
  code.official_code = "H47.001.02-260608-090123";
  code.code_system = "Bộ Nội vụ";
  write(paper, "code", *o, code, note_of("Đã nhập vào hệ thống của Bộ"), {});
  code.action = "code-withdraw";
  code.code_withdrawn = true;
  write(paper, "code-back", *o, code, {}, {});
  Paper& table = begin("calendar", *o, RecordKind::kProcedure, "calendar");
  write(table, "days", *o,
        set_of(
            {write_of(Field::kCalendar, std::string("besides\t2026\ndate\tkind\tname\tsource\n"
                                                    "2026-12-07\tswapped\thoán đổi\tCông văn\n"))}),
        {}, {});
  seal("two-tiers.1", *o);
}

// ---- the pen ----

Paper& World::begin(std::string name, test::TestNode& by, RecordKind kind, std::string code,
                    RecordId lead) {
  Paper& paper = records.emplace_back(Paper{std::move(name)});
  paper.secret = deployment.entropy().array<16>();
  Named about{by.agency, district, {}, std::move(code)};
  for (const Paper& one : records)
    if (one.name == "procedure") about.procedure = one.id;
  OpenBody open = body_of(UpdateKind::kCreated);
  open.record_kind = kind;
  open.writes = all_writes(kind, Part::kOpen, about);
  open.lead = lead;
  if (kind == RecordKind::kLeg) open.deadline = now_ + 2 * 86'400'000LL;
  open.action = kind == RecordKind::kProcedure ? "publish" : "receive";
  open.at = now_ / 60'000 * 60'000;
  std::optional<ClosedBody> closed;
  if (kind != RecordKind::kProcedure) {
    closed = note_of("");
    closed->writes = all_writes(kind, Part::kClosed, about);
    for (const FieldWrite& one : closed->writes) open.closed_fields.push_back(one.field);
  }
  write(paper, "created", by, open, closed);
  return paper;
}

UpdateId World::write(Paper& paper, const std::string& name, test::TestNode& by,
                      const OpenBody& open, const std::optional<ClosedBody>& closed,
                      const Place& place) {
  Written& written = updates.emplace_back();
  written.name = paper.name + '.' + name;
  Update& update = written.update;
  const bool first = open.kind == UpdateKind::kCreated;
  update.envelope.record = paper.id;
  update.envelope.certificate = by.certificate;
  update.envelope.tree_version = place.tree.value_or(deployment.registry()->newest());
  update.envelope.rules_version = place.rules;
  update.envelope.hlc = Hlc::at(now_, static_cast<std::uint16_t>(updates.size() % 3));
  now_ += 420'000;
  if (!first) {
    update.envelope.deps = place.deps.value_or(paper.heads);
    update.envelope.link = place.link ? place.link : paper.link;
  }
  update.open = wire::encode(open);
  if (closed) {
    update.closed = wire::encode(*closed);
    update.closed_hash =
        closed_part_hash(root(), paper.secret, encode_envelope(update.envelope), update.closed);
    if (first) update.secret = paper.secret;
  }
  const UpdateId id = written.id = update_id(root(), update);
  if (first) paper.id = id_cast<RecordId>(id);
  std::erase_if(paper.heads, [&](const UpdateId& head) {
    return std::ranges::find(update.envelope.deps, head) != update.envelope.deps.end();
  });
  paper.heads.insert(std::ranges::upper_bound(paper.heads, id), id);
  if (is_link(open.kind)) paper.link = id;
  paper.updates.push_back(id);
  unsealed_[by.id()].push_back(id);
  LT_CHECK(check_form(update).ok());
  return id;
}

UpdateId World::write(Paper& paper, const std::string& name, test::TestNode& by, UpdateKind kind,
                      const AgencyId& target, const Place& place) {
  OpenBody open = body_of(kind);
  open.target = target;
  return write(paper, name, by, open, {}, place);
}

UpdateId World::hand_over(Paper& paper, const std::string& name, test::TestNode& from,
                          test::TestNode& to, Place place) {
  const UpdateId offer = write(paper, name + ".offer", from, UpdateKind::kOffer, to.agency, place);
  place.deps = {{offer}};
  place.link = offer;
  return write(paper, name + ".accept", to, UpdateKind::kAccept, {}, place);
}

void World::seal(const std::string& name, test::TestNode& by) {
  Sealed& made = seals.emplace_back();
  made.name = name;
  made.ids = std::exchange(unsealed_[by.id()], {});
  LT_CHECK(!made.ids.empty());
  std::vector<Hash256> leaves;
  for (const UpdateId& id : made.ids) {
    made.unit.leaves.push_back({static_cast<std::uint16_t>(leaves.size()), update(id)});
    leaves.push_back(id_cast<Hash256>(id));
  }
  made.unit.seal = by.seal(root(), leaves);
}

}  // namespace lienthong::golden
