"""CopyObject and UploadPartCopy. Rules as in the Amazon S3 API reference."""

import re
from urllib.parse import unquote_to_bytes

import archives
import checksums
import locks
import xmlout
from errors import not_implemented, refuse
from http_layer import Reply
from s3 import UPLOAD_LIMIT, operation, xml_reply
from s3_headers import (CUSTOMER, SSE, WRITE_HEADERS, check_customer_key,
                        draft_version, encryption_headers, etag_of,
                        write_condition)
from s3_multipart import find_upload, part_number, store_part
from s3_objects import check_read_conditions, find_version, last_modified_node, version_headers
from store import Body

SOURCE_CUSTOMER = "x-amz-copy-source-server-side-encryption-customer-"
SOURCE_HEADERS = {
    "x-amz-copy-source", "x-amz-source-expected-bucket-owner", "x-amz-copy-source-if-match",
    "x-amz-copy-source-if-none-match", "x-amz-copy-source-if-modified-since",
    "x-amz-copy-source-if-unmodified-since", f"{SOURCE_CUSTOMER}algorithm",
    f"{SOURCE_CUSTOMER}key", f"{SOURCE_CUSTOMER}key-md5"}
# What counts as a change when an object is copied onto itself.
SELF_CHANGES = ("x-amz-storage-class", SSE, f"{CUSTOMER}algorithm",
                "x-amz-website-redirect-location")


class Source:
    """The resolved source of a copy."""

    def __init__(self, bucket, version, explicit_version):
        self.bucket = bucket
        self.version = version
        self.explicit_version = explicit_version


def read_source(context):
    """Resolve x-amz-copy-source, check rights and conditions on it."""
    raw = context.header("x-amz-copy-source")
    path, question, tail = raw.partition("?")
    version_id = None
    if question:
        name, _, value = tail.partition("=")
        if name != "versionId" or not value:
            raise not_implemented(f"x-amz-copy-source with ?{tail}")
        version_id = unquote_to_bytes(value).decode("latin-1")
    text = unquote_to_bytes(path.replace("+", " ")).decode("latin-1")
    name, key, point = context.world.resolver.copy_source(text, context.bucket.region)
    bucket = context.world.store.bucket(name)
    if bucket is None:
        raise refuse("NoSuchBucket", None, [("BucketName", name)])
    owner = context.header("x-amz-source-expected-bucket-owner")
    if owner is not None and owner != bucket.account:
        raise refuse("AccessDenied")
    if context.address.sigv4a and point is not None:
        raise not_implemented("a multi-Region access point as copy source")
    context.demand("s3:GetObjectVersion" if version_id else "s3:GetObject", bucket, key, point)
    version = _source_version(context, bucket, key, version_id)
    check_customer_key(context, version, SOURCE_CUSTOMER)
    check_read_conditions(version, lambda name: context.header(f"x-amz-copy-source-{name}"),
                          forbid_304=True)
    archives.require_readable(version, context.now)
    return Source(bucket, version, version_id)


def _source_version(context, bucket, key, version_id):
    if version_id is not None:
        found = bucket.version(key, version_id)
        if found is not None and found.marker:
            raise refuse("InvalidRequest", "The source of a copy request may not specifically refer"
                         " to a delete marker by version id.")
    return find_version(context, key, bucket, version_id)


def _directive(context, name):
    value = context.header(name, "COPY")
    if value not in ("COPY", "REPLACE"):
        raise refuse("InvalidArgument", f"Unknown {name}.",
                     [("ArgumentName", name), ("ArgumentValue", value)])
    return value == "REPLACE"


def _check_self_copy(context, source, replace):
    same = source.bucket is context.bucket and source.version.key == context.key
    if same and not replace and source.explicit_version is None and \
            not any(context.header(name) is not None for name in SELF_CHANGES):
        raise refuse("InvalidRequest", "This copy request is illegal because it is trying to copy"
                     " an object to itself without changing the object's metadata, storage class,"
                     " website redirect location or encryption attributes.")


def _copied_tags(context, draft, source):
    if _directive(context, "x-amz-tagging-directive"):
        return draft.tags
    if context.header("x-amz-tagging") is not None:
        raise not_implemented("x-amz-tagging without x-amz-tagging-directive: REPLACE")
    if source.version.tags:
        context.demand("s3:GetObjectTagging", source.bucket, source.version.key)
        context.demand("s3:PutObjectTagging")
    return source.version.tags


def _copied_checksum(context, source):
    """The asked-for checksum, or that of the source; always over the whole object."""
    named = context.header("x-amz-checksum-algorithm")
    if named is not None and named.lower() not in checksums.NAMES:
        raise refuse("InvalidRequest", "Checksum algorithm provided is unsupported.")
    old = source.version.checksum
    if named is None and old is None:
        return None
    algorithm = named.lower() if named else old[0]
    if old is not None and old[0] == algorithm and old[2] == "FULL_OBJECT":
        return old
    return algorithm, checksums.encoded(algorithm, source.version.body.segments), "FULL_OBJECT"


