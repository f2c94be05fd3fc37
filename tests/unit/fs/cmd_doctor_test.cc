#include "fs/cmd_doctor.h"

#include <catch2/catch.hpp>
#include <map>
#include <sstream>
#include <utility>

#include "fs/exit_code.h"
#include "tests/support/fake_store.h"

namespace coffer::fs::cmd_doctor_test {

using test::FakeStore;
using test::Fault;
using test::Operation;

Error Denied() { return {Code::kDenied, "Access Denied", "AccessDenied"}; }

// Answers as a healthy bucket without Object Lock does, until told otherwise.
class FakeProbes : public DoctorProbes {
 public:
  Result<std::shared_ptr<const s3::Credentials>> credentials =
      std::make_shared<const s3::Credentials>(s3::Credentials{
          "AKIDEXAMPLE", "SECRETEXAMPLE", "TOKENEXAMPLE", std::nullopt, "", "environment"});
  Result<StsCaller> identity = StsCaller{"123456789012", "arn:aws:iam::123456789012:user/ann"};
  std::optional<std::int64_t> offset = 0;
  Result<std::string> region = std::string("eu-west-1");
  Result<std::string> versioning = std::string();
  Result<ObjectLockSetup> object_lock = ObjectLockSetup{};
  Result<LockSight> retention = LockSight::kBucketHasNone;
  Result<LockSight> legal_hold = LockSight::kBucketHasNone;
  Result<LeftUploads> uploads = LeftUploads{};
  std::string uploads_prefix;
  int versioning_asked = 0;

  Result<std::shared_ptr<const s3::Credentials>> Credentials() override { return credentials; }
  Result<StsCaller> Identity() override { return identity; }
  std::optional<std::int64_t> ClockOffset() override { return offset; }
  Result<std::string> BucketRegion() override { return region; }
  Result<std::string> Versioning() override {
    ++versioning_asked;
    return versioning;
  }
  Result<ObjectLockSetup> ObjectLock() override { return object_lock; }
  Result<LockSight> Retention(std::string_view) override { return retention; }
  Result<LockSight> LegalHold(std::string_view) override { return legal_hold; }
  Result<LeftUploads> Uploads(std::string_view prefix) override {
    uploads_prefix = prefix;
    return uploads;
  }
};

// A server that takes no notice of conditions, or refuses every If-Match.
class CarelessStore : public FakeStore {
 public:
  bool ignores = false;
  bool refuses_matches = false;
  bool refuses_quoted = false;

  Result<s3::Written> Put(std::string_view key, ByteView body,
                          const s3::NewObject& object) override {
    const bool matches = object.condition.kind == s3::Condition::Kind::kMatches;
    if (matches && (refuses_matches || (refuses_quoted && !object.condition.bare_etag))) {
      return Error{Code::kChanged, "precondition failed"};
    }
    return FakeStore::Put(key, body, Without(object));
  }
  Result<s3::Written> Copy(const s3::CopyRequest& request) override {
    s3::CopyRequest plain = request;
    plain.target = Without(request.target);
    if (ignores) plain.source_etag.clear();
    if (refuses_matches && !plain.source_etag.empty()) {
      return Error{Code::kChanged, "precondition failed"};
    }
    return FakeStore::Copy(plain);
  }
  Status Delete(std::string_view key, const s3::Condition& condition) override {
    return FakeStore::Delete(key, ignores ? s3::Condition::None() : condition);
  }
  Result<s3::Written> CompleteUpload(const s3::Upload& upload, std::span<const s3::Part> parts,
                                     const s3::Condition& condition) override {
    return FakeStore::CompleteUpload(upload, parts, ignores ? s3::Condition::None() : condition);
  }

 private:
  s3::NewObject Without(s3::NewObject object) const {
    if (ignores) object.condition = s3::Condition::None();
    return object;
  }
};

struct Doctor {
  explicit Doctor(FakeStore& store, std::string_view source = "s3://team-data/p/") : store_(store) {
    s3::AddressOptions options;
    options.region = "eu-west-1";
    options.endpoint_url = std::string_view(source).starts_with("s3://") ? "http://s3.example" : "";
    auto parsed = s3::ParseTarget(source, options);
    REQUIRE(parsed);
    target = *std::move(parsed);
    settings.source = source;
    settings.json = true;
    settings.probe_id = "0123abcd";
    settings.remember = [this](const ConditionalFindings& found) { remembered = found; };
  }

