"""Plans: what they allow is refused beyond, by every way of creating, also when two come at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlmodel import select

from pytake_app.accounts import administration, plans
from pytake_app.accounts.limits import LimitError, require_room
from pytake_app.accounts.models import Organization
from pytake_app.accounts.plans import Resource
from pytake_app.api.services import Services
from pytake_app.contacts.models import Contact
from pytake_app.core.clock import FrozenClock
from pytake_app.flows.models import Flow
from pytake_app.notifications.models import Notification
from tests.api.fixtures import Caller, NewCaller

NUMBER = {"name": "Shop", "access_token": "t", "app_secret": "s" * 32}
TEMPLATE: dict[str, Any] = {
    "to": "5561994013828",
    "message_type": "template",
    "content": {"name": "pytake_saudacao", "language": "pt_BR"},
}


def limit(services: Services, caller: Caller, **limits: int | None) -> None:
    with services.database.administration() as session:
        organization = session.get_one(Organization, caller.organization_id)
        organization.limits = {**organization.limits, **limits}
        session.add(organization)


def used(caller: Caller) -> dict[str, tuple[int, int | None]]:
    answer = caller.get(f"/api/v1/organizations/{caller.organization_id}/usage").json()
    return {each["resource"]: (each["used"], each["limit"]) for each in answer["resources"]}


def refused(response: Any, resource: str, limit: int, used: int) -> None:
    assert response.status_code == 403, response.text
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert {name: problem[name] for name in ("code", "resource", "limit", "used")} == {
        "code": "plan_limit", "resource": resource, "limit": limit, "used": used,
    }  # fmt: skip


def test_who_registers_has_a_trial_and_then_the_free_plan(caller: Caller, frozen_clock: FrozenClock) -> None:
    address = f"/api/v1/organizations/{caller.organization_id}/usage"
    answer = caller.get(address).json()
    assert (answer["plan"], answer["trial_days_left"]) == ("professional", 14)
    frozen_clock.advance(timedelta(days=13, hours=1))
    headers = sign_in(caller)
    assert caller.get(address, headers=headers).json()["trial_days_left"] == 1
    frozen_clock.advance(timedelta(days=1))
    headers = sign_in(caller)
    answer = caller.get(address, headers=headers).json()
    assert (answer["plan"], answer["trial_days_left"], answer["trial_ends_at"]) == ("free", None, None)
    assert {each["resource"]: each["limit"] for each in answer["resources"]} == {
        "users": 2, "numbers": 1, "contacts": 1_000, "messages": 1_000, "flows": 10,
    }  # fmt: skip


def sign_in(caller: Caller) -> dict[str, str]:
    body = {"email": caller.email, "password": "correct horse battery staple"}
    answer = caller.client.post("/api/v1/auth/login", json=body).json()
    return {"Authorization": f"Bearer {answer['access_token']}"}


def test_each_way_to_a_flow_ends_at_the_limit(caller: Caller, services: Services) -> None:
    flow = caller.post("/api/v1/flows", json={"name": "One"}).json()
    document = caller.get(f"/api/v1/flows/{flow['id']}/export").json()
    there = used(caller)["flows"][0]
    limit(services, caller, flows=there)
    refused(caller.post("/api/v1/flows", json={"name": "Two"}), "flows", there, there)
    refused(caller.post(f"/api/v1/flows/{flow['id']}/duplicate", json={}), "flows", there, there)
    refused(caller.post("/api/v1/flows/import", json={"document": document}), "flows", there, there)
    starter = caller.get("/api/v1/flow-templates").json()["items"][0]["key"]
    refused(caller.post("/api/v1/flows/from-template", json={"starter": starter}), "flows", there, there)
    # What goes makes room, and may not come back once somebody else has it.
    assert caller.delete(f"/api/v1/flows/{flow['id']}").status_code in (200, 204)
    assert caller.post("/api/v1/flows", json={"name": "Two"}).status_code == 201
    refused(caller.post(f"/api/v1/flows/{flow['id']}/restore", json={}), "flows", there, there)
    assert used(caller)["flows"] == (there, there)


def test_numbers_and_contacts_end_at_the_limit(caller: Caller, services: Services) -> None:
    limit(services, caller, numbers=1, contacts=1)
    assert used(caller)["numbers"] == (0, 1), "the sandbox's number is everybody's"
    first = caller.post("/api/v1/whatsapp/numbers", json={**NUMBER, "phone_number_id": "1098765432101"})
    assert first.status_code == 201, first.text
    second = {**NUMBER, "phone_number_id": "2098765432101"}
    refused(caller.post("/api/v1/whatsapp/numbers", json=second), "numbers", 1, 1)
    address = f"/api/v1/whatsapp/numbers/{first.json()['id']}"
    assert caller.delete(address).status_code == 204
    assert caller.post("/api/v1/whatsapp/numbers", json=second).status_code == 201
    assert caller.patch(address, json={"status": "active"}).status_code == 404, "it doesn't come back this way"
    made = caller.post("/api/v1/contacts", json={"name": "Ana", "phone": "+5511987654321"}).json()
    refused(caller.post("/api/v1/contacts", json={"name": "Bia", "phone": "+5511987654322"}), "contacts", 1, 1)
    refused(caller.post("/api/v1/queue/send", json=TEMPLATE), "contacts", 1, 1)
    assert caller.delete(f"/api/v1/contacts/{made['id']}").status_code == 204
    assert used(caller)["contacts"] == (0, 1)


def test_messages_of_a_month_end_at_the_limit_and_begin_anew(
    caller: Caller, services: Services, frozen_clock: FrozenClock
) -> None:
    caller.post("/api/v1/whatsapp/numbers", json={**NUMBER, "phone_number_id": "1098765432101"})
    limit(services, caller, messages=2)
    for n in range(2):
        response = caller.post("/api/v1/queue/send", json={**TEMPLATE, "to": f"551198765430{n}"})
        assert response.status_code == 202, response.text
    refused(caller.post("/api/v1/queue/send", json=TEMPLATE), "messages", 2, 2)
    assert used(caller)["messages"] == (2, 2)
    now = frozen_clock.now()
    frozen_clock.advance(plans.next_month(now) - now)
    caller.headers = sign_in(caller)
    assert used(caller)["messages"] == (0, 2)
    assert caller.post("/api/v1/queue/send", json=TEMPLATE).status_code == 202


@pytest.mark.parametrize("resource", [Resource.FLOWS, Resource.CONTACTS, Resource.MESSAGES])
def test_many_at_once_cannot_pass_the_limit(caller: Caller, services: Services, resource: Resource) -> None:
    """Each in a transaction of its own, all begun before any ends."""
    room, people = 3, 8
    add: dict[Resource, Callable[[Any], None]] = {
        Resource.FLOWS: lambda session: session.add(
            Flow(organization_id=caller.organization_id, name="x", slug=uuid4().hex, draft_document={})
        ),
        Resource.CONTACTS: lambda session: session.add(Contact(organization_id=caller.organization_id, name="x")),
        Resource.MESSAGES: lambda session: session.execute(
            text("INSERT INTO usage_counts VALUES (:id, 'messages', :month, 1)"),
            {"id": caller.organization_id, "month": plans.month_of(services.clock.now())},
        ),
    }
    there = used(caller)[resource.value][0]
    limit(services, caller, **{resource.value: there + room})
    together = threading.Barrier(people, timeout=20)
    outcomes: list[str] = []

    def create() -> None:
        with services.database.tenant(caller.organization_id) as session:
            session.execute(text("SELECT 1"))
            together.wait()
            try:
                require_room(session, resource, clock=services.clock)
            except LimitError:
                outcomes.append("refused")
                return
            add[resource](session)
            session.flush()
            outcomes.append("made")

    threads = [threading.Thread(target=create) for _ in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["made"] * room + ["refused"] * (people - room)
    assert used(caller)[resource.value] == (there + room, there + room)


def test_administrators_are_told_at_80_percent_and_at_the_limit_once(register: NewCaller, services: Services) -> None:
    caller = register(locale="en")
    limit(services, caller, contacts=5)

    def told() -> list[tuple[str, str]]:
        with services.database.tenant(caller.organization_id) as session:
            rows = session.exec(select(Notification).order_by(Notification.id)).all()
            return [(row.level, row.title) for row in rows if row.kind == "plan"]

    for n in range(3):
        caller.post("/api/v1/contacts", json={"name": str(n)})
    assert told() == []
    caller.post("/api/v1/contacts", json={"name": "4th"})
    assert told() == [("warning", "80% of your limit of contacts is used")]
    caller.post("/api/v1/contacts", json={"name": "5th"})
    assert told()[1:] == [("urgent", "Your plan’s limit of contacts is reached")]
    caller.post("/api/v1/contacts", json={"name": "6th"})
    assert len(told()) == 2


def test_what_is_beyond_a_smaller_plan_stays(caller: Caller, services: Services) -> None:
    there = used(caller)["flows"][0]
    limit(services, caller, flows=there - 1)
    assert used(caller)["flows"] == (there, there - 1)
    assert len(caller.get("/api/v1/flows").json()["items"]) == there
    refused(caller.post("/api/v1/flows", json={"name": "Two"}), "flows", there - 1, there)
    with services.database.administration() as session:
        usage = plans.usage(session, [caller.organization_id], services.clock.now())[caller.organization_id][1]
    assert next(each for each in usage if each.resource is Resource.FLOWS).percent > 100


def test_an_unlimited_plan_refuses_nothing(caller: Caller, services: Services) -> None:
    with services.database.administration() as session:
        session.get_one(Organization, caller.organization_id).plan = "enterprise"
    with services.database.tenant(caller.organization_id) as session:
        for resource in Resource:
            require_room(session, resource, 1_000_000_000, clock=services.clock)


def test_nobody_reaches_anothers_organization(register: NewCaller, services: Services) -> None:
    one, two = register(), register()
    with (
        pytest.raises(Exception, match="no such organization"),
        administration.reach(services.database, principal(services, one), two.organization_id),
    ):
        raise AssertionError("reached")


def principal(services: Services, caller: Caller) -> Any:
    return services.accounts.resolve_bearer(caller.headers["Authorization"].removeprefix("Bearer "))


def organization(services: Services, organization_id: UUID) -> Organization:
    with services.database.auth() as session:
        return session.exec(select(Organization).where(Organization.id == organization_id)).one()


def test_open_invitations_keep_their_places(caller: Caller, services: Services, frozen_clock: FrozenClock) -> None:
    limit(services, caller, users=3)
    people = "/api/v1/users/invitations"

    def ask(email: str) -> Any:
        return caller.post(people, json={"email": email})

    first, second = ask("rui@example.com").json(), ask("bia@example.com").json()
    refused(ask("leo@example.com"), "users", 3, 1)
    # A renewed link is no new place; one that is taken back or too old leaves its own.
    assert caller.post(f"{people}/{first['id']}/resend").status_code == 200
    assert caller.delete(f"{people}/{second['id']}").status_code == 204
    third = ask("leo@example.com").json()
    frozen_clock.advance(timedelta(days=8))
    caller.headers = sign_in(caller)
    assert (ask("ana@example.com").status_code, ask("eva@example.com").status_code) == (201, 201)
    refused(caller.post(f"{people}/{third['id']}/resend"), "users", 3, 1)
