"""Bodies, queries and paths that nobody would send in earnest: every answer is a known one, none is our mistake.

The generator reads the OpenAPI document, so that routes to come are tried as well: a body that fits is bent in one
place at a time. What it tries is decided by a seed; `PYTAKE_FUZZ_ROUNDS` and `PYTAKE_FUZZ_SEED` try more.
"""

from __future__ import annotations

import copy
import json
import os
import random
import re
import traceback
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from pytake_app.api import middleware
from pytake_app.api.services import Services
from tests.api.fixtures import Caller, NewCaller
from tests.api.test_tenancy import BODIES, PLAIN, populate

ROUNDS = int(os.environ.get("PYTAKE_FUZZ_ROUNDS", "3"))
SEED = int(os.environ.get("PYTAKE_FUZZ_SEED", "1"))
DEEP: Any = "leaf"
for _ in range(200):
    DEEP = {"a": [DEEP]}
# They end what the others need, or take minutes by what they are for.
LEFT_OUT = {
    ("post", "/api/v1/auth/logout"),
    ("post", "/api/v1/auth/logout-everywhere"),
    ("post", "/api/v1/auth/refresh"),
}
OUTSIDE = {"sync_failed", "platform_unavailable", "webhook_failed"}
"""Said when Meta, or the process that takes webhooks, doesn't answer: there is none of them here."""
HOSTILE: list[Any] = [
    None, True, False, 0, -1, 1, 0.5, -0.0, 1e308, 2**31, 2**63, -(2**63) - 1, 10**40,
    "", " ", "x", "\x00", "a\x00b", "\u202e\ufeff", "😀" * 50, "x" * 5_000, "x" * 300_000,
    "'; DROP TABLE flows; --", "%s%n{0}", "%", "\\", "\n", "../../etc/passwd", "<img src=x onerror=alert(1)>",
    "{{ 7 | times: 7 }}", "{% for i in (1..999999999) %}x{% endfor %}", "{{", "((((((((((", "(a+)+$",
    "2026-02-30", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "2026-11-21T00:00:00", "1e999", "Infinity",
    "NaN", "-1", "00000000-0000-0000-0000-000000000000", "* * * * *", "America/Sao_Paulo", "../UTC", "pt_BR", "xx",
    "http://127.0.0.1/", "file:///etc/passwd", "http://[::1", "//", "data:text/html,x",
    [], [None], [[]], [1, "a", {}], ["x"] * 3_000,
    {}, {"": ""}, {"a": None}, {"\x00": 1}, {"__proto__": {}}, {"id": "a", "type": "start"}, DEEP,
]  # fmt: skip


SHORT = [value for value in HOSTILE if isinstance(value, str | int) and len(str(value)) < 1_000]
FILES = [b"", b"x", b"\xff\xd8\xff\xe0", b"%PDF-1.4", b"PK\x03\x04"]
NAMES = ["x.jpg", "../../x.pdf", "a\x00.png", "x" * 400, "", "é.txt"]


def example(schema: Any, document: dict[str, Any], rng: random.Random, depth: int = 0) -> Any:
    """Some value that fits a JSON schema more or less: what fits wholly is the schema's own test."""
    if "$ref" in schema:
        return example(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document, rng, depth)
    if "const" in schema:
        return schema["const"]
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return example(rng.choice(schema[name]), document, rng, depth)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if "default" in schema and rng.random() < 0.3:
        return schema["default"]
    match schema.get("type"):
        case "object":
            wanted = set(schema.get("required", ()))
            return {
                key: example(value, document, rng, depth + 1)
                for key, value in schema.get("properties", {}).items()
                if key in wanted or (depth < 4 and rng.random() < 0.6)
            }
        case "array":
            number = max(schema.get("minItems", 0), 0 if depth > 4 else rng.randint(0, 2))
            return [example(schema.get("items", {}), document, rng, depth + 1) for _ in range(number)]
        case "integer" | "number":
            return rng.choice([schema.get("minimum", 0), schema.get("maximum", 7), 1])
        case "boolean":
            return rng.random() < 0.5
        case "null":
            return None
        case "string":
            if schema.get("format") == "uuid":
                return "00000000-0000-4000-8000-000000000000"
            if schema.get("format") == "date-time":
                return "2027-01-02T03:04:05Z"
            return rng.choice(["x", "main", "start", "Olá {{ contact.name }}"]).ljust(schema.get("minLength", 1), "x")
        case _:
            return rng.choice(HOSTILE[:30])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value[:5]):
            found += places(inner, (*path, index))
    return found


