#include "fs/part_uploads.h"

#include <algorithm>
#include <deque>
#include <new>
#include <utility>
#include <vector>

#include "fs/mutex.h"

namespace coffer::fs {

// Shared with the tasks in the pool, which may come to their turn after the upload has ended.
struct PartUploads::State {
  struct Pending {
    int number = 0;
    Job job;
  };

  explicit State(s3::ObjectStore& s) : store(s) {}

  // Runs the oldest part that has not started; false when there is none.
  bool RunOne();
  Result<s3::Part> Run(const Pending& part);
  // False when a part has failed or `width` are under way: then `part` is left as it is.
  bool Enqueue(Pending& part, std::size_t width);

  s3::ObjectStore& store;
  s3::Upload upload;  // set before the first part
  mutable Mutex mu;
  Condition ended;
  std::deque<Pending> pending GUARDED_BY(mu);
  std::size_t under_way GUARDED_BY(mu) = 0;  // pending or running
  std::uint64_t ends GUARDED_BY(mu) = 0;
  std::vector<s3::Part> done GUARDED_BY(mu);
  std::optional<Error> error GUARDED_BY(mu);
};

Result<s3::Part> PartUploads::State::Run(const Pending& part) {
  try {
    auto result = part.job(store, upload);
    if (result) return result;
    return std::move(result).error().While("part " + std::to_string(part.number));
  } catch (const std::bad_alloc&) {
    return Error{Code::kNoMemory, "no memory to send part " + std::to_string(part.number)};
  }
}

bool PartUploads::State::RunOne() {
  Pending part;
  bool stopped = false;
  {
    Lock lock(mu);
    if (pending.empty()) return false;
    part = std::move(pending.front());
    pending.pop_front();
    stopped = error.has_value();
  }
  std::optional<Result<s3::Part>> result;
  if (!stopped) result = Run(part);
  part.job = nullptr;  // the buffer's memory is free before anybody hears of the end
  {
    Lock lock(mu);
    --under_way;
    ++ends;
    if (result && *result) done.push_back(std::move(*result).value());
    if (result && !*result && !error) error = std::move(*result).error();
  }
  ended.NotifyAll();
  return true;
}

PartUploads::PartUploads(const Shared& shared)
    : shared_(shared), state_(std::make_shared<State>(shared.store)) {}

PartUploads::~PartUploads() { Abort(); }

Status PartUploads::Begin(const std::string& key, const s3::NewObject& object) {
  COFFER_ASSIGN(state_->upload, shared_.store.CreateUpload(key, object));
  open_ = true;
  shared_.observer.Began(state_->upload);
  return Ok();
}

bool PartUploads::State::Enqueue(Pending& part, std::size_t width) {
  Lock lock(mu);
  if (error || under_way >= width) return false;
  pending.push_back(std::move(part));
  ++under_way;
  return true;
}

Status PartUploads::Start(int number, Job job) {
  State::Pending part{number, std::move(job)};
  while (!state_->Enqueue(part, std::max<std::size_t>(shared_.width, 1))) {
    if (auto failed = error()) return std::move(*failed);
    WaitForOne();
  }
  shared_.pool.Submit([state = state_] { state->RunOne(); });
  return Ok();
}

Status PartUploads::RunNow(int number, const Job& job) {
  if (auto failed = error()) return std::move(*failed);
  COFFER_ASSIGN(s3::Part part, state_->Run({number, job}));
  Lock lock(state_->mu);
  state_->done.push_back(std::move(part));
  return Ok();
}

Status PartUploads::Send(s3::PartPlace place, PartBuffer buffer) {
  // std::function wants to be copyable; nothing is copied.
  const auto shared = std::make_shared<PartBuffer>(std::move(buffer));
  return Start(place.number, [place, shared](s3::ObjectStore& store, const s3::Upload& upload) {
    return store.UploadPart(upload, place, shared->bytes());
  });
}

Status PartUploads::SendCopy(int number, std::string from, s3::Range range,
                             std::string source_etag) {
  return Start(number, [number, from = std::move(from), range, etag = std::move(source_etag)](
                           s3::ObjectStore& store, const s3::Upload& upload) {
    return store.CopyPart(upload, number, from, range, etag);
  });
}

Status PartUploads::SendCopyNow(int number, const std::string& from, s3::Range range,
                                const std::string& source_etag) {
  return RunNow(number, [&](s3::ObjectStore& store, const s3::Upload& upload) {
    return store.CopyPart(upload, number, from, range, source_etag);
  });
}

Status PartUploads::SendNow(s3::PartPlace place, ByteView bytes) {
  return RunNow(place.number, [&](s3::ObjectStore& store, const s3::Upload& upload) {
    return store.UploadPart(upload, place, bytes);
  });
}

std::optional<Error> PartUploads::error() const {
  Lock lock(state_->mu);
  return state_->error;
}

bool PartUploads::WaitForOne() {
  if (state_->RunOne()) return true;
  Lock lock(state_->mu);
  const std::uint64_t before = state_->ends;
  if (state_->under_way == 0) return false;
  while (state_->ends == before) state_->ended.Wait(state_->mu);
  return true;
}

Status PartUploads::Wait() {
  while (WaitForOne()) {
  }
  if (auto failed = error()) return std::move(*failed);
  return Ok();
}

Result<s3::Written> PartUploads::Complete(const s3::Condition& condition) {
  COFFER_TRY(Wait());
  std::vector<s3::Part> parts;
  {
    Lock lock(state_->mu);
    parts = state_->done;
  }
  std::sort(parts.begin(), parts.end(),
            [](const s3::Part& a, const s3::Part& b) { return a.number < b.number; });
  COFFER_ASSIGN(s3::Written written,
                shared_.store.CompleteUpload(state_->upload, parts, condition));
  open_ = false;
  shared_.observer.Ended(state_->upload);
  return written;
}

void PartUploads::Abort() {
  {
    Lock lock(state_->mu);
    if (!state_->error) state_->error = Error{Code::kInterrupted, "the upload was aborted"};
  }
  while (WaitForOne()) {
  }
  if (!std::exchange(open_, false)) return;
  // An upload that could not be aborted stays on record, for a later start to clean up.
  if (shared_.store.AbortUpload(state_->upload)) shared_.observer.Ended(state_->upload);
}

}  // namespace coffer::fs
