#include "s3client/arn.h"

#include <algorithm>
#include <array>

namespace coffer::s3 {

std::string Arn::Head() const {
  return "arn:" + partition + ':' + service + ':' + region + ':' + account + ':';
}

bool LooksLikeArn(std::string_view text) { return text.starts_with("arn:"); }

Result<Arn> ParseArn(std::string_view text) {
  std::array<std::string_view, 5> head;  // "arn" and the four parts before the resource
  std::string_view rest = text;
  for (auto& part : head) {
    const auto colon = rest.find(':');
    if (colon == std::string_view::npos) {
      return Error{Code::kInvalid, std::string(text) +
                                       ": not a whole ARN; expected "
                                       "arn:PARTITION:s3:REGION:ACCOUNT:accesspoint/NAME"};
    }
    part = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
  }
  if (head[1].empty() || head[2].empty() || rest.empty()) {
    return Error{Code::kInvalid,
                 std::string(text) +
                     ": the partition, the service or the resource is missing; expected "
                     "arn:PARTITION:s3:REGION:ACCOUNT:accesspoint/NAME"};
  }
  return Arn{std::string(head[1]), std::string(head[2]), std::string(head[3]), std::string(head[4]),
             std::string(rest)};
}

Resource SplitResource(std::string_view resource, std::size_t count) {
  Resource split;
  for (;;) {
    const auto end = std::min(resource.find_first_of(":/"), resource.size());
    split.components.emplace_back(resource.substr(0, end));
    resource.remove_prefix(end);
    if (resource.empty() || split.components.size() == count) break;
    resource.remove_prefix(1);
  }
  split.rest = resource;
  return split;
}

}  // namespace coffer::s3
