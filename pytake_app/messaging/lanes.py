"""Lanes: every contact belongs to one of a fixed number of serial lanes."""

from uuid import UUID
from zlib import crc32


def lane_of(channel_account_id: UUID, contact_key: str, lanes: int) -> int:
    """The lane of a contact on an account: the same in every process and version."""
    return crc32(f"{channel_account_id}:{contact_key}".encode()) % lanes
