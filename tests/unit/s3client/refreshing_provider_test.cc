#include "s3client/refreshing_provider.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <future>
#include <thread>
#include <vector>

#include "tests/support/fake_clock.h"

namespace coffer::s3::refreshing_provider_test {

using namespace std::chrono_literals;
using std::chrono::seconds;

// Gives out keys numbered by the call; tests say how long they live and hold calls back.
class FakeSource : public CredentialsSource {
 public:
  explicit FakeSource(const Clock& clock) : clock_(clock) {}

  Result<Credentials> Fetch() override {
    const int call = ++calls;
    if (busy_.exchange(true)) overlapped = true;
    if (on_fetch) on_fetch();
    busy_ = false;
    if (fail) return Error{Code::kUnavailable, "the source is down"};
    Credentials credentials;
    credentials.access_key_id = "AK" + std::to_string(same_keys ? 0 : call);
    credentials.secret_access_key = "secret";
    credentials.source = "test";
    if (life > 0s) credentials.expires_at = clock_.Now() + life;
    return credentials;
  }
  bool Changed() override { return changed.exchange(false); }

  std::atomic<int> calls{0};
  std::atomic<bool> overlapped{false};  // two threads asked at once
  std::atomic<bool> fail{false};
  std::atomic<bool> changed{false};
  bool same_keys = false;
  seconds life = 1h;
  std::function<void()> on_fetch;

 private:
  const Clock& clock_;
  std::atomic<bool> busy_{false};
};

class Notes : public SilentObserver {
 public:
  void OnNotice(std::string_view notice) override { lines.emplace_back(notice); }
  std::vector<std::string> lines;
};

struct Fixture {
  FakeClock clock;
  ServerTime time{clock};
  Notes notes;
  FakeSource* source = new FakeSource(clock);  // the provider's
  RefreshingProvider provider{std::unique_ptr<CredentialsSource>(source), clock, time, notes};

