// List and ListVersions.

#include "crypto/encoding.h"
#include "s3client/api_error.h"
#include "s3client/date.h"
#include "s3client/object_info.h"
#include "s3client/s3_store.h"
#include "s3client/xml.h"

namespace coffer::s3 {
namespace {

Error MalformedListing(std::string_view why) {
  return {Code::kUnavailable, "the listing is not what it should be: " + std::string(why)};
}

// How this reply spells keys: encoded when it says so, else as they are. Asking for the encoding is
// what makes every key survive XML.
class KeyReader {
 public:
  KeyReader(XmlNode root, std::string_view prefix)
      : encoded_(root.TextOr("EncodingType") == "url"), prefix_(prefix) {}

  Result<std::string> Text(XmlNode parent, std::string_view name) const {
    COFFER_ASSIGN(std::string text, parent.TextOf(name));
    if (!encoded_) return text;
    auto decoded = UriUnescape(text, Plus::kIsSpace);
    if (!decoded) return MalformedListing("a key that is not percent-encoded");
    return decoded;
  }
  // A key or common prefix: one that was not asked for is somebody else's listing.
  Result<std::string> Key(XmlNode parent, std::string_view name) const {
    COFFER_ASSIGN(std::string key, Text(parent, name));
    if (key.empty() || std::string_view(key).substr(0, prefix_.size()) != prefix_) {
      return MalformedListing("a key outside of the prefix");
    }
    return key;
  }

 private:
  const bool encoded_;
  const std::string_view prefix_;
};

Result<ListedObject> ReadObject(XmlNode node, const KeyReader& keys) {
  ListedObject object;
  COFFER_ASSIGN(object.key, keys.Key(node, "Key"));
  // One row that makes no sense must not take the directory with it.
  const auto size = node.NumberOf("Size");
  const auto etag = node.TextOf("ETag");
  const auto date = node.TextOf("LastModified");
  if (size) object.size = *size;
  if (etag) object.etag = Unquoted(*etag);
  if (date) object.last_modified_s = ParseIsoDate(*date).value_or(0);
  object.sound = size.has_value() && !object.etag.empty();
  object.storage_class = node.TextOr("StorageClass", "STANDARD");
  return object;
}

Result<ListedVersion> ReadVersion(XmlNode node, const KeyReader& keys) {
  ListedVersion version;
  version.delete_marker = node.name() == "DeleteMarker";
  COFFER_ASSIGN(version.key, keys.Key(node, "Key"));
  COFFER_ASSIGN(version.version_id, node.TextOf("VersionId"));
  COFFER_ASSIGN(version.latest, node.BoolOf("IsLatest"));
  COFFER_ASSIGN(const std::string date, node.TextOf("LastModified"));
  version.last_modified_s = ParseIsoDate(date).value_or(0);
  if (version.delete_marker) return version;
  COFFER_ASSIGN(version.size, node.NumberOf("Size"));
  COFFER_ASSIGN(const std::string etag, node.TextOf("ETag"));
  version.etag = Unquoted(etag);
  return version;
}

Status ReadPrefixes(XmlNode root, const KeyReader& keys, std::vector<std::string>& prefixes) {
  for (const XmlNode node : root.Children("CommonPrefixes")) {
    COFFER_ASSIGN(std::string prefix, keys.Key(node, "Prefix"));
    prefixes.push_back(std::move(prefix));
  }
  return Ok();
}

Result<ListPage> ReadList(const Response& response, const ListRequest& request) {
  COFFER_ASSIGN(const auto document, XmlDocument::Parse(AsText(response.body)));
  const XmlNode root = document.root();
  if (root.name() != "ListBucketResult") return MalformedListing("it is something else");
  const KeyReader keys(root, request.prefix);
  ListPage page;
  for (XmlNode node = root.FirstChild(); node; node = node.Next()) {
    if (node.name() != "Contents") continue;
    COFFER_ASSIGN(ListedObject object, ReadObject(node, keys));
    page.objects.push_back(std::move(object));
  }
  COFFER_TRY(ReadPrefixes(root, keys, page.prefixes));
  COFFER_ASSIGN(const bool truncated, root.BoolOf("IsTruncated"));
  if (truncated) {
    COFFER_ASSIGN(page.next_token, root.TextOf("NextContinuationToken"));
    if (page.next_token.empty() || page.next_token == request.token) {
      return MalformedListing("it goes on, but not forward");
    }
  }
  page.server_date_s = ParseHttpDate(response.headers.Get("Date")).value_or(0);
  return page;
}

Result<VersionPage> ReadVersions(const Response& response, std::string_view prefix) {
  COFFER_ASSIGN(const auto document, XmlDocument::Parse(AsText(response.body)));
  const XmlNode root = document.root();
  if (root.name() != "ListVersionsResult") return MalformedListing("it is something else");
  const KeyReader keys(root, prefix);
  VersionPage page;
  for (XmlNode node = root.FirstChild(); node; node = node.Next()) {
    if (node.name() != "Version" && node.name() != "DeleteMarker") continue;
    COFFER_ASSIGN(ListedVersion version, ReadVersion(node, keys));
    page.versions.push_back(std::move(version));
  }
  COFFER_TRY(ReadPrefixes(root, keys, page.prefixes));
  COFFER_ASSIGN(const bool truncated, root.BoolOf("IsTruncated"));
  if (truncated) {
    COFFER_ASSIGN(page.next_key_marker, keys.Text(root, "NextKeyMarker"));
    page.next_version_marker = root.TextOr("NextVersionIdMarker");
    if (page.next_key_marker.empty()) return MalformedListing("it goes on, but not forward");
  }
  return page;
}

}  // namespace

Result<ListPage> S3Store::List(const ListRequest& request) {
  Request ask = NewRequest(Operation::kListObjects, "GET", "");
  auto& query = ask.url.query;
  query.emplace_back("list-type", "2");
  query.emplace_back("encoding-type", "url");
  query.emplace_back("max-keys", std::to_string(request.max_keys));
  if (!request.prefix.empty()) query.emplace_back("prefix", request.prefix);
  if (request.delimited) query.emplace_back("delimiter", "/");
  if (!request.token.empty()) {
    query.emplace_back("continuation-token", request.token);
  } else if (!request.start_after.empty()) {
    query.emplace_back("start-after", request.start_after);
  }
  ask.xml_reply = true;
  COFFER_ASSIGN(const Response response, transport_.Send(ask));
  if (response.status / 100 != 2) return ToError(response, Operation::kListObjects);
  return ReadList(response, request);
}

Result<VersionPage> S3Store::ListVersions(std::string_view prefix, std::string_view key_marker,
                                          std::string_view version_marker) {
  Request ask = NewRequest(Operation::kListVersions, "GET", "");
  auto& query = ask.url.query;
  query.emplace_back("versions", "");
  query.emplace_back("encoding-type", "url");
  if (!prefix.empty()) query.emplace_back("prefix", std::string(prefix));
  if (!key_marker.empty()) query.emplace_back("key-marker", std::string(key_marker));
  if (!version_marker.empty()) query.emplace_back("version-id-marker", std::string(version_marker));
  ask.xml_reply = true;
  COFFER_ASSIGN(const Response response, transport_.Send(ask));
  if (response.status / 100 != 2) return ToError(response, Operation::kListVersions);
  COFFER_ASSIGN(VersionPage page, ReadVersions(response, prefix));
  if (page.next_key_marker.empty()) return page;
  if (page.next_key_marker == key_marker && page.next_version_marker == version_marker) {
    return MalformedListing("it goes on, but not forward");
  }
  return page;
}

}  // namespace coffer::s3
