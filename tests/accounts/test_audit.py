"""The audit log: every configured thing, who did it, nothing secret, nothing rewritten."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
import pyotp
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from pytake_app.accounts import audit
from pytake_app.accounts.audit_models import AuditEntry
from pytake_app.accounts.audited import UNAUDITED
from pytake_app.accounts.models import User
from pytake_app.api.services import Services
from pytake_app.core.clock import FrozenClock, SystemClock
from pytake_app.core.db import Database
from pytake_app.core.tenancy import Actor
from tests.api.fixtures import HOST, PASSWORD, Caller, NewCaller
from tests.waiting import wait_until

LOG = "/api/v1/audit-log"


def entries(caller: Caller, **where: Any) -> list[dict[str, Any]]:
    answer = caller.get(LOG, params={"limit": 200, **where})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_every_tenant_table_is_audited_or_says_why_not(db: Database) -> None:
    with db.engine("pytake_system").connect() as connection:
        tables = connection.execute(
            text(
                """
                SELECT c.relname, EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'audit')
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relrowsecurity
                """
            )
        ).all()
    audited = {name for name, has in tables if has}
    assert len(audited) > 15
    assert {name for name, has in tables if not has} == set(UNAUDITED)
    # Nothing that the pipeline writes for a message has one.
    assert audited & {"messages", "conversations", "outbox", "inbound_events", "flow_sessions", "contacts"} == set()


def test_a_change_tells_who_what_and_from_where(caller: Caller) -> None:
    made = caller.post("/api/v1/departments", json={"name": "Vendas"}, headers={"x-forwarded-for": "203.0.113.9"})
    caller.patch(f"/api/v1/departments/{made.json()['id']}", json={"name": "Comercial"})
    caller.delete(f"/api/v1/departments/{made.json()['id']}")
    gone, changed, created = entries(caller, kind="department")
    assert [row["action"] for row in (created, changed, gone)] == ["created", "updated", "deleted"]
    assert changed["before"] == {"name": "Vendas"}
    assert changed["after"] == {"name": "Comercial"}
    assert {row["actor_id"] for row in (created, changed, gone)} == {str(caller.user_id)}
    assert changed["actor_name"] == "Ana Souza"
    assert changed["object_name"] == "Comercial"
    assert changed["address"] == "testclient"
    assert (created["before"], gone["after"]) == (None, None)


def test_values_within_settings_are_told_one_by_one(caller: Caller) -> None:
    assert caller.patch("/api/v1/settings", json={"country": "PT"}).status_code == 200
    (changed,) = (row for row in entries(caller, kind="organization") if row["action"] == "updated")
    assert changed["after"] == {"settings": {"country": "PT"}}


def test_only_who_comes_and_goes_is_told_of_members(caller: Caller, services: Services) -> None:
    other = User(organization_id=caller.organization_id, email=f"{uuid4().hex}@e.com", password_hash="!", full_name="B")
    with services.database.tenant(caller.organization_id) as session:
        session.add(other)
    me = str(caller.user_id)
    made = caller.post("/api/v1/departments", json={"name": "Vendas", "members": [me]}).json()
    caller.request("PUT", f"/api/v1/departments/{made['id']}/members", json={"members": [me, str(other.id)]})
    rows = entries(caller, kind="department_member")
    assert [(row["action"], row["after"]["user_id"]) for row in rows] == [
        ("created", str(other.id)),
        ("created", me),
    ]
    assert rows[0]["names"][str(other.id)] == "B"


SECRETS = ("secret", "cipher", "hash", "credential", "password", "token")
SAFE = {"password_changed_at", "prefix"}


def test_secrets_never_stand_in_the_log(db: Database, caller: Caller) -> None:
    """Of each audited table: columns that sound secret are ignored or shown as bullets."""
    with db.engine("pytake_system").connect() as connection:
        rows = connection.execute(
            text(
                """
                SELECT c.relname, t.tgargs, array_agg(a.attname::text) FROM pg_trigger t
                JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
                WHERE t.tgname = 'audit' GROUP BY 1, 2
                """
            )
        ).all()
    for table, arguments, columns in rows:
        *_, ignored, secret, _end = bytes(arguments).decode().split("\0")
        hidden = {*ignored.split(","), *secret.split(",")}
        sounding = {name for name in columns if any(word in name for word in SECRETS)} - SAFE
        assert sounding <= hidden, table
    number = {"name": "Loja", "phone_number_id": "1098765432101", "access_token": "EAAG-very-secret-token"}
    made = caller.post("/api/v1/channel-accounts", json={**number, "app_secret": "0123456789abcdef0123456789abcdef"})
    assert made.status_code == 201, made.text
    assert caller.post("/api/v1/secrets", json={"name": "erp", "value": "hunter2-hunter2"}).status_code == 201
    shown = str(entries(caller))
    assert "erp" in shown
    assert "•••" in shown
    for said in ("EAAG", "hunter2", "0123456789abcdef", "argon2"):
        assert said not in shown


def test_drafts_and_counters_are_not_changes(caller: Caller) -> None:
    flow = caller.get("/api/v1/flows").json()["items"][0]
    before = len(entries(caller))
    whole = caller.get(f"/api/v1/flows/{flow['id']}").json()["draft"]
    body = {"expected_revision": whole["revision"], "document": whole["document"]}
    assert caller.request("PUT", f"/api/v1/flows/{flow['id']}/draft", json=body).status_code == 200
    assert len(entries(caller)) == before
    assert caller.patch(f"/api/v1/flows/{flow['id']}", json={"name": "Outro"}).status_code == 200
    (renamed,) = entries(caller)[: len(entries(caller)) - before]
    assert (renamed["object_kind"], renamed["after"]["name"]) == ("flow", "Outro")
    assert "draft_document" not in str(renamed)


def test_nobody_rewrites_it(db: Database, caller: Caller, services: Services) -> None:
    caller.post("/api/v1/departments", json={"name": "Vendas"})
    for statement in ("UPDATE audit_log SET actor_name = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        for role in ("pytake_app", "pytake_system", "pytake_auth"):
            with db.engine(role).connect() as connection, pytest.raises(DBAPIError):  # type: ignore[arg-type]
                connection.execute(text(statement))
    # Nor does anybody write for another organization.
    with pytest.raises(DBAPIError), services.database.tenant(caller.organization_id) as session:
        audit.record(session, Actor("system"), "x", organization_id=uuid4())


def test_sign_ins_are_told_wrong_ones_too(caller: Caller) -> None:
    wrong = caller.client.post("/api/v1/auth/login", json={"email": caller.email, "password": "no"})
    assert wrong.status_code == 401
    wait_until(lambda: any(row["action"] == "sign_in_failed" for row in entries(caller)))
    right = caller.client.post("/api/v1/auth/login", json={"email": caller.email, "password": PASSWORD})
    assert right.status_code == 200
    failed = entries(caller, action="sign_in_failed")[0]
    assert (failed["actor_kind"], failed["object_id"]) == ("visitor", str(caller.user_id))
    assert entries(caller, action="signed_in")[0]["actor_id"] == str(caller.user_id)


def test_found_by_filters_search_and_pages(caller: Caller) -> None:
    for name in ("Um", "Dois", "Três"):
        caller.post("/api/v1/departments", json={"name": name})
    assert [row["object_name"] for row in entries(caller, kind="department")] == ["Três", "Dois", "Um"]
    assert [row["object_name"] for row in entries(caller, q="dois")] == ["Dois"]
    assert entries(caller, actor_id=str(uuid4())) == []
    assert entries(caller, since="2999-01-01T00:00:00Z") == []
    assert entries(caller, until="2000-01-01T00:00:00Z") == []
    first = caller.get(LOG, params={"limit": 2, "kind": "department"}).json()
    second = caller.get(LOG, params={"limit": 2, "kind": "department", "cursor": first["next_cursor"]}).json()
    assert [row["object_name"] for row in first["items"] + second["items"]] == ["Três", "Dois", "Um"]
    assert second["next_cursor"] is None
    assert caller.get(LOG, params={"cursor": "nonsense"}).status_code == 422
    words = caller.get(f"{LOG}/words").json()
    assert "department" in words["kinds"]
    assert {"id": str(caller.user_id), "name": "Ana Souza"} in words["actors"]


def test_exported_whole_and_that_it_was(caller: Caller) -> None:
    caller.post("/api/v1/departments", json={"name": "=HYPERLINK(1)"})
    answer = caller.get(f"{LOG}/export", params={"format": "csv", "kind": "department"})
    assert answer.headers["content-type"].startswith("text/csv")
    head, row = csv.reader(io.StringIO(answer.text.lstrip("\ufeff")))
    assert dict(zip(head, row, strict=True))["object_name"] == "'=HYPERLINK(1)"
    lines = caller.get(f"{LOG}/export", params={"format": "json"}).text.splitlines()
    assert len(lines) > 5
    assert "exported" in {orjson.loads(line)["action"] for line in lines}
    assert [row["object_kind"] for row in entries(caller, action="exported")] == ["audit_log", "audit_log"]


def test_another_organization_reads_its_own(register: NewCaller) -> None:
    ours, theirs = register(), register()
    ours.post("/api/v1/departments", json={"name": "Vendas"})
    assert entries(theirs, kind="department") == []
    assert HOST  # both live on one host


def test_old_entries_go_after_the_organizations_own_time(caller: Caller, services: Services) -> None:
    now = SystemClock().now()
    with services.database.tenant(caller.organization_id) as session:
        for days in (20, 40, 400, 800):
            session.add(
                AuditEntry(organization_id=caller.organization_id, at=now - timedelta(days=days), action=f"d{days}")
            )

    def left() -> set[str]:
        return {
            row["action"] for row in entries(caller) if row["action"].startswith("d") and row["action"][1:].isdigit()
        }

    assert audit.prune(services.database, SystemClock()) == 1
    assert left() == {"d20", "d40", "d400"}
    assert caller.patch("/api/v1/settings", json={"audit_days": 30}).status_code == 200
    audit.prune(services.database, SystemClock())
    assert left() == {"d20"}
    assert caller.patch("/api/v1/settings", json={"audit_days": 3}).status_code == 422


def test_the_product_itself_acts_without_a_name(services: Services, caller: Caller) -> None:
    with services.database.tenant(caller.organization_id) as session:
        session.exec(select(User)).one().full_name = "Renomeada"
    (row,) = entries(caller, kind="user", action="updated")
    assert (row["actor_kind"], row["actor_id"], row["after"]) == ("system", None, {"full_name": "Renomeada"})


def happened(caller: Caller, action: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def seen() -> bool:
        found[:] = entries(caller, action=action)
        return bool(found)

    wait_until(seen)
    return found


def test_what_is_done_about_signing_in(caller: Caller, register: NewCaller, frozen_clock: FrozenClock) -> None:
    """Links for a new password, ended sign-ins, wrong second steps, stolen credentials: who, of whom, from where."""
    auth, me = "/api/v1/auth", str(caller.user_id)
    colleague = {"email": f"{uuid4().hex[:8]}@example.com", "password": PASSWORD, "full_name": "Rui", "role": "agent"}
    rui = caller.post("/api/v1/users", json=colleague).json()["id"]
    link = caller.post(f"/api/v1/users/{rui}/password-reset").json()["link"]
    (asked,) = happened(caller, "password_reset_sent")
    assert (asked["actor_id"], asked["object_id"], asked["object_name"]) == (me, rui, "Rui")
    other = {"Authorization": "Bearer nobody"}
    reset = {"token": link.rpartition("/")[2], "password": "outra-senha-boa-9"}
    assert caller.client.post(f"{auth}/password/reset", json=reset, headers=other).status_code == 204
    (changed,) = happened(caller, "password_changed")
    assert (changed["actor_id"], changed["address"]) == (rui, "testclient")
    assert caller.client.post(f"{auth}/password/forgot", json={"email": caller.email}).status_code == 202
    visitor = next(row for row in happened(caller, "password_reset_sent") if row["object_id"] == me)
    assert (visitor["actor_kind"], visitor["address"]) == ("visitor", "testclient")

    known = {"email": colleague["email"], "password": reset["password"]}
    signed = caller.client.post(f"{auth}/login", json=known).json()
    assert caller.delete(f"/api/v1/users/{rui}/sessions").status_code == 204
    (ended,) = happened(caller, "session_revoked")
    assert (ended["actor_id"], ended["object_id"], ended["after"]) == (me, rui, {"count": 1})
    assert caller.client.post(f"{auth}/refresh", json={"refresh_token": signed["refresh_token"]}).status_code == 401

    first = caller.client.post(f"{auth}/login", json={"email": caller.email, "password": PASSWORD}).json()
    for _ in range(2):
        caller.client.post(f"{auth}/refresh", json={"refresh_token": first["refresh_token"]})
    (reused,) = happened(caller, "refresh_token_reused")
    assert (reused["object_id"], reused["actor_kind"], reused["address"]) == (me, "visitor", "testclient")

    secret = caller.post(f"{auth}/totp/setup", json={"password": PASSWORD}).json()["secret"]
    code = pyotp.TOTP(secret).at(frozen_clock.now())
    assert caller.post(f"{auth}/totp/confirm", json={"code": code}).status_code == 200
    challenge = caller.client.post(f"{auth}/login", json={"email": caller.email, "password": PASSWORD}).json()
    wrong = {"challenge_token": challenge["challenge_token"], "code": "000000"}
    assert caller.client.post(f"{auth}/totp/verify", json=wrong).status_code == 422
    assert happened(caller, "second_step_failed")[0]["object_id"] == me
    assert caller.post(f"{auth}/password/change", json={"password": "no", "new_password": "x" * 12}).status_code == 422
    assert happened(caller, "sign_in_failed")[0]["object_id"] == me

    again = caller.client.post(f"{auth}/login", json=known).json()
    leaving = {"Authorization": f"Bearer {again['access_token']}"}
    assert caller.client.post(f"{auth}/logout", headers=leaving).status_code == 204
    assert happened(caller, "signed_out")[0]["actor_id"] == rui


def test_who_joins_is_told_with_name_and_address(caller: Caller) -> None:
    invited = caller.post("/api/v1/users/invitations", json={"email": "rui@example.com", "role": "agent"}).json()
    body = {"token": invited["link"].rpartition("/")[2], "full_name": "Rui Alves", "password": PASSWORD}
    assert caller.client.post("/api/v1/invitations/accept", json=body).status_code == 201
    joined = next(row for row in entries(caller, kind="user") if row["object_name"] == "Rui Alves")
    assert (joined["action"], joined["actor_id"], joined["address"]) == ("created", joined["object_id"], "testclient")


def test_what_people_do_to_contacts_and_messages(caller: Caller) -> None:
    """That it was done, by whom and to which; never what stands in them."""
    contact = caller.post("/api/v1/contacts", json={"name": "Maria Prado", "phone": "11 98765-4321"}).json()["id"]
    change = {"name": "Maria Lima", "email": "maria@example.com", "fields": {"cpf": "390.533.447-05"}, "tags": ["vip"]}
    for _ in range(2):  # the second time nothing changes
        assert caller.patch(f"/api/v1/contacts/{contact}", json=change).status_code == 200
    for step in ("block", "block", "unblock"):
        assert caller.post(f"/api/v1/contacts/{contact}/{step}").status_code == 200
    rows = entries(caller, kind="contact")
    assert [row["action"] for row in rows] == ["unblocked", "blocked", "updated"]
    assert {(row["actor_id"], row["object_id"]) for row in rows} == {(str(caller.user_id), contact)}
    assert rows[-1]["after"] == {"fields": ["cpf", "email", "name", "tags"]}
    for said in ("Maria", "98765", "example.com", "390.533"):
        assert said not in str(rows)

    number = {"name": "Loja", "phone_number_id": "1098765432101", "access_token": "t", "app_secret": "s" * 32}
    assert caller.post("/api/v1/whatsapp/numbers", json=number).status_code == 201
    send = {"to": "5561994013828", "message_type": "template", "content": {"name": "oi", "language": "pt_BR"}}
    sent = [caller.post("/api/v1/queue/send", json=send).json()["id"] for _ in range(3)]
    assert caller.post(f"/api/v1/queue/message/{sent[0]}/cancel").status_code == 200
    assert caller.post("/api/v1/queue/cancel", json={"ids": sent[1:]}).json()["changed"] == 2
    assert caller.post("/api/v1/queue/cancel", json={"ids": sent}).json()["changed"] == 0
    rows = entries(caller, kind="queue_message")
    assert [(row["action"], row["object_id"], row["after"]) for row in rows] == [
        ("canceled", "", {"count": 2}),
        ("canceled", sent[0], {"count": 1}),
    ]
    file = {"file": ("nota.txt", b"ola", "text/plain")}
    media = caller.post("/api/v1/media", files=file).json()["id"]
    assert caller.delete(f"/api/v1/media/{media}").status_code == 204
    assert [(row["action"], row["object_name"]) for row in entries(caller, kind="media")] == [("deleted", "nota.txt")]
