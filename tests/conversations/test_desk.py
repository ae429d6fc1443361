"""The inbox as a desk: every kind of message, files, messages for later, transfer, snooze, tags, many at once."""

from __future__ import annotations

import io
import wave
from datetime import UTC, datetime, timedelta
from typing import Any

import av
import pytest
from sqlmodel import select

from pytake_app.accounts.service import Client
from pytake_app.api.services import Services
from pytake_app.config import Settings
from pytake_app.conversations import scheduled, voice
from pytake_app.conversations.models import Conversation, Message
from pytake_app.core.clock import FrozenClock
from pytake_app.core.errors import InvalidError
from pytake_app.flows.models import EmittedEvent
from pytake_app.messaging.library_upkeep import remove_unused
from pytake_app.messaging.models import OutboxItem
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.notifications.models import Notification
from pytake_app.queues.models import ServiceQueue
from tests.api.fixtures import NewCaller
from tests.conversations.conftest import Desk

BASE = "/api/v1/conversations"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


def outbox(desk: Desk) -> list[OutboxItem]:
    with desk.rows.session() as session:
        return list(session.exec(select(OutboxItem).order_by(OutboxItem.sequence)))  # type: ignore[arg-type]


def send(desk: Desk, thread: Conversation, **body: Any) -> Any:
    return desk.caller.post(f"{BASE}/{thread.id}/messages", json=body)


def pass_time(desk: Desk, services: Services, clock: FrozenClock, **by: float) -> None:
    """Later, signed in anew."""
    clock.advance(timedelta(**by))
    answer = services.accounts.open_api_session(desk.caller.user_id, desk.caller.organization_id, Client())
    desk.caller.headers["Authorization"] = f"Bearer {answer.access_token}"


def test_every_kind_goes_out_in_order_and_first(desk: Desk) -> None:
    thread = desk.rows.conversation()
    asked = desk.rows.message(thread, "Onde fica?")
    kinds: list[dict[str, Any]] = [
        {"type": "text", "text": "*Aqui* 🙂"},
        {"type": "location", "latitude": -23.5, "longitude": -46.6, "name": "Loja", "reply_to": str(asked.id)},
        {"type": "contacts", "contacts": [{"formatted_name": "Ana", "phones": [{"phone": "+5511999990000"}]}]},
        {"type": "reaction", "message_id": str(asked.id), "emoji": "👍"},
        {"type": "interactive", "body": "Qual?", "buttons": [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]},
        {"type": "interactive", "body": "Qual?", "button": "Ver", "sections": [{"rows": [{"id": "1", "title": "Um"}]}]},
        {"type": "cta_url", "body": "Veja", "display_text": "Abrir a loja", "url": "https://example.com/loja"},
        {"type": "template", "name": "oi", "language": "pt_BR", "body": ["Maria"]},
    ]
    for body in kinds:
        assert send(desk, thread, **body).status_code == 201, body
    rows = outbox(desk)
    assert [row.content["type"] for row in rows] == [
        "text", "location", "contacts", "reaction", "buttons", "list", "cta_url", "template"
    ]  # fmt: skip
    assert {row.priority for row in rows} == {1}
    assert rows[1].context_external_id == asked.external_id
    assert rows[3].content["message_external_id"] == asked.external_id
    assert (rows[6].content["display_text"], rows[6].content["url"]) == ("Abrir a loja", "https://example.com/loja")


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"type": "interactive", "body": "?", "buttons": [{"id": "a", "title": "x" * 21}]},
         "not_renderable", "/message/buttons/0/title"),
        ({"type": "interactive", "body": "?"}, "invalid", None),
        ({"type": "cta_url", "body": "?", "display_text": "x", "url": "javascript:alert(1)"}, "invalid", None),
        ({"type": "media", "media_id": "0190b7a0-0000-7000-8000-000000000000"}, "media_unknown", "/message/media_id"),
        ({"type": "reaction", "message_id": "0190b7a0-0000-7000-8000-000000000000"}, "invalid", "/message/message_id"),
        ({"type": "text", "text": "x", "send_at": "2001-01-01T00:00:00Z"}, "send_at", "/send_at"),
        ({"type": "text", "text": "x", "colour": "red"}, "invalid", None),
    ],
)  # fmt: skip
def test_what_the_channel_would_refuse_is_refused_by_name(
    desk: Desk, body: dict[str, Any], code: str, pointer: str | None
) -> None:
    answer = send(desk, desk.rows.conversation(), **body)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    if pointer is not None:
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert outbox(desk) == []


