"""Identifiers: UUID version 7, so that ids sort by time and partitions can be found from an id (RFC 9562)."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, SafeUUID

import uuid_utils

NewId = Callable[[], UUID]

_make, _set = object.__new__, object.__setattr__
# Python 3.11 looks a member of an enumeration up anew each time, at the price of the rest of an id.
_SAFETY = SafeUUID.unknown


def new_id() -> UUID:
    """A fresh UUID v7, greater than those that this process made before."""
    # As `UUID(int=…)`, without its checks: a message makes a dozen.
    made = _make(UUID)
    _set(made, "int", uuid_utils.uuid7().int)
    _set(made, "is_safe", _SAFETY)
    return made


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
