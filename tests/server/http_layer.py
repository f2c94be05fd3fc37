"""HTTP/1.1 over sockets: one thread per connection, keep-alive, Expect: 100-continue, pacing.

Written on sockets and not on http.server because the tests need what a polite server never does:
replies cut at a byte, resets, stalls, two replies for one request. The application gets an
`Exchange` for each request; it reads the body when it wants it, and sends exactly one reply.
"""

import socket
import ssl
import struct
import threading
import time

HEAD_LIMIT = 64 * 1024
SEND_SLICE = 1 << 20
REASONS = {
    100: "Continue", 200: "OK", 204: "No Content", 206: "Partial Content",
    301: "Moved Permanently", 302: "Found", 304: "Not Modified", 307: "Temporary Redirect",
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 411: "Length Required",
    412: "Precondition Failed", 416: "Requested Range Not Satisfiable", 429: "Too Many Requests",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout",
}


class Disconnected(Exception):
    """The peer went away, or we reset the connection on purpose."""


class BadHttp(Exception):
    """The request is not HTTP/1.1 as we take it; the text says what is wrong."""


class BodyTimeout(Exception):
    """The client announced a body and stopped sending it."""


class Request:
    """One request as it came over the wire; header names are lower case, order is kept."""

    __slots__ = ("method", "target", "path", "query", "headers", "content_length", "secure")

    def __init__(self, method, target, headers, secure):
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.secure = secure
        length = self.header("content-length")
        if length is not None and not length.isdigit():
            raise BadHttp("bad Content-Length")
        self.content_length = int(length) if length is not None else None

    def header(self, name, default=None):
        """The first value of a header, or `default`."""
        for key, value in self.headers:
            if key == name:
                return value
        return default

    def values(self, name):
        """All values of a header, in the order they were sent."""
        return [value for key, value in self.headers if key == name]


class Reply:
    """Status, headers and a body given as a list of buffers, which are sent without a copy."""

    __slots__ = ("status", "headers", "parts", "length", "close")

    def __init__(self, status, headers=(), body=b"", close=False):
        self.status = status
        self.headers = list(headers)
        self.parts = body if isinstance(body, list) else ([body] if body else [])
        self.length = sum(len(part) for part in self.parts)
        self.close = close

    def header(self, name):
        """The first value of a header (any case), or None."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None

    def joined(self):
        """The whole body as bytes; for small bodies and tests."""
        return b"".join(self.parts)


class Pacer:
    """Bounds one direction of one connection to `rate` bytes per second (0: unbounded)."""

    def __init__(self, rate):
        self.rate = rate
        self._free_at = 0.0

    def slice(self):
        """How many bytes to move at a time, so that the pace is even."""
        return max(1, min(SEND_SLICE, self.rate // 20)) if self.rate else SEND_SLICE

    def took(self, count):
        """Sleep for as long as `count` bytes take at this rate."""
        if not self.rate:
            return
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + count / self.rate
        if self._free_at > now:
            time.sleep(self._free_at - now)


class Connection:
    """A client's connection. Used by one thread only."""

    def __init__(self, sock, server):
        self._sock = sock
        self._server = server
        self._pending = b""
        self.secure = isinstance(sock, ssl.SSLSocket)
        self.pace_in = Pacer(server.bandwidth)
        self.pace_out = Pacer(server.bandwidth)
        self.record = None  # of the request that is being read
        self.body_left = 0  # of it

    def serve(self):
        """Answer requests until the client or a reply ends the connection."""
        try:
            while self._serve_one():
                pass
        except (Disconnected, OSError):
            pass
        finally:
            self.close()

    def _serve_one(self):
        head = self._read_head()
        if head is None:
            return False
        try:
            exchange = Exchange(self, self._parse(head))
        except BadHttp as error:
            self.send_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n"
                          b"X-Reason: " + str(error).encode() + b"\r\n\r\n")
            return False
        self.body_left = exchange.request.content_length or 0
        self.record = self._server.recorder and self._server.recorder.begin(exchange.request)
        self._server.application(exchange)
        return exchange.keep_alive

    def _read_head(self):
        """The bytes up to the empty line, or None when the client closed between requests."""
        while True:
            end = self._pending.find(b"\r\n\r\n")
            if end >= 0:
                head, self._pending = self._pending[:end], self._pending[end + 4:]
                return head
            if len(self._pending) > HEAD_LIMIT:
                raise Disconnected("request head too large")
            more = self._sock.recv(65536)
            if not more:
                return None
            self._pending += more

    def _parse(self, head):
        lines = head.decode("latin-1").lstrip("\r\n").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or words[2] != "HTTP/1.1":
            raise BadHttp("not an HTTP/1.1 request line")
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise BadHttp("malformed header line")
            headers.append((name.lower(), value.strip(" \t")))
        target = words[1]
        if not target.startswith("/"):
            raise BadHttp("request target must be an absolute path")
        return Request(words[0], target, headers, self.secure)

    def read_exact(self, count):
        """`count` bytes of body as one read-only memoryview, received in place."""
        buffer = bytearray(count)
        view = memoryview(buffer)
        have = min(count, len(self._pending))
        view[:have] = self._pending[:have]
        self._pending = self._pending[have:]
        self.pace_in.took(have)
        self._sock.settimeout(self._server.body_timeout)
        try:
            while have < count:
                step = min(count - have, self.pace_in.slice())
                got = self._sock.recv_into(view[have:have + step])
                if not got:
                    raise Disconnected("client closed inside a body")
                have += got
                self.pace_in.took(got)
        except TimeoutError as error:
            raise BodyTimeout() from error
        finally:
            self._sock.settimeout(None)
            self.body_left -= have
            if self.record:
                self.record.write(view[:have])
        return view.toreadonly()

    def send_all(self, data):
        """Send a buffer, at the connection's pace."""
        view = memoryview(data)
        step = self.pace_out.slice()
        for start in range(0, len(view), step):
            piece = view[start:start + step]
            self._sock.sendall(piece)
            self.pace_out.took(len(piece))

    def reset(self):
        """End the connection with a TCP reset, as a crashed server or a middle box does."""
        raw = self._sock
        self._record_rest()
        try:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.close()
        raise Disconnected("reset on purpose")

    def _record_rest(self):
        """What came of a body that nobody wants to read was sent all the same."""
        if not self.record or not self.body_left:
            return
        self.record.write(self._pending[:self.body_left])
        self.body_left -= min(self.body_left, len(self._pending))
        self._sock.setblocking(False)
        try:
            while self.body_left and (more := self._sock.recv(min(self.body_left, SEND_SLICE))):
                self.record.write(more)
                self.body_left -= len(more)
        except OSError:
            pass

    def close(self):
        """End the connection; what was sent before still arrives."""
        try:
            self._sock.close()
        except OSError:
            pass


