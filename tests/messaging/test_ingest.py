"""Whose a fragment is, and under which key: what ingest decides before anything is handled."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from pytake_app.channels.whatsapp.parse import parse
from pytake_app.core.clock import FrozenClock
from pytake_app.core.errors import UnavailableError
from pytake_app.jobs import enqueue
from pytake_app.messaging.ingest import IngestAccount, Ingestor, event_rows
from pytake_app.messaging.keys import KeyBook
from tests.support.pipeline import ECHO, Pipeline, add_flow

DISPLAY = "551140000000"
PERSON = "5511987654321"


def delivery(number: str, field: str, value: dict[str, Any], business: str = "WABA-1") -> dict[str, Any]:
    metadata = {"metadata": {"display_phone_number": DISPLAY, "phone_number_id": number}} if number else {}
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": business, "changes": [{"field": field, "value": {**metadata, **value}}]}],
    }


def past(message_id: str, at: int, text: str, *, ours: bool = False, status: str = "READ") -> dict[str, Any]:
    ends = {"from": DISPLAY, "to": PERSON} if ours else {"from": PERSON}
    return {**ends, "id": message_id, "timestamp": str(at), "type": "text", "text": {"body": text},
            "history_context": {"status": status}}  # fmt: skip


@pytest.fixture
def echo(pipeline: Pipeline) -> Pipeline:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    return pipeline


async def test_messages_of_former_times_stand_where_they_belong_and_are_not_answered(
    echo: Pipeline, frozen_clock: FrozenClock
) -> None:
    number, now = echo.tenant.account.external_id, frozen_clock.now()
    old = int((now - timedelta(days=90)).timestamp())
    await echo.hear(echo.phone().text("agora", at=now))
    thread = {"id": PERSON, "messages": [past("w.2", old + 60, "Custa 10.", ours=True), past("w.1", old, "Quanto é?")]}
    body = delivery(number, "history", {"history": [{"metadata": {"phase": 1, "progress": 100}, "threads": [thread]}]})
    await echo.hear(body, body)
    assert echo.rows("SELECT direction, text, status, author_kind FROM messages ORDER BY id") == [
        ("in", "Quanto é?", "received", "contact"),
        ("out", "Custa 10.", "read", "agent"),
        ("in", "agora", "received", "contact"),
        ("out", "re: agora", "queued", "bot"),
    ]
    assert echo.scalar("SELECT min(sent_at) FROM messages") == now - timedelta(days=90)
    assert echo.rows("SELECT unread_count, last_message_preview FROM conversations") == [(1, "re: agora")]
    assert echo.scalar("SELECT count(*) FROM outbox") == 1


async def test_the_file_of_a_past_message_takes_its_place(echo: Pipeline, frozen_clock: FrozenClock) -> None:
    number, at = echo.tenant.account.external_id, str(int(frozen_clock.now().timestamp()) - 999)
    held = {"from": PERSON, "id": "w.9", "timestamp": at, "type": "media_placeholder"}
    image = {"id": "77", "mime_type": "image/jpeg", "caption": "planta"}
    came = {"from": PERSON, "id": "w.9", "timestamp": at, "type": "image", "image": image}
    threads = {"history": [{"threads": [{"id": PERSON, "messages": [held]}]}]}
    await echo.hear(delivery(number, "history", threads))
    await echo.hear(delivery(number, "history", {"messages": [came]}))
    await echo.hear(delivery(number, "history", {"messages": [came]}))
    assert echo.rows("SELECT type, text, external_id FROM messages") == [("image", "planta", "w.9")]
    assert echo.scalar("SELECT count(*) FROM media_assets") == 1
    assert echo.scalar("SELECT count(*) FROM flow_sessions") == 0


async def test_what_the_business_writes_on_its_own_phone_is_shown_and_not_answered(
    echo: Pipeline, frozen_clock: FrozenClock
) -> None:
    at = int(frozen_clock.now().timestamp())
    message = {
        "from": DISPLAY,
        "to": PERSON,
        "id": "w.e",
        "timestamp": str(at),
        "type": "text",
        "text": {"body": "Oi!"},
    }
    body = delivery(echo.tenant.account.external_id, "smb_message_echoes", {"message_echoes": [message]})
    await echo.hear(body, body)
    assert echo.rows("SELECT direction, text, author_kind FROM messages") == [("out", "Oi!", "agent")]
    assert echo.rows("SELECT phone FROM contacts") == [(PERSON,)]
    assert echo.scalar("SELECT count(*) FROM outbox") + echo.scalar("SELECT count(*) FROM flow_sessions") == 0


async def test_what_names_no_account_belongs_to_the_address_it_came_to(
    pipeline: Pipeline, frozen_clock: FrozenClock
) -> None:
    message = {"from": PERSON, "id": "w.1", "timestamp": "1767200000", "type": "text", "text": {"body": "oi"}}
    parsed = parse({"messages": [message]})
    account, now = pipeline.ingest_account, frozen_clock.now()
    events, raw = event_rows([account], parsed, 32, now, own=account)
    assert [row["channel_account_id"] for row in events] == [account.id]
    assert raw == []
    events, raw = event_rows([account], parsed, 32, now)
    assert (events, [row.reason for row in raw]) == ([], ["unknown_account"])


async def test_a_notice_belongs_to_every_account_of_its_business_account(
    pipeline: Pipeline, frozen_clock: FrozenClock
) -> None:
    own = pipeline.ingest_account
    first = IngestAccount(own.id, own.organization_id, "1", business_account_id="WABA-1")
    second = IngestAccount(own.organization_id, own.organization_id, "2", business_account_id="WABA-1")
    other = IngestAccount(own.organization_id, own.organization_id, "3", business_account_id="WABA-2")
    body = delivery("", "message_template_status_update", {"event": "APPROVED", "message_template_name": "ola"})
    events, raw = event_rows([first, second, other], parse(body), 32, frozen_clock.now())
    assert [(row["kind"], row["channel_account_id"]) for row in events] == [("notice", first.id), ("notice", second.id)]
    assert raw == []


def keys(pipeline: Pipeline) -> list[tuple[Any, ...]]:
    return pipeline.rows("SELECT contact_key, lane FROM inbound_events WHERE kind = 'message' ORDER BY id")


async def test_a_person_keeps_lane_and_key_whatever_names_them(echo: Pipeline, frozen_clock: FrozenClock) -> None:
    """Phone and BSUID, then the BSUID alone: before the first message was handled, in another process, and after."""
    now = frozen_clock.now()
    both, hidden = echo.phone(PERSON, bsuid="BR.1"), echo.phone(None, bsuid="BR.1")
    await echo.receive(both.text("1", at=now))
    await echo.receive(hidden.text("2", at=now))
    echo.drain()
    await echo.receive(hidden.text("3", at=now))
    first = keys(echo)[0]
    assert first[0] == PERSON
    assert keys(echo) == [first] * 3
    echo.drain()
    assert echo.rows("SELECT text FROM messages WHERE direction = 'in' ORDER BY id") == [("1",), ("2",), ("3",)]


async def test_a_person_first_known_by_bsuid_keeps_that_lane(echo: Pipeline, frozen_clock: FrozenClock) -> None:
    now = frozen_clock.now()
    both, hidden = echo.phone(PERSON, bsuid="BR.1"), echo.phone(None, bsuid="BR.1")
    await echo.receive(hidden.text("1", at=now), both.text("2", at=now))
    assert {key for key, _ in keys(echo)} == {"BR.1"}
    echo.drain()
    assert echo.rows("SELECT key, bsuid FROM contact_identities") == [(PERSON, "BR.1")]
    assert echo.scalar("SELECT count(*) FROM contacts") == 1


async def test_a_fault_of_ours_refuses_the_delivery_and_the_next_one_is_taken(
    pipeline: Pipeline, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = parse(pipeline.phone().text("oi", at=frozen_clock.now()))
    ingestor = Ingestor(pipeline.services)

    def fault(*_: object) -> None:
        raise RuntimeError("not foreseen")

    monkeypatch.setattr(KeyBook, "settle", fault)
    with pytest.raises(UnavailableError):
        await ingestor.submit(pipeline.ingest_account, body)
    monkeypatch.undo()
    assert (await ingestor.submit(pipeline.ingest_account, body)).events == 1
    await ingestor.stop()
    # Stopped, it begins again with the next delivery.
    assert (await ingestor.submit(pipeline.ingest_account, body)).events == 1
    await ingestor.stop()


async def test_a_redis_that_hangs_holds_up_no_acknowledgement_and_no_lane_is_forgotten(
    pipeline: Pipeline, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, asked = threading.Event(), list[set[int]]()

    def hangs(_client: object, _settings: object, lanes: set[int]) -> bool:
        asked.append(set(lanes))
        assert answers.wait(20)
        return False

    monkeypatch.setattr(enqueue, "poke_lanes", hangs)
    ingestor = Ingestor(pipeline.services)
    for n in range(6):
        body = parse(pipeline.phone(f"55119{n}{n}{n}{n}0000").text("oi", at=frozen_clock.now()))
        assert (await ingestor.submit(pipeline.ingest_account, body)).events == 1
    assert len(asked) == 1
    answers.set()
    await ingestor.stop()
    lanes = {row[0] for row in pipeline.rows("SELECT lane FROM inbound_events")}
    assert len(lanes) > 1
    assert set().union(*asked) == lanes
