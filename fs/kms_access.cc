#include "fs/kms_access.h"

#include <utility>

namespace coffer::fs {

KmsAccess::KmsAccess(Network& network, Place place, const KeyOptions& options, SecretArena& arena)
    : network_(network),
      place_(std::move(place)),
      endpoint_url_(options.kms_endpoint_url),
      rate_(static_cast<double>(options.kms_rate)),
      arena_(arena) {}

Result<std::unique_ptr<s3::KmsKeyring>> KmsAccess::Make(const std::string& key) {
  COFFER_ASSIGN(s3::KmsKeyId id, s3::ParseKmsKeyId(key, place_.region));
  COFFER_ASSIGN(s3::KmsClient* const client, ClientFor(id.region));
  return std::make_unique<s3::KmsKeyring>(std::move(id), *client);
}

Result<std::unique_ptr<Keyring>> KmsAccess::MakeKeyring(const std::string& key) {
  COFFER_ASSIGN(auto ring, Make(key));
  return std::unique_ptr<Keyring>(std::move(ring));
}

Result<std::unique_ptr<BlobUnwrapper>> KmsAccess::MakeUnwrapper(const std::string& key) {
  COFFER_ASSIGN(auto ring, Make(key));
  return std::unique_ptr<BlobUnwrapper>(std::move(ring));
}

Result<s3::KmsClient*> KmsAccess::ClientFor(const std::string& region) {
  Region& known = regions_[region];
  if (known.client) return known.client.get();
  COFFER_ASSIGN(s3::KmsAddress address, s3::MakeKmsAddress(region, endpoint_url_, place_.fips));
  known.signed_requests = network_.Signed({s3::Scheme::kSigV4, "kms", address.region});
  known.rate = std::make_unique<s3::KmsRate>(*known.signed_requests, network_.clock(), rate_);
  known.retried = network_.Retried(*known.rate, place_.patience);
  known.client = std::make_unique<s3::KmsClient>(*known.retried, std::move(address), arena_);
  return known.client.get();
}

s3::KmsRateCounts KmsAccess::Counts() const {
  s3::KmsRateCounts all;
  for (const auto& [name, region] : regions_) {
    if (!region.rate) continue;
    const s3::KmsRateCounts one = region.rate->Counts();
    all.waited += one.waited;
    all.wait_time += one.wait_time;
    all.throttled += one.throttled;
    all.per_second += one.per_second;
  }
  return all;
}

}  // namespace coffer::fs