class Exchange:
    """One request on a connection, and the means to answer it."""

    def __init__(self, connection, request):
        self.connection = connection
        self.request = request
        self.bytes_in = 0
        self.bytes_out = 0
        self.keep_alive = (request.header("connection") or "").lower() != "close"
        self.body_read = not request.content_length
        self.for_kms = False  # refusals are JSON
        self._expects = (request.header("expect") or "").lower() == "100-continue"

    def read_body(self):
        """The whole request body; tells a waiting client to go on first."""
        count = self.request.content_length or 0
        if self.body_read:
            return memoryview(b"")
        self._continue()
        body = self.connection.read_exact(count)
        self.body_read = True
        self.bytes_in = count
        return body

    def read_some_body(self, count):
        """Only the first `count` bytes: for faults that break an upload in its middle."""
        self._continue()
        self.connection.read_exact(min(count, self.request.content_length or 0))

    def _continue(self):
        if self._expects:
            self._expects = False
            self.connection.send_all(b"HTTP/1.1 100 Continue\r\n\r\n")

    def settle_body(self):
        """Before an early reply: swallow the body, or end keep-alive if it was never sent."""
        if self.body_read:
            return
        if self._expects:
            self.keep_alive = False
            return
        left = self.request.content_length or 0
        while left > 0:
            step = min(left, 1 << 22)
            self.connection.read_exact(step)
            left -= step
        self.body_read = True

    def head_bytes(self, reply, chunked=False):
        """Status line and headers as they go out."""
        lines = [f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in reply.headers]
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        elif reply.header("content-length") is None and reply.status not in (204, 304):
            lines.append(f"Content-Length: {reply.length}")
        if not self.keep_alive or reply.close:
            self.keep_alive = False
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def body_parts(self, reply):
        """The buffers that follow the head: none for HEAD, 204 and 304."""
        if self.request.method == "HEAD" or reply.status in (204, 304):
            return []
        return reply.parts

    def send(self, reply):
        """Send a whole reply as it should be."""
        self.settle_body()
        head = self.head_bytes(reply)
        parts = self.body_parts(reply)
        if parts and len(parts[0]) <= 65536:
            head += bytes(parts[0])
            parts = parts[1:]
        self.connection.send_all(head)
        for part in parts:
            self.connection.send_all(part)
        self.bytes_out = 0 if self.request.method == "HEAD" else reply.length


class HttpServer:
    """Listens on 127.0.0.1 and runs `application(exchange)` for each request."""

    def __init__(self, application, port=0, tls=None, bandwidth=0, body_timeout=30.0):
        self.application = application
        self.bandwidth = bandwidth
        self.body_timeout = body_timeout
        self.connections_seen = 0
        self.recorder = None  # a record.Recorder that keeps all bodies
        self._context = self._tls_context(tls) if tls else None
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = self._listener.getsockname()[1]

    @staticmethod
    def _tls_context(files):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(files[0], files[1])
        return context

    def serve_forever(self):
        """Accept until the process ends."""
        while True:
            sock, _ = self._listener.accept()
            self.connections_seen += 1
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock):
        if self._context is not None:
            try:
                sock.settimeout(self.body_timeout)
                sock = self._context.wrap_socket(sock, server_side=True)
                sock.settimeout(None)
            except OSError:
                sock.close()
                return
        Connection(sock, self).serve()
