"""The simulated phone speaks what the parser reads, and delivers it signed."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from aiohttp import web

from pytake_app.channels.base import ParsedWebhook
from pytake_app.channels.whatsapp.parse import parse, parse_document
from pytake_app.channels.whatsapp.signature import sign, verify
from pytake_app.channels.whatsapp.simulator import (
    Account,
    Person,
    Simulator,
    deliver,
    delivery_client,
    graph_answer,
    merged,
    new_wamid,
    try_deliver,
    with_username,
)

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PHONE = Simulator(Account("106540352242922", "102290129340398"), Person("5511987650001", "Ana Souza"))

MAKERS: dict[str, Callable[[], Any]] = {
    "text": lambda: PHONE.text("oi", at=AT, reply_to="wamid.q"),
    "interactive": lambda: PHONE.button_reply("a", "A", at=AT, reply_to="wamid.q"),
    "list": lambda: PHONE.list_reply("a", "A", at=AT, reply_to="wamid.q"),
    "button": lambda: PHONE.template_button("p", "P", at=AT, reply_to="wamid.q"),
    "form": lambda: PHONE.form_reply({"a": 1}, at=AT, reply_to="wamid.q"),
    **{
        kind: (lambda kind=kind: PHONE.media(kind, "m", at=AT, reply_to="wamid.q"))  # type: ignore[misc]
        for kind in ("image", "audio", "voice", "video", "document", "sticker")
    },
    "location": lambda: PHONE.location(1, 2, at=AT, reply_to="wamid.q"),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_each_kind_is_read_back_whole(kind: str) -> None:
    parsed = parse_document(MAKERS[kind]())
    (message,) = parsed.messages
    assert message.type == {"voice": "audio", "list": "interactive"}.get(kind, kind)
    assert message.at == AT
    assert message.account_external_id == "106540352242922"
    assert message.business_account_id == "102290129340398"
    assert message.sender.name == "Ana Souza"
    assert message.context_external_id == "wamid.q"
    assert not parsed.unknown
    assert not parsed.notices


def test_statuses_come_in_order_and_carry_the_mark() -> None:
    parsed = [parse_document(body) for body in PHONE.statuses("wamid.1", at=AT, callback_data="m-1")]
    assert [each.statuses[0].status for each in parsed] == ["sent", "delivered", "read"]
    assert {each.statuses[0].biz_opaque_callback_data for each in parsed} == {"m-1"}
    failed = parse_document(PHONE.status("wamid.1", "failed", at=AT, error_code=131047)).statuses[0]
    assert failed.errors[0].code == 131047


def test_a_username_hides_the_phone() -> None:
    known = Person("5511987650001", "Ana", bsuid="BR.1")
    hidden = with_username(known, "@ana")
    (message,) = parse_document(PHONE.with_person(hidden).text("oi", at=AT)).messages
    assert (message.sender.external_id, message.sender.bsuid, message.sender.username) == (None, "BR.1", "@ana")


def test_batches_and_ids() -> None:
    batch = merged(PHONE.text("1", at=AT), PHONE.status("wamid.1", "sent", at=AT))
    assert isinstance(parse_document(batch), ParsedWebhook)
    assert len(batch["entry"]) == 2
    assert new_wamid("1") != new_wamid("1")
    assert new_wamid().startswith("wamid.")


def test_answers_of_graph() -> None:
    assert graph_answer({"status": "read"}) == {"success": True}
    answer = graph_answer({"to": "+55 11 98765-0001"}, message_id="wamid.1")
    assert answer["contacts"] == [{"input": "+55 11 98765-0001", "wa_id": "5511987650001"}]
    assert graph_answer({"recipient": "BR.1"})["contacts"] == [{"input": "BR.1", "user_id": "BR.1"}]


async def test_delivers_signed_over_http() -> None:
    got: list[tuple[bytes, str]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((await request.read(), request.headers["X-Hub-Signature-256"]))
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/webhook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
        answer = await deliver(url, PHONE.text("Olá 😊", at=AT), "secret")
    finally:
        await runner.cleanup()
    assert (answer.status_code, answer.body) == (200, b"ok")
    body, header = got[0]
    assert verify(body, header, ["secret"])
    assert parse(body).messages[0].text == "Olá 😊"


async def test_a_webhook_that_is_not_there_answers_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/webhook"
    async with delivery_client() as client:
        assert await try_deliver(url, PHONE.text("oi", at=AT), "secret", client=client) == 0
    with pytest.raises(httpx.HTTPError):
        await deliver(url, PHONE.text("oi", at=AT), "secret")


@pytest.mark.parametrize(
    "header", [None, "", "sha256=", "sha1=" + "0" * 40, "sha256=" + "0" * 63, "sha256=" + "0" * 64, "é" * 71]
)
def test_no_signature_no_entry(header: str | None) -> None:
    assert not verify(b"{}", header, ["secret"])


def test_signatures_in_capitals_and_many_secrets() -> None:
    header = sign(b"{}", "new")
    assert verify(b"{}", header.replace("sha256=", "").upper().join(["sha256=", ""]), ["old", "new"])
    assert not verify(b"{}", sign(b"{}", ""), [""])
