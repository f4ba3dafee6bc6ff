// Publishing procedures: versions that everybody goes by. Domain "Procedure versions".
#include <algorithm>
#include <cctype>

#include "store/desk/application.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kCodeBytesMax = 64;

bool is_plain(std::string_view code) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  };
  return !code.empty() && code.size() <= kCodeBytesMax && std::ranges::all_of(code, plain);
}

}  // namespace

std::vector<Procedure> Application::versions_of(std::string_view code) const {
  std::vector<Procedure> out;
  const auto add = [&](std::string_view named) {
    for (const RecordId& id : transaction_.find_code(named)) {
      const auto entry = transaction_.find_record(id);
      auto version = entry ? read_procedure(entry->state) : std::nullopt;
      if (version) out.push_back(*std::move(version));
    }
  };
  add(code);
  const std::string base = base_code(code);  // a code with the place at its end
  if (out.empty() && base != code) add(base);
  return out;
}

Result<void> Application::check_publication(const std::vector<FieldWrite>& writes) const {
  const std::string definition = text_after(writes, Field::kDefinition);
  if (!definition.empty()) {
    const auto parsed = parse_definition(definition);
    if (!parsed.ok()) return Error(parsed.error().code(), "definition." + parsed.error().detail());
  }
  const auto from = integer_after(writes, Field::kEffectiveFrom);
  const auto to = integer_after(writes, Field::kEffectiveTo);
  if (from && to && *to < *from)
    return Error(Errc::kInvalidArgument, "effective_to " + to_date(day_at(*to)) +
                                             " is before effective_from " + to_date(day_at(*from)));
  const std::string successor = text_after(writes, Field::kSuccessor);
  if (!successor.empty() && !is_plain(successor))
    return Error(Errc::kInvalidArgument, "successor must be the code of a procedure");
  if (!successor.empty() && successor == text_after(writes, Field::kCode))
    return Error(Errc::kInvalidArgument, "a procedure is not its own successor");
  return {};
}

Result<OperationResult> Application::publish() {
  std::vector<FieldWrite> writes = operation_.open;
  std::string code = !operation_.code.empty() ? operation_.code : text_after(writes, Field::kCode);
  if (code.empty()) code = text_after(writes, Field::kProcedure);
  if (!is_plain(code))
    return Error(Errc::kInvalidArgument,
                 "a procedure needs its code, such as 1.001193: 1 to 64 letters, digits, '.', '-' "
                 "and '_'; codes are not invented here");
  put(writes, Field::kCode, code);
  if (text_after(writes, Field::kProcedureName).empty())
    return Error(Errc::kInvalidArgument, "procedure " + code + " needs its procedure_name");
  LT_TRY_VOID(check_publication(writes));
  const std::string decision = text_after(writes, Field::kDecision);
  const auto from = integer_after(writes, Field::kEffectiveFrom);
  for (const Procedure& version : versions_of(code))
    if (version.author == ours_ && version.code == code && version.decision == decision &&
        version.effective_from == from)
      return Error(Errc::kConflict, "procedure " + code +
                                        " is published by us already with that decision and date, "
                                        "as record " +
                                        version.record.hex() +
                                        "; a change is a new version with its own");
  Draft out;
  out.open.kind = UpdateKind::kCreated;
  out.open.record_kind = RecordKind::kProcedure;
  out.open.key_hash = operation_.key_hash;
  put_note(out);
  put_writes(out, std::move(writes), operation_.closed);
  LT_TRY(const UpdateId id, transaction_.write(std::move(out)));
  return OperationResult{id_cast<RecordId>(id), id, code, false, {}};
}

// A version that dossiers go by does not change; it ends, or is replaced.
Result<OperationResult> Application::amend() {
  for (const FieldWrite& write : operation_.open) {
    const auto field = static_cast<Field>(write.field);
    if (field == Field::kEffectiveTo || field == Field::kSuccessor || field == Field::kFieldOfWork)
      continue;
    const FieldInfo* info = find_field(write.field);
    return Error(Errc::kNotAllowed,
                 std::string(info != nullptr ? info->json : "this field") +
                     " of a published version does not change, for dossiers go by it; publish a "
                     "new version, or set effective_to, successor or field");
  }
  LT_TRY_VOID(check_publication(operation_.open));
  Draft out = draft(UpdateKind::kSet);
  put_note(out);
  if (operation_.event) out.open.at = event_time();
  put_writes(out, operation_.open, operation_.closed);
  return write(std::move(out));
}

}  // namespace lienthong::store