  int operator()() {
    std::istringstream in;
    std::ostringstream out;
    Console console{in, out, out, false};
    const int code = RunDoctor({target, store_, probes}, settings, console);
    text = out.str();
    checks.clear();
    if (!settings.json) return code;
    report = Json::parse(text);
    for (const Json& check : report["checks"]) checks[check["name"]] = check;
    return code;
  }
  std::string State(const std::string& name) { return checks.at(name)["state"]; }
  std::string Detail(const std::string& name) { return checks.at(name)["detail"]; }

  s3::Target target;
  FakeProbes probes;
  DoctorSettings settings;
  std::optional<ConditionalFindings> remembered;
  std::string text;
  Json report;
  std::map<std::string, Json> checks;

 private:
  FakeStore& store_;
};

TEST_CASE("doctor reads only, unless it is asked to write", "[doctor]") {
  FakeStore store;
  store.Plant("p/a", "hello");
  Doctor doctor(store);
  CHECK(doctor() == kExitOk);
  CHECK(store.Keys() == std::vector<std::string>{"p/a"});
  CHECK(store.count(Operation::kPut) + store.count(Operation::kCopy) +
            store.count(Operation::kDelete) + store.count(Operation::kCreateUpload) ==
        0);
  for (const char* name :
       {"address", "credentials", "identity", "HeadBucket", "region", "clock", "ListBucket",
        "GetObject", "GetObjectRetention", "GetObjectLegalHold", "versioning", "object lock"}) {
    CHECK(doctor.State(name) == "ok");
  }
  for (const char* name : {"PutObject", "DeleteObject", "CopyObject", "AbortMultipartUpload",
                           "PutObject If-None-Match", "conditional writes"}) {
    CHECK(doctor.State(name) == "not tested");
  }
  CHECK(doctor.report["healthy"] == true);
  CHECK_FALSE(doctor.remembered);
}

TEST_CASE("what doctor's exit code says", "[doctor]") {
  FakeStore store;
  store.Plant("p/a", "hello");
  Doctor doctor(store);
  std::vector<Check> told;
  doctor.settings.bucket = [&] { return told; };
  const auto with = [&](CheckState state, bool access, bool key) {
    Check check{"of the bucket", state};
    check.access = access;
    check.key = key;
    told.push_back(check);
    return doctor();
  };
  CHECK(with(CheckState::kNotTested, false, false) == kExitOk);
  CHECK(with(CheckState::kWarn, false, false) == kExitPartial);
  CHECK(doctor.report["healthy"] == true);
  CHECK(with(CheckState::kFail, false, false) == kExitFailed);
  CHECK(doctor.report["healthy"] == false);
  CHECK(with(CheckState::kFail, false, true) == kExitNoKey);
  CHECK(with(CheckState::kFail, true, false) == kExitAccess);
}

TEST_CASE("doctor shows no secret", "[doctor]") {
  FakeStore store;
  Doctor doctor(store);
  for (const bool json : {true, false}) {
    doctor.settings.json = json;
    doctor();
    CHECK_THAT(doctor.text, Catch::Contains("AKIDEXAMPLE"));
    CHECK_THAT(doctor.text, !Catch::Contains("SECRETEXAMPLE") && !Catch::Contains("TOKENEXAMPLE"));
  }
}

TEST_CASE("a permission that is missing comes with its policy statement", "[doctor]") {
  FakeStore store;
  store.Plant("p/a", "hello");
  store.SetHook([](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kGet) return std::nullopt;
    return Fault{Denied(), false};
  });
  Doctor doctor(store);
  CHECK(doctor() == kExitAccess);
  CHECK(doctor.State("GetObject") == "fail");
  CHECK(doctor.checks["GetObject"]["policy"] ==
        Json::parse(R"({"Effect": "Allow", "Action": "s3:GetObject",
                        "Resource": "arn:aws:s3:::team-data/p/*"})"));

  store.SetHook([](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kList) return std::nullopt;
    return Fault{Denied(), false};
  });
  Doctor point(store, "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports");
  CHECK(point() == kExitAccess);
  CHECK(point.checks["ListBucket"]["policy"]["Resource"] ==
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports");
  CHECK(point.State("GetObject") == "not tested");
}

