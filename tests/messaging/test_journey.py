"""From a webhook to Graph and back by statuses, stage by stage."""

import gc
from datetime import timedelta

import pytest
import pytest_asyncio

from pytake_app.core.clock import FrozenClock
from pytake_app.core.services import Services
from pytake_app.flows.execution_contact import ContactRun
from pytake_app.flows.tape import Recording
from tests.support.graph_stub import GraphStub, Planned, error_body
from tests.support.pipeline import ECHO, MENU, Pipeline, add_flow


@pytest_asyncio.fixture
async def connected(services: Services, graph_stub: GraphStub) -> Pipeline:
    pipeline = Pipeline.make(services, graph_stub.base_url)
    add_flow(services.database, pipeline.tenant.organization_id, MENU)
    return pipeline


async def test_a_message_is_answered_with_buttons_and_the_press_with_a_text(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    phone, now = connected.phone(), frozen_clock.now()
    await connected.hear(phone.text("oi", at=now))
    await connected.send()
    (buttons,) = graph_stub.sent
    assert buttons["to"] == "5511987654321"
    assert buttons["interactive"]["body"]["text"] == "Olá Ana!"
    await connected.hear(phone.button_reply("sales", "Vendas", at=now))
    await connected.send()
    assert graph_stub.sent[1]["text"]["body"] == "Vendas: fale conosco"
    assert connected.rows("SELECT status FROM flow_sessions") == [("completed",)]
    assert connected.rows("SELECT direction, type, status, text FROM messages ORDER BY id") == [
        ("in", "text", "received", "oi"),
        ("out", "interactive", "sent", "Olá Ana!"),
        ("in", "interactive", "received", "Vendas"),
        ("out", "text", "sent", "Vendas: fale conosco"),
    ]
    kinds = [row[0] for row in connected.rows("SELECT kind FROM automation_log ORDER BY id")]
    assert kinds == ["universal", "session_resumed", "session_ended"]
    assert connected.scalar("SELECT count(*) FROM timers") == 0


async def test_conversation_knows_window_unread_and_last_message(
    connected: Pipeline, frozen_clock: FrozenClock
) -> None:
    at = frozen_clock.now() - timedelta(minutes=5)
    await connected.hear(connected.phone().text("oi", at=at))
    (row,) = connected.rows(
        "SELECT unread_count, window_expires_at, last_message_preview, last_message_direction, handling "
        "FROM conversations"
    )
    assert row == (1, at + timedelta(hours=24), "Olá Ana!", "out", "bot")


async def test_a_hand_over_waits_for_a_person_and_silences_the_bot(
    connected: Pipeline, frozen_clock: FrozenClock
) -> None:
    phone, now = connected.phone(), frozen_clock.now()
    await connected.hear(phone.text("oi", at=now), phone.button_reply("help", "Suporte", at=now))
    (row,) = connected.rows("SELECT handling, status, queue_name, waiting_since IS NOT NULL FROM conversations")
    assert row == ("waiting", "pending", "Suporte", True)
    before = connected.scalar("SELECT count(*) FROM outbox")
    await connected.hear(phone.text("alguém?", at=now))
    assert connected.scalar("SELECT count(*) FROM outbox") == before
    assert connected.rows("SELECT kind FROM automation_log ORDER BY id DESC LIMIT 1") == [("with_person",)]


async def test_the_same_delivery_twice_has_one_effect(connected: Pipeline, frozen_clock: FrozenClock) -> None:
    body = connected.phone().text("oi", at=frozen_clock.now())
    await connected.hear(body, body)
    await connected.hear(body)
    assert connected.scalar("SELECT count(*) FROM messages WHERE direction = 'in'") == 1
    assert connected.scalar("SELECT count(*) FROM outbox") == 1


async def test_messages_of_many_contacts_are_answered_in_each_ones_order(
    services: Services, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    pipeline = Pipeline.make(services, graph_stub.base_url)
    add_flow(services.database, pipeline.tenant.organization_id, ECHO)
    phones = [pipeline.phone(f"55119{n:08d}") for n in range(20)]
    for n in range(5):
        await pipeline.receive(*(phone.text(f"{n}", at=frozen_clock.now()) for phone in phones))
    pipeline.drain()
    await pipeline.send()
    answers: dict[str, list[str]] = {}
    for body in graph_stub.sent:
        answers.setdefault(body["to"], []).append(body["text"]["body"])
    assert len(answers) == 20
    assert all(said == [f"re: {n}" for n in range(5)] for said in answers.values())


async def test_statuses_only_move_forward(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    phone, now = connected.phone(), frozen_clock.now()
    await connected.hear(phone.text("oi", at=now))
    await connected.send()
    wamid = graph_stub.sends[0].message_id
    assert wamid is not None

    async def status_after(word: str) -> str:
        await connected.hear(phone.status(wamid, word, at=now))
        return str(connected.scalar("SELECT status FROM messages WHERE direction = 'out'"))

    assert await status_after("read") == "read"
    assert await status_after("delivered") == "read"
    assert await status_after("sent") == "read"
    assert await status_after("failed") == "read"
    (row,) = connected.rows("SELECT delivered_at, read_at, pricing->>'category' FROM messages WHERE direction = 'out'")
    assert row == (now, now, "service")


async def test_a_failure_after_sent_is_kept_with_its_reason(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    phone, now = connected.phone(), frozen_clock.now()
    await connected.hear(phone.text("oi", at=now))
    await connected.send()
    wamid = str(graph_stub.sends[0].message_id)
    await connected.hear(phone.status(wamid, "failed", at=now, error_code=131026))
    assert connected.rows("SELECT status, errors->0->>'code' FROM messages WHERE direction = 'out'") == [
        ("failed", "131026")
    ]


async def test_a_status_before_our_call_was_answered_marks_the_message(
    connected: Pipeline, frozen_clock: FrozenClock
) -> None:
    phone, now = connected.phone(), frozen_clock.now()
    await connected.hear(phone.text("oi", at=now))
    outbox_id = str(connected.scalar("SELECT id FROM outbox"))
    connected.execute("UPDATE outbox SET state = 'unsure', attempts = 1")
    await connected.hear(phone.status("wamid.early", "delivered", at=now, callback_data=outbox_id))
    assert connected.rows("SELECT status, external_id FROM messages WHERE direction = 'out'") == [
        ("delivered", "wamid.early")
    ]
    assert connected.rows("SELECT state, external_id FROM outbox") == [("sent", "wamid.early")]


async def test_a_refused_message_is_dead_with_its_reason_and_the_next_one_goes_on(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    phone, now = connected.phone(), frozen_clock.now()
    await connected.hear(phone.text("oi", at=now), phone.button_reply("sales", "Vendas", at=now))
    graph_stub.plan(Planned(status=400, body=error_body(131026)))
    await connected.send()
    assert connected.rows("SELECT state FROM outbox ORDER BY sequence") == [("dead",), ("sent",)]
    assert connected.rows("SELECT status, errors->0->>'code' FROM messages WHERE direction = 'out' ORDER BY id") == [
        ("failed", "131026"),
        ("sent", None),
    ]


async def test_a_busy_platform_is_tried_again_later_and_order_holds(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    phone, now = connected.phone(), frozen_clock.now()
    await connected.hear(phone.text("oi", at=now), phone.button_reply("sales", "Vendas", at=now))
    graph_stub.plan(Planned(status=500, body=error_body(131000)))

    async def tried() -> bool:
        return bool(connected.scalar("SELECT count(*) FROM outbox WHERE last_error IS NOT NULL AND state = 'queued'"))

    await connected.send(tried)
    assert graph_stub.sent == []
    frozen_clock.advance(timedelta(minutes=20))
    await connected.send()
    assert [body["type"] for body in graph_stub.sent] == ["interactive", "text"]


async def test_a_lost_answer_is_not_sent_again_before_the_grace_is_over(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    from pytake_app.messaging.scheduler import Scheduler

    phone, now = connected.phone(), frozen_clock.now()
    await connected.hear(phone.text("oi", at=now))
    graph_stub.plan(Planned(drop="after"))

    async def unsure() -> bool:
        return bool(connected.scalar("SELECT count(*) FROM outbox WHERE state = 'unsure'"))

    await connected.send(unsure)
    scheduler = Scheduler(connected.services)
    scheduler.mend_sends()
    assert await unsure()
    outbox_id = str(connected.scalar("SELECT id FROM outbox"))
    await connected.hear(phone.status("wamid.kept", "sent", at=now, callback_data=outbox_id))
    frozen_clock.advance(timedelta(hours=1))
    scheduler.mend_sends()
    await connected.send()
    assert len(graph_stub.sends) == 1
    assert connected.rows("SELECT status, external_id FROM messages WHERE direction = 'out'") == [
        ("sent", "wamid.kept")
    ]


async def test_a_rejected_token_pauses_the_account_without_losing_the_message(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    graph_stub.token = "another"
    await connected.hear(connected.phone().text("oi", at=frozen_clock.now()))

    async def paused() -> bool:
        return bool(connected.scalar("SELECT count(*) FROM channel_accounts WHERE status = 'error'"))

    await connected.send(paused)
    assert connected.rows("SELECT state, attempts FROM outbox") == [("queued", 0)], "it keeps all its attempts"
    graph_stub.token = None
    frozen_clock.advance(timedelta(minutes=5))
    connected.execute("UPDATE channel_accounts SET status = 'active'")
    await connected.send()
    assert len(graph_stub.sent) == 1


@pytest.mark.parametrize("text", ["nul \x00 inside", "lone \ud800 half", "\\u0000 spelled out"])
async def test_text_that_the_database_refuses_is_kept_readable(
    connected: Pipeline, frozen_clock: FrozenClock, text: str
) -> None:
    await connected.hear(connected.phone().text(text, at=frozen_clock.now()))
    stored = connected.scalar("SELECT text FROM messages WHERE direction = 'in'")
    assert stored == text.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")


async def test_a_handled_message_leaves_nothing_to_the_garbage_collector(
    connected: Pipeline, frozen_clock: FrozenClock
) -> None:
    """Circles that only it finds would hold all that a contact's events brought, and cost a tenth of a worker."""
    phone = connected.phone()
    await connected.hear(phone.text("oi", at=frozen_clock.now()))
    gc.collect()
    gc.disable()
    try:
        await connected.hear(phone.text("de novo", at=frozen_clock.now()))
        assert [one for one in gc.get_objects() if isinstance(one, ContactRun | Recording)] == []
    finally:
        gc.enable()
