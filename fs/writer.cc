#include "fs/writer.h"

#include <algorithm>
#include <cassert>
#include <span>
#include <utility>

#include "fs/mutex.h"
#include "fs/part_buffer.h"
#include "fs/part_plan.h"

namespace coffer::fs {
namespace {

// Committed content that stays in memory in case more is written, unless others need the memory.
class KeptContent : public MemoryHolder {
 public:
  void Keep(PartBuffer buffer) {
    Lock lock(mu_);
    buffer_ = std::move(buffer);
    since_ = std::chrono::steady_clock::now();
  }
  std::optional<PartBuffer> Take() {
    Lock lock(mu_);
    return std::exchange(buffer_, std::nullopt);
  }
  std::optional<Bytes> Copy(std::uint64_t offset, std::uint64_t size) {
    Lock lock(mu_);
    if (!buffer_) return std::nullopt;
    since_ = std::chrono::steady_clock::now();
    Bytes copy;
    Append(copy, buffer_->bytes().subspan(offset, size));
    return copy;
  }
  void GiveBack(std::chrono::steady_clock::time_point idle_since) override {
    Lock lock(mu_);
    if (since_ < idle_since) buffer_.reset();
  }

 private:
  Mutex mu_;
  std::optional<PartBuffer> buffer_ GUARDED_BY(mu_);
  std::chrono::steady_clock::time_point since_ GUARDED_BY(mu_);
};

}  // namespace

// The content is prefix_ (in S3, to be copied), then what was sent as parts, then tail_ (in
// memory). Between commits of small content all of it rests in kept_ instead.
class Writer::Impl {
 public:
  Impl(const Shared& shared, std::string key, s3::NewObject object)
      : shared_(shared),
        plan_(shared.options.first_part, shared.options.largest_part, shared.options.smallest_part),
        key_(std::move(key)),
        object_(std::move(object)),
        sent_metadata_(object_.metadata) {}

  Status StartFrom(const FileVersion& base);
  Status Write(std::uint64_t offset, ByteView bytes);
  Status Truncate(std::uint64_t size);
  Result<Bytes> Read(std::uint64_t offset, std::size_t size) const;
  Result<s3::Written> Commit();
  Status Settle();
  void Abort();
  std::optional<Bytes> Unsent() const;
  void MoveTo(const FileVersion& same_bytes);

  std::uint64_t size() const { return resting_ ? committed_.size : origin_ + tail_.size(); }
  std::uint64_t origin() const { return origin_; }
  bool streaming() const { return uploads_ != nullptr; }
  bool dirty() const { return dirty_; }
  void SetMetadata(s3::Metadata metadata);
  const s3::Metadata& sent_metadata() const { return sent_metadata_; }
  void SetKey(std::string key);

 private:
  // What to do when no memory is to be had: wait for others, or leave the buffer as it is, if that
  // is enough for a part.
  enum class WhenShort { kWait, kSend };

  Status CheckPlace(std::uint64_t offset, std::uint64_t end) const;
  Status Append(ByteView bytes);
  Status PrepareTail(std::uint64_t more);
  Status MakeRoom(std::uint64_t needed);
  PartBuffer NewBuffer() const { return PartBuffer(shared_.options.copies); }
  Status Reserve(PartBuffer& buffer, std::uint64_t needed, std::uint64_t most,
                 WhenShort when_short);
  bool CanSendEarly() const;
  Status SendTail();
  Status BeginStream();
  Status CopyPrefix();
  Status ReuploadPrefix();
  Status SetPrefix(const FileVersion& base);
  Result<Bytes> Fetch(const FileVersion& of, s3::Range range) const;
  Status LoadAll(const FileVersion& of);
  Status WakeUp();
  void Rest();
  void StartOver();
  Error Fail(Error error);
  Result<s3::Written> CommitWhole();
  Result<s3::Written> CommitStream();
  std::uint64_t PartSize() const;
  std::uint64_t Room() const;
  std::uint64_t EndOf(std::uint64_t size) const;

  const Shared shared_;
  const PartPlan plan_;
  std::string key_;
  s3::NewObject object_;
  s3::Metadata sent_metadata_;

