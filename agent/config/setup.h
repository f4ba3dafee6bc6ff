// How a data folder comes into being: a new root, or a node enrolled under a parent. Used by the
// command line while no agent runs on the folder. docs/operations.md, "Installing".
//
// Everything is written into the folder DIR/enrolling beside the final places and moved at the end,
// so that a failure leaves a folder in which the same command may be given again. Blocking; any
// thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "agent/engine/clock.h"
#include "protocol/crypto/secret_file.h"

namespace lienthong::agent {

// Where an office listens that others join, if nobody says anything else.
inline constexpr std::string_view kDefaultListen = "[::]:7410";

struct SetupPlace {
  std::filesystem::path data_dir;  // made when missing; must hold no deployment yet
  // Empty: what the settings say; where they say nothing, "[::]:7410" of an office that others join
  // (the first one, and who may invite), and nowhere of one that nobody has to dial. {"none"}:
  // nowhere.
  std::vector<std::string> listen;
  std::filesystem::path socket;  // empty: data_dir/agent.sock
  // A deployment that is there is put aside into the folder replaced-N, and back if this fails.
  bool replace = false;
  // A file like agent.toml, without data_dir and socket, that the new agent.toml begins with.
  // Empty, or not there: every option at its default.
  std::filesystem::path settings;
};

struct SetupOutcome {
  std::filesystem::path config;      // agent.toml
  std::filesystem::path root_key;    // init: the root key in use, encrypted
  std::filesystem::path root_paper;  // init: the second root key as text, to print and remove
  std::string agency_code, agency_name;
  std::string parent_code;          // enrolment
  std::vector<std::string> listen;  // empty: nobody can dial this machine
  // Enrolment by token: how far this machine's clock is before that of the office above, in
  // milliseconds; negative: behind it.
  UnixMillis clock_ahead = 0;
  AgencyId agency;
  NodeId node;
  RootFingerprint root;
};

struct InitRequest {
  SetupPlace place;
  std::string code, name, tier;
  std::string passphrase;  // of the root key in use; not empty
  SecretFileCost cost{};
};
// A new root, its topmost agency and this machine as that agency's first node.
// Fails: kConflict (the folder holds something), kInvalidArgument, kIo.
Result<SetupOutcome> init_deployment(const InitRequest& request, const WallClock& clock,
                                     Entropy& entropy);

// Dials the parent named in the token, proves the secret, gets registry and certificate.
// Fails: kMalformed, kBadVersion, kExpired (token), kConflict (folder), kClosed (link:
// the same command continues with the same keys), kNotAllowed, kNotFound (the parent's refusal),
// kIo.
Result<SetupOutcome> enroll_with_token(const SetupPlace& place, std::string_view token,
                                       const WallClock& clock, Entropy& entropy);

// The offline way: makes the keys in DIR/enrolling, notes there which root the token pins, and
// gives the text of the request file. kMalformed, kBadVersion (token), kConflict (folder), kIo.
Result<std::string> make_request(const SetupPlace& place, std::string_view token, Entropy& entropy);
// Completes it with the certificate file that the parent's `issue` gave. kNotFound: no request was
// made here; kInvalidArgument: made for another machine; kBadHash: of another root than the token
// named.
Result<SetupOutcome> enroll_with_certificate(const SetupPlace& place, std::string_view certificate,
                                             const WallClock& clock, Entropy& entropy);

// A machine of the topmost office, above which is only the root: the registry comes as a file out
// of any office (as GET /v1/registry gives it). Makes the keys in DIR/enrolling and gives the file
// for the root to sign. `code`: of the topmost office; empty: the only one. Fails: as
// decode_adoption_file(), registry_in(); kConflict (folder; several are topmost), kUnknownAgency,
// kNotAllowed (it is not topmost), kIo.
Result<std::string> make_root_request(const SetupPlace& place, std::string_view registry,
                                      std::string_view code, const WallClock& clock,
                                      Entropy& entropy);
// Completes it with what the root has signed. kNotFound: no request was made here; kNotAllowed: the
// root has certified another machine, or its word does not count.
Result<SetupOutcome> enroll_by_root(const SetupPlace& place, std::string_view registry,
                                    std::string_view signed_file, Entropy& entropy);

struct RefillOutcome {
  std::uint64_t writes = 0;  // numbers of the writes that had been acknowledged; 0: not known
};
// A new database for a machine that has lost its own and still has its identity files; neighbours
// fill it. Fails: kConflict (there is one), kNotFound, kCorrupt (an identity file, or the copy of
// the registry beside the database), kIo, kDiskFull.
Result<RefillOutcome> refill_store(const std::filesystem::path& data_dir, const WallClock& clock,
                                   Entropy& entropy);

}  // namespace lienthong::agent
