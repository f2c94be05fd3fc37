"""Independent verifier of AWS Signature Version 4 and 4A.

Protocol source: "Authenticating Requests (AWS Signature Version 4)" of the Amazon S3 API reference
(header and query forms), and the SigV4A notes of the AWS SDKs reference. The server decodes the
request and builds the canonical request afresh, as S3 does; a mismatch is answered with both texts.
"""

import calendar
import functools
import hashlib
import hmac
import re
import time
from urllib.parse import quote, unquote_to_bytes

import ecdsa_p256
from errors import refuse

SIGV4 = "AWS4-HMAC-SHA256"
SIGV4A = "AWS4-ECDSA-P256-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY_HASH = hashlib.sha256(b"").hexdigest()
SKEW_LIMIT_S = 15 * 60
PRESIGN_LIMIT_S = 7 * 24 * 3600
NO_DATE = "AWS authentication requires a valid Date or x-amz-date header"
EXPRESS_TOKEN = "x-amz-s3session-token"
_CREDENTIAL = re.compile(
    r"^(?P<key>[^/\s]+)/(?P<date>\d{8})/(?P<rest>[A-Za-z0-9./-]+)/aws4_request$")


class Signature:
    """What a request claims about itself, from its header or its query."""

    def __init__(self, *, algorithm, credential, signed_headers, signature, date, presigned,
                 expires=None, token=None, region_set=None):
        self.algorithm = algorithm
        self.signed_headers = signed_headers
        self.signature = signature
        self.date = date
        self.presigned = presigned
        self.expires = expires
        self.token = token
        self.region_set = region_set
        self.access_key, self.scope_date, self.region, self.service = _scope(
            credential, algorithm, presigned)
        self.user = None
        self.payload_hash = None

    @property
    def scope(self):
        """The credential scope as it stands in the string to sign."""
        region = [] if self.algorithm == SIGV4A else [self.region]
        return "/".join([self.scope_date, *region, self.service, "aws4_request"])


def _malformed(presigned, message, fields=None):
    code = "AuthorizationQueryParametersError" if presigned else "AuthorizationHeaderMalformed"
    return refuse(code, message, fields)


def _scope(credential, algorithm, presigned):
    match = _CREDENTIAL.match(credential or "")
    parts = match["rest"].split("/") if match else []
    if len(parts) != (1 if algorithm == SIGV4A else 2):
        raise _malformed(presigned, "The credential is malformed; expecting \"<YOUR-AKID>/YYYYMMDD/"
                         "REGION/SERVICE/aws4_request\" (no region for SigV4A).")
    region = None if algorithm == SIGV4A else parts[0]
    return match["key"], match["date"], region, parts[-1]


def parse_query(query):
    """[(name, value)] as bytes, decoded; a `+` is a space and a name without `=` has no value."""
    pairs = []
    for item in query.split("&"):
        if item:
            name, _, value = item.partition("=")
            pairs.append((unquote_to_bytes(name.replace("+", " ")),
                          unquote_to_bytes(value.replace("+", " "))))
    return pairs


def _text_query(request):
    return {name.decode("latin-1"): value.decode("latin-1")
            for name, value in parse_query(request.query)}


def read(request):
    """The Signature of a request, or None for an anonymous one."""
    header = request.header("authorization")
    query = _text_query(request) if "X-Amz-Algorithm" in request.query else {}
    if header is not None and query:
        raise refuse("InvalidArgument", "Only one auth mechanism allowed; only the X-Amz-Algorithm"
                     " query parameter, Signature query string parameter or the Authorization"
                     " header should be specified", [("ArgumentName", "Authorization")])
    if header is not None:
        return _from_header(request, header)
    return _from_query(query) if query else None


def _from_header(request, header):
    algorithm, _, rest = header.partition(" ")
    if algorithm not in (SIGV4, SIGV4A):
        raise refuse("InvalidArgument", "Unsupported Authorization Type",
                     [("ArgumentName", "Authorization"), ("ArgumentValue", header)])
    fields = {}
    for item in rest.split(","):
        name, equals, value = item.strip().partition("=")
        if not equals or name in fields:
            raise _malformed(False, f"The authorization header is malformed near {item.strip()!r}.")
        fields[name] = value
    if set(fields) != {"Credential", "SignedHeaders", "Signature"}:
        raise _malformed(False, "The authorization header is malformed; it needs exactly"
                         " Credential, SignedHeaders and Signature.")
    date = request.header("x-amz-date")
    if date is None:
        raise refuse("AccessDenied", NO_DATE)
    token = request.header("x-amz-security-token") or request.header(EXPRESS_TOKEN)
    return Signature(algorithm=algorithm, credential=fields["Credential"],
                     signed_headers=fields["SignedHeaders"].split(";"),
                     signature=fields["Signature"], date=date, presigned=False, token=token,
                     region_set=request.header("x-amz-region-set"))


