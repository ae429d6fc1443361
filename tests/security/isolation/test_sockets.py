"""Every command and event of the API's socket × everybody who may connect: section `socket` of `matrix.txt`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select
from starlette.websockets import WebSocketDisconnect

import pytake_app
from pytake_app.accounts.models import User
from pytake_app.api import hub, live_events, realtime
from pytake_app.api.services import Services
from tests.api.fixtures import Caller, NewCaller
from tests.api.test_keys import new_key
from tests.api.test_realtime import conversation_of, until
from tests.security.isolation.matrix import ROLES, api_routes, rows
from tests.security.isolation.test_api import fingerprint

SOURCES = Path(pytake_app.__file__).parent
SOCKETS = ("/api/v1/ws", "/api/v1/conversations/ws")
TELLING = frozenset({"poke", "_poke", "announce", "_announce", "_back"})
"""Functions that are given an event's name."""
A_NAME = re.compile(r"[a-z]+(_[a-z]+)+|notification")
ADMITTED = (*ROLES, "key")


def words(node: ast.AST) -> set[str]:
    return {str(one.value) for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


@lru_cache(maxsize=1)
def sources() -> tuple[ast.AST, ...]:
    """What may tell or name an event. Without the engine: what flows start on there is called an event, too."""
    files = [one for one in sorted(SOURCES.rglob("*.py")) if "engine" not in one.relative_to(SOURCES).parts]
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text())))
    return tuple(node for node in nodes if isinstance(node, ast.Dict | ast.Call | ast.Constant))


def poked() -> set[str]:
    """The events of pokes, as the sources name them."""
    found: set[str] = set()
    for node in sources():
        if isinstance(node, ast.Dict):
            given = zip(node.keys, node.values, strict=True)
            named = [value for key, value in given if isinstance(key, ast.Constant) and key.value == "event"]
            found |= {name for value in named if isinstance(value, ast.Constant) for name in words(value)}
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            plain = [one for one in node.args if isinstance(one, ast.Constant | ast.IfExp)]
            if called in TELLING:
                found |= {name for one in plain for name in words(one) if A_NAME.fullmatch(name)}
    return found


def decided() -> dict[str, dict[str, dict[str, str]]]:
    """`send` and `hear` → name → the answers."""
    found: dict[str, dict[str, dict[str, str]]] = {"send": {}, "hear": {}}
    for name, row in rows("socket").items():
        kind, _, what = name.partition(" ")
        found[kind][what] = row.answers
    return found


# -- nothing without a row, no row of nothing -------------------------------------------------------------------------


def test_every_command_has_a_row() -> None:
    assert set(decided()["send"]) == live_events.COMMANDS | {"auth"}


def test_every_event_has_a_row_and_those_for_clients_are_the_allowed_ones() -> None:
    hear = decided()["hear"]
    assert {name for name, answers in hear.items() if {"heard", "self"} & set(answers.values())} == live_events.HEARD
    named = poked()
    assert len(named) > 15
    assert sorted(named - set(hear)) == [], "decide in matrix.txt who hears of these"
    everything = {word for node in sources() if isinstance(node, ast.Constant) for word in words(node)}
    assert sorted(set(hear) - everything) == [], "rows of events that are gone"


def test_what_a_socket_says_of_itself_stands_in_one_place() -> None:
    said = set()
    for module in (hub, realtime):
        said |= set(re.findall(r'"type": "(\w+)"', Path(str(module.__file__)).read_text()))
    assert said - {"auth", "resume"} == live_events.ANSWERS  # those two are in the module's text, a client says them
    assert not live_events.ANSWERS & live_events.HEARD


def test_both_addresses_are_this_one_socket(app: FastAPI) -> None:
    assert {name.removeprefix("WS ") for name in api_routes(app) if name.startswith("WS ")} == set(SOCKETS)


# -- each row ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def house(live_client: TestClient, register: NewCaller) -> Caller:
    """The organization that everything is about."""
    caller = register()
    caller.client = live_client
    return caller


def token_of(who: str, house: Caller, services: Services) -> str:
    """What this caller signs in with; `house` has the role afterwards."""
    if who in ROLES:
        with services.database.auth() as session:
            session.exec(select(User).where(User.id == house.user_id)).one().role = ROLES[who]
    if who in ("key", "bare"):
        scopes = ("conversations.see_all", "conversations.handle") if who == "key" else ("analytics.read",)
        return str(new_key(house, *scopes)["key"])
    if who == "ended":
        assert house.post("/api/v1/auth/logout").status_code == 204
    return "" if who == "nobody" else str(house.answer["access_token"])


