// Random operations on a Filesystem, each compared with the reference; a failure prints the steps
// that led to it and is shrunk to the few that matter. SEEDS=n runs n histories, SEED=n one.

#include <catch2/catch.hpp>
#include <cstdlib>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/fake_store.h"
#include "tests/support/reference_tree.h"
#include "tests/support/volume.h"

namespace coffer::test::namespace_test {

enum class Kind {
  kWrite,
  kAppend,
  kRead,
  kUnlink,
  kMkdir,
  kRmdir,
  kRename,
  kList,
  kChmod,
  kRemount
};

struct Step {
  Kind kind = Kind::kRead;
  std::string path;
  std::string other;  // the new name, or the text
  bool flag = false;  // RENAME_NOREPLACE
  unsigned mode = 0644;
};

std::string Show(const Step& step) {
  static const char* const names[] = {"write", "append", "read", "unlink", "mkdir",
                                      "rmdir", "rename", "list", "chmod",  "remount"};
  std::ostringstream out;
  out << names[static_cast<int>(step.kind)] << " " << step.path;
  if (step.kind == Kind::kRename) out << " -> " << step.other << (step.flag ? " noreplace" : "");
  if (step.kind == Kind::kWrite || step.kind == Kind::kAppend)
    out << " (" << step.other.size() << ")";
  return out.str();
}

std::vector<Step> History(unsigned seed, int length) {
  std::mt19937 random(seed);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  const std::vector<std::string> names = {"a", "b", "a-", "c.d", " "};
  const auto path = [&] {
    std::string one = names[below(5)];
    for (unsigned depth = below(3); depth > 0; --depth) one += "/" + names[below(5)];
    return one;
  };
  std::vector<Step> steps;
  for (int i = 0; i < length; ++i) {
    Step step;
    const unsigned die = below(40);
    step.kind = die < 8    ? Kind::kWrite
                : die < 11 ? Kind::kAppend
                : die < 15 ? Kind::kRead
                : die < 18 ? Kind::kUnlink
                : die < 24 ? Kind::kMkdir
                : die < 27 ? Kind::kRmdir
                : die < 32 ? Kind::kRename
                : die < 36 ? Kind::kList
                : die < 39 ? Kind::kChmod
                           : Kind::kRemount;
    step.path = path();
    step.other = step.kind == Kind::kRename ? path() : std::string(below(2000), 'a' + i % 26);
    step.flag = below(4) == 0;
    step.mode = below(0777);
    steps.push_back(step);
  }
  return steps;
}

using Outcome = ReferenceTree::Outcome;

Outcome OutcomeOf(const Status& status) {
  if (status) return std::nullopt;
  return status.error().code;
}

std::string Say(const Outcome& outcome) {
  return outcome ? "error " + std::to_string(static_cast<int>(*outcome)) : "success";
}

// Both sides of one run.
class Run {
 public:
  explicit Run(const fs::FilesystemOptions& options) : options_(options) { Mount(); }

  // What is wrong after `step`, or nothing.
  std::optional<std::string> Do(const Step& step) {
    switch (step.kind) {
      case Kind::kWrite:
        return Compare(volume_->Write(step.path, step.other), model_.Write(step.path, step.other));
      case Kind::kAppend:
        return Compare(volume_->Write(step.path, step.other, O_APPEND),
                       model_.Append(step.path, step.other));
      case Kind::kUnlink:
        return Compare(volume_->Unlink(step.path), model_.Unlink(step.path));
      case Kind::kMkdir:
        return Compare(volume_->MakeDirectory(step.path), model_.MakeDirectory(step.path));
      case Kind::kRmdir:
        return Compare(volume_->RemoveDirectory(step.path), model_.RemoveDirectory(step.path));
      case Kind::kRename:
        return Compare(volume_->Rename(step.path, step.other, step.flag),
                       model_.Rename(step.path, step.other, step.flag));
      case Kind::kChmod: {
        fs::AttributeChange change;
        change.mode = step.mode;
        return Compare(volume_->Change(step.path, change), model_.Chmod(step.path, step.mode));
      }
      case Kind::kRead:
        return CompareFile(step.path);
      case Kind::kList:
        return CompareList(step.path);
      case Kind::kRemount:
        if (!volume_->fs().Drain()) return "Drain left something";
        Mount();
        return CompareAll();
    }
    return std::nullopt;
  }

