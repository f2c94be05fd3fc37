"""Self test: Object Lock, by the rules of the user guide and the API reference."""

import base64
import hashlib
import time

from locks import date_text, parse_date
from test_support import SMALL_PART, Served

DAY = 86400
MODE = "x-amz-object-lock-mode"
UNTIL = "x-amz-object-lock-retain-until-date"
HOLD = "x-amz-object-lock-legal-hold"
BYPASS = {"x-amz-bypass-governance-retention": "true"}


def md5(body):
    return {"content-md5": base64.b64encode(hashlib.md5(body).digest()).decode()}


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Locked(Served):
    """Cases on a bucket with Object Lock, and a clock that goes back at the end."""

    def setUp(self):
        super().setUp()
        self.plain = self.bucket
        self.bucket += "-lock"
        self.assertEqual(self.s3("PUT", f"/{self.bucket}", headers={
            "x-amz-bucket-object-lock-enabled": "true"}).status, 200)
        self.now = int(time.time())

    def tearDown(self):
        self.pass_time(0)
        super().tearDown()

    def user(self, name, *deny):
        self.s3.control("POST", "users", {"access_key": name, "secret": "s", "deny": list(deny)})
        return self.server.client(access_key=name, secret="s")

    def lock(self, mode="GOVERNANCE", after=DAY):
        return {MODE: mode, UNTIL: iso(self.now + after)}

    def put_locked(self, key, body=b"x", **headers):
        return self.put(key, body, **md5(body), **headers).headers["x-amz-version-id"]

    def send(self, question, key, body, client=None, headers=None, version=None):
        query = {question: "", **({"versionId": version} if version else {})}
        return self.at(key, client)("PUT", query, body=body,
                                    headers={**md5(body), **(headers or {})})

    def retain(self, key, mode, after, **named):
        return self.send("retention", key, (
            '<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Mode>{mode}</Mode><RetainUntilDate>{iso(self.now + after)}</RetainUntilDate>"
            "</Retention>").encode(), **named)

    def hold(self, key, status, **named):
        return self.send("legal-hold", key,
                         f"<LegalHold><Status>{status}</Status></LegalHold>".encode(), **named)

    def default(self, inside, **named):
        return self.send("object-lock", "", (
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>"
            f"{inside}</ObjectLockConfiguration>").encode(), **named)

    def rule(self, inside):
        return self.default(f"<Rule><DefaultRetention>{inside}</DefaultRetention></Rule>")

    def shown(self, key, client=None, version=None):
        """(mode, seconds from now, hold) as HEAD tells."""
        answer = self.at(key, client)("HEAD", {"versionId": version} if version else None)
        self.assertEqual(answer.status, 200)
        until = answer.headers.get(UNTIL)
        return (answer.headers.get(MODE), until and round(parse_date(until) - self.now),
                answer.headers.get(HOLD))