@contextmanager
def connected(client: TestClient, token: str, address: str = SOCKETS[0]) -> Iterator[Any]:
    with client.websocket_connect(address) as socket:
        socket.send_json({"type": "auth", "token": token})
        until(socket, "connected")
        yield socket


@pytest.mark.parametrize("who", ["nobody", "ended", "bare"])
def test_who_is_not_let_in(who: str, live_client: TestClient, house: Caller, services: Services) -> None:
    """By no command, at no address, whether the token comes first or is in the address: and is told nothing."""
    assert {answers[who] for kind in decided().values() for answers in kind.values()} == {"closed"}
    conversation_id, message_id = conversation_of(services, house)
    token = token_of(who, house, services)
    before = fingerprint(services.database, house.organization_id)
    for address in SOCKETS:
        for command in decided()["send"]:
            first = {"type": command, "token": token, "conversation_id": str(conversation_id), "last_event_id": "0-1"}
            for query in ("", f"?token={token}"):
                with live_client.websocket_connect(address + query) as socket:
                    socket.send_json(first)
                    tell(services, house, "message_received", conversation_id, message_id, house.user_id)
                    with pytest.raises(WebSocketDisconnect) as closed:
                        socket.receive_json()
                    assert closed.value.code == 1008
    after = fingerprint(services.database, house.organization_id)
    changed = {table for table in before if after[table] != before[table]}
    assert changed <= ({"api_keys", "audit_log"} if who == "bare" else set())  # that the key was used, and first


def said(socket: Any, command: str, conversation_id: UUID, token: str) -> tuple[str, list[dict[str, Any]]]:
    """Say it, and what is answered until the answer to a ping that was sent after it."""
    socket.send_json({"type": command, "token": token, "conversation_id": str(conversation_id), "last_event_id": "0-1"})
    socket.send_json({"type": "ping"})
    heard: list[dict[str, Any]] = []
    pongs = 2 if command == "ping" else 1
    while sum(event["type"] == "pong" for event in heard) < pongs:
        heard.append(socket.receive_json())
    codes = {event["code"] for event in heard if event["type"] == "error"}
    names = {"permission_missing": "refused", "conversation_not_found": "404", "unknown_type": "unknown"}
    assert len(codes) < 2
    return (names[codes.pop()] if codes else "ok"), heard


def answer_to(socket: Any, command: str, conversation_id: UUID, token: str) -> str:
    """The matrix's word; what each command is to bring is looked at as well."""
    word, heard = said(socket, command, conversation_id, token)
    kinds = [event["type"] for event in heard]
    if command == "resume":
        assert {"reconnected", "resumed"} & set(kinds)
    elif command in ("subscribe", "unsubscribe"):
        (told,) = [event for event in heard if event["type"] == "subscribed"]
        assert told["conversation_ids"] == ([str(conversation_id)] if command == "subscribe" else [])
    return word


@pytest.mark.parametrize("who", ADMITTED)
def test_what_may_be_said(who: str, live_client: TestClient, house: Caller, services: Services) -> None:
    conversation_id, _ = conversation_of(services, house)
    token = token_of(who, house, services)
    for address in SOCKETS:
        with connected(live_client, token, address) as socket:  # which is `send auth`
            assert decided()["send"]["auth"][who] == "ok"
            for command, answers in decided()["send"].items():
                if command != "auth":
                    assert answer_to(socket, command, conversation_id, token) == answers[who], command
            # Signing in a second time is no command.
            assert said(socket, "auth", conversation_id, token)[0] == "unknown"


def tell(
    services: Services, house: Caller, event: str, conversation_id: UUID, message_id: UUID, user_id: UUID, **more: Any
) -> None:
    """A poke of this name to the organization: everything in it that a poke can name."""
    subject = "queues" if event in ("queue_updated", "agent_status_updated") else "conversations"
    subject = "desk" if event == "draft_updated" else "notifications" if event == "notification" else subject
    payload = {"event": event, "conversation_id": str(conversation_id), "user_id": str(user_id), **more}
    if event.startswith("message_"):
        payload["message_ids"] = [str(message_id)]
    services.live.publish(f"org:{house.organization_id}:{subject}", payload)


def heard_until_the_end(socket: Any) -> list[dict[str, Any]]:
    heard: list[dict[str, Any]] = []
    while not heard or heard[-1].get("change") != "the end":
        heard.append(socket.receive_json())
    return heard[:-1]


