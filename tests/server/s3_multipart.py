"""Multipart uploads. Limits, codes and checksum rules as in the Amazon S3 API reference."""

import hashlib

import checksums
import locks
import xmlout
from errors import refuse
from http_layer import Reply
from s3 import operation, xml_reply
from s3_headers import (CHECKSUM_HEADERS, CUSTOMER, SSE, WRITE_HEADERS,
                        draft_version, encryption_headers, etag_of, read_customer_key,
                        verify_upload, write_condition)
from s3_objects import last_modified_node, part_etag_digest, version_headers
from store import Body, Part, Upload

PART_LIMIT = 10000
OBJECT_LIMIT = 50 * 1024 ** 4
CUSTOMER_KEY = {f"{CUSTOMER}algorithm", f"{CUSTOMER}key", f"{CUSTOMER}key-md5"}


def find_upload(context):
    """The upload that the request names, for its own key and with its own SSE-C key."""
    upload = context.bucket.uploads.get(context.text("uploadId"))
    if upload is None or upload.key != context.key:
        raise refuse("NoSuchUpload", None, [("UploadId", context.text("uploadId", ""))])
    if context.request.method == "PUT" and \
            read_customer_key(context) != upload.draft.customer_key_md5:
        raise refuse("InvalidRequest", "The multipart upload initiate requested encryption."
                     " Subsequent part requests must include the appropriate encryption"
                     " parameters.")
    return upload


def part_number(context):
    """partNumber, 1 to 10,000."""
    text = context.text("partNumber", "")
    if not text.isdigit() or not 1 <= int(text) <= PART_LIMIT:
        raise refuse("InvalidArgument", "Part number must be an integer between 1 and 10000,"
                     " inclusive", [("ArgumentName", "partNumber"), ("ArgumentValue", text)])
    return int(text)


