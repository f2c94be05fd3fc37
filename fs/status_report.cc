#include "fs/status_report.h"

#include <array>
#include <fstream>
#include <iomanip>
#include <sstream>

#include "fs/console.h"

namespace coffer::fs {
namespace {

// How long a failure of the service or the credentials makes a mount degraded.
constexpr std::int64_t kRecentS = 60;

Json StatusJson(const s3::OperationCounts& counts) {
  return {{"count", counts.requests},          {"retries", counts.retries},
          {"errors", counts.errors},           {"throttled", counts.throttled},
          {"bytes_in", counts.received_bytes}, {"bytes_out", counts.sent_bytes}};
}

Json Requests(const s3::CounterSnapshot& snapshot) {
  Json requests = Json::object();
  for (int i = 0; i < s3::kOperationCount; ++i) {
    const auto operation = static_cast<s3::Operation>(i);
    requests[std::string(s3::Name(operation))] = StatusJson(snapshot.Of(operation));
  }
  return requests;
}

Json Files(const FilesystemStats& stats) {
  return {{"open_handles", stats.open_handles},
          {"being_written", stats.files_being_written},
          {"unsent_bytes", stats.unsent_bytes},
          {"failed_commits", stats.failed_commits},
          {"rescued", stats.rescued_files},
          {"deferred_attribute_changes", stats.deferred_attribute_changes},
          {"deferred_attribute_failures", stats.deferred_attribute_failures},
          {"hidden_keys", stats.hidden_keys},
          {"hidden_examples", stats.hidden_examples},
          {"sealed_directories", stats.sealed_directories},
          {"sealed_files", stats.sealed_files},
          {"refused_files", stats.refused_files},
          {"nodes", stats.nodes},
          {"cached_directories", stats.cached_directories},
          {"cached_names", stats.cached_names},
          {"heads_for_attributes", stats.heads_for_attributes}};
}

std::string Plural(std::uint64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string Duration(std::int64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return std::to_string(seconds / 60) + " min";
  if (seconds < 86400)
    return std::to_string(seconds / 3600) + " h " + std::to_string(seconds / 60 % 60) + " min";
  return std::to_string(seconds / 86400) + " d " + std::to_string(seconds / 3600 % 24) + " h";
}

std::uint64_t NumberAt(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}

std::string TextAt(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? Printable(found->get<std::string>()) : "";
}

Json PartAt(const Json& report, const char* name) {
  const auto found = report.find(name);
  return found != report.end() ? *found : Json::object();
}

// Lines of "name  value", values in one column.
class Lines {
 public:
  void Add(const std::string& name, const std::string& value) {
    if (value.empty()) return;
    constexpr std::size_t kColumn = 12;
    text_ += "  " + name + std::string(name.size() < kColumn ? kColumn - name.size() : 1, ' ');
    text_ += value + "\n";
  }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string RequestsForPeople(const Json& requests) {
  std::string text;
  for (const auto& [name, counts] : requests.items()) {
    if (!counts.is_object() || NumberAt(counts, "count") == 0) continue;
    std::ostringstream line;
    line << "    " << std::left << std::setw(24) << name << " " << std::right << std::setw(8)
         << NumberAt(counts, "count");
    text += line.str();
    for (const char* what : {"retries", "errors", "throttled"}) {
      if (NumberAt(counts, what) > 0)
        text += std::string("  ") + what + " " + std::to_string(NumberAt(counts, what));
    }
    if (NumberAt(counts, "bytes_in") > 0)
      text += "  in " + HumanBytes(NumberAt(counts, "bytes_in"));
    if (NumberAt(counts, "bytes_out") > 0)
      text += "  out " + HumanBytes(NumberAt(counts, "bytes_out"));
    text += "\n";
  }
  return text.empty() ? text : "  requests\n" + text;
}

std::string WritingForPeople(const Json& files) {
  const std::uint64_t writing = NumberAt(files, "being_written");
  const std::uint64_t waiting = NumberAt(files, "deferred_attribute_changes");
  std::string text;
  if (writing > 0) {
    text = Plural(writing, "file", "files") + " being written, " +
           HumanBytes(NumberAt(files, "unsent_bytes")) + " not stored yet";
  }
  if (waiting > 0) {
    text += (text.empty() ? "" : "; ") +
            Plural(waiting, "change of attributes waits", "changes of attributes wait");
  }
  return text;
}

std::string ClosedForPeople(const Json& files) {
  const std::uint64_t directories = NumberAt(files, "sealed_directories");
  const std::uint64_t objects = NumberAt(files, "sealed_files");
  if (directories + objects == 0) return "";
  return Plural(directories, "sealed volume", "sealed volumes") + " and " +
         Plural(objects, "sealed file", "sealed files") + " outside of one, in a plain mount";
}

std::string LaterForPeople(const Json& owed) {
  const std::uint64_t waiting = NumberAt(owed, "waiting");
  const std::uint64_t locked = NumberAt(owed, "locked");
  if (waiting + locked == 0) return "";
  return Plural(waiting, "file", "files") + " to be locked later, " + std::to_string(locked) +
         " that were";
}

std::string SealedForPeople(const Json& sealed) {
  if (sealed.empty()) return "";
  const Json sealing = PartAt(sealed, "sealing");
  const Json opening = PartAt(sealed, "opening");
  const Json kms = PartAt(sealed, "kms");
  std::string text = "volume " + TextAt(sealed, "volume") + "; keys asked " +
                     std::to_string(NumberAt(sealing, "calls")) + " times to seal, " +
                     std::to_string(NumberAt(opening, "calls")) + " to open";
  if (NumberAt(kms, "throttled") > 0) {
    text += ", throttled " + Plural(NumberAt(kms, "throttled"), "time", "times");
  }
  if (NumberAt(sealed, "unbound") > 0) {
    text += "; " + Plural(NumberAt(sealed, "unbound"), "read", "reads") + " of objects under a " +
            "name that is not theirs";
  }
  return text;
}

}  // namespace

MemoryUse ProcessMemory() {
  MemoryUse use;
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t kib = 0;
    if (!(words >> name >> kib)) continue;
    if (name == "VmRSS:") use.resident = kib * 1024;
    if (name == "VmHWM:") use.resident_max = kib * 1024;
  }
  return use;
}

std::vector<std::string> DegradedReasons(const StatusFacts& facts) {
  std::vector<std::string> reasons;
  const FilesystemStats& files = facts.files;
  if (files.failed_commits > 0) {
    std::string line = Plural(files.failed_commits, "file was", "files were") + " not stored";
    if (files.rescued_files > 0)
      line +=
          ", the bytes of " + std::to_string(files.rescued_files) + " are in the rescue directory";
    reasons.push_back(line + " (see the log)");
  }
  if (files.deferred_attribute_failures > 0) {
    reasons.push_back(Plural(files.deferred_attribute_failures, "change", "changes") +
                      " of attributes failed after it was answered (see the log)");
  }
  if (facts.owed_locks.failing > 0) {
    reasons.push_back(Plural(facts.owed_locks.failing, "file", "files") +
                      " could not be locked so far (see the log)");
  }
  if (facts.owed_locks.given_up > 0) {
    reasons.push_back(Plural(facts.owed_locks.given_up, "file stays", "files stay") +
                      " unlocked, as the service refuses to lock them (see the log)");
  }
  const RecentFailure& recent = facts.recent_failure;
  if (recent.seconds_ago >= 0 && recent.seconds_ago <= kRecentS)
    reasons.push_back("requests fail: " + recent.what);
  return reasons;
}

Json StatusReport(const StatusFacts& facts) {
  const std::vector<std::string> degraded = DegradedReasons(facts);
  Json report;
  report["state"] = facts.draining ? "draining" : degraded.empty() ? "healthy" : "degraded";
  report["degraded"] = degraded;
  report["version"] = facts.version;
  report["source"] = facts.source;
  report["address_kind"] = facts.address_kind;
  report["capabilities"] = facts.capabilities;
  report["missing"] = facts.missing;
  report["bucket_url"] = facts.bucket_url;
  report["mount_point"] = facts.mount_point;
  report["pid"] = facts.pid;
  report["uptime_s"] = facts.uptime_s;
  report["read_only"] = facts.read_only;
  report["requests"] = Requests(facts.requests);
  report["total"] = StatusJson(facts.requests.Total());
  report["in_flight"] = facts.requests.in_flight;
  report["in_flight_max"] = facts.requests.in_flight_max;
  report["reads"] = {
      {"bytes_fetched", facts.bytes_fetched}, {"bytes_returned", facts.bytes_returned},
      {"bytes_in_vain", facts.bytes_in_vain}, {"files_ahead", facts.files_ahead},
      {"files_in_vain", facts.files_in_vain}, {"lists_ahead", facts.lists_ahead},
      {"lists_in_vain", facts.lists_in_vain}};
  report["memory"] = {{"limit", facts.memory_limit},
                      {"used", facts.memory_used},
                      {"high_water", facts.memory_high_water},
                      {"rss", facts.process.resident},
                      {"rss_high_water", facts.process.resident_max}};
  report["queue"] = {{"threads", facts.threads}, {"waiting", facts.queued}};
  report["index"] = {{"rows", facts.index.rows},
                     {"hits", facts.index.hits},
                     {"misses", facts.index.misses},
                     {"bytes", facts.index.bytes},
                     {"persistent", facts.index.persistent}};
  report["files"] = Files(facts.files);
  report["owed_locks"] = {{"waiting", facts.owed_locks.waiting},
                          {"locked", facts.owed_locks.locked},
                          {"failing", facts.owed_locks.failing},
                          {"given_up", facts.owed_locks.given_up}};
  report["connection"] = facts.connection;
  if (!facts.sealed.empty()) report["sealed"] = facts.sealed;
  if (facts.recent_failure.seconds_ago >= 0) {
    report["last_failure"] = {{"what", facts.recent_failure.what},
                              {"seconds_ago", facts.recent_failure.seconds_ago}};
  }
  return report;
}

std::string StatusForPeople(const Json& report) {
  const Json memory = PartAt(report, "memory");
  const Json reads = PartAt(report, "reads");
  const Json files = PartAt(report, "files");
  std::string text = TextAt(report, "mount_point") + ": " + TextAt(report, "state") + "\n";
  for (const auto& reason : PartAt(report, "degraded"))
    if (reason.is_string()) text += "  ! " + Printable(reason.get<std::string>()) + "\n";
  Lines lines;
  const std::string kind = TextAt(report, "address_kind");
  lines.Add("source", TextAt(report, "source") + (kind.empty() ? "" : " (" + kind + ")"));
  const std::string missing = TextAt(report, "missing");
  if (!missing.empty()) lines.Add("lacks", missing);
  if (memory.empty()) return text + std::move(lines).text();
  lines.Add("process", std::to_string(NumberAt(report, "pid")) + ", up " +
                           Duration(static_cast<std::int64_t>(NumberAt(report, "uptime_s"))));
  lines.Add("memory", HumanBytes(NumberAt(memory, "used")) + " of " +
                          HumanBytes(NumberAt(memory, "limit")) + " for buffers, " +
                          HumanBytes(NumberAt(memory, "high_water")) + " at most; process " +
                          HumanBytes(NumberAt(memory, "rss")));
  lines.Add("read", HumanBytes(NumberAt(reads, "bytes_returned")) + ", fetched " +
                        HumanBytes(NumberAt(reads, "bytes_fetched")) + ", in vain " +
                        HumanBytes(NumberAt(reads, "bytes_in_vain")));
  if (const std::uint64_t ahead = NumberAt(reads, "files_ahead"); ahead > 0) {
    lines.Add("ahead", Plural(ahead, "small file", "small files") + " fetched before the open, " +
                           std::to_string(NumberAt(reads, "files_in_vain")) + " in vain");
  }
  if (const std::uint64_t ahead = NumberAt(reads, "lists_ahead"); ahead > 0) {
    lines.Add("listed", Plural(ahead, "directory", "directories") + " before it was read, " +
                            std::to_string(NumberAt(reads, "lists_in_vain")) + " in vain");
  }
  lines.Add("writing", WritingForPeople(files));
  lines.Add("locks", LaterForPeople(PartAt(report, "owed_locks")));
  lines.Add("sealed", SealedForPeople(PartAt(report, "sealed")));
  lines.Add("closed", ClosedForPeople(files));
  if (const std::uint64_t refused = NumberAt(files, "refused_files"); refused > 0) {
    lines.Add("refused", Plural(refused, "file", "files") + " not shown (see the log)");
  }
  if (const std::uint64_t hidden = NumberAt(files, "hidden_keys"); hidden > 0) {
    std::string examples;
    for (const auto& key : PartAt(files, "hidden_examples")) {
      if (key.is_string() && examples.size() < 200)
        examples += (examples.empty() ? ": " : ", ") + Printable(key.get<std::string>());
    }
    lines.Add("hidden", Plural(hidden, "key", "keys") + " that cannot be file names" + examples);
  }
  return text + std::move(lines).text() + RequestsForPeople(PartAt(report, "requests"));
}

std::string HumanBytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 6> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  std::ostringstream text;
  text << std::fixed << std::setprecision(unit == 0 || value >= 100 ? 0 : 1) << value << " "
       << kUnits[unit];
  return text.str();
}

}  // namespace coffer::fs
