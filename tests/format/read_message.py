#!/usr/bin/env python3
"""A second reader of sealed objects, written from coffer-format(5) and sharing no code with Coffer.

  read_message.py open KEY < object > plaintext
  read_message.py header KEY < object            what its header says, as JSON
  read_message.py bind KEY VOLUME NAME [ATTRIBUTE=VALUE...] < object   its bind tag
  read_message.py xattrs KEY BYTES < object > plaintext
  read_message.py tag BIND_KEY VOLUME NAME [ATTRIBUTE=VALUE...]        a bind tag by itself

KEY is the data key, BIND_KEY the key of the bind tag and BYTES sealed extended attributes, in hex.
AES-GCM comes from libcrypto, all else from Python. Exits with 4, saying why, when anything is not as
Coffer writes it; then nothing has been written to stdout.
"""
import base64
import ctypes
import hashlib
import hmac
import json
import sys

FRAME, FINAL = b"AWSKMSEncryptionClient Frame", b"AWSKMSEncryptionClient Final Frame"
MARKER = 0xFFFFFFFF
crypto = ctypes.CDLL("libcrypto.so.3")
for function in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
    getattr(crypto, function).restype = ctypes.c_void_p


class Damaged(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Damaged(what)


def gcm_open(key, nonce, authenticated, ciphertext, tag):
    need(len(key) == 32 and len(nonce) == 12 and len(tag) == 16, "wrong sizes")
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    out, done = ctypes.create_string_buffer(len(ciphertext) + 16), ctypes.c_int()
    try:
        cipher = ctypes.c_void_p(crypto.EVP_aes_256_gcm())
        good = crypto.EVP_DecryptInit_ex(context, cipher, None, key, nonce) == 1
        for data, into in ((authenticated, None), (ciphertext, out)):
            if data:
                good &= crypto.EVP_DecryptUpdate(context, into, ctypes.byref(done), data, len(data)) == 1
        good &= crypto.EVP_CIPHER_CTX_ctrl(context, 0x11, 16, tag) == 1  # EVP_CTRL_AEAD_SET_TAG
        need(good and crypto.EVP_DecryptFinal_ex(context, out, ctypes.byref(done)) == 1, "a tag does not fit")
    finally:
        crypto.EVP_CIPHER_CTX_free(context)
    return out.raw[:len(ciphertext)]


def derive(data_key, message_id, label):
    """HKDF-SHA512; 32 bytes are one block of its second half."""
    root = hmac.digest(message_id, data_key, "sha512")
    return hmac.digest(root, label + b"\x01", "sha512")[:32]


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        need(self.at + size <= len(self.data), "cut off")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def short(self):
        return self.take(self.number(2))


def read_context(data):
    if not data:
        return {}
    reader = Reader(data)
    pairs = [(reader.short().decode(), reader.short().decode()) for _ in range(reader.number(2))]
    need(reader.at == len(data), "the context does not fill its length")
    need(pairs == sorted(pairs, key=lambda pair: pair[0].encode()), "the context is not sorted")
    need(len(dict(pairs)) == len(pairs), "a name stands twice in the context")
    return dict(pairs)


class Message:
    """A message whose header has been authenticated."""

    def __init__(self, data, data_key):
        reader = Reader(data)
        need(reader.take(3) == b"\x02\x04\x78", "not format 2 with suite 0x0478")
        self.message_id = reader.take(32)
        self.context = read_context(reader.short())
        keys = [[reader.short() for _ in range(3)] for _ in range(reader.number(2))]
        self.padded = bool(keys) and keys[-1][0] == b"coffer-pad"
        if self.padded:
            need(keys[-1][1] == b"v1" and keys[-1][2].strip(b"\0") == b"" and keys[-1][2], "bad padding")
            keys.pop()
        need(keys, "no encrypted data key")
        self.providers = [key[0].decode() for key in keys]
        need(reader.take(1) == b"\x02", "not framed")
        self.frame_size = reader.number(4)
        need(self.frame_size > 0, "no frame length")
        commitment = reader.take(32)
        body = data[:reader.at]
        need(hmac.compare_digest(derive(data_key, self.message_id, b"COMMITKEY"), commitment), "another key")
        self.content_key = derive(data_key, self.message_id, b"\x04\x78DERIVEKEY")
        gcm_open(self.content_key, bytes(12), body, b"", reader.take(16))
        self.reader, self.header_size = reader, reader.at

    def frames(self):
        """The plaintext of each frame, in order; the last one ends the data."""
        number, last = 1, False
        while not last:
            found = self.reader.number(4)
            last = found == MARKER
            if last:
                found = self.reader.number(4)
            need(found == number, f"frame {found} where frame {number} should be")
            nonce = self.reader.take(12)
            need(nonce == number.to_bytes(12, "big"), "a nonce that is not the frame's number")
            size = self.reader.number(4) if last else self.frame_size
            need(size <= self.frame_size and (size > 0 or number == 1), "a final frame of a wrong size")
            authenticated = (self.message_id + (FINAL if last else FRAME) + number.to_bytes(4, "big") +
                             size.to_bytes(8, "big"))
            yield gcm_open(self.content_key, nonce, authenticated, self.reader.take(size), self.reader.take(16))
            number += 1
        need(self.reader.at == len(self.reader.data), "bytes follow the final frame")


def prefixed(data):
    return len(data).to_bytes(2, "big") + data


def bind_tag(key, volume, name, attributes):
    pairs = sorted(attribute.encode().split(b"=", 1) for attribute in attributes)
    canonical = b"".join(prefixed(name) + prefixed(value) for name, value in pairs)
    bound = b"\x01" + prefixed(volume.encode()) + prefixed(name.encode()) + prefixed(canonical)
    tag = hmac.digest(key, bound, hashlib.sha256)[:16]
    return "1:" + base64.urlsafe_b64encode(tag).decode().rstrip("=")


def run(command, key, *rest):
    key = bytes.fromhex(key)
    if command == "tag":
        return (bind_tag(key, *rest[:2], rest[2:]) + "\n").encode()
    message = Message(sys.stdin.buffer.read(), key)
    if command == "open":
        return b"".join(message.frames())
    if command == "header":
        facts = {"size": message.header_size, "frame_size": message.frame_size, "context": message.context,
                 "providers": message.providers, "padded": message.padded}
        return (json.dumps(facts, sort_keys=True) + "\n").encode()
    if command == "bind":
        bind_key = derive(key, message.message_id, b"coffer-bind-v1")
        return (bind_tag(bind_key, *rest[:2], rest[2:]) + "\n").encode()
    if command == "xattrs":
        sealed = bytes.fromhex(rest[0])
        xattr_key = derive(key, message.message_id, b"coffer-xattr-v1")
        return gcm_open(xattr_key, sealed[:12], b"", sealed[12:-16], sealed[-16:])
    raise SystemExit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    try:
        output = run(*sys.argv[1:])
    except Damaged as damage:
        print(f"read_message.py: {damage}", file=sys.stderr)
        sys.exit(4)
    sys.stdout.buffer.write(output)
