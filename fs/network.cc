#include "fs/network.h"

#include <algorithm>
#include <utility>

#include "s3client/credentials_chain.h"

namespace coffer::fs {
namespace {

constexpr std::chrono::milliseconds kQuick{10'000};

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

}  // namespace

Network::Network(const VolumeOptions& options, const Environment& environment,
                 s3::SystemClock& clock, Log& log)
    : options_(options),
      environment_(environment),
      clock_(clock),
      failures_(log, clock),
      server_time_(clock),
      curl_(ToCurl(options_)),
      logged_(curl_, log),
      counted_(logged_, counters_),
      plain_(Retried(counted_, Patience::kQuick)) {}

void Network::FindCredentials(const std::string& region) {
  if (options_.no_sign_request) return;
  const s3::Environment env = [all = environment_](std::string_view name) {
    const auto found = all.find(std::string(name));
    return found == all.end() ? std::string() : found->second;
  };
  s3::ChainOptions chain;
  if (options_.profile_named) chain.profile = options_.profile;
  chain.region = region;
  chain.fips = options_.address.fips;
  provider_ = std::make_unique<s3::RefreshingProvider>(
      std::make_unique<s3::CredentialsChain>(chain, env, *plain_, server_time_, failures_), clock_,
      server_time_, failures_);
}

std::unique_ptr<s3::Transport> Network::Signed(s3::SigningScope scope) {
  return Signed(std::move(scope), {provider_.get(), nullptr});
}

std::unique_ptr<s3::Transport> Network::Signed(s3::SigningScope scope, s3::Signers signers) {
  return std::make_unique<s3::SigningTransport>(counted_, std::move(scope), signers, server_time_);
}

std::unique_ptr<s3::Transport> Network::Retried(s3::Transport& next, Patience patience) {
  s3::RetryOptions retry;
  // Zero is for ever.
  retry.deadline = options_.deadline.value_or(std::chrono::milliseconds(0));
  if (patience == Patience::kQuick) {
    retry.deadline = std::min(options_.deadline.value_or(kQuick), kQuick);
  }
  return std::make_unique<s3::RetryingTransport>(
      next, retry, s3::RetryParties{clock_, server_time_, failures_, &counters_});
}

void Network::Interrupt() {
  clock_.Interrupt();
  curl_.Interrupt();
}

}  // namespace coffer::fs
