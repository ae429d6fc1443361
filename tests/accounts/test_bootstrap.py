"""The first administrator and number from the environment."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlmodel import select

from pytake_app.accounts.bootstrap import BootstrapError, ensure_first_admin, make_super_admin
from pytake_app.accounts.models import Organization, User
from pytake_app.api.services import Services
from pytake_app.config import Settings
from pytake_app.flows.models import Flow
from pytake_app.whatsapp.models import ChannelAccount
from pytake_app.whatsapp.runtime import read_credentials
from tests.api.fixtures import Caller

PASSWORD = "an administrator's password"


@pytest.fixture
def environment(services: Services) -> Settings:
    return services.settings.model_copy(
        update={
            "admin_email": "Root@Example.com",
            "admin_password": SecretStr(PASSWORD),
            "whatsapp_phone_number_id": "1098765432101",
            "whatsapp_access_token": SecretStr("env-token"),
            "whatsapp_app_secret": SecretStr("env-secret"),
            "whatsapp_webhook_verify_token": SecretStr("env-verify"),
        }
    )


def test_made_once(environment: Settings, services: Services, client: TestClient) -> None:
    assert len(ensure_first_admin(environment, services.database)) == 2
    assert ensure_first_admin(environment, services.database) == []
    with services.database.auth() as session:
        user = session.exec(select(User)).one()
        organization = session.exec(select(Organization)).one()
    assert (user.email, user.role) == ("root@example.com", "super_admin")
    with services.database.tenant(organization.id) as session:
        accounts = session.exec(select(ChannelAccount).order_by(ChannelAccount.sandbox)).all()  # type: ignore[arg-type]
        slugs = {flow.slug for flow in session.exec(select(Flow)).all()}
    assert [account.sandbox for account in accounts] == [False, True]
    assert read_credentials(services.secrets, accounts[0].credentials)["app_secret"] == "env-secret"
    assert {"main_menu", "smart_support"} <= slugs
    answer = client.post("/api/v1/auth/login", json={"email": "root@example.com", "password": PASSWORD})
    assert answer.status_code == 200


def test_what_people_changed_is_left_alone(environment: Settings, services: Services, client: TestClient) -> None:
    ensure_first_admin(environment, services.database)
    changed = environment.model_copy(
        update={"admin_password": SecretStr("another password"), "whatsapp_access_token": SecretStr("x")}
    )
    assert ensure_first_admin(changed, services.database) == []
    assert (
        client.post("/api/v1/auth/login", json={"email": "root@example.com", "password": PASSWORD}).status_code == 200
    )


def test_a_number_that_is_named_later_is_added_later(environment: Settings, services: Services) -> None:
    ensure_first_admin(environment.model_copy(update={"whatsapp_phone_number_id": ""}), services.database)
    assert ensure_first_admin(environment, services.database) == ["connected the first WhatsApp number"]


def test_nothing_asked_nothing_made(services: Services) -> None:
    assert ensure_first_admin(services.settings, services.database) == []


@pytest.mark.parametrize("change", [{"admin_email": "nonsense"}, {"admin_password": SecretStr("short")}])
def test_what_cannot_be_made_is_said(environment: Settings, services: Services, change: dict[str, object]) -> None:
    with pytest.raises(BootstrapError, match="PYTAKE_ADMIN_EMAIL") as raised:
        ensure_first_admin(environment.model_copy(update=change), services.database)
    assert "short" not in str(raised.value)


def test_somebody_who_registered_becomes_super_admin(services: Services, caller: Caller) -> None:
    with pytest.raises(BootstrapError, match="nobody"):
        make_super_admin(services.database, "nobody@example.com")
    assert caller.get("/api/v1/organizations").status_code == 403
    make_super_admin(services.database, f" {caller.email.upper()} ")
    [own] = caller.get("/api/v1/organizations").json()["items"]
    assert (own["plan"], own["trial_ends_at"]) == ("enterprise", None)
