"""Self test: objects, versions, multipart uploads, copies, listings."""

import base64
import hashlib
import threading
import time

import checksums
from test_support import SMALL_PART, Served


class Objects(Served):
    def test_put_get_head_delete(self):
        self.put("k", b"hello", **{"x-amz-meta-mode": "33188", "content-type": "text/x"})
        answer = self.at("k")("GET")
        self.assertEqual(answer.body, b"hello")
        self.assertEqual(answer.headers["etag"], '"5d41402abc4b2a76b9719d911017c592"')
        self.assertEqual(answer.headers["x-amz-meta-mode"], "33188")
        self.assertEqual(answer.headers["content-type"], "text/x")
        self.assertEqual(answer.headers["x-amz-server-side-encryption"], "AES256")
        answer = self.at("k")("HEAD")
        self.assertEqual((answer.status, answer.headers["content-length"]), (200, "5"))
        self.assertEqual(self.at("k")("DELETE").status, 204)
        self.refused(self.at("k")("GET"), 404, "NoSuchKey")
        self.assertEqual(self.at("k")("DELETE").status, 204)

    def test_ranges(self):
        self.put("k", b"0123456789")
        for text, status, body in (("bytes=2-4", 206, b"234"), ("bytes=-3", 206, b"789"),
                                   ("bytes=8-99", 206, b"89"), ("bytes=4-2", 200, b"0123456789"),
                                   ("lines=1-2", 200, b"0123456789")):
            answer = self.at("k")("GET", headers={"range": text})
            self.assertEqual((answer.status, answer.body), (status, body), text)
        self.assertEqual(self.at("k")("GET", headers={"range": "bytes=2-4"}).headers[
            "content-range"], "bytes 2-4/10")
        for text in ("bytes=10-", "bytes=-0"):
            self.refused(self.at("k")("GET", headers={"range": text}), 416, "InvalidRange")
        self.refused(self.at("k")("GET", headers={"range": "bytes=0-1,3-4"}), 501, "NotImplemented")

    def test_read_conditions(self):
        etag = self.put("k", b"x").headers["etag"]
        modified = self.at("k")("HEAD").headers["last-modified"]
        for headers, status in (({"if-match": etag}, 200), ({"if-match": '"0"'}, 412),
                                ({"if-none-match": etag}, 304), ({"if-none-match": '"0"'}, 200),
                                ({"if-modified-since": modified}, 304),
                                ({"if-unmodified-since": modified}, 200),
                                ({"if-match": '"0"', "range": "bytes=0-0"}, 412)):
            self.assertEqual(self.at("k")("GET", headers=headers).status, status, headers)

    def test_write_conditions(self):
        first = self.put("k", b"1", **{"if-none-match": "*"}).headers["etag"]
        self.refused(self.at("k")("PUT", body=b"2", headers={"if-none-match": "*"}), 412,
                     "PreconditionFailed")
        second = self.put("k", b"2", **{"if-match": first}).headers["etag"]
        self.refused(self.at("k")("PUT", body=b"3", headers={"if-match": first}), 412,
                     "PreconditionFailed")
        self.put("k", b"3", **{"if-match": second.strip('"')})
        self.refused(self.at("no")("PUT", headers={"if-match": first}), 404, "NoSuchKey")
        self.refused(self.at("k")("PUT", headers={"if-none-match": first}), 501, "NotImplemented")
        self.refused(self.at("k")("DELETE", headers={"if-match": first}), 412, "PreconditionFailed")
        self.assertEqual(self.at("k")("DELETE", headers={"if-match": "*"}).status, 204)
        self.refused(self.at("k")("DELETE", headers={"if-match": "*"}), 412, "PreconditionFailed")

    def test_one_writer_wins(self):
        statuses = []

        def write(number):
            client = self.server.client()
            statuses.append(self.at("race", client)("PUT", body=b"%d" % number,
                                                    headers={"if-none-match": "*"}).status)
            client.drop()
        threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(statuses), [200] + [412] * 15)

    def test_integrity_headers(self):
        md5 = base64.b64encode(hashlib.md5(b"hello").digest()).decode()
        self.put("k", b"hello", **{"content-md5": md5})
        self.refused(self.at("k")("PUT", body=b"hellO", headers={"content-md5": md5}), 400,
                     "BadDigest")
        self.refused(self.at("k")("PUT", headers={"content-md5": "zz"}), 400, "InvalidDigest")
        self.refused(self.at("k")("PUT", body=b"x", payload=hashlib.sha256(b"y").hexdigest()), 400,
                     "XAmzContentSHA256Mismatch")
        for name in checksums.NAMES:
            value = checksums.encoded(name, [b"hello"])
            self.put("k", b"hello", **{f"x-amz-checksum-{name}": value})
            answer = self.at("k")("HEAD", headers={"x-amz-checksum-mode": "ENABLED"})
            self.assertEqual(answer.headers[f"x-amz-checksum-{name}"], value)
            self.assertNotIn(f"x-amz-checksum-{name}", self.at("k")("HEAD").headers)
            self.refused(self.at("k")("PUT", body=b"hellO",
                                      headers={f"x-amz-checksum-{name}": value}), 400, "BadDigest")
        self.assertEqual(self.at("k")("GET").body, b"hello")

    def test_limits(self):
        self.put("k" * 1024)
        self.refused(self.at("k" * 1025)("PUT"), 400, "KeyTooLongError")
        self.put("k", **{"x-amz-meta-a": "x" * 2047})
        self.refused(self.at("k")("PUT", headers={"x-amz-meta-a": "x" * 2048}), 400,
                     "MetadataTooLarge")
        self.refused(self.at("%FF")("PUT"), 400, "InvalidURI")
        self.refused(self.at("k")("PUT", headers={"content-length": str(5 * 2 ** 30 + 1),
                                                  "expect": "100-continue"}), 400, "EntityTooLarge")

    def test_keys_are_taken_as_they_are(self):
        keys = ["a//b", "/a", "a/../b", ".", "%20", "%2B", "%C3%A9", "%01", "%0D%0A", "%25"]
        for key in keys:
            self.put(key, key.encode())
        for key in keys:
            self.assertEqual(self.at(key)("GET").body, key.encode(), key)
        listed = self.at()("GET", {"list-type": "2", "encoding-type": "url"}).fields("Key")
        self.assertEqual(sorted(listed), sorted("+" if key == "%20" else key for key in keys))

    def test_encryption_and_storage_class(self):
        self.put("k", **{"x-amz-server-side-encryption": "aws:kms",
                         "x-amz-server-side-encryption-aws-kms-key-id": "alias/mine",
                         "x-amz-server-side-encryption-bucket-key-enabled": "true"})
        answer = self.at("k")("HEAD")
        self.assertEqual(answer.headers["x-amz-server-side-encryption"], "aws:kms")
        self.assertTrue(answer.headers["x-amz-server-side-encryption-aws-kms-key-id"].endswith(
            ":alias/mine"))
        self.assertNotEqual(answer.headers["etag"], '"d41d8cd98f00b204e9800998ecf8427e"')
        self.assertEqual(self.at("k")("HEAD", headers={
            "x-amz-server-side-encryption": "AES256"}).status, 400)
        self.refused(self.at("k")("PUT", headers={"x-amz-server-side-encryption": "rot13"}), 400,
                     "InvalidArgument")
        self.put("g", b"cold", **{"x-amz-storage-class": "GLACIER"})
        self.assertEqual(self.at("g")("HEAD").headers["x-amz-storage-class"], "GLACIER")
        self.refused(self.at("g")("GET"), 403, "InvalidObjectState")
        self.refused(self.at("g")("PUT", headers={"x-amz-storage-class": "WARM"}), 400,
                     "InvalidStorageClass")

    def test_customer_keys(self):
        def headers(byte):
            key = bytes([byte]) * 32
            prefix = "x-amz-server-side-encryption-customer-"
            return {prefix + "algorithm": "AES256", prefix + "key": base64.b64encode(key).decode(),
                    prefix + "key-md5": base64.b64encode(hashlib.md5(key).digest()).decode()}
        self.refused(self.at("c")("PUT", headers=headers(1)), 400, "InvalidRequest")
        self.s3.control("POST", "settings", {"customer_keys_over_http": True})
        self.put("c", b"secret", **headers(1))
        self.assertEqual(self.at("c")("GET", headers=headers(1)).body, b"secret")
        self.refused(self.at("c")("GET"), 400, "InvalidRequest")
        self.refused(self.at("c")("GET", headers=headers(2)), 403, "AccessDenied")
        self.s3.control("POST", "settings", {"customer_keys_over_http": False})

    def test_tags(self):
        self.put("t", **{"x-amz-tagging": "a=1&b=x%20y"})
        self.assertEqual(self.at("t")("HEAD").headers["x-amz-tagging-count"], "2")
        self.assertEqual(self.at("t")("GET", {"tagging": ""}).fields("Value"), ["1", "x y"])
        body = b"<Tagging><TagSet><Tag><Key>q</Key><Value>r</Value></Tag></TagSet></Tagging>"
        self.refused(self.at("t")("PUT", {"tagging": ""}, body=body), 400, "InvalidRequest")
        md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
        self.assertEqual(self.at("t")("PUT", {"tagging": ""}, body=body,
                                      headers={"content-md5": md5}).status, 200)
        self.assertEqual(self.at("t")("GET", {"tagging": ""}).fields("Key"), ["q"])

    def test_what_is_unknown_is_refused(self):
        self.put("k")
        for method, query, headers in (
                ("PUT", {"renameObject": ""}, {}), ("PUT", {}, {"x-amz-write-offset-bytes": "0"}),
                ("GET", {"attributes": ""}, {}), ("GET", {"torrent": ""}, {}),
                ("PUT", {}, {"x-amz-acl": "public-read"}), ("GET", {"unheard-of": "1"}, {}),
                ("PUT", {}, {"content-encoding": "aws-chunked"}), ("POST", {"select": ""}, {}),
                ("GET", {}, {"if-range": "x"})):
            self.refused(self.at("k")(method, query, headers=headers), 501, "NotImplemented")
        self.refused(self.at("k")("PUT", payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER"), 501,
                     "NotImplemented")
        self.refused(self.at()("GET", {"accelerate": ""}), 501, "NotImplemented")
        self.refused(self.at()("GET"), 501, "NotImplemented")


class Versions(Served):
    def setUp(self):
        super().setUp()
        body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        self.assertEqual(self.at()("PUT", {"versioning": ""}, body=body).status, 200)

    def test_versions_and_markers(self):
        ids = [self.put("k", b"%d" % number).headers["x-amz-version-id"] for number in range(3)]
        marker = self.at("k")("DELETE")
        self.assertEqual((marker.status, marker.headers["x-amz-delete-marker"]), (204, "true"))
        gone = self.at("k")("GET")
        self.refused(gone, 404, "NoSuchKey")
        self.assertEqual(gone.headers["x-amz-delete-marker"], "true")
        marker_id = marker.headers["x-amz-version-id"]
        self.refused(self.at("k")("GET", {"versionId": marker_id}), 405, "MethodNotAllowed")
        self.assertEqual(self.at("k")("GET", {"versionId": ids[1]}).body, b"1")
        self.refused(self.at("k")("GET", {"versionId": "no"}), 404, "NoSuchVersion")
        self.assertEqual(self.at()("GET", {"list-type": "2"}).fields("Key"), [])
        seen, query = [], {"versions": "", "max-keys": "1"}
        for _ in range(9):
            page = self.at()("GET", query)
            seen += page.fields("VersionId")
            if page.field("IsTruncated") == "false":
                break
            query.update({"key-marker": page.field("NextKeyMarker"),
                          "version-id-marker": page.field("NextVersionIdMarker")})
        self.assertEqual(seen, [marker_id] + ids[::-1])
        self.at("k")("DELETE", {"versionId": marker_id})
        self.assertEqual(self.at("k")("GET").body, b"2")

    def test_condition_sees_the_marker(self):
        self.put("k")
        self.at("k")("DELETE")
        self.put("k", **{"if-none-match": "*"})


class Multipart(Served):
    def test_parts_make_an_object(self):
        parts = [b"a" * SMALL_PART, b"b" * SMALL_PART, b"c"]
        upload, etags = self.multipart("k", parts, **{"x-amz-meta-a": "b"})
        self.assertEqual(self.at("k")("GET", {"uploadId": upload}).fields("PartNumber"),
                         ["1", "2", "3"])
        self.assertEqual(self.at()("GET", {"uploads": ""}).fields("UploadId"), [upload])
        self.refused(self.at("k")("HEAD"), 404, "")
        answer = self.complete("k", upload, etags)
        digests = b"".join(hashlib.md5(part).digest() for part in parts)
        self.assertEqual(answer.field("ETag"), f"&quot;{hashlib.md5(digests).hexdigest()}-3&quot;")
        answer = self.at("k")("GET", headers={"range": f"bytes={SMALL_PART - 1}-{2 * SMALL_PART}"})
        self.assertEqual(answer.body, b"a" + parts[1] + b"c")
        self.assertEqual(answer.headers["x-amz-meta-a"], "b")
        self.refused(self.complete("k", upload, etags), 404, "NoSuchUpload")

    def test_refusals(self):
        upload, etags = self.multipart("k", [b"a" * (SMALL_PART - 1), b"b"])
        self.refused(self.complete("k", upload, etags), 400, "EntityTooSmall")
        self.refused(self.complete("k", upload, [etags[1]]), 400, "InvalidPart")
        self.refused(self.complete("k", upload, []), 400, "MalformedXML")
        self.refused(self.at("k")("PUT", {"partNumber": "10001", "uploadId": upload}), 400,
                     "InvalidArgument")
        self.refused(self.at("other")("PUT", {"partNumber": "1", "uploadId": upload}), 404,
                     "NoSuchUpload")
        self.assertEqual(self.at("k")("DELETE", {"uploadId": upload}).status, 204)
        self.refused(self.at("k")("PUT", {"partNumber": "1", "uploadId": upload}), 404,
                     "NoSuchUpload")

    def test_condition_and_size_on_complete(self):
        self.put("k", b"old")
        upload, etags = self.multipart("k", [b"new"])
        self.refused(self.complete("k", upload, etags, **{"if-none-match": "*"}), 412,
                     "PreconditionFailed")
        self.refused(self.complete("k", upload, etags, **{"x-amz-mp-object-size": "4"}), 400,
                     "InvalidRequest")
        self.assertEqual(self.at("k")("GET").body, b"old")
        etag = self.at("k")("HEAD").headers["etag"]
        self.assertEqual(self.complete("k", upload, etags, **{"if-match": etag}).status, 200)
        self.assertEqual(self.at("k")("GET").body, b"new")

    def test_part_checksums(self):
        begun = self.at("k")("POST", {"uploads": ""}, headers={
            "x-amz-checksum-algorithm": "SHA256"})
        query = {"partNumber": "1", "uploadId": begun.field("UploadId")}
        self.refused(self.at("k")("PUT", query, body=b"x"), 400, "InvalidRequest")
        value = checksums.encoded("sha256", [b"x"])
        etag = self.at("k")("PUT", query, body=b"x",
                            headers={"x-amz-checksum-sha256": value}).headers["etag"]
        upload = {"uploadId": query["uploadId"]}
        self.refused(self.complete("k", upload["uploadId"], [etag]), 400, "InvalidRequest")
        body = (f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag>"
                f"<ChecksumSHA256>{value}</ChecksumSHA256></Part></CompleteMultipartUpload>")
        answer = self.at("k")("POST", upload, body=body.encode())
        whole = checksums.encoded("sha256", [hashlib.sha256(b"x").digest()])
        self.assertEqual(answer.field("ChecksumSHA256"), f"{whole}-1")


class Copies(Served):
    def source(self, key):
        return f"/{self.bucket}/{key}"

    def copy(self, key, source, **headers):
        return self.at(key)("PUT", headers={"x-amz-copy-source": source, **headers})

    def test_copy_carries_and_replaces(self):
        etag = self.put("a%20b", b"x", **{"x-amz-meta-m": "1", "cache-control": "no-store",
                                          "x-amz-storage-class": "STANDARD_IA",
                                          "x-amz-tagging": "t=1"}).headers["etag"]
        answer = self.copy("c", self.source("a%20b"))
        self.assertEqual((answer.status, answer.field("ETag")), (200, etag.replace('"', "&quot;")))
        head = self.at("c")("HEAD").headers
        self.assertEqual((head["x-amz-meta-m"], head["cache-control"], head["x-amz-tagging-count"]),
                         ("1", "no-store", "1"))
        self.assertNotIn("x-amz-storage-class", head)
        self.copy("c", self.source("c"), **{"x-amz-metadata-directive": "REPLACE",
                                            "x-amz-meta-n": "2"})
        head = self.at("c")("HEAD").headers
        self.assertEqual(head.get("x-amz-meta-n"), "2")
        self.assertNotIn("x-amz-meta-m", head)
        self.assertNotIn("cache-control", head)

    def test_copy_refusals_and_conditions(self):
        etag = self.put("a", b"x").headers["etag"]
        self.refused(self.copy("a", self.source("a")), 400, "InvalidRequest")
        self.refused(self.copy("b", self.source("no")), 404, "NoSuchKey")
        self.refused(self.copy("b", "/nosuchbucket/a"), 404, "NoSuchBucket")
        self.refused(self.copy("b", self.source("a"), **{"x-amz-copy-source-if-match": '"0"'}), 412,
                     "PreconditionFailed")
        self.assertEqual(self.copy("b", self.source("a"), **{"x-amz-copy-source-if-match": etag,
                                                             "if-none-match": "*"}).status, 200)
        self.refused(self.copy("b", self.source("a"), **{"if-none-match": "*"}), 412,
                     "PreconditionFailed")
        self.refused(self.copy("b", self.source("a"), **{"if-match": '"0"'}), 412,
                     "PreconditionFailed")

    def test_part_copy(self):
        self.put("a", b"0123456789")
        upload, _ = self.multipart("k", [])
        query = {"partNumber": "1", "uploadId": upload}
        bad = {"x-amz-copy-source": self.source("a"), "x-amz-copy-source-range": "bytes=5-10"}
        self.refused(self.at("k")("PUT", query, headers=bad), 400, "InvalidArgument")
        bad["x-amz-copy-source-range"] = "bytes=5-9"
        answer = self.at("k")("PUT", query, headers=bad)
        self.complete("k", upload, [answer.field("ETag").replace("&quot;", '"')])
        self.assertEqual(self.at("k")("GET").body, b"56789")


class Lists(Served):
    def names(self, **query):
        query = {"list-type": "2", **{name.replace("_", "-"): value
                                      for name, value in query.items()}}
        keys, prefixes, pages = [], [], 0
        while True:
            page = self.at()("GET", query)
            pages += 1
            keys += page.fields("Key")
            prefixes += [item for item in page.fields("CommonPrefixes")]
            if page.field("IsTruncated") == "false":
                return keys, [item[8:-9] for item in prefixes], pages
            query["continuation-token"] = page.field("NextContinuationToken")

    def test_pages_prefixes_delimiters(self):
        for key in ("a", "d/1", "d/2", "d0", "e/x/y", "z"):
            self.put(key)
        for size in ("1", "2", "3", "1000"):
            self.assertEqual(self.names(max_keys=size)[0], ["a", "d/1", "d/2", "d0", "e/x/y", "z"])
            self.assertEqual(self.names(max_keys=size, delimiter="/")[:2],
                             (["a", "d0", "z"], ["d/", "e/"]))
        self.assertEqual(self.names(prefix="d")[0], ["d/1", "d/2", "d0"])
        self.assertEqual(self.names(start_after="d/1")[0], ["d/2", "d0", "e/x/y", "z"])
        self.refused(self.at()("GET", {"list-type": "2", "continuation-token": "eA=="}), 400,
                     "InvalidArgument")

    def test_two_hundred_thousand(self):
        start = time.monotonic()
        _, reply = self.s3.control("POST", f"buckets/{self.bucket}/fill",
                                   {"count": 200000, "prefix": "d/", "size": 5, "depth": 1})
        self.assertEqual(reply, {"keys": 200000})
        self.assertLess(time.monotonic() - start, 5)
        keys, prefixes, pages = self.names(prefix="d/", delimiter="/", max_keys="50")
        self.assertEqual((keys, len(prefixes), pages), ([], 100, 2))
        keys, _, pages = self.names(prefix="d/d0042/")
        self.assertEqual((len(keys), pages), (2000, 2))
        self.assertEqual(len(self.at(keys[7])("GET").body), 5)

    def test_delete_objects(self):
        etag = self.put("a", b"1").headers["etag"]
        self.put("b", b"2")
        body = (f"<Delete><Object><Key>a</Key><ETag>{etag}</ETag></Object><Object><Key>b</Key>"
                f"<ETag>{etag}</ETag></Object><Object><Key>none</Key></Object></Delete>").encode()
        self.refused(self.at()("POST", {"delete": ""}, body=body), 400, "InvalidRequest")
        answer = self.at()("POST", {"delete": ""}, body=body, headers={
            "x-amz-checksum-sha256": checksums.encoded("sha256", [body])})
        self.assertEqual((answer.status, answer.fields("Code")), (200, ["PreconditionFailed"]))
        self.assertEqual(self.names()[0], ["b"])
