#include "fs/s3ec_mount.h"

#include <utility>

#include "fs/key_set.h"
#include "fs/private_file.h"
#include "fs/user_context.h"

namespace coffer::fs {
namespace {

S3ecVersion PolicyOf(const std::string& word) {
  if (word == "v1") return S3ecVersion::kV1;
  return word == "v2" ? S3ecVersion::kV2 : S3ecVersion::kV3;
}

}  // namespace

S3ecMount::S3ecMount(const Parties& parties, const KeyOptions& keys)
    : kms_(parties.connection.network(),
           {parties.connection.target().region, parties.connection.options().address.fips,
            Patience::kFull},
           keys, parties.arena) {}

Result<std::unique_ptr<S3ecMount>> S3ecMount::Open(const Parties& parties,
                                                   const MountOptions& options,
                                                   std::uint64_t memory,
                                                   const std::string& state_directory) {
  std::unique_ptr<S3ecMount> mount(new S3ecMount(parties, options.keys));
  S3ecKeys::Held held;
  COFFER_ASSIGN(held.context, ParseUserContext(options.encryption_context));
  for (const std::string& key : options.keys.kms_keys) {
    COFFER_ASSIGN(auto unwrapper, mount->kms_.MakeUnwrapper(key));
    held.kms.push_back(std::move(unwrapper));
  }
  COFFER_ASSIGN(LocalKeys local, ReadLocalKeys(options.keys, parties.arena));
  held.aes = std::move(local.aes);
  for (RsaKey& key : local.rsa) {
    if (!key.is_private()) {
      return Error{Code::kInvalid, "--s3ec reads, which takes the private half of an --rsa-key"};
    }
    held.rsa.push_back(std::move(key));
  }
  mount->keys_ = std::make_unique<S3ecKeys>(std::move(held), parties.arena);
  S3ecStore::Options store;
  store.policy = PolicyOf(options.s3ec);
  store.max_size = options.s3ec_max_size;
  store.memory = memory;
  store.part_size = options.read_part_size;
  store.directory = state_directory + "/spool";
  if (const auto deadline = options.volume.deadline) store.patience = *deadline;
  const Status made = MakePrivateDirectory(store.directory);
  if (!made) {
    return Error(made.error()).While("use the state directory (--state-dir names another)");
  }
  mount->store_ =
      std::make_unique<S3ecStore>(S3ecStore::Parts{parties.connection.store(), *mount->keys_,
                                                   parties.arena, parties.pool, parties.warn},
                                  std::move(store));
  return mount;
}

}  // namespace coffer::fs
