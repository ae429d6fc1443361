"""Test cases: a saved preview, played again, compared, and asked before a publication."""

from typing import Any
from uuid import uuid4

import pytest

from pytake_app.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from pytake_app.flows import service
from pytake_app.flows.testcase_schemas import NewTestCase, TestCaseUpdate, TestCaseView, TestRun, TestRunRequest
from tests.api.fixtures import Caller, NewCaller
from tests.flows.test_preview import MENU, PRESS, make
from tests.support.tenants import Tenant

SCRIPT = {"inputs": [{"type": "text", "text": "oi"}, {"type": "text", "text": "Ana"}, PRESS]}


def save(tenant: Tenant, slug: str, name: str = "Diz sim", **values: Any) -> TestCaseView:
    request = NewTestCase.model_validate({"name": name, "script": SCRIPT, **values})
    with tenant.session() as session:
        return service.create_test_case(session, tenant.admin, slug, request, clock=tenant.clock)


def run(tenant: Tenant, slug: str, **values: Any) -> TestRun:
    with tenant.session() as session:
        return service.run_test_cases(session, tenant.viewer, slug, TestRunRequest.model_validate(values))


def edit(tenant: Tenant, slug: str, node_id: str, **patch: Any) -> None:
    with tenant.session() as session:
        operation = {"op": "update_config", "id": node_id, "patch": patch}
        service.apply_operations(session, tenant.admin, slug, [operation], clock=tenant.clock)


def publish(tenant: Tenant, slug: str, **values: Any) -> Any:
    with tenant.session() as session:
        return service.publish_flow(session, tenant.admin, slug, clock=tenant.clock, **values)


def test_a_saved_conversation_passes_until_the_flow_says_something_else(tenant: Tenant) -> None:
    slug = make(tenant, MENU)
    case = save(tenant, slug)
    assert (case.inputs, case.expected.status, case.expected.variables["name"]) == (3, "completed", "Ana")
    assert [len(turn.messages) for turn in case.expected.turns] == [1, 1, 1]
    good = run(tenant, slug)
    assert (good.passed, good.failed, good.revision) == (1, 0, 1)
    edit(tenant, slug, "menu", body="Olá {{ session.name }}, tudo bem?")
    bad = run(tenant, slug)
    (difference,) = bad.results[0].differences
    assert (difference.kind, difference.turn, difference.after, difference.node_id) == ("message", 1, "Ana", "menu")
    assert difference.expected == "Oi Ana!\n[ Sim ]\n[ Não ]"
    assert difference.got == "Olá Ana, tudo bem?\n[ Sim ]\n[ Não ]"


def test_every_kind_of_difference(tenant: Tenant) -> None:
    slug = make(tenant, MENU)
    save(tenant, slug)
    with tenant.session() as session:
        operations = [
            {"op": "update_config", "id": "ask", "patch": {"variable": "nome"}},
            {"op": "disconnect", "source": "menu", "port": "option:a"},
        ]
        service.apply_operations(session, tenant.admin, slug, operations, clock=tenant.clock)
    kinds = {(d.kind, d.name) for d in run(tenant, slug).results[0].differences}
    assert {("message", ""), ("missing", ""), ("variable", "name"), ("variable", "nome")} <= kinds


def test_what_comes_now_can_be_accepted(tenant: Tenant) -> None:
    slug = make(tenant, MENU)
    case = save(tenant, slug)
    edit(tenant, slug, "ask", body="Como se chama?")
    assert run(tenant, slug).failed == 1
    with tenant.session() as session:
        update = TestCaseUpdate(accept=True, name="Aceita")
        changed = service.update_test_case(session, tenant.admin, slug, case.id, update, clock=tenant.clock)
    assert changed.name == "Aceita"
    assert run(tenant, slug).failed == 0


def test_publishing_asks_the_test_cases(tenant: Tenant) -> None:
    slug = make(tenant, MENU)
    publish(tenant, slug)
    save(tenant, slug)
    save(tenant, slug, "Só oi", script={"inputs": [{"type": "text", "text": "oi"}]})
    publish(tenant, slug)
    edit(tenant, slug, "menu", body="Outro texto")
    with pytest.raises(ConflictError) as refused:
        publish(tenant, slug)
    assert (refused.value.code, [error.message for error in refused.value.errors]) == ("tests_failed", ["Diz sim"])
    publish(tenant, slug, allow_failing_tests=True)
    with tenant.session() as session:
        versions = service.list_versions(session, tenant.viewer, slug)
    tests = [version.tests.model_dump() if version.tests else None for version in versions]
    assert tests == [{"passed": 1, "failed": ["Diz sim"]}, {"passed": 2, "failed": []}, None]
    live = run(tenant, slug, source="live")
    assert (live.failed, live.version) == (1, 3)


