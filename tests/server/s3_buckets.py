"""Bucket operations: create, delete, head, list, location, versioning, sessions.

Behaviour as in the Amazon S3 API reference.
"""

import ipaddress
import re

import sigv4
import xmlout
from errors import not_implemented, refuse
from http_layer import Reply
from s3 import operation, region_headers, wrong_region, xml_reply
from s3_headers import CHECKSUM_HEADERS, verify_upload
from store import Bucket, iso_date

_NAME = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")


def check_name(name):
    """Bucket naming rules of general purpose buckets."""
    bad = not _NAME.match(name) or ".." in name or ".-" in name or "-." in name or \
        name.startswith("xn--") or name.endswith(("-s3alias", "--ol-s3"))
    try:
        ipaddress.ip_address(name)
        bad = True
    except ValueError:
        pass
    if bad:
        raise refuse("InvalidBucketName", None, [("BucketName", name)])


def _wanted_region(context):
    data = context.body()
    location = None
    if len(data):
        root = xmlout.parse(data, "CreateBucketConfiguration")
        root.only("LocationConstraint", "Location", "Bucket")
        if context.address.bucket.endswith("--x-s3"):
            return context.claim.region
        root.only("LocationConstraint")
        location = (root.value("LocationConstraint") or "").strip() or None
    claim, address = context.claim, context.address
    here = address.region or claim.region
    if address.region and claim.region != address.region:
        raise wrong_region(claim, address.region)
    if location is None:
        if here != "us-east-1":
            raise refuse("IllegalLocationConstraintException")
        return here
    if here != "us-east-1" and here != location:
        raise refuse("IllegalLocationConstraintException",
                     f"The {location} location constraint is incompatible for the region specific"
                     " endpoint this request was sent to.")
    if not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d+", location) or location == "us-east-1":
        raise refuse("InvalidLocationConstraint", None, [("LocationConstraint", location)])
    return location


@operation("CreateBucket", "PUT", "bucket", door=False,
           headers={"x-amz-bucket-object-lock-enabled", "x-amz-acl", "x-amz-object-ownership"})
def create_bucket(context):
    """Make a bucket where the endpoint, the signature and the body agree it should be."""
    name = context.address.bucket
    if context.user is None or context.address.access_point:
        raise refuse("MethodNotAllowed" if context.user else "AccessDenied")
    check_name(name)
    if context.header("x-amz-acl") not in (None, "private"):
        raise not_implemented("x-amz-acl")
    if context.header("x-amz-object-ownership") not in (None, "BucketOwnerEnforced"):
        raise not_implemented("x-amz-object-ownership")
    bucket = Bucket(name, _wanted_region(context), context.user.account, context.now)
    flag = context.header("x-amz-bucket-object-lock-enabled")
    if flag is not None and flag.lower() not in ("true", "false"):
        raise refuse("InvalidArgument", "x-amz-bucket-object-lock-enabled")
    if flag is not None and flag.lower() == "true":
        bucket.lock_enabled = True
        bucket.versioning = "Enabled"
    context.world.store.add_bucket(bucket)
    return Reply(200, [("Location", f"/{name}")])


@operation("DeleteBucket", "DELETE", "bucket", door=False)
def delete_bucket(context):
    """Only an empty bucket can go."""
    context.world.store.remove_bucket(context.bucket.name)
    return Reply(204)


@operation("HeadBucket", "HEAD", "bucket", action="s3:ListBucket")
def head_bucket(context):
    """The Region, and whether the name is an access point's alias."""
    alias = "true" if context.address.alias else "false"
    return Reply(200, [*region_headers(context.bucket), ("x-amz-access-point-alias", alias),
                       ("Content-Type", "application/xml")])


@operation("ListBuckets", "GET", "service", action="s3:ListAllMyBuckets")
def list_buckets(context):
    """All buckets; general purpose ones only, as S3 does on this endpoint."""
    store = context.world.store
    with store.lock:
        found = [store.buckets[name] for name in sorted(store.buckets)
                 if not store.buckets[name].directory]
    rows = [xmlout.node("Bucket", [xmlout.node("Name", bucket.name),
                                   xmlout.node("CreationDate", iso_date(bucket.created))])
            for bucket in found]
    owner = xmlout.node("Owner", [xmlout.node("ID", context.user.account)])
    return xml_reply("ListAllMyBucketsResult", [owner, xmlout.node("Buckets", rows)])


@operation("GetBucketLocation", "GET", "bucket", needs={"location"})
def get_bucket_location(context):
    """Empty for us-east-1."""
    region = context.bucket.region
    text = "" if region == "us-east-1" else region
    return xml_reply("LocationConstraint", [xmlout.escape(text)])


@operation("GetBucketVersioning", "GET", "bucket", needs={"versioning"}, door=False)
def get_bucket_versioning(context):
    """An empty document when versioning was never set."""
    return xml_reply("VersioningConfiguration",
                     xmlout.optional("Status", context.bucket.versioning))


@operation("PutBucketVersioning", "PUT", "bucket", needs={"versioning"}, door=False,
           headers=CHECKSUM_HEADERS | {"content-md5"})
def put_bucket_versioning(context):
    """Enabled or Suspended; never back to nothing, never suspended under Object Lock."""
    data = context.body()
    verify_upload(context, data)
    root = xmlout.parse(data, "VersioningConfiguration").only("Status")
    status = root.value("Status")
    if status not in ("Enabled", "Suspended"):
        raise refuse("MalformedXML")
    if context.bucket.directory:
        raise not_implemented("versioning of a directory bucket")
    if status == "Suspended" and context.bucket.lock_enabled:
        raise refuse("InvalidBucketState", "An Object Lock configuration is present on this bucket,"
                     " so the versioning state cannot be changed.")
    with context.bucket.lock:
        context.bucket.versioning = status
    return Reply(200)


@operation("CreateSession", "GET", "bucket", needs={"session"}, door=False,
           action="s3express:CreateSession", headers={"x-amz-create-session-mode"})
def create_session(context):
    """Short-lived credentials for one directory bucket."""
    if not context.bucket.directory:
        raise not_implemented("CreateSession on a general purpose bucket")
    if context.claim is None or context.claim.algorithm != sigv4.SIGV4:
        raise refuse("AccessDenied")
    mode = context.header("x-amz-create-session-mode", "ReadWrite")
    if mode not in ("ReadOnly", "ReadWrite"):
        raise refuse("InvalidArgument", "x-amz-create-session-mode")
    world = context.world
    user = world.directory.issue(context.user, context.now + world.session_seconds,
                                 express_bucket=context.bucket.name, mode=mode)
    fields = [xmlout.node("SessionToken", user.token), xmlout.node("SecretAccessKey", user.secret),
              xmlout.node("AccessKeyId", user.access_key),
              xmlout.node("Expiration", iso_date(user.expires).replace(".000Z", "Z"))]
    return xml_reply("CreateSessionResult", [xmlout.node("Credentials", fields)])
