// Remembers what the policy of an access point withholds, so that it is not asked for again and
// again: a refusal stands for a minute for the directory that it was of.
//
// Only for refusals that mean the same for every key of a directory: of listing, deleting and of
// seeing locks. (Who may not write one object may well write the next, which has other headers; a
// lock is refused to be weakened, and may then be extended.) Safe to share between threads; Send
// blocks as the next transport does.

#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "s3client/clock.h"
#include "s3client/observer.h"
#include "s3client/transport.h"

namespace coffer::s3 {

class WithheldTransport : public Transport {
 public:
  // Owns `next`, which retries; borrows the others. What is withheld is told once for each kind,
  // and of listings only below the mounted `prefix`: what lies above may well be none of ours.
  WithheldTransport(std::unique_ptr<Transport> next, std::string prefix, const Clock& clock,
                    Observer& observer)
      : next_(std::move(next)), prefix_(std::move(prefix)), clock_(clock), observer_(observer) {}

  Result<Response> Send(const Request& request) override;
  // What these mean is known already, and needs no telling.
  void Told(const std::vector<Operation>& operations);

 private:
  using Place = std::pair<Operation, std::string>;
  struct Refusal {
    Response reply;
    SteadyTime until;
  };

  void Remember(const Place& place, const Response& reply);

  const std::unique_ptr<Transport> next_;
  const std::string prefix_;
  const Clock& clock_;
  Observer& observer_;

  std::mutex mu_;  // held briefly, never while sending
  std::map<Place, Refusal> refused_;
  std::set<Operation> told_;
};

}  // namespace coffer::s3
