#include "fs/cmd_rm.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "fs/exit_code.h"
#include "fs/json.h"
#include "fs/mutex.h"
#include "fs/volume_descriptor.h"
#include "fs/volume_signs.h"

namespace coffer::fs {
namespace {

using s3::FailedDelete;
using s3::KeyToDelete;
using s3::ListedObject;
using s3::ListPage;

constexpr std::size_t kLooksInFlight = 32;  // HEADs, where locks matter
constexpr std::size_t kBatchesInFlight = 8;
constexpr std::size_t kPagesBetweenWaits = 32;  // bounds what waits in memory
constexpr std::size_t kSingleDeletesPerTask = 50;
constexpr std::size_t kFailuresListed = 10'000;

struct Outcome {
  std::size_t removed = 0;
  std::uint64_t bytes = 0;
  std::size_t failed = 0;
  std::vector<FailedDelete> failures;  // the first of them
  std::optional<Error> stopped;        // why not everything was tried
};

// What has happened so far; shared by the tasks.
class Tally {
 public:
  void Removed(std::size_t objects, std::uint64_t bytes) {
    Lock lock(mu_);
    removed_ += objects;
    bytes_ += bytes;
  }
  void Failed(FailedDelete failure) {
    Lock lock(mu_);
    ++failed_;
    if (failures_.size() < kFailuresListed) failures_.push_back(std::move(failure));
  }
  // Nothing more shall be begun: a request failed as a whole, and the next would fail alike.
  void Stop(Error error) {
    Lock lock(mu_);
    if (!stopped_) stopped_ = std::move(error);
  }
  bool stopped() const {
    Lock lock(mu_);
    return stopped_.has_value();
  }
  Outcome Get() const {
    Lock lock(mu_);
    return {removed_, bytes_, failed_, failures_, stopped_};
  }
  std::pair<std::size_t, std::size_t> Counts() const {
    Lock lock(mu_);
    return {removed_, failed_};
  }

 private:
  mutable Mutex mu_;
  std::size_t removed_ GUARDED_BY(mu_) = 0;
  std::uint64_t bytes_ GUARDED_BY(mu_) = 0;
  std::size_t failed_ GUARDED_BY(mu_) = 0;
  std::vector<FailedDelete> failures_ GUARDED_BY(mu_);
  std::optional<Error> stopped_ GUARDED_BY(mu_);
};

class TreeRemover {
 public:
  TreeRemover(s3::ObjectStore& store, const s3::Capabilities& capabilities, WorkerPool& pool,
              Console& console, const RemoveRequest& request)
      : store_(store),
        capabilities_(capabilities),
        pool_(pool),
        console_(console),
        keep_(request.keep),
        locks_(request.locks) {}

  Result<ListPage> FirstPage(const std::string& prefix) { return List(prefix, ""); }

  // Everything below `prefix`; `page` is its first page.
  Outcome Remove(const std::string& prefix, ListPage page) {
    RemovePass(prefix, std::move(page));
    // A listing that is not sorted may miss names while others go: look until a pass finds nothing.
    while (!capabilities_.sorted_list && tally_.Counts().second == 0 && !tally_.stopped()) {
      auto again = List(prefix, "");
      if (!again) {
        tally_.Stop(std::move(again).error());
        break;
      }
      if (again->objects.empty()) break;
      RemovePass(prefix, *std::move(again));
    }
    if (console_.interactive) console_.err << '\n';
    return tally_.Get();
  }

 private:
  Result<ListPage> List(const std::string& prefix, const std::string& token) {
    s3::ListRequest request;
    request.prefix = prefix;
    request.delimited = false;
    request.token = token;
    auto page = store_.List(request);
    if (page) std::erase_if(page->objects, [&](const auto& object) { return object.key == keep_; });
    return page;
  }

  void RemovePass(const std::string& prefix, ListPage page) {
    TaskGroup group(pool_, kBatchesInFlight);
    for (std::size_t pages = 1;; ++pages) {
      const std::string token = page.next_token;
      Add(group, Unlocked(std::move(page.objects)));
      if (pages % kPagesBetweenWaits == 0) group.Wait();
      ShowProgress();
      if (token.empty() || tally_.stopped()) break;
      auto next = List(prefix, token);
      if (!next) {
        group.Wait();  // what was listed still goes
        tally_.Stop(std::move(next).error().While("list what is left"));
        break;
      }
      page = *std::move(next);
    }
    group.Wait();
    ShowProgress();
  }

