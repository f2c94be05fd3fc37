"""ECDSA on NIST P-256, verification only, and the SigV4A key derivation.

Pure Python from the curve's equations (FIPS 186-4; SEC 1), so that SigV4A signatures are judged by
code that shares nothing with the client. Key derivation: counter-mode KDF of NIST SP 800-108 as the
AWS SDKs' SigV4A signers use it.
"""

import functools
import hashlib
import hmac

P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff
N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
G = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
     0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)
ALGORITHM = b"AWS4-ECDSA-P256-SHA256"
INFINITY = (0, 1, 0)


def _double(point):
    """2*point in Jacobian coordinates (a = -3)."""
    x, y, z = point
    if not y or not z:
        return INFINITY
    delta = z * z % P
    gamma = y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    z3 = ((y + z) * (y + z) - gamma - delta) % P
    y3 = (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P
    return x3, y3, z3


def _add(left, right):
    """left + right in Jacobian coordinates."""
    x1, y1, z1 = left
    x2, y2, z2 = right
    if not z1:
        return right
    if not z2:
        return left
    z1z1, z2z2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * z2z2 % P, x2 * z1z1 % P
    s1, s2 = y1 * z2 * z2z2 % P, y2 * z1 * z1z1 % P
    if u1 == u2:
        return _double(left) if s1 == s2 else INFINITY
    h = u2 - u1
    r = s2 - s1
    hh = h * h % P
    hhh = h * hh % P
    v = u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    y3 = (r * (v - x3) - s1 * hhh) % P
    return x3, y3, h * z1 * z2 % P


def _affine(point):
    x, y, z = point
    if not z:
        return None
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P


def _combine(k1, point1, k2, point2):
    """k1*point1 + k2*point2, both scalars walked at once; affine, or None for infinity."""
    a, b = (*point1, 1), (*point2, 1)
    table = (None, a, b, _add(a, b))
    total = INFINITY
    for bit in range(max(k1.bit_length(), k2.bit_length()) - 1, -1, -1):
        total = _double(total)
        choice = table[(k1 >> bit & 1) | (k2 >> bit & 1) << 1]
        if choice is not None:
            total = _add(total, choice)
    return _affine(total)


def multiply(scalar):
    """scalar * G; affine."""
    return _combine(scalar, G, 0, G)


def parse_der(signature):
    """(r, s) of a DER ECDSA signature; ValueError unless it is the one canonical encoding."""
    def integer(data):
        if len(data) < 3 or data[0] != 2 or not 1 <= data[1] <= 33 or len(data) < 2 + data[1]:
            raise ValueError("bad DER integer")
        raw = data[2:2 + data[1]]
        if raw[0] & 0x80 or (len(raw) > 1 and raw[0] == 0 and not raw[1] & 0x80):
            raise ValueError("DER integer is not minimal")
        return int.from_bytes(raw, "big"), data[2 + data[1]:]

    if len(signature) < 8 or signature[0] != 0x30 or signature[1] != len(signature) - 2:
        raise ValueError("bad DER sequence")
    r, rest = integer(signature[2:])
    s, rest = integer(rest)
    if rest:
        raise ValueError("bytes after the DER signature")
    return r, s


def verify(public, message, signature):
    """True if `signature` (DER) is one of `public` over SHA-256(message)."""
    try:
        r, s = parse_der(signature)
    except ValueError:
        return False
    if not (1 <= r < N and 1 <= s < N):
        return False
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    inverse = pow(s, -1, N)
    point = _combine(digest * inverse % N, G, r * inverse % N, public)
    return point is not None and point[0] % N == r


@functools.lru_cache(maxsize=256)
def private_scalar(access_key, secret):
    """The private key that SigV4A derives from a secret access key."""
    for counter in range(1, 255):
        message = (b"\x00\x00\x00\x01" + ALGORITHM + b"\x00" + access_key.encode() +
                   bytes([counter]) + b"\x00\x00\x01\x00")
        candidate = int.from_bytes(
            hmac.digest(b"AWS4A" + secret.encode(), message, "sha256"), "big")
        if candidate <= N - 2:
            return candidate + 1
    raise ValueError("no key for this secret")


@functools.lru_cache(maxsize=256)
def public_key(access_key, secret):
    """The public point of the derived key: all that a verifier needs."""
    return multiply(private_scalar(access_key, secret))
