#include "fs/withheld_question.h"

#include <optional>
#include <utility>

#include "fs/control_door.h"
#include "fs/mutex.h"
#include "fs/withheld_words.h"

namespace coffer::fs {

struct WithheldQuestion::State {
  Mutex mu;
  Condition changed;
  bool answered GUARDED_BY(mu) = false;
  bool given_up GUARDED_BY(mu) = false;  // nobody waits any more
  std::vector<std::string> lines GUARDED_BY(mu);
};

namespace {

struct PolicyPlace {
  std::string name;
  s3::ControlAddress address;
  MountedThrough mounted;
};

// Nothing where the policy cannot be asked for.
std::optional<PolicyPlace> FindPolicyPlace(Connection& connection, bool read_only) {
  const s3::Target& target = connection.target();
  const VolumeOptions& options = connection.options();
  if (target.kind != s3::TargetKind::kAccessPoint || connection.credentials() == nullptr) return {};
  const auto name = ParseAccessPointName(target.arn);
  const auto aws = SpeaksToAws(options);
  // Of an alias nobody knows the account.
  if (target.arn.empty() || !name || !aws) return {};
  if (!*aws && options.control_endpoint_url.empty()) return {};
  auto address = s3::MakeControlAddress({name->account, name->region, options.control_endpoint_url,
                                         options.address.fips, options.address.dual_stack});
  if (!address) return {};
  return PolicyPlace{name->name, std::move(*address), {target.arn, target.key_prefix, read_only}};
}

}  // namespace

std::unique_ptr<WithheldQuestion> WithheldQuestion::Ask(Connection& connection, bool read_only,
                                                        WorkerPool& pool, Log& log) {
  auto place = FindPolicyPlace(connection, read_only);
  if (!place) return nullptr;
  auto state = std::make_shared<State>();
  pool.Submit([state, &connection, &log, place = std::move(*place)] {
    // One try: a failure here is no failure of the mount, and counts for nothing.
    const auto transport =
        connection.network().Signed({s3::Scheme::kSigV4, "s3", place.address.region});
    const auto text = s3::S3Control(*transport, place.address).Policy(place.name);
    const auto policy = text ? ParsePolicy(*text) : Result<Policy>(text.error());
    Withheld withheld;
    if (policy) withheld = WithheldByPolicy(policy->statements, place.mounted);
    connection.NoteWithheld(withheld.operations);
    const Lock lock(state->mu);
    state->answered = true;
    state->changed.NotifyAll();
    if (!state->given_up) {
      state->lines = std::move(withheld.lines);
      return;
    }
    for (const std::string& line : withheld.lines) log.Info(line);
  });
  return std::unique_ptr<WithheldQuestion>(new WithheldQuestion(std::move(state)));
}

std::vector<std::string> WithheldQuestion::Await(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  const Lock lock(state_->mu);
  while (!state_->answered && !state_->given_up) {
    state_->given_up = !state_->changed.WaitUntil(state_->mu, until);
  }
  return std::move(state_->lines);
}

bool WithheldQuestion::open() const {
  const Lock lock(state_->mu);
  return !state_->answered;
}

}  // namespace coffer::fs
