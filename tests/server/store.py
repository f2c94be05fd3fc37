"""The in-memory model: buckets, versions, delete markers, multipart uploads.

Keys are bytes and are kept in one sorted list per bucket, so that a listing page costs a bisect and
not a scan. A Version never changes after it was stored (a change replaces it), which makes
snapshots cheap and lets a GET stream a body without holding a lock.
"""

import bisect
import copy
import functools
import hashlib
import secrets
import threading
import time
import types

from errors import refuse

NULL_VERSION = "null"
FILL_BLOCK = 1 << 20
NOTHING = types.MappingProxyType({})  # shared by all versions that have nothing to say


class Body:
    """Object bytes as a list of buffers: a completed upload shares the buffers of its parts."""

    __slots__ = ("_segments", "starts", "length")

    def __init__(self, segments):
        self._segments = [segment for segment in segments if len(segment)]
        self.starts = []
        self.length = 0
        for segment in self._segments:
            self.starts.append(self.length)
            self.length += len(segment)

    @property
    def segments(self):
        """All buffers in order."""
        return self._segments

    def slice(self, start, end):
        """The buffers of bytes [start, end), without a copy."""
        parts = []
        index = max(0, bisect.bisect_right(self.starts, start) - 1)
        while start < end and index < len(self._segments):
            segment, base = self._segments[index], self.starts[index]
            stop = min(end - base, len(segment))
            parts.append(memoryview(segment)[start - base:stop])
            start = base + stop
            index += 1
        return parts

    def md5(self):
        """MD5 of all bytes, raw."""
        state = hashlib.md5()
        for segment in self.segments:
            state.update(segment)
        return state.digest()


EMPTY_BODY = Body([])


class PatternBody(Body):
    """A body of any claimed length, from one repeated block; costs no memory until it is read."""

    __slots__ = ("_block",)

    def __init__(self, size, seed):
        self._block = hashlib.shake_256(seed.encode()).digest(min(size, FILL_BLOCK))
        self.length = size

    @property
    def segments(self):
        """All buffers; for copies and digests of what is not absurdly large."""
        return self.slice(0, self.length)

    def slice(self, start, end):
        parts = []
        while start < end:
            base = start % FILL_BLOCK
            part = memoryview(self._block)[base:base + end - start]
            parts.append(part)
            start += len(part)
        return parts


class Lock:
    """Object Lock of one version; never changed, only replaced. `hold` is None while nobody set it.
    """

    __slots__ = ("mode", "until", "hold")

    def __init__(self, mode="", until=0.0, hold=None):
        self.mode = mode
        self.until = until
        self.hold = hold

    def active(self, now):
        """True while retention runs."""
        return bool(self.mode) and self.until > now

    def changed(self, **fields):
        """A copy with some fields replaced."""
        return Lock(**{"mode": self.mode, "until": self.until, "hold": self.hold, **fields})


class Archive:
    """How far a version is from being readable; never changed, only replaced. `access` is the
    archive tier of Intelligent-Tiering, "" in a class that is an archive itself."""

    __slots__ = ("access", "ongoing", "tier", "days", "until")

    def __init__(self, access="", *, ongoing=False, tier="Standard", days=0, until=0.0):
        self.access = access
        self.ongoing = ongoing
        self.tier = tier
        self.days = days
        self.until = until

    def changed(self, **fields):
        """A copy with some fields replaced."""
        clone = copy.copy(self)
        for name, value in fields.items():
            setattr(clone, name, value)
        return clone


class Version:
    """One version of one key, or a delete marker."""

    __slots__ = ("key", "version_id", "body", "etag", "modified", "headers", "metadata",
                 "storage_class", "encryption", "customer_key_md5", "checksum", "tags", "marker",
                 "parts", "lock", "archive")

    def __init__(self, key, body, etag, modified, *, marker=False):
        self.key = key
        self.version_id = NULL_VERSION
        self.body = body
        self.etag = etag
        self.modified = modified
        self.headers = NOTHING
        self.metadata = ()
        self.storage_class = "STANDARD"
        self.encryption = NOTHING
        self.customer_key_md5 = None
        self.checksum = None
        self.tags = ()
        self.marker = marker
        self.parts = None
        self.lock = None
        self.archive = None

    @property
    def size(self):
        """Bytes of the object."""
        return self.body.length

    def changed(self, **fields):
        """A copy with some fields replaced."""
        clone = copy.copy(self)
        for name, value in fields.items():
            setattr(clone, name, value)
        return clone


class Part:
    """One uploaded part."""

    __slots__ = ("body", "etag", "modified", "checksum", "md5")

    def __init__(self, body, etag, md5, modified, checksum):
        self.body = body
        self.etag = etag
        self.md5 = md5
        self.modified = modified
        self.checksum = checksum


