"""Identifiers: UUID version 7, so that ids sort by time and partitions can be found from an id (RFC 9562)."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat

NewId = Callable[[], UUID]


def new_id() -> UUID:
    """A fresh UUID v7."""
    return uuid_utils.compat.uuid7()


def id_time(value: UUID) -> datetime:
    """The creation time carried by a UUID v7, millisecond precision, UTC."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, tz=UTC)


def at_time(value: UUID, moment: datetime, sequence: int) -> UUID:
    """`value` as if it had been made at `moment`, so that it sorts there.

    Parameters:
        sequence: puts ids of the same millisecond in order; its last twelve bits count.
    """
    milliseconds = int(moment.timestamp() * 1000) & (1 << 48) - 1
    rest = value.int & ~(((1 << 48) - 1) << 80 | 0xFFF << 64)
    return UUID(int=milliseconds << 80 | (sequence & 0xFFF) << 64 | rest)


def first_id_after(moment: datetime) -> UUID:
    """The lowest id of that millisecond: ids made later are greater, ids made earlier are less."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
