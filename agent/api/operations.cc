// POST /v1/operations: lines of operations, many to a commit, each refused by itself; or all or
// none.
#include <future>
#include <map>
#include <memory>
#include <utility>

#include "agent/api/routes.h"
#include "agent/json/clock.h"
#include "agent/json/needs.h"
#include "agent/json/operation.h"
#include "protocol/base/check.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using store::Operation;
using store::OperationResult;

constexpr std::size_t kGroupLineCountMax = 500;

struct Line {
  std::size_t number = 0;  // of the body, from 1
  std::string_view text;
};

struct Answer {
  std::size_t number = 0;
  std::optional<Operation> operation;
  std::optional<OperationResult> result;
  std::optional<Error> error;
  std::string place;
};

struct Options {
  bool atomic = false;
  bool dry_run = false;  // only say what each line would come to
  bool derive_keys = false;
  bool accept_clock = false;
  std::string key;       // Idempotency-Key
  std::string revision;  // If-Match
  texts::Language language = texts::Language::kEnglish;
};

// Lines that are not blank; a byte order mark in front is passed over.
std::vector<Line> split(std::string_view body) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  std::vector<Line> lines;
  for (std::size_t number = 1; !body.empty(); ++number) {
    const std::size_t end = body.find('\n');
    const std::string_view text = body.substr(0, end);
    body = end == std::string_view::npos ? std::string_view() : body.substr(end + 1);
    if (text.find_first_not_of(" \t\r") != std::string_view::npos) lines.push_back({number, text});
  }
  return lines;
}

class Batch {
 public:
  Batch(ApiContext& api, std::string body, Options options, Caller caller)
      : api_(api),
        body_(std::move(body)),
        options_(std::move(options)),
        caller_(std::move(caller)),
        lines_(split(body_)) {}

  std::size_t size() const { return lines_.size(); }
  // Of a body of one line: that the key or the revision does not fit.
  bool key_conflict() const { return key_conflict_; }
  bool changed_since() const { return changed_since_; }
  bool finished() const { return next_ == lines_.size() && ahead_.empty(); }
  // Takes the next lines and commits them together, each by itself refused or taken.
  std::vector<json> apply_group();
  std::vector<json> apply_all();
  // What apply_group() of all lines would say; nothing is written.
  std::vector<json> try_all();

 private:
  Answer parse(const Line& line, const ParseContext& context);
  std::vector<Answer> parse_next(std::size_t count);
  Result<void> write(std::vector<Answer>& answers);
  json answer_json(const Answer& answer) const;
  std::vector<json> answers_json(const std::vector<Answer>& answers);

  ApiContext& api_;
  std::string body_;
  Options options_;
  Caller caller_;
  std::vector<Line> lines_;
  std::size_t next_ = 0;
  std::vector<Answer> ahead_;  // read, not written yet
  bool key_conflict_ = false, changed_since_ = false;
  std::map<Bytes, std::size_t> seen_;  // hash of a line without key → how many there were
};

Answer Batch::parse(const Line& line, const ParseContext& context) {
  Answer out;
  out.number = line.number;
  auto parsed = parse_line(line.text);
  if (!parsed.ok()) {
    out.error = parsed.error();
    return out;
  }
  const auto op = parsed->find("op");
  const bool named = op != parsed->end() && op->is_string();
  const Role role = role_for_operation(named ? op->get<std::string>() : "");
  if (!caller_.roles.has(role)) {
    out.error = lacks_role(caller_, role);
    out.place = "op";
    return out;
  }
  auto operation = parse_operation(*parsed, context, out.place);
  if (!operation.ok()) {
    out.error = operation.error();
    return out;
  }
  if (const auto enough = check_needs(*operation, api_.config.needs); !enough.ok()) {
    out.error = enough.error();
    return out;
  }
  operation->account = caller_.account;
  operation->accept_clock = operation->accept_clock || options_.accept_clock;
  if (operation->revision.empty()) operation->revision = options_.revision;
  const RootFingerprint& root = context.registry->root();
  if (operation->key_hash.empty() && !options_.key.empty())
    operation->key_hash = store::idempotency_hash(root, options_.key);
  if (operation->key_hash.empty() && options_.derive_keys) {
    const std::size_t occurrence = ++seen_[store::idempotency_hash(root, derived_key(*parsed, 0))];
    operation->key_hash = store::idempotency_hash(root, derived_key(*parsed, occurrence));
    operation->key_is_content = true;
  }
  out.operation = *std::move(operation);
  return out;
}

