"""Faults as data: rules that say which requests go wrong, and how.

A rule is {"match": {...}, "do": {...}} or {"match": {...}, "one_of": [{...}, ...]}; the README has
the vocabulary. Rules are tried in order and the first that fires wins. Everything random comes
from one seeded generator, so that a run can be repeated.
"""

import fnmatch
import json
import random
import threading
import time

import kms
import s3
import xmlout
from errors import ServiceError, refuse
from http_layer import Pacer, Reply

MATCH_WORDS = {"method", "operation", "bucket", "key_glob", "user", "nth", "every", "after",
               "probability", "times"}
DO_WORDS = {
    "status", "code", "message", "headers", "body", "delay_ms", "hold", "reset", "upload_reset_at",
    "truncate_at", "extra_bytes", "stall_ms", "stall_at", "wrong_content_range", "error_in_200",
    "truncated_xml", "keepalive_spaces", "keepalive_ms", "foreign_404", "bodiless_404",
    "duplicate_reply", "throttle", "skew_s", "drop_reply_after_apply", "flip_at", "bandwidth",
    "close_after", "lose_lock"}
LOST_LOCKS = ("dropped", "wrapped")
RESETS = ("before_headers", "after_headers", "at_truncation")
_CODES = {500: "InternalError", 502: "BadGateway", 503: "SlowDown", 504: "GatewayTimeout",
          403: "AccessDenied", 404: "NoSuchKey", 409: "OperationAborted", 400: "BadRequest",
          429: "TooManyRequests", 408: "RequestTimeout", 412: "PreconditionFailed"}
_FOREIGN = b"<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"


class Rule:
    """One rule and how often it matched and fired."""

    def __init__(self, data):
        unknown = set(data) - {"match", "do", "one_of", "comment"}
        self.match = data.get("match", {})
        self.actions = data.get("one_of") or [data.get("do", {})]
        unknown |= set(self.match) - MATCH_WORDS
        for action in self.actions:
            unknown |= set(action) - DO_WORDS
            if action.get("reset") not in (None, *RESETS):
                unknown.add(f"reset: {action['reset']}")
            if action.get("lose_lock") not in (None, *LOST_LOCKS):
                unknown.add(f"lose_lock: {action['lose_lock']}")
        if unknown:
            raise ValueError(f"unknown words in a fault rule: {sorted(unknown)}")
        self.matched = 0
        self.fired = 0

    def _concerns(self, facts):
        match = self.match
        names = match.get("operation")
        if isinstance(names, str):
            names = [names]
        return (match.get("method", facts["method"]) == facts["method"] and
                (names is None or facts["operation"] in names) and
                match.get("bucket", facts["bucket"]) == facts["bucket"] and
                match.get("user", facts["user"]) == facts["user"] and
                ("key_glob" not in match or
                 fnmatch.fnmatchcase(facts["key"], match["key_glob"])))

    def choose(self, facts, generator):
        """The action for this request, or None."""
        if not self._concerns(facts):
            return None
        self.matched += 1
        match, count = self.match, self.matched
        if "times" in match and self.fired >= match["times"]:
            return None
        if "nth" in match and count != match["nth"]:
            return None
        if "after" in match and count <= match["after"]:
            return None
        if "every" in match and count % match["every"]:
            return None
        if "probability" in match and generator.random() >= match["probability"]:
            return None
        self.fired += 1
        return self.actions[0] if len(self.actions) == 1 else generator.choice(self.actions)


class Faults:
    """All rules. Thread safe."""

    def __init__(self, seed=1):
        self._lock = threading.Lock()
        self._rules = []
        self._random = random.Random(seed)
        self._gates = {}
        self.injected = 0

    def load(self, data):
        """Replace the rules: a list, or {"seed": n, "rules": [...]}."""
        rules = data if isinstance(data, list) else data.get("rules", [])
        if not isinstance(data, list) and set(data) - {"rules", "seed", "comment"}:
            raise ValueError("unknown words beside rules and seed")
        made = [Rule(item) for item in rules]
        with self._lock:
            self._rules = made
            if not isinstance(data, list) and "seed" in data:
                self._random = random.Random(data["seed"])

    def load_file(self, path):
        """Replace the rules by those of a JSON file."""
        with open(path, encoding="utf-8") as file:
            self.load(json.load(file))

    def choose(self, facts):
        """The action for a request; an empty one means that nothing goes wrong."""
        if not self._rules:
            return {}
        with self._lock:
            for rule in self._rules:
                action = rule.choose(facts, self._random)
                if action is not None:
                    self.injected += 1
                    return action
        return {}

    def state(self):
        """Matched and fired per rule, for the counters."""
        with self._lock:
            return [{"match": rule.match, "matched": rule.matched, "fired": rule.fired}
                    for rule in self._rules]

    def gate(self, name):
        """The event that requests with {"hold": name} wait for."""
        with self._lock:
            return self._gates.setdefault(name, threading.Event())

    def release(self, name):
        """Let everything that waits at a gate go on, now and later."""
        self.gate(name).set()


def point(value, length):
    """A place in a body: a fraction below 1 (or 1.0), or a number of bytes."""
    if isinstance(value, float):
        return min(length, int(value * length))
    return min(length, int(value))


