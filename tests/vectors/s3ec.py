#!/usr/bin/env python3
"""Makes s3ec.json: objects as the S3 Encryption Client writes them, in each of its versions, wrappings and ciphers.

Independent of Coffer: from the client's specification, with Python's `cryptography`. Each run makes other RSA keys and
paddings, so the result is committed: tests/vectors/s3ec.py >tests/vectors/s3ec.json
"""
import base64
import hashlib
import json

from cryptography.hazmat.primitives import hashes, hmac, keywrap, padding as blocks, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

GCM, CBC, COMMITTING = "AES/GCM/NoPadding", "AES/CBC/PKCS5Padding", "115"
SUITE = b"\x00\x73"


def noise(label, size):
    return hashlib.shake_256(label.encode()).digest(size)


def text(data):
    return base64.b64encode(data).decode()


AES_KEY = noise("wrapping key", 32)
RSA_KEY = rsa.generate_private_key(65537, 2048)


def pkcs7(data):
    padder = blocks.PKCS7(128).padder()
    return padder.update(data) + padder.finalize()


def by_rsa(data, how):
    return RSA_KEY.public_key().encrypt(data, how)


def oaep(digest, mask_digest):
    return padding.OAEP(mgf=padding.MGF1(mask_digest), algorithm=digest, label=None)


def wrapped(wrap, key, algorithm, label):
    """The wrapped data key. KMS is the test's own: its blob is noise that stands for the key."""
    if wrap.startswith("kms"):
        return noise("blob " + label, 184)
    if wrap == "AES/GCM":
        nonce = noise("nonce " + label, 12)
        return nonce + AESGCM(AES_KEY).encrypt(nonce, key, algorithm.encode())
    if wrap == "AESWrap":
        return keywrap.aes_key_wrap(AES_KEY, key)
    if wrap == "AES/ECB":
        cipher = Cipher(algorithms.AES(AES_KEY), modes.ECB()).encryptor()
        return cipher.update(pkcs7(key)) + cipher.finalize()
    if wrap == "RSA-OAEP-SHA1":
        return by_rsa(bytes([len(key)]) + key + algorithm.encode(), oaep(hashes.SHA1(), hashes.SHA1()))
    if wrap == "RSA/OAEP SunJCE":
        return by_rsa(key, oaep(hashes.SHA256(), hashes.SHA1()))
    if wrap == "RSA/OAEP BouncyCastle":
        return by_rsa(key, oaep(hashes.SHA256(), hashes.SHA256()))
    assert wrap == "RSA/PKCS1"
    return by_rsa(key, padding.PKCS1v15())


def wrap_name(wrap):
    return "RSA/ECB/OAEPWithSHA-256AndMGF1Padding" if wrap.startswith("RSA/OAEP") else wrap


def expand(key, message_id, label, size):
    extract = hmac.HMAC(message_id, hashes.SHA512())
    extract.update(key)
    return HKDFExpand(hashes.SHA512(), size, SUITE + label).derive(extract.finalize())


def encrypted(algorithm, key, plain, label):
    """Body, and the fields of the content in its version's names."""
    if algorithm == COMMITTING:
        message_id = noise("message " + label, 28)
        body = AESGCM(expand(key, message_id, b"DERIVEKEY", 32)).encrypt(b"\x01" * 12, plain, SUITE)
        commitment = expand(key, message_id, b"COMMITKEY", 28)
        return body, {"x-amz-c": "115", "x-amz-i": text(message_id), "x-amz-d": text(commitment)}
    if algorithm == GCM:
        nonce = noise("iv " + label, 12)
        return AESGCM(key).encrypt(nonce, plain, None), {"x-amz-iv": text(nonce), "x-amz-tag-len": "128"}
    iv = noise("iv " + label, 16)
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    body = cipher.update(pkcs7(plain)) + cipher.finalize()
    return body, {"x-amz-iv": text(iv), "x-amz-unencrypted-content-length": str(len(plain))}


def context_of(wrap, algorithm, more):
    if wrap == "kms":
        return {"kms_cmk_id": "alias/old"}
    return {**more, "aws:x-amz-cek-alg": algorithm} if wrap == "kms+context" else {}


def key_fields(version, wrap, algorithm, blob, context):
    described = json.dumps(context)
    if version == 3:
        number = {"kms+context": "12", "AES/GCM": "02", "RSA-OAEP-SHA1": "22"}[wrap]
        return {"x-amz-3": text(blob), "x-amz-w": number, "x-amz-t" if wrap == "kms+context" else "x-amz-m": described}
    if version == 1:
        return {"x-amz-key": text(blob), "x-amz-matdesc": described}
    return {"x-amz-key-v2": text(blob), "x-amz-wrap-alg": wrap_name(wrap), "x-amz-cek-alg": algorithm,
            "x-amz-matdesc": described}


def vector(version, wrap, algorithm, needs, size=300, split=False, more=None):
    label = f"V{version} {wrap} {algorithm} {size}{' split' if split else ''}{' context' if more else ''}"
    key, plain = noise("data key " + label, 32), noise("plain " + label, size)
    body, content = encrypted(algorithm, key, plain, label)
    context = context_of(wrap, algorithm, more or {})
    blob = wrapped(wrap, key, algorithm, label)
    wrapping = key_fields(version, wrap, algorithm, blob, context)
    made = {"name": label, "needs": needs, "plain": text(plain), "body": text(body), "data_key": text(key),
            "blob": text(blob), "context": context, "metadata": {**content, **wrapping}}
    if split and version == 3:
        made |= {"metadata": content, "instruction": wrapping}
    elif split:
        made |= {"metadata": {}, "instruction": {**content, **wrapping}}
    return made


def all_of_them():
    for wrap in ("kms+context", "AES/GCM", "RSA-OAEP-SHA1"):
        for version, algorithm in ((3, COMMITTING), (2, GCM)):
            yield vector(version, wrap, algorithm, version)
            yield vector(version, wrap, algorithm, version, split=True)
    for size in (0, 1, 16, 70000):
        yield vector(3, "AES/GCM", COMMITTING, 3, size)
        yield vector(2, "AES/GCM", GCM, 2, size if size < 100 else 40)
        yield vector(2, "AESWrap", CBC, 1, size if size < 100 else 47)
    yield vector(3, "kms+context", COMMITTING, 3, more={"purpose": "test", "where": "Ærøskøbing 愛"})
    for wrap in ("kms", "AESWrap", "RSA/OAEP SunJCE", "RSA/OAEP BouncyCastle"):
        yield vector(2, wrap, CBC, 1)
        yield vector(2, wrap, GCM, 1)
        yield vector(2, wrap, CBC, 1, split=True)
    for wrap in ("AES/ECB", "RSA/PKCS1"):
        yield vector(1, wrap, CBC, 1)
        yield vector(1, wrap, CBC, 1, split=True)
    yield vector(2, "kms+context", CBC, 1)


def main():
    pem = RSA_KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    vectors = {}
    for made in all_of_them():
        vectors[made["name"]] = made
    print(json.dumps({"aes_key": text(AES_KEY), "rsa_key": pem.decode(), "objects": list(vectors.values())}, indent=1))


main()
