"""Everything that one running server knows, and the path of a request through it."""

import sys
import threading
import time
import traceback

import faults
import kms
import locks
import s3
import s3_control
import sts
from addresses import Resolver
from errors import ServiceError, refuse
from http_layer import BodyTimeout, Disconnected
from identity import Directory
from kms_keys import KeyService
from store import Clock, Store

import s3_archives  # noqa: F401  registers operations
import s3_buckets  # noqa: F401
import s3_copy  # noqa: F401
import s3_lists  # noqa: F401
import s3_locks  # noqa: F401
import s3_multipart  # noqa: F401
import s3_objects  # noqa: F401
import s3_policies  # noqa: F401
import s3_settings  # noqa: F401

MIN_PART = 5 * 1024 * 1024


class Entry:
    """One line of the request log."""

    __slots__ = ("seq", "start", "method", "operation", "bucket", "key", "query", "status",
                 "bytes_in", "bytes_out", "user", "host", "style", "signed", "payload", "fault",
                 "conditions", "range", "ms", "address", "copy_source", "context",
                 "lock")

    def __init__(self, seq, request):
        self.seq = seq
        self.start = time.time()
        self.method = request.method
        self.operation = "?"
        self.bucket = ""
        self.key = ""
        self.query = request.query
        self.status = 0
        self.bytes_in = request.content_length or 0
        self.bytes_out = 0
        self.user = ""
        self.host = request.header("host", "")
        self.style = ""
        self.address = ""
        self.signed = ""
        self.payload = request.header("x-amz-content-sha256", "")
        self.range = request.header("range", "")
        self.copy_source = request.header("x-amz-copy-source", "")
        self.conditions = {name: value for name, value in request.headers
                           if name.startswith("if-") or name.startswith("x-amz-copy-source-if-")}
        self.lock = {name: value for name, value in request.headers
                     if name in locks.HEADERS or name == locks.BYPASS}
        self.fault = None
        self.context = None  # KMS: the encryption context
        self.ms = None

    def as_dict(self):
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


class Log:
    """All requests, oldest first, and totals."""

    def __init__(self):
        self._lock = threading.Lock()
        self._entries = []
        self._seq = 0
        self.crashes = 0

    def begin(self, request):
        """A new entry."""
        with self._lock:
            self._seq += 1
            entry = Entry(self._seq, request)
            self._entries.append(entry)
            return entry

    def clear(self):
        """Forget all entries; numbers go on."""
        with self._lock:
            self._entries = []

    def entries(self, since=0):
        """Entries with a number above `since`."""
        with self._lock:
            return [entry.as_dict() for entry in self._entries if entry.seq > since]

    def totals(self):
        """Counts by operation, by status and by user, and bytes."""
        with self._lock:
            entries = list(self._entries)
        result = {"requests": len(entries), "by_operation": {}, "by_status": {}, "by_user": {},
                  "bytes_in": 0, "bytes_out": 0, "crashes": self.crashes}
        for entry in entries:
            for table, name in (("by_operation", entry.operation), ("by_status", str(entry.status)),
                                ("by_user", entry.user)):
                result[table][name] = result[table].get(name, 0) + 1
            result["bytes_in"] += entry.bytes_in
            result["bytes_out"] += entry.bytes_out
        return result


