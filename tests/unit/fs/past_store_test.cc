#include "fs/past_store.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "tests/support/fake_store.h"

namespace coffer::fs::past_store_test {

using test::FakeStore;
using test::Operation;

FakeStore::Options Versioned() {
  FakeStore::Options options;
  options.versioned = true;
  options.object_lock = true;
  return options;
}

std::string TextOf(PastStore& past, std::string_view key) {
  const auto fetched = past.Get(key, {0, 1000}, {});
  INFO(key);
  REQUIRE(fetched);
  return std::string(AsText(fetched->body));
}

Code Failure(const auto& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

// All names of one directory, over all pages.
std::vector<std::string> NamesOf(PastStore& past, const std::string& prefix,
                                 bool delimited = true) {
  std::vector<std::string> names;
  s3::ListRequest request;
  request.prefix = prefix;
  request.delimited = delimited;
  do {
    const auto page = past.List(request);
    REQUIRE(page);
    for (const auto& object : page->objects) names.push_back(object.key);
    for (const auto& name : page->prefixes) names.push_back(name);
    REQUIRE((page->next_token.empty() || page->next_token != request.token));
    request.token = page->next_token;
  } while (!request.token.empty());
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

TEST_CASE("past store: what was overwritten, deleted and made since") {
  FakeStore store(Versioned());
  store.Plant("d/changed", "old");
  store.Plant("d/deleted", "was here");
  store.Plant("d/gone before", "x");
  store.Remove("d/gone before");
  store.Plant("d/sub/deep", "x");
  const std::int64_t at = store.now();
  store.AdvanceTime(10);
  store.Plant("d/changed", "new");
  store.Remove("d/deleted");
  store.Plant("d/new", "x");
  store.Plant("d/newsub/x", "x");
  store.Remove("d/sub/deep");

  PastStore past(store, at);
  CHECK(TextOf(past, "d/changed") == "old");
  CHECK(TextOf(past, "d/deleted") == "was here");
  CHECK(Failure(past.Head("d/new", {})) == Code::kNotFound);
  CHECK(Failure(past.Head("d/gone before", {})) == Code::kNotFound);
  CHECK(Failure(past.Head("d/cha", {})) == Code::kNotFound);
  CHECK(NamesOf(past, "d/") == Names{"d/changed", "d/deleted", "d/sub/"});
  CHECK(NamesOf(past, "d/", false) == Names{"d/changed", "d/deleted", "d/sub/deep"});
  CHECK(NamesOf(past, "d/newsub/").empty());

  PastStore later(store, store.now());
  CHECK(TextOf(later, "d/changed") == "new");
  CHECK(NamesOf(later, "d/") == Names{"d/changed", "d/new", "d/newsub/"});
  PastStore before(store, at - 1);
  CHECK(NamesOf(before, "").empty());
}

TEST_CASE("past store: the order of the list counts before the dates") {
  // A large upload that began first and ended last: its date is the older one.
  FakeStore store(Versioned());
  store.Plant("f", "first");
  store.AdvanceTime(100);
  store.Plant("f", "between");
  store.SetTime(store.now() - 50);
  store.Plant("f", "begun before, ended after");
  // Of the dates 0, 100, 50 the third would do at 60; but it came after one that did not yet.
  PastStore past(store, store.now() + 10);
  CHECK(TextOf(past, "f") == "first");
  PastStore later(store, store.now() + 60);
  CHECK(TextOf(later, "f") == "begun before, ended after");
}

TEST_CASE("past store: pages end anywhere, and what is known is not asked again") {
  FakeStore store(Versioned());
  std::set<std::string> names;
  for (int i = 0; i < 700; ++i) {
    const std::string name = "d/" + std::to_string(10'000 + i);
    for (int version = 0; version < 3; ++version) store.Plant(name, "old");
    names.insert(name);
  }
  for (int i = 0; i < 2500; ++i) store.Plant("d/9many", "version " + std::to_string(i));
  names.insert("d/9many");
  for (int i = 0; i < 3000; ++i) store.Plant("d/big/" + std::to_string(i), "x");
  names.insert("d/big/");
  const std::int64_t at = store.now();
  store.AdvanceTime(5);
  for (int i = 0; i < 1500; ++i) store.Plant("d/9many", "newer");
  for (int i = 0; i < 1500; ++i) store.Plant("d/0later" + std::to_string(i), "x");
  PastStore past(store, at);
  store.ResetCounters();
  CHECK(NamesOf(past, "d/") == Names(names.begin(), names.end()));
  // 1,500 later names, 2,100 + 4,000 versions, and one more page for the directory.
  CHECK(store.count(Operation::kListVersions) <= 12);
  CHECK(TextOf(past, "d/9many") == "version 2499");
  store.ResetCounters();
  REQUIRE(past.Head("d/10005", {}));
  CHECK(store.requests() == 1);
}

TEST_CASE("past store: locks are those of the version that is shown, and nothing changes") {
  FakeStore store(Versioned());
  store.Plant("f", "old");
  store.Edit("f", [](s3::ObjectInfo& info) { info.lock.legal_hold = true; });
  const std::int64_t at = store.now();
  store.AdvanceTime(10);
  store.Plant("f", "new");
  PastStore past(store, at);
  const auto hold = past.locks().GetLegalHold("f", "");
  REQUIRE(hold);
  CHECK(*hold);
  CHECK(Failure(past.locks().PutLegalHold("f", "", false)) == Code::kReadOnly);
  CHECK(Failure(past.locks().PutRetention({})) == Code::kReadOnly);
  CHECK(Failure(past.Put("f", {}, {})) == Code::kReadOnly);
  CHECK(Failure(past.Copy({})) == Code::kReadOnly);
  CHECK(Failure(past.Rename({})) == Code::kReadOnly);
  CHECK(Failure(past.Delete("f", {})) == Code::kReadOnly);
  CHECK(Failure(past.DeleteMany({})) == Code::kReadOnly);
  CHECK(Failure(past.CreateUpload("f", {})) == Code::kReadOnly);
  CHECK(Failure(past.UploadPart({}, {}, {})) == Code::kReadOnly);
  CHECK(Failure(past.CopyPart({}, 1, "f", {}, "")) == Code::kReadOnly);
  CHECK(Failure(past.CompleteUpload({}, {}, {})) == Code::kReadOnly);
  CHECK(Failure(past.AbortUpload({})) == Code::kReadOnly);
}

TEST_CASE("past store: one key may be shown as it is today") {
  FakeStore store(Versioned());
  const std::int64_t at = store.now();
  store.AdvanceTime(10);
  store.Plant(".coffer/volume", "made later");
  PastStore past(store, at);
  CHECK(Failure(past.Head(".coffer/volume", {})) == Code::kNotFound);
  past.ShowPresent(".coffer/volume");
  CHECK(TextOf(past, ".coffer/volume") == "made later");
}

}  // namespace coffer::fs::past_store_test
