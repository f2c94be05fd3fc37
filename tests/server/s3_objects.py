"""Object operations: PutObject, GetObject, HeadObject, DeleteObject(s), tagging.

Behaviour as in the Amazon S3 API reference for general purpose and directory buckets.
"""

import calendar
import hashlib
import re
import time

import archives
import locks
import xmlout
from errors import NOT_MODIFIED, ServiceError, not_implemented, refuse
from http_layer import Reply
from s3 import operation, xml_reply
from s3_headers import (CHECKSUM_HEADERS, STORED_HEADERS, WRITE_HEADERS, check_customer_key,
                        checksum_headers, draft_version, encryption_headers, etag_of,
                        read_tag_document, verify_upload, write_condition)
from store import Body, Condition, http_date, iso_date

READ_CONDITIONS = {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "range"}
CUSTOMER_KEY = {"x-amz-server-side-encryption-customer-algorithm",
                "x-amz-server-side-encryption-customer-key",
                "x-amz-server-side-encryption-customer-key-md5"}
SSE_REQUEST = {"x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"}
OVERRIDES = {"response-content-type": "Content-Type", "response-cache-control": "Cache-Control",
             "response-content-language": "Content-Language", "response-expires": "Expires",
             "response-content-disposition": "Content-Disposition",
             "response-content-encoding": "Content-Encoding"}
DELETE_LIMIT = 1000


def version_headers(context, version):
    """x-amz-version-id, for buckets that have or had versioning."""
    if context.bucket.versioning is None:
        return []
    return [("x-amz-version-id", version.version_id)]


@operation("PutObject", "PUT", "object", headers=WRITE_HEADERS | CHECKSUM_HEADERS |
           {"if-match", "if-none-match", "content-md5", "x-amz-tagging"}, metadata=True)
def put_object(context):
    """Store a body; nothing is visible before everything about it was checked."""
    condition = write_condition(context)
    version = draft_version(context)
    locks.require_integrity(context, version.lock)
    data = context.body()
    version.body = Body([data if len(data) > 4096 else bytes(data)])
    md5, version.checksum = verify_upload(context, data)
    version.etag = etag_of(context, version, md5)
    version.lock = locks.with_default(context.bucket, version.lock, context.now)
    context.bucket.put(version, condition)
    headers = [("ETag", version.etag), *version_headers(context, version),
               *encryption_headers(version)]
    headers += checksum_headers(version)
    return Reply(200, headers)


def find_version(context, key=None, bucket=None, version_id=None):
    """The addressed version. A missing one or a marker is refused as S3 does."""
    key = context.key if key is None else key
    bucket = bucket or context.bucket
    if version_id is None:
        version = bucket.current(key)
        if version is None:
            raise context.no_such_key(key, bucket)
        if version.marker:
            raise context.no_such_key(key, bucket, [("x-amz-delete-marker", "true"),
                                                    ("x-amz-version-id", version.version_id)])
        return version
    version = bucket.version(key, version_id)
    if version is None:
        raise refuse("NoSuchVersion", None, [("Key", key.decode("utf-8", "replace")),
                                             ("VersionId", version_id)])
    if version.marker:
        raise refuse("MethodNotAllowed", None, [("Method", context.request.method),
                                                ("ResourceType", "DeleteMarker")],
                     [("x-amz-delete-marker", "true"), ("Allow", "DELETE"),
                      ("x-amz-version-id", version_id), ("Last-Modified",
                                                         http_date(version.modified))])
    return version


def _unquote(tag):
    tag = tag.strip()
    tag = tag[2:] if tag.startswith("W/") else tag
    return f'"{tag.strip(chr(34))}"'


def _etag_in(header, etag):
    return header.strip() == "*" or etag in [_unquote(tag) for tag in header.split(",")]


