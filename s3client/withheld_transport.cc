#include "s3client/withheld_transport.h"

#include <chrono>

#include "s3client/api_error.h"

namespace coffer::s3 {
namespace {

constexpr std::chrono::seconds kStands{60};
constexpr std::size_t kMostPlaces = 1000;

// What a refusal is said to be of; "" for operations whose refusals are of one request alone.
std::string_view Withheld(Operation operation) {
  switch (operation) {
    case Operation::kListObjects:
      return "listing (s3:ListBucket)";
    case Operation::kListVersions:
      return "listing versions (s3:ListBucketVersions)";
    case Operation::kDeleteObject:
      return "deleting (s3:DeleteObject)";
    case Operation::kGetRetention:
      return "seeing retention (s3:GetObjectRetention)";
    case Operation::kGetLegalHold:
      return "seeing legal holds (s3:GetObjectLegalHold)";
    default:
      return "";
  }
}

bool Lists(Operation operation) {
  return operation == Operation::kListObjects || operation == Operation::kListVersions;
}

std::string DirectoryOf(const Request& request) {
  if (!Lists(request.operation)) {
    return request.url.path.substr(0, request.url.path.rfind('/') + 1);
  }
  for (const auto& [name, value] : request.url.query) {
    if (name == "prefix") return value;
  }
  return "";
}

// By a policy: not for a lock, nor for credentials that have ended.
bool IsByPolicy(const Response& reply, Operation operation) {
  if (reply.status != 403) return false;
  const ServiceError said = ReadServiceError(reply);
  return said.code == "AccessDenied" && ToError(said, operation).code == Code::kDenied;
}

}  // namespace

Result<Response> WithheldTransport::Send(const Request& request) {
  if (Withheld(request.operation).empty()) return next_->Send(request);
  const Place place{request.operation, DirectoryOf(request)};
  {
    const std::lock_guard lock(mu_);
    const auto found = refused_.find(place);
    if (found != refused_.end() && clock_.Steady() < found->second.until) {
      return found->second.reply;
    }
  }
  COFFER_ASSIGN(Response reply, next_->Send(request));
  if (IsByPolicy(reply, request.operation)) {
    Remember(place, reply);
  } else if (IsSuccess(reply)) {
    const std::lock_guard lock(mu_);
    refused_.erase(place);
  }
  return reply;
}

void WithheldTransport::Told(const std::vector<Operation>& operations) {
  const std::lock_guard lock(mu_);
  told_.insert(operations.begin(), operations.end());
}

void WithheldTransport::Remember(const Place& place, const Response& reply) {
  bool first = false;
  {
    const std::lock_guard lock(mu_);
    if (refused_.size() >= kMostPlaces) refused_.clear();
    refused_[place] = {reply, clock_.Steady() + kStands};
    const bool ours = !Lists(place.first) || place.second.starts_with(prefix_);
    first = ours && told_.insert(place.first).second;
  }
  if (!first) return;
  observer_.OnNotice(std::string(Withheld(place.first)) +
                     " is denied through this access point, by its policy, the bucket's or IAM: "
                     "'Permission denied' from here on, and asked for again after 60 s; 'coffer "
                     "access-point show' has its policy");
}

}  // namespace coffer::s3
