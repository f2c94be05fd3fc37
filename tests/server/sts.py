"""STS: AssumeRole, AssumeRoleWithWebIdentity, GetCallerIdentity (query protocol, POST).

Source: AWS Security Token Service API reference, version 2011-06-15.
"""

import hashlib
import re
import threading
from urllib.parse import parse_qsl

import sigv4
import xmlout
from errors import ServiceError
from http_layer import Reply
from identity import DEFAULT_ACCOUNT, Permissions, User
from store import http_date, iso_date

DEFAULT_ROLE = f"arn:aws:iam::{DEFAULT_ACCOUNT}:role/coffer-test"
DEFAULT_WEB_TOKEN = "coffer-test-web-identity-token"
VERSION = "2011-06-15"
FORM = "application/x-www-form-urlencoded"
_SESSION_NAME = re.compile(r"^[\w+=,.@-]{2,64}$")
_KNOWN = {
    "AssumeRole": {"RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId"},
    "AssumeRoleWithWebIdentity": {"RoleArn", "RoleSessionName", "DurationSeconds",
                                  "WebIdentityToken"},
    "GetCallerIdentity": set(),
}


class Role:
    """A role that may be assumed."""

    def __init__(self, arn, permissions=None, external_id=None):
        self.arn = arn
        self.permissions = permissions or Permissions()
        self.external_id = external_id


class TokenService:
    """Roles, web identity tokens and how long credentials live."""

    def __init__(self):
        self._lock = threading.Lock()
        self.roles = {DEFAULT_ROLE: Role(DEFAULT_ROLE)}
        self.web_tokens = {DEFAULT_WEB_TOKEN: None}  # token: end (server time) or None
        self.lifetime_s = None  # overrides DurationSeconds; tests shorten it

    def add_role(self, role):
        """Add or replace a role."""
        with self._lock:
            self.roles[role.arn] = role

    def set_web_token(self, token, expires=None):
        """Accept a web identity token until `expires`."""
        with self._lock:
            self.web_tokens[token] = expires


def is_for_sts(request, address):
    """STS by its host name, or by a form POST to / on a custom endpoint."""
    if address.kind == "sts":
        return True
    return (address.kind == "service" and "sts" in address.services and request.method == "POST"
            and request.header("content-type", "").lower().startswith(FORM))


