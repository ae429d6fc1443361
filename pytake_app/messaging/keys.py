"""Under which key, and so in which lane, a person's events are filed.

A person may be named by phone, by business-scoped user id (BSUID), or by both; from one message to the next a username
hides the phone, or a new number brings a new BSUID. What one person does must stay in one lane, or two workers could
handle it in the wrong order. Whoever is named by a phone alone costs nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pytake_app.channels.base import IdentityChange
from pytake_app.messaging.lanes import lane_of
from pytake_app.messaging.payloads import NOBODY
from pytake_app.messaging.sql import Connection, dumps

Row = dict[str, Any]
Name = tuple[UUID, str]
"""An account and a phone or BSUID."""

REMEMBERED = timedelta(minutes=1)
CHANGE_REMEMBERED = timedelta(minutes=10)
"""Longer than an event waits for its worker, so that what follows a change of number stays behind it."""
_CAPACITY = 50_000
_RECENT_EVENTS = 2000

# The phone's identity goes before the BSUID's, as when contacts are recognised.
_IDENTITIES = """
WITH wanted AS (SELECT * FROM json_to_recordset(%s) AS w(n int, account uuid, key text, bsuid text))
SELECT DISTINCT ON (n) n, name FROM (
    SELECT w.n, 0 AS rank, COALESCE(i.key, i.bsuid) AS name
    FROM wanted w JOIN contact_identities i ON i.channel_account_id = w.account AND i.key = w.key
    UNION ALL
    SELECT w.n, 1, COALESCE(i.key, i.bsuid)
    FROM wanted w JOIN contact_identities i ON i.channel_account_id = w.account AND i.bsuid = w.bsuid
) found ORDER BY n, rank
"""
# A new person's first message may still be waiting for its worker.
_WAITING = """
SELECT DISTINCT ON (w.n) w.n, e.contact_key
FROM (SELECT id, channel_account_id, contact_key, payload, state, kind FROM inbound_events
      ORDER BY id DESC LIMIT %(recent)s) e,
     json_to_recordset(%(wanted)s) AS w(n int, account uuid, bsuid text)
WHERE e.state = 'pending' AND e.kind = 'message' AND e.channel_account_id = w.account
  AND e.payload->'sender'->>'bsuid' = w.bsuid
ORDER BY w.n, e.id
"""


class KeyBook:
    """Remembers for a short while which names are one person. One a process; used by one thread at a time.

    Parameters:
        lanes: how many there are.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._known: dict[Name, tuple[datetime, str]] = {}

    def settle(self, connection: Connection, events: Sequence[Row], now: datetime) -> None:
        """File `events` (rows about to be stored, in order) under their persons' keys."""
        about = [row for row in events if row["kind"] != "status" and row["contact_key"] != NOBODY]
        self._look_up(connection, about, now)
        for row in about:
            account, names = row["channel_account_id"], _names(row)
            key = next((found for name in names if (found := self._recall((account, name), now))), row["contact_key"])
            if key != row["contact_key"]:
                row["contact_key"], row["lane"] = key, lane_of(account, key, self._lanes)
            bsuid = (row["payload"].get("sender") or {}).get("bsuid")
            if bsuid:
                self._remember((account, bsuid), key, now + REMEMBERED)
            change: IdentityChange | None = row["payload"].get("identity_change")
            if change is not None:
                for name in (change.new_phone or change.new_external_id, change.new_bsuid):
                    if name:
                        self._remember((account, name), key, now + CHANGE_REMEMBERED)

    def _recall(self, name: Name, now: datetime) -> str | None:
        held = self._known.get(name)
        return held[1] if held is not None and held[0] > now else None

    def _remember(self, name: Name, key: str, until: datetime) -> None:
        held = self._known.get(name)
        if held is not None and held[1] == key and held[0] >= until - REMEMBERED / 2:
            return
        if len(self._known) >= _CAPACITY:
            self._known.clear()
        self._known[name] = (until, key)

    def _look_up(self, connection: Connection, rows: Iterable[Row], now: datetime) -> None:
        wanted: dict[Name, Row] = {}
        for row in rows:
            sender = row["payload"].get("sender") or {}
            bsuid, account = sender.get("bsuid"), row["channel_account_id"]
            if bsuid and self._recall((account, bsuid), now) is None and (account, bsuid) not in wanted:
                phone = sender.get("phone") or sender.get("external_id")
                wanted[account, bsuid] = {"n": len(wanted), "account": account, "key": phone, "bsuid": bsuid}
        if not wanted:
            return
        names = list(wanted)
        found: dict[int, str] = dict(connection.execute(_IDENTITIES, (dumps(list(wanted.values())),)).fetchall())
        missing = [want for want in wanted.values() if want["n"] not in found]
        if missing:
            query = {"recent": _RECENT_EVENTS, "wanted": dumps(missing)}
            found |= dict(connection.execute(_WAITING, query).fetchall())
        for n, key in found.items():
            self._remember(names[n], key, now + REMEMBERED)


def _names(row: Row) -> list[str]:
    sender = row["payload"].get("sender") or {}
    return [name for name in (sender.get("phone"), sender.get("bsuid"), sender.get("external_id")) if name]
