"""Long runs: bounded in time, counted for each person, and never in the way of another organization."""

from __future__ import annotations

import asyncio
import threading
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from pytake_app.api import lanes
from pytake_app.core.budget import Budget, SpentError
from pytake_app.core.errors import TooManyRequestsError
from pytake_app.flows import preview, service
from tests.api.fixtures import NewCaller
from tests.waiting import wait_until_async


class Done(BaseModel):
    ok: bool = True


def document() -> dict[str, Any]:
    nodes = [
        {"id": "s", "type": "start"},
        {"id": "ola", "type": "msg_text", "config": {"body": "Olá"}},
    ]
    return {"nodes": nodes, "edges": [{"id": "e", "source": "s", "port": "next", "target": "ola"}]}


def test_a_budget_counts_work_and_not_waiting() -> None:
    used = 0.0
    budget = Budget(2.0, lambda: used)
    budget.check()
    used = 2.5
    with pytest.raises(SpentError) as refused:
        budget.check()
    assert (refused.value.status, refused.value.code) == (422, "run_too_long")


async def test_one_organization_takes_one_turn_at_a_time_and_leaves_the_others_theirs() -> None:
    lane, busy, other = lanes.Lane(2, 1, patience=0.3), uuid4(), uuid4()
    hold, running = threading.Event(), []

    def work() -> str:
        running.append(1)
        hold.wait(20)
        return "done"

    mine = [asyncio.create_task(lane.run(busy, work)) for _ in range(40)]
    try:
        assert await asyncio.wait_for(lane.run(other, lambda: "at once"), 10) == "at once"
        waited = await asyncio.wait_for(asyncio.gather(*mine[1:], return_exceptions=True), 20)
        assert {type(one) for one in waited} == {TooManyRequestsError}  # too many, or it took too long
        assert len(running) == 1
    finally:
        hold.set()
    assert await mine[0] == "done"
    assert await lane.run(busy, lambda: "again") == "again"


async def test_heavy_runs_of_one_organization_stop_nobody_else(
    app: FastAPI, register: NewCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty runs are more than the process has threads; they wait for something that doesn't come."""
    greedy, quiet = register(), register()
    flow = greedy.post("/api/v1/flows", json={"name": "Pesado", "document": document()}).json()["id"]
    hold, begun = threading.Event(), threading.Event()

    def endless(*_: object, **__: object) -> Done:
        begun.set()
        hold.wait(30)
        return Done()

    monkeypatch.setattr(service, "preview_flow", endless)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver", timeout=60) as http:
        runs = [
            asyncio.create_task(http.post(f"/api/v1/flows/{flow}/test", json={}, headers=greedy.headers))
            for _ in range(60)
        ]
        try:
            await wait_until_async(lambda: asyncio.sleep(0, begun.is_set()))
            answer = await asyncio.wait_for(http.get("/api/v1/flows", headers=quiet.headers), 15)
            assert answer.status_code == 200
            refused = [run for run in runs if run.done()]
            assert refused, "sixty of one organization don't all wait"
            assert {run.result().json()["code"] for run in refused} == {"too_busy"}
        finally:
            hold.set()
        answers = await asyncio.gather(*runs)
    assert {answer.status_code for answer in answers} == {200, 429}


def test_a_run_that_takes_too_long_is_broken_off_with_a_problem(
    register: NewCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = register()
    flow = caller.post("/api/v1/flows", json={"name": "Pesado", "document": document()}).json()["id"]
    assert caller.post(f"/api/v1/flows/{flow}/test", json={}).status_code == 200
    case = {"name": "Um", "script": {"inputs": [{"type": "text", "text": "oi"}]}}
    assert caller.post(f"/api/v1/flows/{flow}/test-cases", json=case).status_code == 201
    monkeypatch.setattr(preview, "RUN_SECONDS", -1.0)
    monkeypatch.setattr("pytake_app.flows.testcases.CASES_SECONDS", -1.0)
    for path, body in (("test", {}), ("test-cases/run", {}), ("publish", {})):
        answer = caller.post(f"/api/v1/flows/{flow}/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "run_too_long"), path
        assert answer.headers["content-type"].startswith("application/problem+json")
    published = caller.post(f"/api/v1/flows/{flow}/publish", json={"allow_failing_tests": True})
    assert published.status_code == 200, published.text


def test_runs_are_counted_for_each_person(register: NewCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "RUNS_PER_PERSON", "3 per minute")
    one, other = register(), register()
    for caller, wanted in ((one, [200, 200, 200, 429]), (other, [200])):
        flow = caller.post("/api/v1/flows", json={"name": "Um", "document": document()}).json()["id"]
        answers = [caller.post(f"/api/v1/flows/{flow}/test", json={}) for _ in wanted]
        assert [answer.status_code for answer in answers] == wanted
    again = one.get("/api/v1/flows/whatever/check/paths")
    assert (again.status_code, again.json()["code"]) == (429, "rate_limited")
    assert int(again.headers["retry-after"]) >= 1


def test_a_saved_case_is_saved_once(register: NewCaller) -> None:
    caller = register()
    flow = caller.post("/api/v1/flows", json={"name": "Um", "document": document()}).json()["id"]
    case = {"name": "Um", "script": {"inputs": [{"type": "text", "text": "oi"}]}}
    path, key = f"/api/v1/flows/{flow}/test-cases", {"Idempotency-Key": "k1"}
    first = caller.post(path, json=case, headers=key)
    again = caller.post(path, json=case, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
