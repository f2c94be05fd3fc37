#!/usr/bin/env python3
"""Whether anything was ever sealed twice under one nonce, by what a server recorded (tests/server --record).

    nonces.py DIRECTORY        one line of JSON: what was seen; a line for each mistake, and then exit code 1

Written from coffer-format(5), sharing no code with Coffer. Under one message id there is one header and one content of
each frame, however often, from whatever offset and up to whatever byte it was sent; and one message is one object's. A
nonce of sealed extended attributes has one content.
"""
import base64
import glob
import json
import os
import sys
import urllib.parse

MARKER = b"\xff\xff\xff\xff"


class Cut(Exception):
    """The bytes end here."""


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise Cut
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")


def header_size(data):
    """Of the header that a message begins with, and its frame length; Cut when it ends before that is known."""
    cursor = Cursor(data)
    cursor.take(35)
    cursor.take(cursor.number(2))
    for _ in range(cursor.number(2)):
        for _ in range(3):
            cursor.take(cursor.number(2))
    cursor.take(1)
    frame = cursor.number(4)
    cursor.take(32 + 16)
    return cursor.at, frame


def frames(data, frame_size):
    """(number, bytes) of each frame, the last one perhaps cut off; a frame that has no number yet is left out."""
    at = 0
    while at < len(data):
        final = data[at:at + 4] == MARKER
        head = data[at:at + (24 if final else 16)]
        if len(head) < (24 if final else 16):
            # Cut inside the head: the number is known when the nonce is not needed for it.
            if not final and len(head) >= 4:
                yield int.from_bytes(head[:4], "big"), bytes(head)
            return
        number = int.from_bytes(head[4:8] if final else head[:4], "big")
        nonce = head[8:20] if final else head[4:16]
        if int.from_bytes(nonce, "big") != number or number == 0:
            raise ValueError(f"no frame at byte {at}: {head.hex()}")
        size = len(head) + (int.from_bytes(head[20:24], "big") if final else frame_size) + 16
        yield number, bytes(data[at:at + size])
        at += size
        if final and at < len(data):
            raise ValueError("bytes follow a final frame")


class Checker:
    def __init__(self):
        self.seen = {}      # (message, number) -> the longest bytes; number 0 is the header
        self.owner = {}     # message -> (object, upload or ""), which it was sent as
        self.ids = {}       # upload -> message id, once its first part was seen
        self.xattrs = {}    # nonce -> value
        self.mistakes = []
        self.counts = {"bodies": 0, "cut": 0, "frames": 0, "again": 0, "messages": 0, "uploads": 0, "xattrs": 0}

    def keep(self, message, number, data, where):
        """That these bytes were sent as this frame."""
        known = self.seen.setdefault((message, number), b"")
        size = min(len(known), len(data))
        self.counts["frames"] += 1
        self.counts["again"] += bool(known)
        if known[:size] != data[:size]:
            self.mistakes.append(f"{where}: message {message} frame {number} differs from what was sent before")
        elif len(data) > len(known):
            self.seen[(message, number)] = data

    def own(self, message, owner, where):
        if self.owner.setdefault(message, owner) != owner:
            self.mistakes.append(f"{where}: message {message} is {self.owner[message]} and {owner}")

    def whole(self, data, owner, where):
        """A body that begins with a header. Its message."""
        message = bytes(data[3:35]).hex()
        if len(data) < 35:
            return None
        self.own(message, owner, where)
        try:
            size, frame = header_size(data)
        except Cut:
            self.keep(message, 0, bytes(data), where)
            return message
        self.keep(message, 0, bytes(data[:size]), where)
        for number, sealed in frames(data[size:], frame):
            self.keep(message, number, sealed, where)
        return message

    def part(self, data, upload, where):
        """A further part of an upload, which begins with a frame."""
        for number, sealed in frames(data, 65536):
            self.keep(f"upload {upload}", number, sealed, where)

    def attributes(self, headers, where):
        value = dict(headers).get("x-amz-meta-xattr")
        if not value:
            return
        if not value.startswith("1:"):
            self.mistakes.append(f"{where}: extended attributes that are not sealed")
            return
        self.counts["xattrs"] += 1
        nonce = base64.b64decode(value[2:])[:12]
        if self.xattrs.setdefault(nonce, value) != value:
            self.mistakes.append(f"{where}: a nonce of extended attributes has two contents")

    def request(self, facts, data, where):
        query = dict(urllib.parse.parse_qsl(facts["query"]))
        self.attributes(facts["headers"], where)
        if facts["method"] != "PUT":
            return
        self.counts["bodies"] += 1
        self.counts["cut"] += len(data) < facts["length"]
        upload = query.get("uploadId", "")
        if not data:
            return
        if upload and query["partNumber"] != "1":
            self.part(data, upload, where)
            return
        if data[:3] != b"\x02\x04\x78"[:len(data)]:
            self.mistakes.append(f"{where}: no sealed message")
            return
        message = self.whole(data, (facts["path"], upload), where)
        if upload and message and self.ids.setdefault(upload, message) != message:
            self.mistakes.append(f"{where}: upload {upload} has two messages")

    def join(self):
        """Frames of uploads under their messages' ids: two uploads may be of one message, by mistake."""
        for (message, number), data in list(self.seen.items()):
            upload = message.removeprefix("upload ")
            if upload != message and upload in self.ids:
                self.keep(self.ids[upload], number, data, "between parts")
        self.counts["uploads"] = len({m for m, _ in self.seen if m.startswith("upload ")} | set(self.ids))
        self.counts["messages"] = len(self.owner)


def main():
    checker = Checker()
    for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.json"))):
        with open(path, encoding="utf-8") as file:
            facts = json.load(file)
        body = path.removesuffix(".json") + ".body"
        data = b""
        if os.path.exists(body):
            with open(body, "rb") as file:
                data = file.read()
        where = f"{os.path.basename(path)} ({facts['method']} {facts['path']}?{facts['query']})"
        try:
            checker.request(facts, data, where)
        except ValueError as error:
            checker.mistakes.append(f"{where}: {error}")
    checker.join()
    print(json.dumps(checker.counts))
    print("\n".join(checker.mistakes), end="\n" if checker.mistakes else "")
    return 1 if checker.mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