def test_limits_and_strangers(tenant: Tenant) -> None:
    slug, other = make(tenant, MENU), make(tenant, MENU, "Outro")
    case = save(tenant, slug)
    with pytest.raises(ConflictError, match="of this name"):
        save(tenant, slug, "diz SIM ")
    with tenant.session() as session:
        with pytest.raises(NotFoundError):
            service.delete_test_case(session, tenant.admin, other, case.id)
        with pytest.raises(NotFoundError):
            service.run_test_cases(session, tenant.viewer, slug, TestRunRequest(ids=[uuid4()]))
        with pytest.raises(ForbiddenError):
            service.delete_test_case(session, tenant.agent, slug, case.id)
        service.delete_test_case(session, tenant.admin, slug, case.id)
    assert run(tenant, slug).results == []


def test_over_rest(register: NewCaller) -> None:
    caller: Caller = register()
    flow = caller.post("/api/v1/flows", json={"name": "Prévia", "document": MENU}).json()["id"]
    base = f"/api/v1/flows/{flow}/test-cases"
    made = caller.post(base, json={"name": "Diz sim", "script": SCRIPT})
    assert made.status_code == 201, made.text
    assert [item["name"] for item in caller.get(base).json()["items"]] == ["Diz sim"]
    ran = caller.post(f"{base}/run", json={}).json()
    assert (ran["passed"], ran["failed"]) == (1, 0)
    patch = {"op": "update_config", "id": "yes", "patch": {"body": "Mudou"}}
    caller.post(f"/api/v1/flows/{flow}/operations", json={"operations": [patch]})
    refused = caller.post(f"/api/v1/flows/{flow}/publish", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "tests_failed")
    assert caller.post(f"/api/v1/flows/{flow}/publish", json={"allow_failing_tests": True}).status_code == 200
    one = f"{base}/{made.json()['id']}"
    assert caller.patch(one, json={"accept": True}).status_code == 200
    assert caller.delete(one).status_code == 204
    assert caller.get(base).json()["items"] == []


def test_a_duplicate_has_the_same_test_cases(tenant: Tenant) -> None:
    slug = make(tenant, MENU)
    case = save(tenant, slug)
    with tenant.session() as session:
        twin = service.duplicate_flow(session, tenant.admin, slug, clock=tenant.clock)
        (copied,) = service.list_test_cases(session, tenant.viewer, twin.slug)
        (kept,) = service.list_test_cases(session, tenant.viewer, slug)
    assert kept.id == case.id != copied.id
    assert (copied.name, copied.expected) == (kept.name, kept.expected)
    assert run(tenant, twin.slug).passed == 1


def test_test_cases_go_along_with_copies_and_files(tenant: Tenant) -> None:
    slug = make(tenant, MENU)
    save(tenant, slug)
    with tenant.session() as session:
        copy = service.duplicate_flow(session, tenant.admin, slug, clock=tenant.clock)
    assert [result.passed for result in run(tenant, copy.slug).results] == [True]
    with tenant.session() as session:
        file = service.export_flow(session, tenant.viewer, slug, clock=tenant.clock).model_dump(mode="json")
        made = service.import_flow(session, tenant.admin, document=file, clock=tenant.clock)
    assert [(result.name, result.passed) for result in run(tenant, made.slug).results] == [("Diz sim", True)]
    # The copy's own cases follow the copy alone.
    edit(tenant, copy.slug, "menu", body="Outro")
    assert (run(tenant, copy.slug).failed, run(tenant, slug).failed, run(tenant, made.slug).failed) == (1, 0, 0)
    file["tests"][0]["script"]["inputs"][0]["type"] = "shout"
    with tenant.session() as session, pytest.raises(InvalidError) as refused:
        service.import_flow(session, tenant.admin, document=file, clock=tenant.clock)
    assert refused.value.errors[0].pointer.startswith("/tests/0/script/inputs/0")
