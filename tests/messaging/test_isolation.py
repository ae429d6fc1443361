"""Poison, identities, timers, fairness, two workers: what must hold whatever comes."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from pytake_app.channels.whatsapp.parse import parse
from pytake_app.channels.whatsapp.simulator import merged
from pytake_app.core.clock import FrozenClock
from pytake_app.core.errors import UnavailableError
from pytake_app.core.services import Services
from pytake_app.flows.execution import Executor
from pytake_app.messaging import inbound
from pytake_app.messaging.ingest import Ingestor
from pytake_app.messaging.keys import KeyBook
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.messaging.sql import hot
from tests.support.pipeline import ECHO, MENU, Pipeline, add_flow


@pytest.fixture
def echo(pipeline: Pipeline) -> Pipeline:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    return pipeline


def texts(pipeline: Pipeline, phone: str) -> list[str]:
    return [
        row[0]
        for row in pipeline.rows(
            "SELECT m.text FROM messages m JOIN contacts c ON c.id = m.contact_id "
            "WHERE m.direction = 'out' AND c.phone = :phone ORDER BY m.id",
            phone=phone,
        )
    ]


async def test_a_poison_message_is_set_aside_and_its_contact_goes_on(echo: Pipeline, frozen_clock: FrozenClock) -> None:
    now = frozen_clock.now()
    ill, well = echo.phone("5511911110000"), echo.phone("5511922220000")
    await echo.receive(ill.text("1", at=now), ill.text("2", at=now), ill.text("3", at=now), well.text("a", at=now))
    # A payload that no handler can read.
    echo.execute(
        "UPDATE inbound_events SET payload = jsonb_set(payload, '{media}', '[1]') WHERE payload->>'text' = '2'"
    )
    first = echo.drain()
    assert first.failed == 1
    assert texts(echo, "5511922220000") == ["re: a"]
    # What came before the poison is done, what came after it waits its turn.
    assert texts(echo, "5511911110000") == ["re: 1"]
    for _ in range(inbound.MAX_ATTEMPTS):
        frozen_clock.advance(timedelta(minutes=5))
        echo.drain()
    assert texts(echo, "5511911110000") == ["re: 1", "re: 3"]
    ((state, attempts, error),) = echo.rows("SELECT state, attempts, error FROM inbound_events WHERE state <> 'done'")
    assert (state, attempts) == ("dead", inbound.MAX_ATTEMPTS)
    assert "Error" in error


async def test_one_person_under_phone_and_bsuid_is_one_contact(echo: Pipeline, frozen_clock: FrozenClock) -> None:
    now = frozen_clock.now()
    both, hidden = echo.phone(bsuid="BR.100200300"), echo.phone(wa_id=None, bsuid="BR.100200300")
    await echo.hear(both.text("1", at=now))
    await echo.hear(hidden.text("2", at=now), echo.phone().text("3", at=now))
    assert echo.scalar("SELECT count(*) FROM contacts") == 1
    assert echo.scalar("SELECT count(*) FROM conversations") == 1
    assert echo.rows("SELECT key, bsuid FROM contact_identities") == [("5511987654321", "BR.100200300")]


async def test_a_person_known_by_bsuid_only_is_answered_there(echo: Pipeline, frozen_clock: FrozenClock) -> None:
    await echo.hear(echo.phone(wa_id=None, bsuid="BR.77").text("oi", at=frozen_clock.now()))
    assert echo.scalar("SELECT recipient FROM outbox") == "bsuid:BR.77"


async def test_a_new_number_keeps_the_contact_and_its_thread(echo: Pipeline, frozen_clock: FrozenClock) -> None:
    now = frozen_clock.now()
    old, new = echo.phone("5511911110000"), echo.phone("5511933330000")
    await echo.hear(old.text("1", at=now), old.number_changed("5511933330000", at=now))
    await echo.hear(new.text("2", at=now))
    assert echo.rows("SELECT phone FROM contacts") == [("5511933330000",)]
    assert echo.scalar("SELECT count(*) FROM conversations") == 1
    assert echo.rows("SELECT recipient FROM outbox ORDER BY sequence") == [("5511911110000",), ("5511933330000",)]


async def test_a_contact_that_somebody_entered_by_hand_is_recognised(echo: Pipeline, frozen_clock: FrozenClock) -> None:
    echo.execute(
        "INSERT INTO contacts (id, organization_id, name, phone, fields, tags, lifecycle, lead_score, consent, "
        "blocked, created_at, updated_at) "
        "VALUES (gen_random_uuid(), :org, 'Ana Maria', '5511987654321', '{}', '[]', 'lead', 3, "
        "'unknown', false, now(), now())",
        org=echo.tenant.organization_id,
    )
    await echo.hear(echo.phone(name="ana").text("oi", at=frozen_clock.now()))
    assert echo.rows("SELECT name, lifecycle FROM contacts") == [("Ana Maria", "lead")]


async def test_opt_out_is_recorded_and_stops_the_session(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, MENU)
    now, phone = frozen_clock.now(), pipeline.phone()
    await pipeline.hear(phone.text("oi", at=now), phone.text("parar", at=now))
    assert pipeline.rows("SELECT consent, consent_at FROM contacts") == [("opted_out", now)]
    assert pipeline.rows("SELECT status, outcome FROM flow_sessions") == [("interrupted", "opted_out")]
    assert pipeline.scalar("SELECT count(*) FROM outbox") == 1


async def test_the_expiry_of_an_unanswered_session_fires_once(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, MENU)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    schedulers = [Scheduler(pipeline.services), Scheduler(pipeline.services)]
    for scheduler in schedulers:
        scheduler.fire_timers()
    assert pipeline.drain().events == 0, "nothing is due yet"
    frozen_clock.advance(timedelta(minutes=11))
    for scheduler in schedulers:
        scheduler.fire_timers()
    assert pipeline.drain().events == 1
    assert pipeline.rows("SELECT status FROM flow_sessions") == [("expired",)]
    assert pipeline.scalar("SELECT count(*) FROM timers") == 0


async def test_a_late_timer_finds_nothing_to_do(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, MENU)
    now, phone = frozen_clock.now(), pipeline.phone()
    await pipeline.hear(phone.text("oi", at=now))
    frozen_clock.advance(timedelta(minutes=11))
    Scheduler(pipeline.services).fire_timers()
    # The answer was received before, on the same lane behind the timer: the timer wins and the answer starts anew.
    await pipeline.hear(phone.button_reply("sales", "Vendas", at=frozen_clock.now()))
    assert pipeline.rows("SELECT status FROM flow_sessions ORDER BY started_at, id") == [("expired",), ("waiting",)]


async def test_organizations_take_turns(services: Services, frozen_clock: FrozenClock) -> None:
    noisy, quiet = Pipeline.make(services), Pipeline.make(services)
    now = frozen_clock.now()
    flood = [noisy.phone(f"55119{n:08d}").text("x", at=now) for n in range(600)]
    await noisy.receive(*(merged(*flood[n : n + 100]) for n in range(0, 600, 100)))
    await quiet.receive(quiet.phone().text("hi", at=now))
    with hot(services.database) as connection:
        claimed = inbound.claim(connection, range(services.settings.lanes), now, limit=100)
    assert claimed.more
    assert quiet.tenant.organization_id in {event.organization_id for event in claimed.events}


async def test_two_workers_keep_each_contacts_order(echo: Pipeline, frozen_clock: FrozenClock) -> None:
    now = frozen_clock.now()
    phones = [echo.phone(f"55119{n:08d}") for n in range(30)]
    for n in range(6):
        await echo.receive(merged(*(phone.text(str(n), at=now) for phone in phones)))
    faults: list[BaseException] = []

    def work() -> None:
        executor = Executor(echo.services)
        try:
            for _ in range(40):
                executor.drain(range(echo.services.settings.lanes))
        except BaseException as error:
            faults.append(error)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    echo.drain()
    assert faults == []
    answers: dict[Any, list[str]] = {}
    for recipient, body in echo.rows("SELECT recipient, content->>'body' FROM outbox ORDER BY sequence"):
        answers.setdefault(recipient, []).append(body)
    assert len(answers) == 30
    assert all(said == [f"re: {n}" for n in range(6)] for said in answers.values())


async def test_a_lost_wake_up_is_found(echo: Pipeline, frozen_clock: FrozenClock) -> None:
    await echo.receive(echo.phone().text("oi", at=frozen_clock.now()))
    echo.services.redis.flushdb()
    frozen_clock.advance(timedelta(seconds=5))
    Scheduler(echo.services).sweep_lanes()
    assert echo.services.redis.scard("pytake:lanes:dirty") == 1


async def test_fragments_of_other_accounts_are_kept_raw(echo: Pipeline, frozen_clock: FrozenClock) -> None:
    body = echo.phone().text("oi", at=frozen_clock.now())
    body["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "999"
    await echo.hear(body)
    assert echo.scalar("SELECT count(*) FROM inbound_events") == 0
    assert echo.rows("SELECT reason FROM raw_webhooks") == [("unknown_account",)]


async def test_a_database_that_goes_away_is_nobodys_fault(
    echo: Pipeline, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await echo.receive(echo.phone().text("oi", at=frozen_clock.now()))

    def away(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr("pytake_app.flows.execution_batch.run", away)
    with pytest.raises(UnavailableError):
        echo.drain()
    monkeypatch.undo()
    assert echo.rows("SELECT state, attempts FROM inbound_events") == [("pending", 0)]
    assert echo.drain().events == 1


async def test_whoever_tries_alone_leaves_a_contact_whose_turn_is_anothers(
    echo: Pipeline, frozen_clock: FrozenClock
) -> None:
    """Two workers with the same faulty batch in hand: neither goes on behind the other's back."""
    phone, now = echo.phone(), frozen_clock.now()
    await echo.receive(phone.text("1", at=now), phone.text("2", at=now))
    with hot(echo.services.database) as connection:
        first, second = inbound.claim(connection, range(echo.services.settings.lanes), now).events

    def turn(event: inbound.Event) -> str:
        with hot(echo.services.database) as connection:
            return inbound.lock_turn(connection, event)

    with hot(echo.services.database) as other:
        assert inbound.lock_turn(other, first) == "now"
        assert turn(first) == turn(second) == "wait", "the lane is the other's"
        assert echo.executor._one_by_one([[first, second]], set()) == (0, 0)
    assert texts(echo, "5511987654321") == []
    assert turn(second) == "wait", "the other failed, and the first is still to be handled"
    echo.drain()
    assert texts(echo, "5511987654321") == ["re: 1", "re: 2"]
    assert turn(first) == "gone"
    with hot(echo.services.database) as connection:
        assert not inbound.mark_failed(connection, first, ValueError("too late"), now)
    assert echo.scalar("SELECT count(*) FROM inbound_events WHERE state <> 'done'") == 0, "it is not handled twice"


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE inbound_events SET payload = '{}' WHERE kind = 'status'",
        "UPDATE inbound_events SET channel_account_id = gen_random_uuid() WHERE payload->>'text' = 'ill'",
        "UPDATE inbound_events SET payload = payload || '{\"sender\": 7}' WHERE payload->>'text' = 'ill'",
    ],
    ids=["a status", "no account", "no sender"],
)
async def test_a_fault_in_what_all_contacts_share_holds_up_nobody(
    echo: Pipeline, frozen_clock: FrozenClock, harm: str
) -> None:
    now, ill, well = frozen_clock.now(), echo.phone("5511911110000"), echo.phone("5511922220000")
    await echo.receive(
        ill.text("ill", at=now), ill.status("wamid.x", "sent", at=now, callback_data="x"), well.text("a", at=now)
    )
    echo.execute(harm)
    echo.execute("UPDATE inbound_events SET lane = 1")
    for _ in range(inbound.MAX_ATTEMPTS + 1):
        echo.drain()
        frozen_clock.advance(timedelta(minutes=5))
    assert texts(echo, "5511922220000") == ["re: a"]
    ((state, attempts),) = echo.rows("SELECT state, attempts FROM inbound_events WHERE state <> 'done'")
    assert (state, attempts) == ("dead", inbound.MAX_ATTEMPTS)


