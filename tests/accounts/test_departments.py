"""Departments by the API."""

from __future__ import annotations

from tests.api.fixtures import Caller, NewCaller, app, caller, client, live_client, register, services

__all__ = ["app", "caller", "client", "live_client", "register", "services"]
DEPARTMENTS = "/api/v1/departments"


def test_departments_have_members_of_the_organization_only(caller: Caller, register: NewCaller) -> None:
    stranger = register()
    mine, theirs = str(caller.user_id), str(stranger.user_id)
    made = caller.post(DEPARTMENTS, json={"name": "Vendas", "members": [mine, mine]})
    assert made.status_code == 201, made.text
    department = made.json()
    assert department["members"] == [mine]
    address = f"{DEPARTMENTS}/{department['id']}"
    refused = caller.request("PUT", f"{address}/members", json={"members": [mine, theirs]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/members/1")
    assert caller.get(address).json()["members"] == [mine]
    assert caller.request("PUT", f"{address}/members", json={"members": []}).json()["members"] == []
    assert caller.patch(address, json={"description": "Quem vende"}).json()["name"] == "Vendas"
    assert caller.post(DEPARTMENTS, json={"name": "Vendas"}).json()["code"] == "name_taken"
    queue = caller.post("/api/v1/queues", json={"name": "V", "department_id": department["id"]}).json()
    assert caller.delete(address).status_code == 204
    assert caller.get(f"/api/v1/queues/{queue['id']}").json()["department_id"] is None
