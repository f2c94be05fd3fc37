"""Self test: KMS."""

import base64
import json
import time
import unittest

from kms_keys import Key
from test_support import Served

ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:us-east-1:123456789012:key/{ID}"
CONTEXT = {"coffer": "1", "vol": "8a1c"}


class Keys(unittest.TestCase):
    """What a key wraps."""

    def test_every_bit_counts(self):
        key = Key(ID, "us-east-1")
        blob = key.wrap(b"p" * 32, CONTEXT)
        self.assertEqual(key.unwrap(blob, CONTEXT), b"p" * 32)
        for at in range(len(blob)):
            bad = blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1:]
            self.assertNotEqual(key.unwrap(bad, CONTEXT), b"p" * 32)
            self.assertIsNone(key.unwrap(bad, CONTEXT))
        for length in (0, 1, 4, 24, 40, 135, 152, len(blob) - 1):
            self.assertIsNone(key.unwrap(blob[:length], CONTEXT))

    def test_contexts_differ_in_every_way(self):
        key = Key(ID, "us-east-1")
        blob = key.wrap(b"p", {"a": "bc"})
        for other in ({"ab": "c"}, {"abc": ""}, {}, {"a": "bc", "d": ""}, {"a": "b"}, {"bc": "a"}):
            self.assertIsNone(key.unwrap(blob, other))
        blob = key.wrap(b"p", {"x": "1", "a": "2"})
        self.assertEqual(key.unwrap(blob, {"a": "2", "x": "1"}), b"p")

    def test_lengths(self):
        self.assertEqual(len(Key(ID, "r").wrap(b"p" * 32, {})), 184)
        self.assertEqual(len(Key(ID, "r", overhead=135).wrap(b"p" * 32, {})), 167)
        self.assertNotEqual(Key(ID, "r").wrap(b"p", {}), Key(ID, "r").wrap(b"p", {}))
        # A key whose blobs grew longer opens the old ones.
        self.assertEqual(Key(ID, "r").unwrap(Key(ID, "r", overhead=135).wrap(b"p", {}), {}), b"p")