class LockQuestions(Locked):
    def test_bucket_without_lock(self):
        self.bucket = self.plain
        self.put("k")
        for question in ("retention", "legal-hold"):
            self.refused(self.at("k")("GET", {question: ""}), 400, "InvalidRequest")
            self.refused(self.at("none")("GET", {question: ""}), 400, "InvalidRequest")
        self.refused(self.retain("k", "GOVERNANCE", DAY), 400, "InvalidRequest")
        self.refused(self.hold("k", "ON"), 400, "InvalidRequest")
        self.refused(self.at()("GET", {"object-lock": ""}), 404,
                     "ObjectLockConfigurationNotFoundError")
        for headers in (self.lock(), {HOLD: "ON"}):
            self.refused(self.at("k")("PUT", headers={**headers, **md5(b"")}), 400,
                         "InvalidRequest")
        self.refused(self.default(""), 409, "InvalidBucketState")
        body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        self.assertEqual(self.at()("PUT", {"versioning": ""}, body=body).status, 200)
        self.assertEqual(self.default("").status, 200)
        self.put_locked("k", **{HOLD: "ON"})

    def test_never_set(self):
        self.put("k")
        for question in ("retention", "legal-hold"):
            self.refused(self.at("k")("GET", {question: ""}), 404, "NoSuchObjectLockConfiguration")
            self.refused(self.at("none")("GET", {question: ""}), 404, "NoSuchKey")
        self.assertEqual(self.shown("k"), (None, None, None))
        answer = self.at()("GET", {"object-lock": ""})
        self.assertEqual((answer.field("ObjectLockEnabled"), answer.field("Mode")), ("Enabled", ""))
        body = b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"
        self.refused(self.at()("PUT", {"versioning": ""}, body=body), 409, "InvalidBucketState")

    def test_markers_carry_no_lock(self):
        self.put("k")
        marker = self.at("k")("DELETE").headers["x-amz-version-id"]
        self.refused(self.at("k")("GET", {"retention": ""}), 405, "MethodNotAllowed")
        self.refused(self.retain("k", "GOVERNANCE", DAY, version=marker), 405, "MethodNotAllowed")
        self.refused(self.hold("k", "ON"), 405, "MethodNotAllowed")

    def test_only_who_may_sees_the_lock(self):
        self.put_locked("k", **self.lock(), **{HOLD: "ON"})
        self.assertEqual(self.shown("k"), ("GOVERNANCE", DAY, "ON"))
        self.assertEqual(self.at("k")("GET").headers[MODE], "GOVERNANCE")
        blind = self.user("BLIND", "GetObjectRetention", "GetObjectLegalHold")
        self.assertEqual(self.shown("k", blind), (None, None, None))
        self.refused(self.at("k", blind)("GET", {"retention": ""}), 403, "AccessDenied")
        half = self.user("HALF", "GetObjectRetention")
        self.assertEqual(self.shown("k", half), (None, None, "ON"))

    def test_only_who_may_sets_it(self):
        self.put("k")
        unable = self.user("UNABLE", "PutObjectRetention", "PutObjectLegalHold",
                           "PutBucketObjectLockConfiguration")
        self.refused(self.retain("k", "GOVERNANCE", DAY, client=unable), 403, "AccessDenied")
        self.refused(self.hold("k", "ON", client=unable), 403, "AccessDenied")
        self.refused(self.default("", client=unable), 403, "AccessDenied")
        for headers in (self.lock(), {HOLD: "ON"}):
            self.refused(self.at("k", unable)("PUT", headers={**headers, **md5(b"")}), 403,
                         "AccessDenied")
        self.assertEqual(self.at("k", unable)("PUT").status, 200)


