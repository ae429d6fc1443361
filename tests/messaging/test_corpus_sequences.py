"""The corpus's sequences of deliveries, replayed in order and all at once: the end state is what `expect` says."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from pytake_app.channels.whatsapp.parse import parse
from pytake_app.channels.whatsapp.simulator import Account, Person, Simulator
from pytake_app.conversations import service as conversations
from pytake_app.core.services import Services
from pytake_app.messaging import statuses
from pytake_app.messaging.ingest import IngestAccount, Ingestor
from pytake_app.messaging.sql import hot
from tests.channels.corpus import corpus_root, sequences
from tests.support.pipeline import Pipeline, add_flow

pytestmark = pytest.mark.skipif(
    corpus_root() is None, reason="the corpus of public payloads is not beside this checkout"
)

NUMBER = "106540352242922"
SENT_AT = datetime.fromtimestamp(1767200000, UTC)
YES_NO = [{"id": "opt_sim", "title": "Sim"}, {"id": "opt_nao", "title": "Não"}]
FLOW: dict[str, Any] = {
    "name": "Yes or no",
    "nodes": [
        {"id": "in", "type": "trigger_universal", "config": {}},
        {"id": "ask", "type": "msg_buttons", "config": {"body": "Quer?", "buttons": YES_NO}},
        {"id": "again", "type": "msg_buttons", "config": {"body": "Certo?", "buttons": YES_NO}},
        {"id": "done", "type": "msg_text", "config": {"body": "Feito."}},
    ],
    "edges": [
        {"id": "e1", "source": "in", "port": "next", "target": "ask"},
        {"id": "e2", "source": "ask", "port": "option:opt_sim", "target": "again"},
        {"id": "e3", "source": "again", "port": "option:opt_sim", "target": "done"},
    ],
}  # fmt: skip
"""Asks twice with the same options, so that a second tap on the first question could be mistaken for an answer."""


class Replay:
    """One sequence on a fresh organization."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        account = pipeline.tenant.account
        self.account = IngestAccount(account.id, account.organization_id, NUMBER)
        pipeline.execute("UPDATE channel_accounts SET external_id = :number", number=NUMBER)

    async def run(self, steps: list[dict[str, Any]], *, at_once: bool) -> None:
        root = corpus_root()
        assert root is not None
        documents = [json.loads((root / step["file"]).read_bytes()) for step in steps]
        # A message of ours exists before the platform's answer names it; the contact is known then.
        answers = [document for document in documents if "entry" not in document]
        sent = {id(document): await self._we_sent(document) for document in answers}
        ingestor = Ingestor(self.pipeline.services)
        await ingestor.start()
        try:
            if at_once:
                for document in answers:
                    self._answered(sent[id(document)], document)
                inbound = [document for document in documents if "entry" in document]
                await asyncio.gather(*(ingestor.submit(self.account, parse(document)) for document in inbound))
                await asyncio.to_thread(self.pipeline.drain)
                return
            for document in documents:
                if "entry" in document:
                    await ingestor.submit(self.account, parse(document))
                    await asyncio.to_thread(self.pipeline.drain)
                else:
                    self._answered(sent[id(document)], document)
        finally:
            await ingestor.stop()

    async def _we_sent(self, document: dict[str, Any]) -> UUID:
        """Our first message to the number that the answer is about, as the outbox leaves it before the answer."""
        phone = document["contacts"][0]["input"]
        hello = Simulator(Account(NUMBER), Person(phone, "Ana Souza"))
        ingestor = Ingestor(self.pipeline.services)
        await ingestor.submit(self.account, parse(hello.text("oi", at=SENT_AT - timedelta(hours=1))))
        await ingestor.stop()
        await asyncio.to_thread(self.pipeline.drain)
        return UUID(str(self.pipeline.scalar("SELECT id FROM messages WHERE direction = 'out' ORDER BY id LIMIT 1")))

    def _answered(self, message_id: UUID, document: dict[str, Any]) -> None:
        wamid = document["messages"][0]["id"]
        self.pipeline.execute(
            "UPDATE messages SET external_id = :wamid, status = 'sent' WHERE id = :id", wamid=wamid, id=message_id
        )
        self.pipeline.execute("UPDATE outbox SET state = 'sent', external_id = :wamid", wamid=wamid)
        with hot(self.pipeline.services.database) as connection:
            statuses.apply_pending(connection, [(self.account.id, wamid)], self.pipeline.services.clock.now())

    def thread(self) -> list[Any]:
        """What a person sees of the contact's messages, oldest first."""
        tenant = self.pipeline.tenant
        conversation_id = self.pipeline.scalar("SELECT id FROM conversations")
        with tenant.session() as session:
            page = conversations.list_messages(session, tenant.viewer, conversation_id)
        return list(reversed(page.items))


