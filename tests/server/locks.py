"""Object Lock as Amazon S3 enforces it: what a version's lock is, who may read it, who may change it.

Rules and messages as in the user guide ("Locking objects with Object Lock") and the API reference of
PutObjectRetention, PutObjectLegalHold and PutObjectLockConfiguration. A lock protects a *version*:
writing over a key or deleting it without a version is never refused. The operations themselves are
in s3_locks.
"""

import calendar
import re
import time

import checksums
from errors import refuse
from store import Lock

MODE = "x-amz-object-lock-mode"
UNTIL = "x-amz-object-lock-retain-until-date"
HOLD = "x-amz-object-lock-legal-hold"
HEADERS = (MODE, UNTIL, HOLD)
BYPASS = "x-amz-bypass-governance-retention"
MODES = ("GOVERNANCE", "COMPLIANCE")
SECONDS_PER_DAY = 86400


def parse_date(text):
    """Seconds since the epoch of an ISO 8601 date with a zone, or None."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)",
                         text.strip())
    if match is None:
        return None
    try:
        seconds = calendar.timegm(time.strptime(match[1], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return None
    zone = match[3].replace(":", "")
    if zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[3:5]) * 60
        seconds += -offset if zone[0] == "+" else offset
    return seconds + float("0." + (match[2] or "0"))


def date_text(seconds):
    """As S3 writes the date: with milliseconds."""
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{thousandths:03}Z"


def require_enabled(bucket):
    """400 on a bucket without Object Lock, whatever is asked of its objects."""
    if not bucket.lock_enabled:
        raise refuse("InvalidRequest", "Bucket is missing Object Lock Configuration")


def has_integrity(context):
    """True if the request carries a digest of its body."""
    return context.header("content-md5") is not None or \
        any(context.header(f"x-amz-checksum-{name}") is not None for name in checksums.NAMES)


def require_integrity(context, locks):
    """PutObject and UploadPart must carry a digest when what they make `locks`, by headers or by
    the bucket's default."""
    if (locks or context.bucket.default_retention) and not has_integrity(context):
        raise refuse("InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for"
                     f" {'Upload Part' if 'partNumber' in context.query else 'Put Object'} requests"
                     " with Object Lock parameters")


def from_headers(context):
    """The Lock that the headers of a write ask for, or None. The rights to set it are needed."""
    mode, until, hold = (context.header(name) for name in HEADERS)
    if mode is None and until is None and hold is None:
        return None
    require_enabled(context.bucket)
    lock = Lock()
    if mode is not None or until is not None:
        if mode is None or until is None:
            raise refuse("InvalidArgument", f"{UNTIL} and {MODE} must both be supplied",
                         [("ArgumentName", UNTIL if mode is None else MODE)])
        lock = lock.changed(mode=_mode(mode), until=_future(context, until))
        context.demand("s3:PutObjectRetention")
    if hold is not None:
        if hold not in ("ON", "OFF"):
            raise refuse("InvalidArgument", "Legal Hold must be either of 'ON' or 'OFF'",
                         [("ArgumentName", HOLD), ("ArgumentValue", hold)])
        context.demand("s3:PutObjectLegalHold")
        lock = lock.changed(hold=hold == "ON")
    return as_stored(context, lock)


def as_stored(context, lock):
    """What becomes of `lock`: a fault rule may play a server that takes it and does not keep it."""
    if context.exchange.lose_lock == "dropped":
        return None
    if context.exchange.lose_lock == "wrapped" and lock.until:
        return lock.changed(until=lock.until % 2 ** 32)
    return lock


def _mode(text):
    if text not in MODES:
        raise refuse("InvalidArgument", "Unknown wormMode directive.",
                     [("ArgumentName", MODE), ("ArgumentValue", text)])
    return text


def _future(context, text):
    until = parse_date(text)
    if until is None:
        raise refuse("InvalidArgument", "The retain until date must be provided in ISO 8601 format",
                     [("ArgumentName", UNTIL), ("ArgumentValue", text)])
    check_future(context, until)
    return until


def check_future(context, until):
    """Retention that has ended already cannot be set."""
    if until <= context.now:
        raise refuse("InvalidArgument", "The retain until date must be in the future!",
                     [("ArgumentName", UNTIL), ("ArgumentValue", date_text(until))])


def with_default(bucket, lock, now):
    """The Lock of a version that is made now: the bucket's default unless retention was given."""
    if bucket.default_retention is None or (lock is not None and lock.mode):
        return lock
    mode, days, years = bucket.default_retention
    until = now + days * SECONDS_PER_DAY
    if years:
        then = time.gmtime(now)
        # 29 February becomes 1 March where the other year has none.
        until = calendar.timegm((then.tm_year + years, *then[1:6])) + now % 1
    return (lock or Lock()).changed(mode=mode, until=until)


def reply_headers(context, version):
    """What GET and HEAD say of the lock to who may see it; ended retention is still told."""
    lock, headers = version.lock, []
    if lock is None:
        return headers
    if lock.mode and context.may("s3:GetObjectRetention"):
        headers += [(MODE, lock.mode), (UNTIL, date_text(lock.until))]
    if lock.hold is not None and context.may("s3:GetObjectLegalHold"):
        headers.append((HOLD, "ON" if lock.hold else "OFF"))
    return headers


def bypasses(context):
    """Whether the request asks to go past governance, and its caller may."""
    text = context.header(BYPASS)
    if text is None or text.lower() == "false":
        return False
    if text.lower() != "true":
        raise refuse("InvalidArgument", BYPASS,
                     [("ArgumentName", BYPASS), ("ArgumentValue", text)])
    context.demand("s3:BypassGovernanceRetention")
    return True


def check_delete(version, now, bypass):
    """403 for the removal of a version that is protected."""
    lock = version.lock
    if lock is None:
        return
    if lock.hold or (lock.active(now) and not (bypass and lock.mode == "GOVERNANCE")):
        raise refuse("AccessDenied", "Access Denied because object protected by object lock.")


def check_change(old, new, now, bypass):
    """403 unless the retention `old` may become `new` (both Lock): longer always; shorter, none or
    another mode only under governance, and past it; compliance is never weakened."""
    if old is None or not old.active(now):
        return
    weaker = not new.mode or new.mode != old.mode or new.until < old.until
    if weaker and (old.mode == "COMPLIANCE" or not bypass):
        raise refuse("AccessDenied", "Access Denied because object protected by object lock.")
