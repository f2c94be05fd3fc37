#include "fs/mounts_here.h"

#include <utility>

#include "crypto/ascii.h"
#include "fs/console.h"
#include "fs/policy_request.h"

namespace coffer::fs {
namespace {

constexpr std::string_view kScheme = "s3://";

// Of an address: what it names, and the prefix below that, which is empty or ends in '/'.
std::pair<std::string_view, std::string> NameAndPrefix(std::string_view source,
                                                       std::string_view name) {
  if (source.starts_with(kScheme)) source.remove_prefix(kScheme.size());
  if (!source.starts_with(name)) return {};
  std::string prefix(source.substr(name.size()));
  if (!prefix.empty() && prefix.front() != '/') return {};
  if (!prefix.empty()) prefix.erase(0, 1);
  if (!prefix.empty() && prefix.back() != '/') prefix += '/';
  return {name, prefix};
}

}  // namespace

std::vector<std::string> EffectsOnMounts(const std::vector<MountEntry>& mounts,
                                         const BucketPolicyChange& change, const s3::Clock& clock) {
  std::vector<std::string> effects;
  for (const MountEntry& mount : mounts) {
    const auto [name, prefix] = NameAndPrefix(mount.source, change.bucket);
    if (name.empty()) continue;
    AskedRequest asked;
    asked.caller.account = change.owner;
    asked.caller.arn = "arn:" + change.partition + ":iam::" + change.owner + ":user/anybody";
    asked.owner = change.owner;
    asked.partition = change.partition;
    asked.bucket = change.bucket;
    asked.key = prefix + "file";
    asked.tls = change.tls;
    const auto lost = Lost(change.before.statements, change.after.statements, asked, clock);
    if (!lost || (lost->needed.empty() && lost->also.empty())) continue;
    const bool both = !lost->needed.empty() && !lost->also.empty();
    effects.push_back("the mount at " + Printable(mount.directory) + " (" +
                      Printable(mount.source) + ") is then denied " + lost->needed +
                      (both ? ", " : "") + lost->also +
                      ", unless this excepts whoever it was mounted by, or what it sends");
  }
  return effects;
}

std::vector<std::string> MountsThrough(const std::vector<MountEntry>& mounts,
                                       std::string_view arn) {
  std::vector<std::string> directories;
  for (const MountEntry& mount : mounts) {
    if (!NameAndPrefix(mount.source, arn).first.empty()) {
      directories.push_back(Printable(mount.directory));
    }
  }
  if (directories.empty()) return {};
  return {"on this machine " + Joined(directories) + (directories.size() == 1 ? " is" : " are") +
          " mounted through it"};
}

}  // namespace coffer::fs
