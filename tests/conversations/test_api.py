# ruff: noqa: E501
"""The inbox over HTTP."""

import hashlib
from pathlib import Path
from uuid import uuid4

import pytest

from pytake_app.config import Settings
from pytake_app.messaging.models import MediaAsset
from tests.api.fixtures import NewCaller
from tests.conversations.conftest import Desk

BASE = "/api/v1/conversations"


def test_a_conversation_is_answered(desk: Desk) -> None:
    thread = desk.rows.conversation()
    asked = desk.rows.message(thread, "Quanto custa?")
    row = desk.caller.get(
        BASE, params={"status": ["open", "pending"], "agent": "none", "period": "today", "q": "conceicao"}
    ).json()["items"][0]
    assert {"id", "contact", "channel", "channel_account_id", "status", "priority", "assignee", "queue", "unread_count",
            "last_message", "window_expires_at", "tags"} <= row.keys()  # fmt: skip
    assert row["contact"]["phone"] == "5511987654321"
    url = f"{BASE}/{thread.id}"
    assert desk.caller.patch(f"{url}/read").json()["unread_count"] == 0
    sent = desk.caller.post(f"{url}/messages", json={"text": "R$ 10", "client_id": "c1", "reply_to": str(asked.id)})
    assert sent.status_code == 201, sent.text
    message = sent.json()
    assert {"id", "conversation_id", "contact_id", "channel", "direction", "type", "text", "selection_id", "media", "location",
            "context_external_id", "external_id", "status", "errors", "author", "flow_session_id", "node_id", "sent_at",
            "created_at"} <= message.keys()  # fmt: skip
    assert (message["direction"], message["author"], message["context_external_id"]) == (
        "out", str(desk.caller.user_id), asked.external_id,
    )  # fmt: skip
    again = desk.caller.post(f"{url}/messages", json={"text": "R$ 10", "client_id": "c1"}).json()
    assert again["id"] == message["id"]
    assert [m["text"] for m in desk.caller.get(f"{url}/messages").json()["items"]] == ["R$ 10", "Quanto custa?"]
    assert desk.caller.get("/api/v1/messages", params={"external_id": asked.external_id}).json()["items"][0][
        "id"
    ] == str(asked.id)
    assert desk.caller.get(f"/api/v1/messages/{message['id']}").json()["client_id"] == "c1"
    detail = desk.caller.get(url).json()
    assert (detail["handling"], detail["assignee"]["name"], detail["can_send"]) == ("person", "Ana Souza", True)
    assert desk.caller.get(f"{BASE}/stats").json()["mine"] == 1
    assert len(desk.caller.get(BASE, params={"agent": "me"}).json()["items"]) == 1
    assert len(desk.caller.get(BASE, params={"agent": str(desk.caller.user_id)}).json()["items"]) == 1
    assert desk.caller.get(BASE, params={"agent": "none"}).json()["items"] == []
    assert len(desk.caller.get(BASE, params={"assignee": "mine"}).json()["items"]) == 1
    assert desk.caller.post(f"{url}/give-back", json={}).json()["handling"] == "bot"
    assert desk.caller.post(f"{url}/take-over").json()["handling"] == "person"
    assert desk.caller.post(f"{url}/assign", json={"user_id": None}).json()["handling"] == "waiting"
    assert desk.caller.patch(f"{url}/priority", json={"priority": "urgent"}).json()["priority"] == "urgent"
    assert desk.caller.post(f"{url}/notes", json={"text": "VIP"}).json()["direction"] == "note"
    assert desk.caller.patch(f"{url}/status", json={"status": "closed"}).json()["status"] == "closed"
    kinds = [entry["kind"] for entry in desk.caller.get(f"{url}/automation-log").json()["items"]]
    taken = ["person_took_over", "given_back", "person_took_over"]
    assert kinds[::-1] == [*taken, "assigned", "priority_changed", "status_changed"]
    refused = desk.caller.post(f"{url}/messages", json={"text": "oi"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conversation_closed")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "a", "message": {"type": "text", "text": "b"}},
        {"message": {"type": "carrier-pigeon"}},
        {"text": "x" * 4097},
        {"text": "x", "colour": "red"},
    ],
)
def test_bad_messages(desk: Desk, body: object) -> None:
    thread = desk.rows.conversation()
    response = desk.caller.post(f"{BASE}/{thread.id}/messages", json=body)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("cursor", ["nonsense", "bnVsbA", "WzEsMl0"])
