// Every option, once: its name, for whom it is, what --help says, and the field that it sets.

#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fs/option_values.h"
#include "fs/options.h"

namespace coffer::fs {

// What lock, hold and unlock have beside mount, as it was written (fs/option_locks.h).
struct LockDraft {
  std::string mode;
  std::string until;
  std::string period;  // --for
  std::string extend;
  std::string if_less_than;
  std::vector<std::string> required;
  bool report = false;
  bool csv = false;
  bool bypass = false;
  std::string object_lock_mode;  // the AWS CLI's names
  std::string object_lock_until;
  std::string object_lock_hold;
};

// Everything that any command line can set; ParseCommandLine takes out what its command needs.
struct Draft {
  MountOptions mount;  // `volume` serves the other commands too
  std::vector<std::string> positionals;
  std::string config;
  bool json = false;
  bool write_test = false;
  bool recursive = false;
  bool whole_bucket = false;
  bool yes = false;
  bool resume = false;
  bool dry_run = false;
  ResealOptions reseal;    // what reseal has beside mount
  InitOptions init;        // what init has beside mount
  MessageOptions message;  // what seal and open have beside mount
  LockDraft lock;
  ShareOptions share;                // what share has beside mount
  PolicyOptions policy;              // what policy has beside mount
  AccessPointOptions access_point;   // what access-point has beside mount and policy
  SettingOptions setting;            // what the commands on a bucket's settings have beside mount
  std::vector<std::string> restore;  // versions
  bool hidden = false;               // versions
  RestoreOptions archive;            // what restore has beside mount
};

enum : unsigned {
  kForMount = 1,
  kForUmount = 2,
  kForStatus = 4,
  kForDoctor = 8,
  kForResolve = 16,
  kForRemove = 32,
  kForInit = 64,
  kForSeal = 128,
  kForOpen = 256,
  kForVerify = 512,
  kForInspect = 1024,
  kForRebind = 2048,
  kForKey = 4096,
  kForReseal = 8192,
  kForAccessPoint = 1u << 14,
  kForRestore = 1u << 18,
  kForLock = 1u << 20,
  kForHold = 1u << 21,
  kForUnlock = 1u << 22,
  kForVersions = 1u << 19,
  kForPolicy = 1u << 23,
  kForShare = 1u << 24,
  kForCors = 1u << 25,
  kForEncryption = 1u << 26,
  kForLogging = 1u << 27,
  kForVersioning = 1u << 28,
  kForLockDefault = 1u << 29,
  kForLifecycle = 1u << 30,
};
// A bucket's settings, and those of them that change one.
inline constexpr unsigned kSettings =
    kForCors | kForEncryption | kForLogging | kForVersioning | kForLockDefault | kForLifecycle;
inline constexpr unsigned kSetting = kSettings | kForPolicy | kForAccessPoint;
inline constexpr unsigned kChanging = kSetting & ~kForLifecycle;

struct CommandSpec {
  std::string_view name;
  unsigned bit;
  std::string_view operands;  // as --help shows them
  std::string_view help;
  std::size_t least;  // operands
  std::size_t most;
};
std::span<const CommandSpec> Commands();

struct OptionSpec {
  std::string_view name;  // "region"
  char letter;            // 'f' for -f; 0 for none
  unsigned commands;
  std::string_view argument;  // "REGION"; "" for a switch
  std::string_view group;
  std::string_view help;
  Slot (*slot)(Draft&);
};
std::span<const OptionSpec> Options();
const OptionSpec* FindOption(std::string_view name);

// --help: of one command, and of the program.
std::string HelpFor(const CommandSpec& command);
std::string Overview();

}  // namespace coffer::fs
