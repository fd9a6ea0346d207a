#!/usr/bin/env python3
"""Makes tokens.json from the description of the token format, with nothing but Python's standard
library, so that the vectors are evidence independent of the crate they test.

    python3 tests/vectors/make_tokens.py > tests/vectors/tokens.json
"""

import base64
import hashlib
import hmac
import json
import struct


def hkdf(master, info):
    """RFC 5869 with SHA-256, no salt, one block of output."""
    extracted = hmac.new(bytes(32), master, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def access_secret(secret):
    return hashlib.sha256(b"segue/access" + secret).digest()[:16]


def session_key(secret):
    return hashlib.sha256(b"segue/session" + access_secret(secret)).digest()


def seal(prefix, purpose, master, payload):
    key = hkdf(master, b"segue/v1/" + purpose)
    code = hmac.new(key, prefix.encode() + payload, hashlib.sha256).digest()
    return prefix + base64url(payload + code)


def access(version, master, secret, generation, expiry_ms):
    payload = struct.pack(">I16sQ", version, access_secret(secret), generation)
    return seal("sga_", b"access", master, payload + struct.pack(">Q", expiry_ms)[2:])


def refresh(version, master, secret, generation):
    return seal("sgr_", b"refresh", master, struct.pack(">I16sQ", version, secret, generation))


MASTERS = {
    1: bytes(range(32)),
    2: hashlib.sha256(b"second").digest(),
    4294967295: hashlib.sha256(b"last").digest(),
}
RING = ",".join(
    f"{version}{'*' if version == 2 else ''}:{base64url(key)}" for version, key in MASTERS.items()
)
STRANGE = hashlib.sha256(b"of no ring").digest()

# Session secret, generation, expiry in milliseconds.
CASES = [
    (bytes(16), 0, 0),
    (bytes(range(16)), 1, 1_800_000_000_000),
    (b"\xff" * 16, 2**64 - 1, 2**48 - 1),
    (hashlib.sha256(b"a session").digest()[:16], 41, 1_767_225_600_123),
]


def good():
    for version, master in MASTERS.items():
        for secret, generation, expiry_ms in CASES:
            common = {
                "key_version": version,
                "session_secret": secret.hex(),
                "access_secret": access_secret(secret).hex(),
                "session_key": session_key(secret).hex(),
                # As text: numbers beyond 2^53 do not survive every JSON reader.
                "generation": str(generation),
            }
            yield common | {
                "kind": "access",
                "expires_at_ms": expiry_ms,
                "token": access(version, master, secret, generation, expiry_ms),
            }
            yield common | {"kind": "refresh", "token": refresh(version, master, secret, generation)}


def flipped(text, byte, bit):
    prefix, data = text[:4], bytearray(base64.urlsafe_b64decode(text[4:]))
    data[byte] ^= 1 << bit
    return prefix + base64url(bytes(data))


def bad_of(kind, text, other):
    """Every way of spoiling one good token; `other` is the same session's token of the other kind."""
    invalid, unknown = "invalid_token", "unknown_key"
    size = len(text) // 4 * 3 - 3
    for byte in range(size):
        for bit in (0, 3, 7):
            # The first four bytes are the key version: another version is another, absent key.
            # (The good token's version is 1, so its lowest bit flipped gives 0, which no key has.)
            code = unknown if byte < 4 and (byte, bit) != (3, 0) else invalid
            yield kind, code, f"bit {bit} of byte {byte} flipped", flipped(text, byte, bit)
    for length in (0, 1, 3, 4, 5, len(text) - 4, len(text) - 1):
        yield kind, invalid, f"cut to {length} characters", text[:length]
    yield kind, invalid, "first character missing", text[1:]
    yield kind, invalid, "one character more", text + "A"
    yield kind, invalid, "four characters more", text + "AAAA"
    yield kind, invalid, "twice", text + text
    yield kind, invalid, "padded", text + "="
    yield kind, invalid, "padded fully", text + "===="
    yield kind, invalid, "last character replaced by padding", text[:-1] + "="
    for name, character in (
        ("plus of the other alphabet", "+"),
        ("slash of the other alphabet", "/"),
        ("space", " "),
        ("newline", "\n"),
        ("carriage return", "\r"),
        ("tab", "\t"),
        ("NUL", "\0"),
        ("dot", "."),
        ("percent sign", "%"),
        ("tilde", "~"),
        ("full-width A", "\uff21"),
        ("letter with a diaeresis", "\u00e4"),
        ("emoji", "\U0001f511"),
    ):
        for at in (4, 40, len(text) - 1):
            yield kind, invalid, f"{name} at {at}", text[:at] + character + text[at + 1 :]
        yield kind, invalid, f"{name} before", character + text
        yield kind, invalid, f"{name} behind", text + character
    yield kind, invalid, "byte order mark before", "\ufeff" + text
    for prefix in ("SGA_", "Sga_", "SGR_", "Sgr_", "sg__", "sga-", "sgr-", "sgp_", "", "sga_sga_"):
        yield kind, invalid, f"prefix {prefix!r}", prefix + text[4:]
    yield kind, invalid, "upper case", text.upper()
    # Behind the version, which would become that of an absent key.
    yield kind, invalid, "lower case", text[:12] + text[12:].lower()
    yield kind, invalid, "with the scheme", "Bearer " + text
    yield kind, invalid, "in quotes", f'"{text}"'
    yield kind, invalid, "the other kind", other
    yield kind, invalid, "the other kind under this prefix", text[:4] + other[4:]


def bad():
    secret, generation, expiry_ms = CASES[1]
    one = access(1, MASTERS[1], secret, generation, expiry_ms)
    two = refresh(1, MASTERS[1], secret, generation)
    yield from bad_of("access", one, two)
    yield from bad_of("refresh", two, one)
    for kind, make in (
        ("access", lambda version, key: access(version, key, secret, generation, expiry_ms)),
        ("refresh", lambda version, key: refresh(version, key, secret, generation)),
    ):
        yield kind, "unknown_key", "a version that is not in the ring", make(3, STRANGE)
        yield kind, "unknown_key", "a version not in the ring, a key that is", make(3, MASTERS[1])
        yield kind, "invalid_token", "version 0", make(0, MASTERS[1])
        yield kind, "invalid_token", "a foreign key under a known version", make(1, STRANGE)
        yield kind, "invalid_token", "another version's key", make(1, MASTERS[2])
        yield kind, "invalid_token", "a key of zeros", make(1, bytes(32))
    payload = struct.pack(">I16sQ", 1, secret, generation)
    expiry = struct.pack(">Q", expiry_ms)[2:]
    secrets = struct.pack(">I16sQ", 1, access_secret(secret), generation) + expiry
    yield "refresh", "invalid_token", "under the access key", seal("sgr_", b"access", MASTERS[1], payload)
    yield "access", "invalid_token", "under the refresh key", seal("sga_", b"refresh", MASTERS[1], secrets)
    master = hmac.new(MASTERS[1], b"sgr_" + payload, hashlib.sha256).digest()
    yield "refresh", "invalid_token", "under the master key itself", "sgr_" + base64url(payload + master)
    key = hkdf(MASTERS[1], b"segue/v1/refresh")
    bare = hmac.new(key, payload, hashlib.sha256).digest()
    yield "refresh", "invalid_token", "code without the prefix", "sgr_" + base64url(payload + bare)
    plain = hashlib.sha256(key + b"sgr_" + payload).digest()
    yield "refresh", "invalid_token", "a plain hash for a code", "sgr_" + base64url(payload + plain)
    yield "refresh", "invalid_token", "no code", "sgr_" + base64url(payload + bytes(32))


def main():
    vectors = {
        "about": "Made by make_tokens.py from the description of the format, with Python's standard "
        "library alone. Never use these keys. Bad tokens name the code they are refused with.",
        "keyring": RING,
        "check_values": {
            str(version): hkdf(master, b"segue/v1/check")[:16].hex()
            for version, master in MASTERS.items()
        },
        "good": list(good()),
        "bad": [
            {"kind": kind, "code": code, "why": why, "token": token}
            for kind, code, why, token in bad()
        ],
    }
    print(json.dumps(vectors, indent=1))


if __name__ == "__main__":
    main()
