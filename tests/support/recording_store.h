// An ObjectStore in front of another that notes what was asked of it: ranges, parts, and how many
// requests were under way at once. Thread-safe.

#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fs/mutex.h"
#include "s3client/object_store.h"

namespace coffer::test {

class RecordingStore : public s3::ObjectStore {
 public:
  struct Fetch {
    std::string etag;
    s3::Range range;
  };
  struct SentPart {
    int number = 0;
    std::uint64_t size = 0;
    bool copied = false;
    std::uint64_t offset = 0;  // as the writer said
    bool last = false;
  };
  // Called in the thread of the request, before it is passed on; an Error is the reply.
  using GetHook = std::function<std::optional<Error>(s3::Range)>;
  // May change what comes back.
  using ReplyHook = std::function<void(s3::Fetched&)>;

  explicit RecordingStore(s3::ObjectStore& inner) : inner_(inner) {}

  void OnGet(GetHook hook) {
    Lock lock(mu_);
    on_get_ = std::move(hook);
  }
  void OnReply(ReplyHook hook) {
    Lock lock(mu_);
    on_reply_ = std::move(hook);
  }
  void RefuseCopyPart(Code code) {
    Lock lock(mu_);
    refuse_copy_part_ = code;
  }

  std::vector<Fetch> gets() const {
    Lock lock(mu_);
    return gets_;
  }
  std::uint64_t bytes_asked() const {
    Lock lock(mu_);
    std::uint64_t sum = 0;
    for (const Fetch& get : gets_) sum += get.range.size;
    return sum;
  }
  std::vector<SentPart> parts() const {
    Lock lock(mu_);
    return parts_;
  }
  int most_at_once() const {
    Lock lock(mu_);
    return most_;
  }
  int under_way() const {
    Lock lock(mu_);
    return now_;
  }
  // Aborts and completions that came while a part of the same upload was still under way.
  int overtaken() const {
    Lock lock(mu_);
    return overtaken_;
  }
  void Clear() {
    Lock lock(mu_);
    gets_.clear();
    parts_.clear();
    most_ = now_;
  }

  Result<s3::ObjectInfo> Head(std::string_view key, const s3::ReadCondition& c) override {
    return inner_.Head(key, c);
  }
  Result<s3::Fetched> Get(std::string_view key, s3::Range range,
                          const s3::ReadCondition& condition) override {
    GetHook hook;
    ReplyHook reply;
    {
      Lock lock(mu_);
      gets_.push_back({condition.etag, range});
      hook = on_get_;
      reply = on_reply_;
    }
    const Busy busy(*this);
    if (hook) {
      if (auto error = hook(range)) return std::move(*error);
    }
    auto fetched = inner_.Get(key, range, condition);
    if (fetched && reply) reply(*fetched);
    return fetched;
  }
  Result<s3::Written> Put(std::string_view key, ByteView body, const s3::NewObject& o) override {
    return inner_.Put(key, body, o);
  }
  Result<s3::Written> Copy(const s3::CopyRequest& request) override { return inner_.Copy(request); }
  Status Rename(const s3::RenameRequest& request) override { return inner_.Rename(request); }
  Status Delete(std::string_view key, const s3::Condition& condition) override {
    return inner_.Delete(key, condition);
  }
  Result<std::vector<s3::FailedDelete>> DeleteMany(std::span<const s3::KeyToDelete> keys) override {
    return inner_.DeleteMany(keys);
  }
  Result<s3::ListPage> List(const s3::ListRequest& request) override {
    return inner_.List(request);
  }
  Result<s3::VersionPage> ListVersions(std::string_view prefix, std::string_view key_marker,
                                       std::string_view version_marker) override {
    return inner_.ListVersions(prefix, key_marker, version_marker);
  }
  Result<s3::Upload> CreateUpload(std::string_view key, const s3::NewObject& object) override {
    return inner_.CreateUpload(key, object);
  }
  Result<s3::Part> UploadPart(const s3::Upload& upload, s3::PartPlace place,
                              ByteView body) override {
    {
      Lock lock(mu_);
      parts_.push_back({place.number, body.size(), false, place.offset, place.last});
    }
    const Busy busy(*this, upload.id);
    return inner_.UploadPart(upload, place, body);
  }
  Result<s3::Part> CopyPart(const s3::Upload& upload, int number, std::string_view from,
                            s3::Range range, std::string_view source_etag) override {
    {
      Lock lock(mu_);
      if (refuse_copy_part_) return Error{*refuse_copy_part_, "not implemented"};
      parts_.push_back({number, range.size, true});
    }
    const Busy busy(*this, upload.id);
    return inner_.CopyPart(upload, number, from, range, source_etag);
  }
  Result<s3::Written> CompleteUpload(const s3::Upload& upload, std::span<const s3::Part> parts,
                                     const s3::Condition& condition) override {
    NoteEnd(upload);
    return inner_.CompleteUpload(upload, parts, condition);
  }
  Status AbortUpload(const s3::Upload& upload) override {
    NoteEnd(upload);
    return inner_.AbortUpload(upload);
  }
  s3::ObjectLocks& locks() override { return inner_.locks(); }

 private:
  class Busy {
   public:
    explicit Busy(RecordingStore& store, std::string upload = "")
        : store_(store), upload_(std::move(upload)) {
      Lock lock(store_.mu_);
      ++store_.by_upload_[upload_];
      store_.most_ = std::max(store_.most_, ++store_.now_);
    }
    ~Busy() {
      Lock lock(store_.mu_);
      --store_.now_;
      --store_.by_upload_[upload_];
    }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    RecordingStore& store_;
    const std::string upload_;
  };
  void NoteEnd(const s3::Upload& upload) {
    Lock lock(mu_);
    if (by_upload_[upload.id] != 0) ++overtaken_;
  }

  s3::ObjectStore& inner_;
  mutable Mutex mu_;
  std::vector<Fetch> gets_ GUARDED_BY(mu_);
  std::vector<SentPart> parts_ GUARDED_BY(mu_);
  GetHook on_get_ GUARDED_BY(mu_);
  ReplyHook on_reply_ GUARDED_BY(mu_);
  std::optional<Code> refuse_copy_part_ GUARDED_BY(mu_);
  std::map<std::string, int> by_upload_ GUARDED_BY(mu_);
  int now_ GUARDED_BY(mu_) = 0;
  int most_ GUARDED_BY(mu_) = 0;
  int overtaken_ GUARDED_BY(mu_) = 0;
};

}  // namespace coffer::test
