#include "s3client/session_credentials.h"

#include <utility>

#include "s3client/api_error.h"
#include "s3client/sts.h"
#include "s3client/xml.h"

namespace coffer::s3 {
namespace {

// A session lives for five minutes.
constexpr RefreshingProvider::Windows kWindows{std::chrono::seconds(120), std::chrono::seconds(30)};

class SessionSource : public CredentialsSource {
 public:
  SessionSource(Transport& transport, Url bucket, SessionMode mode)
      : transport_(transport), bucket_(std::move(bucket)), mode_(mode) {}

  Result<Credentials> Fetch() override {
    Request request;
    request.operation = Operation::kCreateSession;
    request.url = bucket_;
    request.url.query.emplace_back("session", "");
    request.headers.Add("x-amz-create-session-mode",
                        mode_ == SessionMode::kReadOnly ? "ReadOnly" : "ReadWrite");
    request.plain_iam_auth = true;
    request.xml_reply = true;
    request.max_reply_bytes = 64u << 10;
    auto reply = transport_.Send(request);
    if (!reply) return std::move(reply).error().While("CreateSession at " + bucket_.host);
    return Read(*reply);
  }

 private:
  Result<Credentials> Read(const Response& reply) const {
    if (reply.status != 200) {
      return ToError(reply, Operation::kCreateSession)
          .While("a session for " + bucket_.host + " (needs s3express:CreateSession)");
    }
    auto document = XmlDocument::Parse(AsText(reply.body));
    if (!document) return std::move(document).error().While("read the reply of CreateSession");
    auto credentials = ReadCredentials(document->root().Child("Credentials"));
    if (!credentials) return std::move(credentials).error().While("CreateSession");
    credentials->source = "session of " + bucket_.host;
    return credentials;
  }

  Transport& transport_;
  const Url bucket_;
  const SessionMode mode_;
};

}  // namespace

SessionCredentials::SessionCredentials(Transport& account_transport, Url bucket, SessionMode mode,
                                       const Clock& clock, const ServerTime& time,
                                       Observer& observer)
    : provider_(std::make_unique<SessionSource>(account_transport, std::move(bucket), mode), clock,
                time, observer, kWindows) {}

}  // namespace coffer::s3