def test_a_file_is_judged_by_its_content_and_sent(desk: Desk, settings: Settings) -> None:
    thread = desk.rows.conversation()
    url = f"{BASE}/{thread.id}/uploads"
    kept = desk.caller.post(url, files={"file": ("foto.exe", PNG, "application/x-msdownload")})
    assert kept.status_code == 201, kept.text
    assert (kept.json()["kind"], kept.json()["mime_type"]) == ("image", "image/png")
    assert desk.caller.get("/api/v1/media").json()["items"] == []
    sent = send(desk, thread, type="media", media_id=kept.json()["id"], caption="Olha").json()
    assert sent["type"] == "image"
    assert (sent["text"], sent["media"]["mime_type"]) == ("Olha", "image/png")
    assert outbox(desk)[0].content == {
        "type": "media",
        "kind": "image",
        "media_id": kept.json()["id"],
        "caption": "Olha",
    }
    as_file = send(desk, thread, type="media", media_id=kept.json()["id"], as_document=True).json()
    assert as_file["type"] == "document"
    wrong = desk.caller.post(url, files={"file": ("x.png", b"MZ\x90\x00" + b"\x00" * 60, "image/png")})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "media_type")
    big = desk.caller.post(url, files={"file": ("x.png", PNG + b"\x00" * (5 * 1024 * 1024), "image/png")})
    assert (big.status_code, big.json()["code"]) == (413, "media_too_large")
    assert desk.caller.post(url, files={"file": ("x.png", b"", "image/png")}).json()["code"] == "media_empty"


def test_files_that_are_never_sent_leave_and_count(
    desk: Desk, services: Services, settings: Settings, frozen_clock: FrozenClock
) -> None:
    frozen_clock.advance(datetime.now(UTC) - frozen_clock.now())  # files on the disk carry its time
    thread = desk.rows.conversation()
    pass_time(desk, services, frozen_clock, seconds=1)
    url = f"{BASE}/{thread.id}/uploads"

    def kept(more: bytes) -> Any:
        return desk.caller.post(url, files={"file": ("foto.png", PNG + more, "image/png")})

    sent, unsent = kept(b"sent").json(), kept(b"unsent").json()
    send(desk, thread, type="media", media_id=sent["id"])
    own = services.settings
    services.settings = own.model_copy(update={"media_quota_mb": 0})
    refused = kept(b"more")
    assert (refused.status_code, refused.json()["code"]) == (413, "media_quota")
    services.settings = own
    pass_time(desk, services, frozen_clock, hours=23)
    remove_unused(services, frozen_clock.now())
    assert desk.caller.get(unsent["url"]).status_code == 200
    pass_time(desk, services, frozen_clock, hours=2)
    remove_unused(services, frozen_clock.now())
    assert desk.caller.get(unsent["url"]).status_code == 404
    assert desk.caller.get(sent["url"]).status_code == 200


def recording(seconds: float = 1.0, form: str = "webm") -> bytes:
    """What a browser's recorder makes: Opus in WebM."""
    made = io.BytesIO()
    with av.open(made, mode="w", format=form) as container:
        stream = container.add_stream("libopus" if form == "webm" else "pcm_s16le", rate=48000)
        stream.layout = "mono"
        for _ in range(int(seconds * 50)):
            frame = av.AudioFrame(format="s16", layout="mono", samples=960)
            frame.sample_rate = 48000
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return made.getvalue()