  std::optional<std::string> CompareAll() {
    if (auto wrong = CompareList("")) return wrong;
    for (const std::string& path : model_.Paths()) {
      auto wrong = model_.IsDirectory(path) ? CompareList(path) : CompareFile(path);
      if (wrong) return wrong;
      const auto stat = volume_->Stat(path);
      if (!stat || stat->attributes.mode != model_.Mode(path)) return "mode of " + path;
    }
    return std::nullopt;
  }

 private:
  void Mount() {
    volume_.reset();
    volume_ = std::make_unique<Volume>(store_, options_);
  }
  std::optional<std::string> Compare(const Status& status, const Outcome& expected) {
    const Outcome got = OutcomeOf(status);
    if (got == expected) return std::nullopt;
    return "expected " + Say(expected) + ", got " + Say(got) +
           (status ? "" : ": " + status.error().what);
  }
  std::optional<std::string> CompareFile(const std::string& path) {
    const auto expected = model_.Content(path);
    const auto got = volume_->Read(path);
    if (expected && !got) return path + " cannot be read: " + got.error().what;
    if (!expected && got) return path + " can be read";
    if (expected && *got != *expected) return path + " has other bytes";
    return std::nullopt;
  }
  std::optional<std::string> CompareList(const std::string& path) {
    const auto got = volume_->List(path, true);
    if (!model_.IsDirectory(path))
      return got ? std::optional(path + " can be listed") : std::nullopt;
    if (!got) return path + " cannot be listed: " + got.error().what;
    if (*got != model_.List(path)) return path + " has other names";
    return std::nullopt;
  }

  const fs::FilesystemOptions options_;
  FakeStore store_;
  ReferenceTree model_;
  std::unique_ptr<Volume> volume_;
};

std::optional<std::string> Fails(const std::vector<Step>& steps,
                                 const fs::FilesystemOptions& options) {
  Run run(options);
  for (const Step& step : steps) {
    if (auto wrong = run.Do(step)) return Show(step) + ": " + *wrong;
  }
  return run.CompareAll();
}

// Drops every step that the failure does not need.
std::vector<Step> Shrink(std::vector<Step> steps, const fs::FilesystemOptions& options) {
  for (std::size_t piece = steps.size() / 2; piece > 0; piece /= 2) {
    for (std::size_t at = 0; at + piece <= steps.size();) {
      std::vector<Step> fewer = steps;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                  fewer.begin() + static_cast<std::ptrdiff_t>(at + piece));
      if (Fails(fewer, options)) {
        steps = std::move(fewer);
      } else {
        at += piece;
      }
    }
  }
  return steps;
}

unsigned Number(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::atoi(text));
}

void Check(const fs::FilesystemOptions& options) {
  constexpr int kSteps = 200;
  const unsigned first = Number("SEED", 1);
  const unsigned count = std::getenv("SEED") != nullptr ? 1 : Number("SEEDS", 100);
  for (unsigned seed = first; seed < first + count; ++seed) {
    std::vector<Step> steps = History(seed, kSteps);
    const auto wrong = Fails(steps, options);
    CHECK_FALSE(wrong);
    if (!wrong) continue;
    steps = Shrink(steps, options);
    std::ostringstream story;
    for (const Step& step : steps) story << "\n  " << Show(step);
    FAIL("seed " << seed << ": " << Fails(steps, options).value_or(*wrong) << " after"
                 << story.str());
  }
}

TEST_CASE("random operations do what a filesystem does: nothing cached", "[model]") {
  fs::FilesystemOptions options;
  options.metadata_ttl = options.negative_ttl = std::chrono::milliseconds(0);
  Check(options);
}

TEST_CASE("random operations do what a filesystem does: everything cached", "[model]") {
  fs::FilesystemOptions options;
  options.metadata_ttl = options.negative_ttl = std::chrono::minutes(10);
  options.attribute_delay = std::chrono::minutes(10);
  Check(options);
}

TEST_CASE("random operations do what a filesystem does: short-lived facts", "[model]") {
  fs::FilesystemOptions options;
  options.metadata_ttl = options.negative_ttl = std::chrono::milliseconds(2);
  options.attribute_delay = std::chrono::milliseconds(1);
  Check(options);
}

}  // namespace coffer::test::namespace_test
