"""Self test: faults, the control endpoint, HTTP itself."""

import base64
import http.client
import json
import os
import subprocess
import sys
import threading
import time

from test_client import ACCESS_KEY, read_answer
from test_support import HERE, Served


class Faults(Served):
    def rule(self, do, **match):
        status, reply = self.s3.control("POST", "faults", [{"match": match, "do": do}])
        self.assertEqual((status, reply), (200, {}))

    def test_statuses_and_counting(self):
        self.put("k", b"v")
        self.rule({"status": 500}, operation="GetObject", nth=2)
        self.assertEqual([self.at("k")("GET").status for _ in range(3)], [200, 500, 200])
        self.rule({"throttle": True}, key_glob="k*", every=2, times=1)
        self.assertEqual([self.at("k")("GET").status for _ in range(4)], [200, 503, 200, 200])
        self.rule({"status": 307, "headers": {"Location": "http://elsewhere/"}})
        self.assertEqual(self.at("k")("GET").headers["location"], "http://elsewhere/")
        self.rule({"foreign_404": True})
        answer = self.at("k")("GET")
        self.assertEqual((answer.status, answer.headers["content-type"]), (404, "text/html"))
        self.rule({"bodiless_404": True})
        self.assertEqual(self.at("k")("GET").body, b"")
        self.rule({"error_in_200": "SlowDown"})
        self.refused(self.at("k")("GET"), 200, "SlowDown")
        self.rule({"skew_s": 3600})
        self.refused(self.at("k")("GET"), 403, "RequestTimeTooSkewed")
        self.assertEqual(self.s3.control("POST", "faults", [{"do": {"explode": 1}}])[0], 400)
        self.assertGreater(self.s3.control("GET", "counters")[1]["faults_injected"], 6)

    def test_broken_bodies(self):
        body = bytes(range(250)) * 4
        self.put("k", body)
        for action, length in (({"truncate_at": 0.5}, 500), ({"truncate_at": 10}, 10),
                               ({"truncate_at": 0.0}, 0)):
            self.rule(action)
            with self.assertRaises(http.client.IncompleteRead) as caught:
                self.at("k")("GET")
            self.assertEqual(caught.exception.partial, body[:length])
        for action in ({"reset": "before_headers"}, {"reset": "after_headers"}):
            self.rule(action)
            with self.assertRaises((OSError, http.client.HTTPException)):
                self.at("k")("GET")
        self.rule({"truncate_at": 0.5, "reset": "at_truncation"})
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.at("k")("GET")
        self.rule({"flip_at": 0.5})
        self.assertEqual(sum(a != b for a, b in zip(self.at("k")("GET").body, body)), 1)
        self.rule({"wrong_content_range": True})
        answer = self.at("k")("GET", headers={"range": "bytes=10-19"})
        self.assertEqual((answer.headers["content-range"], answer.body),
                         ("bytes 11-20/1000", body[11:21]))
        self.rule({"stall_ms": 300})
        start = time.monotonic()
        self.assertEqual(self.at("k")("GET").body, body)
        self.assertGreater(time.monotonic() - start, 0.29)

    def test_too_much_comes_back(self):
        self.put("k", b"body")
        for action, wanted in (({"extra_bytes": 3}, b"xxx"),
                               ({"duplicate_reply": True}, b"HTTP/1")):
            self.rule(action, times=1)
            sock = self.s3.connect()
            sock.sendall(self.s3.build("GET", f"/{self.bucket}/k"))
            time.sleep(0.2)
            data = sock.recv(1 << 16)
            sock.close()
            self.assertTrue(data.partition(b"\r\n\r\n")[2].startswith(b"body" + wanted), data)

    def test_applied_but_unheard(self):
        self.rule({"drop_reply_after_apply": True}, operation="PutObject")
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.put("k", b"v")
        self.assertEqual(self.at("k")("GET").body, b"v")
        self.rule({"upload_reset_at": 0.5}, operation="PutObject")
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.put("no", b"v" * 100)
        self.assertEqual(self.at("no")("GET").status, 404)

    def test_odd_documents(self):
        self.put("k", b"v")
        self.rule({"truncated_xml": True}, operation="ListObjectsV2")
        self.assertNotIn(b"</ListBucketResult>", self.at()("GET", {"list-type": "2"}).body)
        self.rule({"keepalive_spaces": 4}, operation="CopyObject")
        answer = self.at("c")("PUT", headers={"x-amz-copy-source": f"/{self.bucket}/k"})
        self.assertIn(b"?>\n    <CopyObjectResult", answer.body)
        self.rule({"keepalive_spaces": 1, "error_in_200": "InternalError"}, operation="CopyObject")
        answer = self.at("c")("PUT", headers={"x-amz-copy-source": f"/{self.bucket}/k"})
        self.refused(answer, 200, "InternalError")

    def test_seed_repeats(self):
        self.put("k")
        rules = {"seed": 7, "rules": [{"match": {"probability": 0.5}, "do": {"status": 500}}]}

        def run():
            self.s3.control("POST", "faults", rules)
            return [self.at("k")("HEAD").status for _ in range(40)]
        first = run()
        self.assertEqual(first, run())
        self.assertEqual(set(first), {200, 500})

    def test_gate(self):
        self.put("k")
        self.rule({"hold": "door"}, operation="GetObject")
        statuses = []
        thread = threading.Thread(target=lambda: statuses.append(
            self.at("k", self.server.client())("GET").status))
        thread.start()
        time.sleep(0.1)
        self.assertEqual(statuses, [])
        self.s3.control("POST", "release", {"name": "door"})
        thread.join(10)
        self.assertEqual(statuses, [200])

    def test_shipped_rules_load(self):
        for name in sorted(os.listdir(os.path.join(HERE, "faults"))):
            with open(os.path.join(HERE, "faults", name), encoding="utf-8") as file:
                self.assertEqual(self.s3.control("POST", "faults", json.load(file))[0], 200, name)