@operation("CopyObject", "PUT", "object", source=True, action="s3:PutObject", metadata=True,
           headers=WRITE_HEADERS | SOURCE_HEADERS | {
               "x-amz-metadata-directive", "x-amz-tagging-directive", "x-amz-tagging",
               "x-amz-checksum-algorithm", "if-match", "if-none-match"})
def copy_object(context):
    """A new object from the bytes of another; with COPY its metadata too."""
    condition = write_condition(context)
    context.body()
    source = read_source(context)
    replace = _directive(context, "x-amz-metadata-directive")
    _check_self_copy(context, source, replace)
    if source.version.size > UPLOAD_LIMIT:
        raise refuse("InvalidRequest", "The specified copy source is larger than the maximum"
                     f" allowable size for a copy source: {UPLOAD_LIMIT}")
    version = draft_version(context, metadata=replace)
    if not replace:
        version.metadata = source.version.metadata
        version.headers = {name: value for name, value in source.version.headers.items()
                           if not name.startswith("x-amz-")}
        redirect = "x-amz-website-redirect-location"
        if context.header(redirect) is not None:
            version.headers[redirect] = context.header(redirect)
    version.tags = _copied_tags(context, version, source)
    version.body = source.version.body
    version.checksum = _copied_checksum(context, source)
    version.etag = etag_of(context, version, version.body.md5())
    version.lock = locks.with_default(context.bucket, version.lock, context.now)
    context.bucket.put(version, condition)
    headers = [*version_headers(context, version), *encryption_headers(version)]
    if source.bucket.versioning is not None:
        headers.append(("x-amz-copy-source-version-id", source.version.version_id))
    return xml_reply("CopyObjectResult", _result(version.etag, version, version.checksum),
                     headers=headers)


@operation("RenameObject", "PUT", "object", needs={"renameObject"}, action="s3:PutObject",
           headers={"x-amz-rename-source", "x-amz-rename-source-if-match", "x-amz-client-token",
                    "if-match", "if-none-match"})
def rename_object(context):
    """Another name for the same object, in one step; a repeated token changes nothing."""
    if not context.bucket.directory:
        raise not_implemented("RenameObject outside of directory buckets")
    condition = write_condition(context)
    context.body()
    source = unquote_to_bytes(context.header("x-amz-rename-source", ""))
    if not source or source.endswith(b"/") or context.key.endswith(b"/"):
        raise refuse("InvalidArgument", "x-amz-rename-source or the new name",
                     [("ArgumentName", "x-amz-rename-source")])
    context.demand("s3:DeleteObject", context.bucket, source)
    wanted = context.header("x-amz-rename-source-if-match")
    token = (context.header("x-amz-client-token"), source, context.key)
    context.bucket.rename(source, context.key, condition, wanted and wanted.strip(), token)
    return Reply(200)


def _result(etag, dated, checksum):
    nodes = [last_modified_node(dated), xmlout.node("ETag", etag)]
    if checksum is not None:
        nodes.append(xmlout.node(checksums.XML_NAMES[checksum[0]], checksum[1]))
    return nodes


def _source_window(context, size):
    text = context.header("x-amz-copy-source-range")
    if text is None:
        return 0, size
    match = re.fullmatch(r"bytes=(\d+)-(\d+)", text)
    if match is None:
        raise refuse("InvalidArgument", "The x-amz-copy-source-range value must be of the form"
                     " bytes=first-last where first and last are the zero-based offsets of the"
                     " first and last bytes to copy",
                     [("ArgumentName", "x-amz-copy-source-range"), ("ArgumentValue", text)])
    first, last = int(match[1]), int(match[2])
    if first > last or last >= size:
        raise refuse("InvalidArgument", f"Range specified is not valid for source object of size:"
                     f" {size}", [("ArgumentName", "x-amz-copy-source-range"),
                                  ("ArgumentValue", text)])
    return first, last + 1


@operation("UploadPartCopy", "PUT", "object", needs={"partNumber", "uploadId"}, source=True,
           action="s3:PutObject",
           headers=SOURCE_HEADERS | {"x-amz-copy-source-range", f"{CUSTOMER}algorithm",
                                     f"{CUSTOMER}key", f"{CUSTOMER}key-md5"})
def upload_part_copy(context):
    """A part from a range of an object."""
    context.body()
    upload = find_upload(context)
    number = part_number(context)
    source = read_source(context)
    start, end = _source_window(context, source.version.size)
    if end - start > UPLOAD_LIMIT:
        raise refuse("InvalidRequest", "The specified copy source is larger than the maximum"
                     f" allowable size for a copy source: {UPLOAD_LIMIT}")
    body = Body(source.version.body.slice(start, end))
    checksum = None
    if upload.algorithm is not None:
        checksum = (upload.algorithm, checksums.encoded(upload.algorithm, body.segments),
                    "FULL_OBJECT")
    part = store_part(context, upload, number, body, body.md5(), checksum)
    headers = encryption_headers(upload.draft)
    if source.bucket.versioning is not None:
        headers.append(("x-amz-copy-source-version-id", source.version.version_id))
    return xml_reply("CopyPartResult", _result(part.etag, part, checksum), headers=headers)