class Call:
    """One STS request."""

    def __init__(self, world, exchange, address):
        self._world = world
        self._exchange = exchange
        self._address = address
        self._body = bytes(exchange.read_body())
        self._form = dict(parse_qsl(self._body.decode("utf-8", "replace"),
                                    keep_blank_values=True))
        self.action = self._form.get("Action", "?")
        self._now = world.clock.now()

    def execute(self):
        """The reply, errors included."""
        request_id = self._exchange.request_id
        self._now = self._world.clock.now() + self._exchange.skew
        try:
            body = self._run()
            status = 200
        except ServiceError as error:
            status = 403 if error.code in ("ExpiredToken",) else error.status
            body = xmlout.sts_error_body(error, request_id)
        return Reply(status, [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id),
                              ("Date", http_date(self._now))], body)

    def _run(self):
        if self._exchange.request.method != "POST" or self.action not in _KNOWN or \
                self._form.get("Version") != VERSION:
            raise ServiceError("InvalidAction", 400, f"Could not find operation {self.action} for"
                               f" version {self._form.get('Version')}")
        unknown = set(self._form) - _KNOWN[self.action] - {"Action", "Version"}
        if unknown:
            raise ServiceError("NotImplemented", 501, f"not implemented: {sorted(unknown)}")
        if self.action == "AssumeRoleWithWebIdentity":
            return self._web_identity()
        user = self._authenticate()
        if self.action == "GetCallerIdentity":
            return self._document([xmlout.node("Arn", user.arn),
                                   xmlout.node("UserId", user.access_key),
                                   xmlout.node("Account", user.account)])
        return self._assume_role(user)

    def _authenticate(self):
        request = self._exchange.request
        claim = sigv4.read(request)
        if claim is None:
            raise ServiceError("MissingAuthenticationToken", 403,
                               "Request is missing Authentication Token")
        if claim.service != "sts":
            raise ServiceError("SignatureDoesNotMatch", 403, "Credential should be scoped to"
                               " correct service: 'sts'.")
        if self._address.region and claim.region != self._address.region:
            raise ServiceError("SignatureDoesNotMatch", 403, "Credential should be scoped to a"
                               f" valid region: '{self._address.region}'.")
        body_hash = hashlib.sha256(self._body).hexdigest()
        try:
            sigv4.verify(request, claim, self._world.directory, self._now, body_hash)
            sigv4.check_payload(claim.payload_hash, self._body)
        except ServiceError as error:
            if error.code in ("InvalidAccessKeyId", "InvalidToken"):
                raise ServiceError("InvalidClientTokenId", 403, "The security token included in the"
                                   " request is invalid.") from error
            if error.code == "RequestTimeTooSkewed":
                raise ServiceError("SignatureDoesNotMatch", 403,
                                   f"Signature expired: {claim.date} is now too far from"
                                   f" {iso_date(self._now)}") from error
            raise
        return claim.user

    def _role(self):
        arn = self._form.get("RoleArn", "")
        name = self._form.get("RoleSessionName", "")
        if not _SESSION_NAME.match(name):
            raise ServiceError("ValidationError", 400, "Value at 'roleSessionName' failed to"
                               " satisfy constraint")
        role = self._world.sts.roles.get(arn)
        if role is None:
            raise ServiceError("AccessDenied", 403, f"not authorized to perform: sts:{self.action}"
                               f" on resource: {arn}")
        return role, name

    def _duration(self):
        text = self._form.get("DurationSeconds", "3600")
        if not text.isdigit() or not 900 <= int(text) <= 43200:
            raise ServiceError("ValidationError", 400, "Value at 'durationSeconds' failed to"
                               " satisfy constraint: between 900 and 43200")
        return self._world.sts.lifetime_s or int(text)

    def _assume_role(self, user):
        role, name = self._role()
        if not user.permissions.permits("sts:AssumeRole"):
            raise ServiceError("AccessDenied", 403, f"{user.arn} is not authorized to perform:"
                               f" sts:AssumeRole on resource: {role.arn}")
        if role.external_id is not None and self._form.get("ExternalId") != role.external_id:
            raise ServiceError("AccessDenied", 403, f"{user.arn} is not authorized to perform:"
                               f" sts:AssumeRole on resource: {role.arn}")
        return self._credentials(user, role, name)

    def _web_identity(self):
        if sigv4.read(self._exchange.request) is not None:
            raise ServiceError("NotImplemented", 501, "AssumeRoleWithWebIdentity is not signed")
        token = self._form.get("WebIdentityToken", "")
        tokens = self._world.sts.web_tokens
        if token not in tokens:
            raise ServiceError("InvalidIdentityToken", 400, "Couldn't retrieve verification key"
                               " from your identity provider")
        if tokens[token] is not None and self._now >= tokens[token]:
            raise ServiceError("ExpiredTokenException", 400, "Token expired")
        role, name = self._role()
        base = User("web", "unused", role.permissions)
        return self._credentials(base, role, name)

    def _credentials(self, base, role, name):
        account, _, role_name = role.arn.removeprefix("arn:aws:iam::").partition(":role/")
        arn = f"arn:aws:sts::{account}:assumed-role/{role_name.rpartition('/')[2]}/{name}"
        user = self._world.directory.issue(base, self._now + self._duration(), arn=arn,
                                           permissions=role.permissions)
        fields = [xmlout.node("AccessKeyId", user.access_key),
                  xmlout.node("SecretAccessKey", user.secret),
                  xmlout.node("SessionToken", user.token),
                  xmlout.node("Expiration", iso_date(user.expires).replace(".000Z", "Z"))]
        who = [xmlout.node("Arn", arn), xmlout.node("AssumedRoleId", f"AROATEST:{name}")]
        return self._document([xmlout.node("Credentials", fields),
                               xmlout.node("AssumedRoleUser", who)])

    def _document(self, children):
        result = xmlout.node(f"{self.action}Result", children)
        meta = xmlout.node("ResponseMetadata", [xmlout.node("RequestId",
                                                            self._exchange.request_id)])
        return xmlout.document(f"{self.action}Response", [result, meta], xmlout.STS_NAMESPACE)
