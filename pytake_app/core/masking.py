"""Phone numbers that some callers see only the end of.

A `Phone` of an answer is written masked while `phones_masked` is set, which the edges do for callers whose organization
wants it (`Principal.masks_phones`). Services see the whole number always.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated

from pydantic import PlainSerializer

phones_masked: ContextVar[bool] = ContextVar("phones_masked", default=False)
"""Whether the answer being made is for somebody who sees no whole phone number."""
VISIBLE = 4
"""Digits that remain."""


def mask_phone(phone: str) -> str:
    """`5511987654321` → `•••• 4321`."""
    return f"•••• {phone[-VISIBLE:]}" if len(phone) > VISIBLE else "••••"


def shown_phone(phone: str | None) -> str | None:
    """The phone as the present caller may see it."""
    return mask_phone(phone) if phone and phones_masked.get() else phone


Phone = Annotated[str | None, PlainSerializer(shown_phone, return_type=str | None)]
"""A contact's phone in an answer: digits only, or its end for who sees no more."""


@contextmanager
def masking(on: bool) -> Iterator[None]:
    """Write answers for somebody who sees no whole phone number, or who does."""
    token = phones_masked.set(on)
    try:
        yield
    finally:
        phones_masked.reset(token)
