"""A bucket's settings as documents: CORS, default encryption, access log, lifecycle, who pays; and CORS
itself, on the preflight of a browser and on every reply.

Bodies, codes and the order of checks as in the Amazon S3 API reference; matching as in "Elements of
a CORS configuration" of the user guide: the first rule that has origin, method and every header.
"""

import xmlout
from errors import refuse
from http_layer import Reply
from s3 import REPLY_HEADERS, operation, xml_reply
from s3_locks import DIGEST_HEADERS, verified_body

METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
MOST_RULES = 100
NOT_ALLOWED = ("CORSResponse: This CORS request is not allowed. This is usually because the evaluation"
               " of Origin, request method / Access-Control-Request-Method or"
               " Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.")


class CorsRule:
    """One rule, checked."""

    def __init__(self, element):
        element.only("ID", "AllowedOrigin", "AllowedMethod", "AllowedHeader", "ExposeHeader",
                     "MaxAgeSeconds")
        self.name = element.value("ID")
        self.origins = [child.text for child in element.all("AllowedOrigin")]
        self.methods = [child.text for child in element.all("AllowedMethod")]
        self.headers = [child.text for child in element.all("AllowedHeader")]
        self.expose = [child.text for child in element.all("ExposeHeader")]
        self.max_age = element.value("MaxAgeSeconds")
        self._check()

    def _check(self):
        if not self.origins or not self.methods or len(self.name or "") > 255:
            raise refuse("MalformedXML")
        for method in self.methods:
            if method not in METHODS:
                raise refuse("InvalidRequest", "Found unsupported HTTP method in CORS config."
                             f" Unsupported method is {method}")
        for kind, values in (("AllowedOrigin", self.origins), ("AllowedHeader", self.headers)):
            for value in values:
                if value.count("*") > 1:
                    raise refuse("InvalidRequest",
                                 f'{kind} "{value}" can not have more than one wildcard.')
        for value in self.expose:
            if "*" in value:
                raise refuse("InvalidRequest", f'ExposeHeader "{value}" contains wildcard. We'
                             " currently do not support wildcard for ExposeHeader")
        if self.max_age is not None and not self.max_age.isdigit():
            raise refuse("MalformedXML")

    def origin_for(self, origin):
        """What goes into Access-Control-Allow-Origin, or None where the origin does not match."""
        for allowed in self.origins:
            if allowed == "*":
                return "*"
            if _fits(allowed, origin):
                return origin
        return None

    def node(self):
        """As it was sent."""
        content = xmlout.optional("ID", self.name)
        for name, values in (("AllowedMethod", self.methods), ("AllowedOrigin", self.origins),
                             ("AllowedHeader", self.headers), ("ExposeHeader", self.expose)):
            content += [xmlout.node(name, value) for value in values]
        return xmlout.node("CORSRule", content + xmlout.optional("MaxAgeSeconds", self.max_age))


def _fits(pattern, text):
    head, star, tail = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(head) + len(tail) and text.startswith(head) and text.endswith(tail)


def matching_rule(rules, origin, method, headers):
    """(rule, the origin to answer with) of the first rule that has all of it, or (None, None)."""
    for rule in rules:
        answer = rule.origin_for(origin)
        if answer is None or method not in rule.methods:
            continue
        patterns = [pattern.lower() for pattern in rule.headers]
        if all(any(_fits(pattern, header.lower()) for pattern in patterns) for header in headers):
            return rule, answer
    return None, None


def cors_headers(rule, origin):
    """The headers that a matching rule puts on a reply."""
    headers = [("Access-Control-Allow-Origin", origin),
               ("Access-Control-Allow-Methods", ", ".join(rule.methods)),
               ("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")]
    if origin != "*":
        headers.append(("Access-Control-Allow-Credentials", "true"))
    if rule.expose:
        headers.append(("Access-Control-Expose-Headers", ", ".join(rule.expose)))
    if rule.max_age is not None:
        headers.append(("Access-Control-Max-Age", rule.max_age))
    return headers


