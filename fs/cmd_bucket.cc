#include "fs/cmd_bucket.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "crypto/encoding.h"
#include "crypto/openssl.h"
#include "crypto/secret.h"
#include "fs/bucket_behind.h"
#include "fs/cmd_doctor.h"
#include "fs/cmd_resolve.h"
#include "fs/cmd_rm.h"
#include "fs/connection.h"
#include "fs/doctor_bucket.h"
#include "fs/doctor_checks.h"
#include "fs/doctor_probes.h"
#include "fs/doctor_sealed.h"
#include "fs/exit_code.h"
#include "fs/findings.h"
#include "fs/lock_access.h"
#include "fs/mounted_path.h"
#include "fs/volume_descriptor.h"

namespace coffer::fs {
namespace {

int ReportError(Console& console, std::string_view command, const Error& error, bool json) {
  if (json) console.out << ToText(Json{{"error", error.what}}) << "\n";
  console.err << "coffer " << command << ": " << Printable(error.what) << "\n";
  return ExitCodeOf(error);
}

Result<std::unique_ptr<Connection>> Connect(const VolumeOptions& options,
                                            const Environment& environment, s3::SystemClock& clock,
                                            Log& log) {
  log.ReportRequests(false);
  return Connection::Open(options, environment, clock, log);
}

// What a locked object is to a command that takes no options about it; `key` need not exist.
Result<LockPolicy> LocksOf(Connection& connection, std::string key, Console& console) {
  if (!connection.target().capabilities.object_lock) return LockPolicy{};
  s3::Bucket bucket = connection.MakeBucket();
  s3::BucketFacts facts;
  if (auto lock = bucket.ObjectLock()) {
    facts.object_lock = lock->enabled ? s3::Tri::kYes : s3::Tri::kNo;
    facts.lock = std::move(*lock);
  }
  std::vector<std::string> notes;
  if (key.empty() || key.ends_with('/')) key += "none";
  COFFER_ASSIGN(LockPolicy policy, FindLockPolicy(bucket, facts, key, {}, notes));
  if (!policy.visible) {
    for (const std::string& note : notes) console.err << "coffer: " << note << "\n";
  }
  return policy;
}

// The settings of the bucket that the address leads to. Behind an access point that is told by S3
// Control alone, which not everybody may ask.
std::vector<Check> SettingsBehind(Connection& connection, const std::string& kms_endpoint_url,
                                  const Environment& environment, s3::SystemClock& clock, Log& log,
                                  Console& console) {
  const s3::Target& target = connection.target();
  if (target.capabilities.bucket_queries) {
    return CheckSettings(connection, false, kms_endpoint_url);
  }
  const bool alias = target.alias && target.name.ends_with("-s3alias");
  if (target.kind != s3::TargetKind::kAccessPoint && !alias) {
    return {NotTested("settings", "this kind of address does not tell the bucket's settings")};
  }
  auto behind = OpenBucketBehind(connection.options(), "", environment, clock, log, console);
  if (!behind) {
    return {NotTested("settings", behind.error().what + "; coffer doctor BUCKET shows policy, " +
                                      "encryption, log, CORS and versions")};
  }
  return CheckSettings(**behind, true, kms_endpoint_url);
}

}  // namespace

int RunResolveCommand(const ResolveOptions& options, Console& console) {
  return RunResolve(options.address, options.source, options.json, console.out, console.err);
}

int RunDoctorCommand(const DoctorOptions& options, const Environment& environment,
                     Console& console) {
  if (const Status hidden = HideProcessMemory(); !hidden) {
    return ReportError(console, "doctor", hidden.error(), options.json);
  }
  s3::SystemClock clock;
  auto log = Log::Open({}, clock);
  if (!log) return ReportError(console, "doctor", log.error(), options.json);
  auto connection = Connect(options.volume, environment, clock, **log);
  if (!connection) return ReportError(console, "doctor", connection.error(), options.json);
  const std::string state = StateDirectory(options.volume, environment);
  s3::ConditionMemory& memory = (*connection)->conditions();
  const std::string bucket = (*connection)->reached_bucket();
  LoadFindings(state, bucket, memory);

  DoctorSettings settings{
      options.volume.source, options.json, options.write_test, {}, {}, {}, {}, {}};
  std::array<std::byte, 8> random = {};
  if (const Status drawn = RandomBytes(random); !drawn)
    return ReportError(console, "doctor", drawn.error(), options.json);
  settings.probe_id = HexEncode(random);
  settings.remembered = FindingsOf(memory);
  settings.remember = [&](const ConditionalFindings& findings) {
    Remember(findings, memory);
    const Status saved = SaveFindings(state, bucket, memory);
    if (!saved) (*log)->Warn(saved.error().what);
  };
  ConnectionProbes probes(**connection, environment);
  const DoctorContext context{(*connection)->target(), (*connection)->quick_store(), probes};
  settings.sealed = [&] { return CheckSealed({context, **connection, options.keys, state}); };
  settings.bucket = [&] {
    return SettingsBehind(**connection, options.keys.kms_endpoint_url, environment, clock, **log,
                          console);
  };
  return RunDoctor(context, settings, console);
}

int RunRemoveCommand(const RemoveOptions& options, const Environment& environment,
                     Console& console) {
  VolumeOptions volume = options.volume;
  std::string below;
  bool sealed = false;
  if (IsAddress(options.path)) {
    volume.source = options.path;
  } else {
    auto place = FindMountedPath(options.path, environment, volume);
    if (!place) return ReportError(console, "rm", place.error(), options.json);
    if (const Status now = CheckShowsNow(place->at); !now) {
      return ReportError(console, "rm", now.error(), options.json);
    }
    below = std::move(place->below);
    sealed = place->sealed;
  }
  s3::SystemClock clock;
  auto log = Log::Open({}, clock);
  if (!log) return ReportError(console, "rm", log.error(), options.json);
  auto connection = Connect(volume, environment, clock, **log);
  if (!connection) return ReportError(console, "rm", connection.error(), options.json);
  const s3::Target& target = (*connection)->target();
  WorkerPool pool(volume.max_threads);
  const std::string descriptor = target.key_prefix + std::string(kDescriptorName);
  auto locks = LocksOf(**connection, target.key_prefix + below, console);
  if (!locks) return ReportError(console, "rm", locks.error(), options.json);
  const RemoveRequest request{options.path,
                              target.key_prefix + below,
                              options.recursive,
                              options.whole_bucket,
                              options.yes,
                              options.json,
                              sealed ? descriptor : std::string(),
                              *locks};
  return RunRemove((*connection)->store(), target.capabilities, pool, request, console);
}

}  // namespace coffer::fs
