"""Invitations and the organization's people: who may what, races, expiry, and the last administrator."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from pytake_app.accounts import api_people
from pytake_app.accounts.models import User
from pytake_app.accounts.security_models import Invitation
from pytake_app.api.services import Services
from pytake_app.core.clock import FrozenClock
from pytake_app.core.pagination import encode_cursor
from pytake_app.outgoing.mail_models import OutgoingMail
from tests.api.fixtures import PASSWORD, Caller, NewCaller

USERS, INVITATIONS = "/api/v1/users", "/api/v1/users/invitations"


def invite(caller: Caller, email: str = "", **fields: Any) -> dict[str, Any]:
    response = caller.post(INVITATIONS, json={"email": email or f"{uuid4().hex[:8]}@example.com", **fields})
    assert response.status_code == 201, response.text
    return dict(response.json())


def token_of(invitation: dict[str, Any]) -> str:
    return str(invitation["link"]).rpartition("/")[2]


def accept(client: TestClient, token: str, password: str = PASSWORD, name: str = "Rui Alves") -> Any:
    body = {"token": token, "full_name": name, "password": password}
    return client.post("/api/v1/invitations/accept", json=body)


def sign_in(client: TestClient, email: str, password: str = PASSWORD) -> Any:
    return client.post("/api/v1/auth/login", json={"email": email, "password": password})


def join(caller: Caller, role: str = "agent") -> Caller:
    """Somebody invited by `caller`, signed in."""
    invitation = invite(caller, role=role)
    assert accept(caller.client, token_of(invitation)).status_code == 201
    answer = sign_in(caller.client, invitation["email"]).json()
    return Caller(caller.client, answer, invitation["email"], {"Authorization": f"Bearer {answer['access_token']}"})


def test_an_invited_person_joins_with_role_and_department_and_the_link_is_used_up(
    caller: Caller, services: Services
) -> None:
    department = caller.post("/api/v1/departments", json={"name": "Vendas"}).json()["id"]
    made = invite(caller, "  Rui@Example.com ", role="agent", departments=[department], locale="es")
    assert (made["email"], made["state"], made["invited_by"]) == ("rui@example.com", "open", "Ana Souza")
    with services.database.system() as session:
        mail = session.exec(select(OutgoingMail)).one()
    assert (mail.recipient, mail.template, mail.locale) == ("rui@example.com", "invitation", "es")
    with services.database.auth() as session:
        assert token_of(made) not in str(session.exec(select(Invitation)).one())
    offer = caller.client.post("/api/v1/invitations/offer", json={"token": token_of(made)}).json()
    assert (offer["email"], offer["invited_by"], offer["role"]) == ("rui@example.com", "Ana Souza", "agent")
    weak = accept(caller.client, token_of(made), password="qwertyuiop1")
    assert (weak.status_code, weak.json()["code"]) == (422, "password_weak")
    assert accept(caller.client, token_of(made)).json() == {"email": "rui@example.com"}
    again = accept(caller.client, token_of(made))
    assert (again.status_code, again.json()["code"]) == (404, "invitation_invalid")
    listed = {row["email"]: row for row in caller.get(USERS).json()["items"]}
    rui = listed["rui@example.com"]
    assert (rui["role"], rui["departments"], rui["locale"], rui["second_factor"]) == (
        "agent",
        [department],
        "es",
        False,
    )
    assert caller.get(INVITATIONS).json()["items"] == []
    assert sign_in(caller.client, "rui@example.com").status_code == 200
    [told] = caller.get("/api/v1/notifications").json()["items"]
    assert (told["kind"], told["title"], told["body"]) == ("team", "Rui Alves entrou na equipe", "rui@example.com")


def test_two_who_use_a_link_at_once_make_one_account(caller: Caller) -> None:
    token = token_of(invite(caller))
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(lambda n: accept(caller.client, token, name=f"R{n}").status_code, range(4)))
    assert statuses == [201, 404, 404, 404]
    assert len(caller.get(USERS).json()["items"]) == 2


def test_an_invitation_runs_out_is_renewed_and_taken_back(caller: Caller, frozen_clock: FrozenClock) -> None:
    made = invite(caller, "rui@example.com")
    assert caller.post(INVITATIONS, json={"email": "rui@example.com"}).json()["code"] == "invitation_open"
    renewed = caller.post(f"{INVITATIONS}/{made['id']}/resend").json()
    assert accept(caller.client, token_of(made)).status_code == 404  # the first link
    frozen_clock.advance(timedelta(days=7, minutes=1))
    caller.headers = {"Authorization": f"Bearer {sign_in(caller.client, caller.email).json()['access_token']}"}
    assert caller.get(INVITATIONS).json()["items"][0]["state"] == "expired"
    assert accept(caller.client, token_of(renewed)).status_code == 404
    newest = invite(caller, "rui@example.com")  # an expired one doesn't stand in the way
    assert caller.delete(f"{INVITATIONS}/{newest['id']}").status_code == 204
    assert accept(caller.client, token_of(newest)).status_code == 404
    assert caller.delete(f"{INVITATIONS}/{newest['id']}").status_code == 404


def test_nobody_is_invited_twice_nor_above_oneself(caller: Caller, register: NewCaller) -> None:
    other = register()
    for email in (caller.email, other.email):
        assert caller.post(INVITATIONS, json={"email": email}).json()["code"] == "email_taken"
    high = caller.post(INVITATIONS, json={"email": "x@example.com", "role": "super_admin"})
    assert (high.status_code, high.json()["code"]) == (403, "role_too_high")
    agent = join(caller)
    for answer in (agent.post(INVITATIONS, json={"email": "y@example.com"}), agent.get(INVITATIONS)):
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_missing")
    assert {row["second_factor"] for row in agent.get(USERS).json()["items"]} == {None}
    wrong = caller.post(INVITATIONS, json={"email": "z@example.com", "departments": [str(uuid4())]})
    assert wrong.status_code == 422


def test_with_a_mail_server_the_link_is_only_in_the_mail(
    caller: Caller, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing = services.settings.model_copy(
        update={"smtp_url": type(services.settings.smtp_url)("smtp://127.0.0.1"), "public_url": "https://x.example"}
    )
    monkeypatch.setattr(services, "settings", mailing)
    with services.database.auth() as session:
        session.get_one(User, caller.user_id).email_confirmed_at = services.clock.now()
    made = invite(caller)
    assert (made["mailed"], made["link"]) == (True, "")
    reset = caller.post(f"{USERS}/{join_directly(caller)}/password-reset").json()
    assert reset == {"mailed": True, "link": ""}


def test_people_are_listed_page_by_page_and_found_by_parts_of_names(caller: Caller, services: Services) -> None:
    names = ["Ana Souza", "Ana Souza", "Érica 100%", "Zoë", "bruno"]
    with services.database.tenant(caller.organization_id) as session:
        session.add_all(
            User(
                organization_id=caller.organization_id, email=f"{number}@loja.example", password_hash="-",
                full_name=name, created_at=services.clock.now(),
            )
            for number, name in enumerate(names)
        )  # fmt: skip
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = caller.get(USERS, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert seen == [row["id"] for row in caller.get(USERS).json()["items"]]  # nobody twice, nobody left out
    assert len(set(seen)) == 6

    def found(q: str) -> list[str]:
        return [row["full_name"] for row in caller.get(USERS, params={"q": q}).json()["items"]]

    assert found("erica") == found("00%") == ["Érica 100%"]
    assert found("ZOE") == ["Zoë"]
    assert found("4@loja") == ["bruno"]
    assert found("_%") == [] == found("nobody")
    for cursor in ("x", encode_cursor("Ana", "no id"), encode_cursor("Ana")):
        assert caller.get(USERS, params={"cursor": cursor}).status_code == 422


def join_directly(caller: Caller) -> str:
    body = {"email": f"{uuid4().hex[:8]}@example.com", "full_name": "Rui", "password": PASSWORD}
    return str(caller.post(USERS, json=body).json()["id"])


def test_who_is_deactivated_is_out_at_once_and_may_come_back(caller: Caller) -> None:
    agent = join(caller)
    assert agent.get("/api/v1/auth/me").status_code == 200
    address = f"{USERS}/{agent.user_id}"
    assert caller.put(f"{address}/status", json={"is_active": False}).json()["is_active"] is False
    assert agent.get("/api/v1/auth/me").status_code == 401
    assert sign_in(caller.client, agent.email).status_code == 401
    assert caller.post(f"{address}/password-reset").json()["code"] == "user_inactive"
    caller.patch(address, json={"is_active": True, "role": "viewer", "full_name": "Rui B."})
    again = sign_in(caller.client, agent.email).json()["user"]
    assert (again["role"], again["full_name"]) == ("viewer", "Rui B.")


def test_who_is_removed_frees_the_address_and_keeps_the_name(caller: Caller, services: Services) -> None:
    agent = join(caller)
    assert caller.delete(f"{USERS}/{agent.user_id}").status_code == 204
    assert agent.get("/api/v1/auth/me").status_code == 401
    assert [row["email"] for row in caller.get(USERS).json()["items"]] == [caller.email]
    assert caller.get(f"{USERS}/{agent.user_id}").status_code == 404
    with services.database.auth() as session:
        assert session.get_one(User, agent.user_id).full_name == "Rui Alves"
    invite(caller, agent.email)


def test_the_last_administrator_stays(caller: Caller) -> None:
    address = f"{USERS}/{caller.user_id}"
    second = join(caller, "org_admin")
    assert second.patch(address, json={"is_active": False}).status_code == 200
    for body in ({"role": "agent"}, {"role": "viewer"}):
        refused = second.patch(f"{USERS}/{second.user_id}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")
    for refused in (
        second.delete(f"{USERS}/{second.user_id}"), second.patch(f"{USERS}/{second.user_id}", json={"is_active": False})
    ):  # fmt: skip
        assert (refused.status_code, refused.json()["code"]) == (409, "not_yourself")


def test_two_administrators_who_demote_each_other_at_once_leave_one(caller: Caller) -> None:
    second = join(caller, "org_admin")
    moves = [(caller, second.user_id), (second, caller.user_id)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda m: m[0].patch(f"{USERS}/{m[1]}", json={"role": "agent"}).status_code, moves))
    assert answers.count(200) == 1
    admins = [row for row in caller.get(USERS).json()["items"] if row["role"] == "org_admin"]
    assert len(admins) == 1


def test_mails_to_others_are_limited(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    made, colleague = invite(caller), join_directly(caller)
    for path in (f"{INVITATIONS}/{made['id']}/resend", f"{USERS}/{colleague}/password-reset"):
        statuses = [caller.post(path).status_code for _ in range(6)]
        assert statuses == [200] * 5 + [429], path
    agent = join(caller)
    monkeypatch.setattr(api_people, "MAILS_PER_ORGANIZATION", "14 per hour")
    # Who may write to nobody takes nothing from those who may.
    assert agent.post(INVITATIONS, json={"email": "x@example.com"}).status_code == 403
    assert [caller.post(INVITATIONS, json={"email": f"p{n}@example.com"}).status_code for n in range(3)][-1] == 429


def test_a_list_of_addresses_is_not_asked_for_accounts(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Adding somebody tells whether an address has an account, in whatever organization."""
    monkeypatch.setattr(api_people, "PEOPLE_PER_ORGANIZATION", "3 per hour")
    body = {"email": caller.email, "full_name": "Rui", "password": PASSWORD}
    statuses = [caller.post(USERS, json=body).status_code for _ in range(4)]
    assert statuses == [409, 409, 409, 429]
    agent = join(caller)
    assert agent.post(USERS, json=body).status_code == 403