def reply_headers(context):
    """What CORS adds to the reply of a request itself, also when it is refused before anything of the
    bucket is looked at, as for its signature: nothing for one without an Origin."""
    origin = context.header("origin")
    if origin is None or context.operation.name == "Preflight" or context.address.kind != "bucket":
        return []
    bucket = context.world.store.bucket(context.address.bucket)
    if bucket is None:
        return []
    rule, answer = matching_rule(bucket.cors, origin, context.request.method, ())
    return [] if rule is None else cors_headers(rule, answer)


REPLY_HEADERS.append(reply_headers)


def _preflight(context):
    origin = context.header("origin")
    method = context.header("access-control-request-method")
    if origin is None:
        raise refuse("BadRequest", "Insufficient information. Origin request header needed.")
    if method not in METHODS:
        raise refuse("BadRequest", "Invalid Access-Control-Request-Method: " + (method or "null"))
    if not context.bucket.cors:
        raise refuse("AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.")
    asked = [word.strip() for word in
             (context.header("access-control-request-headers") or "").split(",") if word.strip()]
    rule, answer = matching_rule(context.bucket.cors, origin, method, asked)
    if rule is None:
        raise refuse("AccessForbidden", NOT_ALLOWED,
                     [("Method", method), ("ResourceType", "OBJECT")])
    headers = cors_headers(rule, answer)
    if asked:
        headers.append(("Access-Control-Allow-Headers", ", ".join(asked).lower()))
    return Reply(200, headers)


@operation("Preflight", "OPTIONS", "object", action="-")
def preflight_object(context):
    """What a browser asks before a request of a page's; nobody signs it."""
    return _preflight(context)


@operation("Preflight", "OPTIONS", "bucket", action="-")
def preflight_bucket(context):
    """The same of the bucket itself."""
    return _preflight(context)


@operation("GetBucketCors", "GET", "bucket", needs={"cors"}, action="s3:GetBucketCORS")
def get_bucket_cors(context):
    """404 where there are none. The one setting that an access point answers."""
    if not context.bucket.cors:
        raise refuse("NoSuchCORSConfiguration", None, [("BucketName", context.bucket.name)])
    return xml_reply("CORSConfiguration", [rule.node() for rule in context.bucket.cors])


@operation("PutBucketCors", "PUT", "bucket", needs={"cors"}, door=False, action="s3:PutBucketCORS",
           headers=DIGEST_HEADERS)
def put_bucket_cors(context):
    """The whole set of rules."""
    root = xmlout.parse(verified_body(context), "CORSConfiguration").only("CORSRule")
    rules = [CorsRule(element) for element in root.all("CORSRule")]
    if not rules:
        raise refuse("MalformedXML")
    if len(rules) > MOST_RULES:
        raise refuse("InvalidRequest", "The number of CORS rules should not exceed allowed limit of"
                     f" {MOST_RULES} rules.")
    context.bucket.cors = rules
    return Reply(200)


@operation("DeleteBucketCors", "DELETE", "bucket", needs={"cors"}, door=False,
           action="s3:PutBucketCORS")
def delete_bucket_cors(context):
    """Also where there are none."""
    context.bucket.cors = []
    return Reply(204)


@operation("GetBucketEncryption", "GET", "bucket", needs={"encryption"}, door=False,
           action="s3:GetEncryptionConfiguration")
def get_bucket_encryption(context):
    """Every bucket has one: S3's own keys, unless another was set."""
    kind, key, bucket_key = context.bucket.encryption
    apply = [xmlout.node("SSEAlgorithm", kind), *xmlout.optional("KMSMasterKeyID", key)]
    return xml_reply("ServerSideEncryptionConfiguration", [xmlout.node("Rule", [
        xmlout.node("ApplyServerSideEncryptionByDefault", apply),
        xmlout.node("BucketKeyEnabled", "true" if bucket_key else "false")])])


@operation("PutBucketEncryption", "PUT", "bucket", needs={"encryption"}, door=False,
           action="s3:PutEncryptionConfiguration", headers=DIGEST_HEADERS)
