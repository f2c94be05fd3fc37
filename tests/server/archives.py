"""Archives as Amazon S3 keeps them: which versions cannot be read, how they are brought back.

Rules as in the user guide ("Working with archived objects") and the API references of RestoreObject
and HeadObject. Restores end when the control endpoint says so. The operation is in s3_archives.
"""

from errors import refuse
from store import Archive, http_date

CLASSES = ("GLACIER", "DEEP_ARCHIVE")
TIERING = "INTELLIGENT_TIERING"
ACCESS_TIERS = ("ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS")
TIERS = ("Bulk", "Standard", "Expedited")  # slowest first
DAY = 86400


def _expiry(now, days):
    """Midnight UTC after that many days."""
    return (int(now + days * DAY) // DAY + 1) * DAY


def _restored(version, now):
    return version.archive is not None and version.archive.until > now


def is_archived(version, now):
    """True if the version cannot be read before it is restored."""
    if version.storage_class == TIERING:
        return version.archive is not None
    return version.storage_class in CLASSES and not _restored(version, now)


def require_readable(version, now):
    """403 for a read, or a copy, of an archived version."""
    if is_archived(version, now):
        tier = version.archive.access if version.archive is not None else ""
        raise refuse("InvalidObjectState", "The operation is not valid for the object's"
                     f" {'access tier' if tier else 'storage class'}",
                     [("StorageClass", version.storage_class)] +
                     ([("AccessTier", tier)] if tier else []))


def reply_headers(version, now):
    """What GET and HEAD say of an archived version, or of one that was restored."""
    archive = version.archive
    if archive is None:
        return []
    headers = [("x-amz-archive-status", archive.access)] if archive.access else []
    if archive.ongoing:
        return headers + [("x-amz-restore", 'ongoing-request="true"')]
    if _restored(version, now):
        headers.append(("x-amz-restore", 'ongoing-request="false", expiry-date="'
                        f'{http_date(archive.until)}"'))
    return headers


def ordered(version, days, tier, now):
    """(status, Archive) of a RestoreObject."""
    access = version.archive.access if version.archive is not None else ""
    if version.storage_class not in CLASSES and not access:
        raise refuse("InvalidObjectState", "Restore is not allowed for the object's current"
                     " storage class", [("StorageClass", version.storage_class)])
    if (days is None) != bool(access):
        raise refuse("MalformedXML")
    if tier == "Expedited" and "DEEP_ARCHIVE" in (version.storage_class, access[:12]):
        raise refuse("InvalidArgument", "Retrieval option is not supported by this storage class")
    if version.archive is not None and version.archive.ongoing:
        if TIERS.index(tier) <= TIERS.index(version.archive.tier):
            raise refuse("RestoreAlreadyInProgress")
        return 202, version.archive.changed(tier=tier)
    if _restored(version, now):
        return 200, version.archive.changed(until=_expiry(now, days))
    return 202, Archive(access, ongoing=True, tier=tier, days=days or 0)


def finished(version, now, success=True):
    """The Archive after the restore that is under way has ended."""
    if not success:
        return Archive(version.archive.access) if version.archive.access else None
    if version.archive.access:
        return None  # back where it is read at once, for good
    return Archive(until=_expiry(now, version.archive.days))
