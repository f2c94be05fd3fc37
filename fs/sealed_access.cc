#include "fs/sealed_access.h"

namespace coffer::fs {
namespace {

SealedMode ModeOf(const std::string& word) {
  if (word == "yes") return SealedMode::kYes;
  return word == "no" ? SealedMode::kNo : SealedMode::kAuto;
}

KmsAccess::Place PlaceOf(const Connection& connection, Patience patience) {
  return {connection.target().region, connection.options().address.fips, patience};
}

}  // namespace

std::string VolumeAddress(const Connection& connection) {
  return connection.reached_bucket() + "/" + connection.target().key_prefix;
}

SealedAccess::SealedAccess(const Parties& parties, const KeyOptions& keys)
    : parties_(parties),
      kms_(parties.connection.network(), PlaceOf(parties.connection, Patience::kFull), keys,
           parties.arena) {}

Result<std::unique_ptr<SealedAccess>> SealedAccess::Open(const Parties& parties,
                                                         const KeyOptions& keys,
                                                         const Wanted& wanted,
                                                         SealedFinding& finding) {
  std::unique_ptr<SealedAccess> access(new SealedAccess(parties, keys));
  Connection& connection = parties.connection;
  SealedRequest request;
  request.mode = ModeOf(wanted.sealed);
  request.keys = keys;
  request.binding = BindingOf(wanted.name_binding);
  request.prefix = connection.target().key_prefix;
  request.address = VolumeAddress(connection);
  request.state_directory = wanted.state_directory;
  request.foreign_limit = wanted.foreign_limit;
  request.remember = wanted.remember;
  KmsAccess first_look(connection.network(), PlaceOf(connection, Patience::kQuick), keys,
                       parties.arena);
  const SealedParts parts{
      connection.store(),
      parties.pool,
      connection.clock(),
      {parties.arena,
       [&kms = access->kms_](const std::string& key) { return kms.MakeKeyring(key); }},
      {parties.arena, [&](const std::string& key) { return first_look.MakeKeyring(key); }}};
  COFFER_ASSIGN(access->volume_, SealedMount::Open(request, parts, finding));
  return access;
}

s3::ObjectStore& SealedAccess::store() {
  if (volume_) return volume_->store();
  return parties_.connection.store();
}

}  // namespace coffer::fs
