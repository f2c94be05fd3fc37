// The ObjectStore that speaks S3: one bucket, or the access point in front of it.
//
// Each family of operations has a file of its own: get.cc, put.cc, copy.cc, multipart.cc, list.cc,
// delete.cc, locks.cc. Expects the transport to sign and to retry.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3client/object_store.h"
#include "s3client/target.h"
#include "s3client/transport.h"
#include "s3client/xml.h"

namespace coffer::s3 {

// How objects are encrypted by the service.
struct Encryption {
  std::string sse;         // "", "AES256", "aws:kms", "aws:kms:dsse"
  std::string kms_key_id;  // "" for the account's default key
  bool bucket_key = false;
  bool confirmed = true;  // a reply that does not say it is an error
};

// A key for SSE-C, as headers carry it.
struct CustomerKey {
  std::string key_base64;  // never logged
  std::string md5_base64;
};

// From a file of 32 bytes (or their base64) that nobody else may read; kDenied, kInvalid.
Result<CustomerKey> ReadCustomerKey(const std::string& path);

// How an archived object is brought back.
struct RestoreOrder {
  std::string key = {};
  std::string version_id = {};  // "" for the current version
  std::uint64_t days = 0;       // it stays readable for; 0, of Intelligent-Tiering: for good
  std::string tier = {};        // "Bulk", "Standard", "Expedited"
};
enum class RestoreReply { kBegun, kExtended };

struct StoreOptions {
  std::string storage_class;  // "" for the bucket's own
  Encryption encryption;
  std::optional<CustomerKey> customer_key;  // https only
  bool requester_pays = false;
  std::string expected_bucket_owner;
  // https only: bodies are not part of the signature, and a CRC32 stands in for their SHA-256.
  bool unsigned_payload = false;
  std::uint64_t max_single_copy_bytes = 5ull << 30;
  std::uint64_t copy_part_bytes = 512ull << 20;
};

// kInvalid for options that contradict each other or the address.
Status CheckStoreOptions(const StoreOptions& options, const Target& target);

// Borrows the transport; safe to share between threads; every call blocks on the network.
class S3Store : public ObjectStore, private ObjectLocks {
 public:
  S3Store(Transport& transport, Target target, StoreOptions options);

  Result<ObjectInfo> Head(std::string_view key, const ReadCondition& condition) override;
  Result<Fetched> Get(std::string_view key, Range range, const ReadCondition& condition) override;
  Result<Written> Put(std::string_view key, ByteView body, const NewObject& object) override;
  Result<Written> Copy(const CopyRequest& request) override;
  Status Rename(const RenameRequest& request) override;
  Status Delete(std::string_view key, const Condition& condition) override;
  Result<std::vector<FailedDelete>> DeleteMany(std::span<const KeyToDelete> keys) override;
  Result<ListPage> List(const ListRequest& request) override;
  Result<VersionPage> ListVersions(std::string_view prefix, std::string_view key_marker,
                                   std::string_view version_marker) override;
  Result<Upload> CreateUpload(std::string_view key, const NewObject& object) override;
  Result<Part> UploadPart(const Upload& upload, PartPlace place, ByteView body) override;
  Result<Part> CopyPart(const Upload& upload, int number, std::string_view from, Range range,
                        std::string_view source_etag) override;
  Result<Written> CompleteUpload(const Upload& upload, std::span<const Part> parts,
                                 const Condition& condition) override;
  Status AbortUpload(const Upload& upload) override;
  ObjectLocks& locks() override { return *this; }

  // Has an archived version made readable for a while; of one that is readable already, moves the
  // end of that while. kBusy when it is under way, kArchived when there is nothing to restore,
  // kInvalid for a tier that its class does not have.
  Result<RestoreReply> RestoreObject(const RestoreOrder& order);

 private:
  Result<Retention> GetRetention(std::string_view key, std::string_view version_id) override;
  Status PutRetention(const RetentionChange& change) override;
  Result<bool> GetLegalHold(std::string_view key, std::string_view version_id) override;
  Status PutLegalHold(std::string_view key, std::string_view version_id, bool on) override;

