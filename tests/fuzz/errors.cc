// What a failed reply says: one line, bounded, printable, and never an absence by mistake.

#include <algorithm>

#include "s3client/api_error.h"
#include "s3client/xml.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/fake_transport.h"

namespace coffer::test {
namespace {

void MustBePrintable(std::string_view text, const char* what) {
  Must(text.size() <= 310, std::string(what) + " is bounded");
  Must(std::all_of(text.begin(), text.end(),
                   [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; }),
       std::string(what) + " is one printable line");
}

}  // namespace

void FuzzErrors(ByteView input) {
  Pieces pieces(input);
  constexpr int kStatus[] = {200, 301, 304, 400, 403, 404, 409, 412, 429, 500, 503};
  const int status = kStatus[pieces.Byte() % std::size(kStatus)];
  constexpr s3::Operation kOperations[] = {s3::Operation::kHeadObject, s3::Operation::kGetObject,
                                           s3::Operation::kCompleteUpload, s3::Operation::kSts,
                                           s3::Operation::kKmsDecrypt};
  const s3::Operation operation = kOperations[pieces.Byte() % std::size(kOperations)];
  const std::string header = pieces.Line();
  const std::string body = pieces.Rest();
  const s3::Response reply =
      s3::Reply(status, {{"x-amz-request-id", header}, {"x-amz-bucket-region", header}}, body);
  const s3::ServiceError said = s3::ReadServiceError(reply);
  MustBePrintable(said.code, "a code");
  MustBePrintable(said.message, "a message");
  MustBePrintable(said.request_id, "a request id");
  MustBePrintable(s3::Printable(body), "anything");
  const Error error = s3::ToError(said, operation);
  Must(error.what.find_first_of("\r\n") == std::string::npos, "an error is one line");
  if (error.code == Code::kNotFound) {
    Must(status == 404 && said.code.starts_with("NoSuch"), "absence is the service's own word");
  }
  (void)s3::RetryFor(said, operation);
  (void)s3::IsThrottle(reply, operation);
  const auto document = s3::XmlDocument::Parse(body);
  if (!document) return;
  Must(static_cast<bool>(document->root()), "a document has a root");
  (void)document->root().Text().has_value();
  (void)document->root().NumberOf("Size").has_value();
}

}  // namespace coffer::test
