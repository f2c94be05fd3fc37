"""Self test: signatures, checksums, host names, access points, Regions, rights, STS."""

import hashlib
import os
import unittest

import checksums
import ecdsa_p256
import http_layer
import identity
import sigv4
from errors import ServiceError
from test_support import Served


class SignatureVectors(unittest.TestCase):
    """The examples of "Authenticating Requests" in the S3 API reference."""

    NOW = 1369353600.0  # 20130524T000000Z
    HOST = "examplebucket.s3.amazonaws.com"

    def setUp(self):
        self.directory = identity.Directory()
        self.directory.add(identity.User("AKIAIOSFODNN7EXAMPLE",
                                         "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))

    def check(self, method, target, headers, signature, names, now=None):
        scope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
        headers = [("host", self.HOST), *headers, ("x-amz-date", "20130524T000000Z")]
        headers.append(("authorization", f"AWS4-HMAC-SHA256 Credential={scope},"
                        f"SignedHeaders={names},Signature={signature}"))
        request = http_layer.Request(method, target, headers, False)
        claim = sigv4.read(request)
        sigv4.verify(request, claim, self.directory, self.NOW if now is None else now)
        return claim

    def get(self, signature="f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            **more):
        return self.check("GET", "/test.txt", [("range", "bytes=0-9"), (
            "x-amz-content-sha256", sigv4.EMPTY_HASH)], signature,
            "host;range;x-amz-content-sha256;x-amz-date", **more)

    def test_get_with_range(self):
        self.assertEqual(self.get().user.access_key, "AKIAIOSFODNN7EXAMPLE")

    def test_put_with_an_escaped_key(self):
        body = hashlib.sha256(b"Welcome to Amazon S3.").hexdigest()
        self.check("PUT", "/test%24file.text",
                   [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-content-sha256", body),
                    ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
                   "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
                   "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class")

    def test_query_without_value(self):
        self.check("GET", "/?lifecycle", [("x-amz-content-sha256", sigv4.EMPTY_HASH)],
                   "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
                   "host;x-amz-content-sha256;x-amz-date")

    def test_query_is_sorted(self):
        self.check("GET", "/?prefix=J&max-keys=2", [("x-amz-content-sha256", sigv4.EMPTY_HASH)],
                   "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
                   "host;x-amz-content-sha256;x-amz-date")

    def test_presigned_and_its_end(self):
        target = ("/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE"
                  "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
                  "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
                  "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
        request = http_layer.Request("GET", target, [("host", self.HOST)], False)
        claim = sigv4.read(request)
        sigv4.verify(request, claim, self.directory, self.NOW + 86400)
        self.assertEqual(claim.payload_hash, sigv4.UNSIGNED)
        with self.assertRaisesRegex(ServiceError, "Request has expired"):
            sigv4.verify(request, sigv4.read(request), self.directory, self.NOW + 86401)

    def test_one_wrong_digit(self):
        with self.assertRaises(ServiceError) as caught:
            self.get("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb42")
        self.assertEqual(caught.exception.code, "SignatureDoesNotMatch")
        fields = dict(caught.exception.fields)
        self.assertTrue(fields["CanonicalRequest"].startswith("GET\n/test.txt\n\nhost:"))
        self.assertIn("20130524/us-east-1/s3/aws4_request", fields["StringToSign"])

    def test_skew(self):
        self.get(now=self.NOW + 900)
        for now in (self.NOW + 901, self.NOW - 901):
            with self.assertRaisesRegex(ServiceError, "RequestTimeTooSkewed"):
                self.get(now=now)

    def test_sigv4a_key_and_signature(self):
        point = ecdsa_p256.public_key("AKISORANDOMAASORANDOM",
                                      "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom")
        self.assertEqual([f"{value:064x}" for value in point], [
            "15d242ceebf8d8169fd6a8b5a746c41140414c3b07579038da06af89190fffcb",
            "0515242cedd82e94799482e4c0514b505afccf2c0c98d6a553bf539f424c5ec0"])
        # RFC 6979 A.2.5, P-256, SHA-256, message "sample".
        public = (0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6,
                  0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299)
        r = bytes.fromhex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716")
        s = bytes.fromhex("F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8")
        der = bytes.fromhex("3046022100") + r + bytes.fromhex("022100") + s
        self.assertTrue(ecdsa_p256.verify(public, b"sample", der))
        self.assertFalse(ecdsa_p256.verify(public, b"samplf", der))
        self.assertFalse(ecdsa_p256.verify(public, b"sample", der[:-1] + b"\xa9"))
        self.assertFalse(ecdsa_p256.verify(public, b"sample", der + b"\0"))

    def test_checksums(self):
        wanted = {"crc32": "NhCmhg==", "crc32c": "mnG7TA==", "crc64nvme": "M3eFcAZSQlc=",
                  "sha1": "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
                  "sha256": "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="}
        for name, value in wanted.items():
            self.assertEqual(checksums.encoded(name, [b"hello"]), value)
            self.assertEqual(checksums.encoded(name, [b"he", b"", b"llo"]), value)
        self.assertEqual(checksums.CRC64NVME.compute(b"123456789"), 0xae8b14860a799888)
        self.assertEqual(checksums.CRC32C.compute(b"123456789"), 0xe3069283)
        data = os.urandom(70001)  # large enough to be folded: zlib knows the answer for CRC32
        self.assertEqual(checksums.CRC32.compute(data), checksums.zlib.crc32(data))


class Doors(Served):
    def test_hosts(self):
        self.put("k", b"v")
        point = self.s3.control("POST", "access-points", {"name": "my-ap",
                                                          "bucket": self.bucket})[1]
        for host in (f"{self.bucket}.s3.us-east-1.amazonaws.com", f"{self.bucket}.localhost",
                     f"{self.bucket}.s3.dualstack.us-east-1.amazonaws.com",
                     "my-ap-123456789012.s3-accesspoint.us-east-1.amazonaws.com",
                     "my-ap-123456789012.s3-accesspoint-fips.dualstack.us-east-1.amazonaws.com",
                     "my-ap-123456789012.localhost:9", f"{point['alias']}.localhost",
                     f"{self.bucket}.bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com"):
            answer = self.server.client(host=host)("GET", "/k")
            self.assertEqual((answer.status, answer.body), (200, b"v"), host)
        for host, code in (("nobody-123456789012.s3-accesspoint.us-east-1.amazonaws.com",
                            "InvalidAccessPoint"), ("example.org", "InvalidRequest"),
                           ("x-123456789012.s3-object-lambda.us-east-1.amazonaws.com",
                            "NotImplemented"), ("no-x-s3alias.localhost",
                                                "InvalidAccessPointAliasError")):
            self.assertEqual(self.server.client(host=host)("GET", "/k").code, code, host)

    def test_access_point(self):
        arn = self.s3.control("POST", "access-points", {"name": "door",
                                                        "bucket": self.bucket})[1]["arn"]
        door = self.server.client(
            host="door-123456789012.s3-accesspoint.us-east-1.amazonaws.com")
        self.assertEqual(door("PUT", "/a%20b", body=b"1").status, 200)
        source = arn.replace(":", "%3A") + "/object/a%20b"
        self.assertEqual(door("PUT", "/c", headers={"x-amz-copy-source": source}).status, 200)
        self.assertEqual(door("GET", "/", {"list-type": "2"}).fields("Key"), ["a b", "c"])
        self.assertEqual(door("HEAD", "/").headers["x-amz-access-point-alias"], "false")
        for question in ("versioning", "object-lock"):
            self.refused(door("GET", "/", {question: ""}), 405, "MethodNotAllowed")
        self.refused(door("GET", "/c", {"retention": ""}), 400, "InvalidRequest")
        anonymous = door.send(b"GET /c HTTP/1.1\r\nHost: " + door.host.encode() + b"\r\n\r\n")
        self.refused(anonymous, 403, "AccessDenied")

    def test_multi_region(self):
        self.put("k", b"v")
        self.s3.control("POST", "access-points", {"name": "far", "bucket": self.bucket,
                                                  "mrap": "mfzwi23gnjvgw.mrap"})
        far = self.server.client(host="mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com")
        self.assertEqual(far.send(far.build_v4a("GET", "/k")).body, b"v")
        self.refused(far("GET", "/k"), 400, "InvalidRequest")
        forged = self.server.client(host=far.host, secret="x")
        self.refused(forged.send(forged.build_v4a("GET", "/k")), 403, "SignatureDoesNotMatch")
        self.refused(far.send(far.build_v4a("GET", "/k", "eu-*")), 400,
                     "AuthorizationHeaderMalformed")
        self.assertEqual(far.send(far.build_v4a("HEAD", "/"), "HEAD").status, 405)

    def test_regions(self):
        name = self.bucket + "-eu"
        self.s3.control("POST", "buckets", {"name": name, "region": "eu-west-1"})
        answer = self.s3("GET", f"/{name}/k")
        self.refused(answer, 400, "AuthorizationHeaderMalformed")
        self.assertEqual((answer.field("Region"), answer.headers["x-amz-bucket-region"]),
                         ("eu-west-1", "eu-west-1"))
        answer = self.server.client(host=f"{name}.s3.us-east-1.amazonaws.com")("GET", "/k")
        self.refused(answer, 301, "PermanentRedirect")
        self.assertEqual(answer.field("Endpoint"), f"{name}.s3.eu-west-1.amazonaws.com")
        answer = self.s3("HEAD", f"/{name}")
        self.assertEqual((answer.status, answer.headers["x-amz-bucket-region"]), (400, "eu-west-1"))
        self.refused(self.server.client(region="eu-west-1")("GET", f"/{name}/k"), 404, "NoSuchKey")

    def test_directory_bucket(self):
        name = "dir--use1-az4--x-s3"
        self.s3.control("POST", "buckets", {"name": name})
        host = f"{name}.s3express-use1-az4.us-east-1.amazonaws.com"
        plain = self.server.client(host=host, service="s3express")
        self.refused(plain("GET", "/k"), 403, "AccessDenied")
        answer = plain("GET", "/", {"session": ""})
        session = self.server.client(
            access_key=answer.field("AccessKeyId"), secret=answer.field("SecretAccessKey"),
            token=answer.field("SessionToken"), host=host, service="s3express")
        session.token_header = "x-amz-s3session-token"
        names = [f"d/{number:02d}" for number in range(12)]
        for key in names:
            self.assertEqual(session("PUT", f"/{key}", body=b"1").status, 200)
        listed = session("GET", "/", {"list-type": "2", "prefix": "d/"}).fields("Key")
        self.assertEqual(sorted(listed), names)
        self.assertNotEqual(listed, names)
        self.refused(session("GET", "/", {"list-type": "2", "prefix": "d"}), 400, "InvalidRequest")
        self.assertNotEqual(session("HEAD", "/d/00").headers["etag"],
                            f'"{hashlib.md5(b"1").hexdigest()}"')
        self.rename(session)

    def rename(self, session):
        def move(source, target, **headers):
            headers = {f"x-amz-{name.replace('_', '-')}": value for name, value in headers.items()}
            none_match = headers.pop("x-amz-if-none-match", None)
            if none_match:
                headers["if-none-match"] = none_match
            return session("PUT", target, {"renameObject": ""},
                           headers={"x-amz-rename-source": source, **headers})
        etag = session("HEAD", "/d/00").headers["etag"]
        self.assertEqual(move("d/00", "/d/a%20b", client_token="t", if_none_match="*").status, 200)
        self.assertEqual(session("HEAD", "/d/a%20b").headers["etag"], etag)
        self.refused(session("GET", "/d/00"), 404, "NoSuchKey")
        self.assertEqual(move("d/00", "/d/a%20b", client_token="t", if_none_match="*").status, 200)
        self.refused(move("d/00", "/d/a%20b", client_token="u"), 404, "NoSuchKey")
        self.refused(move("d/a%20b", "/d/01", if_none_match="*"), 412, "PreconditionFailed")
        self.refused(move("d/a%20b", "/d/01", rename_source_if_match='"x"'), 412,
                     "PreconditionFailed")
        self.assertEqual(move("d/a%20b", "/d/01", rename_source_if_match=etag).status, 200)
        self.refused(move("d/01", "/d/"), 400, "InvalidArgument")
        self.refused(self.at("k")("PUT", {"renameObject": ""}, headers={"x-amz-rename-source": "k"}),
                     501,
                     "NotImplemented")


class Access(Served):
    def test_permissions(self):
        self.put("k", b"v")
        reader = self.server.client(access_key="READER", secret="secret")
        self.assertEqual(self.at("k", reader)("GET").body, b"v")
        self.refused(self.at("k", reader)("PUT"), 403, "AccessDenied")
        blind = self.server.client(access_key="NOLIST", secret="secret")
        self.refused(self.at("", blind)("GET", {"list-type": "2"}), 403, "AccessDenied")
        self.refused(self.at("missing", blind)("GET"), 403, "AccessDenied")
        self.assertEqual(self.at("missing", blind)("HEAD").status, 403)
        self.assertEqual(self.at("k", blind)("GET").status, 200)
        picky = self.server.client(access_key="NOPUT", secret="secret")
        self.assertEqual(self.at("free/k", picky)("PUT").status, 200)
        self.refused(self.at("locked/k", picky)("PUT"), 403, "AccessDenied")

    def test_bad_credentials(self):
        self.refused(self.at("k", self.server.client(secret="x"))("GET"), 403,
                     "SignatureDoesNotMatch")
        self.refused(self.at("k", self.server.client(access_key="X"))("GET"), 403,
                     "InvalidAccessKeyId")
        self.refused(self.at("k", self.server.client(token="x"))("GET"), 400, "InvalidToken")
        answer = self.at("k", self.server.client(offset_s=-1000))("GET")
        self.refused(answer, 403, "RequestTimeTooSkewed")
        self.assertIn("date", answer.headers)
        self.refused(self.at("k", self.server.client(service="sts"))("GET"), 400,
                     "AuthorizationHeaderMalformed")
        sneaky = self.s3.build("GET", f"/{self.bucket}/k")
        sneaky = sneaky.replace(b"\r\n", b"\r\nx-amz-q: 1\r\n", 1)
        self.refused(self.s3.send(sneaky), 501, "NotImplemented")
        sneaky = sneaky.replace(b"x-amz-q: 1", b"x-amz-expected-bucket-owner: 1")
        self.refused(self.s3.send(sneaky), 403, "AccessDenied")

    def test_presigned(self):
        self.put("k", b"v")
        url = self.s3.presign(f"/{self.bucket}/k", {"response-content-type": "text/q"})

        def get(target):
            return self.s3.send(f"GET {target} HTTP/1.1\r\nHost: {self.s3.host}\r\n\r\n".encode())
        answer = get(url)
        self.assertEqual((answer.body, answer.headers["content-type"]), (b"v", "text/q"))
        self.refused(get(url.replace("text%2Fq", "text%2Fz")), 403, "SignatureDoesNotMatch")
        self.refused(get(self.s3.presign(f"/{self.bucket}/k", expires=604801)), 400,
                     "AuthorizationQueryParametersError")

    def test_owner_and_payer(self):
        self.put("k")
        for owner, status in (("123456789012", 200), ("210987654321", 403)):
            self.assertEqual(self.at("k")("GET", headers={
                "x-amz-expected-bucket-owner": owner}).status, status)
        self.s3.control("POST", f"buckets/{self.bucket}/settings", {"requester_pays": True})
        self.refused(self.at("k")("GET"), 403, "AccessDenied")
        answer = self.at("k")("GET", headers={"x-amz-request-payer": "requester"})
        self.assertEqual(answer.headers["x-amz-request-charged"], "requester")

    def test_anonymous(self):
        self.put("k", b"v")
        plain = f"GET /{self.bucket}/k HTTP/1.1\r\nHost: {self.s3.host}\r\n\r\n".encode()
        self.refused(self.s3.send(plain), 403, "AccessDenied")
        self.s3.control("POST", f"buckets/{self.bucket}/settings", {"public": True})
        self.assertEqual(self.s3.send(plain).body, b"v")
        self.refused(self.s3.send(plain.replace(b"GET", b"DELETE")), 403, "AccessDenied")

    def sts(self, form, client):
        body = "&".join(f"{name}={value}" for name, value in
                        {**form, "Version": "2011-06-15"}.items()).encode()
        return client("POST", "/", body=body, headers={
            "content-type": "application/x-www-form-urlencoded"})

    def test_assumed_role_expires(self):
        sts = self.server.client(service="sts")
        form = {"Action": "AssumeRole", "RoleSessionName": "me",
                "RoleArn": "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fcoffer-test"}
        answer = self.sts(form, sts)
        role = {"access_key": answer.field("AccessKeyId"),
                "secret": answer.field("SecretAccessKey")}
        session = self.server.client(**role, token=answer.field("SessionToken"))
        self.assertEqual(self.at("k", session)("PUT").status, 200)
        self.refused(self.at("k", self.server.client(**role))("GET"), 400, "InvalidToken")
        who = self.sts({"Action": "GetCallerIdentity"}, sts)
        self.assertEqual(who.field("Account"), "123456789012")
        self.refused(self.sts({**form, "RoleArn": "arn%3Ax"}, sts), 403, "AccessDenied")
        self.refused(self.sts({**form, "Policy": "x"}, sts), 501, "NotImplemented")
        self.s3.control("POST", "clock", {"offset_s": 61})
        self.refused(self.at("k", session)("GET"), 400, "ExpiredToken")
        self.s3.control("POST", "clock", {"offset_s": 0})

    def test_web_identity(self):
        body = (b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=me&RoleArn="
                b"arn:aws:iam::123456789012:role/coffer-test&WebIdentityToken=")
        for token, status in ((b"coffer-test-web-identity-token", 200), (b"forged", 400)):
            answer = self.s3.send(
                b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/"
                b"x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%b%b" % (
                    len(body + token), body, token))
            self.assertEqual(answer.status, status)
