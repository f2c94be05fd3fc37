// What all requests of a command share, to whatever service they go: connections, counters, the
// server's time, retries, credentials.
//
// Made by the main thread, then safe to share between threads. Borrows log and clock.

#pragma once

#include <memory>
#include <string>

#include "fs/failure_watch.h"
#include "fs/log.h"
#include "fs/options.h"
#include "fs/request_log.h"
#include "s3client/clock.h"
#include "s3client/counters.h"
#include "s3client/counting_transport.h"
#include "s3client/curl_transport.h"
#include "s3client/refreshing_provider.h"
#include "s3client/retrying_transport.h"
#include "s3client/signing_transport.h"

namespace coffer::fs {

// How long a request may go on failing: as --deadline says, or as long as a person waits for a
// first look.
enum class Patience { kFull, kQuick };

class Network {
 public:
  Network(const VolumeOptions& options, const Environment& environment, s3::SystemClock& clock,
          Log& log);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // From here on there are credentials, unless requests are not signed; STS is asked in `region`.
  void FindCredentials(const std::string& region);
  // Null when requests are not signed.
  s3::CredentialsProvider* credentials() { return provider_.get(); }

  s3::Counters& counters() { return counters_; }
  s3::ServerTime& server_time() { return server_time_; }
  FailureWatch& failures() { return failures_; }
  s3::SystemClock& clock() { return clock_; }
  // Retries, impatiently, and does not sign.
  s3::Transport& plain() { return *plain_; }

  // Signed by the account; what is returned borrows this.
  std::unique_ptr<s3::Transport> Signed(s3::SigningScope scope);
  std::unique_ptr<s3::Transport> Signed(s3::SigningScope scope, s3::Signers signers);
  std::unique_ptr<s3::Transport> Retried(s3::Transport& next, Patience patience);

  // Ends what is on the network now and later.
  void Interrupt();

 private:
  const VolumeOptions options_;
  const Environment environment_;
  s3::SystemClock& clock_;
  FailureWatch failures_;
  s3::ServerTime server_time_;
  s3::Counters counters_;
  s3::CurlTransport curl_;
  RequestLog logged_;
  s3::CountingTransport counted_;  // sees what the wire sees
  std::unique_ptr<s3::Transport> plain_;
  std::unique_ptr<s3::RefreshingProvider> provider_;
};

}  // namespace coffer::fs