def test_a_recording_becomes_a_voice_note(desk: Desk) -> None:
    thread = desk.rows.conversation()
    url = f"{BASE}/{thread.id}/uploads"
    kept = desk.caller.post(url, params={"voice": True}, files={"file": ("gravacao.webm", recording(), "audio/webm")})
    assert kept.status_code == 201, kept.text
    assert (kept.json()["mime_type"], kept.json()["voice"]) == ("audio/ogg", True)
    sent = send(desk, thread, type="media", media_id=kept.json()["id"], voice=True)
    assert (sent.status_code, sent.json()["media"]["voice"]) == (201, True)
    picture = desk.caller.post(url, params={"voice": True}, files={"file": ("x.webm", PNG, "audio/webm")})
    assert (picture.status_code, picture.json()["code"]) == (422, "voice_unreadable")


def test_a_voice_note_is_mono_opus_of_the_same_length() -> None:
    note = voice.to_voice_note(io.BytesIO(recording(2.0)))
    assert note.startswith(b"OggS")
    with av.open(io.BytesIO(note)) as opened:
        stream = opened.streams.audio[0]
        assert (stream.codec_context.name, stream.codec_context.channels) == ("opus", 1)
        length = sum(frame.samples for frame in opened.decode(audio=0)) / 48000
    assert 1.9 < length < 2.2
    for nonsense in (b"", b"\x1a\x45\xdf\xa3 nonsense", b"OggS" + b"\x00" * 200):
        with pytest.raises(InvalidError):
            voice.to_voice_note(io.BytesIO(nonsense))


def test_who_may_not_be_written_to_is_refused(desk: Desk) -> None:
    for values, code in (({"blocked": True}, "contact_blocked"), ({"consent": "opted_out"}, "contact_opted_out")):
        person = desk.rows.contact(phone=f"55119{len(code):08d}", **values)
        answer = send(desk, desk.rows.conversation(person), type="template", name="oi", language="pt_BR")
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    old = desk.rows.conversation(
        desk.rows.contact(phone="5511900000099"), heard_at=desk.rows.clock.now() - timedelta(hours=25)
    )
    assert send(desk, old, text="oi").json()["code"] == "window_closed"
    assert send(desk, old, type="template", name="oi", language="pt_BR").status_code == 201


def test_a_message_for_later_goes_then(desk: Desk, services: Services, frozen_clock: FrozenClock) -> None:
    thread = desk.rows.conversation()
    at = frozen_clock.now() + timedelta(hours=2)
    kept = send(desk, thread, text="Até já", send_at=at.isoformat(), client_id="c1")
    assert (kept.status_code, kept.json()["status"]) == (201, "scheduled")
    assert send(desk, thread, text="Até já", send_at=at.isoformat(), client_id="c1").json()["id"] == kept.json()["id"]
    url = f"{BASE}/{thread.id}/scheduled"
    assert [row["text"] for row in desk.caller.get(url).json()["items"]] == ["Até já"]
    one = f"{url}/{kept.json()['id']}"
    later = (at + timedelta(hours=1)).isoformat()
    moved = desk.caller.patch(one, json={"send_at": later, "message": {"type": "text", "text": "Até logo"}})
    assert (moved.json()["text"], moved.json()["send_at"][:19]) == ("Até logo", later[:19])
    scheduler = Scheduler(services)
    pass_time(desk, services, frozen_clock, hours=2, minutes=1)
    scheduler.send_scheduled()
    assert outbox(desk) == []
    pass_time(desk, services, frozen_clock, hours=1)
    scheduler.send_scheduled()
    scheduler.send_scheduled()
    assert [row.content["body"] for row in outbox(desk)] == ["Até logo"]
    assert desk.caller.get(url).json()["items"] == []
    assert desk.caller.delete(one).json()["code"] == "scheduled_sent"


