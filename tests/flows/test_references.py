"""What the editor's pickers offer."""

from __future__ import annotations

from fastapi.testclient import TestClient
from sqlmodel import select

from pytake_app.accounts.models import User
from pytake_app.api.services import Services
from tests.api.fixtures import NewCaller, app, live_client, register, services

__all__ = ["app", "live_client", "register", "services"]


def test_a_new_organization_has_something_to_pick(
    live_client: TestClient, register: NewCaller, services: Services
) -> None:
    caller = register()
    found = caller.get("/api/v1/flows/main_menu/references").json()
    assert found["templates_complete"] is True
    assert {t["language"] for t in found["templates"]} == {"pt_BR", "en", "es"}
    reminder = next(t for t in found["templates"] if (t["name"], t["language"]) == ("pytake_lembrete", "pt_BR"))
    assert (reminder["status"], reminder["category"], reminder["variables"]) == ("APPROVED", "UTILITY", 3)
    assert reminder["header"]["text"] == "Lembrete"
    assert [b["text"] for b in reminder["buttons"]] == ["Confirmar", "Remarcar"]
    assert [q["name"] for q in found["queues"]] == ["Atendimento", "Suporte"]
    assert [(c["name"], c["is_default"], len(c["periods"])) for c in found["calendars"]] == [
        ("Horário comercial", True, 1)
    ]
    assert [a["email"] for a in found["agents"]] == [caller.get("/api/v1/auth/me").json()["user"]["email"]]
    assert {(f["slug"], f["live"]) for f in found["flows"]} == {("main_menu", True), ("smart_support", True)}
    (channel,) = found["channels"]
    assert (channel["channel"], channel["sandbox"], channel["capabilities"]["max_buttons"]) == ("whatsapp", True, 3)
    shows = channel["capabilities"]
    assert (shows["max_text"], shows["units"], shows["max_button_title"], shows["max_rows"]) == (
        4096, "code_points", 20, 10,
    )  # fmt: skip
    assert found["secrets"] == found["tags"] == found["fields"] == found["departments"] == []


def test_what_is_made_is_offered(live_client: TestClient, register: NewCaller, services: Services) -> None:
    caller = register()
    caller.post("/api/v1/tags", json={"name": "VIP"})
    caller.post("/api/v1/custom-fields", json={"key": "city", "label": "Cidade"})
    caller.post("/api/v1/departments", json={"name": "Vendas"})
    caller.post("/api/v1/queues", json={"name": "Vendas"})
    caller.post("/api/v1/business-hours", json={"name": "Plantão"})
    caller.post("/api/v1/secrets", json={"name": "KEY", "value": "x"})
    found = caller.get("/api/v1/flows/main_menu/references").json()
    assert found["tags"] == ["VIP"]
    assert found["fields"] == [{"key": "city", "label": "Cidade", "type": "text"}]
    assert [d["name"] for d in found["departments"]] == ["Vendas"]
    assert [q["name"] for q in found["queues"]] == ["Atendimento", "Suporte", "Vendas"]
    assert [c["name"] for c in found["calendars"]] == ["Horário comercial", "Plantão"]
    assert found["secrets"] == ["KEY"]
    assert "VIP" not in register().get("/api/v1/flows/main_menu/references").text


def test_viewers_learn_no_addresses_and_no_secrets(
    live_client: TestClient, register: NewCaller, services: Services
) -> None:
    caller = register()
    caller.post("/api/v1/secrets", json={"name": "KEY", "value": "x"})
    with services.database.auth() as session:
        session.exec(select(User)).one().role = "viewer"
    found = caller.get("/api/v1/flows/main_menu/references").json()
    assert found["secrets"] == []
    assert [a["email"] for a in found["agents"]] == [""]
    assert found["agents"][0]["name"]
