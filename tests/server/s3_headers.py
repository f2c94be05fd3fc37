"""Request headers of writes: metadata, storage class, encryption, checksums, tags, conditions.

Limits and codes as in the Amazon S3 API reference ("PutObject", "Checking object integrity",
"Using server-side encryption", "Working with object metadata").
"""

import base64
import hashlib
import json
import re
import secrets
from urllib.parse import unquote_to_bytes

import checksums
import locks
import xmlout
from errors import not_implemented, refuse
from store import EMPTY_BODY, Condition, Version

STORED_HEADERS = {
    "content-type": "Content-Type", "cache-control": "Cache-Control",
    "content-disposition": "Content-Disposition", "content-encoding": "Content-Encoding",
    "content-language": "Content-Language", "expires": "Expires",
    "x-amz-website-redirect-location": "x-amz-website-redirect-location"}
SSE = "x-amz-server-side-encryption"
SSE_KMS = {f"{SSE}-aws-kms-key-id", f"{SSE}-context", f"{SSE}-bucket-key-enabled"}
CUSTOMER = f"{SSE}-customer-"
WRITE_HEADERS = {SSE, *SSE_KMS, f"{CUSTOMER}algorithm", f"{CUSTOMER}key", f"{CUSTOMER}key-md5",
                 "x-amz-storage-class", "x-amz-website-redirect-location", "x-amz-acl",
                 *locks.HEADERS}
CHECKSUM_HEADERS = {"x-amz-sdk-checksum-algorithm",
                    *(f"x-amz-checksum-{name}" for name in checksums.NAMES)}
STORAGE_CLASSES = ("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA",
                   "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR",
                   "EXPRESS_ONEZONE")
METADATA_LIMIT = 2048
DEFAULT_KMS_KEY = "key/5f0e6d1c-0000-4000-8000-c0ffe2aa0001"


def write_condition(context):
    """If-Match and If-None-Match of a write. Only `*` is possible for the latter."""
    match, none_match = context.header("if-match"), context.header("if-none-match")
    if match is not None and none_match is not None:
        raise not_implemented("If-Match together with If-None-Match")
    if none_match is not None and none_match.strip() != "*":
        raise not_implemented("If-None-Match other than *")
    if match is None:
        return Condition(None, none_match is not None)
    if match.strip() == "*":
        raise not_implemented("If-Match: * on a write")
    return Condition(f'"{match.strip().strip(chr(34))}"')


def read_metadata(request):
    """[(name, value)] of x-amz-meta-*, within 2 KB of names and values."""
    found = {}
    for name, value in request.headers:
        if name.startswith("x-amz-meta-"):
            short = name[len("x-amz-meta-"):]
            found[short] = f"{found[short]},{value}" if short in found else value
    size = sum(len(name) + len(value) for name, value in found.items())
    if size > METADATA_LIMIT:
        raise refuse("MetadataTooLarge", None, [("Size", size),
                                                ("MaxSizeAllowed", METADATA_LIMIT)])
    return list(found.items())


def storage_class(context):
    """The storage class asked for, or the bucket's own."""
    default = "EXPRESS_ONEZONE" if context.bucket.directory else "STANDARD"
    name = context.header("x-amz-storage-class", default)
    if name not in STORAGE_CLASSES or (name == "EXPRESS_ONEZONE") != context.bucket.directory:
        raise refuse("InvalidStorageClass", None, [("StorageClassRequested", name)])
    return name


def _kms_arn(context, key):
    prefix = f"arn:aws:kms:{context.bucket.region}:{context.bucket.account}:"
    if key is None:
        return prefix + DEFAULT_KMS_KEY
    if key.startswith("arn:"):
        return key
    return prefix + (key if key.startswith("alias/") else f"key/{key}")


