"""S3: which operation a request is, who may do it, and the frame around every handler.

Operations register themselves with @operation, so that Object Lock, policies and the like can be
modules of their own. A query parameter, an x-amz-* header or a conditional header that the chosen
operation does not declare is answered 501: this server never ignores what it does not know.
"""

import secrets

import policy
import sigv4
import xmlout
from errors import ServiceError, not_implemented, refuse
from http_layer import Reply
from store import http_date

COMMON_QUERY = {"x-id", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
                "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token",
                "X-Amz-S3session-Token", "X-Amz-Region-Set", "x-amz-request-payer"}
COMMON_HEADERS = {
    "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-s3session-token",
    "x-amz-region-set", "x-amz-expected-bucket-owner", "x-amz-request-payer", "x-amz-user-agent"}
# Headers that change what a request means, beside x-amz-*.
MEANINGFUL = {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
              "range", "content-md5", "transfer-encoding"}
# What a multi-Region access point carries; a copy only as its destination.
MULTI_REGION = {"GetObject", "HeadObject", "PutObject", "DeleteObject", "ListObjectsV2",
                "CopyObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload",
                "ListParts", "AbortMultipartUpload", "ListMultipartUploads", "GetObjectTagging",
                "PutObjectTagging", "DeleteObjectTagging", "GetObjectRetention", "RestoreObject",
                "GetObjectLegalHold"}
VERSION_ACTIONS = {"s3:GetObject": "s3:GetObjectVersion",
                   "s3:DeleteObject": "s3:DeleteObjectVersion",
                   "s3:GetObjectTagging": "s3:GetObjectVersionTagging",
                   "s3:PutObjectTagging": "s3:PutObjectVersionTagging",
                   "s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging"}
KEY_LIMIT = 1024
UPLOAD_LIMIT = 5 * 1024 ** 3
OPERATIONS = []
REPLY_HEADERS = []  # functions of a Context: what subjects of their own put on every reply


class Operation:
    """One row of the dispatch table."""

    def __init__(self, name, method, level, handler, *, needs, source, query, headers, action,
                 metadata, door):
        self.name = name
        self.method = method
        self.level = level
        self.handler = handler
        self.needs = frozenset(needs)
        self.source = source
        self.query = self.needs | set(query)
        self.headers = set(headers)
        self.action = action
        self.metadata = metadata
        self.door = door  # may an access point carry it?


def operation(name, method, level, *, needs=(), source=False, query=(), headers=(), action=None,
              metadata=False, door=True):
    """Register the decorated function as the handler of an S3 operation.

    `needs` are query parameters that select it, `source` says that x-amz-copy-source does.
    """
    def register(handler):
        OPERATIONS.append(Operation(name, method, level, handler, needs=needs, source=source,
                                    query=query, headers=headers, action=action or f"s3:{name}",
                                    metadata=metadata, door=door))
        return handler
    return register


