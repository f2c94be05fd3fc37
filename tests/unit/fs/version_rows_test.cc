#include "fs/version_rows.h"

#include <catch2/catch.hpp>

#include "tests/support/fake_store.h"

namespace coffer::fs::version_rows_test {

using test::FakeStore;
using test::Operation;

FakeStore::Options Locking() {
  FakeStore::Options options;
  options.versioned = true;
  options.object_lock = true;
  return options;
}

std::vector<VersionRow> RowsOf(FakeStore& store) {
  std::vector<VersionRow> rows;
  VersionOrder order;
  auto page = store.ListVersions("", "", "");
  REQUIRE(page);
  for (auto& version : page->versions) rows.push_back(order.Next(std::move(version)));
  return rows;
}

TEST_CASE("version rows: what hides a version is the newest of its name") {
  FakeStore store(Locking());
  store.Plant("a", "1");
  store.Plant("a", "2");
  store.Plant("b", "1");
  store.Remove("b");
  store.Plant("c", "1");
  store.Remove("c");
  store.Plant("c", "2");
  const auto rows = RowsOf(store);
  REQUIRE(rows.size() == 7);
  const Hiding expected[] = {Hiding::kCurrent,  Hiding::kByNewer, Hiding::kCurrent,
                             Hiding::kByMarker, Hiding::kCurrent, Hiding::kByNewer,
                             Hiding::kByNewer};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    INFO(i);
    CHECK(rows[i].hiding == expected[i]);
  }
}

TEST_CASE("version rows: locks that cannot be seen are not absent") {
  FakeStore::Options options = Locking();
  options.hides_locks = GENERATE(false, true);
  FakeStore store(options);
  store.Plant("f", "x");
  WorkerPool pool(4);
  auto rows = RowsOf(store);
  REQUIRE(VersionLook(store, pool, true).Fill(rows));
  CHECK(rows[0].unknown() == options.hides_locks);
  CHECK(VersionJson(rows[0], "").contains("lock_unknown") == options.hides_locks);
  CHECK((VersionLine(rows[0], "").find("not locked") == std::string::npos) == options.hides_locks);
}

TEST_CASE(
    "version rows: a marker costs nothing, a version one HEAD, and a name's locks are asked for "
    "once") {
  FakeStore store(Locking());
  for (int i = 0; i < 5; ++i) store.Plant("f", std::to_string(i));
  store.Remove("f");
  WorkerPool pool(4);
  auto rows = RowsOf(store);
  store.ResetCounters();
  VersionLook look(store, pool, true);
  REQUIRE(look.Fill(rows));
  CHECK(store.count(Operation::kHead) == 5);
  CHECK(store.count(Operation::kGetRetention) == 1);
  CHECK(store.count(Operation::kGetLegalHold) == 1);
  auto again = RowsOf(store);
  REQUIRE(look.Fill(again));
  CHECK(store.count(Operation::kGetRetention) == 1);
  VersionLook unlocking(store, pool, false);
  REQUIRE(unlocking.Fill(again));
  CHECK(store.count(Operation::kGetRetention) == 1);
}

TEST_CASE("version rows: locks of one name may be seen, and those of another not") {
  FakeStore store(Locking());
  for (const char* key : {"a", "b", "c"}) {
    for (int i = 0; i < 2; ++i) store.Plant(key, std::to_string(i));
  }
  store.Edit("c", [](s3::ObjectInfo& info) { info.lock.legal_hold = true; });
  store.SetHook([](Operation operation, std::string_view key) -> std::optional<test::Fault> {
    const bool denied = (operation == Operation::kGetRetention && key == "a") ||
                        (operation == Operation::kGetLegalHold && key == "c");
    if (!denied) return std::nullopt;
    return test::Fault{Error{Code::kDenied, "no"}};
  });
  WorkerPool pool(4);
  auto rows = RowsOf(store);
  store.ResetCounters();
  VersionLook look(store, pool, true);
  // In two calls, the first of which ends within a name.
  std::vector<VersionRow> rest(rows.begin() + 3, rows.end());
  rows.resize(3);
  REQUIRE(look.Fill(rows));
  REQUIRE(look.Fill(rest));
  rows.insert(rows.end(), rest.begin(), rest.end());
  CHECK(store.count(Operation::kGetRetention) == 3);
  CHECK(store.count(Operation::kGetLegalHold) == 2);
  const bool unknown[] = {true, true, false, false, false, true};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    INFO(i);
    CHECK(rows[i].unknown() == unknown[i]);
  }
  CHECK(rows[4].locked());
}

TEST_CASE("version rows: a network that fails ends it, one version that is refused does not") {
  FakeStore store(Locking());
  store.Plant("a", "x");
  store.Plant("b", "x");
  WorkerPool pool(4);
  auto rows = RowsOf(store);
  Code code = Code::kDenied;
  store.SetHook([&](Operation operation, std::string_view key) -> std::optional<test::Fault> {
    if (operation != Operation::kHead || key != "a") return std::nullopt;
    return test::Fault{Error{code, "no"}};
  });
  REQUIRE(VersionLook(store, pool, true).Fill(rows));
  CHECK(rows[0].unknown());
  CHECK_FALSE(rows[1].unknown());
  code = Code::kUnavailable;
  const Status failed = VersionLook(store, pool, true).Fill(rows);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Code::kUnavailable);
}

TEST_CASE("version rows: nothing that is printed moves the cursor") {
  VersionRow row;
  row.listed.key = "f";
  row.listed.version_id = "a\nb";
  CHECK(VersionLine(row, "x\033[2J").find_first_of("\n\033") == std::string::npos);
}

}  // namespace coffer::fs::version_rows_test
