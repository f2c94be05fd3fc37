#include "s3client/kms_key_facts.h"

#include <charconv>
#include <map>

#include "s3client/json.h"
#include "s3client/kms_request.h"

namespace coffer::s3 {
namespace {

// Seconds since 1970, with a fraction or an exponent: 1.7E9.
std::optional<std::int64_t> ReadMoment(const std::string& text) {
  constexpr double kLatest = 253402300799;  // 9999-12-31
  double seconds = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(seconds >= 0 && seconds <= kLatest)) return std::nullopt;
  return static_cast<std::int64_t>(seconds);
}

}  // namespace

Result<KmsKeyFacts> DescribeKmsKey(Transport& transport, const KmsAddress& address,
                                   std::string_view key) {
  constexpr Operation kAsked = Operation::kKmsDescribeKey;
  COFFER_ASSIGN(const Response reply,
                AskKms(transport, address, kAsked, "{\"KeyId\":" + JsonString(key) + "}"));
  auto members = ParseJsonObject(AsText(reply.body), "KeyMetadata");
  if (!members) return UnreadableKmsReply(reply, kAsked);
  KmsKeyFacts facts;
  facts.arn = (*members)["Arn"];
  facts.account = (*members)["AWSAccountId"];
  facts.state = (*members)["KeyState"];
  facts.aws_managed = (*members)["KeyManager"] == "AWS";
  if (facts.arn.empty() || facts.state.empty()) return UnreadableKmsReply(reply, kAsked);
  facts.deleted_at_s = ReadMoment((*members)["DeletionDate"]);
  return facts;
}

Result<std::string> GetKmsKeyPolicy(Transport& transport, const KmsAddress& address,
                                    std::string_view arn) {
  constexpr Operation kAsked = Operation::kKmsGetKeyPolicy;
  COFFER_ASSIGN(const Response reply,
                AskKms(transport, address, kAsked,
                       "{\"KeyId\":" + JsonString(arn) + ",\"PolicyName\":\"default\"}"));
  const auto members = ParseJsonObject(AsText(reply.body));
  if (!members || !members->contains("Policy")) return UnreadableKmsReply(reply, kAsked);
  return members->at("Policy");
}

}  // namespace coffer::s3