class Upload:
    """A multipart upload in progress; `draft` is the Version that Complete will store."""

    def __init__(self, draft, initiated, algorithm, checksum_type):
        self.upload_id = secrets.token_urlsafe(48)
        self.key = draft.key
        self.draft = draft
        self.initiated = initiated
        self.algorithm = algorithm
        self.checksum_type = checksum_type
        self.asked = {}  # condition keys of what began it; its parts are judged by them
        self.parts = {}
        self.headers = []  # of the request that began it

    def snapshot(self):
        """A copy whose part table is its own."""
        clone = copy.copy(self)
        clone.parts = dict(self.parts)
        return clone


class Condition:
    """If-Match / If-None-Match of a write, as Amazon S3 evaluates them."""

    __slots__ = ("if_match", "if_none_match")

    def __init__(self, if_match=None, if_none_match=False):
        self.if_match = if_match
        self.if_none_match = if_none_match

    def check(self, current):
        """Raise unless the current version of the key satisfies the condition."""
        exists = current is not None and not current.marker
        if self.if_none_match and exists:
            raise refuse("PreconditionFailed", None, [("Condition", "If-None-Match")])
        if self.if_match is None:
            return
        if not exists:
            if self.if_match == "*":
                raise refuse("PreconditionFailed", None, [("Condition", "If-Match")])
            raise refuse("NoSuchKey")
        if self.if_match not in ("*", current.etag):
            raise refuse("PreconditionFailed", None, [("Condition", "If-Match")])


NO_CONDITION = Condition()


def successor(prefix):
    """The smallest byte string above every string that begins with `prefix`, or None."""
    trimmed = prefix.rstrip(b"\xff")
    if not trimmed:
        return None
    return trimmed[:-1] + bytes([trimmed[-1] + 1])


class Bucket:
    """A bucket. Every public method takes the bucket's lock itself."""

    def __init__(self, name, region, account, created):
        self.name = name
        self.region = region
        self.account = account
        self.created = created
        self.versioning = None  # None (never set), "Enabled" or "Suspended"
        self.lock_enabled = False
        self.default_retention = None  # (mode, days, years); one of the two is 0
        self.requester_pays = False
        self.public = False
        self.policy = None  # (as it was put, its statements)
        self.cors = []  # rules, of s3_settings
        self.encryption = ("AES256", None, False)  # kind, KMS key, bucket key
        self.logging = None  # (bucket, prefix)
        self.lifecycle = None  # the document
        self.directory = name.endswith("--x-s3")
        self.lock = threading.RLock()
        self.objects = {}
        self.names = []
        self.uploads = {}
        self.renames = set()  # client tokens of those that were made

    def current(self, key):
        """The newest version (which may be a marker), or None."""
        with self.lock:
            versions = self.objects.get(key)
            return versions[-1] if versions else None

    def version(self, key, version_id):
        """A version by its id, or None."""
        with self.lock:
            for version in self.objects.get(key, ()):
                if version.version_id == version_id:
                    return version
        return None

    def put(self, version, condition=NO_CONDITION):
        """Store a new current version if the condition holds, in one step."""
        with self.lock:
            condition.check(self.current(version.key))
            self._append(version)

    def _append(self, version):
        key = version.key
        if self.versioning == "Enabled":
            version.version_id = secrets.token_urlsafe(24).replace("-", ".")
            kept = self.objects.get(key, [])
        else:
            version.version_id = NULL_VERSION
            kept = [old for old in self.objects.get(key, ()) if old.version_id != NULL_VERSION]
        if key not in self.objects:
            bisect.insort(self.names, key)
        self.objects[key] = kept + [version]

    def replace(self, old, new):
        """Exchange a stored version for a changed copy; False when it is gone."""
        with self.lock:
            versions = self.objects.get(old.key, [])
            if old not in versions:
                return False
            self.objects[old.key] = [new if item is old else item for item in versions]
            return True

    def rename(self, source, target, condition, source_etag, token):
        """Move the object of a directory bucket, unless `token` did that before."""
        with self.lock:
            if token[0] is not None and token in self.renames:
                return
            moved = self.current(source)
            if moved is None:
                raise refuse("NoSuchKey", None, [("Key", source.decode("utf-8", "replace"))])
            if source_etag is not None and source_etag != moved.etag:
                raise refuse("PreconditionFailed", None,
                             [("Condition", "x-amz-rename-source-If-Match")])
            condition.check(self.current(target))
            if source != target:
                self._forget(source)
                self._append(moved.changed(key=target))
            self.renames.add(token)

    def delete(self, key, now, condition=NO_CONDITION):
        """DELETE without a version: the marker that was put, or None."""
        with self.lock:
            current = self.current(key)
            condition.check(current)
            if self.versioning is None:
                if current is not None:
                    self._forget(key)
                return None
            marker = Version(key, EMPTY_BODY, "", now, marker=True)
            self._append(marker)
            return marker

    def delete_version(self, key, version_id, check):
        """Remove one version that `check` does not refuse; what was removed, or None."""
        with self.lock:
            victim = self.version(key, version_id)
            if victim is not None:
                check(victim)
                kept = [item for item in self.objects[key] if item is not victim]
                if kept:
                    self.objects[key] = kept
                else:
                    self._forget(key)
            return victim

    def _forget(self, key):
        del self.objects[key]
        index = bisect.bisect_left(self.names, key)
        del self.names[index]

    def fill(self, versions):
        """Add many new versions at once (test fixtures), replacing what has the same key."""
        with self.lock:
            for version in versions:
                self.objects[version.key] = [version]
            self.names = sorted(self.objects)

    def empty(self):
        """True if nothing at all is left: versions, markers; uploads do not count."""
        with self.lock:
            return not self.objects

    def snapshot(self):
        """A copy of the contents, for `restore`."""
        with self.lock:
            return (self.versioning, {key: list(items) for key, items in self.objects.items()},
                    list(self.names), {key: up.snapshot() for key, up in self.uploads.items()})

    def restore(self, saved):
        """Put the contents of a snapshot back."""
        with self.lock:
            versioning, objects, names, uploads = saved
            self.versioning = versioning
            self.objects = {key: list(items) for key, items in objects.items()}
            self.names = list(names)
            self.uploads = {key: up.snapshot() for key, up in uploads.items()}