def test_a_message_for_later_that_may_not_go_is_told(desk: Desk, services: Services, frozen_clock: FrozenClock) -> None:
    thread = desk.rows.conversation()
    at = frozen_clock.now() + timedelta(hours=30)
    kept = send(desk, thread, text="Tarde", send_at=at.isoformat()).json()
    canceled = send(desk, thread, text="Nunca", send_at=at.isoformat()).json()
    assert desk.caller.delete(f"{BASE}/{thread.id}/scheduled/{canceled['id']}").status_code == 204
    pass_time(desk, services, frozen_clock, hours=31)
    Scheduler(services).send_scheduled()
    assert outbox(desk) == []
    [row] = desk.caller.get(f"{BASE}/{thread.id}/scheduled").json()["items"]
    assert (row["id"], row["status"], row["reason"]) == (kept["id"], "failed", "window_closed")
    with desk.rows.session() as session:
        [told] = session.exec(select(Notification).where(Notification.kind == "scheduled_message")).all()
    assert told.user_id == desk.caller.user_id
    assert not scheduled.carry_out(services.database, desk.rows.organization_id, thread.id, clock=frozen_clock)


def test_given_on_to_colleague_queue_department_and_flow(desk: Desk) -> None:
    thread = desk.rows.conversation()
    url = f"{BASE}/{thread.id}/transfer"
    with desk.rows.session() as session:
        queue = session.exec(select(ServiceQueue)).first()
        assert queue is not None
        from pytake_app.accounts.models import Department, User

        colleague = User(
            organization_id=desk.rows.organization_id, email="bia@example.com", password_hash="x", full_name="Bia",
            role="agent",
        )  # fmt: skip
        department = Department(organization_id=desk.rows.organization_id, name="Vendas")
        session.add_all([colleague, department])
    given = desk.caller.post(url, json={"agent_id": str(colleague.id), "note": "VIP"})
    assert given.status_code == 200, given.text
    assert given.json()["assignee"]["name"] == "Bia"
    assert [m["text"] for m in desk.caller.get(f"{BASE}/{thread.id}/messages").json()["items"]] == ["VIP"]
    with desk.rows.session() as session:
        assert [row.user_id for row in session.exec(select(Notification).where(Notification.kind == "assigned"))] == [
            colleague.id
        ]
    waits = desk.caller.post(url, json={"queue_id": str(queue.id)}).json()
    assert (waits["handling"], waits["queue"], waits["assignee"]) == ("waiting", queue.name, None)
    nowhere = desk.caller.post(url, json={"department_id": str(department.id)})
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "no_such_queue")
    assert desk.caller.post(url, json={"flow_id": "main_menu"}).json()["handling"] == "bot"
    assert desk.caller.post(url, json={"agent_id": str(colleague.id), "flow_id": "main_menu"}).status_code == 422
    assert desk.caller.post(url, json={}).status_code == 422


def test_put_off_until_its_time(desk: Desk, services: Services, frozen_clock: FrozenClock) -> None:
    thread = desk.rows.conversation()
    url = f"{BASE}/{thread.id}/snooze"
    until = (frozen_clock.now() + timedelta(hours=3)).isoformat()
    assert desk.caller.post(url, json={"until": until}).json()["status"] == "pending"
    scheduler = Scheduler(services)
    scheduler.wake_snoozed()
    assert desk.caller.get(f"{BASE}/{thread.id}").json()["snoozed_until"] is not None
    pass_time(desk, services, frozen_clock, hours=3, seconds=1)
    scheduler.wake_snoozed()
    woken = desk.caller.get(f"{BASE}/{thread.id}").json()
    assert (woken["status"], woken["snoozed_until"], woken["unread_count"]) == ("open", None, 1)
    # Whoever put it off is told, as nobody has it.
    (told,) = desk.caller.get("/api/v1/notifications").json()["items"]
    assert (told["kind"], told["conversation_id"]) == ("snooze_over", str(thread.id))
    assert "Maria" in told["title"]
    past = desk.caller.post(url, json={"until": "2001-01-01T00:00:00Z"})
    assert (past.status_code, past.json()["code"]) == (422, "until")
    desk.caller.patch(f"{BASE}/{thread.id}/status", json={"status": "closed"})
    later = (frozen_clock.now() + timedelta(hours=3)).isoformat()
    assert desk.caller.post(url, json={"until": later}).json()["code"] == "conversation_closed"