def _kms_context(text):
    try:
        pairs = json.loads(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise refuse("InvalidArgument", "The encryption context is not base64 of JSON") from error
    if not isinstance(pairs, dict) or \
            not all(isinstance(value, str) for value in pairs.values()):
        raise refuse("InvalidArgument", "The encryption context must hold strings")


def read_encryption(context):
    """Reply headers of the encryption that was asked for; SSE-S3 is what every bucket has."""
    kind = context.header(SSE)
    extra = [name for name in SSE_KMS if context.header(name) is not None]
    default, key, _ = context.bucket.encryption
    if kind is None and not extra and default != "AES256":
        return {SSE: default, f"{SSE}-aws-kms-key-id": _kms_arn(context, key)}
    if kind is None or kind == "AES256":
        if extra:
            raise refuse("InvalidArgument", f"{extra[0]} needs {SSE}: aws:kms",
                         [("ArgumentName", extra[0])])
        return {SSE: "AES256"}
    if kind not in ("aws:kms", "aws:kms:dsse") or \
            (context.bucket.directory and kind == "aws:kms:dsse"):
        raise refuse("InvalidArgument", "The encryption method specified is not supported",
                     [("ArgumentName", SSE), ("ArgumentValue", kind)])
    headers = {SSE: kind,
               f"{SSE}-aws-kms-key-id": _kms_arn(context, context.header(
                   f"{SSE}-aws-kms-key-id"))}
    if context.header(f"{SSE}-context") is not None:
        _kms_context(context.header(f"{SSE}-context"))
    bucket_key = context.header(f"{SSE}-bucket-key-enabled")
    if bucket_key is not None:
        if bucket_key.lower() not in ("true", "false") or kind == "aws:kms:dsse":
            raise refuse("InvalidArgument", f"{SSE}-bucket-key-enabled")
        if bucket_key.lower() == "true":
            headers[f"{SSE}-bucket-key-enabled"] = "true"
    return headers


def read_customer_key(context, prefix=CUSTOMER):
    """MD5 (base64) of an SSE-C key given in three headers, or None. Https only."""
    algorithm, key, key_md5 = (context.header(prefix + name)
                               for name in ("algorithm", "key", "key-md5"))
    if algorithm is None and key is None and key_md5 is None:
        return None
    if None in (algorithm, key, key_md5):
        raise refuse("InvalidArgument", "Requests specifying Server Side Encryption with Customer"
                     " provided keys must provide algorithm, key and key MD5")
    if not context.request.secure and not context.world.customer_keys_over_http:
        raise refuse("InvalidRequest", "Requests specifying Server Side Encryption with Customer"
                     " provided keys must be made over a secure connection.")
    if algorithm != "AES256":
        raise refuse("InvalidArgument", "The encryption algorithm must be AES256")
    try:
        raw = base64.b64decode(key, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise refuse("InvalidArgument", "The secret key was invalid for the specified algorithm.")
    if base64.b64encode(hashlib.md5(raw).digest()).decode() != key_md5:
        raise refuse("InvalidArgument", "The calculated MD5 hash of the key did not match the hash"
                     " that was provided.")
    if context.header(SSE) is not None:
        raise refuse("InvalidArgument", "Server Side Encryption with Customer provided key is"
                     " incompatible with the encryption method specified")
    return key_md5


def check_customer_key(context, version, prefix=CUSTOMER):
    """A read of an SSE-C object needs its key, and only then."""
    given = read_customer_key(context, prefix)
    if version.customer_key_md5 is None and given is not None:
        raise refuse("InvalidRequest", "The encryption parameters are not applicable to this"
                     " object.")
    if version.customer_key_md5 is not None and given is None:
        raise refuse("InvalidRequest", "The object was stored using a form of Server Side"
                     " Encryption. The correct parameters must be provided to retrieve the object.")
    if given != version.customer_key_md5:
        raise refuse("AccessDenied", "The provided customer key is not that of the object")


def encryption_headers(version):
    """What replies say about a version's encryption."""
    return list(version.encryption.items())


def check_acl(context):
    """Only the lists that change nothing."""
    acl = context.header("x-amz-acl")
    if acl not in (None, "private", "bucket-owner-full-control"):
        raise not_implemented(f"x-amz-acl: {acl}")


def draft_version(context, metadata=True):
    """A Version with everything but the body, from the headers of a write."""
    check_acl(context)
    version = Version(context.key, EMPTY_BODY, "", context.now)
    version.lock = locks.from_headers(context)
    if metadata:
        version.metadata = read_metadata(context.request)
        version.headers = {name: context.header(name) for name in STORED_HEADERS
                           if context.header(name) is not None}
    version.storage_class = storage_class(context)
    version.customer_key_md5 = read_customer_key(context)
    if version.customer_key_md5 is None:
        version.encryption = read_encryption(context)
    else:
        if context.bucket.directory:
            raise not_implemented("SSE-C on a directory bucket")
        version.encryption = {f"{CUSTOMER}algorithm": "AES256",
                              f"{CUSTOMER}key-MD5": version.customer_key_md5}
    if context.header("x-amz-tagging") is not None:
        if context.bucket.directory:
            raise not_implemented("tags on a directory bucket")
        context.demand("s3:PutObjectTagging")
        version.tags = read_tag_header(context.header("x-amz-tagging"))
    return version


def etag_of(context, version, md5):
    """MD5 where S3 promises it; elsewhere an opaque value, so that nobody relies on it."""
    if context.bucket.directory or version.encryption.get(SSE) != "AES256":
        return f'"{secrets.token_hex(16)}"'
    return f'"{md5.hex()}"'


def requested_checksum(context):
    """(algorithm, value) of the x-amz-checksum-* header, or None."""
    given = [(name, context.header(f"x-amz-checksum-{name}")) for name in checksums.NAMES
             if context.header(f"x-amz-checksum-{name}") is not None]
    if len(given) > 1:
        raise refuse("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple"
                     " checksum Types are not allowed.")
    named = context.header("x-amz-sdk-checksum-algorithm")
    if named is not None and (not given or given[0][0] != named.lower()):
        raise refuse("InvalidRequest", "x-amz-sdk-checksum-algorithm specified, but no"
                     " corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
    if given and not checksums.well_formed(*given[0]):
        raise refuse("InvalidRequest",
                     f"Value for x-amz-checksum-{given[0][0]} header is invalid.")
    return given[0] if given else None


def verify_upload(context, data):
    """Check Content-MD5 and x-amz-checksum-*; (raw MD5, (algorithm, value, type) or None)."""
    md5 = hashlib.md5(data).digest()
    declared = context.header("content-md5")
    if declared is not None:
        try:
            raw = base64.b64decode(declared, validate=True)
        except ValueError:
            raw = b""
        if len(raw) != 16:
            raise refuse("InvalidDigest", None, [("Content-MD5", declared)])
        if raw != md5:
            raise refuse("BadDigest", None, [("ExpectedDigest", declared), ("CalculatedDigest",
                                             base64.b64encode(md5).decode())])
    wanted = requested_checksum(context)
    if wanted is None:
        return md5, None
    name, value = wanted
    if checksums.encoded(name, [data]) != value:
        raise refuse("BadDigest", f"The {name.upper()} you specified did not match the calculated"
                     " checksum.")
    return md5, (name, value, "FULL_OBJECT")


def checksum_headers(version):
    """x-amz-checksum-* and -type of a version that has one."""
    if version.checksum is None:
        return []
    name, value, kind = version.checksum
    return [(f"x-amz-checksum-{name}", value), ("x-amz-checksum-type", kind)]


def _check_tags(tags):
    if len(tags) > 10:
        raise refuse("BadRequest", "Object tags cannot be greater than 10")
    if len({name for name, _ in tags}) != len(tags):
        raise refuse("InvalidTag", "Cannot provide multiple Tags with the same key")
    for name, value in tags:
        if not 1 <= len(name) <= 128 or len(value) > 256 or name.startswith("aws:") or \
                not re.fullmatch(r"[\w\s_.:/=+\-@]*", name + value):
            raise refuse("InvalidTag", None, [("TagKey", name), ("TagValue", value)])
    return tags


def read_tag_header(text):
    """x-amz-tagging: URL query form."""
    tags = []
    for item in filter(None, text.split("&")):
        name, _, value = item.partition("=")
        tags.append(tuple(unquote_to_bytes(word.replace("+", " ")).decode("utf-8", "replace")
                          for word in (name, value)))
    return _check_tags(tags)


def read_tag_document(data):
    """The Tagging document."""
    root = xmlout.parse(data, "Tagging").only("TagSet")
    sets = root.all("TagSet")
    if len(sets) != 1:
        raise refuse("MalformedXML")
    tags = []
    for item in sets[0].only("Tag").children:
        item.only("Key", "Value")
        name, value = item.value("Key"), item.value("Value")
        if name is None or value is None:
            raise refuse("MalformedXML")
        tags.append((name, value))
    return _check_tags(tags)