  // What a new object is stored as, beside what its caller gave.
  struct Style {
    std::string storage_class;
    Encryption encryption;
    std::string tagging;  // as x-amz-tagging carries it
  };
  // Where a copied range comes from.
  struct Source {
    std::string key;
    std::string version_id;
    std::string etag;
  };
  // A conditional write, as its failure is judged.
  struct Attempt {
    std::string_view key;
    const Condition& condition;
    std::string_view put_id;
  };

  // s3_store.cc: what all operations share.
  Style DefaultStyle() const;
  Result<Style> StyleOf(std::string_view key, const NewObject& object);
  static void KeepEncryption(Style& style, const Encryption& old);
  Request NewRequest(Operation operation, std::string method, std::string_view key) const;
  void AddCustomerKey(Headers& headers) const;
  void AddSourceCustomerKey(Headers& headers) const;
  static void AddCondition(Headers& headers, const Condition& condition);
  Status AddNewObject(Headers& headers, const NewObject& object, const Style& style,
                      std::string_view put_id) const;
  // Takes over the body, its hash for the signature and its checksum, in one pass; returns the
  // checksum as the reply may repeat it.
  struct Checksum {
    std::string header;
    std::string value;
  };
  Checksum AddBody(Request& request, ByteView body) const;
  // The same without a checksum that the service would store; Content-MD5 guards the way there.
  void AddBodyWithoutChecksum(Request& request, ByteView body) const;
  // Takes over a document whose digest the service demands; borrows it.
  void AddDocument(Request& request, std::string_view document) const;
  // kUnavailable when a reply lacks an ETag or contradicts the checksum.
  static Status CheckWritten(const Response& response, const Checksum& checksum);
  Status CheckEncryption(const Response& response, const Encryption& asked) const;
  static Written ReadWritten(const Headers& headers, std::string etag);
  // The outcome of a write that was refused: our own earlier try, a lost condition, or an error.
  Result<Written> Refused(const Response& response, Operation operation, const Attempt& attempt);
  Result<std::optional<Written>> OwnWrite(std::string_view key, std::string_view put_id);

  // get.cc
  Result<Response> SendHead(std::string_view key, const ReadCondition& condition);
  Result<ObjectInfo> AfterMissingHead(std::string_view key, const ReadCondition& condition);
  Result<bool> ListingHas(std::string_view key);
  Result<Fetched> EmptyRange(std::string_view key, Range range, const ReadCondition& condition);

  // copy.cc
  Style CopyStyle(const CopyRequest& request) const;
  void AddSource(Headers& headers, const Source& source) const;
  Result<Written> CopyWhole(const CopyRequest& request, const Style& style);
  Result<std::optional<Written>> OwnCopy(const CopyRequest& request);
  Result<Written> CopyByParts(const CopyRequest& request, Style style);
  Result<std::vector<Part>> CopyAllParts(const Upload& upload, const CopyRequest& request);
  Result<std::string> Tagging(std::string_view key, std::string_view version_id);

  // multipart.cc
  Result<Upload> CreateUploadAs(std::string_view key, const NewObject& object, const Style& style);
  Result<Part> CopyPartFrom(const Upload& upload, int number, const Source& source, Range range);
  Result<Written> AfterLostUpload(const Upload& upload, const Response& response);

  // locks.cc
  static Status AddLock(Headers& headers, const Lock& lock);
  Request LockRequest(Operation operation, std::string method, std::string_view key,
                      std::string_view version_id) const;
  Status SendLock(Request& request, XmlWriter document);
  bool Weakens(const RetentionChange& change);

  // delete.cc
  Status DeleteBatch(std::span<const KeyToDelete> keys, std::vector<FailedDelete>& failed);

  Transport& transport_;
  const Target target_;
  const StoreOptions options_;
};

}  // namespace coffer::s3
