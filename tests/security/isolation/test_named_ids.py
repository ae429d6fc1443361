"""Ids of another organization inside bodies and query strings: wherever a schema takes one, it is tried.

Each request is whole and names its own things, except in one place. The same request with one's own id there is the
control: it must not be refused for its form, or the other would prove nothing.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import select

from pytake_app.api.services import Services
from pytake_app.contacts.models import Contact
from pytake_app.core.db import Database
from pytake_app.flows.models import FlowFolder
from pytake_app.messaging.models import MediaAsset
from pytake_app.queues.models import ServiceQueue
from tests.api.fixtures import Caller, NewCaller
from tests.api.test_tenancy import BODIES, PLAIN, populate, sample
from tests.security.isolation.references import Reference, filled, references, with_value
from tests.security.isolation.test_api import fingerprint

Ids = dict[str, Any]
# The schema says less than the place means.
NOT_AN_ID = {
    "POST /api/v1/sandbox/{account_id}/messages media_id": "the sandbox's own numbers, tried in tests/sandbox",
}
# Answered although the id is unknown, and why nothing comes of it; everything else is refused.
HARMLESS = {
    "POST /api/v1/inbox-views where.channel_account_id": "a filter of one's own, which finds nothing",
    "POST /api/v1/inbox-views where.queue_id": "a filter of one's own, which finds nothing",
    "PATCH /api/v1/inbox-views/{inbox_view_id} where.channel_account_id": "a filter of one's own, which finds nothing",
    "PATCH /api/v1/inbox-views/{inbox_view_id} where.queue_id": "a filter of one's own, which finds nothing",
    "POST /api/v1/flows/{flow_id}/replay session_ids": "in memory: replays what it finds, none",
    "POST /api/v1/queue/retry ids": "says that it changed none",
    "POST /api/v1/queue/cancel ids": "says that it changed none",
    "POST /api/v1/queue/restore ids": "says that it changed none",
    "POST /api/v1/queue/retry channel_account_id": "says that it changed none",
    "POST /api/v1/queue/cancel channel_account_id": "says that it changed none",
}
KEPT_AS_ASKED = {"inbox_views", "audit_log"}  # one's own filters, and that one asked
ONE = str(uuid4())  # replaced by one's own id
LATER = "2026-01-20T12:00:00Z"  # the clock stands at the fifth
PICTURE = {"type": "interactive", "body": "x", "header": {"type": "image"}, "buttons": [{"id": "a", "title": "A"}]}
# Requests that need more than their required members for the place to count.
WHOLE: dict[str, Any] = {
    "POST /api/v1/canned-responses department_id": {"shortcut": "y", "text": "x", "scope": "department"},
    "PATCH /api/v1/canned-responses/{response_id} department_id": {"shortcut": "y", "text": "x", "scope": "department"},
    "POST /api/v1/conversations/bulk user_id": {"ids": [ONE], "action": "assign"},
    "POST /api/v1/flows/start flow_id": {"contact_id": "+5511987654321"},
    "POST /api/v1/flows/start contact_id": {"flow_id": "main_menu"},
    "POST /api/v1/flows/process session_id": {"user_input": "x"},
    "POST /api/v1/queue/retry channel_account_id": {"everything": True, "ids": []},
    "POST /api/v1/queue/cancel channel_account_id": {"everything": True, "ids": []},
    "POST /api/v1/queues overflow.queue_id": {"name": "y", "overflow": {"action": "queue"}},
    "PUT /api/v1/queues/{queue_id} overflow.queue_id": {"name": "z", "overflow": {"action": "queue"}},
    "POST /api/v1/queues/{queue_id}/assign agent_id": {"item_id": ONE},
    "POST /api/v1/webhook/simulate-interactive contact_id": {"text": "oi"},
    **{
        f"POST /api/v1/conversations/bulk transfer.{name}": {"ids": [ONE], "action": "transfer", "transfer": {}}
        for name in ("agent_id", "queue_id", "department_id", "flow_id")
    },
    **{
        f"POST {path}/transfer {name}": {}
        for path in ("/api/v1/conversations/{conversation_id}", "/api/v1/queues/{queue_id}/items/{queue_item_id}")
        for name in ("agent_id", "queue_id", "department_id", "flow_id")
    },
    **{
        f"{address} message.{name}": {**when, "message": message}
        for address, when in (
            ("POST /api/v1/conversations/{conversation_id}/messages", {}),
            ("PATCH /api/v1/conversations/{conversation_id}/scheduled/{scheduled_id}", {"send_at": LATER}),
        )
        for name, message in (
            ("media_id", {"type": "media"}),
            ("message_id", {"type": "reaction", "emoji": "x"}),
            ("header.media_id", PICTURE),
        )
    },
}  # fmt: skip
# Where the control names a second thing of one's own: itself would be refused.
ANOTHER = {
    "POST /api/v1/contacts/{contact_id}/merge contact_id": "contact_id",
    "DELETE /api/v1/queues/{queue_id} ?move_to": "queue_id",
    "PUT /api/v1/queues/{queue_id} overflow.queue_id": "queue_id",
    "PATCH /api/v1/flow-folders/{folder_id} parent_id": "folder_id",
}


def sent(caller: Caller, one: Reference, document: Any, ids: Ids, value: str) -> Any:
    """The request with `value` in the reference's place and the caller's own things everywhere else."""
    address = one.path
    for name in re.findall(r"{(\w+)}", one.path):
        address = address.replace(f"{{{name}}}", str(ids.get(name) or PLAIN[name]))
    params: dict[str, Any] = {
        item["name"]: sample(item["schema"], document)
        for item in one.operation.get("parameters", ())
        if item["in"] == "query" and item.get("required")
    }
    params = filled(params, one.path, ids)
    if one.where == "query":
        return caller.request(one.method.upper(), address, params={**params, one.at[0]: value})
    schema = one.operation["requestBody"]["content"]["application/json"]["schema"]
    base = WHOLE.get(str(one), BODIES.get((one.method, one.path)))
    body = with_value(
        schema, document, one.at, value, filled(base, one.path, ids) if base is not None else None, sample
    )
    return caller.request(one.method.upper(), address, params=params, json=body)


def says_not_found(answer: Any) -> bool:
    """Of many things at once each is refused by itself."""
    told_json = answer.headers.get("content-type", "").startswith("application/json")
    body = answer.json() if told_json else None
    parts = (body.get("items") or body.get("failed")) if isinstance(body, dict) else None
    return bool(isinstance(parts, list) and parts) and all(not part.get("ok") and part.get("code") for part in parts)


def cells_with(database: Database, organization_id: UUID, wanted: dict[str, str]) -> list[tuple[str, str]]:
    """(table, what) for every row of the organization in which one of these ids stands."""
    found = []
    with database.tenant(organization_id) as session:
        tables = session.execute(
            text(
                """
                SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                  AND has_table_privilege('pytake_app', c.oid, 'SELECT')
                """
            )
        ).scalars()
        for table in sorted(tables):
            for row in session.execute(text(f'SELECT t::text FROM "{table}" t')).scalars():
                found += [(table, f"{kind}: {row[:300]}") for value, kind in wanted.items() if value in row]
    return found


def test_no_id_of_another_tenant_is_taken(live_client: TestClient, register: NewCaller, services: Services) -> None:
    one, two = register(), register()
    one.client = live_client
    theirs, own = populate(services, two), populate(services, one)
    document = live_client.get("/openapi.json").json()
    places = [place for place in references(document) if str(place) not in NOT_AN_ID]
    assert len(places) > 60
    before = fingerprint(services.database, two.organization_id)
    marks = {str(value): kind for kind, value in theirs.items() if isinstance(value, UUID)}
    taken = {}
    for place in places:
        value = str(theirs[place.kind])
        answer = sent(one, place, document, own, value)
        assert answer.status_code < 500, (str(place), answer.text)
        told = [mark for mark in marks if mark in answer.text and mark != value]
        assert not told, (str(place), answer.text)
        if answer.status_code < 400 and str(place) not in HARMLESS:
            told_json = answer.headers.get("content-type", "").startswith("application/json")
            listed = answer.json().get("items") if told_json and answer.status_code == 200 else None
            if (place.method != "get" or listed) and not says_not_found(answer):
                taken[str(place)] = (answer.status_code, answer.text[:300])
    assert not taken, "\n".join(f"{place}: {answer}" for place, answer in taken.items())
    found = cells_with(services.database, one.organization_id, marks)
    assert [cell for cell in found if cell[0] not in KEPT_AS_ASKED] == []
    after = fingerprint(services.database, two.organization_id)
    assert {table: after[table] for table in before if after[table] != before[table]} == {}


def test_the_same_requests_are_taken_with_ones_own(
    live_client: TestClient, register: NewCaller, services: Services
) -> None:
    document = live_client.get("/openapi.json").json()
    caller = register()
    caller.client = live_client
    refused = {}
    own = populate(services, caller)
    with services.database.tenant(caller.organization_id) as session:
        organization: dict[str, Any] = {"organization_id": caller.organization_id}
        more: list[Any] = [
            Contact(**organization, name="Rita"),
            ServiceQueue(**organization, name="Late", department_id=own["department_id"]),
        ]
        folder = FlowFolder(**organization, name="Inner")
        session.add_all([*more, folder])
        for file in session.exec(select(MediaAsset)):
            file.path = "there"
        another = {"contact_id": more[0].id, "queue_id": more[1].id, "folder_id": folder.id}
    for place in sorted(references(document), key=lambda one: one.method == "delete"):
        if str(place) in NOT_AN_ID:
            continue
        mine = another[ANOTHER[str(place)]] if str(place) in ANOTHER else own[place.kind]
        answer = sent(caller, place, document, own, str(mine))
        if answer.status_code in (403, 404, 422) or '"ok":false' in answer.text:
            refused[str(place)] = (answer.status_code, answer.text[:400])
    assert not refused, "\n".join(f"{place}: {answer}" for place, answer in refused.items())
