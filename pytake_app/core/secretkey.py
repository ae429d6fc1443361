"""Whether a SECRET_KEY is worth its name: long, not guessable, not one that stands in somebody's example."""

from __future__ import annotations

import math
from collections import Counter

MIN_SECRET_LENGTH = 32
MIN_BITS = 100.0
"""Estimated from the key's own characters: 32 random hexadecimal digits have about 115, `changeme` four times 80."""
_EXAMPLES = (
    "change-me", "change_me", "changeme", "your-secret", "your_secret", "yoursecret", "secret-key", "secret_key",
    "secretkey", "supersecret", "super-secret", "super_secret", "password", "replace-me", "replaceme", "example",
    "default", "insecure", "keyboard cat", "correct horse", "jwt_secret", "jwt-secret", "my-secret", "mysecret",
    "0123456789abcdef", "abcdefghijklmnop", "qwertyuiop",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
)  # fmt: skip
"""Parts of keys in tutorials and templates, the last one from a well-known documentation of JWTs."""


def weakness(key: str) -> str:
    """Why a key is refused in production, empty when it isn't."""
    if len(key) < MIN_SECRET_LENGTH:
        return f"must be set to at least {MIN_SECRET_LENGTH} characters"
    lowered = key.lower()
    if any(example in lowered for example in _EXAMPLES):
        return "is an example that others know too"
    if bits_of(key) < MIN_BITS or _repeats(key):
        return "is guessable: too few different characters, or a pattern"
    return ""


def bits_of(key: str) -> float:
    """An estimate of a key's entropy from how its characters are distributed (Shannon), in bits."""
    size = len(key)
    return -sum(count * math.log2(count / size) for count in Counter(key).values())


def _repeats(key: str) -> bool:
    """Whether the key is one piece written again and again."""
    return any(key == (key[:size] * (len(key) // size + 1))[: len(key)] for size in range(1, len(key) // 2 + 1))
