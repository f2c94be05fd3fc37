#include "fs/setting_words.h"

#include <algorithm>
#include <array>

#include "fs/option_layers.h"

namespace coffer::fs {
namespace {

struct SettingWords {
  unsigned bit;
  BucketSetting setting;
  std::string_view actions;  // the first that is named is what `show` or `suggest` is
};
constexpr std::array<SettingWords, 6> kSettingWords = {{
    {kForCors, BucketSetting::kCors, "show allow remove check"},
    {kForEncryption, BucketSetting::kEncryption, "show set"},
    {kForLogging, BucketSetting::kLogging, "show set off"},
    {kForVersioning, BucketSetting::kVersioning, "show on"},
    {kForLockDefault, BucketSetting::kLockDefault, "show set"},
    {kForLifecycle, BucketSetting::kLifecycle, "suggest"},
}};

const SettingWords* WordsOf(unsigned bit) {
  const auto found = std::find_if(kSettingWords.begin(), kSettingWords.end(),
                                  [&](const SettingWords& one) { return one.bit == bit; });
  return found == kSettingWords.end() ? nullptr : &*found;
}

bool IsAmong(std::string_view word, std::string_view words) {
  if (word.empty() || word.find(' ') != word.npos) return false;
  return (" " + std::string(words) + " ").find(" " + std::string(word) + " ") != std::string::npos;
}

Status CheckShare(const Draft& draft) {
  const auto& methods = draft.setting.method;
  if (methods.size() > 1) return Usage("a link is for one --method: GET or PUT");
  const std::string method = methods.empty() ? "GET" : methods.front();
  if (method != "GET" && method != "PUT") return Usage("--method takes GET or PUT");
  const ShareOptions& share = draft.share;
  if (method == "PUT" && (!share.download_as.empty() || !share.version.empty()))
    return Usage("--download-as and --version are for links that fetch: leave out --method PUT");
  if (share.expires > std::chrono::days(7))
    return Usage("--expires: no link lives longer than 7 days; make another one then");
  if (share.expires < std::chrono::seconds(1))
    return Usage("--expires: a link lives for 1 second at least");
  return Ok();
}

Status CheckCors(const std::string& action, const SettingOptions& setting) {
  if (action == "show" && !(setting.origin.empty() && setting.method.empty()))
    return Usage("coffer cors show takes neither --origin nor --method");
  if (action == "allow" && setting.origin.empty())
    return Usage("coffer cors allow needs --origin: of the page, such as https://www.example.com");
  if (action == "check" && setting.origin.size() != 1)
    return Usage("coffer cors check needs one --origin: of the page");
  if (action == "check" && setting.method.size() > 1)
    return Usage("coffer cors check asks for one --method");
  const bool grants = !setting.expose.empty() || setting.max_age.count() != 0;
  if (action != "allow" && grants) return Usage("--expose and --max-age are for coffer cors allow");
  if (!IsAmong(action, "allow check") && !(setting.header.empty() && setting.method.empty()))
    return Usage("--header and --method are for coffer cors allow and check");
  constexpr std::string_view kMethods = "GET PUT POST DELETE HEAD";
  for (const std::string& method : setting.method)
    if (!IsAmong(method, kMethods))
      return Usage("--method takes one of GET, PUT, POST, DELETE, HEAD");
  return Ok();
}

Status CheckLockDefault(const std::string& action, const Draft& draft) {
  const bool retention = draft.positionals.size() == 3;
  if (action == "set" && !retention)
    return Usage("coffer lock-default set needs MODE:DURATION, such as governance:30d, or none");
  if (action == "show" && (retention || draft.setting.enable_object_lock))
    return Usage("coffer lock-default show takes a SOURCE alone");
  return Ok();
}

}  // namespace

Status CheckSettingWords(const CommandSpec& command, const Draft& draft) {
  if (command.bit == kForShare) return CheckShare(draft);
  const SettingWords* words = WordsOf(command.bit);
  if (words == nullptr) return Ok();
  const std::string& action = draft.positionals.front();
  if (!IsAmong(action, words->actions)) {
    return Usage("coffer " + std::string(command.name) + ": '" + action + "' is none of " +
                 std::string(words->actions));
  }
  const bool changes = !IsAmong(action, "show check suggest");
  if (!changes && (draft.yes || draft.dry_run)) {
    return Usage("coffer " + std::string(command.name) + " " + action +
                 " changes nothing: leave out --yes and --dry-run");
  }
  const VolumeOptions& volume = draft.mount.volume;
  switch (words->setting) {
    case BucketSetting::kCors:
      return CheckCors(action, draft.setting);
    case BucketSetting::kEncryption:
      if (action == "set" && volume.sse.empty())
        return Usage("coffer encryption set needs --sse AES256, aws:kms or aws:kms:dsse");
      if (action == "show" && (!volume.sse.empty() || draft.setting.bucket_key))
        return Usage("coffer encryption show takes a SOURCE alone");
      if (draft.setting.bucket_key && volume.sse != "aws:kms")
        return Usage("--bucket-key is for --sse aws:kms");
      return Ok();
    case BucketSetting::kLogging:
      if (action == "set" && draft.setting.to.empty())
        return Usage("coffer logging set needs --to s3://BUCKET/PREFIX");
      if (action != "set" && !draft.setting.to.empty())
        return Usage("--to is for coffer logging set");
      return Ok();
    case BucketSetting::kLockDefault:
      return CheckLockDefault(action, draft);
    default:
      return Ok();
  }
}

Command BuildShare(Draft draft) {
  ShareOptions share = std::move(draft.share);
  share.volume = std::move(draft.mount.volume);
  share.path = std::move(draft.positionals.front());
  share.volume.source.clear();
  if (!draft.setting.method.empty()) share.method = std::move(draft.setting.method.front());
  share.json = draft.json;
  return share;
}

Command BuildSetting(const CommandSpec& command, Draft draft) {
  SettingOptions setting = std::move(draft.setting);
  setting.volume = std::move(draft.mount.volume);
  setting.setting = WordsOf(command.bit)->setting;
  setting.action = draft.positionals[0];
  setting.volume.source = draft.positionals[1];
  if (draft.positionals.size() > 2) setting.retention = draft.positionals[2];
  setting.dry_run = draft.dry_run;
  setting.yes = draft.yes;
  setting.json = draft.json;
  return setting;
}

}  // namespace coffer::fs
