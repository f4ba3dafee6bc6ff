// Theme "signatures": one that is good, and one for each reason to refuse one.
#include "protocol/crypto/ed25519.h"
#include "protocol/crypto/keys.h"
#include "tests/unit/docs_vectors.h"

namespace lienthong::vectors {
namespace {

struct Case {
  const char* name;
  const char* refused;  // why; empty: it is good
  const char* key;
  const char* message;
  const char* signature;
};
// Of those refused there is a library for each that takes it.
constexpr Case kCases[] = {
    {"good", "", "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "41c0d890111822185f1e08da250bb51d2814a907d978e2093beb5a58f89ba10b"
     "ac81210a0663127a1afbb95e2c59d3d98aa72512c041a1fcee576dbccbdd620f"},
    {"r_of_order_2", "R has a component of order 2",
     "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "ac3f276feee7dde7a0e1f725daf44ae2d7eb56f826871df6c414a5a707645ef4"
     "079995d45c339913881b48c9d3da87a0108825410ad9462485193a86146d4308"},
    {"r_of_order_4", "R has a component of order 4",
     "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "1d5c8cb1e68fe7c3e1ef6da1f25ec28d8d26e2098e9d1ac62aa0d1f47fa8c6be"
     "c53f52a5e82d729d8b136341f9feb1ed55d63de39c9170ecd3800a91e1961003"},
    {"r_of_order_8", "R has a component of order 8",
     "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "49e59546320ba260325dfbde18fd5625a325f4c6db6fa7027b06129610749486"
     "cad0b232af1b0e76bf0e37768be02258ebddf2be6c00eedb8d218ace1c8a9203"},
    {"key_of_order_8", "the key has a component of order 8, of which k takes nothing",
     "fbb3211d177bccefd763d01a88f6473e43e5cf0a0740e44ab5c64460eefd4675",
     "100002030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "95582f534abe10cf4f575aeaf6fff3f82946ef9905f3c6d96fbdfaa01cf6c385"
     "ca7ce7e7ad27dcddc91dcba74e1995fa919b09217f7bc057f6b0e42eb2783508"},
    {"key_of_order_2", "the key has a component of order 2, of which k takes nothing",
     "03b5939c1d63adf5410aaf84ecd13a066ab889514141846dbde11596ebb92dd3",
     "040002030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "e94537f2e649c7d446941faad3d807ef79bc3f1fce0125b4cb2165c397972ab2"
     "ffe90500cef50f984493c438b7d0e14eda89ce5955958c798879ed654511b203"},
    {"r_identity", "R is the identity",
     "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "0100000000000000000000000000000000000000000000000000000000000000"
     "02eb8c3a1b5348946246c54b098a81f53bbd894906b58d6e46e5729b15d3af0f"},
    {"r_identity_again", "R is the identity, y = p + 1",
     "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
     "9e7f0e5c26fdd18f168d8aa74d75fe34821b186e4b17d4f7ac32ca47bd7b570e"},
    {"s_too_large", "S + L in place of S",
     "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "41c0d890111822185f1e08da250bb51d2814a907d978e2093beb5a58f89ba10b"
     "9955176720c624d2f097b1010b53b2ee8aa72512c041a1fcee576dbccbdd621f"},
    {"r_identity_alone", "R is the identity",
     "6e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf1",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "0100000000000000000000000000000000000000000000000000000000000000"
     "ae2c9ca1ecd1a65792e58caec0a8f7592c63c559b8fea40528513d4956b93702"},
    {"key_mixed", "the key has a component of low order",
     "5e2633dded6c08346e0bc215ad4e4279fa8d3d0bde911580dc0501ff2f725ceb",
     "0000000000000000000000000000000000000000000000000000000000000000",
     "b9f89737beb5aff90dd659d9eebaeb7c11ae8f0bab24a40d67a6f82a956cc8d1"
     "34ff7057c1feb30d8db0cb3f51e976c006dc7199bc911e4f09006fa0040e6f07"}};

}  // namespace

void signatures(Theme& out) {
  for (const Case& one : kCases) {
    const std::string name = one.name;
    const Bytes key = from_hex(one.key).value(), message = from_hex(one.message).value();
    const Bytes bytes = from_hex(one.signature).value();
    Signature signature;
    LT_CHECK(bytes.size() == signature.size());
    std::copy(bytes.begin(), bytes.end(), signature.begin());
    const NodeId id = NodeId::from(key);
    const bool good = verify(id, message, signature).ok();
    LT_CHECK(good == (*one.refused == 0));
    if (check_key(id).ok()) LT_CHECK(ed25519::verify_by_hand(id.bytes, message, signature) == good);
    out.input(name + ".key", key);
    out.input(name + ".message", message);
    out.input(name + ".signature", bytes);
    const std::string verdict = good ? "good" : std::string("refused: ") + one.refused;
    out.result(name + ".verdict", std::string_view(verdict));
  }
}

}  // namespace lienthong::vectors