std::vector<Answer> Batch::parse_next(std::size_t count) {
  const ParseContext context{api_.replica().registry(), api_.replica().identity().agency};
  std::vector<Answer> answers;
  for (; count != 0 && next_ != lines_.size(); --count)
    answers.push_back(parse(lines_[next_++], context));
  return answers;
}

json Batch::answer_json(const Answer& answer) const {
  json out = {{"line", answer.number}, {"ok", !answer.error}};
  if (answer.error) {
    std::string place = "line " + std::to_string(answer.number);
    if (!answer.place.empty()) place += ", field " + answer.place;
    out["error"] = error_json(to_string(answer.error->code()), answer.error->detail(), place,
                              options_.language);
  } else if (answer.result) {
    // A dry run gives no numbers: they would be others when it is done.
    if (!options_.dry_run || answer.result->repeated) {
      out["code"] = answer.result->code;
      out["record"] = answer.result->record.hex();
      out["update"] = answer.result->update.hex();
      out["revision"] = answer.result->revision;
    }
    out["repeated"] = answer.result->repeated;
    for (const store::Warning& warning : answer.result->warnings)
      out["warnings"].push_back(warning_json(warning));
  } else {
    out["ok"] = false;
    out["error"] = error_json("not-applied", "another line was refused, so nothing was written",
                              "line " + std::to_string(answer.number), options_.language);
  }
  return out;
}

std::vector<json> Batch::answers_json(const std::vector<Answer>& answers) {
  const Answer& only = answers.front();
  key_conflict_ = lines_.size() == 1 && only.operation && !only.operation->key_hash.empty() &&
                  !only.operation->key_is_content && only.error &&
                  only.error->code() == Errc::kConflict;
  changed_since_ = lines_.size() == 1 && only.error && only.error->code() == Errc::kConflict &&
                   only.error->detail().find(store::kChangedSince) != std::string::npos;
  std::vector<json> out;
  out.reserve(answers.size());
  for (const Answer& answer : answers) out.push_back(answer_json(answer));
  return out;
}

// Reads the lines that come next while the writer is at work.
Result<void> Batch::write(std::vector<Answer>& answers) {
  const auto job = [&](store::Transaction& transaction) -> Result<void> {
    for (Answer& answer : answers) {
      if (!answer.operation) continue;
      transaction.savepoint();
      auto result = apply_operation(transaction, *answer.operation, api_.calendar());
      if (result.ok()) {
        answer.result = *std::move(result);
      } else {
        transaction.rollback();
        answer.error = result.error();
      }
    }
    return {};
  };
  if (next_ == lines_.size()) return api_.engine.write(job);
  auto written = std::async(std::launch::async, [&] { return api_.engine.write(job); });
  ahead_ = parse_next(kGroupLineCountMax);
  return written.get();
}

std::vector<json> Batch::apply_group() {
  std::vector<Answer> answers =
      ahead_.empty() ? parse_next(kGroupLineCountMax) : std::exchange(ahead_, {});
  const auto written = write(answers);
  if (!written.ok())
    for (Answer& answer : answers)
      if (!answer.error) answer.error = written.error();
  return answers_json(answers);
}

std::vector<json> Batch::apply_all() {
  std::vector<Answer> answers = parse_next(lines_.size());
  for (const Answer& answer : answers)
    if (answer.error) return answers_json(answers);
  bool refused = false;
  const auto written = api_.engine.write([&](store::Transaction& transaction) -> Result<void> {
    for (Answer& answer : answers) {
      auto result = apply_operation(transaction, *answer.operation, api_.calendar());
      if (!result.ok()) {
        answer.error = result.error();
        refused = true;
        return result.error();
      }
      answer.result = *std::move(result);
    }
    return {};
  });
  if (written.ok()) return answers_json(answers);
  for (Answer& answer : answers) {
    answer.result.reset();
    if (!refused) answer.error = written.error();
  }
  return answers_json(answers);
}

