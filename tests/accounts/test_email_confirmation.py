"""Whose an e-mail address is: links once and in time, what waits for them, and what outsiders can tell."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlmodel import select

from pytake_app.accounts import email_confirmations
from pytake_app.accounts.bootstrap import make_super_admin
from pytake_app.accounts.models import User
from pytake_app.accounts.security_models import EmailConfirmation
from pytake_app.api.app import create_app
from pytake_app.api.services import Services
from pytake_app.core.clock import FrozenClock
from pytake_app.core.crypto import SecretBox
from pytake_app.outgoing.mail_models import OutgoingMail
from pytake_app.outgoing.mail_texts import compose
from tests.accounts.test_people import join, sign_in
from tests.api.fixtures import HOST, PASSWORD, Caller, NewCaller

AUTH = "/api/v1/auth"
INVITATIONS = "/api/v1/users/invitations"
NUMBER = {"name": "Loja", "phone_number_id": "123456789", "access_token": "t", "app_secret": "s"}

Mails = Callable[[str], list[tuple[str, dict[str, str]]]]


@pytest.fixture
def services(services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    """An installation that can send mail."""
    mailing = {"smtp_url": SecretStr("smtp://127.0.0.1"), "public_url": HOST}
    monkeypatch.setattr(services, "settings", services.settings.model_copy(update=mailing))
    return services


@pytest.fixture
def mails(services: Services) -> Mails:
    """Reads what was mailed to an address, oldest first: (template, values)."""

    def read(to: str) -> list[tuple[str, dict[str, str]]]:
        box = SecretBox.from_settings(services.settings)
        mine = select(OutgoingMail).where(OutgoingMail.recipient == to).order_by(OutgoingMail.id)
        with services.database.system() as session:
            rows = session.exec(mine).all()
        found = [(row.template, orjson.loads(box.decrypt(row.values_cipher))) for row in rows]
        for template, values in found:
            assert "{" not in compose(template, "es", values).text
        return found

    return read


def token_of(mails: Mails, to: str) -> str:
    link = mails(to)[-1][1]["link"]
    assert link.startswith(f"{HOST}/confirm/")
    return link.rpartition("/")[2]


def confirm(client: TestClient, token: str) -> Any:
    return client.post(f"{AUTH}/email/confirm", json={"token": token})


def change(caller: Caller, email: str, password: str = PASSWORD) -> Any:
    return caller.post(f"{AUTH}/email/change", json={"email": email, "password": password})


def refused(answer: Any) -> bool:
    return bool((answer.status_code, answer.json().get("code")) == (403, "email_unconfirmed"))


def test_mail_and_numbers_wait_for_a_confirmed_address_and_all_else_works(
    caller: Caller, services: Services, mails: Mails
) -> None:
    assert [template for template, _ in mails(caller.email)] == ["confirm_email"]
    assert caller.get(f"{AUTH}/email").json() == {
        "email": caller.email, "confirmed": False, "confirmation_wanted": True, "mails": True, "pending_email": "",
    }  # fmt: skip
    person = {"email": "rui@example.com", "full_name": "Rui", "password": PASSWORD}
    asked = {"email": "rui@example.com"}
    waits = [(INVITATIONS, asked), ("/api/v1/users", person), ("/api/v1/whatsapp/numbers", NUMBER)]
    for path, body in waits:
        assert refused(caller.post(path, json=body)), path
    key = caller.post("/api/v1/api-keys", json={"name": "k", "scopes": ["channels.manage"]}).json()["key"]
    by_key = {"Authorization": f"Bearer {key}"}
    assert refused(caller.client.post("/api/v1/whatsapp/numbers", json=NUMBER, headers=by_key))
    assert mails("rui@example.com") == []
    assert caller.post("/api/v1/flows", json={"name": "Menu"}).status_code == 201
    token = token_of(mails, caller.email)
    with services.database.auth() as session:
        (row,) = session.exec(select(EmailConfirmation)).all()
        assert token not in str(row)
    done = confirm(TestClient(create_app(services=services), base_url=HOST), token)  # whoever is signed in there
    assert (done.status_code, done.json()) == (200, {"email": caller.email})
    again = confirm(caller.client, token)
    assert (again.status_code, again.json()["code"]) == (409, "confirmation_invalid")
    assert caller.get(f"{AUTH}/email").json()["confirmation_wanted"] is False
    for path, body in waits[1:]:
        assert caller.post(path, json=body).status_code == 201, path
    assert [template for template, _ in mails("rui@example.com")] == ["confirm_email"]  # nobody knows whose it is


def test_links_run_out_are_replaced_and_count_once_of_two(
    caller: Caller, frozen_clock: FrozenClock, mails: Mails
) -> None:
    first = token_of(mails, caller.email)
    assert caller.post(f"{AUTH}/email/send-again").json()["confirmation_wanted"] is True
    newest = token_of(mails, caller.email)
    assert confirm(caller.client, first).status_code == 409
    with ThreadPoolExecutor(3) as pool:
        statuses = sorted(pool.map(lambda _: confirm(caller.client, newest).status_code, range(3)))
    assert statuses == [200, 409, 409]
    before = len(mails(caller.email))
    assert caller.post(f"{AUTH}/email/send-again").json()["confirmed"] is True
    assert len(mails(caller.email)) == before  # nothing waits for a link
    change(caller, "nova@example.com")
    caller.post(f"{AUTH}/email/send-again")
    assert [template for template, _ in mails("nova@example.com")] == ["confirm_new_email"] * 2
    late = token_of(mails, "nova@example.com")
    frozen_clock.advance(timedelta(days=2, minutes=1))
    assert confirm(caller.client, late).status_code == 409
    assert confirm(caller.client, "nothing").json()["code"] == "confirmation_invalid"


def test_another_address_counts_when_it_is_confirmed_and_the_former_one_is_told(caller: Caller, mails: Mails) -> None:
    confirm(caller.client, token_of(mails, caller.email))
    caller.client.post(f"{AUTH}/password/forgot", json={"email": caller.email})
    to_the_old_one = mails(caller.email)[-1][1]["link"].rpartition("/")[2]
    assert change(caller, "nova@example.com", "not it").json()["code"] == "password_wrong"
    asked = change(caller, " NOVA@example.com ").json()
    assert (asked["email"], asked["pending_email"]) == (caller.email, "nova@example.com")
    assert sign_in(caller.client, caller.email).status_code == 200
    confirm(caller.client, token_of(mails, "nova@example.com"))
    state = caller.get(f"{AUTH}/email").json()
    assert (state["email"], state["confirmed"], state["pending_email"]) == ("nova@example.com", True, "")
    assert mails(caller.email)[-1][0] == "email_changed"
    assert sign_in(caller.client, caller.email).status_code == 401
    assert sign_in(caller.client, "nova@example.com").status_code == 200
    reset = {"token": to_the_old_one, "password": "a quite different sentence"}
    assert caller.client.post(f"{AUTH}/password/reset", json=reset).status_code == 409
    change(caller, "outra@example.com")
    assert change(caller, "nova@example.com").json()["pending_email"] == ""  # thought better of it
    assert confirm(caller.client, token_of(mails, "outra@example.com")).status_code == 409


def test_nobody_learns_by_it_who_has_an_account(caller: Caller, register: NewCaller, mails: Mails) -> None:
    other = register()
    free, taken = change(caller, "free@example.com"), change(caller, other.email)
    assert (free.status_code, taken.status_code) == (200, 200)
    assert {**free.json(), "pending_email": ""} == {**taken.json(), "pending_email": ""}
    assert taken.json()["pending_email"] == other.email
    assert [template for template, _ in mails(other.email)] == ["confirm_email", "email_in_use"]
    assert "link" not in mails(other.email)[-1][1]
    # Whose address was taken meanwhile finds a link that is no good, like any other.
    change(caller, "rui@example.com")
    token = token_of(mails, "rui@example.com")
    register("rui@example.com")
    assert confirm(caller.client, token).json()["code"] == "confirmation_invalid"


def test_no_mailbox_is_flooded(caller: Caller, mails: Mails, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = [caller.post(f"{AUTH}/email/send-again").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    monkeypatch.setattr(email_confirmations, "TRIES", "2 per 5 minute")
    assert [confirm(caller.client, "guess").status_code for _ in range(3)] == [409, 409, 429]


def test_a_reset_link_proves_the_address_and_ends_the_keys_of_whoever_registered_it(
    caller: Caller, services: Services, mails: Mails
) -> None:
    key = caller.post("/api/v1/api-keys", json={"name": "k", "scopes": ["flows.edit"]}).json()["key"]
    by_key = {"Authorization": f"Bearer {key}"}
    assert caller.client.get("/api/v1/flows", headers=by_key).status_code == 200
    change(caller, "mine@example.com")
    caller.client.post(f"{AUTH}/password/forgot", json={"email": caller.email})
    link = mails(caller.email)[-1][1]["link"].rpartition("/")[2]
    new = "a quite different sentence"
    assert caller.client.post(f"{AUTH}/password/reset", json={"token": link, "password": new}).status_code == 204
    assert caller.client.get("/api/v1/flows", headers=by_key).status_code == 401
    assert confirm(caller.client, token_of(mails, "mine@example.com")).status_code == 409
    caller.headers = {"Authorization": f"Bearer {sign_in(caller.client, caller.email, new).json()['access_token']}"}
    assert caller.get(f"{AUTH}/email").json()["confirmed"] is True


def test_invited_people_and_super_admins_count_as_confirmed(caller: Caller, services: Services, mails: Mails) -> None:
    make_super_admin(services.database, caller.email)
    assert caller.get(f"{AUTH}/email").json()["confirmed"] is True
    asked = {"email": "rui@example.com", "role": "agent"}
    assert caller.post(INVITATIONS, json=asked).status_code == 201
    link = mails("rui@example.com")[-1][1]["link"].rpartition("/")[2]
    body = {"token": link, "full_name": "Rui", "password": PASSWORD}
    assert caller.client.post("/api/v1/invitations/accept", json=body).status_code == 201
    with services.database.auth() as session:
        rui = session.exec(select(User).where(User.email == "rui@example.com")).one()
    assert rui.email_confirmed_at is not None
    assert [template for template, _ in mails("rui@example.com")] == ["invitation"]


def test_without_a_mail_server_nothing_is_asked_and_an_address_changes_at_once(
    caller: Caller, services: Services, register: NewCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = services.settings.model_copy(update={"smtp_url": SecretStr("")})
    monkeypatch.setattr(services, "settings", plain)
    for name in ("accounts", "own_security", "email_confirmations"):
        services.__dict__.pop(name, None)  # made with the settings of before
    fresh, other = register(), register()
    assert fresh.get(f"{AUTH}/email").json()["confirmation_wanted"] is False
    assert fresh.post(f"{AUTH}/email/send-again").status_code == 200
    assert join(fresh, "agent").email
    assert change(fresh, other.email).json()["code"] == "email_taken"
    assert change(fresh, "nova@example.com").json()["email"] == "nova@example.com"
    assert sign_in(fresh.client, "nova@example.com").status_code == 200
    with services.database.system() as session:
        told = [row.template for row in session.exec(select(OutgoingMail)) if row.recipient == fresh.email]
    assert told == ["email_changed"]