def _from_query(query):
    needed = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
              "X-Amz-SignedHeaders", "X-Amz-Signature")
    if any(name not in query for name in needed):
        raise _malformed(True, "Query-string authentication version 4 requires the X-Amz-Algorithm,"
                         " X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and"
                         " X-Amz-Expires parameters.")
    if query["X-Amz-Algorithm"] not in (SIGV4, SIGV4A):
        raise _malformed(True, 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256" and'
                         ' "AWS4-ECDSA-P256-SHA256"')
    expires = query["X-Amz-Expires"]
    if not expires.isdigit():
        raise _malformed(True, "X-Amz-Expires should be a number")
    if not 1 <= int(expires) <= PRESIGN_LIMIT_S:
        raise _malformed(True, "X-Amz-Expires must be between 1 and 604800 seconds")
    token = query.get("X-Amz-Security-Token") or query.get("X-Amz-S3session-Token")
    return Signature(algorithm=query["X-Amz-Algorithm"], credential=query["X-Amz-Credential"],
                     signed_headers=query["X-Amz-SignedHeaders"].split(";"),
                     signature=query["X-Amz-Signature"], date=query["X-Amz-Date"], presigned=True,
                     expires=int(expires), token=token, region_set=query.get("X-Amz-Region-Set"))


def timestamp(date):
    """Seconds since the epoch of `YYYYMMDDTHHMMSSZ`, or None."""
    try:
        return calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return None


def _iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def check_time(claim, now):
    """Refuse a clock that is more than 15 minutes off, and presigned URLs that ended."""
    then = timestamp(claim.date)
    if then is None:
        raise refuse("AccessDenied", NO_DATE)
    if claim.scope_date != claim.date[:8]:
        raise _malformed(claim.presigned, f"Invalid credential date \"{claim.scope_date}\". This"
                         f" date is not the same as X-Amz-Date: \"{claim.date[:8]}\".")
    if claim.presigned:
        if now > then + claim.expires:
            raise refuse("AccessDenied", "Request has expired",
                         [("X-Amz-Expires", claim.expires), ("Expires", _iso(then + claim.expires)),
                          ("ServerTime", _iso(now))])
        if then > now + SKEW_LIMIT_S:
            raise refuse("AccessDenied", "Request is not valid yet", [("ServerTime", _iso(now))])
    elif abs(now - then) > SKEW_LIMIT_S:
        raise refuse("RequestTimeTooSkewed", None,
                     [("RequestTime", claim.date), ("ServerTime", _iso(now)),
                      ("MaxAllowedSkewMilliseconds", SKEW_LIMIT_S * 1000)])


def check_headers(claim, request):
    """host, content-type and every x-amz-* header must be signed."""
    signed = set(claim.signed_headers)
    if list(claim.signed_headers) != sorted(signed):
        raise _malformed(claim.presigned, "SignedHeaders must be lower case, sorted and unique")
    loose = [name for name, _ in request.headers if name not in signed and
             (name.startswith("x-amz-") or name in ("host", "content-type", "content-md5"))]
    if "host" not in signed and "host" not in loose:
        loose.append("host")
    if loose:
        raise refuse("AccessDenied", "There were headers present in the request which were not"
                     " signed", [("HeadersNotSigned", ", ".join(sorted(set(loose))))])


def check_token(claim, user, now):
    """The session token must be the one that was issued with these credentials, and be alive."""
    if (claim.token or None) != user.token:
        raise refuse("InvalidToken", fields=[("Token-0", claim.token or "")])
    if user.expires is not None and now >= user.expires:
        raise refuse("ExpiredToken", fields=[("Token-0", claim.token)])


