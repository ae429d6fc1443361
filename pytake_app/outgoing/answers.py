"""Answers of other people's servers, taken with care: unpacked within limits, read as text, secrets blanked."""

from __future__ import annotations

import base64
import codecs
import html
import json
import math
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from urllib.parse import quote, quote_plus

ENCODINGS = "gzip, deflate"
"""What is asked for (Accept-Encoding): codings that can be unpacked piece by piece, under a limit."""
_MIN_SCRUBBED = 4
_MIN_ENCODED = 5
_CHARSETS = ("utf-8", "utf-16", "utf-32", "ascii", "iso8859", "cp125", "koi8", "mac", "gb", "big5", "shift_jis", "euc")


class TooLargeError(Exception):
    """The answer is larger than is taken."""


class UnreadableError(Exception):
    """The answer is packed in a way that nobody asked for, or broken."""


async def body_of(chunks: AsyncIterator[bytes], encoding: str, limit: int) -> bytes:
    """The body, unpacked.

    Parameters:
        chunks: the body as it comes over the line.
        encoding: its Content-Encoding.
        limit: bytes that are taken, unpacked ones: a few kilobytes may unpack to gigabytes.

    Raises:
        TooLargeError: it is larger.
        UnreadableError: it can't be unpacked.
    """
    taken = bytearray()
    unpack = _Unpacker(encoding)
    async for chunk in chunks:
        taken += unpack(chunk, limit - len(taken) + 1)
        if len(taken) > limit:
            raise TooLargeError
    return bytes(taken)


class _Unpacker:
    """One body's Content-Encoding (RFC 9110, 8.4.1) undone, never giving more than it is asked for."""

    def __init__(self, encoding: str) -> None:
        names = [name for part in encoding.lower().split(",") if (name := part.strip()) not in ("", "identity")]
        self._known = names in ([], ["gzip"], ["x-gzip"], ["deflate"])
        # 32: either header, zlib's or gzip's. Some servers say deflate and send it bare.
        self._inflate = zlib.decompressobj(32 + zlib.MAX_WBITS) if names else None
        self._may_be_bare = names == ["deflate"]

    def __call__(self, chunk: bytes, room: int) -> bytes:
        if not self._known:
            raise UnreadableError
        if self._inflate is None:
            return chunk
        try:
            out = self._inflate.decompress(chunk, room)
        except zlib.error:
            if not self._may_be_bare:
                raise UnreadableError from None
            self._may_be_bare, self._inflate = False, zlib.decompressobj(-zlib.MAX_WBITS)
            return self(chunk, room)
        self._may_be_bare = self._may_be_bare and not out
        return out


def text_of(body: bytes, charset: str | None) -> str:
    """The body as text; UTF-8 where the server names no character set, or none that is one. U+0000 can't be stored."""
    try:
        name = codecs.lookup(charset or "utf-8").name
    except (LookupError, ValueError):
        name = "utf-8"
    # Python's codecs are also such that take minutes (punycode), or are none of text at all.
    name = name if name.startswith(_CHARSETS) else "utf-8"
    return body.decode(name, "replace").replace("\x00", "\ufffd")


def scrubbed(text: str, secrets: Mapping[str, str]) -> str:
    """An answer that repeats a secret must not bring it into the session, in whatever usual form it repeats it."""
    forms = {form for value in secrets.values() if len(value) >= _MIN_SCRUBBED for form in _forms(value)}
    for form in sorted(forms, key=len, reverse=True):
        if form in text:
            text = text.replace(form, "***")
    return text


def _forms(value: str) -> Iterator[str]:
    """A secret as servers repeat it: as it is, and escaped for JSON, addresses and HTML, in base64 and hexadecimal."""
    yield value
    for escaped in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")
    yield html.escape(value)
    yield html.escape(value, quote=False)
    for escaped in (quote(value, safe=""), quote_plus(value), quote(value)):
        yield escaped
        yield "%".join([part if not at else part[:2].lower() + part[2:] for at, part in enumerate(escaped.split("%"))])
    raw = value.encode()
    yield raw.hex()
    yield raw.hex().upper()
    for before in range(3):
        # Within something longer (Basic's `name:password`) only the digits that are made of the secret alone are its.
        first, last = math.ceil(before * 8 / 6), (before + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            digits = encode(b"\0" * before + raw).decode()[first:last]
            if len(digits) >= _MIN_ENCODED:
                yield digits