  std::string Key() {
    const auto got = provider.Get();
    return got ? (*got)->access_key_id : "error: " + got.error().what;
  }
};

TEST_CASE_METHOD(Fixture, "credentials are asked for once and renewed before they end") {
  CHECK(Key() == "AK1");
  clock.Advance(44min);
  CHECK(Key() == "AK1");
  clock.Advance(2min);
  CHECK(Key() == "AK2");
  CHECK(source->calls == 2);
}

TEST_CASE_METHOD(Fixture, "credentials without an end are never renewed by themselves") {
  source->life = 0s;
  CHECK(Key() == "AK1");
  clock.Advance(24h * 365);
  CHECK(Key() == "AK1");
}

TEST_CASE_METHOD(Fixture, "lives are judged by the server's time") {
  CHECK(Key() == "AK1");
  time.Learn(FakeClock::kStart_s + 46 * 60);
  CHECK(Key() == "AK2");
}

TEST_CASE_METHOD(Fixture, "in the advisory window one renews and the others go on") {
  CHECK(Key() == "AK1");
  clock.Advance(46min);
  std::promise<void> entered, go_on;
  source->on_fetch = [&] {
    entered.set_value();
    go_on.get_future().wait();
  };
  auto renewer = std::async(std::launch::async, [this] { return Key(); });
  entered.get_future().wait();
  for (int i = 0; i < 10; ++i) CHECK(Key() == "AK1");  // at once, while the other still asks
  go_on.set_value();
  CHECK(renewer.get() == "AK2");
  CHECK(Key() == "AK2");
  CHECK(source->calls == 2);
}

TEST_CASE_METHOD(Fixture, "close to the end all wait for one renewal") {
  CHECK(Key() == "AK1");
  clock.Advance(51min);
  std::promise<void> entered, go_on;
  source->on_fetch = [&] {
    entered.set_value();
    go_on.get_future().wait();
  };
  std::vector<std::future<std::string>> callers;
  callers.push_back(std::async(std::launch::async, [this] { return Key(); }));
  entered.get_future().wait();
  for (int i = 0; i < 7; ++i) {
    callers.push_back(std::async(std::launch::async, [this] { return Key(); }));
  }
  CHECK(callers.back().wait_for(20ms) == std::future_status::timeout);
  go_on.set_value();
  for (auto& caller : callers) CHECK(caller.get() == "AK2");
  CHECK(source->calls == 2);
  CHECK_FALSE(source->overlapped);
}

TEST_CASE_METHOD(Fixture, "the first credentials are asked for by one of many callers") {
  source->on_fetch = [] { std::this_thread::sleep_for(20ms); };
  std::vector<std::future<std::string>> callers;
  for (int i = 0; i < 8; ++i) {
    callers.push_back(std::async(std::launch::async, [this] { return Key(); }));
  }
  for (auto& caller : callers) CHECK(caller.get() == "AK1");
  CHECK(source->calls == 1);
  CHECK_FALSE(source->overlapped);
}

TEST_CASE_METHOD(Fixture, "a renewal that fails changes nothing while the old ones live") {
  CHECK(Key() == "AK1");
  source->fail = true;
  clock.Advance(51min);
  CHECK(Key() == "AK1");
  CHECK(Key() == "AK1");
  CHECK(source->calls == 2);  // no drumming: the next try is 10 s away
  REQUIRE(notes.lines.size() == 1);
  CHECK(notes.lines[0].find("the source is down") != std::string::npos);
  clock.Advance(11s);
  CHECK(Key() == "AK1");
  CHECK(source->calls == 3);
  CHECK(notes.lines.size() == 1);
  clock.Advance(9min);
  CHECK(Key() == "error: the source is down");
  source->fail = false;
  CHECK(Key() == "error: the source is down");
  clock.Advance(11s);
  CHECK(Key() == "AK5");
}

TEST_CASE_METHOD(Fixture, "a first failure is told, and tried again after a pause") {
  source->fail = true;
  CHECK(Key() == "error: the source is down");
  CHECK(Key() == "error: the source is down");
  CHECK(source->calls == 1);
  source->fail = false;
  clock.Advance(11s);
  CHECK(Key() == "AK2");
  CHECK(notes.lines.empty());
}

TEST_CASE_METHOD(Fixture, "refused credentials are renewed once, whoever reports them") {
  const auto first = provider.Get();
  REQUIRE(first);
  provider.Refused(**first);
  provider.Refused(**first);
  CHECK(Key() == "AK2");
  provider.Refused(**first);  // a late report of what was renewed since
  CHECK(Key() == "AK2");
  CHECK(source->calls == 2);
}

TEST_CASE_METHOD(Fixture, "refused credentials are not given out when renewing fails") {
  const auto first = provider.Get();
  REQUIRE(first);
  source->fail = true;
  provider.Refused(**first);
  CHECK(Key() == "error: the source is down");
}

TEST_CASE_METHOD(Fixture, "a source that keeps giving out what is refused is not drummed on") {
  source->same_keys = true;
  const auto first = provider.Get();
  REQUIRE(first);
  for (int i = 0; i < 20; ++i) {
    provider.Refused(**first);
    CHECK(Key() == "AK0");
  }
  CHECK(source->calls == 2);
  clock.Advance(11s);
  provider.Refused(**first);
  CHECK(Key() == "AK0");
  CHECK(source->calls == 3);
}

TEST_CASE_METHOD(Fixture, "a change of the source is noticed within seconds") {
  source->life = 0s;
  CHECK(Key() == "AK1");
  clock.Advance(6s);
  CHECK(Key() == "AK1");
  source->changed = true;
  CHECK(Key() == "AK1");  // looked at a moment ago
  clock.Advance(6s);
  CHECK(Key() == "AK2");
}

TEST_CASE_METHOD(Fixture, "a change that cannot be read leaves what there was, and is read later") {
  source->life = 0s;
  CHECK(Key() == "AK1");
  source->changed = true;
  source->fail = true;
  clock.Advance(6s);
  CHECK(Key() == "AK1");
  CHECK(notes.lines.size() == 1);
  source->fail = false;
  clock.Advance(11s);
  CHECK(Key() == "AK3");
}

TEST_CASE_METHOD(Fixture, "credentials that are over when they come are an error that says so") {
  source->life = 1s;
  source->on_fetch = [] {};
  time.Learn(FakeClock::kStart_s + 3600);
  const auto got = provider.Get();
  REQUIRE_FALSE(got);
  CHECK(got.error().code == Code::kDenied);
  CHECK(got.error().what.find("expired at 2026-01-02T03:04:06Z") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "short-lived credentials are not renewed at every request") {
  source->life = 5min;
  CHECK(Key() == "AK1");
  for (int i = 0; i < 20; ++i) CHECK(Key() == "AK1");
  clock.Advance(31s);
  CHECK(Key() == "AK2");
}

}  // namespace coffer::s3::refreshing_provider_test