TEST_CASE("without credentials nothing else is claimed to fail", "[doctor]") {
  FakeStore store;
  Doctor doctor(store);
  doctor.probes.credentials = Error{Code::kDenied, "no credentials: looked at the environment"};
  CHECK(doctor() == kExitAccess);
  CHECK(doctor.State("credentials") == "fail");
  CHECK(doctor.checks.count("ListBucket") == 0);
  CHECK(store.requests() == 0);
}

TEST_CASE("STS out of reach is not a failure, keys that it refuses are", "[doctor]") {
  FakeStore store;
  store.Plant("p/a", "hello");
  Doctor doctor(store);
  doctor.probes.identity = Error{Code::kUnavailable, "could not connect"};
  CHECK(doctor() == kExitOk);
  CHECK(doctor.State("identity") == "not tested");
  doctor.probes.identity = Denied();
  CHECK(doctor() == kExitAccess);
}

TEST_CASE("the bucket's Region and the clock are compared", "[doctor]") {
  FakeStore store;
  store.Plant("p/a", "hello");
  Doctor doctor(store);
  doctor.probes.region = std::string("us-east-2");
  doctor.probes.offset = -3600;
  CHECK(doctor() == kExitFailed);
  CHECK(doctor.checks["region"]["change"] == "--region us-east-2");
  CHECK(doctor.State("clock") == "warn");
  CHECK_THAT(doctor.Detail("clock"), Catch::Contains("3600 s ahead of the service's"));
}

TEST_CASE("a network failure is reported as what it is", "[doctor]") {
  FakeStore store;
  store.SetHook([](Operation, std::string_view) -> std::optional<Fault> {
    return Fault{{Code::kUnavailable, "could not connect"}, false};
  });
  Doctor doctor(store);
  doctor.probes.region = Error{Code::kUnavailable, "could not connect"};
  doctor.settings.write_test = true;
  CHECK(doctor() == kExitFailed);
  CHECK(doctor.State("ListBucket") == "fail");
  CHECK_FALSE(doctor.checks["ListBucket"].contains("policy"));
  CHECK(doctor.State("PutObject") == "not tested");
}

TEST_CASE("through an access point the bucket's settings are inferred", "[doctor]") {
  FakeStore::Options options;
  options.versioned = true;
  FakeStore store(options);
  const s3::NewObject object;
  REQUIRE(store.Put("a", AsBytes("x"), object));
  Doctor doctor(store, "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports");
  doctor.probes.object_lock = Error{Code::kUnsupported, "MethodNotAllowed"};
  doctor.probes.retention = LockSight::kVisible;
  doctor.probes.legal_hold = LockSight::kVisible;
  CHECK(doctor() == kExitOk);
  CHECK(doctor.probes.versioning_asked == 0);
  CHECK_THAT(doctor.Detail("versioning"), Catch::Contains("inferred from an object: enabled"));
  CHECK_THAT(doctor.Detail("object lock"), Catch::Contains("inferred from an object: on"));
  CHECK(doctor.State("conditional writes") == "ok");  // a host of AWS

  doctor.settings.write_test = true;  // the default retention cannot be ruled out
  CHECK(doctor() == kExitFailed);
  CHECK_THAT(doctor.Detail("write test"), Catch::Contains("refused: the bucket has Object Lock"));
  CHECK(store.Keys() == std::vector<std::string>{"a"});
}

TEST_CASE("locks that may not be seen are a warning", "[doctor]") {
  FakeStore store;
  store.Plant("p/a", "x");
  Doctor doctor(store);
  doctor.probes.retention = Denied();
  CHECK(doctor() == kExitPartial);
  CHECK(doctor.State("GetObjectRetention") == "warn");
  CHECK(doctor.checks["GetObjectRetention"]["policy"]["Action"] == "s3:GetObjectRetention");
}