class LockHeaders(Locked):
    def test_what_is_wrong_is_refused(self):
        for headers in ({MODE: "GOVERNANCE"}, {UNTIL: iso(self.now + DAY)},
                        {**self.lock("FOREVER")}, {**self.lock("governance")},
                        {MODE: "GOVERNANCE", UNTIL: "tomorrow"}, {HOLD: "on"},
                        {MODE: "GOVERNANCE", UNTIL: "2030-02-31T00:00:00Z"},
                        self.lock(after=-1)):
            self.refused(self.at("k")("PUT", headers={**headers, **md5(b"")}), 400,
                         "InvalidArgument")
            self.refused(self.at("k")("POST", {"uploads": ""}, headers=headers), 400,
                         "InvalidArgument")
        self.refused(self.at("k")("HEAD"), 404, "")

    def test_a_digest_is_demanded(self):
        for headers in (self.lock(), {HOLD: "OFF"}):
            self.refused(self.at("k")("PUT", headers=headers), 400, "InvalidRequest")
        self.put("k", b"", **self.lock(), **{"x-amz-checksum-crc32": "AAAAAA=="})
        for question, body in (("retention", b"<Retention/>"), ("object-lock", b"<x/>"),
                               ("legal-hold", b"<LegalHold><Status>ON</Status></LegalHold>")):
            key = "" if question == "object-lock" else "k"
            self.refused(self.at(key)("PUT", {question: ""}, body=body), 400, "InvalidRequest")
        self.rule("<Mode>GOVERNANCE</Mode><Days>1</Days>")
        self.refused(self.at("k")("PUT"), 400, "InvalidRequest")
        upload = self.at("k")("POST", {"uploads": ""}).field("UploadId")
        part = {"partNumber": "1", "uploadId": upload}
        self.refused(self.at("k")("PUT", part, body=b"x"), 400, "InvalidRequest")
        self.assertEqual(self.at("k")("PUT", part, body=b"x", headers=md5(b"x")).status, 200)

    def test_dates_of_every_form(self):
        when = self.now + DAY
        for text, want in ((iso(when), DAY), (iso(when)[:-1] + ".250Z", DAY + 0.25),
                           (iso(when)[:-1] + ".500000000Z", DAY + 0.5),
                           (iso(when + 7200)[:-1] + "+02:00", DAY)):
            self.put_locked("k", **{MODE: "COMPLIANCE", UNTIL: text})
            until = parse_date(self.at("k")("HEAD").headers[UNTIL])
            self.assertAlmostEqual(until - self.now, want, 3, text)
        self.put_locked("k", **{MODE: "GOVERNANCE", UNTIL: "2120-01-01T00:00:00Z"})
        self.assertEqual(self.at("k")("HEAD").headers[UNTIL], "2120-01-01T00:00:00.000Z")
        self.assertEqual(date_text(0.9996), "1970-01-01T00:00:01.000Z")

    def test_multipart_and_copy(self):
        upload = self.at("m")("POST", {"uploads": ""}, headers={**self.lock("COMPLIANCE"),
                                                                HOLD: "ON"}).field("UploadId")
        body = b"a" * SMALL_PART
        part = {"partNumber": "1", "uploadId": upload}
        self.refused(self.at("m")("PUT", part, body=body), 400, "InvalidRequest")
        etag = self.at("m")("PUT", part, body=body, headers=md5(body)).headers["etag"]
        self.assertEqual(self.complete("m", upload, [etag]).status, 200)
        self.assertEqual(self.shown("m"), ("COMPLIANCE", DAY, "ON"))
        source = {"x-amz-copy-source": f"/{self.bucket}/m"}
        self.assertEqual(self.at("c")("PUT", headers=source).status, 200)
        self.assertEqual(self.shown("c"), (None, None, None))
        self.assertEqual(self.at("c")("PUT", headers={**source, **self.lock()}).status, 200)
        self.assertEqual(self.shown("c"), ("GOVERNANCE", DAY, None))

    def test_default_retention(self):
        for inside, code in (("<Mode>GOVERNANCE</Mode><Days>0</Days>", "InvalidRetentionPeriod"),
                             ("<Mode>GOVERNANCE</Mode><Days>-1</Days>", "InvalidRetentionPeriod"),
                             ("<Mode>GOVERNANCE</Mode><Years>101</Years>",
                              "InvalidRetentionPeriod"),
                             ("<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>",
                              "MalformedXML"), ("<Mode>GOVERNANCE</Mode>", "MalformedXML"),
                             ("<Mode>FOREVER</Mode><Days>1</Days>", "MalformedXML"),
                             ("<Days>1</Days>", "MalformedXML")):
            self.refused(self.rule(inside), 400, code)
        self.assertEqual(self.rule("<Mode>COMPLIANCE</Mode><Days>2</Days>").status, 200)
        answer = self.at()("GET", {"object-lock": ""})
        self.assertEqual((answer.field("Mode"), answer.field("Days")), ("COMPLIANCE", "2"))
        self.put_locked("k")
        mode, after, hold = self.shown("k")
        self.assertEqual((mode, hold), ("COMPLIANCE", None))
        self.assertAlmostEqual(after, 2 * DAY, delta=30)
        self.put_locked("k", **self.lock())
        self.assertEqual(self.shown("k"), ("GOVERNANCE", DAY, None))
        self.put_locked("k", **{HOLD: "ON"})
        self.assertEqual(self.shown("k")[0::2], ("COMPLIANCE", "ON"))
        upload = self.at("m")("POST", {"uploads": ""}).field("UploadId")
        part = self.at("m")("PUT", {"partNumber": "1", "uploadId": upload}, body=b"x",
                            headers=md5(b"x"))
        self.complete("m", upload, [part.headers["etag"]])
        self.at("c")("PUT", headers={"x-amz-copy-source": f"/{self.bucket}/m"})
        for key in ("m", "c"):
            self.assertEqual(self.shown(key)[0], "COMPLIANCE", key)
        self.assertEqual(self.rule("<Mode>GOVERNANCE</Mode><Years>1</Years>").status, 200)
        self.put_locked("y")
        self.assertAlmostEqual(self.shown("y")[1], 365.5 * DAY, delta=DAY)
        self.assertEqual(self.default("").status, 200)
        self.put("k")
        self.assertEqual(self.shown("k"), (None, None, None))


