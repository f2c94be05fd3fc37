#include "fs/bucket_behind.h"

#include <utility>

#include "fs/access_point_facts.h"
#include "fs/control_door.h"

namespace coffer::fs {

Result<std::unique_ptr<Connection>> OpenBucketBehind(VolumeOptions options, std::string account,
                                                     const Environment& environment,
                                                     s3::SystemClock& clock, Log& log,
                                                     Console& console) {
  COFFER_ASSIGN(auto connection, Connection::Open(options, environment, clock, log));
  const s3::Target& target = connection->target();
  const bool alias = target.alias && target.name.ends_with("-s3alias");
  if (target.kind != s3::TargetKind::kAccessPoint && !alias) return connection;
  if (!target.account.empty()) account = target.account;
  const auto doing = "find the bucket of " + options.source + " (or name the bucket itself)";
  auto door = ControlDoor::Open(connection->network(), options, environment, target.region,
                                std::move(account));
  if (!door) return std::move(door).error().While(doing);
  auto point = alias ? (*door)->GetByAlias(target.name) : (*door)->Get(target.name);
  if (!point) return std::move(point).error().While(doing);
  console.err << "coffer: " << Printable(options.source) << " is an access point of the bucket "
              << Printable(point->bucket) << ", which is meant here\n";
  options.source = "s3://" + point->bucket + "/" + target.key_prefix;
  options.address.prefix.clear();
  options.address.region = target.region;
  return Connection::Open(std::move(options), environment, clock, log);
}

Result<PolicyDoor> FindPolicyDoor(const std::string& name, Connection& connection,
                                  const DoorSearch& search) {
  COFFER_ASSIGN(const AccessPointName parsed, ParseAccessPointName(name));
  const s3::Target& target = connection.target();
  COFFER_ASSIGN(const auto door,
                ControlDoor::Open(connection.network(), connection.options(), search.environment,
                                  parsed.region.empty() ? target.region : parsed.region,
                                  parsed.account.empty() ? search.account : parsed.account));
  COFFER_ASSIGN(const s3::AccessPoint point, door->Get(parsed.name));
  if (point.bucket != target.name) {
    return Error{Code::kInvalid, name + " is an access point of the bucket " + point.bucket +
                                     ", not of " + target.name};
  }
  COFFER_ASSIGN(const std::string text, door->control().Policy(parsed.name));
  COFFER_ASSIGN(const Policy policy, ParsePolicy(text));
  return DoorOf(point, door->account(), policy);
}

}  // namespace coffer::fs
