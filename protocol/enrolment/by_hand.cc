#include "protocol/enrolment/by_hand.h"

#include "protocol/base/text_fields.h"
#include "protocol/crypto/hash.h"

namespace lienthong {
Hash256 invite_proof(const RootFingerprint& root, const Psk& secret, const InviteNumber& invite,
                     const MachineKeys& machine) {
  return hash(kTagInviteProof, root, ByteView(secret), ByteView(invite), machine.node,
              ByteView(machine.dh));
}

std::string render_request(const Token& token, const NodeKeys& keys) {
  const MachineKeys machine{keys.signing.public_key(), keys.dh.public_key()};
  const Signature possession = sign_possession(token.root, token.agency, keys.signing, machine.dh);
  return TextFieldsWriter("request")
      .comment("Take this file to the agency above, where `lienthong issue FILE` answers it.")
      .field("root", token.root.view())
      .field("agency", token.agency.view())
      .field("invitation", ByteView(token.invite))
      .field("node", machine.node.view())
      .field("dh", ByteView(machine.dh))
      .field("possession", ByteView(possession))
      .field("proof", invite_proof(token.root, token.secret, token.invite, machine).view())
      .text();
}

Result<EnrolmentRequest> parse_request(std::string_view text) {
  LT_TRY(const TextFields fields, TextFields::parse(text, "request"));
  EnrolmentRequest out;
  LT_TRY(out.root.bytes, fields.bytes<32>("root"));
  LT_TRY(out.agency.bytes, fields.bytes<32>("agency"));
  LT_TRY(out.invite, fields.bytes<8>("invitation"));
  LT_TRY(out.machine.node.bytes, fields.bytes<32>("node"));
  LT_TRY(out.machine.dh, fields.bytes<32>("dh"));
  LT_TRY(out.possession, fields.bytes<64>("possession"));
  LT_TRY(out.proof.bytes, fields.bytes<32>("proof"));
  const Hash256 signed_hash =
      possession_hash(out.root, out.agency, out.machine.node, out.machine.dh);
  LT_TRY_VOID(verify(out.machine.node, signed_hash.view(), out.possession));
  return out;
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
