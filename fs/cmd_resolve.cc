#include "fs/cmd_resolve.h"

#include <iterator>
#include <string_view>

namespace coffer::fs {
namespace {

using s3::Capabilities;
using s3::Target;
using s3::TargetKind;

struct Ability {
  const char* name = nullptr;  // in JSON
  const char* words = nullptr;
  bool Capabilities::*value = nullptr;
  bool is_extra = false;  // nobody misses it
};
constexpr Ability kAbilities[] = {
    {"write", "writing", &Capabilities::write},
    {"list_versions", "listing versions", &Capabilities::list_versions},
    {"bucket_queries", "reading the bucket's settings (versioning, Object Lock)",
     &Capabilities::bucket_queries},
    {"head_bucket", "HeadBucket", &Capabilities::head_bucket},
    {"delete_objects", "deleting many objects with one request", &Capabilities::delete_objects},
    {"copy_source", "copying from here inside the service (rename)", &Capabilities::copy_source},
    {"object_lock", "Object Lock", &Capabilities::object_lock},
    {"conditional_put", "conditional writes", &Capabilities::conditional_put},
    {"rename_object", "RenameObject", &Capabilities::rename_object, true},
    {"sorted_list", "listings in the order of keys", &Capabilities::sorted_list},
    {"ranged_get", "reading parts of an object", &Capabilities::ranged_get},
};

void PrintTarget(const Target& target, std::ostream& out) {
  out << "address:     " << KindInWords(target) << ' ' << target.name;
  if (!target.account.empty()) out << " of account " << target.account;
  out << " (partition " << target.partition << ")\n";
  out << "url:         " << BucketUrl(target) << "/KEY\n";
  if (!target.key_prefix.empty()) out << "key prefix:  " << target.key_prefix << '\n';
  out << "signed with: " << Name(target.scheme) << " for " << target.signing_name << " in ";
  if (target.scheme == s3::Scheme::kSigV4A) {
    out << "every Region (region set " << target.region_set << ")\n";
  } else if (target.region.empty()) {
    out << "the bucket's Region, which is asked for at mount (--region saves the question)\n";
  } else {
    out << target.region << '\n';
  }
  const std::string missing = MissingCapabilities(target.capabilities);
  out << "not here:    "
      << (missing.empty() ? "nothing, this kind of address can do all of S3" : missing) << '\n';
}

}  // namespace

std::string BucketUrl(const Target& target) {
  s3::Url url = target.UrlFor("");
  url.path = target.base_path;
  return url.ToString();
}

std::string KindInWords(const Target& target) {
  switch (target.kind) {
    case TargetKind::kBucket:
      return target.alias ? "access-point alias" : "bucket";
    case TargetKind::kAccessPoint:
      return "access point";
    case TargetKind::kObjectLambda:
      return "Object Lambda access point";
    case TargetKind::kOutposts:
      return "access point on Outposts";
    case TargetKind::kMultiRegion:
      return "multi-Region access point";
    case TargetKind::kDirectoryBucket:
      return "directory bucket";
    case TargetKind::kDirectoryAccessPoint:
      return "access point of a directory bucket";
  }
  return "?";
}

std::string MissingCapabilities(const Capabilities& capabilities) {
  std::string missing;
  for (const Ability& ability : kAbilities) {
    if (capabilities.*ability.value || ability.is_extra) continue;
    if (!missing.empty()) missing += "; ";
    missing += ability.words;
  }
  return missing;
}

Json DescribeCapabilities(const Capabilities& capabilities) {
  Json json = Json::object();
  for (const Ability& ability : kAbilities) json[ability.name] = capabilities.*ability.value;
  return json;
}

Json DescribeTarget(const Target& target) {
  Json json;
  json["url"] = BucketUrl(target);
  json["scheme"] = std::string(Name(target.scheme));
  json["signing_name"] = target.signing_name;
  if (target.scheme == s3::Scheme::kSigV4A) {
    json["region_set"] = target.region_set;
  } else if (target.region.empty()) {
    json["region"] = nullptr;  // to be discovered
  } else {
    json["region"] = target.region;
  }
  json["kind"] = std::string(Name(target.kind));
  json["name"] = target.name;
  json["alias"] = target.alias;
  if (!target.arn.empty()) json["arn"] = target.arn;
  json["partition"] = target.partition;
  json["key_prefix"] = target.key_prefix;
  json["copy_source"] = target.CopySource("");
  json["aws_host"] = target.aws_host;
  json["capabilities"] = DescribeCapabilities(target.capabilities);
  return json;
}

int RunResolve(const s3::AddressOptions& options, const std::string& source, bool json,
               std::ostream& out, std::ostream& err) {
  const auto target = s3::ParseTarget(source, options);
  if (!target) {
    err << "coffer resolve: " << target.error().what << '\n';
    if (json) out << ToText(Json{{"error", target.error().what}}) << '\n';
    return 2;
  }
  if (json) {
    out << ToText(DescribeTarget(*target)) << '\n';
  } else {
    PrintTarget(*target, out);
  }
  return 0;
}

}  // namespace coffer::fs
