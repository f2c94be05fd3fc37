"""The control endpoint `/-/...`: for tests, unsigned, the same under every host name.

A request counts as one for it only when it carries no signature, so that a key that begins with
`-/` stays reachable. Bodies and answers are JSON.
"""

import base64
import gc
import hashlib
import json
from urllib.parse import parse_qsl

import archives
from http_layer import Reply
from identity import DEFAULT_ACCOUNT, Permissions, User
from kms_keys import NEW_OVERHEAD, OLD_OVERHEAD, STATES, USAGES, Key
from store import AccessPoint, Archive, Body, Bucket, Lock, PatternBody, Version
from sts import Role

PREFIX = "/-/"
SUMMED_LIMIT = 1 << 30  # larger fixtures get an ETag that is no MD5


class ControlError(Exception):
    """A mistake of the test: answered 400 with the text."""


def wants(request):
    """True for requests to the control endpoint."""
    return (request.path.startswith(PREFIX) and request.header("authorization") is None and
            "X-Amz-Algorithm" not in request.query)


def handle(world, server, exchange):
    """Answer one control request."""
    body = bytes(exchange.read_body())
    try:
        data = json.loads(body) if body else {}
        result, status = Control(world, server).run(exchange.request, data), 200
    except (ControlError, ValueError, KeyError, TypeError) as error:
        result, status = {"error": f"{type(error).__name__}: {error}"}, 400
    exchange.send(Reply(status, [("Content-Type", "application/json")],
                        json.dumps(result).encode() + b"\n"))


def make_bucket(world, name, **fields):
    """A bucket made by the server itself; fields are attributes of Bucket, and `region`."""
    bucket = Bucket(name, fields.pop("region", world.region),
                    fields.pop("account", DEFAULT_ACCOUNT), world.clock.now())
    change_bucket(bucket, fields)
    world.store.add_bucket(bucket)
    return bucket


def change_bucket(bucket, fields):
    """Set attributes that a test may choose."""
    for name, value in fields.items():
        if name not in ("versioning", "lock_enabled", "default_retention", "requester_pays",
                        "public", "account"):
            raise ControlError(f"unknown bucket setting {name}")
        if name == "default_retention" and value is not None:
            value = (value["mode"], value.get("days", 0), value.get("years", 0))
        setattr(bucket, name, value)
    if bucket.lock_enabled and bucket.versioning != "Enabled":
        bucket.versioning = "Enabled"


def read_lock(data, old, now):
    """The Lock of `{"mode", "for_s", "hold"}`; what is not mentioned stays as it was."""
    lock = old or Lock()
    if set(data) - {"mode", "for_s", "hold"}:
        raise ControlError(f"unknown words {sorted(data)}")
    if "mode" in data:
        lock = lock.changed(mode=data["mode"], until=now + data.get("for_s", 0))
    if "hold" in data:
        lock = lock.changed(hold=data["hold"])
    return lock


def make_access_point(world, name, bucket_name, **fields):
    """An access point to an existing bucket, in its Region."""
    bucket = world.store.bucket(bucket_name)
    if bucket is None:
        raise ControlError(f"no bucket {bucket_name}")
    extra = fields.pop("extra_operations", [])
    point = AccessPoint(name, bucket_name, fields.pop("account", DEFAULT_ACCOUNT), bucket.region,
                        fields.pop("alias", None), fields.pop("mrap", None))
    if fields:
        raise ControlError(f"unknown access point setting {sorted(fields)}")
    point.extra_operations = set(extra)
    world.store.add_access_point(point)
    return point


def make_kms_key(world, key_id, **fields):
    """A KMS key; fields are region, account, partition, old_blobs, and those that can change."""
    key = Key(key_id, fields.pop("region", world.region),
              account=fields.pop("account", DEFAULT_ACCOUNT),
              partition=fields.pop("partition", "aws"),
              overhead=OLD_OVERHEAD if fields.pop("old_blobs", False) else NEW_OVERHEAD)
    aliases = fields.pop("aliases", [])
    change_kms_key(key, fields)
    world.kms.add(key)
    for name in aliases:
        world.kms.set_alias(name, key)
    return key