class Context:
    """One S3 request on its way to a handler."""

    def __init__(self, world, exchange, address):
        self.world = world
        self.exchange = exchange
        self.request = exchange.request
        self.address = address
        self.now = world.clock.now() + exchange.skew
        self.query = self._query()
        self.operation = None
        self.claim = None
        self.user = None
        self.bucket = None
        self.range_shift = 0
        self.key = address.key if address.kind == "bucket" else b""
        self.request_id = exchange.request_id

    def _query(self):
        pairs = {}
        for name, value in sigv4.parse_query(self.request.query):
            name = name.decode("latin-1")
            if name in pairs:
                raise refuse("InvalidArgument", f"query parameter {name} is given twice",
                             [("ArgumentName", name)])
            pairs[name] = value
        return pairs

    def text(self, name, default=None):
        """A query parameter as text, or `default`."""
        value = self.query.get(name)
        return default if value is None else value.decode("utf-8", "surrogateescape")

    def header(self, name, default=None):
        """A request header, or `default`."""
        return self.request.header(name, default)

    def number(self, name, default, low, high):
        """A query parameter as a number within bounds; above `high` is `high`."""
        text = self.text(name)
        if text is None or text == "":
            return default
        if not text.isdigit() or int(text) < low:
            raise refuse("InvalidArgument", f"Argument {name} must be an integer between {low} and"
                         f" {high}", [("ArgumentName", name), ("ArgumentValue", text)])
        return min(int(text), high)

    def body(self):
        """The request body, checked against the signed hash."""
        data = self.exchange.read_body()
        if self.claim is not None:
            sigv4.check_payload(self.claim.payload_hash, data)
        return data

    def may(self, action, bucket=None, key=None, door=None):
        """True if the caller may do `action`; `door` is another access point than that of the request."""
        bucket = bucket or self.bucket
        text = (self.key if key is None else key).decode("utf-8", "replace")
        said = policy.may(self, action, bucket, text, door or self.address.access_point)
        if said == "Deny":
            return False
        if self.user is None:
            return said == "Allow" or (bucket is not None and bucket.public and action in (
                "s3:GetObject", "s3:ListBucket", "s3:GetObjectVersion"))
        permissions = self.user.permissions
        if bucket is not None and self.user.account != bucket.account:
            return said is not None and permissions.permits(action, text)
        if said == "Allow":
            return not permissions.denies(action, text)
        return permissions.permits(action, text)

    def demand(self, action, bucket=None, key=None, door=None):
        """403 unless the caller may do `action`."""
        if not self.may(action, bucket, key, door):
            who = self.user.arn if self.user else "anonymous"
            raise refuse("AccessDenied", f"User: {who} is not authorized to perform: {action}")

    def no_such_key(self, key=None, bucket=None, headers=None):
        """404, or 403 for who may not list: S3 hides what is missing from them."""
        key = self.key if key is None else key
        if not self.may("s3:ListBucket", bucket, b""):
            return refuse("AccessDenied")
        return refuse("NoSuchKey", None, [("Key", key.decode("utf-8", "replace"))], headers)


def select(method, level, query, has_source):
    """The operation that a request means: the one that needs most of what is there."""
    best = None
    for candidate in OPERATIONS:
        if (candidate.method == method and candidate.level == level and
                candidate.source == has_source and candidate.needs <= query.keys()):
            if best is None or len(candidate.needs) > len(best.needs):
                best = candidate
    if best is None:
        words = ", ".join(sorted(query)) or "no query"
        raise not_implemented(f"{method} on a {level} with {words}")
    return best


def check_known(context):
    """Refuse parameters and headers that the operation does not declare."""
    chosen, request = context.operation, context.request
    if chosen.method == "OPTIONS":
        return  # asks about another request, whose query it has
    for name in context.query:
        if name not in chosen.query and name not in COMMON_QUERY:
            raise not_implemented(f"query parameter {name} on {chosen.name}")
    for name, value in request.headers:
        if name.startswith("x-amz-meta-"):
            known = chosen.metadata
        elif name.startswith("x-amz-") or name in MEANINGFUL:
            known = name in chosen.headers or name in COMMON_HEADERS
        else:
            known = not (name == "content-encoding" and "aws-chunked" in value)
        if not known:
            raise not_implemented(f"{name} on {chosen.name}")


def authenticate(context):
    """Verify the signature, its service and that it suits the kind of address."""
    address = context.address
    if context.operation.method == "OPTIONS":
        return  # its signature, if any, is that of the request that is asked about
    claim = sigv4.read(context.request)
    if claim is None:
        if address.access_point or address.level == "service":
            raise refuse("AccessDenied")
        return
    services = {"s3express"} if "s3express" in address.services else {"s3"}
    if claim.service not in services:
        code = "AuthorizationQueryParametersError" if claim.presigned else \
            "AuthorizationHeaderMalformed"
        raise refuse(code, f'incorrect service "{claim.service}". This endpoint belongs to'
                     f' "{", ".join(sorted(services))}".')
    if address.sigv4a and claim.algorithm != sigv4.SIGV4A:
        raise refuse("InvalidRequest", "a multi-Region access point needs SigV4A")
    sigv4.verify(context.request, claim, context.world.directory, context.now)
    context.claim = claim
    context.user = claim.user
    _check_express(context)