def test_an_address_that_would_be_anothers_is_not_invited(caller: Caller) -> None:
    for email in ("straße@example.com", "\N{LATIN SMALL LIGATURE FF}@example.com"):
        refused = caller.post(INVITATIONS, json={"email": email, "role": "agent"})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/email")
    assert invite(caller, "Jürgen.Ä@Example.com")["email"] == "jürgen.ä@example.com"


def test_an_invitation_is_worth_what_its_inviter_may(caller: Caller) -> None:
    boss = join(caller, "org_admin")
    made = invite(boss, role="org_admin")
    address = f"{USERS}/{boss.user_id}"

    def offered(invitation: dict[str, Any]) -> int:
        body = {"token": token_of(invitation)}
        return int(caller.client.post("/api/v1/invitations/offer", json=body).status_code)

    assert offered(made) == 200
    assert caller.patch(address, json={"role": "agent"}).status_code == 200
    assert offered(made) == accept(caller.client, token_of(made)).status_code == 404
    assert caller.patch(address, json={"role": "org_admin", "is_active": False}).status_code == 200
    assert offered(made) == 404
    again = caller.post(f"{INVITATIONS}/{made['id']}/resend").json()  # now it is another's
    assert (again["invited_by"], offered(again)) == ("Ana Souza", 200)
    assert accept(caller.client, token_of(again)).status_code == 201
