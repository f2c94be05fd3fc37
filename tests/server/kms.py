"""KMS: GenerateDataKey, Encrypt, Decrypt, DescribeKey, GetKeyPolicy (JSON 1.1, POST).

Source: AWS Key Management Service API reference, version 2014-11-01.
"""

import base64
import binascii
import hashlib
import json
import secrets
import time
import uuid

import sigv4
from errors import ServiceError
from http_layer import Reply
from kms_keys import NEW_OVERHEAD, USAGES
from store import http_date, iso_date

TARGET = "TrentService."
JSON = "application/x-amz-json-1.1"
SKEW_LIMIT_S = 5 * 60
_KNOWN = {
    "GenerateDataKey": {"KeyId", "NumberOfBytes", "KeySpec", "EncryptionContext"},
    "Encrypt": {"KeyId", "Plaintext", "EncryptionContext", "EncryptionAlgorithm"},
    "Decrypt": {"KeyId", "CiphertextBlob", "EncryptionContext", "EncryptionAlgorithm"},
    "DescribeKey": {"KeyId"},
    "GetKeyPolicy": {"KeyId", "PolicyName"},
}
_OF_KEYS = ("DescribeKey", "GetKeyPolicy")  # whatever the state of the key
_SPECS = {"AES_256": 32, "AES_128": 16}
# What the verifier says in S3's words, in those of KMS; all of it with status 400.
_WORDS = {"InvalidAccessKeyId": "UnrecognizedClientException",
          "InvalidToken": "UnrecognizedClientException",
          "ExpiredToken": "ExpiredTokenException",
          "AuthorizationHeaderMalformed": "IncompleteSignatureException",
          "InvalidArgument": "IncompleteSignatureException",
          "InvalidRequest": "IncompleteSignatureException"}


def is_for_kms(request, address):
    """KMS by its host name, or by X-Amz-Target on a custom endpoint."""
    if address.kind == "kms":
        return True
    return (address.kind == "service" and "kms" in address.services and
            request.method == "POST" and request.header("x-amz-target", "").startswith(TARGET))


def error_reply(error, now):
    """A refusal as KMS writes it."""
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    return finish(Reply(error.status, [], body), now)


def finish(reply, now):
    """Headers that every reply of KMS has."""
    reply.headers += [("Content-Type", JSON), ("x-amzn-RequestId", str(uuid.uuid4())),
                      ("Date", http_date(now))]
    return reply


def invalid(message):
    """ValidationException."""
    return ServiceError("ValidationException", 400, message)