class Control(Served):
    def test_request_log(self):
        self.put("k", b"12345")
        self.at("k")("GET", headers={"range": "bytes=0-1", "if-match": '"x"'})
        log = self.s3.control("GET", "requests")[1]
        self.assertEqual([(row["operation"], row["status"], row["bytes_in"], row["key"],
                           row["user"]) for row in log],
                         [("PutObject", 200, 5, "k", ACCESS_KEY),
                          ("GetObject", 412, 0, "k", ACCESS_KEY)])
        self.assertEqual((log[1]["range"], log[1]["conditions"]),
                         ("bytes=0-1", {"if-match": '"x"'}))
        counters = self.s3.control("GET", "counters")[1]
        self.assertEqual(counters["by_operation"], {"PutObject": 1, "GetObject": 1})
        self.assertEqual(self.s3.control("GET", f"requests?since={log[0]['seq']}")[1], log[1:])

    def test_fixtures_and_snapshots(self):
        key = base64.b64encode(b"\xff\x00 bad").decode()
        self.s3.control("POST", f"buckets/{self.bucket}/put", {
            "key_b64": key, "body": "x", "metadata": {"mode": "99999999"}})
        page = self.at()("GET", {"list-type": "2", "encoding-type": "url"})
        self.assertEqual(page.fields("Key"), ["%FF%00+bad"])
        self.assertEqual(self.at("%FF%00%20bad")("GET").body, b"x")
        self.s3.control("POST", f"buckets/{self.bucket}/snapshot")
        self.at("%FF%00%20bad")("DELETE")
        self.s3.control("POST", f"buckets/{self.bucket}/restore")
        self.assertEqual(self.at("%FF%00%20bad")("HEAD").headers["x-amz-meta-mode"], "99999999")
        self.s3.control("POST", f"buckets/{self.bucket}/put", {
            "key": "big", "size": 2 ** 62, "headers": {"x-amz-restore": "ongoing"}})
        answer = self.at("big")("GET", headers={"range": f"bytes={2 ** 62 - 10}-"})
        self.assertEqual((answer.status, len(answer.body)), (206, 10))
        self.assertEqual(answer.headers["x-amz-restore"], "ongoing")
        self.assertEqual(self.s3.control("POST", "nonsense")[0], 400)


class Http(Served):
    def test_expect_continue(self):
        body = b"x" * 10
        data = self.s3.build("PUT", f"/{self.bucket}/k", body=body,
                             headers={"expect": "100-continue"})
        sock = self.s3.connect()
        sock.sendall(data[:-10])
        self.assertTrue(sock.recv(100).startswith(b"HTTP/1.1 100 "))
        sock.sendall(body)
        self.assertEqual(read_answer(sock, "PUT")[0].status, 200)
        sock.sendall(data[:-10].replace(b"Signature=", b"Signature=0"))
        answer, closes = read_answer(sock, "PUT")
        self.assertEqual((answer.status, closes), (403, True))
        sock.close()

    def test_pipelining_and_chunks(self):
        self.put("k", b"v")
        one = self.s3.build("GET", f"/{self.bucket}/k")
        sock = self.s3.connect()
        sock.sendall(one + one)
        time.sleep(0.3)
        self.assertEqual(sock.recv(1 << 16).count(b"HTTP/1.1 200"), 2)
        sock.close()
        answer = self.s3.send(self.s3.build("PUT", f"/{self.bucket}/k",
                                            headers={"transfer-encoding": "chunked"}))
        self.refused(answer, 501, "NotImplemented")

    def test_slow_client(self):
        sock = self.s3.connect()
        sock.sendall(self.s3.build("PUT", f"/{self.bucket}/k", body=b"12345")[:-1])
        self.refused(read_answer(sock, "PUT")[0], 400, "RequestTimeout")
        sock.close()

    def test_pace(self):
        self.s3.control("POST", "settings", {"latency_ms": 100, "bandwidth": 1000000})
        slow = self.server.client()
        start = time.monotonic()
        self.at("k", slow)("PUT", body=b"x" * 300000)
        taken = time.monotonic() - start
        self.s3.control("POST", "settings", {"latency_ms": 0, "bandwidth": 0})
        slow.drop()
        self.assertGreater(taken, 0.35)

    def test_sixteen_connections(self):
        self.put("k", b"x" * 4096)
        data = self.s3.build("GET", f"/{self.bucket}/k")

        def work():
            client = self.server.client()
            for _ in range(40):
                self.assertEqual(len(client.send(data).body), 4096)
            client.drop()

        def rate():
            threads = [threading.Thread(target=work) for _ in range(16)]
            start = time.monotonic()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return 640 / (time.monotonic() - start)
        # The best of three: other tests share the machine.
        self.assertTrue(any(rate() > 300 for _ in range(3)))


class Last(Served):
    def test_ends_quietly_and_never_crashed(self):
        self.assertEqual(self.s3.control("GET", "counters")[1]["crashes"], 0)
        self.s3.drop()
        status, output = self.server.stop()
        Served.server = None
        self.assertEqual((status, output.count("\n")), (0, 1), output)

    def tearDown(self):
        pass

    def test_bad_options(self):
        for arguments in (["--bandwith", "1"], ["--user", "x"], ["--access-point", "a=none"]):
            done = subprocess.run([sys.executable, HERE, *arguments], capture_output=True,
                                  check=False, timeout=20)
            self.assertNotEqual((done.returncode, done.stderr), (0, b""))
