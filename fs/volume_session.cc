#include "fs/volume_session.h"

#include "fs/findings.h"

namespace coffer::fs {
namespace {

// A key that cannot be had now is a key that is not there, for whoever asked for the volume.
Error KeyFailure(Error error, const SealedFinding& finding) {
  const bool passing = error.code == Code::kUnavailable || error.code == Code::kTimeout;
  if (!finding.keys_failed || !passing) return error;
  error.code = Code::kKeyMissing;
  return std::move(error).While("the volume's key cannot be had now");
}

}  // namespace

VolumeSession::VolumeSession(const Request& request)
    : arena_(request.keys.cache_entries + kOtherSecrets, request.keys.require_mlock),
      pool_(request.volume.max_threads) {}

Result<std::unique_ptr<VolumeSession>> VolumeSession::Open(const Request& request,
                                                           const Environment& environment,
                                                           std::vector<std::string>& notes) {
  COFFER_TRY(HideProcessMemory());
  std::unique_ptr<VolumeSession> session(new VolumeSession(request));
  COFFER_TRY(session->arena_.Usable());
  COFFER_ASSIGN(session->log_, Log::Open({}, session->clock_));
  session->log_->ReportRequests(false);
  session->state_directory_ = StateDirectory(request.volume, environment);
  COFFER_ASSIGN(session->connection_,
                Connection::Open(request.volume, environment, session->clock_, *session->log_));
  Connection& connection = *session->connection_;
  COFFER_ASSIGN(const Preflight preflight, connection.Check());
  notes.insert(notes.end(), preflight.notes.begin(), preflight.notes.end());
  session->facts_ = preflight.facts;
  LoadFindings(session->state_directory_, connection.reached_bucket(), connection.conditions());
  if (request.bucket_only) return session;
  auto sealed = SealedAccess::Open(
      {connection, session->pool_, session->arena_}, request.keys,
      {request.sealed, request.name_binding, session->state_directory_}, session->finding_);
  if (!sealed) return KeyFailure(std::move(sealed).error(), session->finding_);
  session->sealed_ = std::move(*sealed);
  notes.insert(notes.end(), session->finding_.notes.begin(), session->finding_.notes.end());
  if (session->sealed() != nullptr && !session->arena_.locked()) {
    notes.emplace_back(kUnlockedKeys);
  }
  return session;
}

Status VolumeSession::Reachable() {
  s3::ListRequest list;
  list.prefix = prefix();
  list.max_keys = 1;
  const auto page = stored().List(list);
  if (page) return Ok();
  return Error(page.error()).While("the bucket cannot be reached any more");
}

}  // namespace coffer::fs
