"""A scheduler asks once for many duties: it learns of whatever they would find, and asking costs next to nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import SQLModel

from pytake_app.conversations.desk_models import ScheduledMessage
from pytake_app.core.clock import FrozenClock
from pytake_app.core.ids import new_id
from pytake_app.flows.models import FlowPublication, FlowRequest, FlowSchedule
from pytake_app.messaging import scheduler as module
from pytake_app.messaging import upkeep
from pytake_app.messaging.duties import UNASKED_SECONDS, Duty
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.outgoing.mail_models import OutgoingMail
from pytake_app.queues.models import QueueItem
from tests.messaging.test_plans import Counted, plan
from tests.support.pipeline import MENU, Pipeline, add_flow


class Running:
    """Seconds by the clock that nobody sets."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def monotonic(self) -> float:
        """As `time.monotonic`."""
        return self.seconds


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Running:
    made = Running()
    for one in (module, upkeep):
        monkeypatch.setattr(one, "time", made)
    return made


class Quiet:
    """A scheduler in a place where everything has been done."""

    def __init__(self, pipeline: Pipeline, running: Running) -> None:
        self.pipeline = pipeline
        self.scheduler = Scheduler(pipeline.services)
        self.running = running

    def idle(self, seconds: float = 15.0) -> set[str]:
        """The duties that rest at a look so many seconds from now, when each one's time has come."""
        self.running.seconds += seconds
        return {duty.work.__name__ for duty in self.scheduler._idle()}

    def asking(self) -> list[Duty]:
        """The duties that ask."""
        return [duty for duty in self.scheduler._duties if duty.asks is not None]

    def add(self, row: SQLModel) -> None:
        """Store a row of the organization's."""
        with self.pipeline.services.database.tenant(self.pipeline.tenant.organization_id) as session:
            session.add(row)


@pytest.fixture
async def quiet(pipeline: Pipeline, frozen_clock: FrozenClock, running: Running) -> Quiet:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, MENU)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    for table in ("messages", "automation_log"):  # long ago
        pipeline.execute(f"UPDATE {table} SET id = overlay(CAST(id AS text) placing '00000000' from 1)::uuid")
    made = Quiet(pipeline, running)
    made.scheduler.tick()
    return made


def _work(pipeline: Pipeline, now: datetime) -> list[tuple[set[str], str | SQLModel]]:
    """For each duty, or for two, something that it is there for: a row, or a change of those there are."""
    names = ("flow_sessions", "conversations", "contacts", "flows", "channel_accounts")
    session, conversation, contact, flow, account = (pipeline.scalar(f"SELECT id FROM {name}") for name in names)
    own: dict[str, Any] = {"organization_id": pipeline.tenant.organization_id, "created_at": now}
    request = {"node_id": "n", "kind": "http", "request": {}, "state": "running"}
    silent = now - timedelta(seconds=1)
    return [
        ({"fire_timers"}, "UPDATE timers SET due_at = :now"),
        (
            {"sweep_lanes"},
            "UPDATE inbound_events SET state = 'pending', received_at = :now - interval '2 s', next_attempt_at = :now",
        ),
        ({"mend_sends"}, "UPDATE outbox SET state = 'unsure', claimed_at = :now"),
        ({"wake_snoozed"}, "UPDATE conversations SET snoozed_until = :now"),
        ({"count_runs"}, "UPDATE flow_sessions SET status = 'completed', ended_at = :now"),
        ({"index_words", "tell_again"}, "UPDATE messages SET id = :new WHERE direction = 'in'"),
        (
            {"mend_requests"},
            FlowRequest(
                id=new_id(), **own, **request, session_id=session, channel_account_id=account, contact_key="1", lane=1,
                lease_until=silent,
            ),
        ),
        (
            {"publish_due"},
            FlowPublication(id=new_id(), **own, flow_id=flow, publish_at=now, document={}, checksum="-", impact={}),
        ),
        (
            {"send_scheduled"},
            ScheduledMessage(
                id=new_id(), **own, conversation_id=conversation, author_id=new_id(), request={}, send_at=now,
                updated_at=now,
            ),
        ),
        (
            {"count_queues", "_somebody_waits"},
            QueueItem(
                id=new_id(), organization_id=own["organization_id"], conversation_id=conversation, contact_id=contact,
                entered_at=now,
            ),
        ),
        ({"send_mails"}, OutgoingMail(id=new_id(), **own, recipient="ana@example.com", template="-", next_try_at=now)),
        ({"fire_schedules"}, FlowSchedule(
            id=new_id(), organization_id=own["organization_id"], flow_id=flow, node_id="n", cron="* * * * *"
        )),
    ]  # fmt: skip


