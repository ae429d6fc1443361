"""People's acts and the pipeline lock a contact before its conversation, so that they can't wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlmodel import Session

from pytake_app.conversations import service as conversations
from pytake_app.conversations.schemas import SendMessage
from pytake_app.core.clock import FrozenClock
from pytake_app.messaging import service as queue
from pytake_app.messaging.schemas import QueueSend
from tests.support.pipeline import ECHO, Pipeline, add_flow
from tests.waiting import wait_until

PHONE = "5511987654321"
Act = Callable[[Session, Pipeline, FrozenClock], object]


def _take_over(session: Session, pipeline: Pipeline, clock: FrozenClock) -> object:
    conversation_id = pipeline.scalar("SELECT id FROM conversations")
    return conversations.take_over(session, pipeline.tenant.agent, conversation_id, clock=clock)


def _send(session: Session, pipeline: Pipeline, clock: FrozenClock) -> object:
    conversation_id = pipeline.scalar("SELECT id FROM conversations")
    return conversations.send_message(
        session, pipeline.tenant.agent, conversation_id, SendMessage(text="oi"), clock=clock
    )


def _note(session: Session, pipeline: Pipeline, clock: FrozenClock) -> object:
    conversation_id = pipeline.scalar("SELECT id FROM conversations")
    return conversations.add_note(session, pipeline.tenant.agent, conversation_id, "nota", clock=clock)


def _close(session: Session, pipeline: Pipeline, clock: FrozenClock) -> object:
    conversation_id = pipeline.scalar("SELECT id FROM conversations")
    return conversations.set_status(session, pipeline.tenant.agent, conversation_id, "closed", clock=clock)


def _queue(session: Session, pipeline: Pipeline, clock: FrozenClock) -> object:
    return queue.send(session, pipeline.tenant.agent, QueueSend(to=PHONE, content="oi"), clock=clock)


@pytest.mark.parametrize("act", [_take_over, _send, _note, _close, _queue])
async def test_the_contact_is_locked_first(pipeline: Pipeline, frozen_clock: FrozenClock, act: Act) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    await pipeline.hear(pipeline.phone(PHONE).text("oi", at=frozen_clock.now()))
    done = threading.Event()

    def person() -> None:
        with pipeline.tenant.session() as session:
            act(session, pipeline, frozen_clock)
        done.set()

    with pipeline.services.database.system_connection() as connection:
        # As a batch does.
        connection.execute(text("SELECT 1 FROM contacts FOR NO KEY UPDATE"))
        thread = threading.Thread(target=person, daemon=True)
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        wait_until(lambda: bool(pipeline.scalar(waiting)), 10, message="the person's act waits for the contact")
        # Fails at once if the waiting act holds the conversation.
        connection.execute(text("SELECT 1 FROM conversations FOR NO KEY UPDATE NOWAIT"))
    assert done.wait(10)
    thread.join(10)
