"""The keys of the stand-in KMS, what they wrap, and how often they may be used.

A ciphertext is opaque to clients, so it need not be AES-GCM, which the standard library lacks: a
keystream and a MAC of HMAC-SHA256 over a blob as long as those of the real service.
"""

import hashlib
import hmac
import json
import secrets
import struct
import threading
import time

from errors import ServiceError
from identity import DEFAULT_ACCOUNT

DEFAULT_KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
DEFAULT_ALIAS = "alias/coffer-test"
# What a blob has beside the wrapped bytes: 184 bytes for a key of 32 today, 167 in older ones.
NEW_OVERHEAD, OLD_OVERHEAD = 152, 135
STATES = ("Enabled", "Disabled", "PendingDeletion", "PendingImport", "Unavailable")
USAGES = ("ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC")
_HEAD = {NEW_OVERHEAD: bytes([1, 2, 2, 0]), OLD_OVERHEAD: bytes([1, 1, 1, 0])}
_MAC = 32
_NONCE = 16


class Key:
    """One key. Replicas of a multi-Region key share id and material."""

    def __init__(self, key_id, region, *, account=DEFAULT_ACCOUNT, partition="aws",
                 overhead=NEW_OVERHEAD):
        self.key_id = key_id
        self.region = region
        self.account = account
        self.arn = f"arn:{partition}:kms:{region}:{account}:key/{key_id}"
        self.state = "Enabled"
        self.usage = "ENCRYPT_DECRYPT"
        self.deny = set()  # operations that the key policy allows nobody
        self.overhead = overhead
        self.manager = "CUSTOMER"
        self.deletion_date = time.time() + 10.5 * 86400  # while it is pending
        self.policy = json.dumps({"Version": "2012-10-17", "Statement": [{
            "Sid": "Enable IAM User Permissions", "Effect": "Allow", "Action": "kms:*",
            "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"}, "Resource": "*"}]})
        self.created = time.time()
        self._material = hashlib.sha256(b"coffer test key " + key_id.encode()).digest()

    @property
    def multi_region(self):
        """True for keys that may have replicas."""
        return self.key_id.startswith("mrk-")

    def _derive(self, label):
        return hmac.digest(self._material, label, "sha256")

    def _stream(self, nonce, length):
        key, out = self._derive(b"stream"), b""
        for block in range(-(-length // 32)):
            out += hmac.digest(key, nonce + struct.pack(">I", block), "sha256")
        return out[:length]

    def _mac(self, blob, context):
        return hmac.digest(self._derive(b"mac"), canonical(context) + blob, "sha256")

    def head(self):
        """What its blobs begin with, whatever they wrap: the key they belong to."""
        return _HEAD[self.overhead] + self._derive(b"handle")[:20]

    def wrap(self, plaintext, context):
        """A ciphertext blob."""
        nonce = secrets.token_bytes(_NONCE)
        head = self.head()
        filler = self._stream(nonce + b"filler", self.overhead - len(head) - _NONCE - _MAC)
        hidden = bytes(a ^ b for a, b in zip(plaintext, self._stream(nonce, len(plaintext))))
        blob = head + nonce + filler + hidden
        return blob + self._mac(blob, context)

    def owns(self, blob):
        """True if the blob names this key, in whatever length its blobs are now."""
        return blob[4:24] == self._derive(b"handle")[:20]

    def unwrap(self, blob, context):
        """The plaintext, or None when blob or context are not what was wrapped."""
        overhead = next((size for size, head in _HEAD.items() if blob[:4] == head), None)
        if overhead is None or len(blob) <= overhead:
            return None
        if not hmac.compare_digest(self._mac(blob[:-_MAC], context), blob[-_MAC:]):
            return None
        hidden = blob[overhead - _MAC:-_MAC]
        stream = self._stream(blob[24:24 + _NONCE], len(hidden))
        return bytes(a ^ b for a, b in zip(hidden, stream))


def canonical(context):
    """An encryption context as bytes that no other context has."""
    out = struct.pack(">I", len(context))
    for name, value in sorted(context.items()):
        for text in (name.encode("utf-8", "surrogatepass"), value.encode("utf-8", "surrogatepass")):
            out += struct.pack(">I", len(text)) + text
    return out


class Quota:
    """So many requests in each second, for each Region; 0 is no limit."""

    def __init__(self):
        self.per_second = 0
        self._lock = threading.Lock()
        self._seen = {}  # Region: (second, requests)

    def admits(self, region):
        """Counts one request; False when it is one too many."""
        second = int(time.monotonic())
        with self._lock:
            at, count = self._seen.get(region, (second, 0))
            count = count + 1 if at == second else 1
            self._seen[region] = (second, count)
            return not self.per_second or count <= self.per_second


class KeyService:
    """All keys and aliases, and what was asked of them. Thread safe."""

    def __init__(self, region):
        self._lock = threading.Lock()
        self._keys = {}
        self._aliases = {}  # (region, account, "alias/name"): ARN
        self._calls = {}
        self.quota = Quota()
        self.latency_s = 0.0
        default = self.add(Key(DEFAULT_KEY, region))
        self.set_alias(DEFAULT_ALIAS, default)

    def add(self, key):
        """Add or replace a key."""
        with self._lock:
            self._keys[key.arn] = key
        return key

    def set_alias(self, name, key):
        """Let an alias of the key's Region and account stand for it."""
        with self._lock:
            self._aliases[(key.region, key.account, name)] = key.arn

    def keys(self):
        """All keys."""
        with self._lock:
            return list(self._keys.values())

    def aliases(self):
        """[(Region, account, name, ARN)]."""
        with self._lock:
            return [(*place, arn) for place, arn in self._aliases.items()]

    def find(self, text, region, account):
        """The key that a request in `region` by `account` names, or NotFoundException."""
        arn = text
        if text.startswith("arn:"):
            parts = text.split(":", 5)
            if len(parts) != 6 or parts[2] != "kms" or parts[3] != region:
                raise not_found(f"Invalid arn {region}")
            if parts[5].startswith("alias/"):
                arn = self._alias(parts[3], parts[4], parts[5], text)
        elif text.startswith("alias/"):
            arn = self._alias(region, account, text, f"arn:aws:kms:{region}:{account}:{text}")
        else:
            arn = next((key.arn for key in self.keys() if (key.key_id, key.region, key.account) ==
                        (text, region, account)), f"arn:aws:kms:{region}:{account}:key/{text}")
        with self._lock:
            key = self._keys.get(arn)
        if key is None:
            raise not_found(f"Key '{arn}' does not exist")
        return key

    def _alias(self, region, account, name, text):
        with self._lock:
            arn = self._aliases.get((region, account, name))
        if arn is None:
            raise not_found(f"Alias {text} is not found.")
        return arn

    def of_blob(self, blob, region):
        """The key of a Region that a blob names, or None."""
        return next((key for key in self.keys() if key.region == region and key.owns(blob)), None)

    def count(self, operation, arn, outcome):
        """One more call: `outcome` is "ok" or the code of the refusal."""
        with self._lock:
            counted = [("by_operation", operation), ("by_key", arn or "?"), ("by_outcome", outcome)]
            if outcome == "ok":
                counted.append(("by_success", operation))
            for table, name in counted:
                row = self._calls.setdefault(table, {})
                row[name] = row.get(name, 0) + 1

    def calls(self):
        """The counts so far."""
        with self._lock:
            return {table: dict(self._calls.get(table, {}))
                    for table in ("by_operation", "by_success", "by_key", "by_outcome")}

    def clear_calls(self):
        """Begin to count anew."""
        with self._lock:
            self._calls = {}


def not_found(message):
    """NotFoundException."""
    return ServiceError("NotFoundException", 400, message)
