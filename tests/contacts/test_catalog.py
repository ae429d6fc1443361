"""Tags and custom fields by the API."""

from __future__ import annotations

from tests.api.fixtures import Caller, app, caller, client, live_client, register, services

__all__ = ["app", "caller", "client", "live_client", "register", "services"]
TAGS, FIELDS, CONTACTS = "/api/v1/tags", "/api/v1/custom-fields", "/api/v1/contacts"


def counts(caller: Caller) -> dict[str, int]:
    return {tag["name"]: tag["contacts"] for tag in caller.get(TAGS).json()["items"]}


def test_a_tag_that_is_used_is_a_tag(caller: Caller) -> None:
    ana = caller.post(CONTACTS, json={"name": "Ana", "tags": ["vip"]}).json()
    caller.patch(f"{CONTACTS}/{ana['id']}", json={"tags": ["vip", "novo"]})
    caller.post(f"{CONTACTS}/{ana['id']}/tags/atrasado")
    assert counts(caller) == {"atrasado": 1, "novo": 1, "vip": 1}
    caller.delete(f"{CONTACTS}/{ana['id']}/tags/atrasado")
    assert counts(caller)["atrasado"] == 0


def test_a_tag_is_named_by_its_id_too(caller: Caller) -> None:
    tag = caller.post(TAGS, json={"name": "VIP", "color": "#ff0000"}).json()
    ana = caller.post(CONTACTS, json={"name": "Ana"}).json()
    assert caller.post(f"{CONTACTS}/{ana['id']}/tags/{tag['id']}").json()["tags"] == ["VIP"]
    assert caller.delete(f"{CONTACTS}/{ana['id']}/tags/{tag['id']}").json()["tags"] == []


def test_a_new_name_reaches_the_contacts(caller: Caller) -> None:
    ana = caller.post(CONTACTS, json={"name": "Ana", "tags": ["vip", "novo"]}).json()
    tag = next(t for t in caller.get(TAGS).json()["items"] if t["name"] == "vip")
    renamed = caller.patch(f"{TAGS}/{tag['id']}", json={"name": "ouro"}).json()
    assert (renamed["name"], renamed["contacts"]) == ("ouro", 1)
    assert sorted(caller.get(f"{CONTACTS}/{ana['id']}").json()["tags"]) == ["novo", "ouro"]
    taken = caller.patch(f"{TAGS}/{tag['id']}", json={"name": "novo"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    assert caller.delete(f"{TAGS}/{tag['id']}").status_code == 204
    assert caller.get(f"{CONTACTS}/{ana['id']}").json()["tags"] == ["novo"]


def test_custom_fields(caller: Caller) -> None:
    made = caller.post(FIELDS, json={"key": "city", "label": "Cidade"}).json()
    assert caller.get(f"{FIELDS}/{made['id']}").json() == made
    for wrong in ({"key": "City"}, {"key": "x", "type": "select"}, {"key": "x", "type": "colour"}):
        assert caller.post(FIELDS, json={"label": "X", **wrong}).status_code == 422
    for taken in ("city", "email"):
        assert caller.post(FIELDS, json={"key": taken, "label": "X"}).json()["code"] == "key_taken"
    size = caller.post(FIELDS, json={"key": "size", "label": "T", "type": "select", "options": ["P", "M"]}).json()
    assert caller.patch(f"{FIELDS}/{size['id']}", json={"options": ["P", "M", "G"]}).json()["options"][-1] == "G"
    assert caller.patch(f"{FIELDS}/{made['id']}", json={"options": ["x"]}).status_code == 422
    assert caller.delete(f"{FIELDS}/{made['id']}").status_code == 204
    assert [f["key"] for f in caller.get(FIELDS).json()["items"]] == ["size"]