class LockRules(Locked):
    def test_documents(self):
        self.put("k")
        for question, body, code in (
                ("retention", b"<Retention><Mode>GOVERNANCE</Mode></Retention>", "MalformedXML"),
                ("retention", b"<Retention><RetainUntilDate>2099-01-01T00:00:00Z</RetainUntilDate>"
                 b"</Retention>", "MalformedXML"),
                ("retention", b"<Retention", "MalformedXML"),
                ("retention", b"<Other/>", "MalformedXML"),
                ("legal-hold", b"<LegalHold><Status>on</Status></LegalHold>", "MalformedXML"),
                ("legal-hold", b"<LegalHold/>", "MalformedXML")):
            self.refused(self.send(question, "k", body), 400, code)
        self.refused(self.retain("k", "FOREVER", DAY), 400, "MalformedXML")
        self.refused(self.retain("k", "GOVERNANCE", -DAY), 400, "InvalidArgument")
        self.assertEqual(self.shown("k"), (None, None, None))
        self.assertEqual(self.send("retention", "k", b"<Retention/>").status, 200)

    def test_governance(self):
        before = self.put("k").headers
        self.assertEqual(self.retain("k", "GOVERNANCE", DAY).status, 200)
        answer = self.at("k")("GET", {"retention": ""})
        self.assertEqual((answer.field("Mode"), answer.field("RetainUntilDate")),
                         ("GOVERNANCE", iso(self.now + DAY)[:-1] + ".000Z"))
        self.assertEqual(self.at("k")("HEAD").headers["etag"], before["etag"])
        self.assertEqual(self.retain("k", "GOVERNANCE", 3 * DAY).status, 200)
        self.assertEqual(self.retain("k", "GOVERNANCE", 3 * DAY).status, 200)
        weaker = ((self.retain, "GOVERNANCE", 2 * DAY), (self.retain, "COMPLIANCE", 4 * DAY))
        clear = b"<Retention/>"
        unable = self.user("NOBYPASS", "BypassGovernanceRetention")
        for call, mode, after in weaker:
            self.refused(call("k", mode, after), 403, "AccessDenied")
            self.refused(call("k", mode, after, client=unable, headers=BYPASS), 403,
                         "AccessDenied")
        self.refused(self.send("retention", "k", clear), 403, "AccessDenied")
        self.assertEqual(self.shown("k")[1], 3 * DAY)
        self.assertEqual(self.retain("k", "GOVERNANCE", 2 * DAY, headers=BYPASS).status, 200)
        self.assertEqual(self.shown("k")[1], 2 * DAY)
        self.assertEqual(self.send("retention", "k", clear, headers=BYPASS).status, 200)
        self.assertEqual(self.shown("k"), (None, None, None))

    def test_compliance(self):
        self.put("k")
        self.assertEqual(self.retain("k", "COMPLIANCE", DAY).status, 200)
        for headers in ({}, BYPASS):
            self.refused(self.retain("k", "COMPLIANCE", DAY - 60, headers=headers), 403,
                         "AccessDenied")
            self.refused(self.retain("k", "GOVERNANCE", 2 * DAY, headers=headers), 403,
                         "AccessDenied")
            self.refused(self.send("retention", "k", b"<Retention/>", headers=headers), 403,
                         "AccessDenied")
        self.assertEqual(self.retain("k", "COMPLIANCE", DAY + 60).status, 200)
        self.assertEqual(self.shown("k")[:2], ("COMPLIANCE", DAY + 60))

    def test_time_runs_out(self):
        version = self.put_locked("k", **self.lock("COMPLIANCE", 3600))
        self.pass_time(3700)
        self.assertEqual(self.shown("k")[:2], ("COMPLIANCE", 3600))
        self.assertEqual(self.retain("k", "GOVERNANCE", 7200).status, 200)
        self.refused(self.at("k")("DELETE", {"versionId": version}), 403, "AccessDenied")
        self.pass_time(7300)
        self.assertEqual(self.at("k")("DELETE", {"versionId": version}).status, 204)
        self.refused(self.at("k")("HEAD"), 404, "")

    def test_hold_is_apart(self):
        self.put("k")
        self.assertEqual(self.hold("k", "ON").status, 200)
        self.assertEqual(self.at("k")("GET", {"legal-hold": ""}).field("Status"), "ON")
        self.assertEqual(self.retain("k", "GOVERNANCE", DAY).status, 200)
        self.assertEqual(self.hold("k", "OFF").status, 200)
        self.assertEqual(self.shown("k"), ("GOVERNANCE", DAY, "OFF"))