TEST_CASE("uploads that nobody ended are named, with the rule that aborts them", "[doctor]") {
  FakeStore store;
  store.Plant("p/a", "x");
  Doctor doctor(store);
  CHECK(doctor() == kExitOk);
  CHECK(doctor.State("unfinished uploads") == "ok");
  CHECK(doctor.probes.uploads_prefix == "p/");
  doctor.probes.uploads = LeftUploads{3, false, "p/big", 3600};  // a mount may be at work
  CHECK(doctor() == kExitOk);
  CHECK(doctor.State("unfinished uploads") == "ok");
  CHECK_THAT(doctor.Detail("unfinished uploads"), Catch::Contains("3, the oldest since 0 days"));
  doctor.probes.uploads = LeftUploads{1000, true, "p/big\n", 3 * 86400 + 5};
  CHECK(doctor() == kExitPartial);
  CHECK(doctor.State("unfinished uploads") == "warn");
  CHECK_THAT(doctor.Detail("unfinished uploads"),
             Catch::Contains("1000 and more, the oldest since 3 days: p/big "));
  CHECK_THAT(doctor.checks["unfinished uploads"]["change"].get<std::string>(),
             Catch::Contains("\"AbortIncompleteMultipartUpload\":{\"DaysAfterInitiation\":7}") &&
                 Catch::Contains("\"Prefix\":\"p/\""));
  doctor.probes.uploads = Denied();
  CHECK(doctor() == kExitOk);
  CHECK(doctor.State("unfinished uploads") == "not tested");
}

TEST_CASE("the write test sees every condition honoured and leaves nothing", "[doctor]") {
  FakeStore store;
  store.Plant("p/a", "hello");
  Doctor doctor(store);
  doctor.settings.write_test = true;
  CHECK(doctor() == kExitOk);
  for (const char* name :
       {"PutObject", "PutObject If-None-Match", "PutObject If-Match", "CopyObject",
        "CopyObject If-None-Match", "CopyObject x-amz-copy-source-if-match", "multipart upload",
        "CompleteMultipartUpload If-None-Match", "AbortMultipartUpload", "DeleteObject If-Match",
        "DeleteObject"}) {
    CHECK(doctor.State(name) == "ok");
  }
  REQUIRE(doctor.remembered);
  CHECK(doctor.remembered->put_if_absent == Finding::kHonoured);
  CHECK(doctor.remembered->put_if_match == Finding::kHonoured);
  CHECK(doctor.remembered->copy_if_absent == Finding::kHonoured);
  CHECK(doctor.remembered->copy_source_match == Finding::kHonoured);
  CHECK(doctor.remembered->complete_if_absent == Finding::kHonoured);
  CHECK(doctor.remembered->delete_if_match == Finding::kHonoured);
  CHECK(store.Keys() == std::vector<std::string>{"p/a"});
  CHECK(store.open_uploads() == 0);
}

TEST_CASE("a server that ignores conditions is found out", "[doctor]") {
  CarelessStore store;
  store.ignores = true;
  Doctor doctor(store);
  doctor.settings.write_test = true;
  CHECK(doctor() == kExitPartial);
  CHECK(doctor.State("PutObject If-None-Match") == "warn");
  CHECK(doctor.State("CopyObject If-None-Match") == "warn");
  CHECK(doctor.State("CompleteMultipartUpload If-None-Match") == "warn");
  CHECK(doctor.State("DeleteObject If-Match") == "warn");
  REQUIRE(doctor.remembered);
  CHECK(doctor.remembered->put_if_absent == Finding::kIgnored);
  CHECK(doctor.remembered->copy_source_match == Finding::kIgnored);
  CHECK(doctor.remembered->delete_if_match == Finding::kIgnored);
  CHECK(store.Keys().empty());
  CHECK(store.open_uploads() == 0);

  doctor.settings.write_test = false;
  doctor.settings.remembered = doctor.remembered;
  CHECK(doctor() == kExitPartial);
  CHECK(doctor.State("conditional writes") == "warn");
}

TEST_CASE("a server that refuses the right ETag too is not usable", "[doctor]") {
  CarelessStore store;
  store.refuses_matches = true;
  Doctor doctor(store);
  doctor.settings.write_test = true;
  CHECK(doctor() == kExitPartial);
  REQUIRE(doctor.remembered);
  CHECK(doctor.remembered->put_if_match == Finding::kUnusable);
  CHECK(doctor.remembered->copy_source_match == Finding::kUnusable);
  CHECK(doctor.remembered->put_if_absent == Finding::kHonoured);
}

TEST_CASE("a server that wants the ETag unquoted is understood", "[doctor]") {
  CarelessStore store;
  store.refuses_quoted = true;
  Doctor doctor(store);
  doctor.settings.write_test = true;
  CHECK(doctor() == kExitPartial);
  REQUIRE(doctor.remembered);
  CHECK(doctor.remembered->put_if_match == Finding::kHonoured);
  CHECK(doctor.remembered->put_if_match_bare);
}

