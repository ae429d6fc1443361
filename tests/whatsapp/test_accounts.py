"""Connecting, changing and disconnecting WhatsApp numbers."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from pytake_app.accounts.models import User
from pytake_app.api.services import Services
from pytake_app.core.crypto import SecretBox
from pytake_app.core.errors import NotFoundError
from pytake_app.flows.models import Flow
from pytake_app.whatsapp.models import ChannelAccount
from pytake_app.whatsapp.runtime import CACHE_SECONDS, AccountReader, loopback_url, read_credentials, write_credentials
from tests.api.fixtures import Caller, NewCaller

NUMBERS = "/api/v1/whatsapp/numbers"
BODY = {
    "name": "Shop",
    "phone_number_id": "1098765432101",
    "business_account_id": "2098765432101",
    "phone": "+55 (11) 98765-4321",
    "access_token": "EAAG-secret-token",
    "app_secret": "app-secret-value",
    "verify_token": "verify-token-value",
    "api_version": "v22.0",
    "messages_per_second": 20,
}
SECRETS = ("EAAG-secret-token", "app-secret-value", "verify-token-value")


def connect(caller: Caller, **changes: Any) -> Any:
    return caller.post(NUMBERS, json={**BODY, **changes})


def test_secrets_go_in_and_never_come_out(caller: Caller, services: Services) -> None:
    created = connect(caller)
    assert created.status_code == 201
    view = created.json()
    assert view["phone"] == "5511987654321"
    assert (view["has_access_token"], view["has_app_secret"], view["has_verify_token"]) == (True, True, True)
    assert view["webhook_path"] == f"/webhook/whatsapp/{view['id']}"
    answers = [
        created,
        caller.get(f"{NUMBERS}/{view['id']}"),
        caller.get(NUMBERS),
        caller.get("/api/v1/channel-accounts"),
    ]
    answers.append(caller.patch(f"{NUMBERS}/{view['id']}", json={"name": "New"}))
    for answer in answers:
        assert not any(secret in answer.text for secret in SECRETS)
    with services.database.tenant(caller.organization_id) as session:
        row = session.exec(select(ChannelAccount).where(ChannelAccount.sandbox == False)).one()  # noqa: E712
    assert not any(secret in row.credentials for secret in SECRETS)
    assert read_credentials(services.secrets, row.credentials) == {
        "access_token": SECRETS[0],
        "app_secret": SECRETS[1],
        "verify_token": SECRETS[2],
    }


def test_both_names_are_the_same_accounts(caller: Caller) -> None:
    account_id = connect(caller).json()["id"]
    assert caller.get(f"/api/v1/channel-accounts/{account_id}").json() == caller.get(f"{NUMBERS}/{account_id}").json()
    items = caller.get("/api/v1/channel-accounts").json()["items"]
    assert [item["sandbox"] for item in items] == [False, True]


def test_changing_keeps_what_is_not_named(caller: Caller, services: Services) -> None:
    account_id = connect(caller).json()["id"]
    changed = caller.patch(f"{NUMBERS}/{account_id}", json={"access_token": "newer", "app_secret": ""}).json()
    assert (changed["has_access_token"], changed["has_app_secret"], changed["has_verify_token"]) == (True, False, True)
    assert (changed["name"], changed["api_version"], changed["messages_per_second"]) == ("Shop", "v22.0", 20)
    with services.database.system_connection() as connection:
        runtime = AccountReader(services.settings, services.secrets).by_id(connection, UUID(account_id))
    assert (runtime.access_token, runtime.app_secret, runtime.verify_token) == ("newer", "", SECRETS[2])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"phone_number_id": "abc"}, "/phone_number_id"),
        ({"phone_number_id": ""}, "/phone_number_id"),
        ({"name": " "}, "/name"),
        ({"api_version": "latest"}, "/api_version"),
        ({"messages_per_second": 0}, "/messages_per_second"),
        ({"phone": "<script>"}, "/phone"),
        ({"api_base_url": "http://169.254.169.254"}, "/api_base_url"),
        ({"sandbox": True}, "/sandbox"),
    ],
)
def test_bad_input_is_refused(caller: Caller, change: dict[str, Any], pointer: str) -> None:
    response = connect(caller, **change)
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_a_number_is_connected_once_over_all_organizations(register: NewCaller) -> None:
    one, two = register(), register()
    assert connect(one).status_code == 201
    for caller in (one, two):
        response = connect(caller)
        assert (response.status_code, response.json()["code"]) == (409, "number_connected")


def test_a_disconnected_number_is_forgotten_and_free(register: NewCaller, services: Services) -> None:
    one, two = register(), register()
    account_id = connect(one).json()["id"]
    assert one.delete(f"{NUMBERS}/{account_id}").status_code == 204
    assert one.get(f"{NUMBERS}/{account_id}").status_code == 404
    with services.database.tenant(one.organization_id) as session:
        row = session.get(ChannelAccount, UUID(account_id))
        assert row is not None
        assert (row.credentials, row.status) == ("", "disabled")
    assert connect(two).status_code == 201


def test_the_sandbox_keeps_its_credentials(caller: Caller) -> None:
    sandbox = caller.get(NUMBERS).json()["items"][0]
    path = f"{NUMBERS}/{sandbox['id']}"
    assert caller.patch(path, json={"name": "Play"}).json()["name"] == "Play"
    for response in (caller.patch(path, json={"app_secret": "mine"}), caller.delete(path)):
        assert (response.status_code, response.json()["code"]) == (409, "sandbox_fixed")


def test_a_default_flow_must_be_ones_own(register: NewCaller, services: Services) -> None:
    one, two = register(), register()
    with services.database.tenant(one.organization_id) as session:
        own = session.exec(select(Flow)).first()
    assert own is not None
    account_id = connect(one, default_flow_id=str(own.id)).json()["id"]
    assert one.get(f"{NUMBERS}/{account_id}").json()["default_flow_id"] == str(own.id)
    for flow_id in (str(own.id), str(uuid4())):
        response = connect(two, phone_number_id="77777777", default_flow_id=flow_id)
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == "/default_flow_id"


def test_agents_may_look_but_not_touch(caller: Caller, services: Services) -> None:
    account_id = connect(caller).json()["id"]
    with services.database.auth() as session:
        session.exec(select(User)).one().role = "agent"
    assert caller.get(NUMBERS).status_code == 200
    assert connect(caller).status_code == 403
    assert caller.patch(f"{NUMBERS}/{account_id}", json={"name": "x"}).status_code == 403
    assert caller.delete(f"{NUMBERS}/{account_id}").status_code == 403
    assert caller.post(f"{NUMBERS}/{account_id}/test").status_code == 403


def test_a_number_without_a_token_fails_its_check(caller: Caller) -> None:
    account_id = connect(caller, access_token="").json()["id"]
    check = caller.post(f"{NUMBERS}/{account_id}/test").json()
    assert (check["ok"], check["code"]) == (False, "not_configured")


def test_channels_show_the_capability_matrix(caller: Caller) -> None:
    channels = {item["kind"]: item for item in caller.get("/api/v1/channels").json()["items"]}
    assert channels["whatsapp"]["available"] is True
    assert channels["sms"]["available"] is False
    assert channels["whatsapp"]["capabilities"]["max_buttons"] == 3


# -- for the pipeline -------------------------------------------------------------------------------------------------


def test_credentials_survive_a_change_of_key(services: Services) -> None:
    old, new = SecretBox(["a" * 32]), SecretBox(["b" * 32, "a" * 32])
    stored = write_credentials(old, {"access_token": "t", "app_secret": ""})
    assert read_credentials(new, stored) == {"access_token": "t"}
    assert read_credentials(SecretBox(["c" * 32]), stored) == {}
    assert read_credentials(new, "") == {}


def test_reading_remembers_for_thirty_seconds(caller: Caller, services: Services) -> None:
    account_id = UUID(connect(caller).json()["id"])
    now = [0.0]
    reader = AccountReader(services.settings, services.secrets, clock=lambda: now[0])
    with services.database.system_connection() as connection:
        assert reader.known(account_id) is None
        reader.by_id(connection, account_id)
        caller.patch(f"{NUMBERS}/{account_id}", json={"access_token": "newer"})
        now[0] = CACHE_SECONDS - 1
        assert reader.by_id(connection, account_id).access_token == SECRETS[0]
        now[0] = CACHE_SECONDS + 1
        assert reader.known(account_id) is None
        assert reader.by_id(connection, account_id).access_token == "newer"
        with pytest.raises(NotFoundError):
            reader.by_id(connection, uuid4())


def test_secrets_are_not_in_a_repr(caller: Caller, services: Services) -> None:
    account_id = UUID(connect(caller).json()["id"])
    with services.database.system_connection() as connection:
        runtime = AccountReader(services.settings, services.secrets).by_id(connection, account_id)
    shown = repr(runtime) + repr(runtime.credentials)
    assert not any(secret in shown for secret in SECRETS)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:81"),
        ("0.0.0.0", "http://127.0.0.1:81"),
        ("::", "http://127.0.0.1:81"),
        ("::1", "http://[::1]:81"),
        ("10.0.0.5", "http://10.0.0.5:81"),
    ],
)
def test_the_sandbox_is_reached_where_we_listen(services: Services, host: str, address: str) -> None:
    assert loopback_url(services.settings.model_copy(update={"host": host, "port": 81})) == address


def test_a_paused_number_stays_paused_until_somebody_resumes_it(caller: Caller) -> None:
    account_id = connect(caller).json()["id"]
    item = f"{NUMBERS}/{account_id}"
    assert caller.patch(item, json={"status": "paused"}).json()["status"] == "paused"
    assert caller.patch(item, json={"access_token": "newer"}).json()["status"] == "paused"
    assert caller.patch(item, json={"status": "active"}).json()["status"] == "active"
    assert caller.patch(item, json={"status": "disabled"}).status_code == 422


def test_the_last_check_is_remembered(caller: Caller) -> None:
    account_id = connect(caller, access_token="").json()["id"]
    assert caller.get(f"{NUMBERS}/{account_id}").json()["last_check_at"] is None
    assert caller.post(f"{NUMBERS}/{account_id}/test").json()["code"] == "not_configured"
    view = caller.get(f"{NUMBERS}/{account_id}").json()
    assert view["last_check_at"]
    assert view["last_check_code"] == "not_configured"