  FileVersion prefix_;        // what the first bytes are copied from; size 0 for nothing
  std::uint64_t copied_ = 0;  // how many: all of prefix_, but for its last frame
  std::uint64_t origin_ = 0;  // where tail_ begins in the file
  PartBuffer tail_ = NewBuffer();
  std::unique_ptr<PartUploads> uploads_;
  int next_part_ = 1;
  bool parts_gone_ = false;  // of new bytes, which are in no memory any more

  FileVersion committed_;
  std::optional<s3::Written> written_;  // what committed_ was
  bool resting_ = false;                // all content is committed_, perhaps still in kept_
  std::shared_ptr<KeptContent> kept_;
  bool dirty_ = true;
  std::optional<Error> error_;
};

// ---- Content that exists already ----

Result<Bytes> Writer::Impl::Fetch(const FileVersion& of, s3::Range range) const {
  COFFER_ASSIGN(s3::Fetched fetched,
                shared_.store.Get(key_, range,
                                  {.etag = of.etag, .version_id = of.version_id, .size = of.size}));
  if (!of.etag.empty() && fetched.info.etag != of.etag) {
    return Error{Code::kChanged, "the service answered with another version: ETag " +
                                     fetched.info.etag + ", not " + of.etag};
  }
  if (fetched.body.size() != range.size || fetched.info.size != of.size) {
    return Error{Code::kUnavailable, "the service answered with " +
                                         std::to_string(fetched.body.size()) + " bytes where " +
                                         std::to_string(range.size) + " were expected"};
  }
  return std::move(fetched.body);
}

// Brings small content into memory.
Status Writer::Impl::LoadAll(const FileVersion& of) {
  PartBuffer loaded = NewBuffer();
  if (of.size > 0) {
    COFFER_TRY(Reserve(loaded, of.size, plan_.first_part(), WhenShort::kWait));
    COFFER_ASSIGN(Bytes bytes, Fetch(of, {0, of.size}));
    loaded.Fill(std::move(bytes));
  } else if (shared_.options.alignment > 1 && !of.etag.empty()) {
    // An empty file of frames has an end to prove, too.
    COFFER_ASSIGN(const s3::Fetched fetched,
                  shared_.store.Get(key_, {0, 1}, {.etag = of.etag, .version_id = of.version_id}));
    if (fetched.info.size != 0) {
      return Error{Code::kUnavailable, "the listing shows another size than the object has"};
    }
  }
  tail_ = std::move(loaded);
  origin_ = 0;
  return Ok();
}

Status Writer::Impl::StartFrom(const FileVersion& base) {
  assert(!streaming() && !written_);
  if (base.size <= plan_.first_part()) {
    COFFER_TRY(LoadAll(base));
  } else {
    COFFER_TRY(SetPrefix(base));
  }
  committed_ = base;
  written_ = s3::Written{base.etag, base.version_id, 0};
  dirty_ = false;
  return Ok();
}

// The bytes at the end of large content that are kept for the last part, where content is made of
// frames: the last frame, whole or not, for new bytes join it, or it stays the last.
std::uint64_t Writer::Impl::EndOf(std::uint64_t size) const {
  const std::uint64_t frame = shared_.options.alignment;
  return frame == 1 ? 0 : (size - 1) % frame + 1;
}

// Large content is copied when the stream begins, but for its last frame.
Status Writer::Impl::SetPrefix(const FileVersion& base) {
  const std::uint64_t rest = EndOf(base.size);
  PartBuffer end = NewBuffer();
  if (rest > 0) {
    COFFER_TRY(Reserve(end, rest, plan_.first_part(), WhenShort::kWait));
    COFFER_ASSIGN(Bytes bytes, Fetch(base, {base.size - rest, rest}));
    end.Fill(std::move(bytes));
  }
  tail_ = std::move(end);
  prefix_ = base;
  copied_ = origin_ = base.size - rest;
  return Ok();
}

void Writer::Impl::Rest() {
  if (kept_ == nullptr) {
    kept_ = std::make_shared<KeptContent>();
    shared_.budget.Register(kept_);
  }
  kept_->Keep(std::exchange(tail_, NewBuffer()));
  resting_ = true;
}

Status Writer::Impl::WakeUp() {
  if (!resting_) return Ok();
  if (auto buffer = kept_->Take()) {
    tail_ = std::move(*buffer);
  } else {
    COFFER_TRY(LoadAll(committed_));
  }
  resting_ = false;
  return Ok();
}

void Writer::Impl::MoveTo(const FileVersion& same_bytes) {
  committed_ = same_bytes;
  if (prefix_.size != 0) prefix_ = same_bytes;
  if (written_) written_ = s3::Written{same_bytes.etag, same_bytes.version_id, 0};
  if (object_.condition.kind == s3::Condition::Kind::kMatches) {
    object_.condition = s3::Condition::Matches(same_bytes.etag);
  }
}

void Writer::Impl::SetMetadata(s3::Metadata metadata) {
  object_.metadata = std::move(metadata);
  if (!streaming()) sent_metadata_ = object_.metadata;
}

void Writer::Impl::SetKey(std::string key) {
  key_ = std::move(key);
  if (!streaming()) return;
  // An upload is bound to its key: going on would bring the old name back.
  static_cast<void>(Fail({Code::kBusy, "the file was renamed while its content was being sent"}));
}

// ---- Memory ----

// Memory for `needed` bytes of a part of at most `most`. Parts of our own that are under way give
// memory back by themselves, so they are waited for first; to wait for others while holding much
// would have writers wait for each other, so whoever can send what it has does that instead.
Status Writer::Impl::Reserve(PartBuffer& buffer, std::uint64_t needed, std::uint64_t most,
                             WhenShort when_short) {
  const std::uint64_t frame = shared_.options.alignment;
  needed = std::max(needed, std::min((needed + frame - 1) / frame * frame, most));
  if (needed <= buffer.room()) return Ok();
  const std::uint64_t step = PartBuffer::Step(needed, plan_.smallest(), most);
  const std::uint64_t copies = shared_.options.copies;
  Reservation memory = shared_.budget.TryReserve((step - buffer.room()) * copies);
  const std::uint64_t least = (needed - buffer.room()) * copies;
  if (memory.size() == 0) memory = shared_.budget.TryReserve(least);
  while (memory.size() == 0 && uploads_ != nullptr && uploads_->WaitForOne()) {
    memory = shared_.budget.TryReserve(least);
  }
  if (memory.size() == 0) {
    if (when_short == WhenShort::kSend && CanSendEarly()) return Ok();
    memory = shared_.budget.Reserve(least,
                                    std::chrono::steady_clock::now() + shared_.options.memory_wait);
  }
  if (memory.size() == 0) {
    return Error{Code::kNoMemory, "the memory limit of " + std::to_string(shared_.budget.limit()) +
                                      " bytes was reached and nothing came back in time; raise "
                                      "--memory-limit or write fewer files at once"};
  }
  buffer.Give(std::move(memory), most);
  return Ok();
}

// Bytes that the tail may hold with the memory it has, in whole frames.
std::uint64_t Writer::Impl::Room() const {
  return tail_.room() - tail_.room() % shared_.options.alignment;
}

bool Writer::Impl::CanSendEarly() const {
  return tail_.size() >= plan_.smallest() && next_part_ < PartPlan::kMostParts;
}

// ---- Writing ----

std::uint64_t Writer::Impl::PartSize() const {
  return streaming() ? plan_.SizeOf(std::min(next_part_, PartPlan::kMostParts))
                     : plan_.first_part();
}

Status Writer::Impl::CheckPlace(std::uint64_t offset, std::uint64_t end) const {
  if (end < offset || end > PartPlan::kLargestObject) {
    return Error{Code::kTooLarge, "the file would be larger than S3 allows"};
  }
  const std::uint64_t now = size();
  if (streaming() && offset != now) {
    return Error{Code::kInvalid, "a write at " + std::to_string(offset) +
                                     " of a file that is being streamed and stands at " +
                                     std::to_string(now)};
  }
  const std::uint64_t from = resting_ ? 0 : origin_;
  if (offset < from || (offset > now && offset - from > plan_.first_part())) {
    return Error{Code::kInvalid, "a write at " + std::to_string(offset) +
                                     " is out of order: the file can only be appended to at " +
                                     std::to_string(now)};
  }
  if (streaming() && end - origin_ > plan_.CapacityFrom(next_part_)) {
    return Error{Code::kTooLarge, "the file needs more than 10,000 parts; at most " +
                                      std::to_string(plan_.CapacityFrom(1)) +
                                      " bytes can be streamed"};
  }
  return Ok();
}

Status Writer::Impl::Write(std::uint64_t offset, ByteView bytes) {
  if (error_) return Error(*error_);
  if (bytes.empty()) return Ok();
  COFFER_TRY(CheckPlace(offset, offset + bytes.size()));
  COFFER_TRY(WakeUp());

  if (offset > size()) {
    const std::uint64_t hole_end = offset - origin_;
    COFFER_TRY(Reserve(tail_, hole_end, plan_.first_part(), WhenShort::kWait));
    tail_.Resize(hole_end);
    dirty_ = true;
  }
  const std::uint64_t old = std::min<std::uint64_t>(bytes.size(), size() - offset);
  if (old > 0) {
    tail_.Overwrite(offset - origin_, bytes.first(old));
    dirty_ = true;
  }
  const ByteView rest = bytes.subspan(old);
  const std::uint64_t before = size();
  auto appended = Append(rest);
  // A stream of frames that has sent all it had lacks its last part now.
  const bool endless = streaming() && tail_.size() == 0 && shared_.options.alignment > 1;
  if (!appended && (old > 0 || size() != before || endless) && !error_)
    return Fail(std::move(appended).error());
  return appended;
}

Status Writer::Impl::Append(ByteView bytes) {
  while (!bytes.empty()) {
    COFFER_TRY(PrepareTail(bytes.size()));
    const std::uint64_t room = std::min(Room(), PartSize());
    const std::uint64_t fits = std::min<std::uint64_t>(bytes.size(), room - tail_.size());
    if (fits == 0) continue;  // a part went out; the next one has to find its memory
    tail_.Append(bytes.first(fits));
    bytes = bytes.subspan(fits);
    dirty_ = true;
  }
  return Ok();
}

// Makes room for some of `more` bytes; sends the part instead when it is full, or when memory is
// short and it is large enough to go.
Status Writer::Impl::PrepareTail(std::uint64_t more) {
  if (streaming()) {
    if (auto failed = uploads_->error()) return Fail(std::move(*failed));
  }
  const std::uint64_t part = PartSize();
  if (tail_.size() < part) {
    COFFER_TRY(MakeRoom(tail_.size() + std::min(more, part - tail_.size())));
    if (Room() > tail_.size()) return Ok();
  }
  return SendTail();
}

// A new part of a stream takes what makes it large enough to be sent at once, while it holds
// nothing: then whoever waits for memory keeps none from others.
Status Writer::Impl::MakeRoom(std::uint64_t needed) {
  const std::uint64_t part = PartSize();
  if (streaming() && tail_.size() == 0) needed = std::max(needed, std::min(plan_.smallest(), part));
  return Reserve(tail_, needed, part, WhenShort::kSend);
}

Status Writer::Impl::SendTail() {
  if (next_part_ >= PartPlan::kMostParts) {
    return Fail({Code::kTooLarge, "the file needs more than 10,000 parts"});
  }
  if (!streaming()) COFFER_TRY(BeginStream());
  const std::uint64_t sent = tail_.size();
  parts_gone_ = true;
  if (auto status = uploads_->Send({next_part_++, origin_}, std::exchange(tail_, NewBuffer()));
      !status) {
    return Fail(std::move(status).error());
  }
  origin_ += sent;
  return Ok();
}

Status Writer::Impl::BeginStream() {
  const auto width = static_cast<std::size_t>(std::max(shared_.options.parts_in_flight, 1));
  uploads_ = std::make_unique<PartUploads>(
      PartUploads::Shared{shared_.store, shared_.pool, shared_.uploads, width});
  next_part_ = 1;
  sent_metadata_ = object_.metadata;
  s3::NewObject object = object_;
  object.copies_parts = prefix_.size != 0;
  auto begun = uploads_->Begin(key_, object);
  object_.data_key = nullptr;  // for one message; the next takes its own
  if (begun && prefix_.size != 0) begun = CopyPrefix();
  if (!begun) return Fail(std::move(begun).error());
  return Ok();
}

Status Writer::Impl::CopyPrefix() {
  const auto pieces = plan_.CopyPieces(copied_, shared_.options.copy_part);
  if (!pieces) return Error{Code::kTooLarge, "the old content leaves no parts for more"};
  const auto first = uploads_->SendCopyNow(1, key_, pieces->front(), prefix_.etag);
  const bool refused =
      !first && (first.error().code == Code::kUnsupported || first.error().code == Code::kInvalid);
  if (refused) return ReuploadPrefix();
  if (!first) return Error(first.error());
  next_part_ = 2;
  for (const s3::Range piece : std::span(*pieces).subspan(1)) {
    COFFER_TRY(uploads_->SendCopy(next_part_++, key_, piece, prefix_.etag));
  }
  return Ok();
}

// For servers that cannot copy parts.
Status Writer::Impl::ReuploadPrefix() {
  for (std::uint64_t at = 0; at < copied_;) {
    if (next_part_ >= PartPlan::kMostParts) {
      return Error{Code::kTooLarge, "the old content leaves no parts for more"};
    }
    const std::uint64_t size = plan_.NextPiece(copied_ - at, plan_.SizeOf(next_part_));
    PartBuffer piece = NewBuffer();
    COFFER_TRY(Reserve(piece, size, size, WhenShort::kWait));
    COFFER_ASSIGN(Bytes bytes, Fetch(prefix_, {at, size}));
    piece.Fill(std::move(bytes));
    COFFER_TRY(uploads_->Send({next_part_++, at}, std::move(piece)));
    at += size;
  }
  return Ok();
}

Status Writer::Impl::Truncate(std::uint64_t new_size) {
  if (error_) return Error(*error_);
  if (new_size == size()) return Ok();
  if (new_size == 0) {
    StartOver();
    return Ok();
  }
  std::uint64_t from = resting_ ? 0 : origin_;
  if (from > 0 && shared_.options.alignment > 1) ++from;  // the last frame may be cut, not away
  if (streaming() || new_size < from || new_size - from > plan_.first_part()) {
    return Error{Code::kUnsupported, "a file of " + std::to_string(size()) +
                                         " bytes cannot be cut or extended to " +
                                         std::to_string(new_size) + " while it is streamed"};
  }
  COFFER_TRY(WakeUp());
  COFFER_TRY(Reserve(tail_, new_size - origin_, plan_.first_part(), WhenShort::kWait));
  tail_.Resize(new_size - origin_);
  dirty_ = true;
  return Ok();
}

// Empty content under the same condition as before.
void Writer::Impl::StartOver() {
  if (uploads_ != nullptr) uploads_->Abort();
  uploads_.reset();
  if (kept_ != nullptr) static_cast<void>(kept_->Take());
  tail_ = NewBuffer();
  prefix_ = {};
  copied_ = 0;
  origin_ = 0;
  next_part_ = 1;
  resting_ = false;
  parts_gone_ = false;
  dirty_ = true;
  sent_metadata_ = object_.metadata;
}

Result<Bytes> Writer::Impl::Read(std::uint64_t offset, std::size_t wanted) const {
  if (error_) return Error(*error_);
  if (offset >= size()) return Bytes{};
  const std::uint64_t count = std::min<std::uint64_t>(wanted, size() - offset);
  if (resting_) {
    if (auto bytes = kept_->Copy(offset, count)) return std::move(*bytes);
    return Fetch(committed_, {offset, count});
  }
  const std::uint64_t old = offset < copied_ ? std::min(count, copied_ - offset) : 0;
  if (streaming() && old < count) {
    return Error{Code::kUnsupported,
                 "what is being streamed cannot be read back before it is all "
                 "in S3"};
  }
  Bytes bytes;
  if (old > 0) {
    COFFER_ASSIGN(bytes, Fetch(prefix_, {offset, old}));
  }
  if (old == count) return bytes;
  coffer::Append(bytes, tail_.bytes().subspan(offset + old - origin_, count - old));
  return bytes;
}

// ---- Ending ----

Error Writer::Impl::Fail(Error error) {
  if (!error_) error_ = std::move(error);
  if (uploads_ != nullptr) uploads_->Abort();
  uploads_.reset();
  return Error(*error_);
}

Result<s3::Written> Writer::Impl::Commit() {
  if (error_) return Error(*error_);
  if (!dirty_) return s3::Written(*written_);
  const bool whole = !streaming() && prefix_.size == 0;
  const std::uint64_t new_size = size();
  auto written = whole ? CommitWhole() : CommitStream();
  if (!written) return Fail(std::move(written).error());

  committed_ = {written->etag, written->version_id, new_size, written->server_date_s};
  written_ = *written;
  object_.condition = s3::Condition::Matches(written->etag);
  dirty_ = false;
  if (whole) {
    Rest();
  } else {
    uploads_.reset();
    const std::uint64_t rest = EndOf(new_size);
    tail_.KeepEnd(rest);
    prefix_ = committed_;
    copied_ = origin_ = new_size - rest;
    next_part_ = 1;
    parts_gone_ = false;
  }
  return written;
}

Result<s3::Written> Writer::Impl::CommitWhole() {
  sent_metadata_ = object_.metadata;
  auto written = shared_.store.Put(key_, tail_.bytes(), object_);
  object_.data_key = nullptr;
  return written;
}

// The last part stays in memory until all is committed: it may be all that was new.
Result<s3::Written> Writer::Impl::CommitStream() {
  if (!streaming()) COFFER_TRY(BeginStream());
  if (tail_.size() != 0) {
    const s3::PartPlace place{next_part_++, origin_, true};
    COFFER_TRY(uploads_->SendNow(place, tail_.bytes()));
  }
  return uploads_->Complete(object_.condition);
}

Status Writer::Impl::Settle() {
  if (!error_ && uploads_ != nullptr) {
    if (auto settled = uploads_->Wait(); !settled) return Fail(std::move(settled).error());
  }
  if (error_) return Error(*error_);
  return Ok();
}

void Writer::Impl::Abort() {
  StartOver();
  dirty_ = false;
  if (!error_) error_ = Error{Code::kInterrupted, "the write was given up"};
}

std::optional<Bytes> Writer::Impl::Unsent() const {
  if (!dirty_ || parts_gone_) return std::nullopt;
  Bytes unsent;
  coffer::Append(unsent, tail_.bytes());
  return unsent;
}

// ---- The interface ----

Writer::Writer(const Shared& shared, std::string key, s3::NewObject object)
    : impl_(std::make_unique<Impl>(shared, std::move(key), std::move(object))) {}
Writer::~Writer() = default;

Status Writer::StartFrom(const FileVersion& base) { return impl_->StartFrom(base); }
Status Writer::Write(std::uint64_t offset, ByteView bytes) { return impl_->Write(offset, bytes); }
Status Writer::Truncate(std::uint64_t size) { return impl_->Truncate(size); }
Result<Bytes> Writer::Read(std::uint64_t offset, std::size_t size) const {
  return impl_->Read(offset, size);
}
std::uint64_t Writer::size() const { return impl_->size(); }
bool Writer::streaming() const { return impl_->streaming(); }
bool Writer::dirty() const { return impl_->dirty(); }
void Writer::SetMetadata(s3::Metadata metadata) { impl_->SetMetadata(std::move(metadata)); }
const s3::Metadata& Writer::sent_metadata() const { return impl_->sent_metadata(); }
void Writer::SetKey(std::string key) { impl_->SetKey(std::move(key)); }
void Writer::MoveTo(const FileVersion& same_bytes) { impl_->MoveTo(same_bytes); }
Result<s3::Written> Writer::Commit() { return impl_->Commit(); }
Status Writer::Settle() { return impl_->Settle(); }
void Writer::Abort() { impl_->Abort(); }
std::optional<Bytes> Writer::Unsent() const { return impl_->Unsent(); }
std::uint64_t Writer::unsent_offset() const { return impl_->origin(); }

}  // namespace coffer::fs
