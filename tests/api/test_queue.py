"""The message queue's endpoints, with the bodies of earlier versions too."""

from typing import Any

import pytest

from tests.api.fixtures import Caller

TEMPLATE: dict[str, Any] = {
    "to": "5561994013828",
    "message_type": "template",
    "content": {"name": "pytake_saudacao", "language": "pt_BR"},
    "priority": "High",
    "max_attempts": 5,
}


@pytest.fixture
def sender(caller: Caller) -> Caller:
    """An administrator with a number."""
    body = {"name": "Shop", "phone_number_id": "1098765432101", "access_token": "t", "app_secret": "s" * 32}
    response = caller.post("/api/v1/whatsapp/numbers", json=body)
    assert response.status_code == 201, response.text
    return caller


def test_the_published_body_is_queued(sender: Caller) -> None:
    response = sender.post("/api/v1/queue/send", json=TEMPLATE)
    assert response.status_code == 202, response.text
    queued = response.json()
    assert (queued["state"], queued["priority"], queued["max_attempts"]) == ("queued", "high", 5)
    assert sender.get(f"/api/v1/queue/message/{queued['id']}").json() == queued
    assert sender.get(f"/api/v1/queue/message/{queued['message_id']}").json()["id"] == queued["id"]
    stats = sender.get("/api/v1/queue/stats").json()
    assert stats["queued"] == 1
    assert {p["priority"]: p["queued"] for p in stats["priorities"]}["high"] == 1


def test_free_text_outside_the_window_is_refused(sender: Caller) -> None:
    response = sender.post("/api/v1/queue/send", json={"to": "5561994013828", "content": {"text": "oi"}})
    assert response.status_code == 409
    assert response.json()["code"] == "window_closed"
    assert sender.get("/api/v1/queue/stats").json()["queued"] == 0


def test_content_that_cannot_be_sent_names_its_member(sender: Caller) -> None:
    body = {**TEMPLATE, "content": {"name": "x", "language": "pt_BR", "bodyy": ["1"]}}
    response = sender.post("/api/v1/queue/send", json=body)
    assert response.status_code == 422, response.text


def test_cancel_and_retry_only_when_they_make_sense(sender: Caller) -> None:
    queued = sender.post("/api/v1/queue/send", json=TEMPLATE).json()
    path = f"/api/v1/queue/message/{queued['id']}"
    assert sender.post(f"{path}/retry").json()["code"] == "not_dead"
    assert sender.post(f"{path}/cancel").json()["state"] == "canceled"
    assert sender.post(f"{path}/cancel").json()["code"] == "not_cancelable"
    assert sender.get("/api/v1/queue/dead-letter").json() == {"items": [], "next_cursor": None}


def test_another_organizations_message_does_not_exist(sender: Caller, register: Any) -> None:
    queued = sender.post("/api/v1/queue/send", json=TEMPLATE).json()
    other = register()
    for path in (f"/api/v1/queue/message/{queued['id']}",):
        assert other.get(path).status_code == 404
        assert other.post(f"{path}/cancel").status_code == 404
