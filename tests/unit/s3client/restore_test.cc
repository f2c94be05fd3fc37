#include <string>

#include "tests/support/store_bench.h"

namespace coffer::s3::restore_test {

TEST_CASE("RestoreObject: what is asked, and what the answers mean") {
  StoreBench bench;
  bench.wire.Then(Reply(202))
      .Then(Reply(200))
      .Then(Refusal(409, "RestoreAlreadyInProgress"))
      .Then(Refusal(403, "InvalidObjectState"))
      .Then(Refusal(503, "GlacierExpeditedRetrievalNotAvailable"));
  CHECK(bench.store.RestoreObject({"k", "v1", 7, "Bulk"}).value() == RestoreReply::kBegun);
  CHECK(bench.Seen(0).method == "POST");
  CHECK(bench.Seen(0).operation == Operation::kRestoreObject);
  CHECK(bench.Seen(0).url.EncodedQuery() == "restore=&versionId=v1");
  CHECK(bench.Seen(0).body.ends_with(
      "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Days>7</Days>"
      "<GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters></RestoreRequest>"));
  CHECK(bench.Seen(0).headers.Has("Content-MD5"));
  CHECK(bench.store.RestoreObject({"k", "", 0, "Standard"}).value() == RestoreReply::kExtended);
  CHECK(bench.Seen(1).url.EncodedQuery() == "restore=");
  CHECK(bench.Seen(1).body.find("<Days>") == std::string::npos);  // Intelligent-Tiering takes none
  const RestoreOrder order{"k", "", 1, "Expedited"};
  CHECK(CodeOf(bench.store.RestoreObject(order)) == Code::kBusy);
  const auto nothing = bench.store.RestoreObject(order);
  CHECK(CodeOf(nothing) == Code::kArchived);
  CHECK(nothing.error().what.find("there is nothing to restore") != std::string::npos);
  CHECK(CodeOf(bench.store.RestoreObject(order)) == Code::kUnavailable);
  CHECK(bench.wire.seen().size() == 5);  // what is a matter of hours is not tried again
}

TEST_CASE("Head: what an archive says of an object") {
  const auto head = [](Fields fields) {
    StoreBench bench;
    bench.wire.Then(HeadReply(std::move(fields)));
    return bench.store.Head("k", {}).value();
  };
  const auto glacier = head({{"x-amz-storage-class", "GLACIER"}});
  CHECK(glacier.archived);
  CHECK_FALSE(glacier.restoring);
  const auto restoring = head(
      {{"x-amz-storage-class", "DEEP_ARCHIVE"}, {"x-amz-restore", "ongoing-request=\"true\""}});
  CHECK(restoring.archived);
  CHECK(restoring.restoring);
  const auto restored =
      head({{"x-amz-storage-class", "GLACIER"},
            {"x-amz-restore",
             "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2012 00:00:00 GMT\""}});
  CHECK_FALSE(restored.archived);
  CHECK(restored.restored_until_s == 1'356'048'000);
  const auto tier = head(
      {{"x-amz-storage-class", "INTELLIGENT_TIERING"}, {"x-amz-archive-status", "ARCHIVE_ACCESS"}});
  CHECK(tier.archived);
  const auto warm = head({{"x-amz-storage-class", "INTELLIGENT_TIERING"}});
  CHECK_FALSE(warm.archived);
  CHECK(warm.restored_until_s == 0);
  const auto odd = head({{"x-amz-storage-class", "GLACIER"},
                         {"x-amz-restore", "ongoing-request=\"false\", expiry-date=\"soon"}});
  CHECK_FALSE(odd.archived);
  CHECK(odd.restored_until_s == 0);
  CHECK_FALSE(head({{"x-amz-storage-class", "GLACIER_IR"}}).archived);
}

}  // namespace coffer::s3::restore_test
