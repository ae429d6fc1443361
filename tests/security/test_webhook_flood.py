"""A forged delivery is checked against every number's secret: the event loop must not stop for it."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from pytake_app.api import ingest_asgi


@pytest.mark.parametrize(("size", "elsewhere"), [(1_000, False), (2_000_000, True)])
def test_much_hashing_leaves_the_event_loop(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, size: int, elsewhere: bool
) -> None:
    loops: list[int] = []
    hashed: list[int] = []

    async def many(_self: Any, _account: UUID | None) -> Any:
        loops.append(threading.get_ident())
        accounts = ()
        return ingest_asgi._Candidates(accounts, "default") if size < 2_000 else _Many()

    class _Many:
        secrets = ("one", "two", "three")

    def counted(*_given: Any) -> bool:
        hashed.append(threading.get_ident())
        return False

    monkeypatch.setattr(ingest_asgi.WebhookApp, "_candidates", many)
    monkeypatch.setattr(ingest_asgi, "verify", counted)
    answer = client.post(
        "/webhook/whatsapp", content=b"0" * size, headers={"X-Hub-Signature-256": "sha256=" + "0" * 64}
    )
    assert answer.status_code == 401
    assert hashed
    assert (hashed[0] != loops[0]) is elsewhere
