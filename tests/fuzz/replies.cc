// What S3 answers to a write: no success without a version, whatever the bytes are.

#include "s3client/s3_store.h"
#include "s3client/sts.h"
#include "s3client/xml.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/wire.h"

namespace coffer::test {
namespace {

void CheckWritten(const Result<s3::Written>& written) {
  if (written) Must(!written->etag.empty(), "what was written has an ETag");
}

}  // namespace

void FuzzReplies(ByteView input) {
  Pieces pieces(input);
  const s3::Response reply = ReadReply(pieces);
  s3::FakeTransport wire;
  wire.Then(reply);
  s3::S3Store store(wire, BucketTarget(), {});
  const s3::Upload upload{"k", "id", "put", false};
  const s3::Part part{1, "e", ""};
  CheckWritten(store.Put("k", AsBytes("body"), {}));
  CheckWritten(store.Copy({.from = "a", .to = "b", .source_etag = "e", .size = 5}));
  CheckWritten(store.CompleteUpload(upload, {&part, 1}, {}));
  if (const auto begun = store.CreateUpload("k", {}))
    Must(!begun->id.empty(), "an upload has an id");
  if (const auto sent = store.UploadPart(upload, {1, 0, true}, AsBytes("body")))
    Must(!sent->etag.empty(), "a part has an ETag");
  if (const auto copied = store.CopyPart(upload, 1, "a", {0, 5}, "e"))
    Must(!copied->etag.empty(), "a copied part has an ETag");
  const s3::KeyToDelete keys[] = {{"a", ""}, {"b", "e"}};
  if (const auto failed = store.DeleteMany(keys))
    Must(failed->size() <= 2, "no more fail than were to go");
  const auto document = s3::XmlDocument::Parse(AsText(reply.body));
  if (!document) return;
  if (const auto credentials = s3::ReadCredentials(document->root()))
    Must(!credentials->access_key_id.empty() && !credentials->secret_access_key.empty(),
         "credentials are whole");
}

}  // namespace coffer::test
