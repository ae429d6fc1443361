"""Privacy over the API: who may, what the answers look like, and phones that viewers see only the end of."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from pytake_app.api.services import Services
from pytake_app.core.masking import mask_phone
from tests.api.fixtures import Caller, NewCaller
from tests.api.test_tenancy import populate

PHONE = "5511987650123"


def viewer_of(services: Services, register: NewCaller, caller: Caller) -> Caller:
    """Somebody who may only look, in the caller's organization."""
    viewer = register()
    with services.database.system_connection() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text("SET LOCAL row_security = off"))
        values = {"home": caller.organization_id, "id": viewer.user_id}
        connection.execute(text("UPDATE users SET role = 'viewer', organization_id = :home WHERE id = :id"), values)
        connection.execute(text("UPDATE auth_sessions SET organization_id = :home WHERE user_id = :id"), values)
        connection.execute(text("SET ROLE pytake_system"))
    return viewer


@pytest.fixture
def contact(caller: Caller) -> str:
    body = {"name": "Maria", "phone": PHONE, "email": "maria@example.com"}
    made = caller.post("/api/v1/contacts", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_a_contact_is_handed_out_and_forgotten(caller: Caller, contact: str) -> None:
    assert caller.post(f"/api/v1/contacts/{contact}/opt-in").status_code == 200
    history = caller.get(f"/api/v1/contacts/{contact}/consent").json()
    assert [(one["consent"], one["source"]) for one in history] == [("opted_in", "person")]
    answer = caller.get(f"/api/v1/contacts/{contact}/export")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert orjson.loads(archive.read("contact.json"))["contact"]["email"] == "maria@example.com"
    refused = caller.post(f"/api/v1/contacts/{contact}/erase", json={})
    assert (refused.status_code, refused.json()["code"]) == (422, "confirm_needed")
    done = caller.post(f"/api/v1/contacts/{contact}/erase", json={"confirm": True})
    assert done.status_code == 200, done.text
    assert caller.get(f"/api/v1/contacts/{contact}").json()["phone"] is None
    assert caller.get(f"/api/v1/contacts/{contact}/consent").json() == []
    (listed,) = caller.get("/api/v1/privacy/erasures").json()["items"]
    assert (listed["contact_id"], listed["requested_by_name"]) == (contact, "Ana Souza")
    again = caller.post("/api/v1/contacts", json={"phone": PHONE})
    assert again.status_code == 201
    other = again.json()["id"]
    assert caller.delete(f"/api/v1/contacts/{other}/personal-data").json()["contact_id"] == other
    assert caller.get(f"/api/v1/contacts/{other}").json()["phone"] is None


def test_times_are_checked_and_counted(caller: Caller) -> None:
    assert caller.get("/api/v1/privacy").json() == {
        "mask_phones": False, "keep_messages_days": None, "keep_contacts_days": None
    }  # fmt: skip
    refused = caller.patch("/api/v1/privacy", json={"keep_messages_days": 5})
    assert refused.status_code == 422
    kept = caller.patch("/api/v1/privacy", json={"keep_messages_days": 365, "mask_phones": True}).json()
    assert (kept["keep_messages_days"], kept["mask_phones"]) == (365, True)
    for_ever = caller.patch("/api/v1/privacy", json={"keep_messages_days": None}).json()
    assert (for_ever["keep_messages_days"], for_ever["mask_phones"]) == (None, True)
    found = caller.get("/api/v1/privacy/preview", params={"keep_contacts_days": 30}).json()
    assert found == {"messages": 0, "contacts": 0, "most": 10000}


def test_viewers_see_the_end_of_phones_wherever_they_look(
    services: Services, register: NewCaller, caller: Caller
) -> None:
    ids = populate(services, caller)
    viewer = viewer_of(services, register, caller)
    with services.database.tenant(caller.organization_id) as session:
        for table, column in (("contacts", "phone"), ("contact_identities", "external_id")):
            session.execute(text(f"UPDATE {table} SET {column} = :phone"), {"phone": PHONE})
    shown = {path for path in _readings(viewer.client, ids) if PHONE in viewer.get(path).text}
    assert len(shown) >= 5  # what is looked for is there at all
    assert caller.patch("/api/v1/privacy", json={"mask_phones": True}).status_code == 200
    hidden = {path: viewer.get(path).text for path in sorted(shown)}
    assert [path for path, body in hidden.items() if PHONE in body] == []
    assert mask_phone(PHONE) in orjson.loads(hidden[f"/api/v1/contacts/{ids['contact_id']}"])["phone"]
    # Who answers contacts sees them, and viewers don't find people by guessing digits.
    assert PHONE in caller.get(f"/api/v1/contacts/{ids['contact_id']}").text
    assert len(caller.get("/api/v1/contacts", params={"q": PHONE[4:]}).json()["items"]) == 1
    assert viewer.get("/api/v1/contacts", params={"q": PHONE[4:]}).json()["items"] == []


def _readings(client: TestClient, ids: dict[str, Any]) -> list[str]:
    """Every address that may be read without more than ids in its path."""
    found = []
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        if "get" not in methods or "sandbox" in path:
            continue
        needed = [one["name"] for one in methods["get"].get("parameters", []) if one["in"] == "path"]
        if all(name in ids for name in needed):
            found.append(path.format(**ids))
    return found


def test_what_is_done_to_people_stands_in_the_audit_log(caller: Caller, contact: str) -> None:
    other = caller.post("/api/v1/contacts", json={"name": "Mara"}).json()["id"]
    gone = caller.post("/api/v1/contacts", json={"name": "Nina"}).json()["id"]
    merged = caller.post(f"/api/v1/contacts/{contact}/merge", json={"contact_id": other, "confirm": True})
    assert merged.status_code == 200, merged.text
    assert caller.delete(f"/api/v1/contacts/{gone}").status_code == 204
    assert caller.get(f"/api/v1/contacts/{contact}/export").status_code == 200
    assert caller.post(f"/api/v1/contacts/{contact}/erase", json={"confirm": True}).status_code == 200
    entries = caller.get("/api/v1/audit-log").json()["items"]
    done = [(one["action"], one["object_id"]) for one in entries if one["object_kind"] == "contact"]
    assert done == [("erased", contact), ("exported", contact), ("deleted", gone), ("merged", contact)]
    assert PHONE not in str(entries)