def before(world, exchange, action):
    """What happens before the request is looked at; a Reply ends it here."""
    if "delay_ms" in action:
        time.sleep(action["delay_ms"] / 1000)
    if "hold" in action:
        world.faults.gate(action["hold"]).wait(60)
    exchange.skew = float(action.get("skew_s", 0))
    exchange.lose_lock = action.get("lose_lock")
    if "upload_reset_at" in action:
        length = exchange.request.content_length or 0
        exchange.read_some_body(point(action["upload_reset_at"], length))
        exchange.connection.reset()
    if action.get("reset") == "before_headers":
        exchange.settle_body()
        exchange.connection.reset()
    return _instead(world, exchange, action)


def _instead(world, exchange, action):
    """The reply that takes the place of the real one, or None."""
    now = world.clock.now()
    if action.get("foreign_404"):
        return Reply(404, [("Content-Type", "text/html"), ("Server", "proxy")], _FOREIGN)
    if action.get("bodiless_404"):
        return Reply(404, [("Server", "proxy")])
    error = None
    if action.get("throttle"):
        error = ServiceError("ThrottlingException", 400, "Rate exceeded") if exchange.for_kms \
            else refuse("SlowDown")
    elif action.get("error_in_200"):
        code = action["error_in_200"] if isinstance(action["error_in_200"], str) else \
            "InternalError"
        error = ServiceError(code, 200, action.get("message", "Injected: error inside a 200."))
    elif "status" in action:
        status = action["status"]
        if status < 400 or "body" in action:
            reply = Reply(status, [], action.get("body", "").encode())
            reply.headers += list(action.get("headers", {}).items())
            return s3.finish(reply, exchange.request_id, now)
        code = action.get("code", _CODES.get(status, "InternalError"))
        error = ServiceError(code, status, action.get("message", "Injected."))
    if error is None:
        return None
    if exchange.for_kms:
        reply = kms.error_reply(error, now)
    else:
        reply = s3.finish(s3.plain_error(error, exchange.request, exchange.request_id),
                          exchange.request_id, now)
    reply.headers += list(action.get("headers", {}).items())
    return reply


def _cut_xml(reply):
    body = reply.joined()
    keep = body[:max(1, len(body) * 2 // 3)]
    return Reply(reply.status, reply.headers, keep)


def _flip(reply, value):
    body = bytearray(reply.joined())
    if body:
        body[min(len(body) - 1, point(value, len(body)))] ^= 0x01
    return Reply(reply.status, reply.headers, bytes(body))


def deliver(exchange, reply, action):
    """Send a reply the way the action wants it."""
    if action.get("drop_reply_after_apply"):
        exchange.connection.reset()
    if "bandwidth" in action:
        exchange.connection.pace_out = Pacer(action["bandwidth"])
    if action.get("truncated_xml") and reply.header("content-type") == "application/xml":
        reply = _cut_xml(reply)
    if "flip_at" in action:
        reply = _flip(reply, action["flip_at"])
    if "keepalive_spaces" in action:
        _send_with_spaces(exchange, reply, action)
    elif {"truncate_at", "stall_ms", "stall_at"} & action.keys() or \
            action.get("reset") == "after_headers":
        _send_broken(exchange, reply, action)
    else:
        exchange.send(reply)
        if action.get("duplicate_reply"):
            exchange.send(reply)
        if action.get("extra_bytes"):
            exchange.connection.send_all(b"x" * action["extra_bytes"])
    if action.get("close_after"):
        exchange.keep_alive = False


def _send_slice(exchange, reply, start, end):
    at = 0
    for part in exchange.body_parts(reply):
        low, high = max(start - at, 0), min(end - at, len(part))
        if low < high:
            exchange.connection.send_all(memoryview(part)[low:high])
        at += len(part)


def _send_broken(exchange, reply, action):
    """Head, a piece of the body, then a stall, an end or a reset."""
    exchange.settle_body()
    exchange.connection.send_all(exchange.head_bytes(reply))
    length = sum(len(part) for part in exchange.body_parts(reply))
    if action.get("reset") == "after_headers":
        exchange.connection.reset()
    end = point(action["truncate_at"], length) if "truncate_at" in action else length
    stop = min(end, point(action.get("stall_at", 0.5), length)) if "stall_ms" in action else end
    _send_slice(exchange, reply, 0, stop)
    if "stall_ms" in action:
        time.sleep(action["stall_ms"] / 1000)
        _send_slice(exchange, reply, stop, end)
    if end < length:
        if action.get("reset") == "at_truncation":
            exchange.connection.reset()
        exchange.keep_alive = False
        exchange.connection.close()


def _send_with_spaces(exchange, reply, action):
    """A 200 that begins with its declaration and spaces, as slow Copy and Complete calls do."""
    exchange.settle_body()
    exchange.connection.send_all(exchange.head_bytes(reply, chunked=True))
    body = reply.joined()
    declaration = xmlout.DECLARATION.encode()
    pieces = [declaration] if body.startswith(declaration) else []
    pieces += [b" "] * action["keepalive_spaces"]
    pieces.append(body.removeprefix(declaration))
    for piece in pieces:
        if piece == b" ":
            time.sleep(action.get("keepalive_ms", 0) / 1000)
        if piece:
            exchange.connection.send_all(b"%x\r\n%b\r\n" % (len(piece), piece))
    exchange.connection.send_all(b"0\r\n\r\n")
