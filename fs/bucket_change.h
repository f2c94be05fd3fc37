// One change of a bucket's settings, as every command makes it: shown as a difference, asked for,
// made, read back, and compared by what it means.
//
// One thread; blocks on the person, on the network, and for a second.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/console.h"
#include "fs/json.h"
#include "s3client/clock.h"

namespace coffer::fs {

struct BucketChange {   // NOLINT(bugprone-exception-escape): the JSON library's move
  std::string command;  // "cors allow": begins every line for people
  std::string what;     // "the CORS rules of demo"
  Json before;          // in a form in which what means the same is equal
  Json after;
  std::vector<std::string> warnings;   // said before asking
  std::vector<std::string> questions;  // asked one by one, beside "Change it?"
  std::function<Result<Json>()> read;
  std::function<Status()> apply;
  // For a document in which others have a share: what it would be with this change, made to what
  // `read` returned last, and what `apply` writes next. The service takes whole documents and knows
  // no condition, so such a one is looked at once more a second later, and written once more where
  // this change is missing from it. What others did to theirs is no failure.
  std::function<Result<Json>()> merge;
  // Of what is there in the end: more fields for --json. May be null.
  std::function<Json()> also;
};

struct ChangeOptions {
  bool dry_run = false;
  bool yes = false;
  bool json = false;
};

// The exit code; `console.err` has the reason for a refusal. kExitUsage where nobody can be asked
// and --yes was not given; an Error where asking or changing failed, which says whether something
// was written.
Result<int> MakeChange(const BucketChange& change, const ChangeOptions& options, s3::Clock& clock,
                       Console& console);

// Lines of both, "-" before what goes and "+" before what comes; "" for what is equal. Of documents
// of many lines all that lies between what both begin and end with.
std::string Difference(const Json& before, const Json& after);

}  // namespace coffer::fs