class Kms(Served):
    def setUp(self):
        self.s3 = self.server.client()
        self.kms = self.server.client(service="kms")
        for path in ("requests/clear", "kms/clear"):
            self.s3.control("POST", path)
        self.change(ARN, state="Enabled", deny=[])

    def tearDown(self):
        self.s3.control("POST", "settings", {"kms_per_second": 0, "kms_latency_ms": 0})
        self.kms.drop()
        super().tearDown()

    def call(self, operation, client=None, **data):
        """(status, JSON) of one call."""
        answer = (client or self.kms)("POST", "/", body=json.dumps(data).encode(), headers={
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"TrentService.{operation}"})
        self.assertEqual(answer.headers["content-type"], "application/x-amz-json-1.1")
        self.assertEqual(len(answer.headers["x-amzn-requestid"]), 36)
        self.assertIn("date", answer.headers)
        return answer.status, json.loads(answer.body)

    def ok(self, operation, client=None, **data):
        status, answer = self.call(operation, client, **data)
        self.assertEqual(status, 200, answer)
        return answer

    def says(self, code, operation, client=None, status=400, **data):
        got, answer = self.call(operation, client, **data)
        self.assertEqual((got, answer["__type"]), (status, code), answer)
        return answer["message"]

    def change(self, arn, **fields):
        self.assertEqual(self.s3.control("POST", "kms/change", {"arn": arn, **fields})[0], 200)

    def key(self, key_id, **fields):
        status, answer = self.s3.control("POST", "kms/keys", {"id": key_id, **fields})
        self.assertEqual(status, 200, answer)
        return answer["arn"]

    def generate(self, key=ARN, client=None, **more):
        return self.ok("GenerateDataKey", client, KeyId=key, NumberOfBytes=32,
                       EncryptionContext=CONTEXT, **more)

    def test_round_trip(self):
        made = self.generate()
        self.assertEqual(made["KeyId"], ARN)
        self.assertEqual(len(base64.b64decode(made["Plaintext"])), 32)
        self.assertEqual(len(base64.b64decode(made["CiphertextBlob"])), 184)
        opened = self.ok("Decrypt", KeyId=ARN, CiphertextBlob=made["CiphertextBlob"],
                         EncryptionContext=CONTEXT)
        self.assertEqual((opened["Plaintext"], opened["KeyId"]), (made["Plaintext"], ARN))
        self.assertEqual(self.ok("Decrypt", CiphertextBlob=made["CiphertextBlob"],
                                 EncryptionContext=CONTEXT)["Plaintext"], made["Plaintext"])
        wrapped = self.ok("Encrypt", KeyId=ARN, Plaintext=made["Plaintext"])
        self.assertEqual(self.ok("Decrypt", KeyId=ARN, CiphertextBlob=wrapped[
            "CiphertextBlob"])["Plaintext"], made["Plaintext"])
        spec = self.ok("GenerateDataKey", KeyId=ARN, KeySpec="AES_128")
        self.assertEqual(len(base64.b64decode(spec["Plaintext"])), 16)
        self.assertNotEqual(self.generate()["Plaintext"], made["Plaintext"])

    def test_what_does_not_open(self):
        blob = self.generate()["CiphertextBlob"]
        other = self.key("0000abcd-other")
        broken = base64.b64encode(b"\x01\x02\x02\x00" + bytes(180)).decode()
        for data in ({"CiphertextBlob": blob}, {"CiphertextBlob": blob, "EncryptionContext": {
                **CONTEXT, "vol": "x"}}, {"CiphertextBlob": broken, "EncryptionContext": CONTEXT},
                {"CiphertextBlob": "AA==", "EncryptionContext": CONTEXT}):
            self.says("InvalidCiphertextException", "Decrypt", KeyId=ARN, **data)
            self.says("InvalidCiphertextException", "Decrypt", **data)
        self.says("IncorrectKeyException", "Decrypt", KeyId=other, CiphertextBlob=blob,
                  EncryptionContext=CONTEXT)

    def test_names_of_a_key(self):
        arn = self.key("mrk-names", aliases=["alias/a/b"])
        for name in (arn, "mrk-names", "alias/a/b",
                     "arn:aws:kms:us-east-1:123456789012:alias/a/b"):
            self.assertEqual(self.generate(name)["KeyId"], arn)
        for name in ("alias/none", "none", ARN.replace("us-east-1", "eu-west-1"), ARN + "0",
                     "arn:aws:s3:us-east-1:123456789012:key/x"):
            self.says("NotFoundException", "GenerateDataKey", KeyId=name, NumberOfBytes=32)
        self.s3.control("POST", "kms/aliases", {"name": "alias/a/b", "arn": ARN})
        self.assertEqual(self.generate("alias/a/b")["KeyId"], ARN)

    def test_regions(self):
        here = self.key("mrk-far")
        there = self.key("mrk-far", region="eu-west-1")
        blob = self.generate(here)["CiphertextBlob"]
        far = self.server.client(service="kms", region="eu-west-1",
                                 host="kms.eu-west-1.amazonaws.com")
        self.assertEqual(self.ok("Decrypt", far, KeyId=there, CiphertextBlob=blob,
                                 EncryptionContext=CONTEXT)["KeyId"], there)
        self.says("NotFoundException", "Decrypt", far, KeyId=here, CiphertextBlob=blob,
                  EncryptionContext=CONTEXT)
        self.says("NotFoundException", "GenerateDataKey", far, KeyId=ID, NumberOfBytes=32)
        wrong = self.server.client(service="kms", host="kms-fips.eu-west-1.amazonaws.com")
        self.says("InvalidSignatureException", "DescribeKey", wrong, KeyId=there)

    def test_policy_of_a_key(self):
        policy = json.loads(self.ok("GetKeyPolicy", KeyId=ARN)["Policy"])
        self.assertEqual(policy["Statement"][0]["Principal"]["AWS"],
                         "arn:aws:iam::123456789012:root")
        self.says("NotFoundException", "GetKeyPolicy", KeyId=ARN, PolicyName="other")
        self.says("InvalidArnException", "GetKeyPolicy", KeyId="alias/coffer-test")
        self.change(ARN, policy="{}", manager="AWS", state="PendingDeletion")
        self.assertEqual(self.ok("GetKeyPolicy", KeyId=ARN, PolicyName="default")["Policy"], "{}")
        facts = self.ok("DescribeKey", KeyId="alias/coffer-test")["KeyMetadata"]
        self.assertEqual((facts["Arn"], facts["KeyManager"]), (ARN, "AWS"))
        self.assertGreater(facts["DeletionDate"], time.time())
        self.change(ARN, manager="CUSTOMER", deny=["GetKeyPolicy"])
        self.says("AccessDeniedException", "GetKeyPolicy", KeyId=ARN)

    def test_states_and_policies(self):
        blob = self.generate()["CiphertextBlob"]
        decrypt = {"KeyId": ARN, "CiphertextBlob": blob, "EncryptionContext": CONTEXT}
        for state, code, status in (("Disabled", "DisabledException", 400),
                                    ("PendingDeletion", "KMSInvalidStateException", 400),
                                    ("PendingImport", "KMSInvalidStateException", 400),
                                    ("Unavailable", "KeyUnavailableException", 500)):
            self.change(ARN, state=state)
            self.says(code, "Decrypt", status=status, **decrypt)
            self.says(code, "Encrypt", status=status, KeyId=ARN, Plaintext="AA==")
            self.assertEqual(self.ok("DescribeKey", KeyId=ARN)["KeyMetadata"]["KeyState"], state)
        self.change(ARN, state="Enabled", deny=["Decrypt"])
        self.assertIn("kms:Decrypt on resource", self.says("AccessDeniedException", "Decrypt",
                                                           **decrypt))
        self.generate()
        self.s3.control("POST", "users", {"access_key": "NOKMS", "secret": "s",
                                          "deny": [f"kms:Generate*@{ARN}"]})
        nobody = self.server.client(service="kms", access_key="NOKMS", secret="s")
        self.says("AccessDeniedException", "GenerateDataKey", nobody, KeyId=ARN, NumberOfBytes=32)
        mac = self.key("mac-key", usage="GENERATE_VERIFY_MAC")
        self.says("InvalidKeyUsageException", "GenerateDataKey", KeyId=mac, NumberOfBytes=32)
        self.assertEqual(self.s3.control("POST", "kms/change", {"arn": ARN, "state": "Odd"})[0],
                         400)

    def test_quota(self):
        self.s3.control("POST", "settings", {"kms_per_second": 3})
        time.sleep(1.01 - time.monotonic() % 1)  # the beginning of a second
        answers = [self.call("GenerateDataKey", KeyId=ARN, NumberOfBytes=32) for _ in range(5)]
        self.assertEqual([status for status, _ in answers], [200, 200, 200, 400, 400])
        self.assertEqual(answers[4][1]["__type"], "ThrottlingException")
        time.sleep(1.01)
        self.generate()

    def test_latency_and_faults(self):
        self.s3.control("POST", "settings", {"kms_latency_ms": 200})
        start = time.monotonic()
        self.generate()
        self.assertGreater(time.monotonic() - start, 0.19)
        self.s3.control("POST", "settings", {"kms_latency_ms": 0})
        self.s3.control("POST", "faults", [{"match": {"operation": "Decrypt"}, "do": {
            "throttle": True}}, {"match": {"operation": "Encrypt"}, "do": {
                "status": 500, "code": "KMSInternalException"}}])
        self.says("ThrottlingException", "Decrypt", KeyId=ARN, CiphertextBlob="AA==")
        self.says("KMSInternalException", "Encrypt", status=500, KeyId=ARN, Plaintext="AA==")
        self.generate()

    def test_counts_and_log(self):
        blob = self.generate()["CiphertextBlob"]
        self.says("InvalidCiphertextException", "Decrypt", KeyId=ARN, CiphertextBlob=blob)
        calls = self.s3.control("GET", "kms")[1]["calls"]
        self.assertEqual(calls["by_operation"], {"GenerateDataKey": 1, "Decrypt": 1})
        self.assertEqual(calls["by_success"], {"GenerateDataKey": 1})
        self.assertEqual(calls["by_key"], {ARN: 2})
        self.assertEqual(calls["by_outcome"], {"ok": 1, "InvalidCiphertextException": 1})
        entries = self.s3.control("GET", "requests?operation=GenerateDataKey")[1]
        self.assertEqual([(entry["key"], entry["context"]) for entry in entries], [(ARN, CONTEXT)])

    def test_requests_that_are_none(self):
        self.says("UnknownOperationException", "ListKeys")
        self.says("NotImplemented", "Decrypt", status=501, CiphertextBlob="AA==", GrantTokens=[])
        self.says("SerializationException", "Encrypt", KeyId=ARN, Plaintext="?")
        self.says("SerializationException", "Encrypt", KeyId=ARN, Plaintext="AA==",
                  EncryptionContext={"a": 1})
        self.says("ValidationException", "Encrypt", KeyId=ARN, Plaintext="")
        self.says("ValidationException", "GenerateDataKey", KeyId=ARN)
        self.says("ValidationException", "GenerateDataKey", KeyId=ARN, NumberOfBytes=2000)
        self.says("ValidationException", "GenerateDataKey", NumberOfBytes=32)
        for body in (b"", b"[]", b"{"):
            answer = self.kms("POST", "/", body=body, headers={
                "content-type": "application/x-amz-json-1.1",
                "x-amz-target": "TrentService.Decrypt"})
            self.assertIn(b"SerializationException", answer.body)

    def test_signatures(self):
        client = self.server.client
        for code, who in (("InvalidSignatureException", client(service="kms", secret="x")),
                          ("InvalidSignatureException", client(service="s3")),
                          ("InvalidSignatureException", client(service="kms", offset_s=-400)),
                          ("InvalidSignatureException", client(service="kms", offset_s=4000)),
                          ("UnrecognizedClientException", client(service="kms", access_key="X")),
                          ("UnrecognizedClientException", client(service="kms", token="X"))):
            self.says(code, "GenerateDataKey", who, KeyId=ARN, NumberOfBytes=32)
        self.ok("GenerateDataKey", client(service="kms", offset_s=-200), KeyId=ARN,
                NumberOfBytes=32)
        sneaky = self.kms.build("POST", "/", body=b"{}", headers={
            "content-type": "application/x-amz-json-1.1", "x-amz-target": "TrentService.Decrypt"})
        answer = self.kms.send(sneaky.replace(b"\r\n", b"\r\nx-amz-q: 1\r\n", 1))
        self.assertIn(b"InvalidSignatureException", answer.body)
        answer = self.kms.send(sneaky[:-2] + b"[]")
        self.assertIn(b"InvalidSignatureException", answer.body)
        answer = self.kms.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/"
                               b"x-amz-json-1.1\r\nX-Amz-Target: TrentService.Decrypt\r\n"
                               b"Content-Length: 2\r\n\r\n{}")
        self.assertIn(b"MissingAuthenticationTokenException", answer.body)
        answer = self.server.client(host="kms.us-east-1.amazonaws.com", service="kms")("GET", "/k")
        self.assertIn(b"UnknownOperationException", answer.body)