async def test_whatever_a_duty_is_there_for_wakes_it(quiet: Quiet, frozen_clock: FrozenClock) -> None:
    work = _work(quiet.pipeline, frozen_clock.now())
    assert set().union(*(names for names, _ in work)) == {duty.work.__name__ for duty in quiet.asking()}
    resting = quiet.idle()
    for names, row in work:
        assert names <= resting, names
        if isinstance(row, str):
            given = {"now": frozen_clock.now(), "new": new_id()}
            quiet.pipeline.execute(row, **{name: value for name, value in given.items() if f":{name}" in row})
        else:
            quiet.add(row)
        resting = quiet.idle(0.0)
        assert not names & resting, names


async def test_a_second_with_nothing_to_do_is_four_statements(quiet: Quiet, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(8):
        quiet.running.seconds += 0.25
        quiet.scheduler.tick()
    counted = Counted(monkeypatch)
    for _ in range(4):
        quiet.running.seconds += 0.25
        quiet.scheduler.tick()
    assert [statement[:14] for statement in counted.statements] == ["SELECT EXISTS "] * 4


async def test_who_gets_no_answer_sees_for_itself(quiet: Quiet) -> None:
    assert len(quiet.idle()) == len(quiet.asking())
    quiet.pipeline.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND datname = current_database() AND query LIKE 'SELECT EXISTS%'"
    )
    assert quiet.idle(0.0) == set()
    assert len(quiet.idle(0.0)) == len(quiet.asking()), "by another connection"


async def test_now_and_then_a_duty_is_done_unasked(quiet: Quiet) -> None:
    assert quiet.idle(UNASKED_SECONDS) == set()


async def test_each_question_is_answered_by_an_index(quiet: Quiet) -> None:
    for duty in quiet.asking():
        text = plan(quiet.pipeline, f"SELECT EXISTS ({duty.asks})", quiet.scheduler._facts())
        text = text.replace("Seq Scan on flows f", "")  # as many as people have drawn
        assert "Seq Scan" not in text, f"{duty.work.__name__}\n{text}"


async def test_a_send_that_is_under_way_again_is_as_old_as_what_was_seen_of_it(quiet: Quiet) -> None:
    """Seen once, then long gone, then claimed again: its lease begins anew."""
    send = "UPDATE outbox SET state = '{0}', claimed_at = now() + interval '1 hour'"
    settings = quiet.pipeline.services.settings
    step, begin = settings.outbox_unsure_grace_seconds / 5, quiet.running.seconds
    quiet.pipeline.execute(send.format("sending"))
    quiet.scheduler.mend_sends()
    quiet.pipeline.execute(send.format("queued"))
    quiet.running.seconds += step
    quiet.scheduler.tick()
    quiet.pipeline.execute(send.format("sending"))
    while quiet.running.seconds < begin + settings.outbox_lease_seconds:
        quiet.running.seconds += step
        quiet.scheduler.mend_sends()
    assert quiet.pipeline.rows("SELECT DISTINCT state FROM outbox") == [("sending",)]
    quiet.running.seconds += 2 * step
    quiet.scheduler.mend_sends()
    assert quiet.pipeline.rows("SELECT DISTINCT state FROM outbox") == [("unsure",)]
