#include "fs/volume_walk.h"

#include <utility>

#include "fs/on_exit.h"
#include "fs/status_report.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kKeysAtOnce = 1'000;
// Further pages are listed while no more than these are under way: one large object at the front
// must not keep the others waiting.
constexpr std::size_t kListingsAhead = 2 * kKeysAtOnce;
constexpr auto kSaveEvery = std::chrono::seconds(5);
constexpr auto kLineEvery = std::chrono::milliseconds(500);
constexpr std::size_t kKeyShown = 40;

std::string Shortened(const std::string& key) {
  const std::string text = Printable(key);
  return text.size() <= kKeyShown ? text : "..." + text.substr(text.size() - kKeyShown);
}

}  // namespace

std::uint64_t WalkReport::objects() const {
  std::uint64_t all = 0;
  for (const auto& [outcome, count] : counts) all += count.objects;
  return all;
}

std::uint64_t WalkReport::bytes() const {
  std::uint64_t all = 0;
  for (const auto& [outcome, count] : counts) all += count.bytes;
  return all;
}

std::uint64_t WalkReport::objects(const std::string& outcome) const {
  const auto found = counts.find(outcome);
  return found == counts.end() ? 0 : found->second.objects;
}

VolumeWalk::VolumeWalk(s3::ObjectStore& store, WorkerPool& pool, WalkRequest request)
    : store_(store), pool_(pool), request_(std::move(request)) {}

bool VolumeWalk::stopped() const {
  const Lock lock(mu_);
  return report_.stopped.has_value();
}

void VolumeWalk::Stop(Error why) {
  {
    const Lock lock(mu_);
    if (!report_.stopped) report_.stopped = std::move(why);
  }
  changed_.NotifyAll();
}

Status VolumeWalk::Begin() {
  const Lock lock(mu_);
  sorted_ = request_.sorted;
  COFFER_ASSIGN(journal_, WalkJournal::Open(request_.journal, request_.resume && sorted_));
  if (!sorted_) COFFER_TRY(journal_->Void());
  if (!journal_->place()) return Ok();
  place_ = *journal_->place();
  report_.resumed_after = place_.done;
  report_.counts = place_.counts;
  last_listed_ = place_.done;
  std::vector<WalkFinding> findings;
  COFFER_TRY(journal_->ForEach([&findings](const WalkFinding& finding) {
    if (findings.size() < kFindingsAtHand) findings.push_back(finding);
    return Ok();
  }));
  report_.findings = std::move(findings);
  return Ok();
}

WalkReport VolumeWalk::Run(const Visitor& visit, Console& console) {
  began_ = std::chrono::steady_clock::now();
  next_save_ = began_ + kSaveEvery;
  next_line_ = began_ + kLineEvery;
  if (Status begun = Begin(); !begun) {
    Stop(std::move(begun).error());
  } else {
    TaskGroup group(pool_, pool_.threads());
    WalkPages(group, visit, console);
    WaitUntilAtMost(0, console);
    group.Wait();
    Save();
  }
  if (shown_) console.err << "\r\x1b[K" << std::flush;
  const Lock lock(mu_);
  report_.counts = place_.counts;
  report_.finding_count = place_.findings;
  report_.can_resume = report_.stopped && journal_ && sorted_ && !place_.done.empty();
  return report_;
}

void VolumeWalk::WalkPages(TaskGroup& group, const Visitor& visit, Console& console) {
  s3::ListRequest list;
  list.prefix = request_.prefix;
  list.delimited = false;
  list.max_keys = kKeysAtOnce;
  {
    const Lock lock(mu_);
    list.start_after = place_.done;
  }
  do {
    auto page = store_.List(list);
    if (!page) return Stop(std::move(page).error().While("list what is left"));
    for (s3::ListedObject& object : page->objects) Add(group, visit, std::move(object));
    list.token = std::move(page->next_token);
    list.start_after.clear();
    WaitUntilAtMost(kListingsAhead, console);
  } while (!list.token.empty() && !stopped());
}

void VolumeWalk::Add(TaskGroup& group, const Visitor& visit, s3::ListedObject object) {
  std::uint64_t number = 0;
  Status voided = Ok();
  {
    const Lock lock(mu_);
    if (report_.stopped) return;
    // What was taken for an order was none: places that were saved mean nothing.
    if (sorted_ && !last_listed_.empty() && object.key <= last_listed_) {
      sorted_ = false;
      voided = journal_->Void();
    }
    last_listed_ = object.key;
    number = first_ + window_.size();
    window_.push_back({std::move(object), std::nullopt});
  }
  if (!voided) return Stop(std::move(voided).error());
  group.Add([this, &visit, number] { Visit(visit, number); });
}