def test_bad_cursors(desk: Desk, cursor: str) -> None:
    thread = desk.rows.conversation()
    for url in (
        BASE,
        "/api/v1/contacts",
        "/api/v1/flows",
        f"{BASE}/{thread.id}/messages",
        "/api/v1/flows/sessions/active",
    ):
        assert desk.caller.get(url, params={"cursor": cursor}).status_code == 422


def stored_file(
    desk: Desk, settings: Settings, mime_type: str, filename: str, body: bytes = b"<script>1</script>"
) -> str:
    sha256 = hashlib.sha256(body).hexdigest()
    path = Path("media") / sha256[:2] / sha256
    full = settings.data_dir / path
    full.parent.mkdir(parents=True, exist_ok=True)
    full.write_bytes(body)
    asset = MediaAsset(
        id=uuid4(), organization_id=desk.rows.organization_id, sha256=sha256, mime_type=mime_type, filename=filename,
        size=len(body), path=str(path),
    )  # fmt: skip
    with desk.rows.session() as session:
        session.add(asset)
    return f"/api/v1/media/{asset.id}"


@pytest.mark.parametrize(
    ("mime_type", "filename", "shown_as", "disposition"),
    [
        ("image/jpeg", "foto.jpg", "image/jpeg", "inline"),
        ("audio/ogg; codecs=opus", "voz.ogg", "audio/ogg", "inline"),
        ("text/html", "x.html", "application/octet-stream", "attachment"),
        ("image/svg+xml", "x.svg", "application/octet-stream", "attachment"),
        ("application/pdf", 'ação"\r\nX: y.pdf', "application/octet-stream", "attachment"),
    ],
)
def test_files_are_served_safely(
    desk: Desk, settings: Settings, mime_type: str, filename: str, shown_as: str, disposition: str
) -> None:
    response = desk.caller.get(stored_file(desk, settings, mime_type, filename))
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].split(";")[0] == shown_as
    assert response.headers["content-disposition"].startswith(f"{disposition};")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]
    assert "x" not in response.headers


def test_files_of_others(desk: Desk, settings: Settings, register: NewCaller) -> None:
    url = stored_file(desk, settings, "image/png", "a.png")
    assert register(organization_name="Outra").get(url).status_code == 404
    assert desk.caller.client.get(url).status_code == 401
    assert desk.caller.get(f"/api/v1/media/{uuid4()}").status_code == 404


def test_contacts(desk: Desk) -> None:
    made = desk.caller.post("/api/v1/contacts", json={"name": "Zé", "phone": "(11) 98765-4321"})
    assert (made.status_code, made.json()["phone"]) == (201, "5511987654321")
    url = f"/api/v1/contacts/{made.json()['id']}"
    assert desk.caller.post("/api/v1/contacts", json={"phone": "11987654321"}).json()["code"] == "phone_taken"
    assert desk.caller.get("/api/v1/contacts/search", params={"q": "ze"}).json()["items"][0]["name"] == "Zé"
    assert desk.caller.patch(url, json={"fields": {"a": 1}}).json()["fields"] == {"a": 1}
    assert desk.caller.post(f"{url}/opt-out").json()["consent"] == "opted_out"
    assert desk.caller.post(f"{url}/opt-in").json()["consent"] == "opted_in"
    assert desk.caller.post(f"{url}/block").json()["blocked"] is True
    assert desk.caller.post(f"{url}/unblock").json()["blocked"] is False
    assert desk.caller.post(f"{url}/tags/vip").json()["tags"] == ["vip"]
    assert desk.caller.delete(f"{url}/tags/vip").json()["tags"] == []
    assert desk.caller.get(f"{url}/stats").json()["messages_in"] == 0
    assert desk.caller.delete(url).status_code == 204
    assert desk.caller.get(url).status_code == 404
