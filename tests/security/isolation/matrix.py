"""Reads `matrix.txt`, and lists what the product has to stand in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.routing import Mount

from pytake_app.api.ingest_asgi import PATHS

FILE = Path(__file__).with_name("matrix.txt")
WHO = ("nobody", "ended", "other", "viewer", "agent", "admin", "super")
COLUMNS = {"socket": (*WHO, "key", "bare")}
"""Of sections with more columns."""
ROLES = {"viewer": "viewer", "agent": "agent", "admin": "org_admin", "super": "super_admin"}
# Bare ASGI in front of the API (`api/ingest_asgi.py`); the signature is the credential.
WEBHOOKS = (
    "/api/v1/webhook/whatsapp",
    "/api/v1/webhook/whatsapp/{account_id}",
    "/webhook/whatsapp",
    "/webhook/whatsapp/{account_id}",
    "/whatsapp/webhook",
    "/api/webhooks/whatsapp",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line: the answer for each of the section's columns."""

    section: str
    name: str
    answers: dict[str, str]


def rows(section: str) -> dict[str, Row]:
    """The rows of a section by name; a name that stands twice is a mistake."""
    found: dict[str, Row] = {}
    columns = COLUMNS.get(section, WHO)
    here = ""
    for line in FILE.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            here = line.strip("[] ")
            continue
        if here != section:
            continue
        name, *answers = line.rsplit(None, len(columns))
        key = " ".join(name.split())
        assert key not in found, f"{key} stands twice"
        assert len(answers) == len(columns), line
        found[key] = Row(section, key, dict(zip(columns, answers, strict=True)))
    return found


def written(name: str, answers: dict[str, str]) -> str:
    """A line as it stands in the file."""
    first, _, rest = name.partition(" ")
    return f"{f'{first:<6} {rest}':<76}" + " ".join(f"{answers.get(who, '?'):<6}" for who in WHO).rstrip()


def _all_routes(app: FastAPI) -> Iterator[tuple[str, str, bool]]:
    """(method, path, whether the OpenAPI document tells of it) of everything that the application answers."""
    for route in app.routes:
        contexts: Any = route.effective_route_contexts() if hasattr(route, "effective_route_contexts") else [route]
        for one in contexts:
            if isinstance(one, Mount):
                yield "GET", f"{one.path}/{{path}}", False
            elif not getattr(one, "methods", None):
                yield "WS", _socket_path(one), False
            else:
                for method in sorted(set(one.methods) - {"HEAD"}):
                    yield method, one.path, bool(getattr(one, "include_in_schema", False))


def _socket_path(route: Any) -> str:
    """An included router's socket knows its whole path by its Starlette route."""
    return str(route.path or route.starlette_route.path)


def api_routes(app: FastAPI) -> dict[str, bool]:
    """`"GET /path"` of every route, with whether the OpenAPI document tells of it."""
    found = {f"{method} {path}": told for method, path, told in _all_routes(app)}
    for path in WEBHOOKS:
        assert PATHS.match(path.replace("{account_id}", "0" * 8 + "-0000" * 3 + "-" + "0" * 12)), path
        found |= {f"{method} {path}": False for method in ("GET", "POST")}
    return found
