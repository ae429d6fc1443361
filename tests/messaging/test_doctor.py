"""Doctor finds what does not move, and puts it right; looking changes nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from pytake_app.core.clock import FrozenClock
from pytake_app.core.ids import new_id
from pytake_app.messaging.doctor import CHECKS, examine, mend
from tests.support.pipeline import ECHO, MENU, Pipeline, add_flow

LATER = timedelta(minutes=10)

ASK: dict[str, Any] = {
    "name": "Ask",
    "nodes": [
        {"id": "in", "type": "trigger_universal", "config": {}},
        {"id": "wait", "type": "delay", "config": {"amount": 1, "unit": "hours"}},
        {"id": "say", "type": "msg_text", "config": {"body": "depois"}},
    ],
    "edges": [
        {"id": "e1", "source": "in", "port": "next", "target": "wait"},
        {"id": "e2", "source": "wait", "port": "next", "target": "say"},
    ],
}

HAND_OVER: dict[str, Any] = {
    "name": "Hand over",
    "nodes": [
        {"id": "in", "type": "trigger_universal", "config": {}},
        {"id": "help", "type": "action_transfer_to_queue", "config": {"queue_name": "Suporte"}},
        {"id": "bye", "type": "msg_text", "config": {"body": "até logo"}},
    ],
    "edges": [
        {"id": "e1", "source": "in", "port": "next", "target": "help"},
        {"id": "e2", "source": "help", "port": "closed", "target": "bye"},
    ],
}


def found(pipeline: Pipeline) -> dict[str, int | None]:
    return {finding.check.name: finding.count for finding in examine(pipeline.services) if finding.count}


def snapshot(pipeline: Pipeline) -> list[Any]:
    tables = ("inbound_events", "outbox", "timers", "flow_requests", "flow_sessions")
    return [pipeline.rows(f"SELECT to_jsonb(t) FROM {table} t ORDER BY 1") for table in tables]


async def menu(pipeline: Pipeline, clock: FrozenClock) -> UUID:
    """A conversation in which buttons were offered; answers the session's id."""
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, MENU)
    await pipeline.hear(pipeline.phone().text("oi", at=clock.now()))
    pipeline.execute("UPDATE outbox SET state = 'sent', finished_at = :now", now=clock.now())
    pipeline.execute("UPDATE messages SET status = 'sent' WHERE direction = 'out'")
    session_id: UUID = pipeline.scalar("SELECT id FROM flow_sessions")
    return session_id


def only(pipeline: Pipeline, name: str) -> None:
    """Exactly this is found, finding it changed nothing, mending it settles it, and mending again finds nothing."""
    before = snapshot(pipeline)
    assert found(pipeline) == {name: 1}
    assert snapshot(pipeline) == before
    assert mend(pipeline.services)[name] in (0, 1)