def put_bucket_encryption(context):
    """One rule; a key only with KMS."""
    root = xmlout.parse(verified_body(context), "ServerSideEncryptionConfiguration").only("Rule")
    rules = root.all("Rule")
    if len(rules) != 1:
        raise refuse("MalformedXML")
    rule = rules[0].only("ApplyServerSideEncryptionByDefault", "BucketKeyEnabled")
    applies = rule.all("ApplyServerSideEncryptionByDefault")
    if len(applies) != 1:
        raise refuse("MalformedXML")
    apply = applies[0].only("SSEAlgorithm", "KMSMasterKeyID")
    kind, key = apply.value("SSEAlgorithm"), apply.value("KMSMasterKeyID")
    if kind not in ("AES256", "aws:kms", "aws:kms:dsse"):
        raise refuse("MalformedXML")
    if key is not None and kind == "AES256":
        raise refuse("InvalidArgument", "a KMSMasterKeyID is not applicable if the default sse"
                     " algorithm is not aws:kms or aws:kms:dsse")
    if rule.value("BucketKeyEnabled") not in (None, "true", "false"):
        raise refuse("MalformedXML")
    context.bucket.encryption = (kind, key, rule.value("BucketKeyEnabled") == "true")
    return Reply(200)


@operation("GetBucketLogging", "GET", "bucket", needs={"logging"}, door=False)
def get_bucket_logging(context):
    """An empty document when there is no log."""
    if context.bucket.logging is None:
        return xml_reply("BucketLoggingStatus", [])
    target, prefix = context.bucket.logging
    return xml_reply("BucketLoggingStatus", [xmlout.node("LoggingEnabled", [
        xmlout.node("TargetBucket", target), xmlout.node("TargetPrefix", prefix)])])


@operation("PutBucketLogging", "PUT", "bucket", needs={"logging"}, door=False,
           headers=DIGEST_HEADERS)
def put_bucket_logging(context):
    """The target has to be there, of this account and in this Region; no log is delivered."""
    root = xmlout.parse(verified_body(context), "BucketLoggingStatus").only("LoggingEnabled")
    enabled = root.all("LoggingEnabled")
    if not enabled:
        context.bucket.logging = None
        return Reply(200)
    enabled = enabled[0].only("TargetBucket", "TargetPrefix")
    name, prefix = enabled.value("TargetBucket"), enabled.value("TargetPrefix")
    target = context.world.store.bucket(name or "")
    if target is None or prefix is None:
        raise refuse("InvalidTargetBucketForLogging" if prefix is not None else "MalformedXML")
    if target.region != context.bucket.region or target.account != context.bucket.account:
        raise refuse("InvalidTargetBucketForLogging")
    context.bucket.logging = (name, prefix)
    return Reply(200)


@operation("GetBucketLifecycleConfiguration", "GET", "bucket", needs={"lifecycle"}, door=False,
           action="s3:GetLifecycleConfiguration")
def get_bucket_lifecycle(context):
    """404 where there is none; nothing expires here."""
    if context.bucket.lifecycle is None:
        raise refuse("NoSuchLifecycleConfiguration", None, [("BucketName", context.bucket.name)])
    return Reply(200, [("Content-Type", "application/xml")], context.bucket.lifecycle)


@operation("PutBucketLifecycleConfiguration", "PUT", "bucket", needs={"lifecycle"}, door=False,
           action="s3:PutLifecycleConfiguration", headers=DIGEST_HEADERS)
def put_bucket_lifecycle(context):
    """Kept as it came."""
    data = verified_body(context)
    root = xmlout.parse(data, "LifecycleConfiguration").only("Rule")
    for rule in root.all("Rule"):
        rule.only("ID", "Status", "Filter", "Prefix", "NoncurrentVersionExpiration", "Expiration",
                  "AbortIncompleteMultipartUpload")
        if rule.value("Status") not in ("Enabled", "Disabled"):
            raise refuse("MalformedXML")
    context.bucket.lifecycle = bytes(data)
    return Reply(200)


@operation("GetBucketRequestPayment", "GET", "bucket", needs={"requestPayment"}, door=False)
def get_bucket_request_payment(context):
    """Who pays."""
    payer = "Requester" if context.bucket.requester_pays else "BucketOwner"
    return xml_reply("RequestPaymentConfiguration", [xmlout.node("Payer", payer)])
