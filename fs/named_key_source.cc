#include "fs/named_key_source.h"

#include <utility>
#include <vector>

#include "fs/key_set.h"

namespace coffer::fs {

Result<std::unique_ptr<NamedKeySource>> NamedKeySource::Make(const VolumeOptions& volume,
                                                             const KeyOptions& keys,
                                                             const Environment& environment) {
  std::unique_ptr<NamedKeySource> source(new NamedKeySource(keys.require_mlock));
  COFFER_TRY(source->arena_.Usable());
  COFFER_ASSIGN(source->log_, Log::Open({}, source->clock_));
  source->log_->ReportRequests(false);
  source->network_ = std::make_unique<Network>(volume, environment, source->clock_, *source->log_);
  source->network_->FindCredentials(volume.address.region);
  source->kms_ = std::make_unique<KmsAccess>(
      *source->network_,
      KmsAccess::Place{volume.address.region, volume.address.fips, Patience::kQuick}, keys,
      source->arena_);
  COFFER_ASSIGN(const auto given, NamedKeys(keys, source->arena_));
  std::vector<KeyName> names;
  names.reserve(given.size());
  for (const KeyMaterial& material : given) names.push_back(material.name);
  const KeyWorkshop workshop{
      source->arena_, [&](const std::string& key) { return source->kms_->MakeKeyring(key); }};
  COFFER_ASSIGN(auto rings, MakeKeyrings(names, given, workshop));
  source->keys_ = std::make_unique<MultiKeySource>(
      std::move(rings), [&clock = source->clock_] { return clock.Steady(); });
  return source;
}

}  // namespace coffer::fs
