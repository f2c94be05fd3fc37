// What the filesystem asks of S3: one bucket (or the access point in front of it), keys and bytes.
//
// Keys are whole object keys, any bytes, the volume's prefix included. ETags are passed without
// quotes. Every call blocks on the network, retries by itself within the deadline, and is safe from
// any thread. Failures: kNotFound only when the service said so of this very key; kDenied 403;
// kExists / kChanged for a lost condition (see Condition); kUnavailable or kTimeout for the
// network; kTooLarge, kNameTooLong, kArchived, kUnsupported, kNoSpace as their names say.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/key_source.h"
#include "crypto/result.h"
#include "s3client/object_locks.h"

namespace coffer::s3 {

// User metadata: names in lower case, without "x-amz-meta-"; values as bytes, unfolded.
using Metadata = std::map<std::string, std::string>;

// The system headers of an object that a copy onto itself must send again or lose.
struct ContentHeaders {
  std::string content_type;
  std::string content_encoding;
  std::string content_language;
  std::string content_disposition;
  std::string cache_control;
  std::string expires;
  std::string website_redirect;
};

// One version of an object, from HEAD or from the head of a GET.
struct ObjectInfo {
  std::string etag;
  std::uint64_t size = 0;
  std::int64_t last_modified_s = 0;
  std::string version_id;  // "" in a bucket that never had versions
  std::string storage_class = "STANDARD";
  bool archived = false;              // a GET would be refused until it is restored
  bool restoring = false;             // which is under way
  std::int64_t restored_until_s = 0;  // what was restored from an archive stays until then; 0: none
  Metadata metadata;
  ContentHeaders headers;
  Lock lock;
  std::string sse;  // "", "AES256", "aws:kms", "aws:kms:dsse"
  std::string sse_kms_key_id;
  bool bucket_key = false;
  int tag_count = 0;
  std::int64_t server_date_s = 0;  // Date of the reply
};

struct Range {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // > 0
};

struct Fetched {
  ObjectInfo info;  // size is that of the whole object
  Bytes body;       // exactly the range, cut at the end of the object; empty for an empty object
};

// What must be true of the current version for a write to happen.
struct Condition {
  enum class Kind { kNone, kAbsent, kMatches };
  Kind kind = Kind::kNone;
  std::string etag = {};
  // Sends the ETag without its quotes, as some servers need it; ConditionalStore finds out which.
  bool bare_etag = false;