def bent(body: Any, rng: random.Random) -> Any:
    """The body with something hostile in one place."""
    body = copy.deepcopy(body)
    path = rng.choice(places(body))
    if not path:
        return rng.choice(HOSTILE)
    at = body
    for key in path[:-1]:
        at = at[key]
    if isinstance(at, dict) and rng.random() < 0.1:
        del at[path[-1]]
    elif isinstance(at, dict) and rng.random() < 0.05:
        at["surprise"] = rng.choice(HOSTILE)
    else:
        at[path[-1]] = rng.choice(HOSTILE)
    return body


def written(body: Any) -> bytes:
    return json.dumps(body).encode()


def operations(document: dict[str, Any]) -> list[tuple[str, str, Any]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if (method, path) not in LEFT_OUT
    ]


def ends_things(route: tuple[str, str, Any]) -> bool:
    """What takes things away comes last, or the others would find nothing to work on."""
    return route[0] == "delete" or route[1].endswith(("/cancel", "/archive", "/bulk", "/password"))


def tried(caller: Caller, method: str, path: str, operation: Any, document: Any, ids: Any, rng: random.Random) -> Any:
    """One bent request; what was sent, and the answer."""
    address = path
    for name in re.findall(r"{(\w+)}", path):
        value = str(ids.get(name) or PLAIN[name])
        if rng.random() < 0.15:
            value = quote(str(rng.choice(SHORT)), safe="")
        address = address.replace(f"{{{name}}}", value or "%20")
    params: list[tuple[str, str]] = []
    for item in operation.get("parameters", ()):
        if item["in"] == "query" and (item.get("required") or rng.random() < 0.6):
            value = rng.choice(HOSTILE) if rng.random() < 0.5 else example(item["schema"], document, rng)
            several = value if isinstance(value, list) else [value]
            params += [(item["name"], str(one)[:2_000]) for one in several[:50]]
    headers: dict[str, str] = {}
    if rng.random() < 0.05:
        headers["Idempotency-Key"] = rng.choice(["x", "k" * 300, "%00", "a b", "\u00e9".encode().decode("latin-1")])
    kwargs: dict[str, Any] = {"params": params, "headers": headers}
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        kwargs["files"] = {"file": (rng.choice(NAMES), rng.choice(FILES), "image/jpeg")}
    elif "application/json" in content:
        base = BODIES.get((method, path)) if rng.random() < 0.3 else None
        base = base if base is not None else example(content["application/json"]["schema"], document, rng)
        body = bent(base, rng) if rng.random() < 0.85 else base
        headers["Content-Type"] = "application/json"
        kwargs["content"] = written(body)
    try:
        answer = caller.request(method.upper(), address, **kwargs)
    except (UnicodeError, ValueError):
        return None, None
    return (address, params, kwargs.get("content", b"")[:300]), answer


class Crashes:
    """Stands in for the middleware's logger: keeps the end of each traceback for the report."""

    def __init__(self, found: list[str]) -> None:
        self._found = found

    def exception(self, _event: str, **_more: Any) -> None:
        self._found.append(traceback.format_exc()[-1500:])


@pytest.mark.timeout(180)
def test_no_input_is_our_mistake(
    live_client: TestClient, register: NewCaller, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes: list[str] = []
    monkeypatch.setattr(middleware, "log", Crashes(crashes))
    rng = random.Random(SEED)
    document = live_client.get("/openapi.json").json()
    wrong: dict[str, Any] = {}
    statuses: Counter[int] = Counter()
    for _ in range(ROUNDS):
        services.redis.flushdb()  # limits count anew
        caller = register()
        caller.client = live_client
        ids = populate(services, caller)
        for method, path, operation in sorted(operations(document), key=ends_things):
            sent, answer = tried(caller, method, path, operation, document, ids, rng)
            if answer is None:
                continue
            statuses[answer.status_code] += 1
            outside = answer.status_code == 503 and answer.json()["code"] in OUTSIDE
            if answer.status_code >= 500 and not outside:
                wrong.setdefault(f"{method} {path}", (answer.status_code, sent, answer.text[:200], *crashes[-1:]))
                crashes.clear()
    print(statuses, len(crashes))
    assert not wrong, "\n".join(f"{route}: {answer}" for route, answer in wrong.items())
