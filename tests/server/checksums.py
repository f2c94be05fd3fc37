"""Object checksums of the Amazon S3 API: CRC32, CRC32C, CRC64NVME, SHA-1, SHA-256.

zlib has CRC32; the other two CRCs are computed here without a loop over bytes. A CRC is linear over
GF(2): the message is folded in halves, and the map of one fold acts on each byte lane separately,
so it is bytes.translate() (a table per lane pair) and XOR of big integers, both at memory speed.
"""

import base64
import functools
import hashlib
import zlib

NAMES = ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")
CRC_NAMES = ("crc32", "crc32c", "crc64nvme")
XML_NAMES = {"crc32": "ChecksumCRC32", "crc32c": "ChecksumCRC32C",
             "crc64nvme": "ChecksumCRC64NVME", "sha1": "ChecksumSHA1",
             "sha256": "ChecksumSHA256"}
SIZES = {"crc32": 4, "crc32c": 4, "crc64nvme": 8, "sha1": 20, "sha256": 32}
_FOLD_FLOOR = 4096


class LinearCrc:
    """A reflected CRC of `width` bytes with all-ones initial value and final XOR."""

    def __init__(self, width, polynomial):
        self._width = width
        self._mask = (1 << 8 * width) - 1
        self._table = [self._one_byte(value, polynomial) for value in range(256)]
        self._powers = [[self._plain(b"\0", 1 << bit) for bit in range(8 * width)]]
        self._fold_tables = functools.lru_cache(maxsize=64)(self._make_fold_tables)

    @staticmethod
    def _one_byte(value, polynomial):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        return value

    def _plain(self, data, state):
        table = self._table
        for byte in data:
            state = table[(state ^ byte) & 0xff] ^ state >> 8
        return state

    def _power(self, exponent):
        """The images of all state bits after 2**exponent zero bytes."""
        while len(self._powers) <= exponent:
            last = self._powers[-1]
            self._powers.append([self._apply(last, column) for column in last])
        return self._powers[exponent]

    def _advance(self, state, count):
        """`state` after `count` zero bytes."""
        for exponent in range(count.bit_length()):
            if count >> exponent & 1:
                state = self._apply(self._power(exponent), state)
        return state

    @staticmethod
    def _apply(columns, value):
        result = 0
        while value:
            low = value & -value
            result ^= columns[low.bit_length() - 1]
            value ^= low
        return result

    def _make_fold_tables(self, distance):
        """tables[i][j]: what byte lane i of a group adds to lane j, `distance` (a power of two)
        bytes later. A group of `width` bytes is itself a state that its bytes are XORed into."""
        width = self._width
        images = self._power(distance.bit_length() - 1)
        tables = []
        for lane in range(width):
            values = [0]
            for image in images[8 * lane:8 * lane + 8]:
                values += [value ^ image for value in values]
            tables.append([bytes(value >> 8 * out & 0xff for value in values)
                           for out in range(width)])
        return tables

    def _fold(self, data):
        """Half as many bytes with the same CRC (from state 0)."""
        half = len(data) // 2
        width = self._width
        tables = self._fold_tables(half)
        lanes = [data[lane:half:width] for lane in range(width)]
        folded = bytearray(data[half:])
        for out in range(width):
            total = int.from_bytes(folded[out::width], "little")
            for lane in range(width):
                total ^= int.from_bytes(lanes[lane].translate(tables[lane][out]), "little")
            folded[out::width] = total.to_bytes(half // width, "little")
        return bytes(folded)

    def compute(self, data):
        """The CRC of a bytes-like object."""
        data = bytes(data)
        head = data[:self._width]
        if len(head) < self._width:
            return self._plain(data, self._mask) ^ self._mask
        # All-ones as initial state is the same as inverting the first bytes from state zero.
        inverted = int.from_bytes(head, "little") ^ self._mask
        data = inverted.to_bytes(self._width, "little") + data[self._width:]
        size = _FOLD_FLOOR
        while size < len(data):
            size *= 2
        if size > _FOLD_FLOOR:
            data = bytes(size - len(data)) + data  # leading zeros leave state zero alone
        while len(data) > _FOLD_FLOOR:
            data = self._fold(data)
        return self._plain(data, 0) ^ self._mask

    def combine(self, first, second, second_length):
        """The CRC of a concatenation from the CRCs of its parts."""
        return self._advance(first, second_length) ^ second


CRC32 = LinearCrc(4, 0xedb88320)
CRC32C = LinearCrc(4, 0x82f63b78)
CRC64NVME = LinearCrc(8, 0x9a6c9329ac4bc9b5)
_CRCS = {"crc32": CRC32, "crc32c": CRC32C, "crc64nvme": CRC64NVME}


def digest(name, buffers):
    """The raw (big-endian) checksum of a sequence of buffers."""
    if name in ("sha1", "sha256"):
        state = hashlib.new(name)
        for buffer in buffers:
            state.update(buffer)
        return state.digest()
    total, seen = 0, False
    for buffer in buffers:
        value = zlib.crc32(buffer) if name == "crc32" else _CRCS[name].compute(buffer)
        total = _CRCS[name].combine(total, value, len(buffer)) if seen else value
        seen = True
    return total.to_bytes(SIZES[name], "big")


def encoded(name, buffers):
    """The checksum in base64, as headers and XML carry it."""
    return base64.b64encode(digest(name, buffers)).decode()


def full_of_parts(name, parts):
    """Full-object CRC from [(base64 CRC, length)] of consecutive parts."""
    total = 0
    for index, (text, length) in enumerate(parts):
        value = int.from_bytes(base64.b64decode(text), "big")
        total = _CRCS[name].combine(total, value, length) if index else value
    return base64.b64encode(total.to_bytes(SIZES[name], "big")).decode()


def composite_of_parts(name, parts):
    """Checksum of the part checksums, with "-N"."""
    joined = b"".join(base64.b64decode(text) for text, _ in parts)
    return f"{encoded(name, [joined])}-{len(parts)}"


def well_formed(name, text):
    """True if `text` is base64 of the right length for the algorithm."""
    try:
        return len(base64.b64decode(text, validate=True)) == SIZES[name]
    except ValueError:
        return False
