#include "protocol/enrolment/by_hand.h"

#include "protocol/base/text_fields.h"
#include "protocol/crypto/hash.h"

namespace lienthong {
namespace {

Hash256 request_hash(const MachineKeys& machine) {
  return hash(kTagInvite, RootFingerprint{}, machine.node, ByteView(machine.dh));
}

}  // namespace

std::string render_request(const SigningKey& signing, const DhPublic& dh) {
  const MachineKeys machine{signing.public_key(), dh};
  return TextFieldsWriter("request")
      .comment("Take this file to the agency above, where `lienthong issue FILE` answers it.")
      .field("node", machine.node.view())
      .field("dh", ByteView(machine.dh))
      .field("signature", ByteView(signing.sign(request_hash(machine).view())))
      .text();
}

Result<MachineKeys> parse_request(std::string_view text) {
  LT_TRY(const TextFields fields, TextFields::parse(text, "request"));
  MachineKeys machine;
  LT_TRY(machine.node.bytes, fields.bytes<32>("node"));
  LT_TRY(machine.dh, fields.bytes<32>("dh"));
  LT_TRY(const Signature signature, fields.bytes<64>("signature"));
  LT_TRY_VOID(verify(machine.node, request_hash(machine).view(), signature));
  return machine;
}

std::string render_certificate_file(const CertificateFile& file) {
  TextFieldsWriter out("certificate");
  out.comment("Complete the enrolment with `lienthong enroll --certificate FILE`.");
  out.field("root", file.root.view()).field("parent", file.parent_code);
  for (const auto& address : file.addresses) out.field("address", address);
  out.field("certificate", file.grant.certificate.view());
  for (const Statement& statement : file.grant.statements) {
    out.field("statement", ByteView(encode_statement(statement)));
  }
  return out.text();
}

Result<CertificateFile> parse_certificate_file(std::string_view text) {
  LT_TRY(const TextFields fields, TextFields::parse(text, "certificate"));
  CertificateFile file;
  LT_TRY(file.root.bytes, fields.bytes<32>("root"));
  LT_TRY(const std::string_view parent, fields.one("parent"));
  file.parent_code = parent;
  for (const auto address : fields.all("address")) file.addresses.emplace_back(address);
  LT_TRY(file.grant.certificate.bytes, fields.bytes<32>("certificate"));
  const auto statements = fields.all("statement");
  if (statements.size() > kGrantStatementCountMax)
    return Error(Errc::kTooLarge, "statements of a certificate file");
  for (const auto hex : statements) {
    LT_TRY(const Bytes encoded, from_hex(hex));
    LT_TRY(Statement statement, decode_statement(encoded));
    file.grant.statements.push_back(std::move(statement));
  }
  return file;
}

}  // namespace lienthong
