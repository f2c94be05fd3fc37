"""The operation of archives: RestoreObject."""

import archives
import xmlout
from errors import refuse
from http_layer import Reply
from s3 import operation
from s3_headers import CHECKSUM_HEADERS, verify_upload
from s3_objects import find_version, version_headers


def _read_order(data):
    """(days, tier) of a RestoreRequest: a plain restore, nothing is selected."""
    root = xmlout.parse(data, "RestoreRequest").only("Days", "GlacierJobParameters", "Tier")
    days, tier = root.value("Days"), root.value("Tier")
    for parameters in root.all("GlacierJobParameters"):
        tier = parameters.only("Tier").value("Tier")
    if days is not None and (not days.isdigit() or int(days) < 1):
        raise refuse("MalformedXML")
    if tier is not None and tier not in archives.TIERS:
        raise refuse("MalformedXML")
    return None if days is None else int(days), tier or "Standard"


@operation("RestoreObject", "POST", "object", needs={"restore"}, query={"versionId"},
           headers=CHECKSUM_HEADERS | {"content-md5"})
def restore_object(context):
    """202 when it begins, 200 when what is readable stays so for longer."""
    data = context.body()
    verify_upload(context, data)
    days, tier = _read_order(data)
    with context.bucket.lock:
        version = find_version(context, version_id=context.text("versionId"))
        status, archive = archives.ordered(version, days, tier, context.now)
        context.bucket.replace(version, version.changed(archive=archive))
    return Reply(status, version_headers(context, version))