TEST_CASE("a condition that is refused although it holds is not usable", "[doctor]") {
  FakeStore store;
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    // The first put, the first copy and the first completion carry a condition that holds.
    if (operation == Operation::kPut && store.count(operation) == 1) {
      return Fault{{Code::kUnsupported, "NotImplemented"}, false};
    }
    if (operation == Operation::kCopy && store.count(operation) == 1) {
      return Fault{{Code::kUnsupported, "NotImplemented"}, false};
    }
    if (operation == Operation::kCompleteUpload && store.count(operation) == 1) {
      return Fault{{Code::kExists, "precondition failed"}, false};
    }
    return std::nullopt;
  });
  Doctor doctor(store);
  doctor.settings.write_test = true;
  CHECK(doctor() == kExitPartial);
  REQUIRE(doctor.remembered);
  CHECK(doctor.remembered->put_if_absent == Finding::kUnusable);
  CHECK(doctor.remembered->copy_if_absent == Finding::kUnusable);
  CHECK(doctor.remembered->complete_if_absent == Finding::kUnusable);
  CHECK(doctor.State("PutObject") == "ok");
  CHECK(doctor.State("CopyObject") == "ok");
  CHECK(doctor.State("multipart upload") == "ok");
  CHECK(store.Keys().empty());
  CHECK(store.open_uploads() == 0);
}

TEST_CASE("the write test is refused under a default retention", "[doctor]") {
  FakeStore store;
  Doctor doctor(store);
  doctor.settings.write_test = true;
  doctor.probes.object_lock = ObjectLockSetup{true, "COMPLIANCE", "30 days"};
  CHECK(doctor() == kExitFailed);
  CHECK_THAT(doctor.Detail("write test"), Catch::Contains("COMPLIANCE, 30 days"));
  doctor.probes.object_lock = Denied();
  CHECK(doctor() == kExitFailed);
  CHECK_THAT(doctor.Detail("write test"), Catch::Contains("is not known"));
  CHECK(store.count(Operation::kPut) == 0);
}

TEST_CASE("a refused write is a missing permission, and nothing is deleted after it", "[doctor]") {
  FakeStore store;
  store.SetHook([](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kPut) return std::nullopt;
    return Fault{Denied(), false};
  });
  Doctor doctor(store);
  doctor.settings.write_test = true;
  CHECK(doctor() == kExitAccess);
  CHECK(doctor.checks["PutObject"]["policy"]["Action"] == "s3:PutObject");
  CHECK(store.count(Operation::kDelete) == 0);
  CHECK_FALSE(doctor.remembered);
}

TEST_CASE("a probe whose reply was lost is removed, one that stays is named", "[doctor]") {
  FakeStore store;
  store.SetHook([](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kPut) return std::nullopt;
    return Fault{{Code::kTimeout, "no progress"}, true};
  });
  Doctor doctor(store);
  doctor.settings.write_test = true;
  CHECK(doctor() == kExitFailed);
  CHECK(store.Keys().empty());

  store.SetHook([](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kDelete) return std::nullopt;
    return Fault{Denied(), false};
  });
  CHECK(doctor() == kExitAccess);
  CHECK_THAT(doctor.Detail("DeleteObject"),
             Catch::Contains("left behind: p/.coffer-doctor-0123abcd, "
                             "p/.coffer-doctor-0123abcd-copy, "
                             "p/.coffer-doctor-0123abcd-parts"));
  CHECK(doctor.checks["DeleteObject"]["policy"]["Action"] == "s3:DeleteObject");
}

TEST_CASE("doctor for people puts one check on a line", "[doctor]") {
  FakeStore store;
  store.Plant("p/a", "hello");
  Doctor doctor(store);
  doctor.settings.json = false;
  doctor.probes.region = std::string("us-east-2");
  CHECK(doctor() == kExitFailed);
  CHECK_THAT(doctor.text, Catch::Contains("\nok          HeadBucket ") &&
                              Catch::Contains("\nfail        region ") &&
                              Catch::Contains("-> --region us-east-2\n"));
}

}  // namespace coffer::fs::cmd_doctor_test