def _check_express(context):
    """Directory buckets: object operations use the credentials of CreateSession, the others not."""
    express = context.user.express_bucket
    session_token = context.header("x-amz-s3session-token") or \
        context.query.get("X-Amz-S3session-Token")
    plain = context.operation.name in ("CreateSession", "CopyObject", "UploadPartCopy",
                                       "HeadBucket", "CreateBucket", "DeleteBucket")
    wanted = context.address.bucket if "s3express" in context.address.services and not plain \
        else None
    if wanted and express is None:
        raise refuse("AccessDenied", "this operation on a directory bucket needs the credentials of"
                     " CreateSession")
    if express is not None and (express != context.address.bucket or not session_token):
        raise refuse("InvalidToken", "session credentials are of another bucket, or the token is"
                     " not in x-amz-s3session-token")
    if wanted and context.user.mode == "ReadOnly" and context.request.method not in ("GET", "HEAD"):
        raise refuse("AccessDenied", "the session is read only")


def region_headers(bucket):
    """x-amz-bucket-region, which S3 sends with every answer about a bucket's Region."""
    return [("x-amz-bucket-region", bucket.region)]


def check_region(context):
    """301 when the host is of another Region; 400 when only the signature is."""
    bucket, address, claim = context.bucket, context.address, context.claim
    if address.region is not None and address.region != bucket.region and not address.sigv4a:
        endpoint = f"{bucket.name}.s3.{bucket.region}.amazonaws.com"
        raise refuse("PermanentRedirect", None, [("Endpoint", endpoint), ("Bucket", bucket.name)],
                     region_headers(bucket))
    if claim is None:
        return
    if claim.algorithm == sigv4.SIGV4A:
        words = [word.strip() for word in claim.region_set.split(",")]
        if not any(word in ("*", bucket.region) or
                   (word.endswith("*") and bucket.region.startswith(word[:-1])) for word in words):
            raise refuse("AuthorizationHeaderMalformed", "the Region set does not hold"
                         f" '{bucket.region}'", [("Region", bucket.region)], region_headers(bucket))
    elif claim.region != bucket.region:
        raise wrong_region(claim, bucket.region, region_headers(bucket))


def wrong_region(claim, expected, headers=None):
    """The refusal that tells the right Region."""
    if claim.presigned:
        return refuse("AuthorizationQueryParametersError",
                      "Error parsing the X-Amz-Credential parameter; the region"
                      f" '{claim.region}' is wrong; expecting '{expected}'",
                      [("Region", expected)], headers)
    return refuse("AuthorizationHeaderMalformed",
                  f"The authorization header is malformed; the region '{claim.region}' is wrong;"
                  f" expecting '{expected}'", [("Region", expected)], headers)


def find_bucket(context):
    """Set context.bucket and check everything that hangs on it."""
    if context.address.kind != "bucket" or context.operation.name == "CreateBucket":
        return
    bucket = context.world.store.bucket(context.address.bucket)
    if bucket is None:
        raise refuse("NoSuchBucket", None, [("BucketName", context.address.bucket)])
    context.bucket = bucket
    check_region(context)
    if context.operation.method == "OPTIONS":
        return
    if context.user is None and not bucket.public and bucket.policy is None:
        raise refuse("AccessDenied")
    owner = context.header("x-amz-expected-bucket-owner")
    if owner is not None and owner != bucket.account:
        raise refuse("AccessDenied")
    payer = context.header("x-amz-request-payer", context.text("x-amz-request-payer"))
    if payer not in (None, "requester"):
        raise refuse("InvalidArgument", "x-amz-request-payer must be requester")
    if bucket.requester_pays and payer is None:
        raise refuse("AccessDenied", "the bucket is Requester Pays: x-amz-request-payer is missing")
    check_door(context)
    if bucket.directory and (context.header("content-md5") or "tagging" in context.query):
        raise not_implemented("Content-MD5 and tags on a directory bucket")


