"""Self test: S3 Control, and the policies of access points."""

import json

from test_locks import md5
from test_support import Served

ACCOUNT = "123456789012"
PATH = "/v20180820/accesspoint"


def statement(effect, action, resource, principal="*", **condition):
    """One statement as a policy of its own; an operator is given as Operator={key: value}."""
    return {"Effect": effect, "Action": action, "Resource": resource, "Principal": principal,
            **({"Condition": condition} if condition else {})}


class AccessPoints(Served):
    """Access points are made, looked at and removed; their policies are judged."""

    def setUp(self):
        super().setUp()
        self.name = self.bucket[:40]
        self.arn = f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/{self.name}"
        self.s3.control("POST", "users", {"access_key": "BARE", "secret": "secret", "allow": []})

    def call(self, method, below="", body=b"", query=None, client=None, account=ACCOUNT):
        return (client or self.s3)(method, PATH + below, query, body=body, headers={"x-amz-account-id": account})

    def make(self, more=b""):
        body = (b"<CreateAccessPointRequest><Bucket>%s</Bucket>%s</CreateAccessPointRequest>" %
                (self.bucket.encode(), more))
        return self.call("PUT", f"/{self.name}", body)

    def set_policy(self, *statements):
        text = json.dumps({"Version": "2012-10-17", "Statement": statements})
        body = b"<PutAccessPointPolicyRequest><Policy>%s</Policy></PutAccessPointPolicyRequest>" % text.encode()
        return self.call("PUT", f"/{self.name}/policy", body)

    def door(self, **options):
        return self.server.client(host=f"{self.name}-{ACCOUNT}.s3-accesspoint.us-east-1.amazonaws.com", **options)

    def test_life(self):
        self.refused(self.call("GET", f"/{self.name}"), 404, "NoSuchAccessPoint")
        answer = self.make()
        self.assertEqual((answer.status, answer.field("AccessPointArn")), (200, self.arn))
        self.assertEqual(self.make().code, "AccessPointAlreadyOwnedByYou")
        found = self.call("GET", f"/{self.name}")
        self.assertEqual((found.field("Bucket"), found.field("NetworkOrigin")), (self.bucket, "Internet"))
        self.assertEqual(found.field("BlockPublicPolicy"), "true")
        self.assertEqual(self.call("GET", query={"bucket": self.bucket}).fields("Name"), [self.name])
        self.assertEqual(self.call("DELETE", f"/{self.name}").status, 204)
        self.refused(self.call("DELETE", f"/{self.name}"), 404, "NoSuchAccessPoint")

    def test_hosts(self):
        self.make()
        for host in (f"{ACCOUNT}.s3-control.us-east-1.amazonaws.com", f"{ACCOUNT}.localhost",
                     f"{ACCOUNT}.control.vpce-1a-2b.s3.us-east-1.vpce.amazonaws.com"):
            self.assertEqual(self.call("GET", f"/{self.name}", client=self.server.client(host=host)).status, 200)
        far = self.server.client(host="999988887777.s3-control.us-east-1.amazonaws.com")
        self.refused(self.call("GET", f"/{self.name}", client=far), 400, "InvalidRequest")
        self.refused(self.call("GET", f"/{self.name}", account="999988887777"), 403, "AccessDenied")
        reader = self.server.client(access_key="READER", secret="secret")
        self.refused(self.call("DELETE", f"/{self.name}", client=reader), 403, "AccessDenied")

    def test_pages(self):
        self.s3.control("POST", "settings", {"access_points_per_page": 1})
        self.make()
        self.s3.control("POST", "access-points", {"name": self.name + "-b", "bucket": self.bucket})
        first = self.call("GET", query={"bucket": self.bucket})
        second = self.call("GET", query={"bucket": self.bucket, "nextToken": first.field("NextToken")})
        self.assertEqual(first.fields("Name") + second.fields("Name"), [self.name, self.name + "-b"])
        self.assertEqual(second.field("NextToken"), "")
        self.s3.control("POST", "settings", {"access_points_per_page": 1000})

    def test_wrong_requests(self):
        self.assertEqual(self.make(b"<Colour>red</Colour>").code, "MalformedXML")
        self.assertEqual(self.make(b"<VpcConfiguration><VpcId>v</VpcId></VpcConfiguration>").status, 400)
        self.make()
        self.assertEqual(self.set_policy(statement("Allow", "s3:GetObject", f"arn:aws:s3:::{self.bucket}/*")).code,
                         "MalformedPolicy")
        self.refused(self.set_policy(statement("Allow", "s3:GetObject", self.arn + "/object/*")), 403, "AccessDenied")
        self.refused(self.call("GET", f"/{self.name}/policy"), 404, "NoSuchAccessPointPolicy")
        self.assertEqual(self.call("POST", f"/{self.name}").status, 501)

    def test_policy(self):
        self.put("team/a", b"v")
        self.put("team-b/a", b"v")
        self.make()
        bare = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/bare"}
        granted = [statement("Allow", "s3:GetObject", self.arn + "/object/team/*", bare)]
        self.assertEqual(self.set_policy(*granted).status, 200)
        self.assertIn(b"object/team/*", self.call("GET", f"/{self.name}/policy").body)
        self.assertEqual(self.call("GET", f"/{self.name}/policyStatus").field("IsPublic"), "false")
        door = self.door(access_key="BARE", secret="secret")
        self.refused(door("GET", "/team/a"), 403, "AccessDenied")  # the bucket does not delegate
        own = f"arn:aws:s3:::{self.bucket}"
        delegate = statement("Allow", "*", [own, own + "/*"],
                             StringEquals={"s3:DataAccessPointAccount": ACCOUNT})
        document = json.dumps({"Version": "2012-10-17", "Statement": [delegate]}).encode()
        self.assertEqual(self.at()("PUT", {"policy": ""}, body=document, headers=md5(document)).status, 204)
        self.assertEqual(door("GET", "/team/a").body, b"v")
        self.refused(door("GET", "/team-b/a"), 403, "AccessDenied")
        self.refused(self.at("team/a", self.server.client(access_key="BARE", secret="secret"))("GET"), 403,
                     "AccessDenied")
        self.set_policy(*granted, statement("Deny", "s3:GetObject", self.arn + "/object/team/a"))
        self.refused(door("GET", "/team/a"), 403, "AccessDenied")
        self.refused(self.door()("GET", "/team/a"), 403, "AccessDenied")
        self.assertEqual(self.call("DELETE", f"/{self.name}/policy").status, 204)
        self.assertEqual(self.door()("GET", "/team/a").body, b"v")  # IAM alone

    def test_network(self):
        self.put("a", b"v")
        self.make(b"<VpcConfiguration><VpcId>vpc-1a</VpcId></VpcConfiguration>")
        self.assertEqual(self.call("GET", f"/{self.name}").field("NetworkOrigin"), "VPC")
        self.refused(self.door()("GET", "/a"), 403, "AccessDenied")
        self.refused(self.door()("GET", "/a", headers={"x-coffer-test-vpc": "vpc-2b"}), 403, "AccessDenied")
        self.assertEqual(self.door()("GET", "/a", headers={"x-coffer-test-vpc": "vpc-1a"}).body, b"v")

    def test_upload_is_judged_by_its_beginning(self):
        own = f"arn:aws:s3:::{self.bucket}"
        key = "x-amz-server-side-encryption"
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement(
            "Deny", "s3:PutObject", own + "/*", StringNotEquals={"s3:" + key: "aws:kms"})]}).encode()
        self.at()("PUT", {"policy": ""}, body=document, headers=md5(document))
        self.refused(self.at("k")("POST", {"uploads": ""}), 403, "AccessDenied")
        begun = self.at("k")("POST", {"uploads": ""}, headers={key: "aws:kms"})
        part = self.at("k")("PUT", {"partNumber": "1", "uploadId": begun.field("UploadId")}, body=b"x")
        self.assertEqual(part.status, 200)
