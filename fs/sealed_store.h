// A sealed volume as its users see it: an ObjectStore of plaintext whose objects in the store below
// are AWS Encryption SDK messages. Sizes, ranges and metadata are those of the plaintext; ETags,
// versions and conditions are passed through.
//
// Messages that another tool made in a shape of its own are read whole (fs/foreign_messages.h)
// where their name is bound or need not be.
//
// Nothing is released that does not authenticate: frames by their tags, the size of an object by
// its final frame when it is first read, its name and attributes by its bind tag. What is not a
// message of this volume is kCorrupt. HEAD and LIST say what the bucket says: they are hints.
//
// Safe from any thread; blocks on the network as the store below does, and on KMS where a data key
// is not at hand. Reads of a version for the first time fetch its header, its last frame and what
// was asked for side by side. Copies inside the service work on whole objects only: CopyPart is
// kUnsupported, since a frame sealed for one place opens at no other.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crypto/key_source.h"
#include "crypto/sealer.h"
#include "crypto/secret.h"
#include "fs/content_sealer.h"
#include "fs/foreign_messages.h"
#include "fs/mutex.h"
#include "fs/sealed_messages.h"
#include "fs/sealed_metadata.h"
#include "fs/sealed_volume.h"
#include "fs/worker_pool.h"
#include "s3client/object_store.h"

namespace coffer::fs {

class SealedStore : public s3::ObjectStore, public ContentSealer {
 public:
  static constexpr std::uint64_t kForeignLimit = 32u << 20;

  // The borrowed all outlive it.
  struct Parts {
    s3::ObjectStore& below;
    KeySource& keys;
    SecretArena& arena;
    WorkerPool& pool;
    std::uint64_t foreign_limit = kForeignLimit;  // what other tools made is held in memory whole
    // Messages whose keys and sizes are remembered; each holds one key of the arena.
    std::size_t messages_kept = 4096;
  };
  SealedStore(const Parts& parts, SealedVolume volume);

  const SealedVolume& volume() const { return volume_; }
  // Warnings about names with --name-binding=warn.
  std::uint64_t unbound() const { return unbound_; }

  // The data key of a message to come: a refusal by KMS is known before the first byte is written.
  Result<DataKeyPtr> TakeKey() override;
  // `plain` as a message that stands alone, for bytes that could not be stored.
  Result<s3::ObjectInfo> Prove(const std::string& key, const std::string& etag) override;
  Result<std::vector<EncryptedDataKey>> KeysOf(const std::string& key,
                                               const std::string& etag) override;
  Result<Bytes> SealAlone(ByteView plain, DataKeyPtr key) override;

  Result<s3::ObjectInfo> Head(std::string_view key, const s3::ReadCondition& condition) override;
  Result<s3::Fetched> Get(std::string_view key, s3::Range range,
                          const s3::ReadCondition& condition) override;
  Result<s3::Written> Put(std::string_view key, ByteView body,
                          const s3::NewObject& object) override;
  Result<s3::Written> Copy(const s3::CopyRequest& request) override;
  // kUnsupported: it would keep the tag that binds the object to its old name.
  Status Rename(const s3::RenameRequest& request) override;
  Status Delete(std::string_view key, const s3::Condition& condition) override;
  Result<std::vector<s3::FailedDelete>> DeleteMany(std::span<const s3::KeyToDelete> keys) override;
  Result<s3::ListPage> List(const s3::ListRequest& request) override;
  Result<s3::VersionPage> ListVersions(std::string_view prefix, std::string_view key_marker,
                                       std::string_view version_marker) override;
  Result<s3::Upload> CreateUpload(std::string_view key, const s3::NewObject& object) override;
  Result<s3::Part> UploadPart(const s3::Upload& upload, s3::PartPlace place,
                              ByteView body) override;
  Result<s3::Part> CopyPart(const s3::Upload& upload, int number, std::string_view from,
                            s3::Range range, std::string_view source_etag) override;
  Result<s3::Written> CompleteUpload(const s3::Upload& upload, std::span<const s3::Part> parts,
                                     const s3::Condition& condition) override;
  Status AbortUpload(const s3::Upload& upload) override;
  s3::ObjectLocks& locks() override { return parts_.below.locks(); }

 private:
  // A message on its way into S3.
  struct Stream {
    std::unique_ptr<Sealer> sealer;
    DataKeyPtr key;
    std::atomic<std::uint64_t> plain_size{0};  // as the last part says
  };
  using StreamPtr = std::shared_ptr<Stream>;
  // What a first look at an object fetches: pieces of one version, side by side.
  struct FirstLook;
  // One of the two, and what it says of itself.
  struct Opened {
    SealedMessagePtr message;
    ForeignMessagePtr foreign;
    s3::ObjectInfo info;  // plain

    MessageIdentity identity() const;
    std::uint64_t sealed_size() const;
  };

  // sealed_store.cc
  bool IsOwn(std::string_view key) const;
  Status CheckWritable(std::string_view key) const;
  std::uint64_t ShownSize(std::string_view key, const std::string& etag, std::uint64_t sealed);
  Result<s3::Fetched> GetKnown(const std::string& key, s3::Range range,
                               const s3::ReadCondition& condition, const SealedMessagePtr& message);
  Result<s3::Fetched> GetFirst(const std::string& key, s3::Range range,
                               const s3::ReadCondition& condition);
  Result<s3::Fetched> GetForeign(const std::string& key, s3::Range range,
                                 const s3::ReadCondition& condition,
                                 const ForeignMessagePtr& message);
  Result<Opened> OpenForeign(const std::string& key, const s3::Fetched& head);
  Result<Opened> LookAtHeader(const std::string& key, const std::string& etag,
                              const std::string& version_id);
  Result<Opened> OpenMessage(const std::string& key, const FirstLook& look);
  Result<s3::ObjectInfo> Proved(const std::string& key, const MessageIdentity& message,
                                std::uint64_t plain_size, s3::ObjectInfo stored);
  Status OpenFinal(const std::string& key, const SealedMessage& message, FirstLook& look);
  static Result<Bytes> OpenRange(const SealedMessage& message, FrameRun run, Bytes bytes,
                                 s3::Range wanted);

  // sealed_writes.cc
  struct Sealed {
    std::unique_ptr<Sealer> sealer;
    DataKeyPtr key;
    s3::NewObject object;  // as the store below gets it
  };
  Result<Sealed> Begin(const std::string& key, const s3::NewObject& object);
  Status SealInto(Sealer& sealer, s3::PartPlace place, ByteView plain, MutableByteView out) const;
  std::size_t SealedSize(s3::PartPlace place, std::size_t plain) const;
  void Remember(const std::string& key, const std::string& etag, const Sealer& sealer,
                const DataKeyPtr& data_key, std::uint64_t plain_size);
  Result<Opened> SourceOf(const s3::CopyRequest& request);
  StreamPtr StreamOf(const s3::Upload& upload);

  const Parts parts_;
  const SealedVolume volume_;
  const std::string own_prefix_;
  const SealedMetadata metadata_;
  SealedMessages messages_;
  ForeignMessages foreign_;
  RecentObjects<std::vector<EncryptedDataKey>> claims_;  // of headers that were looked at alone
  std::atomic<std::uint64_t> unbound_{0};
  Mutex mu_;
  std::unordered_map<std::string, StreamPtr> streams_ GUARDED_BY(mu_);  // by upload id
};

}  // namespace coffer::fs
