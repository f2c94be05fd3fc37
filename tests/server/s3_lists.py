"""Listings: ListObjectsV2, ListObjectVersions, ListMultipartUploads.

A page costs bisects in the sorted key list; a delimiter jumps over the keys it folds. Rules as in
the Amazon S3 API reference, those of directory buckets included.
"""

import base64
import bisect
import hashlib
import hmac
import json

import xmlout
from errors import not_implemented, refuse
from s3 import operation, xml_reply
from store import iso_date, successor

MAX_KEYS = 1000
_TOKEN_KEY = b"opaque to clients"


def make_token(value):
    """An opaque continuation token, which cannot be made up."""
    data = json.dumps(value).encode()
    return base64.urlsafe_b64encode(hmac.digest(_TOKEN_KEY, data, "sha256")[:8] + data).decode()


def open_token(text):
    """The value of a token that this server made; else InvalidArgument."""
    try:
        raw = base64.urlsafe_b64decode(text)
    except ValueError:
        raw = b""
    if hmac.digest(_TOKEN_KEY, raw[8:], "sha256")[:8] != raw[:8] or len(raw) <= 8:
        raise refuse("InvalidArgument", "The continuation token provided is incorrect",
                     [("ArgumentName", "continuation-token")])
    return json.loads(raw[8:])


class Page:
    """Parameters that all listings share."""

    def __init__(self, context, limit_name="max-keys"):
        self.prefix = context.query.get("prefix", b"")
        self.delimiter = context.query.get("delimiter", b"")
        self.limit = context.number(limit_name, MAX_KEYS, 0, MAX_KEYS)
        encoding = context.text("encoding-type")
        if encoding not in (None, "url"):
            raise refuse("InvalidArgument", "Invalid Encoding Method specified in Request",
                         [("ArgumentName", "encoding-type"), ("ArgumentValue", encoding)])
        self.url = encoding == "url"

    def key(self, name, key):
        """A node with a key, encoded as asked for."""
        return xmlout.node(name, xmlout.key_text(key, self.url))

    def folded(self, key):
        """The common prefix that hides `key`, or None."""
        if not self.delimiter:
            return None
        index = key.find(self.delimiter, len(self.prefix))
        return None if index < 0 else key[:index + len(self.delimiter)]

    def common(self, prefixes):
        """CommonPrefixes nodes."""
        return [xmlout.node("CommonPrefixes", [self.key("Prefix", prefix)]) for prefix in prefixes]


def walk(names, page, after):
    """Yield (key, None) and (None, common prefix) of sorted `names` above `after`, in order."""
    start = page.prefix if after is None or after < page.prefix else after
    index = bisect.bisect_left(names, start) if start is not after else \
        bisect.bisect_right(names, start)
    stop = successor(page.prefix)
    end = len(names) if stop is None else bisect.bisect_left(names, stop)
    while index < end:
        key = names[index]
        prefix = page.folded(key)
        if prefix is None:
            yield key, None
            index += 1
            continue
        beyond = successor(prefix)
        after_prefix = end if beyond is None else bisect.bisect_left(names, beyond, index, end)
        if after is None or prefix > after or not after.startswith(prefix):
            yield index, prefix
        index = after_prefix


def _live_prefix(bucket, names, index, prefix):
    """True if some key below a common prefix is not deleted."""
    while index < len(names) and names[index].startswith(prefix):
        if not bucket.objects[names[index]][-1].marker:
            return True
        index += 1
    return False


def _collect(bucket, page, after):
    """(versions and prefixes in order, last name or None when nothing is left)."""
    rows, last = [], after
    for key, prefix in walk(bucket.names, page, after):
        if prefix is None:
            version = bucket.objects[key][-1]
            if version.marker:
                continue
            row, name = version, key
        else:
            if not _live_prefix(bucket, bucket.names, key, prefix):
                continue
            row, name = prefix, prefix
        if len(rows) == page.limit:
            return rows, last
        rows.append(row)
        last = name
    return rows, None


def _content(page, version, owner):
    """A Contents element; written in one piece, as it is what large listings are made of."""
    key = xmlout.escape(xmlout.key_text(version.key, page.url))
    checksum = ""
    if version.checksum is not None:
        checksum = xmlout.node("ChecksumAlgorithm", version.checksum[0].upper()) + \
            xmlout.node("ChecksumType", version.checksum[2])
    owned = "" if owner is None else xmlout.node("Owner", [xmlout.node("ID", owner)])
    return (f"<Contents><Key>{key}</Key><LastModified>{iso_date(version.modified)}</LastModified>"
            f"<ETag>{xmlout.escape(version.etag)}</ETag>{checksum}<Size>{version.size}</Size>"
            f"{owned}<StorageClass>{version.storage_class}</StorageClass></Contents>")


