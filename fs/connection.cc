#include "fs/connection.h"

#include <algorithm>
#include <cstdlib>

namespace coffer::fs {
namespace {

// Beyond this the machine's clock is worth a word; S3 itself minds 15 minutes.
constexpr std::int64_t kClockTolerance_s = 300;
// What servers that know no Regions are signed for.
constexpr char kAnyRegion[] = "us-east-1";

Result<s3::StoreOptions> ToStore(const VolumeOptions& options) {
  s3::StoreOptions store;
  store.storage_class = options.storage_class;
  store.encryption = {options.sse, options.sse_kms_key_id, options.sse == "aws:kms"};
  store.requester_pays = options.requester_pays;
  store.expected_bucket_owner = options.expected_bucket_owner;
  store.unsigned_payload = options.unsigned_payload;
  if (!options.sse_customer_key_file.empty()) {
    COFFER_ASSIGN(store.customer_key, s3::ReadCustomerKey(options.sse_customer_key_file));
  }
  return store;
}

}  // namespace

Connection::Connection(VolumeOptions options, const Environment& environment,
                       s3::SystemClock& clock, Log& log)
    : options_(std::move(options)), clock_(clock), network_(options_, environment, clock, log) {}

Result<std::unique_ptr<Connection>> Connection::Open(VolumeOptions options,
                                                     const Environment& environment,
                                                     s3::SystemClock& clock, Log& log) {
  std::unique_ptr<Connection> connection(
      new Connection(std::move(options), environment, clock, log));
  COFFER_TRY(connection->FindAddress());
  COFFER_TRY(connection->MakeStores());
  return connection;
}

Status Connection::ParseAddress() {
  COFFER_ASSIGN(target_, s3::ParseTarget(options_.source, options_.address));
  // Who answers under an AWS name is then anybody, and is believed no more than any other server.
  if (!options_.connect_to.empty()) target_.aws_host = false;
  return Ok();
}

Status Connection::FindAddress() {
  COFFER_TRY(ParseAddress());
  if (!target_.region.empty() || !target_.region_set.empty()) return Ok();
  auto region = s3::DiscoverRegion(plain(), target_);
  if (!region && (region.error().code != Code::kUnsupported || !target_.custom_endpoint))
    return std::move(region).error().While("find the Region of " + target_.name);
  options_.address.region = region ? *region : kAnyRegion;
  return ParseAddress();
}

Status Connection::MakeStores() {
  COFFER_ASSIGN(const s3::StoreOptions store, ToStore(options_));
  COFFER_TRY(s3::CheckStoreOptions(store, target_));
  network_.FindCredentials(target_.region);
  s3::Signers signers{network_.credentials(), nullptr};
  if (target_.scheme == s3::Scheme::kSigV4S3Express && credentials() != nullptr) {
    account_signed_ = network_.Signed(s3::ScopeOf(target_));
    account_ = network_.Retried(*account_signed_, Patience::kQuick);
    session_ = std::make_unique<s3::SessionCredentials>(*account_, target_.UrlFor(""),
                                                        s3::SessionMode::kReadWrite, clock_,
                                                        network_.server_time(), failures());
    signers.session = session_.get();
  }
  signed_ = network_.Signed(s3::ScopeOf(target_), signers);
  quick_ = network_.Retried(*signed_, Patience::kQuick);
  patient_ = network_.Retried(*signed_, Patience::kFull);
  if (target_.kind == s3::TargetKind::kAccessPoint || target_.alias) {
    auto withheld = std::make_unique<s3::WithheldTransport>(std::move(patient_), target_.key_prefix,
                                                            clock_, network_.failures());
    withheld_ = withheld.get();
    patient_ = std::move(withheld);
  }
  quick_store_ = std::make_unique<s3::S3Store>(*quick_, target_, store);
  patient_store_ = std::make_unique<s3::S3Store>(*patient_, target_, store);
  store_ = std::make_unique<s3::ConditionalStore>(*patient_store_, target_.aws_host, conditions_,
                                                  failures());
  return Ok();
}

s3::Bucket Connection::MakeBucket() {
  return {*quick_, target_, {options_.requester_pays, options_.expected_bucket_owner}};
}

s3::BucketSettings Connection::MakeSettings() {
  return {*quick_, target_, {options_.requester_pays, options_.expected_bucket_owner}};
}

s3::ObjectStore& Connection::quick_store() { return *quick_store_; }

s3::ObjectStore& Connection::store() {
  if (past_) return *past_;
  return *store_;
}

void Connection::ShowPast(std::int64_t at_s) { past_ = std::make_unique<PastStore>(*store_, at_s); }

// Only a bucket can be somewhere else than was thought: an ARN says where it is.
bool Connection::MayMove(const Error& error) const {
  return error.code == Code::kInvalid && !options_.region_named && target_.arn.empty();
}

Status Connection::Move(std::vector<std::string>& notes) {
  COFFER_ASSIGN(const std::string region, s3::DiscoverRegion(plain(), target_));
  if (region == target_.region)
    return Error{Code::kInvalid, target_.name + " cannot be reached in its own Region " + region};
  notes.push_back(target_.name + " is in the Region " + region + ", not " + target_.region +
                  "; --region " + region + " saves the question");
  options_.address.region = region;
  COFFER_TRY(ParseAddress());
  return MakeStores();
}

// The service says of a bucket of somebody else no more than that access is denied.
Error Connection::Unreachable(Error error) const {
  if (error.code != Code::kDenied || options_.expected_bucket_owner.empty()) return error;
  error.what += "; or the bucket is not that of account " + options_.expected_bucket_owner +
                " (--expected-bucket-owner)";
  return error;
}

Result<Preflight> Connection::Check() {
  Preflight preflight;
  if (credentials() != nullptr) {
    const auto found = credentials()->Get();
    if (!found) return found.error();
  }
  auto facts = MakeBucket().Facts();
  if (!facts && MayMove(facts.error())) {
    COFFER_TRY(Move(preflight.notes));
    facts = MakeBucket().Facts();
  }
  if (!facts) return Unreachable(std::move(facts).error());
  preflight.facts = std::move(*facts);
  s3::ListRequest request;
  request.prefix = target_.key_prefix;
  request.delimited = false;
  request.max_keys = 1;
  auto page = quick_store_->List(request);
  if (!page) return std::move(page).error().While("list " + options_.source);
  preflight.empty = page->objects.empty() && page->next_token.empty();
  if (!page->objects.empty()) preflight.first_key = page->objects.front().key;
  if (preflight.facts.versioned != s3::Tri::kUnknown)
    store_->SetVersioned(preflight.facts.versioned == s3::Tri::kYes);
  NoteClock(preflight.notes);
  return preflight;
}

void Connection::NoteClock(std::vector<std::string>& notes) {
  const std::int64_t offset = network_.server_time().offset_s();
  if (std::abs(offset) < kClockTolerance_s) return;
  notes.push_back("this machine's clock is " + std::to_string(std::abs(offset)) + " s " +
                  (offset > 0 ? "behind" : "ahead of") +
                  " the server's; requests are signed by the server's time, but set the clock");
}

void Connection::NoteWithheld(const std::vector<s3::Operation>& operations) {
  if (withheld_ != nullptr) withheld_->Told(operations);
}

void Connection::Interrupt() { network_.Interrupt(); }

}  // namespace coffer::fs
