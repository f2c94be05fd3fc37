"""A bucket's policy as a document; policy.py judges by it."""

import policy
from errors import refuse
from http_layer import Reply
from s3 import operation
from s3_locks import DIGEST_HEADERS, verified_body


@operation("GetBucketPolicy", "GET", "bucket", needs={"policy"})
def get_bucket_policy(context):
    """As it was put."""
    if context.bucket.policy is None:
        raise refuse("NoSuchBucketPolicy", None, [("BucketName", context.bucket.name)])
    return Reply(200, [("Content-Type", "application/json")], context.bucket.policy[0])


@operation("PutBucketPolicy", "PUT", "bucket", needs={"policy"}, door=False, headers=DIGEST_HEADERS)
def put_bucket_policy(context):
    """The whole of it."""
    data = bytes(verified_body(context))
    own = f"arn:aws:s3:::{context.bucket.name}"
    context.bucket.policy = (data, policy.parse(data, own, own + "/"))
    return Reply(204)


@operation("DeleteBucketPolicy", "DELETE", "bucket", needs={"policy"}, door=False)
def delete_bucket_policy(context):
    """Also where there is none."""
    context.bucket.policy = None
    return Reply(204)