class World:
    """State and settings of one server."""

    def __init__(self, endpoints=("localhost",), region="us-east-1"):
        self.clock = Clock()
        self.store = Store()
        self.directory = Directory()
        self.faults = faults.Faults()
        self.log = Log()
        self.region = region
        self.resolver = Resolver(self.store, endpoints)
        self.sts = sts.TokenService()
        self.kms = KeyService(region)
        self.latency_s = 0.0
        self.tls_version = None  # what policies see; None: plain http
        self.access_points_per_page = 1000
        self.session_seconds = 300
        self.min_part_size = MIN_PART
        self.customer_keys_over_http = False

    def serve(self, exchange):
        """Answer one request, faults included."""
        exchange.request_id = s3.new_request_id()
        exchange.skew = 0.0
        exchange.lose_lock = None
        entry = self.log.begin(exchange.request)
        if self.latency_s:
            time.sleep(self.latency_s)
        action, reply = {}, None
        try:
            action, reply = self._answer(exchange, entry)
        except (Disconnected, OSError):
            entry.status = -1
            raise
        except ServiceError as error:
            reply = s3.plain_error(error, exchange.request, exchange.request_id, error.headers)
            s3.finish(reply, exchange.request_id, self.clock.now())
        except BodyTimeout:
            exchange.keep_alive = False
            exchange.body_read = True
            reply = s3.plain_error(refuse("RequestTimeout"), exchange.request, exchange.request_id)
        except Exception:  # a bug of ours must not look like a network fault
            self.log.crashes += 1
            traceback.print_exc(file=sys.stderr)
            exchange.keep_alive = False
            reply = s3.plain_error(refuse("InternalError", "the stand-in server crashed"),
                                   exchange.request, exchange.request_id)
        entry.status = reply.status
        entry.bytes_out = 0 if exchange.request.method == "HEAD" else reply.length
        entry.ms = round((time.time() - entry.start) * 1000, 3)
        faults.deliver(exchange, reply, action)

    def _answer(self, exchange, entry):
        """(action of a fault rule, reply)."""
        address = self.resolver.resolve(exchange.request)
        entry.bucket = address.bucket or ""
        entry.style = address.style
        if address.access_point:
            entry.address = "alias" if address.alias else "access-point"
        if sts.is_for_sts(exchange.request, address):
            return self._answer_sts(exchange, entry, address)
        if kms.is_for_kms(exchange.request, address):
            return self._answer_kms(exchange, entry, address)
        if s3_control.is_for_control(exchange.request, address):
            return self._answer_control(exchange, entry, address)
        context = s3.identify(self, exchange, address)
        entry.operation = context.operation.name
        entry.key = context.key.decode("utf-8", "backslashreplace")
        entry.user = _claimed_user(exchange.request)
        action = self.faults.choose({"method": entry.method, "operation": entry.operation,
                                     "bucket": entry.bucket, "key": entry.key,
                                     "user": entry.user})
        entry.fault = action or None
        reply = faults.before(self, exchange, action)
        if reply is None:
            context.now = self.clock.now() + exchange.skew
            context.range_shift = 1 if action.get("wrong_content_range") else 0
            reply = s3.execute(context)
            entry.signed = context.claim.algorithm if context.claim else ""
        return action, reply

    def _answer_control(self, exchange, entry, address):
        call = s3_control.Call(self, exchange, address)
        entry.operation, entry.key = call.operation, call.name
        entry.bucket = ""
        entry.user = _claimed_user(exchange.request)
        action = self.faults.choose({"method": entry.method, "operation": entry.operation, "bucket": "",
                                     "key": entry.key, "user": entry.user})
        entry.fault = action or None
        reply = faults.before(self, exchange, action)
        return action, reply or call.execute()

    def _answer_sts(self, exchange, entry, address):
        call = sts.Call(self, exchange, address)
        entry.operation = call.action
        entry.user = _claimed_user(exchange.request)
        action = self.faults.choose({"method": "POST", "operation": entry.operation, "bucket": "",
                                     "key": "", "user": entry.user})
        entry.fault = action or None
        reply = faults.before(self, exchange, action)
        return action, reply or call.execute()

    def _answer_kms(self, exchange, entry, address):
        exchange.for_kms = True
        call = kms.Call(self, exchange, address)
        entry.operation = call.operation
        entry.user = _claimed_user(exchange.request)
        action = self.faults.choose({"method": entry.method, "operation": entry.operation,
                                     "bucket": "", "key": "", "user": entry.user})
        entry.fault = action or None
        reply = faults.before(self, exchange, action) or call.execute()
        entry.key, entry.context = call.key_arn, call.context
        return action, reply


def _claimed_user(request):
    """The access key that a request names, whether the signature holds or not."""
    header = request.header("authorization", "")
    _, _, rest = header.partition("Credential=")
    if not rest and "X-Amz-Credential=" in request.query:
        rest = request.query.partition("X-Amz-Credential=")[2]
        return rest.partition("%2F")[0]
    return rest.partition("/")[0]
