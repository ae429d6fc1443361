"""The organization's secrets over the API: kept under names, never shown, never logged, nobody else's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlmodel import select

from pytake_app.accounts.models import User
from pytake_app.api.services import Services
from pytake_app.outgoing.models import OrganizationSecret
from tests.api.fixtures import Caller, NewCaller

VALUE = "sk-live-4f9a7c2e-very-secret"
PATH = "/api/v1/secrets"


def put(caller: Caller, name: str = "TOKEN", value: str = VALUE) -> Any:
    return caller.post(PATH, json={"name": name, "value": value})


def test_kept_listed_replaced_and_forgotten(caller: Caller, services: Services) -> None:
    made = put(caller)
    assert (made.status_code, set(made.json())) == (201, {"name", "created_at", "updated_at", "used_at"})
    assert put(caller, value="another").status_code == 201
    put(caller, "A_KEY")
    assert [item["name"] for item in caller.get(PATH).json()["items"]] == ["A_KEY", "TOKEN"]
    assert caller.delete(f"{PATH}/TOKEN").status_code == 204
    again = caller.delete(f"{PATH}/TOKEN")
    assert (again.status_code, again.json()["code"]) == (404, "secret_not_found")
    assert [item["name"] for item in caller.get(PATH).json()["items"]] == ["A_KEY"]


def test_no_answer_no_table_and_no_log_holds_the_value(
    caller: Caller, services: Services, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    answers = [
        put(caller), put(caller), caller.get(PATH), put(caller, "not a name"), put(caller, "T", VALUE * 400),
        caller.post(PATH, json={"name": "T", "value": {"deep": VALUE}}),
        caller.post(PATH, json={"name": "T", "value": VALUE, "extra": VALUE}),
        caller.post(PATH, content=f'{{"name": "T", "value": "{VALUE}'),
        caller.delete(f"{PATH}/TOKEN"),
    ]  # fmt: skip
    assert [a.status_code for a in answers] == [201, 201, 200, 422, 422, 422, 422, 422, 204]
    for answer in answers:
        assert VALUE not in answer.text
        assert VALUE not in json.dumps(dict(answer.headers))
    put(caller)
    with services.database.tenant(caller.organization_id) as session:
        held = session.exec(select(OrganizationSecret)).one().cipher
    assert VALUE not in held
    assert services.secrets.decrypt(held) == VALUE
    captured = capsys.readouterr()
    assert VALUE not in captured.out + captured.err + caplog.text


@pytest.mark.parametrize(("role", "reads", "writes"), [("agent", 200, 403), ("viewer", 403, 403)])
def test_only_admins_keep_secrets(caller: Caller, services: Services, role: str, reads: int, writes: int) -> None:
    put(caller)
    with services.database.auth() as session:
        session.exec(select(User)).one().role = role
    assert caller.get(PATH).status_code == reads
    assert put(caller, "OTHER").status_code == writes
    assert caller.delete(f"{PATH}/TOKEN").status_code == writes
    with services.database.tenant(caller.organization_id) as session:
        assert [row.name for row in session.exec(select(OrganizationSecret))] == ["TOKEN"]


def test_nobody_signed_in(caller: Caller, client: Any) -> None:
    for answer in (client.get(PATH), client.post(PATH, json={"name": "A", "value": "b"}), client.delete(f"{PATH}/A")):
        assert answer.status_code == 401


def test_another_organization_s_secret_is_not_there(register: NewCaller) -> None:
    one, two = register(), register()
    put(one)
    assert two.get(PATH).json()["items"] == []
    assert two.delete(f"{PATH}/TOKEN").status_code == 404
    assert put(two, value="theirs").status_code == 201
    assert [item["name"] for item in one.get(PATH).json()["items"]] == ["TOKEN"]


def test_there_is_an_end_to_them(caller: Caller, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytake_app.outgoing import service

    monkeypatch.setattr(service, "MAX_SECRETS", 2)
    assert [put(caller, f"S{n}").status_code for n in range(3)] == [201, 201, 409]
    assert put(caller, "S0", "new").status_code == 201