async def test_nothing_is_wrong_with_what_works(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    await menu(pipeline, frozen_clock)
    assert found(pipeline) == {}
    before = snapshot(pipeline)
    assert sum(mend(pipeline.services).values()) == 0
    assert snapshot(pipeline) == before


async def test_received_and_not_looked_at(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    await pipeline.receive(pipeline.phone().text("1", at=frozen_clock.now()))
    frozen_clock.advance(LATER)
    pipeline.services.redis.delete("pytake:lanes:dirty")
    only(pipeline, "inbound_stuck")
    assert pipeline.services.redis.scard("pytake:lanes:dirty") == 1
    pipeline.drain()
    assert found(pipeline) == {}


async def test_an_attempt_that_is_too_far_away(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    await pipeline.receive(pipeline.phone().text("1", at=frozen_clock.now()))
    pipeline.execute(
        "UPDATE inbound_events SET attempts = 1, next_attempt_at = :at", at=frozen_clock.now() + 10 * LATER
    )
    only(pipeline, "inbound_far")
    pipeline.drain()
    assert pipeline.rows("SELECT state FROM inbound_events") == [("done",)]


async def test_what_a_clock_ahead_has_written(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    frozen_clock.advance(LATER)
    await pipeline.hear(pipeline.phone().text("1", at=frozen_clock.now()))
    frozen_clock.advance(-LATER)
    only(pipeline, "rows_ahead")
    assert pipeline.scalar("SELECT next_attempt_at FROM outbox") == frozen_clock.now()


@pytest.mark.parametrize("state", ["sending", "unsure"])
async def test_sends_that_nobody_settles(pipeline: Pipeline, frozen_clock: FrozenClock, state: str) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    await pipeline.hear(pipeline.phone().text("1", at=frozen_clock.now()))
    pipeline.execute(
        "UPDATE outbox SET state = :state, attempts = 1, claimed_at = :at", state=state, at=frozen_clock.now()
    )
    assert found(pipeline) == {}
    frozen_clock.advance(LATER)
    only(pipeline, {"sending": "sends_silent", "unsure": "sends_unsure"}[state])
    frozen_clock.advance(LATER)
    mend(pipeline.services)
    assert pipeline.rows("SELECT state FROM outbox") == [("queued",)]


async def test_a_message_that_should_have_gone(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    await pipeline.hear(pipeline.phone().text("1", at=frozen_clock.now()))
    frozen_clock.advance(LATER)
    pipeline.services.redis.delete("pytake:outbox:wake")
    only(pipeline, "sends_overdue")
    assert pipeline.services.redis.llen("pytake:outbox:wake") == 1


async def test_a_message_that_was_never_told_of_its_end(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    await menu(pipeline, frozen_clock)
    pipeline.execute("UPDATE messages SET status = 'queued' WHERE direction = 'out'")
    pipeline.execute("UPDATE outbox SET state = 'dead', last_error = '{\"reason\": \"undeliverable\"}'")
    frozen_clock.advance(LATER)
    assert found(pipeline) == {"messages_untold": 1, "sends_dead": 1}
    assert mend(pipeline.services)["messages_untold"] == 1
    assert pipeline.rows("SELECT status, errors FROM messages WHERE direction = 'out'") == [
        ("failed", [{"reason": "undeliverable"}])
    ]


async def test_a_report_that_came_before_its_message_was_known(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    await menu(pipeline, frozen_clock)
    await pipeline.hear(pipeline.phone().status("wamid.late", "delivered", at=frozen_clock.now()))
    assert pipeline.scalar("SELECT count(*) FROM pending_statuses") == 1
    pipeline.execute("UPDATE messages SET external_id = 'wamid.late' WHERE direction = 'out'")
    frozen_clock.advance(LATER)
    only(pipeline, "statuses_late")
    assert pipeline.rows("SELECT status FROM messages WHERE direction = 'out'") == [("delivered",)]
    assert pipeline.scalar("SELECT count(*) FROM pending_statuses") == 0


async def waiting(pipeline: Pipeline, clock: FrozenClock) -> UUID:
    """A session in a delay of an hour."""
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ASK)
    await pipeline.hear(pipeline.phone().text("oi", at=clock.now()))
    session_id: UUID = pipeline.scalar("SELECT id FROM flow_sessions WHERE status = 'waiting'")
    return session_id


async def test_timers_in_the_past_fire(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    await waiting(pipeline, frozen_clock)
    frozen_clock.advance(timedelta(hours=2))
    only(pipeline, "timers_overdue")
    pipeline.drain()
    assert pipeline.rows("SELECT status FROM flow_sessions") == [("completed",)]


async def test_timers_that_nobody_waits_for_go(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    await waiting(pipeline, frozen_clock)
    pipeline.execute("UPDATE timers SET wait_id = 'another'")
    assert found(pipeline) == {"timers_orphaned": 1}
    assert mend(pipeline.services)["timers_orphaned"] == 1
    assert pipeline.scalar("SELECT count(*) FROM timers") == 0


async def test_a_deadline_without_a_timer_gets_one(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    await waiting(pipeline, frozen_clock)
    pipeline.execute("DELETE FROM timers")
    frozen_clock.advance(timedelta(hours=2))
    only(pipeline, "sessions_timeless")
    pipeline.drain()
    assert pipeline.rows("SELECT status FROM flow_sessions") == [("completed",)]
    assert pipeline.rows("SELECT content->>'body' FROM outbox") == [("depois",)]


@pytest.mark.parametrize("change", ["handling = 'bot'", "handling = 'person', status = 'closed'"])
async def test_a_hand_over_that_is_over_is_told(pipeline: Pipeline, frozen_clock: FrozenClock, change: str) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, HAND_OVER)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    pipeline.execute("UPDATE outbox SET state = 'sent', finished_at = :now", now=frozen_clock.now())
    pipeline.execute("UPDATE messages SET status = 'sent' WHERE direction = 'out'")
    assert pipeline.rows("SELECT status FROM flow_sessions WHERE ended_at IS NULL") == [("handed_off",)]
    pipeline.execute("UPDATE conversations SET handling = 'person'")
    frozen_clock.advance(LATER)
    assert found(pipeline) == {}, "a run may wait for the end of what a person says"
    pipeline.execute(f"UPDATE conversations SET {change}")
    only(pipeline, "handoffs_lost")
    pipeline.drain()
    assert pipeline.scalar("SELECT count(*) FROM flow_sessions WHERE ended_at IS NULL") == 0
    assert pipeline.rows("SELECT content->>'body' FROM outbox WHERE state = 'queued'") == [("até logo",)]


async def requesting(pipeline: Pipeline, clock: FrozenClock, state: str) -> UUID:
    """A session that waits for a request in this state."""
    session_id = await waiting(pipeline, clock)
    request_id = new_id()
    pipeline.execute("DELETE FROM timers")
    pipeline.execute(
        "UPDATE flow_sessions SET expires_at = NULL, state = jsonb_set(state, '{wait}', "
        "(state->'wait') || jsonb_build_object('kind', 'request', 'id', CAST(:wait AS text), 'timeout_at', NULL))",
        wait=str(request_id),
    )
    if state != "gone":
        pipeline.execute(
            "INSERT INTO flow_requests (id, organization_id, session_id, channel_account_id, contact_key, lane, "
            "node_id, kind, request, state, attempts, created_at, lease_until, result, finished_at) SELECT :id, "
            "organization_id, id, channel_account_id, '-', 0, 'wait', 'http', '{}', :state, 1, :now, :now,"
            " NULL, :now FROM flow_sessions",
            id=request_id, state=state, now=clock.now(),
        )  # fmt: skip
    return session_id


async def test_requests_whose_performer_has_gone_are_made_again(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    await requesting(pipeline, frozen_clock, "running")
    frozen_clock.advance(LATER)
    only(pipeline, "requests_silent")
    assert pipeline.rows("SELECT state FROM flow_requests") == [("pending",)]


@pytest.mark.parametrize(("state", "told"), [("gone", "command"), ("canceled", "command"), ("done", "request")])
async def test_runs_that_wait_for_a_request_that_is_over(
    pipeline: Pipeline, frozen_clock: FrozenClock, state: str, told: str
) -> None:
    await requesting(pipeline, frozen_clock, state)
    assert found(pipeline) == {}
    frozen_clock.advance(LATER)
    only(pipeline, "requests_lost")
    assert pipeline.scalar("SELECT kind FROM inbound_events WHERE state = 'pending'") == told
    if told == "command":
        pipeline.drain()
        assert pipeline.rows("SELECT status FROM flow_sessions") == [("interrupted",)]


async def test_publications_that_were_to_go_live(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    flow_id = add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    with pipeline.services.database.tenant(pipeline.tenant.organization_id) as session:
        from pytake_app.flows.models import FlowPublication

        session.add(
            FlowPublication(
                id=new_id(), organization_id=pipeline.tenant.organization_id, flow_id=flow_id, document=ECHO,
                checksum="-",
                publish_at=frozen_clock.now(), created_by=pipeline.tenant.admin.user_id, created_at=frozen_clock.now(),
            )
        )  # fmt: skip
    assert found(pipeline) == {}
    frozen_clock.advance(LATER)
    assert found(pipeline) == {"publications_overdue": 1}
    assert mend(pipeline.services)["publications_overdue"] == 1
    with pipeline.services.database.tenant(pipeline.tenant.organization_id) as session:
        from sqlmodel import select

        assert session.exec(select(FlowPublication.state)).one() in ("done", "failed")
    assert found(pipeline) == {}


async def test_dead_letters_are_told_and_left_to_people(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    await pipeline.receive(pipeline.phone().text("1", at=frozen_clock.now()))
    pipeline.execute("UPDATE inbound_events SET state = 'dead'")
    assert found(pipeline) == {"inbound_dead": 1}
    assert "inbound_dead" not in mend(pipeline.services)
    assert pipeline.rows("SELECT state FROM inbound_events") == [("dead",)]


def test_every_check_can_be_mended_or_is_for_people() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS) == 17
    assert {check.name for check in CHECKS if check.mend is None} == {"inbound_dead", "sends_dead"}
