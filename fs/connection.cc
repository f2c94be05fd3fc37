#include "fs/connection.h"

#include <algorithm>
#include <cstdlib>

#include "s3client/credentials_chain.h"

namespace coffer::fs {
namespace {

// How long a first look may take: a person waits for it.
constexpr std::chrono::milliseconds kQuick{10'000};
// Beyond this the machine's clock is worth a word; S3 itself minds 15 minutes.
constexpr std::int64_t kClockTolerance_s = 300;
// What servers that know no Regions are signed for.
constexpr char kAnyRegion[] = "us-east-1";

s3::CurlOptions ToCurl(const VolumeOptions& options) {
  s3::CurlOptions curl;
  curl.ca_bundle = options.ca_bundle;
  curl.connect_to = options.connect_to;
  curl.connect_timeout = options.connect_timeout;
  curl.first_byte_timeout = options.first_byte_timeout;
  curl.low_speed_bytes = options.low_speed_limit;
  curl.low_speed_time = options.low_speed_time;
  curl.max_idle_connections = options.max_threads;
  return curl;
}

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

s3::SigningScope ScopeOf(const s3::Target& target) {
  const bool set = target.scheme == s3::Scheme::kSigV4A;
  return {target.scheme, target.signing_name, set ? target.region_set : target.region};
}

}  // namespace

Connection::Connection(VolumeOptions options, const Environment& environment,
                       s3::SystemClock& clock, Log& log)
    : options_(std::move(options)),
      environment_(environment),
      clock_(clock),
      log_(log),
      failures_(log, clock),
      server_time_(clock),
      curl_(ToCurl(options_)),
      logged_(curl_, log),
      counted_(logged_, counters_),
      plain_(std::make_unique<s3::RetryingTransport>(counted_, Patience(true), Parties())) {}

Result<std::unique_ptr<Connection>> Connection::Open(VolumeOptions options,
                                                     const Environment& environment,
                                                     s3::SystemClock& clock, Log& log) {
  std::unique_ptr<Connection> connection(
      new Connection(std::move(options), environment, clock, log));
  COFFER_TRY(connection->FindAddress());
  COFFER_TRY(connection->MakeStores());
  return connection;
}

s3::RetryParties Connection::Parties() { return {clock_, server_time_, failures_, &counters_}; }

s3::RetryOptions Connection::Patience(bool quick) const {
  s3::RetryOptions retry;
  // Zero is for ever.
  retry.deadline = options_.deadline.value_or(std::chrono::milliseconds(0));
  if (quick) retry.deadline = std::min(options_.deadline.value_or(kQuick), kQuick);
  return retry;
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
  auto region = s3::DiscoverRegion(*plain_, target_);
  if (!region && (region.error().code != Code::kUnsupported || !target_.custom_endpoint))
    return std::move(region).error().While("find the Region of " + target_.name);
  options_.address.region = region ? *region : kAnyRegion;
  return ParseAddress();
}

Status Connection::MakeStores() {
  COFFER_ASSIGN(const s3::StoreOptions store, ToStore(options_));
  COFFER_TRY(s3::CheckStoreOptions(store, target_));
  if (!options_.no_sign_request) {
    const s3::Environment env = [all = environment_](std::string_view name) {
      const auto found = all.find(std::string(name));
      return found == all.end() ? std::string() : found->second;
    };
    s3::ChainOptions chain;
    if (options_.profile_named) chain.profile = options_.profile;
    chain.region = target_.region;
    chain.fips = options_.address.fips;
    provider_ = std::make_unique<s3::RefreshingProvider>(
        std::make_unique<s3::CredentialsChain>(chain, env, *plain_, server_time_, failures_),
        clock_, server_time_, failures_);
  }
  s3::Signers signers{provider_.get(), nullptr};
  if (target_.scheme == s3::Scheme::kSigV4S3Express && provider_) {
    account_signed_ = std::make_unique<s3::SigningTransport>(
        counted_, ScopeOf(target_), s3::Signers{provider_.get(), nullptr}, server_time_);
    account_ = std::make_unique<s3::RetryingTransport>(*account_signed_, Patience(true), Parties());
    session_ = std::make_unique<s3::SessionCredentials>(*account_, target_.UrlFor(""),
                                                        s3::SessionMode::kReadWrite, clock_,
                                                        server_time_, failures_);
    signers.session = session_.get();
  }
  signed_ =
      std::make_unique<s3::SigningTransport>(counted_, ScopeOf(target_), signers, server_time_);
  quick_ = std::make_unique<s3::RetryingTransport>(*signed_, Patience(true), Parties());
  patient_ = std::make_unique<s3::RetryingTransport>(*signed_, Patience(false), Parties());
  quick_store_ = std::make_unique<s3::S3Store>(*quick_, target_, store);
  patient_store_ = std::make_unique<s3::S3Store>(*patient_, target_, store);
  store_ = std::make_unique<s3::ConditionalStore>(*patient_store_, target_.aws_host, conditions_,
                                                  failures_);
  return Ok();
}

s3::Bucket Connection::MakeBucket() {
  return {*quick_, target_, {options_.requester_pays, options_.expected_bucket_owner}};
}

s3::ObjectStore& Connection::quick_store() { return *quick_store_; }
s3::ObjectStore& Connection::store() { return *store_; }

// Only a bucket can be somewhere else than was thought: an ARN says where it is.
bool Connection::MayMove(const Error& error) const {
  return error.code == Code::kInvalid && !options_.region_named && target_.arn.empty();
}

Status Connection::Move(std::vector<std::string>& notes) {
  COFFER_ASSIGN(const std::string region, s3::DiscoverRegion(*plain_, target_));
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
  if (provider_) {
    const auto credentials = provider_->Get();
    if (!credentials) return credentials.error();
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
  if (preflight.facts.versioned != s3::Tri::kUnknown)
    store_->SetVersioned(preflight.facts.versioned == s3::Tri::kYes);
  NoteClock(preflight.notes);
  return preflight;
}

void Connection::NoteClock(std::vector<std::string>& notes) const {
  const std::int64_t offset = server_time_.offset_s();
  if (std::abs(offset) < kClockTolerance_s) return;
  notes.push_back("this machine's clock is " + std::to_string(std::abs(offset)) + " s " +
                  (offset > 0 ? "behind" : "ahead of") +
                  " the server's; requests are signed by the server's time, but set the clock");
}

void Connection::Interrupt() {
  clock_.Interrupt();
  curl_.Interrupt();
}

}  // namespace coffer::fs
