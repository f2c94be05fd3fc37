"""Who may do what: users, temporary credentials and a plain table of permissions.

A permission is an S3 action name such as `s3:PutObject`; the `s3:` may be left out where people
type them. An action may be limited to keys by a pattern: `PutObject@logs/*`. Denials win.
"""

import fnmatch
import secrets
import threading

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_ACCESS_KEY = "COFFERTESTACCESSKEY1"
DEFAULT_SECRET_KEY = "coffer/test+secret/key/number/one/40char"
READ_ONLY = ("s3:Get*", "s3:List*", "s3:Head*")


def _action(text):
    name, _, pattern = text.strip().partition("@")
    if ":" not in name:
        name = "s3:" + name
    return name, pattern or "*"


class Permissions:
    """Allowed and denied actions; everything is allowed that is not denied, unless `allow` says
    otherwise."""

    def __init__(self, allow=("*",), deny=()):
        self.allow = [("*", "*") if item == "*" else _action(item) for item in allow]
        self.deny = [_action(item) for item in deny]

    @staticmethod
    def parse(text):
        """From the command line: `` (all), `ro`, `deny=A,B`, `allow=A,B`, joined by `:`."""
        allow, deny = ["*"], []
        for word in filter(None, text.split(":")):
            kind, _, names = word.partition("=")
            if word == "ro":
                allow = list(READ_ONLY)
            elif kind == "deny" and names:
                deny = names.split(",")
            elif kind == "allow" and names:
                allow = names.split(",")
            else:
                raise ValueError(f"unknown permission word {word!r}")
        return Permissions(allow, deny)

    def permits(self, action, key=""):
        """True if `action` on `key` (text, empty for bucket operations) is allowed."""
        if self.denies(action, key):
            return False
        return any(self._covers(rule, action, key) for rule in self.allow)

    def denies(self, action, key=""):
        """True if `action` on `key` is denied by name."""
        return any(self._covers(rule, action, key) for rule in self.deny)

    @staticmethod
    def _covers(rule, action, key):
        return (fnmatch.fnmatchcase(action, rule[0]) and
                (rule[1] == "*" or fnmatch.fnmatchcase(key, rule[1])))


class User:
    """One set of credentials. Temporary ones carry a session token and an end."""

    def __init__(self, access_key, secret, permissions=None, *, arn=None, account=DEFAULT_ACCOUNT,
                 token=None, expires=None, express_bucket=None, mode="ReadWrite"):
        self.access_key = access_key
        self.secret = secret
        self.permissions = permissions or Permissions()
        self.account = account
        self.arn = arn or f"arn:aws:iam::{account}:user/{access_key.lower()}"
        self.token = token
        self.expires = expires
        self.express_bucket = express_bucket
        self.mode = mode


class Directory:
    """All credentials the server knows. Thread safe: each method is one dictionary step."""

    def __init__(self):
        self._users = {}
        self._lock = threading.Lock()

    def add(self, user):
        """Add or replace a user."""
        with self._lock:
            self._users[user.access_key] = user

    def remove(self, access_key):
        """Forget a user; later requests get InvalidAccessKeyId."""
        with self._lock:
            self._users.pop(access_key, None)

    def find(self, access_key):
        """The user of an access key, or None."""
        with self._lock:
            return self._users.get(access_key)

    def issue(self, base, expires, *, arn=None, permissions=None, express_bucket=None,
              mode="ReadWrite"):
        """Temporary credentials that end at `expires` (server time)."""
        user = User("ASIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30),
                    permissions or base.permissions, arn=arn or base.arn, account=base.account,
                    token="FwoG" + secrets.token_urlsafe(120), expires=expires,
                    express_bucket=express_bucket, mode=mode)
        self.add(user)
        return user
