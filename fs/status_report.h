// What `coffer status` says of a mount: gathered by the mount itself as JSON, shown to people as a
// short aligned text. Pure functions but for ProcessMemory, which reads /proc.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fs/attribute_index.h"
#include "fs/filesystem.h"
#include "fs/json.h"
#include "fs/owed_locks.h"
#include "s3client/counters.h"

namespace coffer::fs {

// Resident memory of this process, in bytes.
struct MemoryUse {
  std::uint64_t resident = 0;
  std::uint64_t resident_max = 0;
};
MemoryUse ProcessMemory();

// A failure that says something about the service or the credentials, not about one file.
struct RecentFailure {
  std::string what;
  std::int64_t seconds_ago = -1;  // -1: there was none
};

struct StatusFacts {
  std::string version;
  std::string source;
  std::string address_kind;
  Json capabilities;    // of that kind of address; null where it is not known
  std::string missing;  // of them, in words; "" for none
  std::string bucket_url;
  std::string mount_point;
  std::int64_t pid = 0;
  std::int64_t uptime_s = 0;
  bool read_only = false;
  bool draining = false;  // unmounted, still storing
  s3::CounterSnapshot requests;
  std::uint64_t bytes_fetched = 0;
  std::uint64_t bytes_returned = 0;
  std::uint64_t bytes_in_vain = 0;
  std::uint64_t files_ahead = 0;
  std::uint64_t files_in_vain = 0;
  std::uint64_t lists_ahead = 0;
  std::uint64_t lists_in_vain = 0;
  std::uint64_t memory_limit = 0;
  std::uint64_t memory_used = 0;
  std::uint64_t memory_high_water = 0;
  MemoryUse process;
  std::size_t threads = 0;
  std::size_t queued = 0;
  AttributeIndex::Stats index;
  FilesystemStats files;
  OwedLockCounts owed_locks;
  RecentFailure recent_failure;
  Json connection = Json::object();  // DescribeVolume
  Json sealed = Json::object();      // SealedReport; empty for a plain volume
};

// Why the mount is not healthy, one line each; empty when it is.
std::vector<std::string> DegradedReasons(const StatusFacts& facts);

// {"state": "healthy" | "degraded" | "draining", "degraded": [...], ..., "requests": {"GetObject":
// {"count", "retries", "errors", "throttled", "bytes_in", "bytes_out"}, ...}, "total": {...}, ...}
Json StatusReport(const StatusFacts& facts);

// For people, from the report of any version: what is missing in it is left out.
std::string StatusForPeople(const Json& report);

// "1.5 GiB"
std::string HumanBytes(std::uint64_t bytes);

}  // namespace coffer::fs
