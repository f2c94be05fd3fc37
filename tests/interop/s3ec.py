"""The Amazon S3 Encryption Client for Python, for tests/interop/s3ec.sh: writes objects that coffer shall read.

s3ec.py BUCKET PREFIX KMS_KEY DIRECTORY, with the endpoint and credentials in the environment. Each object is written by
the client, read again by the client, and its plaintext put into DIRECTORY under the same name.
"""
import importlib.metadata
import io
import json
import os
import sys

import boto3
from s3_encryption import S3EncryptionClient, S3EncryptionClientConfig
from s3_encryption.materials.kms_keyring import KmsKeyring
from s3_encryption.materials.materials import AlgorithmSuite, CommitmentPolicy

CONTEXT = {"purpose": "interop", "where": "a \"quoted\" \\ place"}
V3_IN_OBJECT = ("x-amz-c", "x-amz-d", "x-amz-i")


def client(key, version):
    keyring = KmsKeyring(kms_client=boto3.client("kms"), kms_key_id=key)
    how = {"encryption_algorithm": AlgorithmSuite.ALG_AES_256_GCM_IV12_TAG16_NO_KDF,
           "commitment_policy": CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT} if version == 2 else {}
    return S3EncryptionClient(boto3.client("s3"), S3EncryptionClientConfig(keyring=keyring, **how))


class Writer:
    def __init__(self, bucket, prefix, directory):
        self.bucket, self.prefix, self.directory = bucket, prefix, directory
        self.plain_client = boto3.client("s3")

    def at(self, name):
        return {"Bucket": self.bucket, "Key": self.prefix + name}

    def check(self, s3ec, name, plain, context):
        read = s3ec.get_object(**self.at(name), **context)["Body"].read()
        assert read == plain, name
        with open(os.path.join(self.directory, name), "wb") as file:
            file.write(plain)

    def put(self, s3ec, name, plain, context=None):
        context = {"EncryptionContext": context} if context else {}
        s3ec.put_object(**self.at(name), Body=plain, **context)
        self.check(s3ec, name, plain, context)

    def upload(self, s3ec, name, plain):
        """In parts."""
        s3ec.upload_fileobj(io.BytesIO(plain), self.bucket, self.prefix + name, multipart_chunksize=5 << 20)
        self.check(s3ec, name, plain, {})

    def split(self, s3ec, name, plain):
        """The client reads instruction files and writes none: one made of what it wrote."""
        self.put(s3ec, name, plain)
        stored = self.plain_client.get_object(**self.at(name))
        here = {field: value for field, value in stored["Metadata"].items() if field in V3_IN_OBJECT}
        there = {field: value for field, value in stored["Metadata"].items() if field not in V3_IN_OBJECT}
        self.plain_client.put_object(**self.at(name), Body=stored["Body"].read(), Metadata=here)
        self.plain_client.put_object(**self.at(name + ".instruction"), Body=json.dumps(there).encode(),
                                     Metadata={"x-amz-crypto-instr-file": ""})
        self.check(s3ec, name, plain, {})


def main():
    bucket, prefix, key, directory = sys.argv[1:]
    for version in (2, 3):
        s3ec = client(key, version)
        here = Writer(bucket, f"{prefix}v{version}/", os.path.join(directory, f"v{version}"))
        os.makedirs(here.directory)
        for size in (0, 1, 15, 16, 17, 65536, 5 << 20):
            here.put(s3ec, str(size), os.urandom(size))
        here.upload(s3ec, "parts", os.urandom((12 << 20) + 5))
        here.split(s3ec, "split", os.urandom(1000))
        bound = Writer(bucket, f"{prefix}bound/", os.path.join(directory, "bound"))
        os.makedirs(bound.directory, exist_ok=True)
        bound.put(s3ec, f"v{version}", os.urandom(1000), CONTEXT)
    print("amazon-s3-encryption-client-python", importlib.metadata.version("amazon-s3-encryption-client-python"))


main()
