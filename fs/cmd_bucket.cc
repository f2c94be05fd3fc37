#include "fs/cmd_bucket.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>

#include "crypto/encoding.h"
#include "crypto/openssl.h"
#include "fs/cmd_doctor.h"
#include "fs/cmd_resolve.h"
#include "fs/cmd_rm.h"
#include "fs/connection.h"
#include "fs/control.h"
#include "fs/doctor_probes.h"
#include "fs/exit_code.h"
#include "fs/findings.h"
#include "fs/mount_point.h"
#include "fs/volume_descriptor.h"
#include "fs/volume_json.h"

namespace coffer::fs {
namespace {

int Report(Console& console, std::string_view command, const Error& error, bool json) {
  if (json) console.out << ToText(Json{{"error", error.what}}) << "\n";
  console.err << "coffer " << command << ": " << Printable(error.what) << "\n";
  return ExitCodeOf(error);
}

bool IsAddress(std::string_view path) {
  return path.starts_with("s3://") || path.starts_with("arn:");
}

// The mount that a path is in, and what lies between.
struct Place {
  MountEntry mount;
  std::string below;  // relative to the mount; ends in '/' for a directory, "" for the mount itself
};

Result<Place> FindPlace(const std::string& path) {
  COFFER_ASSIGN(const std::string real, RealDirectory(path));
  const std::vector<MountEntry> mounts = CofferMounts();
  for (std::string above = real; !above.empty(); above.resize(above.rfind('/'))) {
    const auto mount = FindMount(mounts, above);
    if (!mount) continue;
    Place place{*mount, real.substr(std::min(above.size() + 1, real.size()))};
    struct stat st = {};
    if (!place.below.empty() && lstat(real.c_str(), &st) == 0 && S_ISDIR(st.st_mode))
      place.below += '/';
    return place;
  }
  return Error{Code::kInvalid,
               path + " is not in a mount of coffer; s3://BUCKET/KEY names an object"};
}

// Reaches the bucket as the mount does; credentials are the caller's own. Tells whether the mount
// is of a sealed volume.
Result<bool> TakeOver(const Place& place, const Environment& environment, VolumeOptions& volume) {
  const uid_t owner = OwnerOf(place.mount).value_or(geteuid());
  auto client = ControlClient::Connect(ControlSockets(place.mount.directory, owner, environment));
  if (!client) return std::move(client).error().While("ask the mount " + place.mount.directory);
  COFFER_ASSIGN(const std::string text, (*client)->Status());
  const Json report = Json::parse(text, nullptr, false);
  const auto description = report.find("connection");
  if (!report.is_object() || description == report.end() || !description->is_object())
    return Error{Code::kUnavailable, "the mount's answer cannot be read"};
  ApplyVolume(*description, volume);
  return report.contains("sealed");
}

Result<std::unique_ptr<Connection>> Connect(const VolumeOptions& options,
                                            const Environment& environment, s3::SystemClock& clock,
                                            Log& log) {
  log.ReportRequests(false);
  return Connection::Open(options, environment, clock, log);
}

}  // namespace

int RunResolveCommand(const ResolveOptions& options, Console& console) {
  return RunResolve(options.address, options.source, options.json, console.out, console.err);
}

int RunDoctorCommand(const DoctorOptions& options, const Environment& environment,
                     Console& console) {
  s3::SystemClock clock;
  auto log = Log::Open({}, clock);
  if (!log) return Report(console, "doctor", log.error(), options.json);
  auto connection = Connect(options.volume, environment, clock, **log);
  if (!connection) return Report(console, "doctor", connection.error(), options.json);
  const std::string state = StateDirectory(options.volume, environment);
  s3::ConditionMemory& memory = (*connection)->conditions();
  const std::string bucket = (*connection)->reached_bucket();
  LoadFindings(state, bucket, memory);

  DoctorSettings settings{options.volume.source, options.json, options.write_test, {}, {}, {}};
  std::array<std::byte, 8> random = {};
  if (const Status drawn = RandomBytes(random); !drawn)
    return Report(console, "doctor", drawn.error(), options.json);
  settings.probe_id = HexEncode(random);
  settings.remembered = FindingsOf(memory);
  settings.remember = [&](const ConditionalFindings& findings) {
    Remember(findings, memory);
    const Status saved = SaveFindings(state, bucket, memory);
    if (!saved) (*log)->Warn(saved.error().what);
  };
  ConnectionProbes probes(**connection, environment);
  const DoctorContext context{(*connection)->target(), (*connection)->quick_store(), probes};
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
    const auto place = FindPlace(options.path);
    if (!place) return Report(console, "rm", place.error(), options.json);
    const auto taken = TakeOver(*place, environment, volume);
    if (!taken) return Report(console, "rm", taken.error(), options.json);
    below = place->below;
    sealed = *taken;
  }
  s3::SystemClock clock;
  auto log = Log::Open({}, clock);
  if (!log) return Report(console, "rm", log.error(), options.json);
  auto connection = Connect(volume, environment, clock, **log);
  if (!connection) return Report(console, "rm", connection.error(), options.json);
  const s3::Target& target = (*connection)->target();
  WorkerPool pool(volume.max_threads);
  const std::string descriptor = target.key_prefix + std::string(kDescriptorName);
  const RemoveRequest request{options.path,
                              target.key_prefix + below,
                              options.recursive,
                              options.whole_bucket,
                              options.yes,
                              options.json,
                              sealed ? descriptor : std::string()};
  return RunRemove((*connection)->store(), target.capabilities, pool, request, console);
}

}  // namespace coffer::fs
