"""Careful reading of JSON whose shape nobody promises: each reader answers ``None`` rather than raise."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from typing import Any

import orjson

from pytake_app.channels.base import JsonObject, PlatformError
from pytake_app.channels.errors import MalformedBody

_MILLISECONDS_FROM = 100_000_000_000
_LATEST = 253_402_300_799  # 9999-12-31T23:59:59Z, the last second datetime knows
_BOM = b"\xef\xbb\xbf"
_IDENTIFIER_CHARACTERS = 512
_NOTHING: JsonObject = {}
MAX_DEPTH = 200
"""Levels of nesting that are read; what is deeper is no message, and JSON writers refuse it."""


class TooDeep(MalformedBody):
    """JSON nested beyond :data:`MAX_DEPTH`."""


def decode(body: bytes) -> Any:
    """The JSON value of ``body``.

    Raises :class:`MalformedBody` for what is no JSON text in UTF-8 (RFC 8259) or nests beyond what any parser here
    can read, and its kind :class:`TooDeep` for what could be read but not be written again. NUL characters and lone
    surrogates, which JSON may spell but neither UTF-8 nor PostgreSQL can hold, become U+FFFD.
    """
    body = body.removeprefix(_BOM)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        # orjson refuses a few texts the grammar allows (lone surrogates, very large numbers).
        return clean(_decode_slowly(body))
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        check_depth(value)
    return clean(value) if b"\\u0000" in body else value


def check_depth(value: Any) -> None:
    """Raises :class:`TooDeep` when ``value`` is nested beyond :data:`MAX_DEPTH`."""
    level = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                deeper.extend(item.values())
            elif isinstance(item, list):
                deeper.extend(item)
        if not deeper:
            return
        level = deeper
    raise TooDeep("nested too deeply")


def _decode_slowly(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, parse_int=_bounded_int)
    except (ValueError, RecursionError) as error:
        raise MalformedBody("the body is not JSON") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _bounded_int(text: str) -> int | float:
    return int(text) if len(text) <= 18 else float(text)


def clean(value: Any) -> Any:
    """``value`` with what can't be stored replaced: NUL and lone surrogates by U+FFFD, non-finite numbers by ``None``,
    integers beyond 64 bits by the nearest float. Raises :class:`TooDeep`."""
    check_depth(value)
    return _clean(value)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        if value.isascii():
            return value.replace("\x00", "\ufffd") if "\x00" in value else value
        value = value.replace("\x00", "\ufffd")
        try:
            value.encode()
        except UnicodeEncodeError:
            # Pairs of surrogates that JSON spelled as two escapes are one character; single ones are nothing.
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
        return _clean(float(value)) if abs(value) < 1 << 1000 else None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def as_object(value: Any) -> JsonObject:
    """``value`` if it is an object, else an empty one (not to be written to)."""
    return value if isinstance(value, dict) else _NOTHING


def as_list(value: Any) -> list[Any]:
    """``value`` if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def text(holder: JsonObject, name: str) -> str | None:
    """A string member (numbers are written out); ``None`` when absent, empty or of another type."""
    value = holder.get(name)
    if value.__class__ is str:
        return value or None
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return str(value)
    return value or None if isinstance(value, str) else None


def ident(holder: JsonObject, name: str) -> str | None:
    """An identifier member. One longer than any platform writes becomes its digest: identifiers are indexed, and an
    index takes no value of thousands of characters."""
    value = text(holder, name)
    return digest(value) if value is not None and len(value) > _IDENTIFIER_CHARACTERS else value


def flag(holder: JsonObject, name: str) -> bool:
    """A boolean member, also when spelled as a string; ``False`` when absent."""
    return maybe_flag(holder, name) is True


def maybe_flag(holder: JsonObject, name: str) -> bool | None:
    """A boolean member, also when spelled as a string; ``None`` when absent or neither."""
    value = holder.get(name)
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return None


def number(holder: JsonObject, name: str) -> float | None:
    """A finite number member, also when spelled as a string."""
    value = holder.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def moment(value: Any) -> datetime | None:
    """A Unix time in seconds (or milliseconds, from 10^11 on), as number or digits; ``None`` when it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= 16):
            return None
        value = int(value)
    if not isinstance(value, int | float) or not value > 0:
        return None
    seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
    return datetime.fromtimestamp(seconds, UTC) if seconds <= _LATEST else None


def digest(value: Any) -> str:
    """A stable short identity of a JSON value, for things the platform gave no id."""
    try:
        data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Deeper or larger than orjson writes.
        data = repr(value).encode("utf-8", "backslashreplace")
    return "digest:" + hashlib.sha256(data).hexdigest()[:40]


def errors_of(holder: JsonObject) -> list[PlatformError]:
    """The ``errors`` member as typed errors."""
    found = holder.get("errors")
    if found is None:
        return []
    result = []
    for item in as_list(found):
        if not isinstance(item, dict):
            continue
        code = item.get("code")
        result.append(
            PlatformError(
                code=error_code(code),
                title=text(item, "title"),
                message=text(item, "message"),
                details=text(as_object(item.get("error_data")), "details") or text(item, "details"),
                href=text(item, "href"),
            )
        )
    return result


def error_code(value: Any) -> int | str | None:
    """An error code: a number also when spelled as digits, else the platform's own word."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 18 else value or None
    return None