def _scattered(bucket, page):
    """Rows of a directory bucket in an order that is not that of the keys; running uploads make
    their prefixes visible."""
    versions = {key: bucket.objects[key][-1] for key in bucket.names
                if key.startswith(page.prefix)}
    rows = {}
    for key in list(versions) + [upload.key for upload in bucket.uploads.values()
                                 if upload.key.startswith(page.prefix)]:
        prefix = page.folded(key)
        if prefix is not None:
            rows[prefix] = prefix
        elif key in versions:
            rows[key] = versions[key]
    return [rows[name] for name in sorted(rows, key=lambda name: hashlib.md5(name).digest())]


def _directory_page(context, page):
    if page.delimiter not in (b"", b"/"):
        raise not_implemented("a delimiter other than / on a directory bucket")
    if page.prefix and not page.prefix.endswith(b"/"):
        raise refuse("InvalidRequest", "the prefix of a directory bucket must end in /")
    if "start-after" in context.query:
        raise not_implemented("start-after on a directory bucket")
    token = context.text("continuation-token")
    skip = open_token(token)["skip"] if token else 0
    rows = _scattered(context.bucket, page)
    more = len(rows) > skip + page.limit
    return rows[skip:skip + page.limit], {"skip": skip + page.limit} if more else None


def _general_page(context, page):
    token = context.text("continuation-token")
    if token is not None:
        after = bytes.fromhex(open_token(token)["after"])
    else:
        after = context.query.get("start-after")
    rows, last = _collect(context.bucket, page, after)
    return rows, None if last is None or not page.limit else {"after": last.hex()}


@operation("ListObjectsV2", "GET", "bucket", needs={"list-type"}, action="s3:ListBucket",
           query={"prefix", "delimiter", "max-keys", "start-after", "continuation-token",
                  "encoding-type", "fetch-owner"})
def list_objects_v2(context):
    """One page of current objects."""
    if context.text("list-type") != "2":
        raise refuse("InvalidArgument", "Invalid List Type specified in Request",
                     [("ArgumentName", "list-type")])
    page = Page(context)
    with context.bucket.lock:
        if context.bucket.directory:
            rows, token = _directory_page(context, page)
        else:
            rows, token = _general_page(context, page)
    owner = context.bucket.account if context.text("fetch-owner") == "true" else None
    versions = [row for row in rows if not isinstance(row, bytes)]
    prefixes = [row for row in rows if isinstance(row, bytes)]
    head = [xmlout.node("Name", context.address.bucket), page.key("Prefix", page.prefix)]
    if page.delimiter:
        head.append(page.key("Delimiter", page.delimiter))
    if "start-after" in context.query:
        head.append(page.key("StartAfter", context.query["start-after"]))
    head += [*xmlout.optional("ContinuationToken", context.text("continuation-token")),
             *xmlout.optional("NextContinuationToken", make_token(token) if token else None),
             xmlout.node("KeyCount", len(rows)), xmlout.node("MaxKeys", page.limit),
             *xmlout.optional("EncodingType", "url" if page.url else None),
             xmlout.node("IsTruncated", "true" if token else "false")]
    return xml_reply("ListBucketResult", head + [_content(page, row, owner) for row in versions] +
                     page.common(prefixes))


def _version_rows(bucket, page, key_marker, id_marker):
    """Versions and prefixes after the markers; newest first within a key."""
    names = bucket.names
    after = key_marker
    if key_marker is not None and id_marker is not None and page.folded(key_marker) is None:
        seen = False
        for version in reversed(bucket.objects.get(key_marker, [])):
            if seen:
                yield version
            seen = seen or version.version_id == id_marker
    for key, prefix in walk(names, page, after):
        if prefix is not None:
            yield prefix
        else:
            yield from reversed(bucket.objects[key])


def _version_node(page, bucket, version):
    latest = bucket.objects[version.key][-1] is version
    fields = [page.key("Key", version.key), xmlout.node("VersionId", version.version_id),
              xmlout.node("IsLatest", "true" if latest else "false"),
              xmlout.node("LastModified", iso_date(version.modified))]
    if not version.marker:
        fields += [xmlout.node("ETag", version.etag), xmlout.node("Size", version.size),
                   xmlout.node("StorageClass", version.storage_class)]
    fields.append(xmlout.node("Owner", [xmlout.node("ID", bucket.account)]))
    return xmlout.node("DeleteMarker" if version.marker else "Version", fields)


