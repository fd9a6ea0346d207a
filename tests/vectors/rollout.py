#!/usr/bin/env python3
"""Writes rollout.json, the published buckets, from the documented formula alone:

    python3 tests/vectors/rollout.py > tests/vectors/rollout.json
"""

import hashlib
import json


def bucket(salt: str, user: str) -> int:
    text = b"segue/rollout\x00" + salt.encode() + b"\x00" + user.encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") % 10_000


USERS = ["1", "2", "3", "42", "18446744073709551615", "alice", "Alice", "alice@example.com",
         "9f1c2d3e-4b5a-4678-9abc-def012345678", "auth0|507f1f77bcf86cd799439011", "ä", "用户", "x" * 255]
SALTS = ["segue", "", "spring-2027", "sel-été"]

print(json.dumps(
    [{"salt": salt, "user": user, "bucket": bucket(salt, user)} for salt in SALTS for user in USERS],
    indent=1, ensure_ascii=False))
