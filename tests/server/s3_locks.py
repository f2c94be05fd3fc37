"""The operations of Object Lock: a bucket's configuration, retention and legal hold of a version.

Bodies, codes and order of checks as in the Amazon S3 API reference; the rules are in locks.
"""

import locks
import xmlout
from errors import refuse
from http_layer import Reply
from s3 import operation, xml_reply
from s3_headers import CHECKSUM_HEADERS, verify_upload
from s3_objects import find_version, version_headers
from store import Lock

DIGEST_HEADERS = CHECKSUM_HEADERS | {"content-md5"}
MAX_DAYS = 36500
MAX_YEARS = 100


def verified_body(context):
    """The body of a request that has to carry a digest of it."""
    data = context.body()
    if not locks.has_integrity(context):
        raise refuse("InvalidRequest", "Missing required header for this request: Content-MD5 OR"
                     " x-amz-checksum-*")
    verify_upload(context, data)
    return data


def _subject(context):
    """The version in question. A delete marker carries no lock, whether it is named or current."""
    version_id = context.text("versionId")
    current = context.bucket.current(context.key)
    if version_id is None and current is not None and current.marker:
        version_id = current.version_id
    return find_version(context, version_id=version_id)


@operation("GetObjectLockConfiguration", "GET", "bucket", needs={"object-lock"}, door=False,
           action="s3:GetBucketObjectLockConfiguration")
def get_object_lock_configuration(context):
    """Whether the bucket has Object Lock, and its default retention."""
    bucket = context.bucket
    if not bucket.lock_enabled:
        raise refuse("ObjectLockConfigurationNotFoundError", None, [("BucketName", bucket.name)])
    nodes = [xmlout.node("ObjectLockEnabled", "Enabled")]
    if bucket.default_retention is not None:
        mode, days, years = bucket.default_retention
        period = xmlout.node("Days", days) if days else xmlout.node("Years", years)
        nodes.append(xmlout.node("Rule", [xmlout.node("DefaultRetention", [
            xmlout.node("Mode", mode), period])]))
    return xml_reply("ObjectLockConfiguration", nodes)


def _period(retention, name, limit):
    text = retention.value(name)
    if text is None:
        return None
    if not text.strip().lstrip("-").isdigit():
        raise refuse("MalformedXML")
    if not 1 <= int(text) <= limit:
        raise refuse("InvalidRetentionPeriod", None, [("Period", text)])
    return int(text)


def _default_retention(root):
    """(mode, days, years) of the document, or None when it has no rule."""
    rules = root.all("Rule")
    if not rules:
        return None
    retentions = rules[0].only("DefaultRetention").all("DefaultRetention")
    if len(rules) > 1 or len(retentions) != 1:
        raise refuse("MalformedXML")
    retention = retentions[0].only("Mode", "Days", "Years")
    if retention.value("Mode") not in locks.MODES or \
            (retention.value("Days") is None) == (retention.value("Years") is None):
        raise refuse("MalformedXML")
    days = _period(retention, "Days", MAX_DAYS)
    years = _period(retention, "Years", MAX_YEARS)
    return retention.value("Mode"), days or 0, years or 0


@operation("PutObjectLockConfiguration", "PUT", "bucket", needs={"object-lock"}, door=False,
           action="s3:PutBucketObjectLockConfiguration", headers=DIGEST_HEADERS)
def put_object_lock_configuration(context):
    """Turn Object Lock on for a versioned bucket; a document without a rule ends the default."""
    root = xmlout.parse(verified_body(context), "ObjectLockConfiguration")
    root.only("ObjectLockEnabled", "Rule")
    if root.value("ObjectLockEnabled") != "Enabled":
        raise refuse("MalformedXML")
    retention = _default_retention(root)
    with context.bucket.lock:
        if context.bucket.versioning != "Enabled":
            raise refuse("InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply"
                         " a Object Lock configuration")
        context.bucket.lock_enabled = True
        context.bucket.default_retention = retention
    return Reply(200)


@operation("GetObjectRetention", "GET", "object", needs={"retention"}, query={"versionId"})
def get_object_retention(context):
    """Retention of a version, ended or not. The bucket is judged before the key: 400 tells "not
    enabled here", 404 "enabled, but never set"."""
    locks.require_enabled(context.bucket)
    lock = _subject(context).lock
    if lock is None or not lock.mode:
        raise refuse("NoSuchObjectLockConfiguration")
    return xml_reply("Retention", [xmlout.node("Mode", lock.mode),
                                   xmlout.node("RetainUntilDate", locks.date_text(lock.until))])


def _read_retention(context):
    """The Lock of the document: without a mode when it is empty, which takes retention off."""
    root = xmlout.parse(verified_body(context), "Retention").only("Mode", "RetainUntilDate")
    mode, text = root.value("Mode"), root.value("RetainUntilDate")
    if mode is None and text is None:
        return Lock()
    until = locks.parse_date(text or "")
    if mode not in locks.MODES or until is None:
        raise refuse("MalformedXML")
    locks.check_future(context, until)
    return Lock(mode=mode, until=until)


@operation("PutObjectRetention", "PUT", "object", needs={"retention"}, query={"versionId"},
           headers=DIGEST_HEADERS | {locks.BYPASS})
def put_object_retention(context):
    """Set, extend or, past governance, weaken retention; ETag and Last-Modified stay."""
    locks.require_enabled(context.bucket)
    asked = locks.as_stored(context, _read_retention(context))
    bypass = locks.bypasses(context)
    with context.bucket.lock:
        version = _subject(context)
        if asked is None:
            return Reply(200, version_headers(context, version))
        old = version.lock or Lock()
        locks.check_change(old, asked, context.now, bypass)
        new = old.changed(mode=asked.mode, until=asked.until)
        context.bucket.replace(version, version.changed(lock=new))
    return Reply(200, version_headers(context, version))


@operation("GetObjectLegalHold", "GET", "object", needs={"legal-hold"}, query={"versionId"})
def get_object_legal_hold(context):
    """Legal hold of a version, if it was ever set."""
    locks.require_enabled(context.bucket)
    lock = _subject(context).lock
    if lock is None or lock.hold is None:
        raise refuse("NoSuchObjectLockConfiguration")
    return xml_reply("LegalHold", [xmlout.node("Status", "ON" if lock.hold else "OFF")])


@operation("PutObjectLegalHold", "PUT", "object", needs={"legal-hold"}, query={"versionId"},
           headers=DIGEST_HEADERS)
def put_object_legal_hold(context):
    """Set or clear a legal hold; retention has no say in it."""
    locks.require_enabled(context.bucket)
    root = xmlout.parse(verified_body(context), "LegalHold").only("Status")
    status = root.value("Status")
    if status not in ("ON", "OFF"):
        raise refuse("MalformedXML")
    with context.bucket.lock:
        version = _subject(context)
        new = (version.lock or Lock()).changed(hold=status == "ON")
        context.bucket.replace(version, version.changed(lock=new))
    return Reply(200, version_headers(context, version))
