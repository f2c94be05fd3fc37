// S3 Control for a command: the account found out, the address chosen, requests signed.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "crypto/result.h"
#include "fs/doctor.h"
#include "fs/network.h"
#include "fs/options.h"
#include "s3client/s3_control.h"

namespace coffer::fs {

// What a person calls an access point: its name, or its ARN.
struct AccessPointName {
  std::string name;
  std::string account;  // "" unless the ARN says
  std::string region;   // likewise
};
// kInvalid for what is neither.
Result<AccessPointName> ParseAccessPointName(const std::string& text);

// Whether requests to S3 go to AWS, whose S3 Control and STS are known. kInvalid for an endpoint
// that is none.
Result<bool> SpeaksToAws(const VolumeOptions& options);

class ControlDoor {
 public:
  // `account` of the access points; "" for that of whoever asks, which is found out. Borrows
  // `network`, whose credentials it finds. kInvalid where no address of S3 Control is known.
  static Result<std::unique_ptr<ControlDoor>> Open(Network& network, const VolumeOptions& options,
                                                   const Environment& environment,
                                                   const std::string& region, std::string account);

  s3::S3Control& control() { return *control_; }
  const std::string& account() const { return control_->address().account; }
  // Find, where none is an error.
  Result<s3::AccessPoint> Get(const std::string& name);
  // By its alias; asks for all of them. An error where there is none.
  Result<s3::AccessPoint> GetByAlias(const std::string& alias);

 private:
  ControlDoor() = default;

  std::unique_ptr<s3::Transport> signed_;
  std::unique_ptr<s3::Transport> retried_;
  std::unique_ptr<s3::S3Control> control_;
};

}  // namespace coffer::fs
