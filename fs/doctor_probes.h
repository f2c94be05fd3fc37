// What doctor asks beside the store, answered by a real connection.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "fs/connection.h"
#include "fs/doctor.h"
#include "fs/options.h"

namespace coffer::fs {

// Borrows both; one thread; every method blocks on the network.
class ConnectionProbes : public DoctorProbes {
 public:
  ConnectionProbes(Connection& connection, const Environment& environment)
      : connection_(connection), environment_(environment) {}

  Result<std::shared_ptr<const s3::Credentials>> Credentials() override;
  Result<StsCaller> Identity() override;
  std::optional<std::int64_t> ClockOffset() override;
  Result<std::string> BucketRegion() override;
  Result<std::string> Versioning() override;
  Result<ObjectLockSetup> ObjectLock() override;
  Result<LockSight> Retention(std::string_view key) override;
  Result<LockSight> LegalHold(std::string_view key) override;
  Result<LeftUploads> Uploads(std::string_view prefix) override;

 private:
  Connection& connection_;
  const Environment& environment_;
};

// What a write test finds, as conditional writes remember it, and back.
std::optional<ConditionalFindings> FindingsOf(const s3::ConditionMemory& memory);
void Remember(const ConditionalFindings& findings, s3::ConditionMemory& memory);

}  // namespace coffer::fs
