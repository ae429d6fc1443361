"""A web process gets ready by itself, and starts without a database too."""

import pytest
from fastapi import routing
from fastapi.testclient import TestClient
from sqlalchemy import event, text
from structlog.testing import capture_logs

from pytake_app.api import app, warming
from pytake_app.api.services import Services, build_services
from pytake_app.config import Settings
from tests.api.fixtures import HOST


def test_the_list_of_flows_is_ready_before_anybody_asks(services: Services) -> None:
    asked: list[str] = []
    engine = services.database.engine("pytake_app")

    def listen(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", listen)
    try:
        with capture_logs() as said:
            warming.warm(services)
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert [line["event"] for line in said] == ["warmed"]
    assert any("FROM flows" in statement for statement in asked)
    with services.database.system() as session:  # as somebody of no organization: nothing came of it
        assert session.execute(text("SELECT count(*) FROM flows")).scalar_one() == 0


def test_operations_are_worked_out_before_anybody_asks(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    app._routes.cache_clear()  # as in a new process
    made = app.create_app(services=services)
    warming.warm(services, made.router.routes)
    looked_up = []
    monkeypatch.setattr(routing, "get_dependant", lambda **_named: looked_up.append(1))
    answer = TestClient(made, base_url=HOST).get("/api/v1/flows")  # one of the last routers
    assert answer.status_code == 401
    assert looked_up == []


def test_without_a_database_it_is_left_to_the_first_request(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/nothing"})
    with capture_logs() as said:
        warming.warm(build_services(away))
    assert [line["event"] for line in said] == ["not_warmed"]