void VolumeWalk::Visit(const Visitor& visit, std::uint64_t number) {
  bool settled = false;
  const OnExit told([&] {
    if (!settled) Stop({Code::kNoMemory, "out of memory"});
  });
  s3::ListedObject object;
  {
    const Lock lock(mu_);
    settled = report_.stopped.has_value();
    if (settled) return;
    object = window_[number - first_].object;
  }
  auto visited = visit(object);
  if (!visited) {
    Stop(std::move(visited).error());
  } else {
    Settle(number, std::move(visited).value());
  }
  settled = true;
}

void VolumeWalk::Settle(std::uint64_t number, Visited visited) {
  Status counted = Ok();
  {
    const Lock lock(mu_);
    window_[number - first_].visited = std::move(visited);
    while (counted && !window_.empty() && window_.front().visited) {
      counted = Count(window_.front());
      window_.pop_front();
      ++first_;
    }
    keeps_ = keeps_ && counted;
  }
  if (!counted) Stop(std::move(counted).error());
  changed_.NotifyAll();
}

Status VolumeWalk::Count(const Slot& slot) {
  const Visited& visited = *slot.visited;
  WalkCount& count = place_.counts[visited.outcome];
  ++count.objects;
  count.bytes += visited.bytes;
  place_.done = slot.object.key;
  if (visited.reason.empty()) return Ok();
  ++place_.findings;
  WalkFinding finding{slot.object.key, visited.outcome, visited.reason};
  COFFER_TRY(journal_->Add(finding));
  if (report_.findings.size() < kFindingsAtHand) report_.findings.push_back(std::move(finding));
  return Ok();
}

void VolumeWalk::WaitUntilAtMost(std::size_t waiting, Console& console) {
  for (;;) {
    {
      const Lock lock(mu_);
      const auto next = std::chrono::steady_clock::now() + kLineEvery;
      while (window_.size() > waiting && !report_.stopped && changed_.WaitUntil(mu_, next))
        continue;
      if (window_.size() <= waiting || report_.stopped) break;
    }
    ShowProgress(console);
    if (std::chrono::steady_clock::now() >= next_save_) Save();
  }
  ShowProgress(console);
  if (std::chrono::steady_clock::now() >= next_save_) Save();
}

void VolumeWalk::Save() {
  Status saved = Ok();
  {
    const Lock lock(mu_);
    if (sorted_ && keeps_ && !place_.done.empty()) saved = journal_->Save(place_);
  }
  next_save_ = std::chrono::steady_clock::now() + kSaveEvery;
  if (!saved) Stop(std::move(saved).error().While("keep how far this came"));
}

void VolumeWalk::ShowProgress(Console& console) {
  const auto now = std::chrono::steady_clock::now();
  if (!console.interactive || now < next_line_) return;
  next_line_ = now + kLineEvery;
  shown_ = true;
  WalkPlace place;
  {
    const Lock lock(mu_);
    place = place_;
  }
  std::uint64_t objects = 0;
  for (const auto& [outcome, count] : place.counts) objects += count.objects;
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const std::uint64_t moved = moved_;
  console.err << "\r\x1b[K" << request_.doing << ' ' << objects << " objects, " << HumanBytes(moved)
              << " ("
              << HumanBytes(static_cast<std::uint64_t>(static_cast<double>(moved) / seconds))
              << "/s)";
  if (place.findings > 0) console.err << ", to be told: " << place.findings;
  console.err << ", at " << Shortened(place.done) << std::flush;
}

Status VolumeWalk::ForEachFinding(const std::function<Status(const WalkFinding&)>& visit) {
  const Lock lock(mu_);
  if (!journal_) return Ok();
  return journal_->ForEach(visit);
}

Status VolumeWalk::Close() {
  {
    const Lock lock(mu_);
    if (report_.can_resume) return Ok();
  }
  return Forget();
}

Status VolumeWalk::Forget() {
  const Lock lock(mu_);
  return journal_ ? journal_->Remove() : Ok();
}

}  // namespace coffer::fs
