"""Self test: a bucket's settings, and CORS as the user guide's elements decide it."""

import json

from test_locks import md5
from test_support import Served

RULES = b"""<CORSConfiguration><CORSRule><ID>one</ID><AllowedOrigin>http://*.example</AllowedOrigin>
<AllowedMethod>GET</AllowedMethod><AllowedHeader>x-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>
<MaxAgeSeconds>7</MaxAgeSeconds></CORSRule><CORSRule><AllowedOrigin>*</AllowedOrigin>
<AllowedMethod>HEAD</AllowedMethod></CORSRule></CORSConfiguration>"""


class Settings(Served):
    """Documents are checked, kept, and answered."""

    def put(self, setting, body):
        return self.at()("PUT", {setting: ""}, body=body, headers=md5(body)).status

    def test_documents_without_a_digest(self):
        for setting in ("cors", "encryption", "logging", "lifecycle"):
            self.assertEqual(self.at()("PUT", {setting: ""}, body=b"<a/>").status, 400)

    def test_cors_rules(self):
        self.assertEqual(self.at()("GET", {"cors": ""}).status, 404)
        self.assertEqual(self.put("cors", RULES), 200)
        self.assertIn(b"<ID>one</ID>", self.at()("GET", {"cors": ""}).body)
        for wrong in (RULES.replace(b"GET", b"PATCH"), RULES.replace(b"http://*", b"*://*"),
                      RULES.replace(b"ETag", b"*"), RULES.replace(b"MaxAge", b"MinAge"),
                      b"<CORSConfiguration/>"):
            self.assertEqual(self.put("cors", wrong), 400)
        self.assertEqual(self.at()("DELETE", {"cors": ""}).status, 204)
        self.assertEqual(self.at()("GET", {"cors": ""}).status, 404)

    def test_cors_headers(self):
        self.put("cors", RULES)
        answer = self.at("none")("GET", headers={"origin": "http://a.example"})
        self.assertEqual(answer.status, 404)
        self.assertEqual(answer.headers["access-control-allow-origin"], "http://a.example")
        answer = self.at("none")("GET", headers={"origin": "https://a.example"})
        self.assertNotIn("access-control-allow-origin", answer.headers)
        stranger = self.server.client(access_key="NOBODY", secret="x")
        answer = self.at("k", stranger)("GET", headers={"origin": "http://a.example"})
        self.assertEqual(answer.status, 403)
        self.assertEqual(answer.headers["access-control-allow-origin"], "http://a.example")
        stranger.drop()

    def test_encryption(self):
        self.assertIn(b"AES256", self.at()("GET", {"encryption": ""}).body)
        rule = (b"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
                b"<SSEAlgorithm>%s</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>"
                b"</ServerSideEncryptionConfiguration>")
        self.assertEqual(self.put("encryption", rule % b"rot13"), 400)
        self.assertEqual(self.put("encryption", rule % b"aws:kms"), 200)
        self.at("k")("PUT", body=b"x")
        answer = self.at("k")("HEAD")
        self.assertEqual(answer.headers["x-amz-server-side-encryption"], "aws:kms")

    def test_logging_needs_a_target(self):
        log = (b"<BucketLoggingStatus><LoggingEnabled><TargetBucket>%s</TargetBucket><TargetPrefix/>"
               b"</LoggingEnabled></BucketLoggingStatus>")
        self.assertEqual(self.put("logging", log % b"no-such-bucket"), 400)
        self.assertEqual(self.put("logging", log % self.bucket.encode()), 200)

    def test_a_part_is_judged_by_what_began_its_upload(self):
        rule = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{self.bucket}/*",
                "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}}}
        body = json.dumps({"Version": "2012-10-17", "Statement": [rule]}).encode()
        self.assertEqual(self.put("policy", body), 204)
        self.assertEqual(self.at("k")("POST", {"uploads": ""}).status, 403)
        upload, etags = self.multipart("k", [b"x"], **{"x-amz-server-side-encryption": "AES256"})
        self.assertEqual(self.complete("k", upload, etags).status, 200)

    def test_conditions_of_sets(self):
        rule = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{self.bucket}/*",
                "Condition": {"ForAllValues:StringEquals": {"s3:x-amz-storage-class": "STANDARD"}}}
        self.at("k")("PUT", body=b"x")
        body = json.dumps({"Version": "2012-10-17", "Statement": [rule]}).encode()
        self.assertEqual(self.put("policy", body), 204)
        self.assertEqual(self.at("k")("GET").status, 403)  # of no values all are equal
        self.assertEqual(self.put("policy", body.replace(b"ForAll", b"ForAny").replace(
            b"AnyValues", b"AnyValue")), 204)
        self.assertEqual(self.at("k")("GET").status, 200)