def change_kms_key(key, fields):
    """Set attributes that a test may choose."""
    for name, value in fields.items():
        if name == "state" and value in STATES:
            key.state = value
        elif name == "usage" and value in USAGES:
            key.usage = value
        elif name == "deny":
            key.deny = set(value)
        elif name in ("policy", "manager"):
            setattr(key, name, value)
        else:
            raise ControlError(f"unknown setting of a KMS key {name}: {value}")


def _bytes(data, name):
    """A value given as text or, under NAME_b64, as base64."""
    if f"{name}_b64" in data:
        return base64.b64decode(data[f"{name}_b64"], validate=True)
    return data.get(name, "").encode("utf-8", "surrogateescape")


def _fill_keys(count, prefix, depth, fanout):
    """Names spread evenly over `fanout` directories on each of `depth` levels."""
    if depth == 0:
        return [b"%bf%07d" % (prefix, number) for number in range(count)]
    keys = []
    for digit in range(fanout):
        share = count // fanout + (digit < count % fanout)
        keys += _fill_keys(share, b"%bd%04d/" % (prefix, digit), depth - 1, fanout)
    return keys


class Control:
    """The commands, by path."""

    def __init__(self, world, server):
        self._world = world
        self._server = server

    def run(self, request, data):
        """Dispatch `METHOD /-/words`."""
        words = request.path[len(PREFIX):].strip("/").split("/")
        query = dict(parse_qsl(request.query))
        if words[0] == "buckets" and len(words) == 3 and request.method == "POST":
            return self._bucket_command(words[1], words[2], data)
        name = f"_{request.method.lower()}_{'_'.join(words)}".replace("-", "_")
        handler = getattr(self, name, None)
        if handler is None:
            raise ControlError(f"unknown control command {request.method} {request.path}")
        return handler(data, query)

    def _get_requests(self, _data, query):
        entries = self._world.log.entries(int(query.get("since", 0)))
        wanted = query.get("operation")
        return [entry for entry in entries if wanted is None or entry["operation"] == wanted]

    def _post_requests_clear(self, _data, _query):
        self._world.log.clear()
        return {}

    def _get_counters(self, _data, _query):
        return {**self._world.log.totals(), "connections": self._server.connections_seen,
                "faults_injected": self._world.faults.injected,
                "fault_rules": self._world.faults.state()}

    def _get_ready(self, _data, _query):
        return {"ready": True, "now": self._world.clock.now()}

    def _post_faults(self, data, _query):
        self._world.faults.load(data)
        return {}

    def _post_release(self, data, _query):
        self._world.faults.release(data["name"])
        return {}

    def _post_clock(self, data, _query):
        self._world.clock.offset = float(data["offset_s"])
        return {"now": self._world.clock.now()}

    def _post_settings(self, data, _query):
        for name, value in data.items():
            if name == "latency_ms":
                self._world.latency_s = value / 1000
            elif name == "bandwidth":
                self._server.bandwidth = value  # of connections made from now on
            elif name == "sts_seconds":
                self._world.sts.lifetime_s = value
            elif name == "kms_per_second":
                self._world.kms.quota.per_second = value
            elif name == "kms_latency_ms":
                self._world.kms.latency_s = value / 1000
            elif name in ("session_seconds", "min_part_size", "customer_keys_over_http",
                          "access_points_per_page"):
                setattr(self._world, name, value)
            else:
                raise ControlError(f"unknown setting {name}")
        return {}

    def _post_tls(self, data, _query):
        self._world.tls_version = data["version"]
        return {}

    def _post_users(self, data, _query):
        rights = Permissions(data.get("allow", ["*"]), data.get("deny", []))
        self._world.directory.add(User(data["access_key"], data["secret"], rights, arn=data.get("arn"),
                                       account=data.get("account", DEFAULT_ACCOUNT),
                                       token=data.get("token"), expires=data.get("expires")))
        return {}

    def _post_users_remove(self, data, _query):
        self._world.directory.remove(data["access_key"])
        return {}

    def _post_roles(self, data, _query):
        rights = Permissions(data.get("allow", ["*"]), data.get("deny", []))
        self._world.sts.add_role(Role(data["arn"], rights, data.get("external_id")))
        return {}

    def _post_web_tokens(self, data, _query):
        self._world.sts.set_web_token(data["token"], data.get("expires"))
        return {}

    def _get_kms(self, _data, _query):
        service = self._world.kms
        return {"keys": [{"arn": key.arn, "state": key.state, "usage": key.usage,
                          "deny": sorted(key.deny)} for key in service.keys()],
                "aliases": [{"region": region, "account": account, "name": name, "arn": arn}
                            for region, account, name, arn in service.aliases()],
                "calls": service.calls()}

    def _post_kms_clear(self, _data, _query):
        self._world.kms.clear_calls()
        return {}

    def _post_kms_keys(self, data, _query):
        fields = dict(data)
        return {"arn": make_kms_key(self._world, fields.pop("id"), **fields).arn}

    def _post_kms_change(self, data, _query):
        fields = dict(data)
        change_kms_key(self._kms_key(fields.pop("arn")), fields)
        return {}

    def _post_kms_aliases(self, data, _query):
        self._world.kms.set_alias(data["name"], self._kms_key(data["arn"]))
        return {}

    def _kms_key(self, arn):
        for key in self._world.kms.keys():
            if key.arn == arn:
                return key
        raise ControlError(f"no KMS key {arn}")

    def _get_access_points(self, _data, _query):
        with self._world.store.lock:
            return [{"name": point.name, "bucket": point.bucket, "arn": point.arn,
                     "alias": point.alias, "mrap": point.mrap}
                    for point in self._world.store.access_points.values()]

    def _post_access_points(self, data, _query):
        fields = dict(data)
        point = make_access_point(self._world, fields.pop("name"), fields.pop("bucket"), **fields)
        return {"arn": point.arn, "alias": point.alias}

    def _get_buckets(self, _data, _query):
        with self._world.store.lock:
            return [{"name": bucket.name, "region": bucket.region, "keys": len(bucket.names),
                     "versioning": bucket.versioning, "uploads": len(bucket.uploads)}
                    for bucket in self._world.store.buckets.values()]

    def _post_buckets(self, data, _query):
        fields = dict(data)
        make_bucket(self._world, fields.pop("name"), **fields)
        return {}

    def _bucket_command(self, name, command, data):
        bucket = self._world.store.bucket(name)
        if bucket is None:
            raise ControlError(f"no bucket {name}")
        handler = getattr(self, f"_bucket_{command}", None)
        if handler is None:
            raise ControlError(f"unknown bucket command {command}")
        return handler(bucket, data) or {}

    def _bucket_settings(self, bucket, data):
        change_bucket(bucket, data)

    def _bucket_fill(self, bucket, data):
        known = {"count", "prefix", "size", "depth", "fanout", "age_s", "metadata"}
        if set(data) - known:
            raise ControlError(f"unknown words {sorted(set(data) - known)}")
        body = PatternBody(data.get("size", 0), bucket.name)
        etag = f'"{body.md5().hex()}"'
        modified = self._world.clock.now() - data.get("age_s", 3600)
        metadata = list(data.get("metadata", {}).items())
        versions = []
        encryption = {"x-amz-server-side-encryption": "AES256"}
        gc.disable()  # hundreds of thousands of new objects, none of them garbage
        for key in _fill_keys(data["count"], _bytes(data, "prefix"), data.get("depth", 0),
                              data.get("fanout", 100)):
            version = Version(key, body, etag, modified)
            version.metadata = metadata
            version.encryption = encryption
            versions.append(version)
        bucket.fill(versions)
        gc.freeze()
        gc.enable()
        return {"keys": len(bucket.names)}

    def _bucket_put(self, bucket, data):
        """Store an object past every check: hostile names, metadata and sizes."""
        known = {"key", "key_b64", "body", "body_b64", "size", "metadata", "headers",
                 "storage_class", "etag", "age_s", "tags", "lock"}
        if set(data) - known:
            raise ControlError(f"unknown words {sorted(set(data) - known)}")
        body = PatternBody(data["size"], bucket.name) if "size" in data else \
            Body([_bytes(data, "body")])
        etag = data.get("etag") or (f'"{body.md5().hex()}"' if body.length < SUMMED_LIMIT else
                                    f'"{hashlib.md5(str(body.length).encode()).hexdigest()}-2"')
        version = Version(_bytes(data, "key"), body, etag,
                          self._world.clock.now() - data.get("age_s", 0))
        version.metadata = list(data.get("metadata", {}).items())
        version.headers = {name.lower(): value for name, value in data.get("headers", {}).items()}
        version.storage_class = data.get("storage_class", "STANDARD")
        version.tags = list(data.get("tags", {}).items())
        if "lock" in data:
            version.lock = read_lock(data["lock"], None, self._world.clock.now())
        version.encryption = {"x-amz-server-side-encryption": "AES256"}
        bucket.put(version)
        return {"etag": version.etag, "version_id": version.version_id}

    def _bucket_lock(self, bucket, data):
        """Another lock for the current version, past every rule: somebody else's doing."""
        fields = dict(data)
        for name in ("key", "key_b64"):
            fields.pop(name, None)
        with bucket.lock:
            version = bucket.current(_bytes(data, "key"))
            if version is None or version.marker:
                raise ControlError("no such object")
            lock = read_lock(fields, version.lock, self._world.clock.now())
            bucket.replace(version, version.changed(lock=lock))

    def _bucket_archive(self, bucket, data):
        """Put the current version into an archive tier of Intelligent-Tiering, or end the restore
        that is under way, with success or without."""
        with bucket.lock:
            version = bucket.current(_bytes(data, "key"))
            if version is None or version.marker:
                raise ControlError("no such object")
            if "access" in data:
                archive = Archive(data["access"])
            elif version.archive is None or not version.archive.ongoing:
                raise ControlError("no restore is under way")
            else:
                archive = archives.finished(version, self._world.clock.now(),
                                            data.get("success", True))
            bucket.replace(version, version.changed(archive=archive))

    def _bucket_get(self, bucket, data):
        """An object as it is stored, without counting as a request."""
        version = bucket.current(_bytes(data, "key"))
        if version is None or version.marker:
            return {"exists": False}
        result = {"exists": True, "etag": version.etag, "size": version.size,
                  "modified": version.modified, "metadata": dict(version.metadata),
                  "headers": dict(version.headers), "storage_class": version.storage_class,
                  "encryption": dict(version.encryption), "version_id": version.version_id,
                  "tags": dict(version.tags), "versions": len(bucket.objects.get(version.key, []))}
        if version.lock is not None:
            result["lock"] = {"mode": version.lock.mode, "until": version.lock.until,
                              "hold": version.lock.hold}
        if version.archive is not None:
            result["archive"] = {name: getattr(version.archive, name)
                                 for name in Archive.__slots__}
        if data.get("body"):
            result["body_b64"] = base64.b64encode(
                b"".join(version.body.slice(0, version.size))).decode()
        elif version.size < SUMMED_LIMIT:
            result["md5"] = version.body.md5().hex()
        return result

    def _bucket_keys(self, bucket, data):
        """All live keys below a prefix, and the uploads in progress."""
        prefix = _bytes(data, "prefix")
        with bucket.lock:
            live = [key for key in bucket.names if key.startswith(prefix) and
                    not bucket.objects[key][-1].marker]
            return {"keys": [key.decode("utf-8", "backslashreplace") for key in live],
                    "uploads": [upload.key.decode("utf-8", "backslashreplace")
                                for upload in bucket.uploads.values()]}

    def _bucket_snapshot(self, bucket, data):
        self._server.snapshots[(bucket.name, data.get("name", ""))] = bucket.snapshot()

    def _bucket_restore(self, bucket, data):
        bucket.restore(self._server.snapshots[(bucket.name, data.get("name", ""))])

    def _bucket_clear(self, bucket, _data):
        with bucket.lock:
            bucket.objects, bucket.names, bucket.uploads = {}, [], {}