  static Condition None() { return {}; }
  static Condition Absent() { return {Kind::kAbsent, {}, false}; }  // else kExists
  static Condition Matches(std::string e) {
    return {Kind::kMatches, std::move(e), false};
  }  // else kChanged
};

// What a new object is made of beside its bytes. Storage class, encryption and checksums are the
// store's own options and apply to every write, but for `replaces`.
struct NewObject {
  Metadata metadata = {};
  ContentHeaders headers = {};
  Condition condition = {};
  // Sent with the request that makes the object; some servers drop it (s3client/lock_check.h).
  Lock lock = {};
  // CreateUpload only: parts will be copied into it. Few servers but AWS take copied parts beside
  // parts with checksums, so elsewhere those are left out (the signature covers the bytes).
  bool copies_parts = false;
  // The version whose place this takes with the same content: its storage class and encryption are
  // kept where the store's options name none, and its tags (one request more). Null: a new file.
  // Borrowed for the call.
  const ObjectInfo* replaces = nullptr;
  // For stores that seal what they store: taken when the file was opened; null for one taken now.
  DataKeyPtr data_key = {};
};

// The version that a write made.
struct Written {
  std::string etag = {};
  std::string version_id = {};
  std::int64_t server_date_s = 0;
  // That this version was given, and was read back; empty where nobody asked for one.
  Lock lock = {};
};

struct ReadCondition {
  std::string etag = {};        // If-Match; "" for whatever is current; else kChanged
  std::string version_id = {};  // "" for the current version
  // Head only: a 404 without a body may come from a proxy, so it counts as kNotFound after a
  // listing confirmed it; so does a 403, which who may not read is told of every key. False for
  // callers that list beside it: they are given the bare kNotFound or kDenied.
  bool confirm_absence = true;
  // Get only: what the caller takes the whole object to have, 0 unknown. A store that has to prove
  // the size asks for the end of the object in the same round trip.
  std::uint64_t size = 0;
};

// The largest object that one CopyObject copies.
inline constexpr std::uint64_t kMaxCopySize = 5ull << 30;

// A multipart upload in progress.
struct Upload {
  std::string key = {};
  std::string id = {};
  // Stands in the object's metadata: tells our own upload, completed by a request whose reply was
  // lost, from somebody else's object.
  std::string put_id = {};
  bool without_checksums = false;  // of its parts
};

// Remembers unfinished uploads across crashes. Safe to share between threads.
class UploadObserver {
 public:
  virtual ~UploadObserver() = default;
  virtual void Began(const Upload& upload) = 0;
  virtual void Ended(const Upload& upload) = 0;  // completed or aborted
};
// Hears and forgets.
class NoUploads : public UploadObserver {
 public:
  void Began(const Upload&) override {}
  void Ended(const Upload&) override {}
};

struct CopyRequest {
  std::string from = {};
  std::string to = {};
  // The copy is of this version or kChanged; "" for whatever is current.
  std::string source_etag = {};
  std::string source_version_id = {};
  std::uint64_t size = 0;  // of the source: above 5 GB a copy is made of parts
  // What the copy shall carry, whole: metadata is always replaced, so a caller that only renames
  // passes on what Head() said.
  NewObject target = {};
  // Instead: carry the source's own metadata and headers (x-amz-metadata-directive: COPY), which
  // saves a tree rename its HEADs. Of `target` only the condition and the lock count then. Only for
  // sizes up to kMaxCopySize, and not onto itself; else kInvalid.
  bool keep_metadata = false;
  std::string storage_class = {};  // "" for the store's own; a copy onto itself keeps the object's
  // The source's encryption, kept when the copy replaces its own source.
  std::string sse = {};
  std::string sse_kms_key_id = {};
  bool bucket_key = false;
  int tag_count = 0;                  // of the source; a copy made of parts must carry tags itself
  UploadObserver* uploads = nullptr;  // told of the upload that makes a copy of parts; null: nobody
};

// Where the bytes of a part stand in the object.
struct PartPlace {
  int number = 0;            // 1..10,000
  std::uint64_t offset = 0;  // of its first byte; only stores that change the bytes need it
  bool last = false;         // the object ends with it; likewise
};

struct RenameRequest {
  std::string from = {};
  std::string to = {};
  std::string source_etag = {};  // the version that moves, or kChanged
  Condition condition = {};      // on the new name
};

struct Part {
  int number = 0;  // 1..10,000
  std::string etag = {};
  std::string checksum = {};  // base64 SHA-256 or CRC32, "" when the server gave none
};

struct ListRequest {
  std::string prefix = {};
  bool delimited = true;  // '/' ends a name: one directory
  std::string start_after = {};
  std::string token = {};  // of the page before
  int max_keys = 1000;
};

struct ListedObject {
  std::string key;
  std::string etag;
  std::uint64_t size = 0;
  std::int64_t last_modified_s = 0;  // 0 for a date that cannot be read
  std::string storage_class;
  // False for a row without an ETag or with a size that cannot be (read as "" and 0): the key is
  // there, and only a HEAD tells what it is.
  bool sound = true;
};

struct ListPage {
  std::vector<ListedObject> objects;
  std::vector<std::string> prefixes;  // common prefixes, each ends in '/'
  std::string next_token;             // "" on the last page
  std::int64_t server_date_s = 0;
};

struct ListedVersion {
  std::string key;
  std::string version_id;
  std::string etag;
  std::uint64_t size = 0;
  std::int64_t last_modified_s = 0;
  bool latest = false;
  bool delete_marker = false;
};

struct VersionPage {
  std::vector<ListedVersion> versions;
  std::vector<std::string> prefixes;
  std::string next_key_marker;  // "" on the last page
  std::string next_version_marker;
};

struct KeyToDelete {
  std::string key = {};
  std::string etag = {};  // the version that may be deleted; "" for whatever is current
};

struct FailedDelete {
  std::string key;
  Error error;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  virtual Result<ObjectInfo> Head(std::string_view key, const ReadCondition& condition) = 0;
  // A range that begins at or past the end of the object is an empty body, not an error.
  virtual Result<Fetched> Get(std::string_view key, Range range,
                              const ReadCondition& condition) = 0;

  virtual Result<Written> Put(std::string_view key, ByteView body, const NewObject& object) = 0;
  virtual Result<Written> Copy(const CopyRequest& request) = 0;
  // Both names in one step; bytes, metadata, time and ETag stay. Only where
  // Capabilities::rename_object says so, and for keys that do not end in '/'; else kUnsupported.
  virtual Status Rename(const RenameRequest& request) = 0;
  // Succeeds when the key is gone afterwards, also when it was not there.
  virtual Status Delete(std::string_view key, const Condition& condition) = 0;
  // Any number of keys; what could not be deleted is in the value. An Error means nothing is known.
  virtual Result<std::vector<FailedDelete>> DeleteMany(std::span<const KeyToDelete> keys) = 0;

  virtual Result<ListPage> List(const ListRequest& request) = 0;
  virtual Result<VersionPage> ListVersions(std::string_view prefix, std::string_view key_marker,
                                           std::string_view version_marker) = 0;

  virtual Result<Upload> CreateUpload(std::string_view key, const NewObject& object) = 0;
  virtual Result<Part> UploadPart(const Upload& upload, PartPlace place, ByteView body) = 0;
  // The bytes of `range` of the version `source_etag` of `from`, copied inside the service.
  virtual Result<Part> CopyPart(const Upload& upload, int number, std::string_view from,
                                Range range, std::string_view source_etag) = 0;
  virtual Result<Written> CompleteUpload(const Upload& upload, std::span<const Part> parts,
                                         const Condition& condition) = 0;
  // Succeeds also when the upload is gone already.
  virtual Status AbortUpload(const Upload& upload) = 0;

  // Object Lock of the same objects; borrowed from the store.
  virtual ObjectLocks& locks() = 0;
};

}  // namespace coffer::s3