def _algorithm(context):
    """(algorithm, type) that CreateMultipartUpload asks for."""
    named, kind = context.header("x-amz-checksum-algorithm"), context.header("x-amz-checksum-type")
    if named is None:
        if kind is not None:
            raise refuse("InvalidRequest", "The x-amz-checksum-type header can only be used with"
                         " the x-amz-checksum-algorithm header.")
        return None, None
    name = named.lower()
    if name not in checksums.NAMES:
        raise refuse("InvalidRequest", "Checksum algorithm provided is unsupported. Please try"
                     " again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
    default = "FULL_OBJECT" if name == "crc64nvme" else "COMPOSITE"
    kind = kind or default
    possible = {"crc64nvme": ("FULL_OBJECT",), "sha1": ("COMPOSITE",), "sha256": ("COMPOSITE",)}
    if kind not in possible.get(name, ("COMPOSITE", "FULL_OBJECT")):
        raise refuse("InvalidRequest", f"The {kind} checksum type cannot be used with the {name}"
                     " checksum algorithm.")
    return name, kind


@operation("CreateMultipartUpload", "POST", "object", needs={"uploads"}, action="s3:PutObject",
           metadata=True, headers=WRITE_HEADERS | {"x-amz-tagging", "x-amz-checksum-algorithm",
                                                   "x-amz-checksum-type"})
def create_multipart_upload(context):
    """Begin an upload; everything but the bytes is fixed here, Last-Modified too."""
    context.body()
    algorithm, kind = _algorithm(context)
    upload = Upload(draft_version(context), context.now, algorithm, kind)
    upload.headers = [pair for pair in context.request.headers if pair[0].startswith("x-amz-")]
    with context.bucket.lock:
        context.bucket.uploads[upload.upload_id] = upload
    headers = encryption_headers(upload.draft)
    if algorithm:
        headers += [("x-amz-checksum-algorithm", algorithm.upper()), ("x-amz-checksum-type", kind)]
    return xml_reply("InitiateMultipartUploadResult",
                     [xmlout.node("Bucket", context.address.bucket),
                      xmlout.node("Key", xmlout.key_text(context.key, False)),
                      xmlout.node("UploadId", upload.upload_id)], headers=headers)


def store_part(context, upload, number, body, md5, checksum):
    """Add or replace a part; the upload may have ended meanwhile."""
    etag = etag_of(context, upload.draft, md5)
    part = Part(body, etag, md5, context.now, checksum)
    with context.bucket.lock:
        if upload.upload_id not in context.bucket.uploads:
            raise refuse("NoSuchUpload", None, [("UploadId", upload.upload_id)])
        upload.parts[number] = part
    return part


@operation("UploadPart", "PUT", "object", needs={"partNumber", "uploadId"}, action="s3:PutObject",
           headers=CHECKSUM_HEADERS | CUSTOMER_KEY | {"content-md5", SSE})
def upload_part(context):
    """One part. Its checksum must be of the algorithm that the upload began with."""
    if context.header(SSE) is not None:
        raise refuse("InvalidArgument", f"{SSE} header is not supported for this operation.")
    upload = find_upload(context)
    number = part_number(context)
    locks.require_integrity(context, upload.draft.lock)
    data = context.body()
    md5, checksum = verify_upload(context, data)
    given = checksum[0] if checksum else None
    if given != upload.algorithm:
        raise refuse("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type:"
                     f" {upload.algorithm or 'null'}, actual checksum Type: {given or 'null'}")
    part = store_part(context, upload, number, Body([data]), md5, checksum)
    headers = [("ETag", part.etag), *encryption_headers(upload.draft)]
    if checksum:
        headers.append((f"x-amz-checksum-{checksum[0]}", checksum[1]))
    return Reply(200, headers)


def _read_completion(data):
    """[(number, etag, {algorithm: value})] of the request document."""
    root = xmlout.parse(data, "CompleteMultipartUpload").only("Part")
    rows = []
    for item in root.all("Part"):
        item.only("PartNumber", "ETag", *checksums.XML_NAMES.values())
        number, etag = item.value("PartNumber"), item.value("ETag")
        if number is None or etag is None or not number.strip().isdigit():
            raise refuse("MalformedXML")
        values = {name: item.value(node).strip() for name, node in checksums.XML_NAMES.items()
                  if item.value(node) is not None}
        rows.append((int(number), f'"{etag.strip().strip(chr(34))}"', values))
    if not 1 <= len(rows) <= PART_LIMIT:
        raise refuse("MalformedXML")
    return rows


def _chosen_parts(context, upload, rows):
    """The parts in order, each checked against what was uploaded."""
    chosen, previous = [], 0
    for number, etag, values in rows:
        if number <= previous:
            raise refuse("InvalidPartOrder", None, [("UploadId", upload.upload_id)])
        previous = number
        part = upload.parts.get(number)
        fields = [("UploadId", upload.upload_id), ("PartNumber", number), ("ETag", etag.strip('"'))]
        if part is None or part.etag != etag:
            raise refuse("InvalidPart", None, fields)
        _check_part_checksum(upload, number, part, values, fields)
        chosen.append((number, part))
    smallest = context.world.min_part_size
    for number, part in chosen[:-1]:
        if part.body.length < smallest:
            raise refuse("EntityTooSmall", None,
                         [("ProposedSize", part.body.length), ("MinSizeAllowed", smallest),
                          ("PartNumber", number), ("ETag", part.etag.strip('"'))])
    return [part for _, part in chosen]


def _check_part_checksum(upload, number, part, values, fields):
    if upload.algorithm is None:
        if values:
            raise refuse("InvalidPart", None, fields)
        return
    if set(values) - {upload.algorithm}:
        raise refuse("InvalidRequest", "a part names a checksum of another algorithm")
    value = values.get(upload.algorithm)
    if value is None:
        if upload.checksum_type == "FULL_OBJECT":
            return
        raise refuse("InvalidRequest", f"The upload was created using a {upload.algorithm}"
                     " checksum. The complete request must include the checksum for each part."
                     f" It was missing for part {number} in the request.")
    if value != part.checksum[1]:
        raise refuse("InvalidPart", None, fields)


def _combined_checksum(context, upload, parts):
    """The object's checksum, compared with what the request says it should be."""
    kind = context.header("x-amz-checksum-type")
    if kind is not None and kind != upload.checksum_type:
        raise refuse("InvalidRequest", f"The upload was created using the {upload.checksum_type}"
                     f" checksum mode. The complete request must use the same checksum mode.")
    given = [(name, context.header(f"x-amz-checksum-{name}")) for name in checksums.NAMES
             if context.header(f"x-amz-checksum-{name}") is not None]
    if upload.algorithm is None:
        if given:
            raise refuse("InvalidRequest", "the upload was created without a checksum algorithm")
        return None
    pairs = [(part.checksum[1], part.body.length) for part in parts]
    combine = checksums.full_of_parts if upload.checksum_type == "FULL_OBJECT" else \
        checksums.composite_of_parts
    value = combine(upload.algorithm, pairs)
    for name, text in given:
        if name != upload.algorithm or text.partition("-")[0] != value.partition("-")[0]:
            raise refuse("BadDigest", f"The {name} you specified did not match the calculated"
                         " checksum.")
    return upload.algorithm, value, upload.checksum_type


def _multipart_etag(context, upload, parts):
    if upload.draft.encryption.get(SSE) == "AES256" and not context.bucket.directory:
        digests = b"".join(part.md5 for part in parts)
    else:
        digests = b"".join(part_etag_digest(part.etag) for part in parts)
    return f'"{hashlib.md5(digests).hexdigest()}-{len(parts)}"'


def _check_object_size(context, parts):
    size = sum(part.body.length for part in parts)
    declared = context.header("x-amz-mp-object-size")
    if declared is not None and (not declared.isdigit() or int(declared) != size):
        raise refuse("InvalidRequest", f"The provided 'x-amz-mp-object-size' header value"
                     f" {declared} does not match what was computed: {size}")
    if size > OBJECT_LIMIT:
        raise refuse("EntityTooLarge", None, [("ProposedSize", size)])


@operation("CompleteMultipartUpload", "POST", "object", needs={"uploadId"}, action="s3:PutObject",
           headers=CHECKSUM_HEADERS | CUSTOMER_KEY | {"x-amz-checksum-type", "x-amz-mp-object-size",
                                                      "if-match", "if-none-match"})
def complete_multipart_upload(context):
    """Make the object from its parts, if the condition holds; the upload is gone then."""
    condition = write_condition(context)
    rows = _read_completion(context.body())
    with context.bucket.lock:
        upload = find_upload(context)
        parts = _chosen_parts(context, upload, rows)
        checksum = _combined_checksum(context, upload, parts)
        _check_object_size(context, parts)
        segments = [segment for part in parts for segment in part.body.segments]
        version = upload.draft.changed(body=Body(segments), checksum=checksum,
                                       etag=_multipart_etag(context, upload, parts),
                                       parts=[part.body.length for part in parts])
        version.lock = locks.with_default(context.bucket, version.lock, context.now)
        context.bucket.put(version, condition)
        del context.bucket.uploads[upload.upload_id]
    headers = [*version_headers(context, version), *encryption_headers(version)]
    location = f"http://{context.header('host')}{context.request.path}"
    nodes = [xmlout.node("Location", location), xmlout.node("Bucket", context.address.bucket),
             xmlout.node("Key", xmlout.key_text(context.key, False)),
             xmlout.node("ETag", version.etag)]
    if checksum:
        nodes += [xmlout.node(checksums.XML_NAMES[checksum[0]], checksum[1]),
                  xmlout.node("ChecksumType", checksum[2])]
    return xml_reply("CompleteMultipartUploadResult", nodes, headers=headers)


@operation("AbortMultipartUpload", "DELETE", "object", needs={"uploadId"})
def abort_multipart_upload(context):
    """Forget an upload and its parts."""
    with context.bucket.lock:
        upload = find_upload(context)
        del context.bucket.uploads[upload.upload_id]
    return Reply(204)


@operation("ListParts", "GET", "object", needs={"uploadId"}, action="s3:ListMultipartUploadParts",
           query={"max-parts", "part-number-marker"}, headers=CUSTOMER_KEY)
def list_parts(context):
    """One page of parts."""
    limit = context.number("max-parts", 1000, 0, 1000)
    marker = context.number("part-number-marker", 0, 0, 2 ** 31)
    with context.bucket.lock:
        upload = find_upload(context)
        found = sorted(((number, part) for number, part in upload.parts.items()
                        if number > marker), key=lambda item: item[0])
    page = found[:limit]
    truncated = len(found) > len(page) and limit > 0
    nodes = [xmlout.node("Bucket", context.address.bucket),
             xmlout.node("Key", xmlout.key_text(context.key, False)),
             xmlout.node("UploadId", upload.upload_id),
             xmlout.node("StorageClass", upload.draft.storage_class),
             xmlout.node("PartNumberMarker", marker),
             *xmlout.optional("NextPartNumberMarker", page[-1][0] if page else None),
             xmlout.node("MaxParts", limit),
             xmlout.node("IsTruncated", "true" if truncated else "false")]
    if upload.algorithm:
        nodes += [xmlout.node("ChecksumAlgorithm", upload.algorithm.upper()),
                  xmlout.node("ChecksumType", upload.checksum_type)]
    for number, part in page:
        fields = [xmlout.node("PartNumber", number), last_modified_node(part),
                  xmlout.node("ETag", part.etag), xmlout.node("Size", part.body.length)]
        if part.checksum:
            fields.append(xmlout.node(checksums.XML_NAMES[part.checksum[0]], part.checksum[1]))
        nodes.append(xmlout.node("Part", fields))
    return xml_reply("ListPartsResult", nodes)