def _http_time(text):
    for form in ("%a, %d %b %Y %H:%M:%S GMT", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return calendar.timegm(time.strptime(text, form))
        except ValueError:
            continue
    return None


def check_read_conditions(version, get, forbid_304=False):
    """If-Match and the others, in the order of RFC 9110; `get(name)` reads a header."""
    modified = int(version.modified)
    unchanged = 412 if forbid_304 else NOT_MODIFIED
    if get("if-match") is not None:
        if not _etag_in(get("if-match"), version.etag):
            raise refuse("PreconditionFailed", None, [("Condition", "If-Match")])
    elif get("if-unmodified-since") is not None:
        limit = _http_time(get("if-unmodified-since"))
        if limit is not None and modified > limit:
            raise refuse("PreconditionFailed", None, [("Condition", "If-Unmodified-Since")])
    if get("if-none-match") is not None:
        if _etag_in(get("if-none-match"), version.etag):
            raise _unchanged(version, unchanged, "If-None-Match")
    elif get("if-modified-since") is not None:
        limit = _http_time(get("if-modified-since"))
        if limit is not None and modified <= limit:
            raise _unchanged(version, unchanged, "If-Modified-Since")


def _unchanged(version, status, condition):
    if status == 412:
        return refuse("PreconditionFailed", None, [("Condition", condition)])
    return ServiceError("NotModified", NOT_MODIFIED, "Not Modified", None,
                        [("ETag", version.etag), ("Last-Modified", http_date(version.modified))])


def parse_range(text, size):
    """(start, end) of a Range header; None when it is to be ignored; 416 when it fits nowhere."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text.strip())
    if match is None:
        if re.fullmatch(r"bytes=\s*\d*-\d*(\s*,\s*\d*-\d*)+", text.strip()):
            raise not_implemented("Range with several ranges")
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        start, end = max(0, size - int(last)), size
        unsatisfiable = int(last) == 0
    else:
        start = int(first)
        end = min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
        unsatisfiable = False
    if unsatisfiable or start >= size:
        raise refuse("InvalidRange", None, [("RangeRequested", text), ("ActualObjectSize", size)],
                     [("Content-Range", f"bytes */{size}")])
    return start, end


def object_headers(context, version):
    """Everything that GET and HEAD say about a version."""
    headers = [("Last-Modified", http_date(version.modified)), ("ETag", version.etag),
               ("Accept-Ranges", "bytes")]
    headers += [(STORED_HEADERS.get(name, name), value) for name, value in version.headers.items()]
    if "content-type" not in version.headers:
        headers.append(("Content-Type", "binary/octet-stream"))
    headers += [(f"x-amz-meta-{name}", value) for name, value in version.metadata]
    headers += version_headers(context, version) + encryption_headers(version)
    if version.storage_class != "STANDARD":
        headers.append(("x-amz-storage-class", version.storage_class))
    if version.tags and context.may("s3:GetObjectTagging"):
        headers.append(("x-amz-tagging-count", str(len(version.tags))))
    headers += locks.reply_headers(context, version)
    headers += archives.reply_headers(version, context.now)
    mode = context.header("x-amz-checksum-mode")
    if mode == "ENABLED":
        headers += checksum_headers(version)
    elif mode is not None:
        raise refuse("InvalidArgument", "x-amz-checksum-mode must be ENABLED")
    for name, header in OVERRIDES.items():
        if name in context.query:
            if context.user is None:
                raise refuse("InvalidRequest", "Request specific response headers cannot be used"
                             " for anonymous GET requests.")
            headers = [item for item in headers if item[0] != header]
            headers.append((header, context.text(name)))
    return headers


def _shifted(window, size, shift):
    """Another range of the same length than the one asked for, when a fault wants it."""
    if window is None or not shift:
        return window
    start, end = window
    if end + shift <= size:
        return start + shift, end + shift
    return (start - shift, end - shift) if start >= shift else (start, max(start + 1, end - shift))


def _read(context):
    version_id = context.text("versionId")
    if any(context.header(name) is not None for name in SSE_REQUEST):
        raise refuse("InvalidRequest", "The encryption method specified is not supported on a read",
                     [("ArgumentName", "x-amz-server-side-encryption")])
    version = find_version(context, version_id=version_id)
    check_customer_key(context, version)
    check_read_conditions(version, context.header)
    window = None
    if context.header("range") is not None:
        window = parse_range(context.header("range"), version.size)
        window = _shifted(window, version.size, context.range_shift)
    headers = object_headers(context, version)
    if window is None:
        return version, 200, headers, (0, version.size)
    start, end = window
    headers.append(("Content-Range", f"bytes {start}-{end - 1}/{version.size}"))
    # A range of a checksummed object carries no checksum: it would be that of the whole.
    headers = [item for item in headers if not item[0].startswith("x-amz-checksum-")]
    return version, 206, headers, window


@operation("GetObject", "GET", "object", query={"versionId", *OVERRIDES},
           headers=READ_CONDITIONS | CUSTOMER_KEY | SSE_REQUEST | {"x-amz-checksum-mode"})
def get_object(context):
    """The bytes, or a range of them, as views into what is stored."""
    version, status, headers, (start, end) = _read(context)
    archives.require_readable(version, context.now)
    return Reply(status, headers, version.body.slice(start, end))


@operation("HeadObject", "HEAD", "object", query={"versionId", *OVERRIDES}, action="s3:GetObject",
           headers=READ_CONDITIONS | CUSTOMER_KEY | SSE_REQUEST | {"x-amz-checksum-mode"})
def head_object(context):
    """As GetObject, without the bytes."""
    _, status, headers, (start, end) = _read(context)
    return Reply(status, [*headers, ("Content-Length", str(end - start))])


def delete_condition(context, text):
    """The Condition of a DELETE: an ETag or `*`. An ETag condition needs s3:GetObject."""
    if text is None:
        return Condition()
    if text.strip() != "*":
        context.demand("s3:GetObject")
        return Condition(_unquote(text))
    return Condition("*")


def delete_one(context, key, version_id, condition):
    """Delete a key or a version; (version id, marker?) as the reply tells them. Only versions are
    ever locked."""
    bucket = context.bucket
    bypass = locks.bypasses(context)
    if version_id is None:
        marker = bucket.delete(key, context.now, condition)
        return (None, None) if marker is None else (marker.version_id, True)
    if condition.if_match is not None:
        raise not_implemented("a condition on DELETE of a version")
    victim = bucket.delete_version(
        key, version_id, lambda version: locks.check_delete(version, context.now, bypass))
    return version_id, (True if victim is not None and victim.marker else None)


@operation("DeleteObject", "DELETE", "object", query={"versionId"},
           headers={"if-match", locks.BYPASS})
def delete_object(context):
    """204 whether the key existed or not."""
    condition = delete_condition(context, context.header("if-match"))
    if context.bucket.directory and condition.if_match is not None and \
            context.bucket.current(context.key) is None:
        return Reply(204)
    version_id, marker = delete_one(context, context.key, context.text("versionId"), condition)
    headers = [("x-amz-version-id", version_id)] if version_id else []
    return Reply(204, headers + ([("x-amz-delete-marker", "true")] if marker else []))


def _listed_key(item):
    if any(child.name in ("Size", "LastModifiedTime") for child in item.children):
        raise not_implemented("Size and LastModifiedTime in DeleteObjects")
    item.only("Key", "VersionId", "ETag")
    text = item.value("Key")
    if not text:
        raise refuse("MalformedXML")
    return text.encode("utf-8")


def _delete_listed(context, item):
    key = _listed_key(item)
    version_id = item.value("VersionId")
    node = xmlout.node("Key", xmlout.key_text(key, False))
    try:
        if len(key) > 1024:
            raise refuse("KeyTooLongError")
        context.demand("s3:DeleteObjectVersion" if version_id else "s3:DeleteObject", key=key)
        condition = delete_condition(context, item.value("ETag"))
        made, marker = delete_one(context, key, version_id, condition)
    except ServiceError as error:
        return False, xmlout.node("Error", [node, *xmlout.optional("VersionId", version_id),
                                            xmlout.node("Code", error.code),
                                            xmlout.node("Message", error.message)])
    fields = [node, *xmlout.optional("VersionId", version_id)]
    if marker:
        fields += [xmlout.node("DeleteMarker", "true"),
                   *xmlout.optional("DeleteMarkerVersionId", made)]
    return True, xmlout.node("Deleted", fields)


@operation("DeleteObjects", "POST", "bucket", needs={"delete"}, action="-",
           headers=CHECKSUM_HEADERS | {"content-md5", locks.BYPASS})
def delete_objects(context):
    """Up to 1,000 keys; the answer is 200 and tells each key's fate."""
    data = context.body()
    if not locks.has_integrity(context):
        raise refuse("InvalidRequest", "Missing required header for this request: Content-MD5 OR"
                     " x-amz-checksum-*")
    verify_upload(context, data)
    root = xmlout.parse(data, "Delete").only("Object", "Quiet")
    items = root.all("Object")
    if not 1 <= len(items) <= DELETE_LIMIT:
        raise refuse("MalformedXML")
    quiet = (root.value("Quiet") or "false").strip() == "true"
    for item in items:
        _listed_key(item)
    results = [_delete_listed(context, item) for item in items]
    return xml_reply("DeleteResult", [text for done, text in results if not (done and quiet)])


@operation("GetObjectTagging", "GET", "object", needs={"tagging"}, query={"versionId"})
def get_object_tagging(context):
    """The tag set, which may be empty."""
    version = find_version(context, version_id=context.text("versionId"))
    tags = [xmlout.node("Tag", [xmlout.node("Key", name), xmlout.node("Value", value)])
            for name, value in version.tags]
    return xml_reply("Tagging", [xmlout.node("TagSet", tags)],
                     headers=version_headers(context, version))


@operation("PutObjectTagging", "PUT", "object", needs={"tagging"}, query={"versionId"},
           headers=CHECKSUM_HEADERS | {"content-md5"})
def put_object_tagging(context):
    """Replace the tag set; ETag and Last-Modified stay."""
    data = context.body()
    if not locks.has_integrity(context):
        raise refuse("InvalidRequest", "Missing required header for this request: Content-MD5")
    verify_upload(context, data)
    tags = read_tag_document(data)
    version = find_version(context, version_id=context.text("versionId"))
    if not context.bucket.replace(version, version.changed(tags=tags)):
        raise context.no_such_key()
    return Reply(200, version_headers(context, version))


@operation("DeleteObjectTagging", "DELETE", "object", needs={"tagging"}, query={"versionId"})
def delete_object_tagging(context):
    """Remove all tags."""
    version = find_version(context, version_id=context.text("versionId"))
    if not context.bucket.replace(version, version.changed(tags=[])):
        raise context.no_such_key()
    return Reply(204, version_headers(context, version))


def part_etag_digest(etag):
    """The raw MD5 inside a plain ETag, or the hash of its text for opaque ones."""
    text = etag.strip('"')
    if re.fullmatch("[0-9a-f]{32}", text):
        return bytes.fromhex(text)
    return hashlib.md5(text.encode()).digest()


def last_modified_node(version):
    """LastModified as lists and copy results carry it."""
    return xmlout.node("LastModified", iso_date(version.modified))
