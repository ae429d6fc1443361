"""Which queue a hand-off means, for the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from pytake_app.messaging.sql import Connection

# By id, then by name (accents and case aside), then the default one.
_FIND = """
SELECT id, name, (id = %(id)s OR (%(name)s <> '' AND pytake_fold(name) = pytake_fold(%(name)s))) IS TRUE AS named
FROM service_queues
WHERE organization_id = %(organization)s AND is_active
  AND (id = %(id)s OR is_default OR (%(name)s <> '' AND pytake_fold(name) = pytake_fold(%(name)s)))
ORDER BY (id = %(id)s) IS TRUE DESC, named DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class QueueRef:
    """A queue. `named`: it is the one that was asked for, not the default in its stead."""

    id: UUID
    name: str
    named: bool


def resolve(connection: Connection, organization_id: UUID, queue_id: str, name: str) -> QueueRef | None:
    """The queue with this id or name, else the default one; None when there is no queue at all."""
    try:
        wanted: UUID | None = UUID(queue_id)
    except ValueError:
        wanted = None
    # What isn't an id may be a name.
    values = {
        "organization": organization_id,
        "id": wanted,
        "name": name.strip() or ("" if wanted else queue_id.strip()),
    }
    row = connection.execute(_FIND, values).fetchone()
    return None if row is None else QueueRef(row[0], row[1], row[2])
