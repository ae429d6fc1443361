"""Service queues and business hours by the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pytake_app.queues.calendars import is_open
from pytake_app.queues.models import BusinessCalendar
from tests.api.fixtures import Caller

QUEUES, HOURS = "/api/v1/queues", "/api/v1/business-hours"


def put(caller: Caller, queue_id: str, **body: Any) -> Any:
    return caller.request("PUT", f"{QUEUES}/{queue_id}", json=body)


def test_a_queue_is_made_replaced_and_taken_away(caller: Caller) -> None:
    department = caller.post("/api/v1/departments", json={"name": "Vendas"}).json()
    hours = caller.post(HOURS, json={"name": "Plantão", "timezone": "America/Manaus"}).json()
    body = {
        "name": "  Vendas ",
        "department_id": department["id"],
        "business_hours_id": hours["id"],
        "max_size": 20,
        "max_wait_minutes": 15,
        "priority": 5,
        "skills": ["inglês", "inglês"],
        "messages": {"welcome": "Aguarde", "waiting": "", "closed": "Voltamos às 9h"},
        "overflow": {"action": "message", "message": "Estamos cheios"},
    }
    made = caller.post(QUEUES, json=body)
    assert made.status_code == 201, made.text
    queue = made.json()
    assert (queue["name"], queue["skills"], queue["overflow"]["message"]) == ("Vendas", ["inglês"], "Estamos cheios")
    assert caller.get(f"{QUEUES}/{queue['id']}").json() == queue
    replaced = put(caller, queue["id"], name="Vendas 2").json()
    assert (replaced["max_size"], replaced["department_id"], replaced["messages"]["welcome"]) == (None, None, "")
    assert caller.delete(f"{QUEUES}/{queue['id']}").status_code == 204
    assert caller.get(f"{QUEUES}/{queue['id']}").status_code == 404


def test_names_are_unique_and_references_must_be_there(caller: Caller) -> None:
    first = caller.get(QUEUES).json()["items"][0]
    taken = caller.post(QUEUES, json={"name": first["name"]})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    nobody = "0190a000-0000-7000-8000-000000000000"
    overflow = {"action": "queue", "queue_id": nobody}
    for wrong in ({"department_id": nobody}, {"business_hours_id": nobody}, {"overflow": overflow}):
        answer = caller.post(QUEUES, json={"name": "X", **wrong})
        assert answer.status_code == 422, answer.text
    assert caller.post(QUEUES, json={"name": "X", "overflow": {"action": "queue"}}).status_code == 422


def test_there_is_always_one_default_queue(caller: Caller) -> None:
    default, other = caller.get(QUEUES).json()["items"]
    assert (default["is_default"], other["is_default"]) == (True, False)
    assert caller.delete(f"{QUEUES}/{default['id']}").json()["code"] == "default_needed"
    assert put(caller, default["id"], name="A").json()["code"] == "default_needed"
    assert put(caller, other["id"], name=other["name"], is_default=True).status_code == 200
    assert [q["name"] for q in caller.get(QUEUES).json()["items"] if q["is_default"]] == [other["name"]]
    assert caller.delete(f"{QUEUES}/{default['id']}").status_code == 204


def test_queues_do_not_overflow_in_a_circle(caller: Caller) -> None:
    one, two = (queue["id"] for queue in caller.get(QUEUES).json()["items"])
    chain = {"action": "queue", "queue_id": two}
    assert put(caller, one, name="1", is_default=True, overflow=chain).status_code == 200
    back = put(caller, two, name="2", overflow={"action": "queue", "queue_id": one})
    assert (back.status_code, back.json()["errors"][0]["code"]) == (422, "overflow_circle")
    itself = put(caller, two, name="2", overflow={"action": "queue", "queue_id": two})
    assert itself.status_code == 422


def test_calendars_keep_hours_and_holidays(caller: Caller) -> None:
    (default,) = caller.get(HOURS).json()["items"]
    assert default["effective_timezone"] == "America/Sao_Paulo"
    assert {"date": "09-07", "name": "Independência do Brasil"} in default["holidays"]
    night = {"days": [5, 5, 4], "opens": "22:00", "closes": "02:00"}
    body = {"name": "Noite", "timezone": "Europe/Lisbon", "periods": [night], "holidays": [{"date": "2026-12-24"}]}
    made = caller.post(HOURS, json=body).json()
    assert made["periods"][0]["days"] == [4, 5]
    changed = caller.patch(f"{HOURS}/{made['id']}", json={"is_default": True}).json()
    assert (changed["is_default"], changed["periods"]) == (True, made["periods"])
    assert caller.delete(f"{HOURS}/{made['id']}").json()["code"] == "default_needed"
    assert caller.delete(f"{HOURS}/{default['id']}").status_code == 204


@pytest.mark.parametrize(
    "wrong",
    [
        {"timezone": "Mars/Olympus"},
        {"periods": [{"days": [7], "opens": "09:00", "closes": "18:00"}]},
        {"periods": [{"days": [1], "opens": "9h", "closes": "18:00"}]},
        {"holidays": [{"date": "02-30"}]},
        {"holidays": [{"date": "2026-02-29"}]},
        {"holidays": [{"date": "natal"}]},
    ],
)
def test_hours_that_are_none_are_refused(caller: Caller, wrong: dict[str, Any]) -> None:
    assert caller.post(HOURS, json={"name": "X", **wrong}).status_code == 422


def test_open_is_told_by_the_calendars_own_zone() -> None:
    office = {"days": [0, 1, 2, 3, 4], "opens": "09:00", "closes": "18:00"}
    calendar = BusinessCalendar(name="x", periods=[office], holidays=[{"date": "11-20"}])
    monday = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
    assert not is_open(calendar, "America/Sao_Paulo", monday)  # 8:30 there
    assert is_open(calendar, "UTC", monday)
    assert not is_open(calendar, "UTC", datetime(2026, 11, 20, 12, tzinfo=UTC))  # a Friday, but a holiday
    night = BusinessCalendar(name="n", periods=[{"days": [4], "opens": "22:00", "closes": "02:00"}])
    assert is_open(night, "UTC", datetime(2026, 11, 28, 1, tzinfo=UTC))  # Saturday, one in the morning
    assert not is_open(night, "UTC", datetime(2026, 11, 29, 1, tzinfo=UTC))
    # A holiday's evening is none, past midnight neither; the evening before goes on into the holiday.
    night.holidays = [{"date": "2026-11-27"}]
    assert not is_open(night, "UTC", datetime(2026, 11, 28, 1, tzinfo=UTC))
    night.holidays = [{"date": "2026-11-28"}]
    assert is_open(night, "UTC", datetime(2026, 11, 28, 1, tzinfo=UTC))