def canonical_query(request, presigned):
    """Sorted, re-encoded query; a presigned URL leaves its own signature out."""
    pairs = [(quote(name, safe="-_.~"), quote(value, safe="-_.~"))
             for name, value in parse_query(request.query)]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs)
                    if not (presigned and name == "X-Amz-Signature"))


def canonical_request(request, claim, payload_hash):
    """The canonical request, from the decoded request."""
    path = quote(unquote_to_bytes(request.path), safe="/-_.~")
    lines = []
    for name in claim.signed_headers:
        values = (" ".join(value.split()) for value in request.values(name))
        lines.append(f"{name}:{','.join(values)}\n")
    return "\n".join([request.method, path, canonical_query(request, claim.presigned),
                      "".join(lines), ";".join(claim.signed_headers), payload_hash])


def string_to_sign(claim, canonical):
    """The text that is signed."""
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    return "\n".join([claim.algorithm, claim.date, claim.scope, digest])


@functools.lru_cache(maxsize=1024)
def signing_key(secret, date, region, service):
    """The SigV4 key of one day, region and service."""
    key = hmac.digest(b"AWS4" + secret.encode(), date.encode(), "sha256")
    for word in (region, service, "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


def _signature_holds(claim, user, text):
    if claim.algorithm == SIGV4A:
        try:
            signature = bytes.fromhex(claim.signature)
        except ValueError:
            return False
        public = ecdsa_p256.public_key(user.access_key, user.secret)
        return ecdsa_p256.verify(public, text.encode(), signature)
    key = signing_key(user.secret, claim.scope_date, claim.region, claim.service)
    wanted = hmac.digest(key, text.encode(), "sha256").hex()
    return hmac.compare_digest(wanted.encode(), claim.signature.encode("latin-1"))


def _mismatch(claim, text, canonical):
    def spaced(value):
        return " ".join(f"{byte:02x}" for byte in value.encode("latin-1"))
    return refuse("SignatureDoesNotMatch", None,
                  [("AWSAccessKeyId", claim.access_key), ("StringToSign", text),
                   ("SignatureProvided", claim.signature), ("StringToSignBytes", spaced(text)),
                   ("CanonicalRequest", canonical), ("CanonicalRequestBytes", spaced(canonical))])


def _payload_hash(request, claim, body_hash):
    declared = request.header("x-amz-content-sha256")
    if declared is None:
        if claim.presigned:
            return UNSIGNED
        if body_hash is not None:
            return body_hash
        raise refuse("InvalidRequest",
                     "Missing required header for this request: x-amz-content-sha256")
    if declared.startswith("STREAMING-"):
        raise refuse("NotImplemented", f"x-amz-content-sha256: {declared} is not implemented")
    if declared != UNSIGNED and not re.fullmatch("[0-9a-f]{64}", declared):
        raise refuse("InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD,"
                     " or a valid sha256 value.", [("ArgumentName", "x-amz-content-sha256"),
                                                  ("ArgumentValue", declared)])
    return declared


def verify(request, claim, directory, now, body_hash=None):
    """Check a Signature completely; afterwards `claim.user` and `claim.payload_hash` are known.

    `body_hash` is for services that do not send x-amz-content-sha256 (STS).
    """
    check_time(claim, now)
    check_headers(claim, request)
    if claim.algorithm == SIGV4A and not claim.region_set:
        raise _malformed(claim.presigned, "SigV4A requires X-Amz-Region-Set")
    user = directory.find(claim.access_key)
    if user is None:
        raise refuse("InvalidAccessKeyId", None, [("AWSAccessKeyId", claim.access_key)])
    claim.payload_hash = _payload_hash(request, claim, body_hash)
    canonical = canonical_request(request, claim, claim.payload_hash)
    text = string_to_sign(claim, canonical)
    if not _signature_holds(claim, user, text):
        raise _mismatch(claim, text, canonical)
    check_token(claim, user, now)
    claim.user = user


def check_payload(payload_hash, body):
    """The body must hash to what the signature covers."""
    if payload_hash == UNSIGNED:
        return
    actual = hashlib.sha256(body).hexdigest() if len(body) else EMPTY_HASH
    if actual != payload_hash:
        raise refuse("XAmzContentSHA256Mismatch", None,
                     [("ClientComputedContentSHA256", payload_hash),
                      ("S3ComputedContentSHA256", actual)])