  // Those that may go; a locked one stays, and is told.
  std::vector<ListedObject> Unlocked(std::vector<ListedObject> objects) {
    if (!locks_.enabled) return objects;
    std::vector<std::optional<Error>> refused(objects.size(), Error{Code::kNoMemory, "cut short"});
    TaskGroup looks(pool_, kLooksInFlight);
    for (std::size_t i = 0; i < objects.size(); ++i) {
      looks.Add([this, &objects, &refused, i] {
        const auto reading = ReadLock(store_, objects[i].key, locks_);
        refused[i].reset();
        if (!reading) refused[i] = reading.error();
        if (reading && reading->locked) refused[i] = LockedError(reading->lock);
      });
    }
    looks.Wait();
    std::vector<ListedObject> free;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (refused[i]) tally_.Failed({objects[i].key, std::move(*refused[i])});
      if (!refused[i]) free.push_back(std::move(objects[i]));
    }
    return free;
  }

  void Add(TaskGroup& group, std::vector<ListedObject> objects) {
    const std::size_t per_task =
        capabilities_.delete_objects ? objects.size() : kSingleDeletesPerTask;
    for (std::size_t at = 0; at < objects.size(); at += per_task) {
      const std::size_t end = std::min(at + per_task, objects.size());
      std::vector<ListedObject> some(std::make_move_iterator(objects.begin() + Offset(at)),
                                     std::make_move_iterator(objects.begin() + Offset(end)));
      group.Add([this, batch = std::move(some)] { Delete(batch); });
    }
  }

  void Delete(const std::vector<ListedObject>& batch) {
    if (tally_.stopped()) return;
    if (capabilities_.delete_objects) return DeleteTogether(batch);
    DeleteOneByOne(batch);
  }

  static std::ptrdiff_t Offset(std::size_t at) { return static_cast<std::ptrdiff_t>(at); }

  void DeleteTogether(const std::vector<ListedObject>& batch) {
    std::vector<KeyToDelete> keys;
    std::uint64_t bytes = 0;
    for (const ListedObject& object : batch) {
      keys.push_back({object.key, ""});
      bytes += object.size;
    }
    auto failures = store_.DeleteMany(keys);
    if (!failures) {
      // Nothing is known of these keys: none of them counts as removed.
      for (const ListedObject& object : batch) tally_.Failed({object.key, failures.error()});
      tally_.Stop(std::move(failures).error());
      return;
    }
    for (FailedDelete& failure : *failures) {
      const auto object = std::find_if(batch.begin(), batch.end(),
                                       [&](const ListedObject& o) { return o.key == failure.key; });
      if (object != batch.end()) bytes -= object->size;
      tally_.Failed(std::move(failure));
    }
    tally_.Removed(batch.size() - std::min(batch.size(), failures->size()), bytes);
  }

  void DeleteOneByOne(const std::vector<ListedObject>& batch) {
    for (const ListedObject& object : batch) {
      if (tally_.stopped()) return;
      auto status = store_.Delete(object.key, s3::Condition::None());
      if (status) {
        tally_.Removed(1, object.size);
      } else {
        if (status.error().code == Code::kInterrupted) tally_.Stop(status.error());
        tally_.Failed({object.key, std::move(status).error()});
      }
    }
  }

  void ShowProgress() {
    if (!console_.interactive) return;
    const auto [removed, failed] = tally_.Counts();
    console_.err << "\rremoved " << removed;
    if (failed != 0) console_.err << ", failed " << failed;
    console_.err << std::flush;
  }

  s3::ObjectStore& store_;
  const s3::Capabilities& capabilities_;
  WorkerPool& pool_;
  Console& console_;
  const std::string& keep_;
  const LockPolicy& locks_;
  Tally tally_;
};

// One `coffer rm`: the messages and the exit code around it.
class RemoveCommand {
 public:
  RemoveCommand(s3::ObjectStore& store, const s3::Capabilities& capabilities, WorkerPool& pool,
                const RemoveRequest& request, Console& console)
      : store_(store),
        capabilities_(capabilities),
        pool_(pool),
        request_(request),
        console_(console) {}

  int Run() {
    if (!capabilities_.write) {
      return Fail({Code::kUnsupported, request_.shown + ": this kind of address only reads"});
    }
    std::string name = request_.key;
    while (name.ends_with('/')) name.pop_back();
    if (name.empty() && !request_.whole_bucket) {
      return Fail({Code::kInvalid, request_.shown +
                                       ": this is the whole bucket; name a prefix, or say "
                                       "--whole-bucket if you mean it"});
    }
    TreeRemover remover(store_, capabilities_, pool_, console_, request_);
    const std::string prefix =
        request_.key.empty() || request_.key.ends_with('/') ? request_.key : request_.key + '/';
    auto page = remover.FirstPage(prefix);
    if (!page) return Fail(std::move(page).error().While("list " + request_.shown));
    if (page->objects.empty() && page->next_token.empty()) return RemoveFile(name);
    if (!request_.recursive) {
      return Fail({Code::kInvalid, request_.shown + ": a directory; add -r to remove all of it"});
    }
    if (const int code = Ask(prefix, *page); code != kExitOk) return code;
    return Report(remover.Remove(prefix, *std::move(page)));
  }

