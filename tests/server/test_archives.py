"""Self test: archives, by the rules of the user guide and the API reference of RestoreObject."""

from test_support import Served

DAY = 86400
CLASS = "x-amz-storage-class"


def order(days=3, tier="Standard"):
    said = "" if days is None else f"<Days>{days}</Days>"
    return (f"<RestoreRequest>{said}<GlacierJobParameters><Tier>{tier}</Tier>"
            "</GlacierJobParameters></RestoreRequest>").encode()


class Archives(Served):
    """RestoreObject, and what it changes for Get, Head and Copy."""

    def tearDown(self):
        self.pass_time(0)
        super().tearDown()

    def restore(self, key, *args, **named):
        return self.at(key)("POST", {"restore": ""}, body=order(*args, **named))

    def end(self, key, **fields):
        self.s3.control("POST", f"buckets/{self.bucket}/archive", {"key": key, **fields})

    def said(self, key):
        reply = self.at(key)("HEAD")
        return reply.headers.get("x-amz-restore", "")

    def test_from_archived_to_readable_and_back(self):
        self.put("g", b"cold", **{CLASS: "GLACIER"})
        self.refused(self.at("g")("GET"), 403, "InvalidObjectState")
        self.assertEqual(self.said("g"), "")
        self.assertEqual(self.restore("g").status, 202)
        self.assertEqual(self.said("g"), 'ongoing-request="true"')
        self.refused(self.restore("g"), 409, "RestoreAlreadyInProgress")
        self.refused(self.at("g")("GET"), 403, "InvalidObjectState")
        self.assertEqual(self.restore("g", tier="Expedited").status, 202)
        self.end("g")
        self.assertEqual(self.at("g")("GET").body, b"cold")
        self.assertRegex(self.said("g"), r'ongoing-request="false", expiry-date=".* 00:00:00 GMT"')
        self.assertEqual(self.restore("g", 9).status, 200)
        self.pass_time(9 * DAY)
        self.assertEqual(self.at("g")("GET").status, 200)
        self.pass_time(11 * DAY)
        self.refused(self.at("g")("GET"), 403, "InvalidObjectState")
        self.assertEqual(self.said("g"), "")

    def test_a_copy_needs_what_a_read_needs(self):
        self.put("g", b"cold", **{CLASS: "DEEP_ARCHIVE"})
        source = {"x-amz-copy-source": f"/{self.bucket}/g"}
        self.refused(self.at("copy")("PUT", headers=source), 403, "InvalidObjectState")
        self.refused(self.restore("g", tier="Expedited"), 400, "InvalidArgument")
        self.assertEqual(self.restore("g", tier="Bulk").status, 202)
        self.end("g")
        self.assertEqual(self.at("copy")("PUT", headers=source).status, 200)
        self.assertEqual(self.at("copy")("GET").body, b"cold")

    def test_intelligent_tiering_comes_back_for_good(self):
        self.put("t", b"warm", **{CLASS: "INTELLIGENT_TIERING"})
        self.assertEqual(self.at("t")("GET").body, b"warm")
        self.refused(self.restore("t"), 403, "InvalidObjectState")
        self.end("t", access="DEEP_ARCHIVE_ACCESS")
        self.refused(self.at("t")("GET"), 403, "InvalidObjectState")
        self.assertEqual(self.at("t")("HEAD").headers["x-amz-archive-status"],
                         "DEEP_ARCHIVE_ACCESS")
        self.refused(self.restore("t", 3), 400, "MalformedXML")
        self.assertEqual(self.restore("t", None).status, 202)
        self.end("t")
        self.pass_time(1000 * DAY)
        self.assertEqual(self.at("t")("GET").body, b"warm")
        self.assertNotIn("x-amz-archive-status", self.at("t")("HEAD").headers)

    def test_what_cannot_be_restored(self):
        self.put("s", b"x")
        self.refused(self.restore("s"), 403, "InvalidObjectState")
        self.refused(self.restore("none"), 404, "NoSuchKey")
        self.put("g", b"x", **{CLASS: "GLACIER"})
        self.refused(self.restore("g", 0), 400, "MalformedXML")
        self.refused(self.restore("g", None), 400, "MalformedXML")
        self.refused(self.restore("g", tier="Now"), 400, "MalformedXML")
        self.s3.control("POST", "users", {"access_key": "UNABLE", "secret": "s",
                                          "deny": ["RestoreObject"]})
        unable = self.server.client(access_key="UNABLE", secret="s")
        self.refused(self.at("g", unable)("POST", {"restore": ""}, body=order()), 403,
                     "AccessDenied")
        self.assertEqual(self.restore("g").status, 202)
        self.end("g", success=False)
        self.refused(self.at("g")("GET"), 403, "InvalidObjectState")
        self.assertEqual(self.restore("g").status, 202)

    def test_an_old_version(self):
        self.assertEqual(self.s3("PUT", f"/{self.bucket}", {"versioning": ""}, body=b"<Versioning"
                         b"Configuration><Status>Enabled</Status></VersioningConfiguration>"
                         ).status, 200)
        old = self.put("v", b"old", **{CLASS: "GLACIER"}).headers["x-amz-version-id"]
        self.put("v", b"new")
        reply = self.at("v")("POST", {"restore": "", "versionId": old}, body=order())
        self.assertEqual((reply.status, reply.headers["x-amz-version-id"]), (202, old))
        self.assertEqual(self.at("v")("HEAD", {"versionId": old}).headers["x-amz-restore"],
                         'ongoing-request="true"')
        self.assertEqual(self.at("v")("GET").body, b"new")
