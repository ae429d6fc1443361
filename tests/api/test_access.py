"""Every route asks who is there, and viewers change nothing."""

from __future__ import annotations

from fastapi.testclient import TestClient
from sqlmodel import select

from pytake_app.accounts.models import User
from pytake_app.api.services import Services
from tests.api.fixtures import NewCaller
from tests.api.test_tenancy import call, populate

PUBLIC = {
    ("get", "/health"),
    ("get", "/ready"),
    ("post", "/api/v1/auth/register"),
    ("post", "/api/v1/auth/login"),
    ("post", "/api/v1/auth/refresh"),
    ("post", "/hooks/{token}"),  # the address is the credential
}
# What a viewer may do: end the own sign-ins, look at the phone, ask for a computation that keeps nothing.
FOR_VIEWERS = {
    ("post", "/api/v1/auth/logout"),
    ("post", "/api/v1/auth/logout-everywhere"),
    ("patch", "/api/v1/conversations/{conversation_id}/read"),  # answers, and leaves the unread count to those who work
    ("post", "/api/v1/sandbox/{account_id}/read"),
    ("post", "/api/v1/flows/{flow_id}/verify"),
    ("post", "/api/v1/flows/{flow_id}/cost"),
    ("post", "/api/v1/flows/{flow_id}/test"),
    ("post", "/api/v1/flows/{flow_id}/preview"),
    ("post", "/api/v1/flows/{flow_id}/test-cases/run"),  # in memory
    ("post", "/api/v1/flows/{flow_id}/check/path"),  # in memory
    ("post", "/api/v1/flows/{flow_id}/replay"),  # in memory, nothing is sent
    ("post", "/api/v1/flows/sessions/{session_id}/replay"),
    ("post", "/api/v1/flows/{flow_id}/leave"),  # one's own tab's avatar
    ("patch", "/api/v1/auth/me"),  # one's own name and language
    ("put", "/api/v1/auth/me/avatar"),
    ("delete", "/api/v1/auth/me/avatar"),
    ("post", "/api/v1/flow-views"),  # one's own views of the list
    ("delete", "/api/v1/flow-views/{view_id}"),
    ("patch", "/api/v1/notifications/{notification_id}/read"),  # one's own
    ("post", "/api/v1/notifications/read-all"),
    ("post", "/api/v1/inbox-views"),  # one's own views of the list
    ("patch", "/api/v1/inbox-views/{inbox_view_id}"),
    ("delete", "/api/v1/inbox-views/{inbox_view_id}"),
    ("put", "/api/v1/conversations/{conversation_id}/presence"),  # looks, and is seen to
}


def test_nobody_gets_nowhere(live_client: TestClient) -> None:
    document = live_client.get("/openapi.json").json()
    answers = {}
    for path, operations in document["paths"].items():
        for method in operations:
            if (method, path) in PUBLIC:
                continue
            address = path.replace("{", "").replace("}", "")
            answers[f"{method} {path}"] = live_client.request(method.upper(), address, json={}).status_code
    assert len(answers) > 30
    # Whether the path's id is well-formed may be looked at first; nothing is read or written for that.
    assert {route: status for route, status in answers.items() if status not in (401, 422)} == {}
    assert list(answers.values()).count(401) > 15


def test_viewers_change_nothing(live_client: TestClient, register: NewCaller, services: Services) -> None:
    viewer = register()
    own = populate(services, viewer)
    with services.database.auth() as session:
        session.exec(select(User)).one().role = "viewer"
    document = live_client.get("/openapi.json").json()
    wrong = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "get" or (method, path) in PUBLIC | FOR_VIEWERS:
                continue
            response = call(viewer, method, path, operation, document, own)
            if response.status_code != 403:
                wrong[f"{method} {path}"] = (response.status_code, response.text[:200])
    assert not wrong, "\n".join(f"{route}: {answer}" for route, answer in wrong.items())