@pytest.mark.parametrize("who", ADMITTED)
def test_what_is_heard(who: str, live_client: TestClient, house: Caller, services: Services) -> None:
    """Of every event once about a colleague and once about the listener; the same over the socket and by polling."""
    conversation_id, message_id = conversation_of(services, house)
    token, colleague = token_of(who, house, services), uuid4()
    headers = {"Authorization": f"Bearer {token}"}
    since = live_client.get("/api/v1/conversations/events", headers=headers).json()["last_event_id"]
    found: dict[str, dict[str, bool]] = {}
    with connected(live_client, token) as socket:
        for event in decided()["hear"]:
            found[event] = {}
            for named, user_id in (("self", house.user_id), ("colleague", colleague)):
                tell(services, house, event, conversation_id, message_id, user_id)
                tell(services, house, "queue_updated", conversation_id, message_id, colleague, change="the end")
                heard = heard_until_the_end(socket)
                assert {one["type"] for one in heard} <= {event, "ping"}
                found[event][named] = any(one["type"] == event for one in heard)
    polled = live_client.get(
        "/api/v1/conversations/events", params={"since": since, "limit": 500}, headers=headers
    ).json()
    assert polled["reset"] is False
    kept = {one["type"] for one in polled["items"]}
    for event, answers in decided()["hear"].items():
        own_typing = event in live_events.TYPING  # nobody hears of their own
        wanted = {
            "heard": {"self": not own_typing, "colleague": True},
            "self": {"self": True, "colleague": False},
            "never": {"self": False, "colleague": False},
        }[answers[who]]
        assert found[event] == wanted, event
        of_the_moment = own_typing or event == "presence_changed"
        assert (event in kept) is (answers[who] != "never" and not of_the_moment), event


def test_the_other_organization(
    live_client: TestClient, house: Caller, register: NewCaller, services: Services
) -> None:
    """Names the house's things in every command: hears nothing of it, and not one of its rows has changed."""
    conversation_id, message_id = conversation_of(services, house)
    other = register()
    other_token, own = str(other.answer["access_token"]), conversation_of(services, other)
    before = fingerprint(services.database, house.organization_id)
    theirs = live_client.get("/api/v1/conversations/events", headers=house.headers).json()["last_event_id"]
    tell(services, house, "message_received", conversation_id, message_id, house.user_id)
    marks = [str(one) for one in (house.organization_id, house.user_id, message_id)]
    told: list[dict[str, Any]] = []
    with (
        connected(live_client, str(house.answer["access_token"])) as owner,
        connected(live_client, other_token) as socket,
    ):
        for command, answers in decided()["send"].items():
            if command == "auth":
                continue
            word, heard = said(socket, command, conversation_id, other_token)
            told += heard
            assert word == {"own": "ok"}.get(answers["other"], answers["other"]), command
        # Subscribed to it by name, and going on from its newest event.
        socket.send_json({"type": "subscribe", "conversation_ids": [str(conversation_id), str(own[0])]})
        socket.send_json({"type": "resume", "last_event_id": theirs})
        told.append(until(socket, "reconnected"))
        for event, answers in decided()["hear"].items():
            assert answers["other"] == "never", event
            tell(services, house, event, conversation_id, message_id, other.user_id)
        # A poke of their own organization that names the house's rows shows nothing of them.
        for event in sorted(live_events.EVENTS):
            tell(services, other, event, conversation_id, message_id, other.user_id)
        tell(services, other, "queue_updated", own[0], own[1], other.user_id, change="the end")
        told += heard_until_the_end(socket)
        assert {one["type"] for one in told} <= live_events.ANSWERS
        tell(services, house, "queue_updated", conversation_id, message_id, other.user_id, change="the end")
        assert heard_until_the_end(owner)
        assert not [one for one in told for mark in marks if mark in str(one)]
    presence = house.get(f"/api/v1/conversations/{conversation_id}/presence").json()
    assert presence["lock"] is None
    assert presence["people"] == []
    assert fingerprint(services.database, house.organization_id) == before


def test_a_key_that_loses_its_scopes_hears_no_more(
    live_client: TestClient, house: Caller, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key follows what its maker may do: also on a socket that is open."""
    monkeypatch.setattr(realtime, "CHECK_SECONDS", 0.05)
    token = token_of("key", house, services)
    kept = ["analytics.read", "users.manage", "settings.manage"]
    with connected(live_client, token) as socket:
        assert house.put("/api/v1/roles/org_admin", json={"permissions": kept}).status_code == 200
        with pytest.raises(WebSocketDisconnect) as closed:
            until(socket, "never")
        assert closed.value.code == 1008
    answer = live_client.get("/api/v1/conversations/events", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_missing")