@pytest_asyncio.fixture
async def replay(services: Services) -> Replay:
    pipeline = Pipeline.make(services)
    add_flow(services.database, pipeline.tenant.organization_id, FLOW)
    return Replay(pipeline)


def check(replay: Replay, expect: dict[str, Any], *, ours: bool) -> None:  # noqa: C901, PLR0912  # one case a word of the corpus
    """Compare the end state with everything that `expect` says."""
    rows, scalar = replay.pipeline.rows, replay.pipeline.scalar
    # Where a message of ours came first, the contact's own first one and the run it started are the test's.
    extra = int(ours)
    assert scalar("SELECT count(*) FROM inbound_events WHERE state <> 'done'") == 0
    shown = replay.thread() if scalar("SELECT count(*) FROM conversations") else []
    heard = [message for message in shown if message.direction == "in"][extra:]
    for word, value in expect.items():
        match word:
            case "messages_stored" | "messages":
                assert len(heard) == value
            case "flow_runs":
                assert scalar("SELECT count(*) FROM flow_sessions") == value
            case "contacts":
                assert scalar("SELECT count(*) FROM contacts") == value
                assert scalar("SELECT count(*) FROM conversations") == value
            case "final_status":
                assert rows("SELECT status FROM messages WHERE direction = 'out' ORDER BY id LIMIT 1") == [(value,)]
            case "error_code":
                (errors,) = rows("SELECT errors FROM messages WHERE direction = 'out' ORDER BY id LIMIT 1")[0]
                assert errors[0]["code"] == value
            case "never_goes_back":
                times = rows("SELECT sent_at, delivered_at, read_at FROM messages WHERE direction = 'out' LIMIT 1")[0]
                assert None not in times
                assert list(times) == sorted(times)
            case "nothing_lost":
                assert scalar("SELECT count(*) FROM pending_statuses") == 0
            case "no_error_loop":
                assert scalar("SELECT count(*) FROM inbound_events") == 0, "a status is applied and forgotten"
            case "system_message_starts_no_flow" | "starts_no_flow":
                silent = rows("SELECT id FROM messages WHERE type IN ('system', 'reaction')")
                assert silent or not heard
                assert scalar(
                    "SELECT count(*) FROM automation_log WHERE kind IN ('universal', 'session_resumed')"
                ) == scalar("SELECT count(*) FROM messages WHERE direction = 'in' AND type = 'text'")
            case "reply_addressable_by":
                assert value == "user_id"
                assert str(rows("SELECT recipient FROM outbox ORDER BY sequence DESC LIMIT 1")[0][0]).startswith(
                    "bsuid:"
                )
            case "conversation":
                assert scalar("SELECT count(*) FROM conversations") == 1
            case "state":
                assert [message.status for message in heard] == [value]
                assert heard[0].text == ""
            case "reactions_left":
                assert len([message for message in shown if message.type == "reaction"]) == value
            case "statuses":
                assert scalar("SELECT count(*) FROM pending_statuses") == value
            case "order":
                assert [message.external_id for message in heard] == value
            case "flow_advances_once":
                assert rows("SELECT current_node FROM flow_sessions") == [("again",)]
            case "order_by":
                assert [message.sent_at for message in heard] == sorted(message.sent_at for message in heard)
            case "window_24h_from":
                newest = max(message.sent_at for message in heard)
                assert scalar("SELECT window_expires_at FROM conversations") == newest + timedelta(hours=24)
            case "http_status_each" | "http_status" | "no_crash":
                pass  # ingest would have raised
            case _:
                pytest.fail(f"the corpus expects {word}, which is not compared")


@pytest.mark.parametrize("at_once", [False, True], ids=["in_order", "at_once"])
@pytest.mark.parametrize("sequence", sequences("whatsapp"), ids=lambda sequence: str(sequence["id"]))
async def test_sequence(replay: Replay, sequence: dict[str, Any], at_once: bool) -> None:
    ours = any("outbound_response" in str(Path(step["file"])) for step in sequence["steps"])
    await replay.run(sequence["steps"], at_once=at_once)
    check(replay, sequence["expect"], ours=ours)