class AccessPoint:
    """A named door to a bucket. `extra_operations` are allowed beyond the documented list."""

    def __init__(self, name, bucket, account, region, alias=None, mrap=None):
        self.name = name
        self.bucket = bucket
        self.account = account
        self.region = region
        self.alias = alias or f"{name}-{self._tail(name, account, region)}-s3alias"
        self.mrap = mrap
        self.extra_operations = set()
        self.vpc = None  # the only network that it is reached from
        self.block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True,
                      "RestrictPublicBuckets": True}
        self.policy = None  # (as it was put, its statements)
        self.created = 0

    @staticmethod
    def _tail(name, account, region):
        return hashlib.sha256(f"{name}/{account}/{region}".encode()).hexdigest()[:30]

    @property
    def arn(self):
        """The access point's ARN."""
        return f"arn:aws:s3:{self.region}:{self.account}:accesspoint/{self.name}"


class Store:
    """All buckets and access points."""

    def __init__(self):
        self.buckets = {}
        self.access_points = {}
        self.lock = threading.RLock()

    def bucket(self, name):
        """A bucket by name, or None."""
        with self.lock:
            return self.buckets.get(name)

    def add_bucket(self, bucket):
        """Create a bucket; its name must be free."""
        with self.lock:
            if bucket.name in self.buckets:
                raise refuse("BucketAlreadyOwnedByYou", None, [("BucketName", bucket.name)])
            self.buckets[bucket.name] = bucket

    def remove_bucket(self, name):
        """Delete a bucket, which must be empty."""
        with self.lock:
            if not self.buckets[name].empty():
                raise refuse("BucketNotEmpty", None, [("BucketName", name)])
            del self.buckets[name]

    def add_access_point(self, access_point):
        """Create or replace an access point."""
        with self.lock:
            self.access_points[(access_point.name, access_point.account)] = access_point

    def remove_access_point(self, access_point):
        """Forget one."""
        with self.lock:
            self.access_points.pop((access_point.name, access_point.account), None)

    def access_point(self, name, account):
        """An access point by name and account, or None."""
        with self.lock:
            return self.access_points.get((name, account))

    def by_alias(self, alias):
        """An access point by its alias, or None."""
        with self.lock:
            return next((ap for ap in self.access_points.values() if ap.alias == alias), None)

    def by_mrap(self, alias):
        """An access point by its multi-Region alias, or None."""
        with self.lock:
            return next((ap for ap in self.access_points.values() if ap.mrap == alias), None)


class Clock:
    """Server time: the machine's, plus an offset that tests choose."""

    def __init__(self, offset=0.0):
        self.offset = offset

    def now(self):
        """Seconds since the epoch."""
        return time.time() + self.offset


def http_date(seconds):
    """RFC 9110 date, independent of the locale."""
    parts = time.gmtime(seconds)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[parts.tm_wday]
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
             "Dec")[parts.tm_mon - 1]
    return time.strftime(f"{day}, %d {month} %Y %H:%M:%S GMT", parts)


def iso_date(seconds):
    """ISO 8601 with milliseconds, which S3 always writes as zero."""
    return _iso_date(int(seconds))


@functools.lru_cache(maxsize=4096)
def _iso_date(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))
