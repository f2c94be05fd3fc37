"""What the self test's cases share: a running server, signed requests, TAP."""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from test_client import Client

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = tempfile.TemporaryDirectory(prefix="coffer-server-")
SMALL_PART = 1000


class Running:
    """A server process for the length of the run."""

    def __init__(self, *arguments):
        self.port_file = tempfile.mktemp(dir=WORK.name)
        self.log = open(self.port_file + ".log", "wb")
        self.process = subprocess.Popen(
            [sys.executable, HERE, "--port", "0", "--port-file", self.port_file, *arguments],
            stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 15
        while not os.path.exists(self.port_file):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("the server does not start")
            time.sleep(0.02)
        with open(self.port_file, encoding="ascii") as file:
            self.port = int(file.read())

    def client(self, **options):
        return Client(self.port, **options)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(10)
        self.log.close()
        with open(self.log.name, encoding="utf-8") as file:
            return status, file.read()


class Served(unittest.TestCase):
    """Tests on one shared server; each takes a bucket of its own."""

    server = None

    @classmethod
    def setUpClass(cls):
        Served.server = Served.server or Running(
            "--min-part-size", str(SMALL_PART), "--user", "READER:secret:ro", "--user",
            "NOLIST:secret:deny=ListBucket", "--user", "NOPUT:secret:deny=PutObject@locked/*",
            "--sts-seconds", "60", "--body-timeout", "2")

    def setUp(self):
        self.s3 = self.server.client()
        self.bucket = "b-" + hashlib.md5(self.id().encode()).hexdigest()[:12]
        self.assertEqual(self.s3("PUT", f"/{self.bucket}").status, 200)
        self.s3.control("POST", "requests/clear")

    def tearDown(self):
        self.s3.control("POST", "faults", [])
        self.s3.drop()

    def at(self, key="", client=None):
        return lambda method, *more, **named: (client or self.s3)(
            method, f"/{self.bucket}{'/' + key if key else ''}", *more, **named)

    def put(self, key, body=b"", **headers):
        answer = self.at(key)("PUT", body=body, headers=headers)
        self.assertEqual((answer.status, answer.code), (200, ""))
        return answer

    def pass_time(self, seconds):
        self.s3.control("POST", "clock", {"offset_s": seconds})
        self.s3.offset_s = seconds

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.code), (status, code), answer.body)

    def multipart(self, key, parts, **headers):
        begun = self.at(key)("POST", {"uploads": ""}, headers=headers)
        upload = begun.field("UploadId")
        etags = [self.at(key)("PUT", {"partNumber": str(number), "uploadId": upload},
                              body=body).headers["etag"] for number, body in enumerate(parts, 1)]
        return upload, etags

    def complete(self, key, upload, etags, **headers):
        rows = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
                       for number, etag in enumerate(etags, 1))
        return self.at(key)("POST", {"uploadId": upload}, headers=headers, body=(
            f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>").encode())


class Tap(unittest.TestResult):
    """Prints test points as TAP."""

    count = 0

    def _point(self, word, test, why=""):
        self.count += 1
        print(f"{word} {self.count} - {test.id().partition('.')[2]}{why}", flush=True)

    def addSuccess(self, test):
        self._point("ok", test)

    def addSkip(self, test, reason):
        self._point("ok", test, f" # SKIP {reason}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._point("not ok", test)
        for line in self.failures[-1][1].splitlines():
            print("# " + line)

    def addError(self, test, err):
        super().addError(test, err)
        self._point("not ok", test)
        for line in self.errors[-1][1].splitlines():
            print("# " + line)