async def test_no_message_is_at_fault_when_code_runs_before_its_migration(
    echo: Pipeline, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await echo.receive(echo.phone().text("oi", at=frozen_clock.now()))

    def too_new(connection: Any, *_: object, **__: object) -> None:
        connection.execute("SELECT a_column_of_tomorrow FROM contacts")

    monkeypatch.setattr("pytake_app.flows.execution_batch.run", too_new)
    for _ in range(inbound.MAX_ATTEMPTS + 1):
        with pytest.raises(UnavailableError):
            echo.drain()
    monkeypatch.undo()
    assert echo.rows("SELECT state, attempts FROM inbound_events") == [("pending", 0)]
    assert echo.drain().events == 1


async def test_a_delivery_that_cannot_be_stored_fails_alone(
    echo: Pipeline, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, settle = frozen_clock.now(), KeyBook.settle

    def faulty(book: KeyBook, connection: Any, events: Any, at: Any) -> None:
        if any(event["contact_key"] == "5511911110000" for event in events):
            raise KeyError("sender")
        settle(book, connection, events, at)

    monkeypatch.setattr(KeyBook, "settle", faulty)
    ingestor = Ingestor(echo.services)
    await ingestor.start()
    bodies = [echo.phone(f"55119{n}{n}{n}{n}0000").text("a", at=now) for n in (2, 1, 3)]
    done = await asyncio.gather(
        *(ingestor.submit(echo.ingest_account, parse(body)) for body in bodies), return_exceptions=True
    )
    await ingestor.stop()
    assert [type(one).__name__ for one in done] == ["IngestResult", "UnavailableError", "IngestResult"]
    assert echo.scalar("SELECT count(*) FROM inbound_events") == 2