class Call:
    """One KMS request."""

    def __init__(self, world, exchange, address):
        self._world = world
        self._exchange = exchange
        target = exchange.request.header("x-amz-target", "")
        self.operation = target.removeprefix(TARGET) if target.startswith(TARGET) else "?"
        self._body = bytes(exchange.read_body())
        self._address = address
        self._now = world.clock.now()
        self._data = {}
        self._region = address.region
        self._key = None
        self._user = None

    @property
    def key_arn(self):
        """The key that was used, or "" when it did not come so far."""
        return self._key.arn if self._key else ""

    @property
    def context(self):
        """The encryption context that was sent."""
        return self._data.get("EncryptionContext")

    def execute(self):
        """The reply, errors included."""
        self._now = self._world.clock.now() + self._exchange.skew
        service = self._world.kms
        if service.latency_s:
            time.sleep(service.latency_s)
        try:
            result = self._run()
            outcome = "ok"
            reply = finish(Reply(200, [], json.dumps(result).encode()), self._now)
        except ServiceError as error:
            outcome = error.code
            reply = error_reply(error, self._now)
        service.count(self.operation, self.key_arn, outcome)
        return reply

    def _run(self):
        request = self._exchange.request
        if request.method != "POST" or self.operation not in _KNOWN:
            raise ServiceError("UnknownOperationException", 400, "")
        if request.header("content-type", "").partition(";")[0] != JSON:
            raise ServiceError("SerializationException", 400, "")
        self._authenticate()
        if self.operation not in _OF_KEYS and not self._world.kms.quota.admits(self._region):
            raise ServiceError("ThrottlingException", 400, "Rate exceeded")
        self._parse()
        return getattr(self, f"_{self.operation.lower()}")()

    def _authenticate(self):
        try:
            claim = self._verified()
        except ServiceError as error:
            code = _WORDS.get(error.code, "InvalidSignatureException")
            raise ServiceError(code, 400, error.message) from error
        if claim is None:
            raise ServiceError("MissingAuthenticationTokenException", 400,
                               "Missing Authentication Token")
        if abs(self._now - sigv4.timestamp(claim.date)) > SKEW_LIMIT_S:
            raise self._bad_signature(f"Signature expired: {claim.date} is now too far from"
                                      f" {iso_date(self._now)}")
        self._user = claim.user
        self._region = claim.region

    def _verified(self):
        request = self._exchange.request
        claim = sigv4.read(request)
        if claim is None:
            return None
        if claim.algorithm != sigv4.SIGV4 or claim.service != "kms":
            raise self._bad_signature("Credential should be scoped to correct service: 'kms'.")
        if self._region and claim.region != self._region:
            raise self._bad_signature("Credential should be scoped to a valid region.")
        sigv4.verify(request, claim, self._world.directory, self._now,
                     hashlib.sha256(self._body).hexdigest())
        sigv4.check_payload(claim.payload_hash, self._body)
        return claim

    @staticmethod
    def _bad_signature(message):
        return ServiceError("InvalidSignatureException", 400, message)

    def _parse(self):
        try:
            self._data = json.loads(self._body)
        except ValueError as error:
            raise ServiceError("SerializationException", 400, "") from error
        if not isinstance(self._data, dict):
            self._data = {}
            raise ServiceError("SerializationException", 400, "")
        unknown = set(self._data) - _KNOWN[self.operation]
        if unknown:
            raise ServiceError("NotImplemented", 501, f"not implemented: {sorted(unknown)}")
        context = self._data.get("EncryptionContext", {})
        if not isinstance(context, dict) or not all(
                isinstance(value, str) for value in context.values()):
            raise ServiceError("SerializationException", 400, "")
        if self._data.get("EncryptionAlgorithm", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
            raise invalid("this server has symmetric keys only")

    def _bytes(self, name, limit):
        try:
            value = base64.b64decode(self._data.get(name, ""), validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            raise ServiceError("SerializationException", 400, "") from error
        if not 1 <= len(value) <= limit:
            raise invalid(f"1 validation error detected: Value at '{name}' failed to satisfy"
                          " constraint")
        return value

    def _use(self, key):
        """The key, if it is in a state and has a policy that allow this."""
        self._key = key
        action = f"kms:{self.operation}"
        if self.operation in key.deny or not self._user.permissions.permits(action, key.arn):
            raise ServiceError("AccessDeniedException", 400, f"User: {self._user.arn} is not"
                               f" authorized to perform: {action} on resource: {key.arn}")
        if self.operation in _OF_KEYS:
            return key
        if key.state == "Disabled":
            raise ServiceError("DisabledException", 400, f"{key.arn} is disabled.")
        if key.state == "Unavailable":
            raise ServiceError("KeyUnavailableException", 500, "try again")
        if key.state != "Enabled":
            words = {"PendingDeletion": "pending deletion", "PendingImport": "pending import"}
            raise ServiceError("KMSInvalidStateException", 400,
                               f"{key.arn} is {words[key.state]}.")
        if key.usage != USAGES[0]:
            raise ServiceError("InvalidKeyUsageException", 400,
                               f"{key.arn} key usage is {key.usage} which is not valid for"
                               f" {self.operation}.")
        return key

    def _named_key(self):
        text = self._data.get("KeyId")
        if not isinstance(text, str) or not text:
            raise invalid("1 validation error detected: Value null at 'keyId' failed to satisfy"
                          " constraint: Member must not be null")
        return self._use(self._world.kms.find(text, self._region, self._user.account))

    def _generatedatakey(self):
        key = self._named_key()
        count, spec = self._data.get("NumberOfBytes"), self._data.get("KeySpec")
        if (count is None) == (spec is None):
            raise invalid("Please specify either number of bytes or key spec.")
        count = _SPECS.get(spec) if count is None else count
        if not isinstance(count, int) or not 1 <= count <= 1024:
            raise invalid("Value at 'numberOfBytes' failed to satisfy constraint")
        plaintext = secrets.token_bytes(count)
        return {"CiphertextBlob": _text(key.wrap(plaintext, self.context or {})),
                "Plaintext": _text(plaintext), "KeyId": key.arn}

    def _encrypt(self):
        plaintext = self._bytes("Plaintext", 4096)
        key = self._named_key()
        return {"CiphertextBlob": _text(key.wrap(plaintext, self.context or {})),
                "KeyId": key.arn, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}

    def _decrypt(self):
        blob = self._bytes("CiphertextBlob", 6144)
        owner = self._world.kms.of_blob(blob, self._region)
        if "KeyId" in self._data:
            key = self._named_key()
            if owner is not None and owner is not key:
                raise ServiceError("IncorrectKeyException", 400, "The key ID in the request does"
                                   " not identify a CMK that can perform this operation.")
        elif owner is not None:
            key = self._use(owner)
        plaintext = key.unwrap(blob, self.context or {}) if owner is not None else None
        if plaintext is None:
            raise ServiceError("InvalidCiphertextException", 400, "")
        return {"Plaintext": _text(plaintext), "KeyId": key.arn,
                "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}

    def _describekey(self):
        key = self._named_key()
        pending = {"DeletionDate": key.deletion_date} if key.state == "PendingDeletion" else {}
        return {"KeyMetadata": {
            **pending, "Arn": key.arn, "KeyId": key.key_id, "AWSAccountId": key.account,
            "Enabled": key.state == "Enabled", "KeyState": key.state, "KeyUsage": key.usage,
            "KeySpec": "SYMMETRIC_DEFAULT", "MultiRegion": key.multi_region, "Origin": "AWS_KMS",
            "KeyManager": key.manager, "CreationDate": key.created,
            "Description": "" if key.overhead == NEW_OVERHEAD else "with older blobs"}}

    def _getkeypolicy(self):
        if "alias/" in str(self._data.get("KeyId")):
            raise ServiceError("InvalidArnException", 400, "an alias names no key here")
        if self._data.get("PolicyName", "default") != "default":
            raise ServiceError("NotFoundException", 400, "No such policy exists")
        return {"Policy": self._named_key().policy, "PolicyName": "default"}


def _text(data):
    return base64.b64encode(data).decode()
