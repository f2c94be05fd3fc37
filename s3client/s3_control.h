// S3 Control: access points as things that are made, looked at and removed, and their policies.
//
// Another service than S3, at a host of the account's own, signed as S3 is. What is fixed when an
// access point is made (bucket, network, public access block) has no operation that changes it.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/result.h"
#include "s3client/endpoint.h"
#include "s3client/transport.h"
#include "s3client/xml.h"

namespace coffer::s3 {

struct ControlOptions {
  std::string account;  // 12 digits: of the access points
  std::string region;
  std::string endpoint_url;  // "": AWS's own
  bool fips = false;
  bool dual_stack = false;
};
struct ControlAddress {
  Endpoint endpoint;  // with the account in its name, but for an IP address
  std::string account;
  std::string region;  // signed for
  std::string partition;
};
// kInvalid for an endpoint that is none, options that exclude each other, or a Region that is
// missing.
Result<ControlAddress> MakeControlAddress(const ControlOptions& options);

// Of an access point; all four are on unless somebody said otherwise when it was made.
struct PublicAccessBlock {
  bool block_acls = true;
  bool ignore_acls = true;
  bool block_policy = true;
  bool restrict_buckets = true;
};

struct AccessPoint {
  std::string name;
  std::string bucket;
  std::string bucket_account;  // "" when it is not told
  std::string arn;
  std::string alias;
  std::string vpc;                         // "": from the Internet
  std::optional<PublicAccessBlock> block;  // none: a listing does not tell
};

// Borrows the transport, which signs and retries; one thread; every method blocks on the network.
// kDenied names the permission that is missing; kUnavailable for a reply that is not what it should
// be, and for an access point that does not exist.
class S3Control {
 public:
  S3Control(Transport& transport, ControlAddress address)
      : transport_(transport), address_(std::move(address)) {}

  const ControlAddress& address() const { return address_; }
  std::string ArnOf(std::string_view name) const;

  // Nothing where there is none of that name.
  Result<std::optional<AccessPoint>> Find(std::string_view name);
  // Of one bucket; with "" all of the account in the Region.
  Result<std::vector<AccessPoint>> List(std::string_view bucket);
  // `wanted.name`, `bucket`, `vpc` and `block` count.
  Status Create(const AccessPoint& wanted);
  Status Remove(std::string_view name);

  // As JSON text, "" for none; unread, whatever its size up to 1 MiB.
  Result<std::string> Policy(std::string_view name);
  Status SetPolicy(std::string_view name, const std::string& text);  // "": none is kept
  // Whether S3 counts the policy as public; false where there is none.
  Result<bool> IsPublic(std::string_view name);

 private:
  struct Call;
  Request NewRequest(const Call& call, std::string_view name, std::string_view below) const;
  Result<Response> Ask(const Call& call, std::string_view name, std::string_view below);
  Result<XmlDocument> Read(const Call& call, const Response& response);

  Transport& transport_;
  const ControlAddress address_;
};

}  // namespace coffer::s3