// The job fails in the end, so that its transaction forgets all of it. An operation that is refused
// rarely has written anything by then; where it has, those before it are done once more.
std::vector<json> Batch::try_all() {
  std::vector<Answer> answers = parse_next(lines_.size());
  const Error forget(Errc::kClosed, "dry run");
  const auto written = api_.engine.write([&](store::Transaction& transaction) -> Result<void> {
    const std::size_t begin = transaction.entered().size();
    for (auto answer = answers.begin(); answer != answers.end(); ++answer) {
      if (!answer->operation) continue;
      const std::size_t before = transaction.entered().size();
      auto result = apply_operation(transaction, *answer->operation, api_.calendar());
      if (result.ok()) {
        answer->result = *std::move(result);
        continue;
      }
      answer->error = result.error();
      if (transaction.entered().size() == before) continue;
      transaction.rollback();
      LT_CHECK(transaction.entered().size() == begin);
      for (auto again = answers.begin(); again != answer; ++again)
        if (again->result) (void)apply_operation(transaction, *again->operation, api_.calendar());
    }
    return forget;
  });
  if (!written.ok() && written.error().code() != forget.code())
    for (Answer& answer : answers)
      if (!answer.error) answer.error = written.error();
  return answers_json(answers);
}

std::string to_lines(const std::vector<json>& values) {
  std::string text;
  for (const json& value : values) {
    text += value.dump(-1, ' ', false, json::error_handler_t::replace);
    text += '\n';
  }
  return text;
}

}  // namespace

void post_operations(ApiCall& call) {
  if (const auto& never = call.api.engine.refusal())
    return send_error(call.response, 503, to_string(never->code()), never->detail());
  Options options;
  options.atomic = query_flag(call.request, "atomic");
  options.dry_run = query_flag(call.request, "dry_run");
  options.derive_keys = query_flag(call.request, "derive_keys");
  options.accept_clock = query_flag(call.request, "accept_clock");
  options.language = language_of(call.response);
  options.key = call.request.get_header_value("Idempotency-Key");
  if (options.key.size() > kKeyBytesMax)
    return send_error(call.response, 413, "too-large", "the Idempotency-Key is too long");
  // As GET gave it in ETag, with its quotes or without.
  options.revision = call.request.get_header_value("If-Match");
  std::erase(options.revision, '"');
  if (options.revision == "*") options.revision.clear();
  const bool has_key = !options.key.empty();
  const bool has_revision = !options.revision.empty();
  const bool atomic = options.atomic, dry_run = options.dry_run;
  const auto batch = std::make_shared<Batch>(call.api, call.body, std::move(options), call.caller);
  if (batch->size() == 0)
    return send_error(call.response, 400, "invalid-argument",
                      "the body has no operations: one JSON object a line");
  if (has_key && batch->size() > 1)
    return send_error(call.response, 400, "invalid-argument",
                      "an Idempotency-Key is for one line; give each line its own \"key\"");
  if (has_revision && batch->size() > 1)
    return send_error(call.response, 400, "invalid-argument",
                      "If-Match is for one line; give each line its own \"revision\"");
  if (atomic || dry_run || batch->size() <= kGroupLineCountMax) {
    const auto answers = dry_run  ? batch->try_all()
                         : atomic ? batch->apply_all()
                                  : batch->apply_group();
    call.response.set_content(to_lines(answers), kLinesType);
    if (batch->key_conflict()) call.response.status = 409;
    if (batch->changed_since()) call.response.status = has_revision ? 412 : 409;
    return;
  }
  const ApiContext* api = &call.api;
  call.response.set_chunked_content_provider(
      kLinesType, [api, batch](std::size_t, httplib::DataSink& sink) {
        return write_guarded(*api, [&] {
          if (batch->finished()) {
            sink.done();
            return true;
          }
          if (api->stopping) return false;
          const std::string text = to_lines(batch->apply_group());
          return sink.write(text.data(), text.size());
        });
      });
}

}  // namespace lienthong::agent