def test_closed_by_another_meanwhile(desk: Desk) -> None:
    thread = desk.rows.conversation()
    url = f"{BASE}/{thread.id}/status"
    closed = desk.caller.patch(url, json={"status": "closed", "outcome": "vendido", "expected": "open"}).json()
    assert (closed["status"], closed["outcome"]) == ("closed", "vendido")
    again = desk.caller.patch(url, json={"status": "closed", "outcome": "desistiu", "expected": "open"})
    assert (again.status_code, again.json()["code"]) == (409, "changed_meanwhile")
    assert send(desk, thread, text="oi").json()["code"] == "conversation_closed"
    assert desk.caller.patch(url, json={"status": "open"}).json()["outcome"] == ""


def test_many_at_once_each_by_itself(desk: Desk) -> None:
    threads = [desk.rows.conversation(desk.rows.contact(phone=f"55119000000{n:02d}")) for n in range(4)]
    desk.caller.patch(f"{BASE}/{threads[0].id}/status", json={"status": "closed"})
    ids = [str(thread.id) for thread in threads] + ["0190b7a0-0000-7000-8000-000000000000"]
    me = str(desk.caller.user_id)
    result = desk.caller.post(f"{BASE}/bulk", json={"ids": ids, "action": "assign", "user_id": me}).json()
    assert [item["code"] for item in result["items"]] == [
        "conversation_closed", None, None, None, "conversation_not_found"
    ]  # fmt: skip
    assert (result["done"], result["failed"]) == (3, 2)
    assert desk.caller.post(f"{BASE}/bulk", json={"ids": ids, "action": "tag", "tags": ["VIP"]}).json()["done"] == 4
    assert desk.caller.get(f"{BASE}/{threads[1].id}").json()["tags"] == ["VIP"]
    assert desk.caller.post(f"{BASE}/bulk", json={"ids": ids, "action": "unread"}).json()["done"] == 4
    assert desk.caller.get(f"{BASE}/{threads[1].id}").json()["unread_count"] == 1
    assert desk.caller.post(f"{BASE}/bulk", json={"ids": ids, "action": "snooze"}).status_code == 422
    assert desk.caller.post(f"{BASE}/bulk", json={"ids": ids * 50, "action": "read"}).status_code == 422


def test_drafts_are_each_persons_own_and_go_with_the_message(desk: Desk, services: Services) -> None:
    thread = desk.rows.conversation()
    url = f"{BASE}/{thread.id}/draft"
    assert desk.caller.get(url).json() == {"text": "", "updated_at": None}
    assert desk.caller.request("PUT", url, json={"text": "Bom d"}).json()["text"] == "Bom d"
    assert desk.caller.request("PUT", url, json={"text": "Bom dia"}).status_code == 200
    assert desk.caller.get(url).json()["text"] == "Bom dia"
    begin = services.live.last_event(desk.rows.organization_id)
    send(desk, thread, text="Bom dia")
    assert desk.caller.get(url).json()["text"] == ""
    # Another device that shows it hears that it is gone; without a draft there is nothing to tell.
    send(desk, thread, text="Tudo bem?")
    told = services.live.events_since(desk.rows.organization_id, begin, 100).pokes
    assert [one["user_id"] for one in told if one["event"] == "draft_updated"] == [str(desk.caller.user_id)]


def test_a_note_names_people(desk: Desk) -> None:
    thread = desk.rows.conversation()
    body = {"text": "@Ana veja", "mentions": [str(desk.caller.user_id)]}
    note = desk.caller.post(f"{BASE}/{thread.id}/notes", json=body).json()
    assert note["content"]["mentions"] == [str(desk.caller.user_id)]
    stranger = {"text": "@?", "mentions": ["0190b7a0-0000-7000-8000-000000000000"]}
    assert desk.caller.post(f"{BASE}/{thread.id}/notes", json=stranger).status_code == 422


