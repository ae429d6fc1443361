"""Super admins administer organizations; suspending one stops it, and everything goes on in order afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from pytake_app.accounts.models import Organization, User
from pytake_app.api.services import Services
from pytake_app.core.clock import FrozenClock
from pytake_app.core.tenancy import Role
from tests.api.fixtures import PASSWORD, Caller, NewCaller

OURS = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def boss(register: NewCaller, services: Services) -> Caller:
    """Somebody who runs the installation."""
    caller = register(organization_name="The house")
    with services.database.auth() as session:
        session.exec(select(User).where(User.id == caller.user_id)).one().role = Role.SUPER_ADMIN
    return caller


def login(client: TestClient, email: str) -> Any:
    return client.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})


def test_the_list_finds_by_name_person_status_and_plan(boss: Caller, register: NewCaller) -> None:
    one = register(organization_name="Padaria 100% Boa")
    two = register(organization_name="Oficina_do Zé")
    names = lambda query: [row["name"] for row in boss.get(f"/api/v1/organizations?{query}").json()["items"]]  # noqa: E731
    assert names("") == ["Oficina_do Zé", "Padaria 100% Boa", "The house"]
    assert names("q=padaria") == names("q=100%25") == ["Padaria 100% Boa"]
    assert names("q=_do") == ["Oficina_do Zé"]
    assert names(f"q={two.email}") == ["Oficina_do Zé"]
    assert names("plan=professional") == names("")
    assert boss.put(f"/api/v1/organizations/{one.organization_id}/plan", json={"plan": "starter"}).status_code == 200
    assert names("plan=starter") == ["Padaria 100% Boa"]
    boss.patch(f"/api/v1/organizations/{two.organization_id}", json={"status": "suspended"})
    assert names("status=suspended") == ["Oficina_do Zé"]
    first = boss.get("/api/v1/organizations?limit=2").json()
    rest = boss.get(f"/api/v1/organizations?limit=2&cursor={first['next_cursor']}").json()
    assert [row["name"] for row in rest["items"]] == ["The house"]
    assert rest["next_cursor"] is None


def test_the_list_follows_trials_that_are_over(boss: Caller, frozen_clock: FrozenClock) -> None:
    frozen_clock.advance(timedelta(days=15))
    answer = login(boss.client, boss.email).json()
    boss.headers = {"Authorization": f"Bearer {answer['access_token']}"}
    rows = boss.get("/api/v1/organizations?plan=free").json()["items"]
    assert [(row["name"], row["plan"], row["trial_ends_at"]) for row in rows] == [("The house", "free", None)]


def test_a_plan_and_limits_of_ones_own(boss: Caller, register: NewCaller) -> None:
    caller = register()
    path = f"/api/v1/organizations/{caller.organization_id}"
    answer = boss.put(f"{path}/plan", json={"plan": "starter", "limits": {"users": 7, "contacts": None}}).json()
    limits = {each["resource"]: each["limit"] for each in answer["usage"]["resources"]}
    assert limits == {"users": 7, "numbers": 2, "contacts": None, "messages": 10_000, "flows": 50}
    assert (answer["plan"], answer["trial_ends_at"]) == ("starter", None)
    # Another plan keeps what was agreed with them, until it is given up.
    answer = boss.put(f"{path}/plan", json={"plan": "professional"}).json()
    assert answer["own_limits"] == {"users": 7, "contacts": None}
    answer = boss.put(f"{path}/plan", json={"plan": "professional", "reset_limits": True}).json()
    assert answer["own_limits"] == {}
    late = {"plan": "professional", "trial_ends_at": "2001-01-01T00:00:00Z"}
    assert boss.put(f"{path}/plan", json=late).status_code == 422
    assert boss.put(f"{path}/plan", json={"plan": "gold"}).status_code == 422
    assert boss.put(f"{path}/plan", json={"plan": "free", "limits": {"users": -1}}).status_code == 422


def test_what_a_plan_allows_is_the_super_admins_to_say(boss: Caller, register: NewCaller) -> None:
    caller = register()
    assert [plan["name"] for plan in caller.get("/api/v1/plans").json()["items"]] == [
        "free", "starter", "professional", "enterprise",
    ]  # fmt: skip
    before = boss.get("/api/v1/plans").json()["items"][2]["limits"]
    assert caller.patch("/api/v1/plans/professional", json={"flows": 5}).status_code == 403
    try:
        changed = boss.patch("/api/v1/plans/professional", json={"flows": 5}).json()
        assert changed["limits"] == {**before, "flows": 5}
        usage = caller.get(f"/api/v1/organizations/{caller.organization_id}/usage").json()
        assert next(each for each in usage["resources"] if each["resource"] == "flows")["limit"] == 5
    finally:
        boss.patch("/api/v1/plans/professional", json=before)
    assert boss.patch("/api/v1/plans/gold", json={"flows": 5}).status_code == 404


def test_administrators_change_their_own_and_nothing_else(register: NewCaller) -> None:
    one, two = register(), register()
    own, other = f"/api/v1/organizations/{one.organization_id}", f"/api/v1/organizations/{two.organization_id}"
    changed = one.patch(own, json={"name": "Nova", "time_zone": "America/Manaus", "currency": "USD"}).json()
    assert (changed["name"], changed["time_zone"], changed["currency"]) == ("Nova", "America/Manaus", "USD")
    assert one.patch(own, json={"time_zone": "Mars/Olympus"}).status_code == 422
    for method, path, body in (
        ("PATCH", "", {"status": "suspended"}),
        ("PUT", "/plan", {"plan": "enterprise"}),
        ("DELETE", "", None),
        ("POST", "/restore", {}),
    ):
        assert one.request(method, own + path, json=body).status_code == 403, path
        assert one.request(method, other + path, json=body).status_code == 404, path
    for path in ("", "/usage"):
        assert one.get(other + path).status_code == 404
    assert one.get("/api/v1/organizations").status_code == 403
    new = {"name": "X", "admin_email": "x@example.com", "admin_name": "X", "admin_password": PASSWORD}
    assert one.post("/api/v1/organizations", json=new).status_code == 403


def test_a_super_admin_makes_an_organization_and_sees_nothing_of_it(boss: Caller, client: TestClient) -> None:
    new = {"name": "Nova", "admin_email": "nova@example.com", "admin_name": "Nina", "admin_password": PASSWORD}
    made = boss.post("/api/v1/organizations", json={**new, "plan": "starter"})
    assert made.status_code == 201, made.text
    assert (made.json()["plan"], made.json()["admins"][0]["email"]) == ("starter", "nova@example.com")
    assert boss.post("/api/v1/organizations", json=new).json()["code"] == "email_taken"
    assert boss.post("/api/v1/organizations", json={**new, "admin_password": "short"}).status_code == 422
    answer = login(client, "nova@example.com").json()
    theirs = {"Authorization": f"Bearer {answer['access_token']}"}
    flow = client.get("/api/v1/flows", headers=theirs).json()["items"][0]
    contact = client.post("/api/v1/contacts", headers=theirs, json={"name": "Bia"}).json()
    for path in (f"/flows/{flow['id']}", f"/contacts/{contact['id']}", f"/users/{answer['user']['id']}"):
        assert client.get(f"/api/v1{path}", headers=theirs).status_code == 200, path
        assert boss.get(f"/api/v1{path}").status_code == 404, path


def test_a_suspended_organizations_people_are_out_and_told_why(
    boss: Caller, register: NewCaller, client: TestClient, services: Services
) -> None:
    caller = register(organization_name="Padaria")
    who = services.accounts.resolve_bearer(caller.answer["access_token"])
    assert services.accounts.present(who) is not None
    web = {"email": caller.email, "password": PASSWORD}
    client.post("/auth/web/login", data=web, headers=OURS)
    assert client.get("/api/v1/auth/me").status_code == 200
    path = f"/api/v1/organizations/{caller.organization_id}"
    body = {"status": "suspended", "suspension_reason": "Not paid since May"}
    answer = boss.patch(path, json=body).json()
    assert (answer["status"], answer["suspension_reason"], answer["suspended_by"]) == (
        "suspended", "Not paid since May", "Ana Souza",
    )  # fmt: skip
    # Who was signed in is out; who knows the password is told, who doesn't learns nothing.
    assert client.get("/api/v1/auth/me").json()["code"] == "session_ended"
    assert caller.get("/api/v1/auth/me").status_code == 401
    assert services.accounts.present(who) is None, "open sockets ask this again and again"
    refused = login(client, caller.email)
    assert (refused.status_code, refused.json()["code"]) == (403, "organization_suspended")
    wrong = client.post("/api/v1/auth/login", json={**web, "password": "wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "credentials_invalid")
    again = client.post("/auth/web/login", data=web, headers=OURS)
    assert "error=organization_suspended" in again.headers["location"]
    assert boss.patch(path, json={"status": "active"}).json()["suspended_at"] is None
    assert login(client, caller.email).status_code == 200
    assert caller.get("/api/v1/auth/me").status_code == 200


def test_nobody_shuts_themselves_out(boss: Caller) -> None:
    own = f"/api/v1/organizations/{boss.organization_id}"
    assert boss.patch(own, json={"status": "suspended"}).json()["code"] == "own_organization"
    assert boss.delete(own).json()["code"] == "own_organization"
    assert boss.get("/api/v1/auth/me").status_code == 200


def test_a_deletion_can_be_taken_back_while_the_grace_lasts(
    boss: Caller, register: NewCaller, client: TestClient, frozen_clock: FrozenClock, services: Services
) -> None:
    caller = register()
    path = f"/api/v1/organizations/{caller.organization_id}"
    boss.patch(path, json={"status": "suspended"})
    answer = boss.delete(path).json()
    assert answer["status"] == "deleting"
    after = frozen_clock.now() + timedelta(days=services.settings.delete_grace_days)
    assert answer["delete_after"] == after.isoformat().replace("+00:00", "Z")
    assert login(client, caller.email).json()["code"] == "organization_deleting"
    assert boss.patch(path, json={"status": "active"}).json()["code"] == "organization_deleting"
    # What it was before: suspended.
    assert boss.post(f"{path}/restore", json={}).json()["status"] == "suspended"
    assert boss.post(f"{path}/restore", json={}).json()["code"] == "not_deleted"
    assert boss.patch(path, json={"status": "active"}).json()["status"] == "active"
    assert login(client, caller.email).status_code == 200
    boss.delete(path)
    with services.database.administration() as session:
        session.get_one(Organization, caller.organization_id).delete_after = frozen_clock.now()
    assert boss.post(f"{path}/restore", json={}).json()["code"] == "erasing"


def joined(client: TestClient, invitation: dict[str, Any], name: str = "Nina Prado") -> Any:
    token = str(invitation["link"]).rpartition("/")[2]
    body = {"token": token, "full_name": name, "password": PASSWORD}
    return client.post("/api/v1/invitations/accept", json=body)


def test_a_new_organizations_first_administrator_is_invited(
    boss: Caller, client: TestClient, services: Services
) -> None:
    new = {"name": "Nova", "admin_email": "nina@example.com", "plan": "starter", "locale": "es"}
    made = boss.post("/api/v1/organizations", json=new)
    assert made.status_code == 201, made.text
    answer = made.json()
    assert (answer["plan"], answer["trial_ends_at"], answer["admins"]) == ("starter", None, [])
    assert [one["email"] for one in answer["invited"]] == ["nina@example.com"]
    path = f"/api/v1/organizations/{answer['id']}"
    # Asked again, another link counts, and it is still one invitation.
    again = boss.post(f"{path}/administrators", json={"email": "NINA@example.com"}).json()
    assert joined(client, answer["invitation"]).json()["code"] == "invitation_invalid"
    assert [one["state"] for one in boss.get(path).json()["invited"]] == ["open"]
    assert joined(client, again).status_code == 201
    session = login(client, "nina@example.com").json()
    assert (session["user"]["role"], session["user"]["locale"]) == ("org_admin", "es")
    theirs = {"Authorization": f"Bearer {session['access_token']}"}
    assert [flow["slug"] for flow in client.get("/api/v1/flows", headers=theirs).json()["items"]] != []
    shown = boss.get(path).json()
    assert ([one["name"] for one in shown["admins"]], shown["invited"]) == (["Nina Prado"], [])
    assert boss.post(f"{path}/administrators", json={"email": "nina@example.com"}).json()["code"] == "email_taken"
    # What is asked of others' organizations is theirs alone; a resting one takes nobody.
    assert client.post(f"{path}/administrators", headers=theirs, json={"email": "x@example.com"}).status_code == 403
    boss.patch(path, json={"status": "suspended"})
    resting = boss.post(f"{path}/administrators", json={"email": "x@example.com"})
    assert (resting.status_code, resting.json()["code"]) == (409, "organization_inactive")


def test_an_organization_whose_administrator_cant_be_invited_isnt_made(boss: Caller, register: NewCaller) -> None:
    taken = register()
    before = len(boss.get("/api/v1/organizations").json()["items"])
    refused = boss.post("/api/v1/organizations", json={"name": "Nova", "admin_email": taken.email})
    assert (refused.status_code, refused.json()["code"]) == (409, "email_taken")
    half = {"name": "Nova", "admin_email": "nina@example.com", "admin_password": PASSWORD}
    assert boss.post("/api/v1/organizations", json=half).status_code == 422
    assert len(boss.get("/api/v1/organizations").json()["items"]) == before


def test_what_a_super_admin_does_stands_in_their_own_log(
    boss: Caller, register: NewCaller, frozen_clock: FrozenClock
) -> None:
    caller = register(organization_name="Padaria")
    limits = boss.get("/api/v1/plans").json()["items"][0]["limits"]

    def do(method: str, where: str, **body: Any) -> Any:
        frozen_clock.advance(timedelta(seconds=1))
        answer = boss.request(method, f"/api/v1{where}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    path = f"/organizations/{caller.organization_id}"
    do("PATCH", path, status="suspended", suspension_reason="Not paid")
    do("PATCH", path, status="active")
    do("PUT", f"{path}/plan", plan="starter")
    do("PUT", f"{path}/plan", plan="starter")  # changes nothing, is no entry
    do("DELETE", path)
    do("POST", f"{path}/restore")
    do("POST", f"{path}/administrators", email="rui@example.com")
    do("PATCH", f"/organizations/{boss.organization_id}", name="House")  # the own one's log has it by itself, once
    do("PATCH", "/plans/free", flows=limits["flows"])
    made = do("POST", "/organizations", name="Nova", admin_email="nina@example.com")
    found = boss.get("/api/v1/audit-log?kind=organization&limit=50").json()["items"]
    told = [
        (entry["action"], entry["object_name"], entry["before"], entry["after"])
        for entry in reversed(found)
        if entry["object_id"] in (str(caller.organization_id), made["id"])
        and (entry["actor_id"], bool(entry["address"])) == (str(boss.user_id), True)
    ]
    assert told[0][2:] == (
        {"status": "active", "suspension_reason": ""}, {"status": "suspended", "suspension_reason": "Not paid"},
    )  # fmt: skip
    assert [(action, name) for action, name, _, _ in told] == [
        *[("updated", "Padaria")] * 5, ("invited", "Padaria"), ("created", "Nova"),
    ]  # fmt: skip
    assert (told[2][3]["plan"], told[3][3]["status"], told[4][3]["status"]) == ("starter", "deleting", "active")
    assert told[5][3] == {"email": "rui@example.com"}
    own = [entry for entry in found if entry["object_id"] == str(boss.organization_id) and entry["action"] == "updated"]
    assert len(own) == 1
    [plan] = boss.get("/api/v1/audit-log?kind=plan").json()["items"]
    assert (plan["object_name"], plan["before"], plan["after"]) == ("free", {"flows": 10}, {"flows": 10})
