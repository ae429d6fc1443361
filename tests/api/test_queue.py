"""The message queue's endpoints, with the bodies of earlier versions too."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from pytake_app.api.services import Services
from pytake_app.messaging import heartbeat
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


def test_many_are_listed_canceled_and_tried_again_at_once(sender: Caller, services: Services) -> None:
    made = [sender.post("/api/v1/queue/send", json={**TEMPLATE, "to": f"556199401{n:04d}"}).json() for n in range(5)]
    listed = sender.get("/api/v1/queue/messages?state=queued&limit=3").json()
    assert [row["id"] for row in listed["items"]] == [row["id"] for row in made[:1:-1]]
    assert listed["items"][0]["preview"] == "pytake_saudacao"
    assert listed["items"][0]["contact_name"] == "5561994010004"
    more = sender.get(f"/api/v1/queue/messages?state=queued&limit=3&cursor={listed['next_cursor']}").json()
    assert len(more["items"]) == 2
    assert sender.get("/api/v1/queue/messages?priority=low").json()["items"] == []

    some = {"ids": [made[0]["id"], made[1]["id"]]}
    assert sender.post("/api/v1/queue/cancel", json=some).json()["changed"] == 2
    assert sender.post("/api/v1/queue/cancel", json=some).json() == {"changed": 0}
    assert sender.post("/api/v1/queue/retry", json={"everything": True}).json() == {"changed": 0}
    with services.database.system_connection() as connection:
        connection.execute(text("UPDATE outbox SET state = 'dead', attempts = 8 WHERE state = 'queued'"))
        connection.execute(text("UPDATE messages SET status = 'failed' WHERE status = 'queued'"))
    assert sender.post("/api/v1/queue/retry", json={"everything": True}).json() == {"changed": 3}
    again = sender.get(f"/api/v1/queue/message/{made[4]['id']}").json()
    assert (again["state"], again["attempts"]) == ("queued", 0)
    with services.database.system_connection() as connection:
        statuses = connection.execute(text("SELECT status, count(*) FROM messages GROUP BY 1 ORDER BY 1")).all()
    assert [tuple(row) for row in statuses] == [("canceled", 2), ("queued", 3)]


def test_a_cancellation_is_undone_while_the_conversation_has_not_moved_on(
    sender: Caller, services: Services, register: Any
) -> None:
    at = (services.clock.now() + timedelta(hours=1)).isoformat()
    first, second = (sender.post("/api/v1/queue/send", json={**TEMPLATE, "scheduled_at": at}).json() for _ in range(2))
    other = sender.post("/api/v1/queue/send", json={**TEMPLATE, "to": "5561994010001"}).json()
    ids = [first["id"], other["id"]]
    assert sender.post("/api/v1/queue/restore", json={"ids": ids}).json() == {"changed": 0}
    assert sender.post("/api/v1/queue/cancel", json={"ids": ids}).json()["changed"] == 2
    assert register().post("/api/v1/queue/restore", json={"ids": ids}).json() == {"changed": 0}
    assert sender.post("/api/v1/queue/restore", json={"ids": ids}).json() == {"changed": 2}
    back = sender.get(f"/api/v1/queue/message/{first['id']}").json()
    assert (back["state"], back["next_attempt_at"], back["finished_at"]) == ("queued", first["next_attempt_at"], None)

    # A later message of the first one's conversation leaves meanwhile.
    sender.post("/api/v1/queue/cancel", json={"ids": ids})
    with services.database.system_connection() as connection:
        query = "UPDATE outbox SET state = 'sending', claimed_at = :now WHERE id = :id"
        connection.execute(text(query), {"id": second["id"], "now": services.clock.now()})
    assert sender.post("/api/v1/queue/restore", json={"ids": ids}).json() == {"changed": 1}
    with services.database.system_connection() as connection:
        connection.execute(text("UPDATE outbox SET state = 'sent' WHERE state = 'sending'"))
        query = "UPDATE messages SET status = 'sent', sent_at = :now WHERE id = :id"
        connection.execute(text(query), {"id": second["message_id"], "now": services.clock.now()})
    assert sender.post("/api/v1/queue/restore", json={"ids": ids}).json() == {"changed": 0}

    # Later than half a minute it stays as it is.
    sender.post("/api/v1/queue/cancel", json={"ids": [other["id"]]})
    with services.database.system_connection() as connection:
        query = "UPDATE outbox SET finished_at = finished_at - interval '31 seconds' WHERE state = 'canceled'"
        connection.execute(text(query))
    assert sender.post("/api/v1/queue/restore", json={"ids": [other["id"]]}).json() == {"changed": 0}


def test_all_that_was_canceled_at_once_comes_back_at_once(sender: Caller, services: Services, register: Any) -> None:
    at = (services.clock.now() + timedelta(hours=1)).isoformat()
    made = [
        sender.post("/api/v1/queue/send", json={**TEMPLATE, "to": f"55619940100{n:02d}", "scheduled_at": at}).json()
        for n in range(6)
    ]
    earlier = sender.post("/api/v1/queue/cancel", json={"ids": [made[2]["id"]]}).json()
    services.clock.advance(timedelta(seconds=1))
    canceled = sender.post("/api/v1/queue/cancel", json={"everything": True}).json()
    assert (earlier["changed"], canceled["changed"]) == (1, 5)
    undo = {"undo": canceled["undo"]}
    assert register().post("/api/v1/queue/restore", json=undo).json() == {"changed": 0}, "not another's"
    assert sender.post("/api/v1/queue/restore", json=undo).json() == {"changed": 5}
    states = [sender.get(f"/api/v1/queue/message/{one['id']}").json()["state"] for one in made]
    assert states == ["queued", "queued", "canceled", "queued", "queued", "queued"], "what was canceled before stays so"
    assert sender.post("/api/v1/queue/restore", json=undo).json() == {"changed": 0}
    for wrong in ({"undo": "x"}, {"undo": canceled["undo"], "ids": [made[0]["id"]]}, {}):
        assert sender.post("/api/v1/queue/restore", json=wrong).status_code == 422
    late = {"undo": sender.post("/api/v1/queue/cancel", json={"everything": True}).json()["undo"]}
    services.clock.advance(timedelta(seconds=31))
    assert sender.post("/api/v1/queue/restore", json=late).json() == {"changed": 0}


@pytest.mark.parametrize("body", [{}, {"everything": True, "ids": ["0190d0f0-0000-7000-8000-000000000000"]}])
def test_an_act_on_nobody_knows_what_is_refused(sender: Caller, body: dict[str, Any]) -> None:
    response = sender.post("/api/v1/queue/cancel", json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/ids"


def test_limits_of_a_number_and_what_is_used_of_them(sender: Caller) -> None:
    sender.post("/api/v1/queue/send", json=TEMPLATE)
    by_name = {limits["name"]: limits for limits in sender.get("/api/v1/queue/limits").json()}
    shop = by_name["Shop"]
    assert (shop["daily_limit"], shop["daily_used"], shop["queued"], shop["circuit"]) == (1000, 0, 1, "closed")
    assert all(limits["daily_limit"] is None for limits in by_name.values() if limits["sandbox"])


def test_health_says_who_is_at_work_and_what_waits(sender: Caller, services: Services) -> None:
    heartbeat.beat(services.redis, "outbox", "one")
    heartbeat.beat(services.redis, "outbox", "two")
    heartbeat.gone(services.redis, "outbox", "two")
    health = sender.get("/api/v1/queue/health").json()
    assert (health["senders"], health["schedulers"], health["lanes_waiting"]) == (1, 0, 0)
    assert len(health["minutes"]) == 30


def test_inbound_events_that_were_given_up_on_are_shown_and_handled_again(sender: Caller, services: Services) -> None:
    account = sender.get("/api/v1/whatsapp/numbers").json()["items"][0]["id"]
    organization = sender.get("/api/v1/auth/me").json()["organization"]["id"]
    with services.database.system_connection() as connection:
        connection.execute(
            text(
                "INSERT INTO inbound_events (organization_id, channel_account_id, lane, contact_key, kind, external_id,"
                " payload, state, attempts, next_attempt_at, error, received_at)"
                " VALUES (:o, :a, 1, 'x', 'message', 'wamid.x', '{}', 'dead', 5, now(), 'KeyError', now())"
            ),
            {"o": organization, "a": account},
        )
    (dead,) = sender.get("/api/v1/queue/inbound/dead-letter").json()["items"]
    assert (dead["external_id"], dead["error"], dead["attempts"]) == ("wamid.x", "KeyError", 5)
    assert sender.post("/api/v1/queue/inbound/retry", json={"ids": [dead["id"]]}).json() == {"changed": 1}
    assert sender.get("/api/v1/queue/inbound/dead-letter").json()["items"] == []


def test_states_and_a_priority_narrow_what_is_listed_and_acted_on(sender: Caller, services: Services) -> None:
    made = {
        word: sender.post("/api/v1/queue/send", json={**TEMPLATE, "to": f"556199402{n:04d}", "priority": word}).json()
        for n, word in enumerate(("critical", "normal", "low"))
    }
    with services.database.system_connection() as connection:
        connection.execute(text("UPDATE outbox SET state = 'unsure' WHERE id = :id"), {"id": made["critical"]["id"]})
        connection.execute(
            text("UPDATE outbox SET state = 'sent', finished_at = now() WHERE id = :id"), {"id": made["low"]["id"]}
        )
    listed = sender.get("/api/v1/queue/messages?state=sending&state=unsure").json()["items"]
    assert [row["id"] for row in listed] == [made["critical"]["id"]]
    assert sender.post("/api/v1/queue/cancel", json={"everything": True, "priority": "high"}).json() == {"changed": 0}
    assert sender.post("/api/v1/queue/cancel", json={"everything": True, "priority": "normal"}).json()["changed"] == 1


@pytest.mark.parametrize("path", ["stats", "limits", "health", "messages?state=queued", "inbound/dead-letter"])
def test_reading_takes_few_statements_however_much_waits(sender: Caller, services: Services, path: str) -> None:
    for n in range(4):
        sender.post("/api/v1/queue/send", json={**TEMPLATE, "to": f"556199403{n:04d}"})
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    engines = [services.database.engine(role) for role in ("pytake_app", "pytake_auth", "pytake_system")]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        assert sender.get(f"/api/v1/queue/{path}").status_code == 200
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
    assert 1 <= len(seen) <= 8, seen
