#include "fs/sealed_report.h"

namespace coffer::fs {
namespace {

Json CountsJson(const KeyCacheCounts::Side& side) {
  return {{"calls", side.calls},
          {"hits", side.hits},
          {"coalesced", side.coalesced},
          {"failures", side.failures},
          {"renewals", side.renewals}};
}

}  // namespace

std::uint64_t KmsCalls(const SealedMount& volume) {
  std::uint64_t calls = 0;
  for (const KeyringCounts& key : volume.KeyCounts()) {
    if (key.name.starts_with("KMS ")) calls += key.generated + key.wrapped + key.unwrapped;
  }
  return calls;
}

Json SealedReport(const SealedMount& volume, const s3::KmsRateCounts& rate) {
  Json report;
  report["volume"] = volume.descriptor().id;
  report["keys"] = Json::array();
  for (const KeyringCounts& key : volume.KeyCounts()) {
    report["keys"].push_back({{"name", key.name},
                              {"generated", key.generated},
                              {"wrapped", key.wrapped},
                              {"unwrapped", key.unwrapped},
                              {"failures", key.failures},
                              {"left_alone", key.left_alone}});
  }
  const KeyCacheCounts cache = volume.CacheCounts();
  report["sealing"] = CountsJson(cache.sealing);
  report["opening"] = CountsJson(cache.opening);
  report["cache"] = {
      {"entries", cache.entries}, {"refused", cache.refused}, {"evicted", cache.evicted}};
  report["kms"] = {
      {"waited", rate.waited}, {"wait_ms", rate.wait_time.count()}, {"throttled", rate.throttled}};
  report["unbound"] = volume.unbound();
  return report;
}

}  // namespace coffer::fs
