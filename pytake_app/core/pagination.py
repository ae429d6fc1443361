"""Keyset pagination: opaque cursors over the sort key, never OFFSET."""

import base64
import binascii
from typing import Generic, TypeVar

import orjson
from pydantic import BaseModel

from pytake_app.core.errors import FieldError, InvalidError

T = TypeVar("T")

MAX_LIMIT = 200
DEFAULT_LIMIT = 50


class Page(BaseModel, Generic[T]):
    """One page of a list and where the next begins."""

    items: list[T]
    next_cursor: str | None = None


def encode_cursor(*key: str | float | None) -> str:
    """An opaque cursor for the last row's sort key."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def decode_cursor(cursor: str, length: int) -> list[str | int | float | None]:
    """The sort key inside a cursor made by `encode_cursor`.

    Raises:
        InvalidError: it isn't one, or has another number of parts than `length`.
    """
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise _bad_cursor() from error
    if not isinstance(key, list) or len(key) != length:
        raise _bad_cursor()
    return key


def _bad_cursor() -> InvalidError:
    return InvalidError("The cursor is not one that this list gave.", errors=[FieldError("/cursor", "unknown cursor")])