@operation("ListObjectVersions", "GET", "bucket", needs={"versions"},
           action="s3:ListBucketVersions",
           query={"prefix", "delimiter", "max-keys", "key-marker", "version-id-marker",
                  "encoding-type"})
def list_object_versions(context):
    """One page of versions and delete markers."""
    if context.address.sigv4a or context.bucket.directory:
        raise refuse("MethodNotAllowed")
    page = Page(context)
    key_marker = context.query.get("key-marker") or None
    id_marker = context.text("version-id-marker") or None
    if id_marker is not None and key_marker is None:
        raise refuse("InvalidArgument", "A version-id marker cannot be specified without a key"
                     " marker.")
    rows, truncated = [], False
    with context.bucket.lock:
        for row in _version_rows(context.bucket, page, key_marker, id_marker):
            if len(rows) == page.limit:
                truncated = bool(page.limit)
                break
            rows.append(row)
        nodes = [_version_node(page, context.bucket, row) for row in rows
                 if not isinstance(row, bytes)]
    head = [xmlout.node("Name", context.address.bucket), page.key("Prefix", page.prefix),
            page.key("KeyMarker", key_marker or b""),
            xmlout.node("VersionIdMarker", id_marker or "")]
    if page.delimiter:
        head.append(page.key("Delimiter", page.delimiter))
    if truncated:
        last = rows[-1]
        head.append(page.key("NextKeyMarker", last if isinstance(last, bytes) else last.key))
        if not isinstance(last, bytes):
            head.append(xmlout.node("NextVersionIdMarker", last.version_id))
    head += [xmlout.node("MaxKeys", page.limit),
             *xmlout.optional("EncodingType", "url" if page.url else None),
             xmlout.node("IsTruncated", "true" if truncated else "false")]
    return xml_reply("ListVersionsResult", head + nodes +
                     page.common(row for row in rows if isinstance(row, bytes)))


def _upload_rows(bucket, page, key_marker, id_marker):
    """Uploads and prefixes after the markers, by key and start."""
    seen_prefix = None
    for upload in sorted(bucket.uploads.values(),
                         key=lambda item: (item.key, item.initiated, item.upload_id)):
        if not upload.key.startswith(page.prefix):
            continue
        prefix = page.folded(upload.key)
        name = upload.key if prefix is None else prefix
        if key_marker is not None:
            if name < key_marker or (name == key_marker and (
                    prefix is not None or id_marker is None)):
                continue
            if name == key_marker and (upload.initiated, upload.upload_id) <= _position(
                    bucket, id_marker):
                continue
        if prefix is None:
            yield upload
        elif prefix != seen_prefix:
            seen_prefix = prefix
            yield prefix


def _position(bucket, upload_id):
    marker = bucket.uploads.get(upload_id)
    return (marker.initiated, marker.upload_id) if marker else (0, upload_id)


@operation("ListMultipartUploads", "GET", "bucket", needs={"uploads"},
           action="s3:ListBucketMultipartUploads",
           query={"prefix", "delimiter", "max-uploads", "key-marker", "upload-id-marker",
                  "encoding-type"})
def list_multipart_uploads(context):
    """One page of uploads in progress."""
    page = Page(context, "max-uploads")
    key_marker = context.query.get("key-marker") or None
    id_marker = context.text("upload-id-marker") or None
    rows, truncated = [], False
    with context.bucket.lock:
        for row in _upload_rows(context.bucket, page, key_marker, id_marker):
            if len(rows) == page.limit:
                truncated = bool(page.limit)
                break
            rows.append(row)
    head = [xmlout.node("Bucket", context.address.bucket), page.key("KeyMarker", key_marker or b""),
            xmlout.node("UploadIdMarker", id_marker or ""), page.key("Prefix", page.prefix)]
    if truncated:
        last = rows[-1]
        folded = isinstance(last, bytes)
        head += [page.key("NextKeyMarker", last if folded else last.key),
                 xmlout.node("NextUploadIdMarker", "" if folded else last.upload_id)]
    head += [xmlout.node("MaxUploads", page.limit),
             *xmlout.optional("EncodingType", "url" if page.url else None),
             xmlout.node("IsTruncated", "true" if truncated else "false")]
    nodes = [xmlout.node("Upload", [page.key("Key", row.key),
                                    xmlout.node("UploadId", row.upload_id),
                                    xmlout.node("StorageClass", row.draft.storage_class),
                                    xmlout.node("Initiated", iso_date(row.initiated))])
             for row in rows if not isinstance(row, bytes)]
    return xml_reply("ListMultipartUploadsResult", head + nodes +
                     page.common(row for row in rows if isinstance(row, bytes)))
