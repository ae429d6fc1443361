"""Flows bent in one place: saved or refused with a reason, and whatever was saved can be looked at everywhere."""

from __future__ import annotations

import copy
import json
import os
import random
from typing import Any

import pytest
from fastapi.testclient import TestClient

from pytake_app.api import middleware
from pytake_app.api.services import Services
from tests.api.fixtures import NewCaller
from tests.api.test_fuzz import HOSTILE, OUTSIDE, Crashes, places

ROUNDS = int(os.environ.get("PYTAKE_FUZZ_DOCUMENTS", "5"))
SEED = int(os.environ.get("PYTAKE_FUZZ_SEED", "1"))
LOOKS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("POST", "/verify", None),
    ("GET", "/paths?limit=5", None),
    ("GET", "/check/paths?limit=3", None),
    ("GET", "/check/channels?channel=telegram&channel=whatsapp", None),
    ("GET", "/cost", None),
    ("GET", "/export", None),
    ("GET", "/translations", None),
    ("GET", "/translations.csv", None),
    ("GET", "/references", None),
    ("GET", "/impact", None),
    ("GET", "/compare", None),
    ("GET", "/nodes", None),
    ("GET", "/stats", None),
    ("POST", "/test", {"inputs": [{"type": "text", "text": "oi"}, {"type": "text", "text": "1"}]}),
    ("POST", "/check/mend", {"expected_revision": 1}),
    ("POST", "/publish", {"note": "x"}),
    ("POST", "/duplicate", None),
]


def small(value: Any) -> bool:
    return not (isinstance(value, str) and len(value) > 10_000)


@pytest.mark.timeout(240)
def test_a_bent_flow_breaks_nothing(
    live_client: TestClient, register: NewCaller, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes: list[str] = []
    monkeypatch.setattr(middleware, "log", Crashes(crashes))
    rng = random.Random(SEED)
    caller = register()
    caller.client = live_client
    starters = [
        item["key"] for item in live_client.get("/api/v1/flow-templates", headers=caller.headers).json()["items"]
    ]
    hostile = [value for value in HOSTILE if small(value)]
    wrong: dict[str, Any] = {}
    saved = 0
    for round_ in range(ROUNDS):
        services.redis.flushdb()
        body = {"starter": starters[round_ % len(starters)], "locale": "pt_BR"}
        flow = caller.post("/api/v1/flows/from-template", json=body)
        assert flow.status_code == 201, flow.text
        address = f"/api/v1/flows/{flow.json()['id']}"
        good = flow.json()["draft"]["document"]
        for _ in range(12):
            document = copy.deepcopy(good)
            for _ in range(rng.choice([1, 1, 2])):
                path = rng.choice([p for p in places(document) if len(p) >= 2])
                at: Any = document
                for key in path[:-1]:
                    at = at[key]
                if isinstance(at, dict | list):
                    at[path[-1]] = rng.choice(hostile)
            revision = caller.get(address).json()["draft"]["revision"]
            sent = json.dumps({"expected_revision": revision, "document": document})
            answer = caller.request(
                "PUT", f"{address}/draft", content=sent, headers={"Content-Type": "application/json"}
            )
            if answer.status_code >= 500:
                wrong.setdefault(f"save {path[0]} {path[-1]}", (str(at[path[-1]])[:100], *crashes[-1:]))
            crashes.clear()
            if answer.status_code == 200:
                saved += 1
                break
        for method, rest, given in LOOKS:
            services.redis.flushdb()
            answer = caller.request(method, address + rest, **({"json": given} if method == "POST" and given else {}))
            if answer.status_code >= 500 and answer.json()["code"] not in OUTSIDE:
                wrong.setdefault(f"{method} {rest}", (path, str(at[path[-1]])[:100], answer.text[:100], *crashes[-1:]))
                crashes.clear()
        caller.delete(address)
    print("saved", saved)
    assert saved > ROUNDS / 2
    assert not wrong, "\n".join(f"{what}: {answer}" for what, answer in wrong.items())