class LockedDeletes(Locked):
    def test_versions(self):
        governed = self.put_locked("k", **self.lock())
        complied = self.put_locked("k", **self.lock("COMPLIANCE"))
        held = self.put_locked("k", **{HOLD: "ON"})
        both = self.put_locked("k", **self.lock(), **{HOLD: "ON"})
        unable = self.user("NOBYPASS", "BypassGovernanceRetention")
        for version in (governed, complied, held, both):
            self.refused(self.at("k")("DELETE", {"versionId": version}), 403, "AccessDenied")
            self.refused(self.at("k", unable)("DELETE", {"versionId": version}, headers=BYPASS),
                         403, "AccessDenied")
        for version in (complied, held, both):
            self.refused(self.at("k")("DELETE", {"versionId": version}, headers=BYPASS), 403,
                         "AccessDenied")
        self.assertEqual(self.at("k")("DELETE", {"versionId": governed}, headers=BYPASS).status,
                         204)
        self.assertEqual(self.hold("k", "OFF", version=held).status, 200)
        self.assertEqual(self.at("k")("DELETE", {"versionId": held}).status, 204)
        self.refused(self.at("k")("GET", {"versionId": governed}), 404, "NoSuchVersion")
        self.assertEqual(self.at("k")("GET", {"versionId": complied}).body, b"x")

    def test_names_are_not_protected(self):
        version = self.put_locked("k", b"kept", **self.lock("COMPLIANCE"), **{HOLD: "ON"})
        self.put("k", b"over it")
        self.assertEqual(self.shown("k"), (None, None, None))
        marker = self.at("k")("DELETE")
        self.assertEqual((marker.status, marker.headers["x-amz-delete-marker"]), (204, "true"))
        self.refused(self.at("k")("GET"), 404, "NoSuchKey")
        self.assertEqual(self.at("k")("GET", {"versionId": version}).body, b"kept")
        self.assertEqual(self.shown("k", version=version), ("COMPLIANCE", DAY, "ON"))
        self.assertEqual(self.at("k")("DELETE", {
            "versionId": marker.headers["x-amz-version-id"]}).status, 204)
        self.assertEqual(self.at("k")("GET").body, b"over it")

    def test_each_key_of_many(self):
        version = self.put_locked("locked", **self.lock())
        free = self.put_locked("free")
        body = (f"<Delete><Object><Key>locked</Key><VersionId>{version}</VersionId></Object>"
                f"<Object><Key>free</Key><VersionId>{free}</VersionId></Object></Delete>").encode()
        answer = self.at()("POST", {"delete": ""}, body=body, headers=md5(body))
        self.assertEqual((answer.status, answer.fields("Key"), answer.fields("Code")),
                         (200, ["locked", "free"], ["AccessDenied"]))
        self.assertEqual(self.at("locked")("HEAD").status, 200)
        answer = self.at()("POST", {"delete": ""}, body=body, headers={**md5(body), **BYPASS})
        self.assertEqual(answer.fields("Code"), [])
        self.refused(self.at("locked")("HEAD"), 404, "")

    def test_the_log_tells(self):
        self.put_locked("k", **self.lock())
        self.at("k")("DELETE", headers=BYPASS)
        entries = self.s3.control("GET", "requests")[1]
        self.assertEqual([entry["lock"] for entry in entries if entry["key"] == "k"],
                         [self.lock(), BYPASS])

    def test_the_control_endpoint_locks(self):
        self.put("k")
        path = f"buckets/{self.bucket}/"
        self.s3.control("POST", path + "lock", {"key": "k", "mode": "COMPLIANCE", "for_s": DAY})
        self.s3.control("POST", path + "lock", {"key": "k", "hold": True})
        stored = self.s3.control("POST", path + "get", {"key": "k"})[1]
        self.assertEqual((stored["lock"]["mode"], stored["lock"]["hold"]), ("COMPLIANCE", True))
        self.assertEqual(self.shown("k")[0::2], ("COMPLIANCE", "ON"))
        self.s3.control("POST", path + "put", {"key": "p", "lock": {"hold": True}})
        self.assertEqual(self.shown("p"), (None, None, "ON"))
        self.s3.control("POST", path + "settings",
                        {"default_retention": {"mode": "GOVERNANCE", "days": 1}})
        self.put_locked("d")
        self.assertEqual(self.shown("d")[0], "GOVERNANCE")

    def test_a_server_that_loses_locks(self):
        def rule(how):
            self.s3.control("POST", "faults", [{"do": {"lose_lock": how}}])
        rule("dropped")
        self.put_locked("k", **self.lock())
        self.assertEqual(self.retain("k", "GOVERNANCE", DAY).status, 200)
        self.assertEqual(self.shown("k"), (None, None, None))
        rule("wrapped")
        far = 2 ** 32
        self.put_locked("w", **self.lock(after=far))
        self.s3.control("POST", "faults", [])
        self.assertAlmostEqual(self.shown("w")[1], 0, delta=2)