def check_door(context):
    """405 for what an access point does not carry."""
    point, chosen = context.address.access_point, context.operation
    if point is None or chosen.name in point.extra_operations:
        return
    if not chosen.door or (context.address.sigv4a and chosen.name not in MULTI_REGION):
        raise refuse("MethodNotAllowed", None,
                     [("Method", context.request.method), ("ResourceType", "ACCESSPOINT")])


def check_key(context):
    """Key length, and that new keys are UTF-8."""
    if len(context.key) > KEY_LIMIT:
        raise refuse("KeyTooLongError", None, [("Size", len(context.key)),
                                               ("MaxSizeAllowed", KEY_LIMIT)])
    if context.request.method in ("PUT", "POST") and context.address.level == "object":
        try:
            context.key.decode("utf-8")
        except UnicodeDecodeError as error:
            raise refuse("InvalidURI") from error


def check_length(context):
    """Uploads need a length, and not too much of it."""
    request = context.request
    if request.header("transfer-encoding"):
        context.exchange.keep_alive = False
        context.exchange.body_read = True
        raise not_implemented("Transfer-Encoding")
    if request.method == "PUT" and request.content_length is None and \
            context.address.level == "object" and not context.operation.source:
        raise refuse("MissingContentLength")
    if (request.content_length or 0) > UPLOAD_LIMIT:
        context.exchange.keep_alive = False
        context.exchange.body_read = True
        raise refuse("EntityTooLarge", None, [("ProposedSize", request.content_length),
                                              ("MaxSizeAllowed", UPLOAD_LIMIT)])


def versioned_action(action, query):
    """The right that an operation needs when it names a version: one of its own."""
    if "versionId" not in query:
        return action
    return VERSION_ACTIONS.get(action, action)


def identify(world, exchange, address):
    """A Context with its operation chosen; nothing is checked yet."""
    context = Context(world, exchange, address)
    has_source = exchange.request.header("x-amz-copy-source") is not None
    context.operation = select(exchange.request.method, address.level, context.query, has_source)
    return context


def execute(context):
    """Run the request through every check and its handler; ServiceErrors become replies."""
    try:
        check_length(context)
        check_known(context)
        authenticate(context)
        find_bucket(context)
        check_key(context)
        if context.operation.action != "-":
            context.demand(versioned_action(context.operation.action, context.query))
        reply = context.operation.handler(context)
        if context.bucket is not None and context.bucket.requester_pays:
            reply.headers.append(("x-amz-request-charged", "requester"))
    except ServiceError as error:
        reply = error_reply(context, error)
    for more in REPLY_HEADERS:
        reply.headers += more(context)
    return finish(reply, context.request_id, context.now)


def error_reply(context, error):
    """The reply of a refusal; HEAD and 304 carry no body."""
    headers = list(error.headers)
    if context.bucket is not None and context.operation.name == "HeadBucket" and \
            not any(name == "x-amz-bucket-region" for name, _ in headers):
        headers += region_headers(context.bucket)
    return plain_error(error, context.request, context.request_id, headers)


def plain_error(error, request, request_id, headers=()):
    """An S3 error reply for a request that may not have got as far as a Context."""
    if request.method == "HEAD" or error.status == 304:
        reply = Reply(error.status, headers)
        reply.headers.append(("Content-Type", "application/xml"))
        return reply
    body = xmlout.error_body(error, request_id, host_id(request_id), request.path)
    return Reply(error.status, [*headers, ("Content-Type", "application/xml")], body)


def host_id(request_id):
    """The second id of a reply: opaque, derived from the first."""
    return f"{request_id}coffer/teststandin+server/host=="


def new_request_id():
    """16 upper-case hex digits, like those of S3."""
    return secrets.token_hex(8).upper()


def finish(reply, request_id, now):
    """Headers that every S3 reply has."""
    reply.headers += [("x-amz-request-id", request_id), ("x-amz-id-2", host_id(request_id)),
                      ("Date", http_date(now)), ("Server", "AmazonS3")]
    return reply


def xml_reply(root, children, status=200, headers=()):
    """A reply with an S3 document."""
    return Reply(status, [*headers, ("Content-Type", "application/xml")],
                 xmlout.document(root, children))
