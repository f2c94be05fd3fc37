#include "fs/sealed_access.h"

namespace coffer::fs {
namespace {

SealedMode ModeOf(const std::string& word) {
  if (word == "yes") return SealedMode::kYes;
  if (word == "plain") return SealedMode::kPlain;
  return word == "no" ? SealedMode::kNo : SealedMode::kAuto;
}

KmsAccess::Place PlaceOf(const Connection& connection, Patience patience) {
  return {connection.target().region, connection.options().address.fips, patience};
}

SealedRequest RequestFor(const Connection& connection, const KeyOptions& keys,
                         const SealedAccess::Wanted& wanted) {
  SealedRequest request;
  request.mode = ModeOf(wanted.sealed);
  request.keys = keys;
  request.binding = BindingOf(wanted.name_binding);
  request.prefix = connection.target().key_prefix;
  request.address = VolumeAddress(connection);
  request.state_directory = wanted.state_directory;
  request.foreign_limit = wanted.foreign_limit;
  request.remember = wanted.remember;
  return request;
}

KeyWorkshop WorkshopOf(KmsAccess& kms, SecretArena& arena) {
  return {arena, [&kms](const std::string& key) { return kms.MakeKeyring(key); }};
}

s3::ObjectStore& StoredBy(const SealedAccess::Parties& parties) {
  return parties.stored != nullptr ? *parties.stored : parties.connection.store();
}

}  // namespace

KmsAccess QuickKms(Connection& connection, const KeyOptions& keys, SecretArena& arena) {
  return {connection.network(), PlaceOf(connection, Patience::kQuick), keys, arena};
}

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
  KmsAccess first_look = QuickKms(connection, keys, parties.arena);
  const SealedParts parts{StoredBy(parties), parties.pool, connection.clock(),
                          WorkshopOf(access->kms_, parties.arena),
                          WorkshopOf(first_look, parties.arena)};
  const SealedRequest request = RequestFor(connection, keys, wanted);
  COFFER_ASSIGN(access->volume_, SealedMount::Open(request, parts, finding));
  return access;
}

Result<OpenedDescriptor> SealedAccess::OpenDescriptor(const Parties& parties,
                                                      const KeyOptions& keys,
                                                      const std::string& state_directory,
                                                      SealedFinding& finding) {
  Connection& connection = parties.connection;
  KmsAccess kms = QuickKms(connection, keys, parties.arena);
  const KeyWorkshop workshop = WorkshopOf(kms, parties.arena);
  const SealedParts parts{connection.store(), parties.pool, connection.clock(), workshop, workshop};
  return OpenForChange(RequestFor(connection, keys, {"yes", "", state_directory}), parts, finding);
}

s3::ObjectStore& SealedAccess::store() {
  if (volume_) return volume_->store();
  return StoredBy(parties_);
}

}  // namespace coffer::fs
