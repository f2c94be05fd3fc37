// Options become a bucket that can be talked to: address, credentials, transports, store. Where the
// concrete classes of s3client/ meet; shared by mount, doctor and rm.
//
// Made by the main thread, then safe to share between threads. Borrows the log.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/log.h"
#include "fs/network.h"
#include "fs/options.h"
#include "fs/past_store.h"
#include "fs/reached_bucket.h"
#include "s3client/bucket.h"
#include "s3client/bucket_settings.h"
#include "s3client/conditional_store.h"
#include "s3client/s3_store.h"
#include "s3client/session_credentials.h"
#include "s3client/withheld_transport.h"

namespace coffer::fs {

// What a first look at the bucket showed.
struct Preflight {
  s3::BucketFacts facts;
  bool empty = false;              // nothing below the prefix
  std::string first_key;           // below the prefix; "" when it is empty
  std::vector<std::string> notes;  // for people
};

class Connection {
 public:
  // Finds the Region where it is not given (one request). Failures: kInvalid for an address or
  // options that cannot be, kDenied, kUnavailable.
  static Result<std::unique_ptr<Connection>> Open(VolumeOptions options,
                                                  const Environment& environment,
                                                  s3::SystemClock& clock, Log& log);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Asks for everything that mounting needs, with less patience than --deadline, and says of a
  // failure what it means. A bucket in another Region is gone to by itself, unless a Region was
  // named. Call once, before the store is used.
  Result<Preflight> Check();

  Network& network() { return network_; }
  // Null when requests are not signed.
  s3::CredentialsProvider* credentials() { return network_.credentials(); }
  const s3::Target& target() const { return target_; }
  const VolumeOptions& options() const { return options_; }
  // Names what this machine keeps about the bucket.
  std::string reached_bucket() const { return ReachedBucket(target_, options_.connect_to); }
  s3::Clock& clock() const { return clock_; }
  s3::Counters& counters() { return network_.counters(); }
  s3::ServerTime& server_time() { return network_.server_time(); }
  FailureWatch& failures() { return network_.failures(); }
  s3::ConditionMemory& conditions() { return conditions_; }
  // Neither signs; for the question where a bucket is, and for STS.
  s3::Transport& plain() { return network_.plain(); }

  s3::Bucket MakeBucket();            // impatient
  s3::BucketSettings MakeSettings();  // impatient
  // Impatient; for what is no operation of a store.
  s3::Transport& signed_transport() { return *quick_; }
  s3::ObjectStore& quick_store();  // S3 itself, impatient: no condition is emulated
  // Patient; for what S3 does and other stores need not.
  s3::S3Store& patient_store() { return *patient_store_; }
  s3::ObjectStore& store();  // what a mount works on
  // From here on store() is the bucket as it was then. Before anybody was given it.
  void ShowPast(std::int64_t at_s);
  PastStore* past_store() { return past_.get(); }  // null before ShowPast
  s3::ObjectStore& present_store() { return *store_; }

  // S3 will refuse these to everybody, and that was said: its first refusal need not say it again.
  void NoteWithheld(const std::vector<s3::Operation>& operations);

  // Ends what is on the network now and later.
  void Interrupt();

 private:
  Connection(VolumeOptions options, const Environment& environment, s3::SystemClock& clock,
             Log& log);
  // Where options_ lead to: target_.
  Status ParseAddress();
  Status FindAddress();
  Status MakeStores();
  bool MayMove(const Error& error) const;
  Error Unreachable(Error error) const;
  Status Move(std::vector<std::string>& notes);
  void NoteClock(std::vector<std::string>& notes);

  VolumeOptions options_;
  const Environment environment_;
  s3::SystemClock& clock_;
  s3::Target target_;
  Network network_;
  std::unique_ptr<s3::Transport> account_signed_;  // directory buckets: for CreateSession
  std::unique_ptr<s3::Transport> account_;
  std::unique_ptr<s3::SessionCredentials> session_;
  std::unique_ptr<s3::Transport> signed_;
  std::unique_ptr<s3::Transport> quick_;
  std::unique_ptr<s3::Transport> patient_;
  s3::WithheldTransport* withheld_ = nullptr;  // in patient_, where it is an access point's
  std::unique_ptr<s3::S3Store> quick_store_;
  std::unique_ptr<s3::S3Store> patient_store_;
  s3::ConditionMemory conditions_;
  std::unique_ptr<s3::ConditionalStore> store_;
  std::unique_ptr<PastStore> past_;
};

}  // namespace coffer::fs