 private:
  int RemoveFile(const std::string& name) {
    if (name.empty()) return Fail({Code::kNotFound, request_.shown + ": the bucket is empty"});
    const auto info = store_.Head(name, {});
    if (!info && info.error().code == Code::kNotFound) {
      return Fail({Code::kNotFound, request_.shown + ": nothing there"});
    }
    if (!info) return Fail(Error(info.error()).While("look at " + request_.shown));
    if (request_.locks.enabled) {
      const auto reading = ReadLock(store_, name, request_.locks);
      if (!reading) return Fail(Error(reading.error()).While(request_.shown));
      if (reading->locked) return Fail(LockedError(reading->lock).While(request_.shown));
    }
    auto status = store_.Delete(name, s3::Condition::None());
    if (!status) return Fail(std::move(status).error().While("remove " + request_.shown));
    Outcome result;
    result.removed = 1;
    result.bytes = info->size;
    return Report(result);
  }

  // Where a sealed volume begins that would go too, as far as the first page or one look tells.
  std::optional<std::string> SealedAmong(const std::string& prefix, const ListPage& first) {
    for (const ListedObject& object : first.objects) {
      if (IsDescriptorKey(object.key)) {
        return object.key.substr(0, object.key.size() - kDescriptorName.size());
      }
    }
    if (first.next_token.empty() || !request_.keep.empty()) return std::nullopt;
    const auto holds = HoldsVolume(store_, prefix);
    if (holds && *holds) return prefix;
    return std::nullopt;
  }

  int Ask(const std::string& prefix, const ListPage& first) {
    if (request_.yes) return kExitOk;
    std::string count = (first.next_token.empty() ? "" : "more than ") +
                        std::to_string(first.objects.size()) +
                        (first.objects.size() == 1 ? " object" : " objects");
    if (const auto sealed = SealedAmong(prefix, first)) {
      count += ", the sealed volume at \"" + Printable(*sealed) + "\" among them";
    }
    const std::string question = Printable(request_.shown) + ": remove " + count +
                                 ", those included that a mount does not show?";
    if (!console_.interactive) {
      return Fail({Code::kInvalid, request_.shown + ": would remove " + count +
                                       ", and nobody can be asked; add --yes"});
    }
    if (Confirm(console_, question)) return kExitOk;
    return Fail({Code::kInterrupted, "nothing was removed"});
  }

  int Fail(const Error& error) {
    console_.err << "coffer rm: " << Printable(error.what) << '\n';
    if (request_.json) console_.out << ToText(Json{{"error", error.what}}) << '\n';
    return ExitCodeOf(error);
  }

  int Report(const Outcome& result) {
    for (const FailedDelete& failure : result.failures) {
      console_.err << "coffer rm: not removed: " << Printable(failure.key) << ": "
                   << Printable(failure.error.what) << '\n';
    }
    if (result.failed > result.failures.size()) {
      console_.err << "coffer rm: not removed: and " << result.failed - result.failures.size()
                   << " more\n";
    }
    if (result.stopped) {
      console_.err << "coffer rm: stopped before the end: " << Printable(result.stopped->what)
                   << '\n';
    }
    if (request_.json) PrintJson(result);
    if (!request_.json && (console_.interactive || result.failed != 0)) {
      console_.out << "removed " << result.removed << " objects, " << result.bytes << " bytes";
      if (result.failed != 0) console_.out << "; " << result.failed << " could not be removed";
      console_.out << '\n';
    }
    if (result.failed == 0 && !result.stopped) return kExitOk;
    if (result.removed != 0) return kExitPartial;
    return ExitCodeOf(result.stopped ? *result.stopped : result.failures.front().error);
  }

  void PrintJson(const Outcome& result) {
    Json json;
    json["removed"] = result.removed;
    json["bytes"] = result.bytes;
    json["complete"] = result.failed == 0 && !result.stopped;
    json["failed"] = Json::array();
    for (const FailedDelete& failure : result.failures) {
      json["failed"].push_back({{"key", failure.key}, {"error", failure.error.what}});
    }
    json["failed_count"] = result.failed;
    if (result.stopped) json["stopped"] = result.stopped->what;
    console_.out << ToText(json) << '\n';
  }

  s3::ObjectStore& store_;
  const s3::Capabilities& capabilities_;
  WorkerPool& pool_;
  const RemoveRequest& request_;
  Console& console_;
};

}  // namespace

int RunRemove(s3::ObjectStore& store, const s3::Capabilities& capabilities, WorkerPool& pool,
              const RemoveRequest& request, Console& console) {
  return RemoveCommand(store, capabilities, pool, request, console).Run();
}

}  // namespace coffer::fs
