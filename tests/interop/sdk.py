"""The AWS Encryption SDK for Python, asked by tests/interop/sdk.sh, which says what is asked.

The first line of output is the SDK's version; then each line of input, a request in JSON, is answered by one line.
"""
import importlib.metadata
import json
import os
import shutil
import sys

import aws_encryption_sdk
from aws_encryption_sdk.identifiers import AlgorithmSuite, CommitmentPolicy, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKey

PADDINGS = {
    "pkcs1": WrappingAlgorithm.RSA_PKCS1,
    "oaep-sha1": WrappingAlgorithm.RSA_OAEP_SHA1_MGF1,
    "oaep-sha256": WrappingAlgorithm.RSA_OAEP_SHA256_MGF1,
    "oaep-sha384": WrappingAlgorithm.RSA_OAEP_SHA384_MGF1,
    "oaep-sha512": WrappingAlgorithm.RSA_OAEP_SHA512_MGF1,
}
AES = {
    16: WrappingAlgorithm.AES_128_GCM_IV12_TAG16_NO_PADDING,
    24: WrappingAlgorithm.AES_192_GCM_IV12_TAG16_NO_PADDING,
    32: WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING,
}


def kms_key(key):
    os.environ.update(AWS_ENDPOINT_URL_KMS=key["url"], AWS_ACCESS_KEY_ID=key["id"], AWS_SECRET_ACCESS_KEY=key["secret"])
    return aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=[key["kms"]])


def raw_key(key):
    with open(key["file"], "rb") as file:
        material = file.read()
    if key["padding"] is None:
        wrapping = WrappingKey(AES[len(material)], material, EncryptionKeyType.SYMMETRIC)
    else:
        kind = EncryptionKeyType.PRIVATE if b"PRIVATE" in material else EncryptionKeyType.PUBLIC
        wrapping = WrappingKey(PADDINGS[key["padding"]], material, kind)
    return RawMasterKey(provider_id=key["namespace"], key_id=key["name"].encode(), wrapping_key=wrapping)


def answer(request):
    policy = CommitmentPolicy[request["policy"].upper().replace("-", "_")]
    client = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=policy)
    how = {"mode": "d"}
    if request["do"] == "seal":
        how = {
            "mode": "e",
            "algorithm": AlgorithmSuite.get_by_id(int(request["suite"], 16)),
            "frame_length": request["frame"],
            "encryption_context": request["context"],
        }
    key = (kms_key if "kms" in request["key"] else raw_key)(request["key"])
    with open(request["in"], "rb") as source, open(request["out"], "wb") as sink:
        with client.stream(source=source, key_provider=key, **how) as stream:
            shutil.copyfileobj(stream, sink, 1 << 20)
            return {"context": stream.header.encryption_context}


def main():
    print("aws-encryption-sdk", importlib.metadata.version("aws-encryption-sdk"), flush=True)
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except Exception as error:  # of whatever kind: it is the answer
            reply = {"error": repr(error)}
        print(json.dumps(reply), flush=True)


main()