def test_two_dont_answer_the_same(desk: Desk, services: Services) -> None:
    import orjson

    thread = desk.rows.conversation()
    url = f"{BASE}/{thread.id}/presence"
    assert desk.caller.get(url).json()["people"] == []
    mine = desk.caller.request("PUT", url, json={"tab": "a", "writing": True}).json()
    assert (mine["lock"]["user_id"], mine["people"][0]["writing"]) == (str(desk.caller.user_id), True)
    assert send(desk, thread, text="meu").status_code == 201
    colleague = {"user_id": str(desk.rows.agent.user_id), "name": "Bia"}
    services.redis.set(f"pytake:writing:{thread.id}", orjson.dumps(colleague), ex=15)
    refused = send(desk, thread, text="oi")
    assert (refused.status_code, refused.json()["code"]) == (409, "someone_writing")
    assert send(desk, thread, text="oi", anyway=True).status_code == 201
    desk.caller.request("PUT", url, json={"tab": "a", "left": True})
    assert desk.caller.get(url).json()["people"] == []


def test_a_failed_message_is_sent_again(desk: Desk, frozen_clock: FrozenClock) -> None:
    thread = desk.rows.conversation()
    sent = send(desk, thread, text="oi").json()
    url = f"{BASE}/{thread.id}/messages/{sent['id']}/retry"
    early = desk.caller.post(url)
    assert (early.status_code, early.json()["code"]) == (409, "not_dead")
    with desk.rows.session() as session:
        (item,) = session.exec(select(OutboxItem))
        item.state, item.attempts, item.finished_at = "dead", item.max_attempts, frozen_clock.now()
        message = session.exec(select(Message).where(Message.direction == "out")).one()
        message.status, message.errors = "failed", [{"kind": "unavailable"}]
    again = desk.caller.post(url)
    assert (again.status_code, again.json()["status"]) == (200, "queued"), again.text
    (item,) = outbox(desk)
    assert (item.state, item.attempts, item.finished_at) == ("queued", 0, None)
    other = desk.rows.conversation(desk.rows.contact(phone="5511900000009"))
    assert desk.caller.post(f"{BASE}/{other.id}/messages/{sent['id']}/retry").status_code == 404
    with desk.rows.session() as session:
        (item,) = session.exec(select(OutboxItem))
        item.state = "dead"
        session.get_one(Conversation, thread.id).window_expires_at = frozen_clock.now() - timedelta(minutes=1)
    assert desk.caller.post(url).json()["code"] == "window_closed"


def test_a_tag_that_changes_changes_on_conversations(desk: Desk) -> None:
    thread = desk.rows.conversation()
    other = desk.rows.conversation(desk.rows.contact(phone="5511900000009"), tags=["Loja"])
    url = f"{BASE}/{thread.id}"
    desk.caller.post(f"{url}/tags", json={"add": ["VIP", "Loja"]})
    tags = {row["name"]: row["id"] for row in desk.caller.get("/api/v1/tags").json()["items"]}
    assert desk.caller.patch(f"/api/v1/tags/{tags['VIP']}", json={"name": "Ouro"}).status_code == 200
    assert desk.caller.get(url).json()["tags"] == ["Loja", "Ouro"]
    assert desk.caller.get(BASE, params={"tag": "Ouro"}).json()["items"][0]["id"] == str(thread.id)
    assert desk.caller.delete(f"/api/v1/tags/{tags['Loja']}").status_code == 204
    assert desk.caller.get(url).json()["tags"] == ["Ouro"]
    assert desk.caller.get(f"{BASE}/{other.id}").json()["tags"] == []


def wav() -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(b"\x00" * 44100)
    return made.getvalue()


def test_other_recordings_are_read_too() -> None:
    assert voice.to_voice_note(io.BytesIO(wav())).startswith(b"OggS")


