#!/usr/bin/env python3
"""What somebody makes of a sealed object who has its bytes and no key.

    forge.py keys COUNT INFO SEED < object     COUNT encrypted data keys in it, all bogus: of the KMS key INFO, and padding
    forge.py frame SIZE < object               another frame length in its header
"""
import random
import sys

from nonces import Cursor


def short(data):
    return len(data).to_bytes(2, "big") + data


def taken_apart(data):
    """What stands before the encrypted data keys, these, and the rest."""
    cursor = Cursor(data)
    cursor.take(35)
    cursor.take(cursor.number(2))
    begin = cursor.at
    for _ in range(3 * cursor.number(2)):
        cursor.take(cursor.number(2))
    return data[:begin], data[begin:cursor.at], data[cursor.at:]


def bogus_keys(size, count, info, seed):
    """A list of keys that takes `size` bytes, padded as Coffer does."""
    blobs = random.Random(seed)
    keys = b"".join(short(b"aws-kms") + short(info.encode()) + short(blobs.randbytes(12)) for _ in range(count - 1))
    pad = size - 2 - len(keys) - len(short(b"coffer-pad") + short(b"v1") + short(b""))
    return count.to_bytes(2, "big") + keys + short(b"coffer-pad") + short(b"v1") + short(bytes(pad))


def main():
    data = sys.stdin.buffer.read()
    before, keys, rest = taken_apart(data)
    if sys.argv[1] == "keys":
        keys = bogus_keys(len(keys), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    else:
        rest = rest[:1] + int(sys.argv[2]).to_bytes(4, "big") + rest[5:]
    sys.stdout.buffer.write(before + keys + rest)


if __name__ == "__main__":
    main()
