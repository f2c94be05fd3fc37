"""A small signing client for test_server.t: raw sockets, so that broken replies can be looked at.

It signs by the book and on its own; the verifier's code is not used.
"""

import hashlib
import hmac
import http.client
import json
import re
import secrets
import socket
import ssl
import time
import urllib.request
from urllib.parse import quote

import ecdsa_p256

ACCESS_KEY = "COFFERTESTACCESSKEY1"
SECRET_KEY = "coffer/test+secret/key/number/one/40char"


class Answer:
    """A reply: status, headers (lower case), body."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def code(self):
        """The error code of the body, or ""."""
        return self.field("Code")

    def field(self, name):
        """The text of the first element of that name."""
        match = re.search(rb"<%b>(.*?)</%b>" % (name.encode(), name.encode()), self.body, re.S)
        return match[1].decode() if match else ""

    def fields(self, name):
        """The texts of all elements of that name."""
        return [text.decode() for text in
                re.findall(rb"<%b>(.*?)</%b>" % (name.encode(), name.encode()), self.body, re.S)]


def encode(text, safe="/"):
    """Percent-encoding of a key or a value."""
    return quote(text, safe=safe + "-_.~")


class Client:
    """Signs and sends single requests over one kept connection."""

    def __init__(self, port, access_key=ACCESS_KEY, secret=SECRET_KEY, *, token=None,
                 region="us-east-1", service="s3", host=None, offset_s=0, tls=False):
        self.port = port
        self.access_key = access_key
        self.secret = secret
        self.token = token
        self.region = region
        self.service = service
        self.host = host or f"127.0.0.1:{port}"
        self.offset_s = offset_s
        self.token_header = "x-amz-security-token"
        self._tls = tls
        self._socket = None

    def _now(self):
        return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + self.offset_s))

    def _key(self, date):
        key = ("AWS4" + self.secret).encode()
        for word in (date, self.region, self.service, "aws4_request"):
            key = hmac.digest(key, word.encode(), "sha256")
        return key

    def _sign(self, method, path, query, headers, payload, now):
        names = sorted(headers)
        canonical = "\n".join([method, path, query,
                               "".join(f"{name}:{headers[name]}\n" for name in names),
                               ";".join(names), payload])
        scope = f"{now[:8]}/{self.region}/{self.service}/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope,
                          hashlib.sha256(canonical.encode("latin-1")).hexdigest()])
        return scope, ";".join(names), hmac.digest(self._key(now[:8]), text.encode(),
                                                   "sha256").hex()

    def build(self, method, path, query=None, body=b"", headers=None, payload=None):
        """The bytes of a signed request. `path` is as on the wire, `query` is a dictionary."""
        now = self._now()
        text = "&".join(sorted(f"{encode(name, '')}={encode(value, '')}"
                               for name, value in (query or {}).items()))
        payload = payload or hashlib.sha256(body).hexdigest()
        signed = {"host": self.host, "x-amz-date": now, "x-amz-content-sha256": payload}
        signed.update({name.lower(): value for name, value in (headers or {}).items()})
        if self.token:
            signed[self.token_header] = self.token
        unsigned = {name: signed.pop(name) for name in ("expect", "content-length",
                                                        "transfer-encoding") if name in signed}
        scope, names, signature = self._sign(method, path, text, signed, payload, now)
        lines = [f"{method} {path}{'?' + text if text else ''} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in {**signed, **unsigned}.items()]
        lines.append(f"Authorization: AWS4-HMAC-SHA256 Credential={self.access_key}/{scope},"
                     f" SignedHeaders={names}, Signature={signature}")
        if "content-length" not in unsigned and "transfer-encoding" not in unsigned:
            lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body

    def build_v4a(self, method, path, region_set="*"):
        """A request without body, signed with SigV4A; the nonce is random, as in any signer."""
        now = self._now()
        headers = {"host": self.host, "x-amz-date": now, "x-amz-region-set": region_set,
                   "x-amz-content-sha256": hashlib.sha256(b"").hexdigest()}
        canonical = "\n".join([method, path, "", "".join(
            f"{name}:{headers[name]}\n" for name in sorted(headers)), ";".join(sorted(headers)),
            headers["x-amz-content-sha256"]])
        scope = f"{now[:8]}/{self.service}/aws4_request"
        text = "\n".join(["AWS4-ECDSA-P256-SHA256", now, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        signature = ecdsa_sign(self.access_key, self.secret, text.encode()).hex()
        lines = [f"{method} {path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"Authorization: AWS4-ECDSA-P256-SHA256 Credential={self.access_key}/{scope},"
                     f" SignedHeaders={';'.join(sorted(headers))}, Signature={signature}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def presign(self, path, query=None, expires=60, method="GET"):
        """Path and query of a presigned URL."""
        now = self._now()
        pairs = dict(query or {})
        scope = f"{now[:8]}/{self.region}/{self.service}/aws4_request"
        pairs.update({"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Date": now,
                      "X-Amz-Credential": f"{self.access_key}/{scope}",
                      "X-Amz-Expires": str(expires), "X-Amz-SignedHeaders": "host"})
        text = "&".join(sorted(f"{encode(name, '')}={encode(value, '')}"
                               for name, value in pairs.items()))
        signature = self._sign(method, path, text, {"host": self.host}, "UNSIGNED-PAYLOAD", now)[2]
        return f"{path}?{text}&X-Amz-Signature={signature}"

    def connect(self):
        """A fresh connection."""
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        if self._tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            sock = context.wrap_socket(sock)
        return sock

    def send(self, data, method="GET"):
        """Send bytes on the kept connection and read one reply."""
        if self._socket is None:
            self._socket = self.connect()
        self._socket.sendall(data)
        try:
            answer, close = read_answer(self._socket, method)
        except (OSError, http.client.HTTPException):
            self.drop()
            raise
        if close:
            self.drop()
        return answer

    def drop(self):
        """Forget the kept connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __call__(self, method, path, query=None, body=b"", headers=None, payload=None):
        return self.send(self.build(method, path, query, body, headers, payload), method)

    def control(self, method, path, data=None):
        """A call of the control endpoint; (status, JSON)."""
        scheme = "https" if self._tls else "http"
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(f"{scheme}://127.0.0.1:{self.port}/-/{path}", body,
                                         method=method)
        context = ssl._create_unverified_context() if self._tls else None
        try:
            with urllib.request.urlopen(request, context=context, timeout=20) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


def ecdsa_sign(access_key, secret, message):
    """A DER signature. The curve and the key derivation are those of the verifier, which has
    published vectors of its own."""
    order = ecdsa_p256.N
    private = ecdsa_p256.private_scalar(access_key, secret)
    nonce = secrets.randbelow(order - 1) + 1
    r = ecdsa_p256.multiply(nonce)[0] % order
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    s = pow(nonce, -1, order) * (digest + r * private) % order

    def integer(value):
        raw = value.to_bytes(value.bit_length() // 8 + 1, "big")
        return bytes([2, len(raw)]) + raw
    return bytes([0x30, len(integer(r) + integer(s))]) + integer(r) + integer(s)


def read_answer(sock, method):
    """(Answer, whether the server closes) from a socket."""
    reply = http.client.HTTPResponse(sock, method=method)
    reply.begin()
    body = reply.read()
    headers = {name.lower(): value for name, value in reply.getheaders()}
    return Answer(reply.status, headers, body), reply.will_close
