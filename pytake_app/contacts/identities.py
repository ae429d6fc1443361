"""Contacts for the pipeline: recognised, locked and written in sets.

A contact is known on a channel account by its canonical key (phone) and, since usernames came, by a business-scoped
user id; either may be missing from a webhook. The contact's row is locked for the transaction, so that everything about
a contact is serial even when its two keys fall into two lanes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pytake_app.core.ids import NewId
from pytake_app.messaging.payloads import SenderKeys
from pytake_app.messaging.sql import Connection, Later, dumps, insert_and_count, insert_statement

BSUID_PREFIX = "bsuid:"


class ConcurrentChangeError(Exception):
    """Another transaction created the same row first; the batch starts again and finds it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who wrote on which account."""

    organization_id: UUID
    channel_account_id: UUID
    keys: SenderKeys


@dataclass(slots=True)
class Person:
    """A contact as known on one channel account, locked. `dirty`/`identity_dirty`: columns to be written back."""

    id: UUID
    organization_id: UUID
    channel_account_id: UUID
    identity_id: UUID
    key: str | None
    external_id: str | None
    bsuid: str | None
    username: str | None
    display_name: str
    name: str
    phone: str | None
    email: str | None = None
    locale: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    lifecycle: str = "new"
    lead_score: int = 0
    consent: str = "unknown"
    consent_at: datetime | None = None
    blocked: bool = False
    new_contact: bool = False
    new_identity: bool = False
    dirty: bool = False
    identity_dirty: bool = False

    @property
    def recipient(self) -> str | None:
        """Where the platform wants its answers."""
        return self.external_id or (BSUID_PREFIX + self.bsuid if self.bsuid else self.key)

    def learn(self, keys: SenderKeys) -> None:
        """Take over what this message says about its sender: a second key, a new address, a new display name."""
        before = (self.key, self.external_id, self.bsuid, self.username, self.display_name)
        self.key = keys.key or self.key
        # A person who hides the phone is answered at what this message was signed with.
        self.external_id = keys.external_id or (None if keys.bsuid else self.external_id)
        self.bsuid = keys.bsuid or self.bsuid
        self.username = keys.username or self.username
        self.display_name = keys.name or self.display_name
        if before != (self.key, self.external_id, self.bsuid, self.username, self.display_name):
            self.identity_dirty = True
        if not self.name and keys.name:
            self.name, self.dirty = keys.name, True
        if keys.key and keys.key.isdigit() and self.phone != keys.key:
            self.phone, self.dirty = keys.key, True


_FIND = """
WITH wanted AS (SELECT * FROM json_to_recordset(%s) AS w(n int, account uuid, key text, bsuid text)),
hit AS (
    SELECT w.n, i.id AS identity_id, 0 AS rank
    FROM wanted w JOIN contact_identities i ON i.channel_account_id = w.account AND i.key = w.key
    UNION ALL
    SELECT w.n, i.id, 1
    FROM wanted w JOIN contact_identities i ON i.channel_account_id = w.account AND i.bsuid = w.bsuid
)
SELECT hit.n, hit.rank, c.id, c.organization_id, i.channel_account_id, i.id, i.key, i.external_id, i.bsuid, i.username,
       i.display_name, c.name, c.phone, c.email, c.locale, c.fields, c.tags, c.lifecycle, c.lead_score, c.consent,
       c.consent_at, c.blocked
FROM hit JOIN contact_identities i ON i.id = hit.identity_id JOIN contacts c ON c.id = i.contact_id
ORDER BY c.id, hit.n, hit.rank
FOR NO KEY UPDATE OF c
"""
# OFFSET and the order by text keep the planner from walking an organization's contacts in the order of their ids.
# A contact that a person, an import or another channel account made, recognised by its phone.
_FIND_BY_PHONE = """
SELECT DISTINCT w.n, c.id, c.name, c.phone, c.email, c.locale, c.fields, c.tags, c.lifecycle, c.lead_score, c.consent,
       c.consent_at, c.blocked
FROM json_to_recordset(%s) AS w(n int, organization_id uuid, phone text),
     LATERAL (SELECT x.* FROM (SELECT * FROM contacts y WHERE y.phone = w.phone OFFSET 0) x
              WHERE x.organization_id = w.organization_id ORDER BY x.id::text LIMIT 1 FOR NO KEY UPDATE) c
"""
_INSERT_CONTACTS = insert_statement(
    "contacts",
    ("id", "organization_id", "name", "phone", "email", "locale", "fields", "tags", "lifecycle", "lead_score",
     "consent", "consent_at", "blocked", "created_at", "updated_at"),
)  # fmt: skip
_INSERT_IDENTITIES = insert_statement(
    "contact_identities",
    ("id", "organization_id", "contact_id", "channel_account_id", "key", "external_id", "bsuid", "username",
     "display_name", "created_at"),
    "ON CONFLICT DO NOTHING RETURNING 1",
)  # fmt: skip
_UPDATE_CONTACTS = """
UPDATE contacts c SET name = v.name, phone = v.phone, email = v.email, locale = v.locale, fields = v.fields,
       tags = v.tags, lifecycle = v.lifecycle, lead_score = v.lead_score, consent = v.consent,
       consent_at = v.consent_at, updated_at = v.updated_at
FROM json_populate_recordset(NULL::contacts, %s) v WHERE c.id = v.id
"""
# A key that another identity of the account holds stays there: the platform may have recycled a number.
_UPDATE_IDENTITIES = """
UPDATE contact_identities i
SET external_id = v.external_id, username = v.username, display_name = v.display_name,
    key = CASE WHEN EXISTS (SELECT 1 FROM contact_identities o WHERE o.channel_account_id = i.channel_account_id
                            AND o.key = v.key AND o.id <> i.id) THEN i.key ELSE v.key END,
    bsuid = CASE WHEN EXISTS (SELECT 1 FROM contact_identities o WHERE o.channel_account_id = i.channel_account_id
                              AND o.bsuid = v.bsuid AND o.id <> i.id) THEN i.bsuid ELSE v.bsuid END
