"""A whole sealed volume, opened without coffer, by the AWS Encryption SDK for Python:

    pip install aws-encryption-sdk
    python3 leave.py BUCKET PREFIX/ DIR KEY-ARN...        by KMS
    python3 leave.py BUCKET PREFIX/ DIR recovery.pem ID   by the private recovery key, without KMS
"""
import os
import stat
import sys

import aws_encryption_sdk
import boto3
from aws_encryption_sdk.identifiers import EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKey

bucket, prefix, directory, *keys = sys.argv[1:]
if keys[0].startswith("arn:"):
    key = aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=keys)
else:
    with open(keys[0], "rb") as file:
        wrapping = WrappingKey(WrappingAlgorithm.RSA_OAEP_SHA256_MGF1, file.read(), EncryptionKeyType.PRIVATE)
    key = RawMasterKey(provider_id="coffer-recovery", key_id=keys[1].encode(), wrapping_key=wrapping)
s3, links = boto3.client("s3"), []
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
    for name in (item["Key"] for item in page.get("Contents", [])):
        path = os.path.join(directory, name[len(prefix):])
        if ".." in name.split("/") or os.path.isabs(name[len(prefix):]):
            sys.exit(f"{name!r} leads out of {directory}")
        reply = s3.get_object(Bucket=bucket, Key=name)
        message = aws_encryption_sdk.EncryptionSDKClient().stream(source=reply["Body"], mode="d", key_provider=key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        mode = int(reply["Metadata"].get("mode", "0"))
        if stat.S_ISLNK(mode):
            links.append((message.read(), path))
        elif not name.endswith("/"):
            with open(path, "xb") as file:
                while data := message.read(1 << 20):
                    file.write(data)
            os.utime(path, (reply["LastModified"].timestamp(), float(reply["Metadata"].get("mtime", 0))))
for target, path in links:  # last, so that no file is written through one
    os.symlink(target, path)