def test_two_contacts_who_are_one_become_one(desk: Desk) -> None:
    kept = desk.rows.contact("Maria", "5511900000001", tags=["VIP"], fields={"city": "Recife"})
    more: dict[str, Any] = {"tags": ["Loja"], "fields": {"city": "Olinda", "age": 30}, "email": "m@x.com"}
    gone = desk.rows.contact("Maria C.", "5511900000002", **more)
    one, two = desk.rows.conversation(kept), desk.rows.conversation(gone)
    said = desk.rows.message(two, "Sou eu")
    with desk.rows.session() as session:
        session.add(Notification(organization_id=desk.rows.organization_id, title="Oi", contact_id=gone.id))
        session.add(EmittedEvent(organization_id=desk.rows.organization_id, name="pago", contact_id=gone.id))
    url = f"/api/v1/contacts/{kept.id}/merge"
    asked = desk.caller.post(url, json={"contact_id": str(gone.id)})
    assert (asked.status_code, asked.json()["code"]) == (422, "confirm_needed")
    done = desk.caller.post(url, json={"contact_id": str(gone.id), "confirm": True})
    assert done.status_code == 200, done.text
    person = done.json()
    assert (person["tags"], person["fields"], person["email"]) == (
        ["VIP", "Loja"], {"city": "Recife", "age": 30}, "m@x.com",
    )  # fmt: skip
    assert {row["external_id"] for row in person["identities"]} == {"5511900000001", "5511900000002"}
    assert desk.caller.get(f"/api/v1/contacts/{gone.id}").status_code == 404
    threads = desk.caller.get(BASE, params={"contact_id": str(kept.id)}).json()["items"]
    assert {(row["id"], row["status"]) for row in threads} == {(str(one.id), "open"), (str(two.id), "closed")}
    assert desk.caller.get(f"/api/v1/messages/{said.id}").json()["contact_id"] == str(kept.id)
    log = desk.caller.get(f"{BASE}/{two.id}/automation-log").json()["items"]
    assert log[0]["kind"] == "contact_merged"
    log = desk.caller.get(f"{BASE}/{one.id}/automation-log").json()["items"]
    assert (log[0]["kind"], log[0]["actor_id"]) == ("contact_merged", str(desk.caller.user_id))
    with desk.rows.session() as session:
        for table in (Notification, EmittedEvent):
            assert session.exec(select(table.contact_id)).all() == [kept.id], table
    same = desk.caller.post(url, json={"contact_id": str(kept.id), "confirm": True})
    assert same.status_code == 422


def test_nobody_merges_with_another_organizations_contact(desk: Desk, register: NewCaller) -> None:
    mine, other = desk.rows.contact("Maria", "5511900000001"), register()
    made = other.post("/api/v1/contacts", json={"name": "Deles", "phone": "+5511900000002"})
    assert made.status_code == 201, made.text
    theirs = made.json()["id"]
    for one, two in ((str(mine.id), theirs), (theirs, str(mine.id))):
        refused = desk.caller.post(f"/api/v1/contacts/{one}/merge", json={"contact_id": two, "confirm": True})
        assert refused.status_code == 404
    assert other.get(f"/api/v1/contacts/{theirs}").status_code == 200


def test_refusals_are_documented(desk: Desk) -> None:
    paths = desk.caller.get("/openapi.json").json()["paths"]
    for path, method, statuses in (
        ("/api/v1/conversations/{conversation_id}/messages", "post", {"409", "422", "429"}),
        ("/api/v1/conversations/{conversation_id}/uploads", "post", {"409", "413", "422", "429"}),
        ("/api/v1/conversations/{conversation_id}/status", "patch", {"404", "409", "422"}),
        ("/api/v1/contacts/{contact_id}/merge", "post", {"404", "409", "422"}),
    ):
        responses = paths[path][method]["responses"]
        assert statuses <= responses.keys(), path
        assert "application/problem+json" in responses["422"]["content"], path