FROM json_populate_recordset(NULL::contact_identities, %s) v WHERE i.id = v.id
"""


def ask(connection: Connection, wanted: Sequence[Wanted]) -> Later[list[Person | None]]:
    """The contacts of `wanted`, locked until the transaction ends; None where nobody is known yet.

    Where phone and BSUID point at two contacts, the phone's is taken.
    """
    if not wanted:
        return list
    query = [
        {"n": n, "account": w.channel_account_id, "key": w.keys.key, "bsuid": w.keys.bsuid}
        for n, w in enumerate(wanted)
    ]
    cursor = connection.execute(_FIND, (dumps(query),))
    return lambda: _people(cursor.fetchall(), len(wanted))


def _people(rows: list[tuple[Any, ...]], count: int) -> list[Person | None]:
    people: list[Person | None] = [None] * count
    best: dict[int, int] = {}
    by_identity: dict[UUID, Person] = {}
    for n, rank, *columns in rows:
        if best.get(n, 9) <= rank:
            continue
        best[n] = rank
        person = by_identity.get(columns[3])
        if person is None:
            person = by_identity[columns[3]] = Person(*columns)
        people[n] = person
    return people


def make_missing(
    connection: Connection,
    wanted: Sequence[Wanted],
    found: Sequence[Person | None],
    new_id: NewId,
    *,
    makers: Collection[int],
) -> list[Person | None]:
    """What `ask` found, but the unknown among `makers` (positions in `wanted`) become new contacts, written by `write`.

    Equal keys give one person.
    """
    missing = [n for n, person in enumerate(found) if person is None and n in makers]
    by_phone: dict[int, tuple[Any, ...]] = {}
    phones = [
        {"n": n, "organization_id": wanted[n].organization_id, "phone": wanted[n].keys.key}
        for n in missing
        if (wanted[n].keys.key or "").isdigit()
    ]
    if phones:
        rows = connection.execute(_FIND_BY_PHONE, (dumps(phones),)).fetchall()
        by_phone = {row[0]: row[1:] for row in rows}
    made: dict[tuple[UUID, str], Person] = {}
    people: list[Person | None] = []
    for n, known in enumerate(found):
        want = wanted[n]
        person = known or _already_made(made, want)
        if person is None and n in makers:
            person = _make(want, by_phone.get(n), new_id)
            for key in (want.keys.key, want.keys.bsuid):
                if key:
                    made[want.channel_account_id, key] = person
        people.append(person)
    return people


def _already_made(made: dict[tuple[UUID, str], Person], want: Wanted) -> Person | None:
    for key in (want.keys.key, want.keys.bsuid):
        if key and (want.channel_account_id, key) in made:
            return made[want.channel_account_id, key]
    return None


def _make(want: Wanted, contact: tuple[Any, ...] | None, new_id: NewId) -> Person:
    keys = want.keys
    identity = (new_id(), keys.key, keys.external_id, keys.bsuid, keys.username, keys.name)
    if contact is not None:
        contact_id, *columns = contact
        person = Person(contact_id, want.organization_id, want.channel_account_id, *identity, *columns)
        person.new_identity = True
        return person
    phone = keys.key if keys.key and keys.key.isdigit() else None
    return Person(
        new_id(), want.organization_id, want.channel_account_id, *identity, keys.name, phone, new_contact=True,
        new_identity=True,
    )  # fmt: skip


def _contact_row(person: Person, now: datetime) -> dict[str, Any]:
    return {
        "id": person.id,
        "organization_id": person.organization_id,
        "name": person.name,
        "phone": person.phone,
        "email": person.email,
        "locale": person.locale,
        "fields": person.fields,
        "tags": person.tags,
        "lifecycle": person.lifecycle,
        "lead_score": person.lead_score,
        "consent": person.consent,
        "consent_at": person.consent_at,
        "blocked": person.blocked,
        "created_at": now,
        "updated_at": now,
    }


def _identity_row(person: Person, now: datetime) -> dict[str, Any]:
    return {
        "id": person.identity_id,
        "organization_id": person.organization_id,
        "contact_id": person.id,
        "channel_account_id": person.channel_account_id,
        "key": person.key,
        "external_id": person.external_id,
        "bsuid": person.bsuid,
        "username": person.username,
        "display_name": person.display_name,
        "created_at": now,
    }


def write(connection: Connection, people: Sequence[Person], now: datetime) -> None:
    """Write what changed.

    Raises:
        ConcurrentChangeError: another transaction made one of these identities meanwhile.
    """
    new = [person for person in people if person.new_identity]
    if new:
        contacts = [_contact_row(person, now) for person in new if person.new_contact]
        if contacts:
            connection.execute(_INSERT_CONTACTS, (dumps(contacts),))
        inserted = insert_and_count(connection, _INSERT_IDENTITIES, [_identity_row(p, now) for p in new])
        if inserted != len(new):
            raise ConcurrentChangeError
    changed = [_contact_row(person, now) for person in people if person.dirty and not person.new_contact]
    if changed:
        connection.execute(_UPDATE_CONTACTS, (dumps(changed),))
    identities = [_identity_row(person, now) for person in people if person.identity_dirty and not person.new_identity]
    if identities:
        connection.execute(_UPDATE_IDENTITIES, (dumps(identities),))
