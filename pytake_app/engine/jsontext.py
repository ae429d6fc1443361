"""JSON of other systems as values that can be kept: sessions are stored as JSON in UTF-8 and in PostgreSQL."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from pydantic import JsonValue

MAX_DEPTH: Final = 64
"""Deeper values are refused: what serialises a session stops at some depth too, and then for good."""
_INT64: Final = 1 << 63
_WIDEST: Final = 1 << 1000


def read_json(text: str) -> JsonValue:
    """A JSON text as a value that can be kept.

    Raises:
        ValueError: it is no JSON, or nested deeper than ``MAX_DEPTH``.
    """
    try:
        return storable(json.loads(text))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def storable(value: Any, depth: int = MAX_DEPTH) -> JsonValue:
    """``value`` with what can't be stored replaced: NUL and halves of surrogate pairs by U+FFFD, numbers that aren't
    finite by None, whole numbers beyond 64 bits by the nearest float.

    Raises:
        ValueError: nested deeper than ``depth``.
    """
    if isinstance(value, str):
        return storable_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return storable_number(value)
    if depth <= 0:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        return {storable_text(str(key)): storable(item, depth - 1) for key, item in value.items()}
    return [storable(item, depth - 1) for item in value]


def storable_number(value: float) -> float | int | None:
    """A number that JSON and PostgreSQL can hold, or None."""
    if isinstance(value, int):
        if -_INT64 <= value < _INT64:
            return value
        return float(value) if abs(value) < _WIDEST else None
    return value if math.isfinite(value) else None


def storable_text(text: str) -> str:
    """A text that UTF-8 and PostgreSQL can hold."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        # Pairs that JSON spelled as two escapes are one character; single halves are nothing.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
