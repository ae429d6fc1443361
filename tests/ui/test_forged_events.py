"""Frames that no page of ours sends, over the pages' socket: they change nothing, tell nothing and stop nothing.

The whole application answers in this process, as the server gives it connections; only the network is left out. The
frames are those of Engine.IO 4 and Socket.IO 5: `0` open, `2`/`3` ping and pong, `40` connect, `42` an event.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest
import reflex as rx
from fastapi.testclient import TestClient
from sqlmodel import select
from starlette.websockets import WebSocketDisconnect

from pytake_app.accounts.schemas import RegisterRequest
from pytake_app.accounts.service import Accounts, Client, WebSession
from pytake_app.config import Settings
from pytake_app.core.clock import SystemClock
from pytake_app.core.db import Database
from pytake_app.core.ratelimit import Limiter
from pytake_app.embedded.environment import reflex_environment
from pytake_app.flows.models import Flow
from pytake_app.ui import session
from pytake_app.ui.session import COOKIE
from pytake_app.ui.tabs import bound_token, with_bound_token
from tests.security.isolation.test_api import fingerprint
from tests.waiting import wait_until

HOST = "http://testserver"
HYDRATE = "reflex___state____state.hydrate"
SECRETS = ("Traceback", 'File "', "sqlalchemy", "psycopg", "site-packages")


class Tab:
    """One tab's socket. Keeps all that it was sent."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self.heard: list[str] = []

    def send(self, name: str, payload: Any = None, **more: Any) -> None:
        self.raw({"name": name, "payload": {} if payload is None else payload, "router_data": {}, **more})

    def raw(self, event: Any) -> None:
        self._socket.send_text("42/_event," + json.dumps(["event", event]))

    def text(self, frame: str) -> None:
        self._socket.send_text(frame)

    def until(self, wanted: str, seconds: float = 30.0) -> str:
        """Read on until a frame holds this."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            frame = self._socket.receive_text()
            if frame == "2":
                self._socket.send_text("3")
                continue
            self.heard.append(frame)
            if wanted in frame:
                return str(frame)
        raise AssertionError(f"{wanted} was not heard: {self.heard[-3:]}")

    def lives(self) -> None:
        """It still answers, after everything that was sent before."""
        self._socket.send_text("42/_event," + json.dumps(["ping"]))
        self.until('"pong"')

    def settled(self) -> None:
        """Whatever was sent before has been worked on: events of a tab are done in order."""
        self.send(HYDRATE)
        self.until("is_hydrated")
        self.lives()


class Server:
    """The application as a server runs it: what serves a socket is let finish when the other side has gone.

    The test client cancels it then, often before it has read that: Reflex would take the tab for one that is there
    until its pings are missed, more than a minute later. `served` counts the sockets that it hasn't finished with.
    """

    def __init__(self, application: Any) -> None:
        self._application = application
        self.served = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            await self._application(scope, receive, send)
            return
        self.served += 1
        try:
            await self._application(scope, receive, send)
        finally:
            self.served -= 1


@pytest.fixture(scope="module")
def product(settings: Settings) -> Iterator[TestClient]:
    """The composition root, started as the server starts it; states are kept in this process."""
    from pytake_app.pytake_app import Composite

    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**reflex_environment(building=False), "REFLEX_STATE_MANAGER_MODE": "memory"}.items():
            environment.setenv(name, value)
        yield from _started(Server(Composite()))


def _started(application: Any) -> Iterator[TestClient]:
    with TestClient(application, base_url=HOST, raise_server_exceptions=False) as client:
        yield client


@contextmanager
def tab(product: TestClient, cookie: str = "", token: str = "", **headers: str) -> Iterator[Tab]:
    token = token or str(uuid4())
    given = {"Origin": HOST, "Upgrade": "websocket", **({"Cookie": f"{COOKIE}={cookie}"} if cookie else {}), **headers}
    address = f"/_event/?EIO=4&transport=websocket&token={token}"
    server: Any = product.app
    others = server.served
    with product.websocket_connect(address, headers=given) as socket:
        try:
            assert socket.receive_text().startswith("0{")
            socket.send_text("40/_event,")
            one = Tab(socket)
            one.until("40/_event,{")
            yield one
        finally:
            socket.close()
            wait_until(lambda: server.served == others, timeout=30, message="the server noticed that the tab has gone")


@pytest.fixture
def accounts(settings: Settings, clean_db: Database, redis_client: object) -> Accounts:
    session.forget_all()
    return Accounts(settings=settings, database=clean_db, clock=SystemClock(), limiter=Limiter(settings))


def signed_up(accounts: Accounts, name: str) -> WebSession:
    request = RegisterRequest(
        organization_name=name,
        full_name=f"Pessoa da {name}",
        email=f"{uuid4().hex[:8]}@example.com",
        password="uma-senha-boa-9",
        locale="pt_BR",
    )
    return accounts.register_web(request, Client(address="192.0.2.1"))


def handlers() -> list[str]:
    """Full names of every handler of every state, the framework's too."""
    found = []
    waiting: list[type[rx.State]] = [rx.State]
    while waiting:
        state = waiting.pop()
        waiting += state.__subclasses__()
        found += [f"{state.get_full_name()}.{name}" for name in state.event_handlers]
    return sorted(set(found))


NONSENSE: list[Any] = [
    {"message": None}, {"message": "x" * 10_000}, {"message": {"flow_id": "x"}}, {"who": {"role": "super_admin"}},
    {"self": {}}, {"exception": 1}, {"vars": {"a": 1}}, {"var_name": "user_name", "value": "evil"},
    {"var_name": "_flow_id", "value": "x"},
]  # fmt: skip
NO_HANDLERS = [
    "", ".", "x", "state", "reflex___state____state", "reflex___state____state.", "reflex___state____state.reset",
    "reflex___state____state.get_state", "reflex___state____state._reset_client_storage",
    "reflex___state____state.dict", "reflex___state____state.__init__", "reflex___state____state.__class__",
    "reflex___state____state.event_handlers",
    "reflex___state____state.pytake_app___ui___session____session_state._refused",
    "reflex___state____state.pytake_app___ui___session____session_state.reset",
    "reflex___state____state.pytake_app___ui___session____session_state.set_role",
    "reflex___state____state.pytake_app___ui___session____session_state.set_user_id",
    "reflex___state____state.pytake_app___ui___pages___editor___state____editor_state._apply",
    "reflex___state____state.pytake_app___ui___pages___editor___state____editor_state._say",
    "reflex___state____state.pytake_app___ui___session____session_state.reflex___state____state.hydrate",
    "os.system", "builtins.eval", "../../etc/passwd", "a" * 50_000, "\u0000", "{{7*7}}",
]  # fmt: skip
BROKEN = [
    None, 1, "x", "{", [], ["event"], {"name": None}, {"name": 1}, {"name": []}, {"name": {}}, {"payload": "x"},
    {"name": HYDRATE, "payload": []}, {"name": HYDRATE, "payload": 5},
    {"name": HYDRATE, "router_data": "x", "payload": {}},
    {"name": HYDRATE, "router_data": {"headers": {"cookie": "pytake_session=x"}}, "payload": {}},
    {"token": "somebody", "name": HYDRATE, "payload": {}}, {"substate_token": "a_b", "name": HYDRATE, "payload": {}},
]  # fmt: skip


def nothing_of_ours(heard: list[str], *secrets: str) -> None:
    told = [(word, frame[:300]) for frame in heard for word in (*SECRETS, *secrets) if word in frame]
    assert told == []


def editor_message(flow: Flow) -> dict[str, Any]:
    node = flow.draft_document["nodes"][0]["id"]
    move = {"op": "move_nodes", "positions": {node: {"x": 1, "y": 2}}}
    return {"flow_id": str(flow.id), "cid": "c1", "revision": flow.draft_revision, "ops": [move], "step": "edit"}


def chunks(events: list[tuple[str, Any]], size: int = 200) -> Iterator[list[tuple[str, Any]]]:
    """A socket takes 500 messages at once."""
    for at in range(0, len(events), size):
        yield events[at : at + size]


def unchanged(db: Database, before: dict[str, Any], organization: Any) -> None:
    after = fingerprint(db, organization)
    # When a session was last used, and the counts of that.
    assert {table for table in before if before[table] != after[table]} <= {"auth_sessions"}


@pytest.mark.parametrize("signed_in", [False, True])
def test_every_handler_and_names_that_are_none(
    signed_in: bool, product: TestClient, accounts: Accounts, clean_db: Database
) -> None:
    owner = signed_up(accounts, "Casa Aurora")
    organization = owner.principal.organization_id
    before = fingerprint(clean_db, organization)
    known = handlers()
    assert len(known) > 15
    events = [(name, payload) for name in known for payload in (NONSENSE if "setvar" not in name else NONSENSE[-2:])]
    for part in chunks([*events, *((name, {}) for name in NO_HANDLERS)]):
        with tab(product, owner.token if signed_in else "") as one:
            for name, payload in part:
                one.send(name, payload)
            one.lives()
            nothing_of_ours(one.heard, *([] if signed_in else ["Casa Aurora", str(organization)]))
    unchanged(clean_db, before, organization)


def test_broken_frames_end_one_socket_at_most(product: TestClient, accounts: Accounts, clean_db: Database) -> None:
    owner = signed_up(accounts, "Casa Aurora")
    before = fingerprint(clean_db, owner.principal.organization_id)
    frames = ["42/_event," + json.dumps(["event", event]) for event in BROKEN]
    frames += [
        "42/_event,",
        "42/_event,[]",
        "42/_event,{",
        "42/other,[1]",
        "45-1/_event,[]",
    ]
    frames += ['42/_event,["connect",{}]', '42/_event,["disconnect"]', '42/_event,["client_error",{"message":1}]']
    frames += ['42/_event,["on_event",{}]', '42/_event,["__class__"]', '42/_event,["emit_update",{},"x"]']
    for frame in frames:
        heard: list[str] = []
        with suppress(WebSocketDisconnect), tab(product, owner.token) as one:
            heard = one.heard
            one.text(frame)
            one.lives()
        nothing_of_ours(heard)
    with tab(product, owner.token) as one:
        one.lives()
    unchanged(clean_db, before, owner.principal.organization_id)


def test_flows_of_another_organization_are_not_edited(
    product: TestClient, accounts: Accounts, clean_db: Database
) -> None:
    """By every message of the editor; the same messages edit one's own, or this would prove nothing."""
    mine, theirs = signed_up(accounts, "Casa Aurora"), signed_up(accounts, "Casa Boreal")
    flows = {}
    for who in (mine, theirs):
        with clean_db.tenant(who.principal.organization_id) as session_:
            flows[who.token] = session_.exec(select(Flow)).first()
    before = fingerprint(clean_db, theirs.principal.organization_id)
    editor = "reflex___state____state.pytake_app___ui___pages___editor___state____editor_state"
    foreign = flows[theirs.token]
    with tab(product, mine.token) as one:
        for handler in ("submit", "catch_up", "here"):
            for step in ("edit", "undo", "redo"):
                one.send(f"{editor}.{handler}", {"message": {**editor_message(foreign), "step": step, "tab": "x"}})
        address = {"pathname": f"/flows/{foreign.id}", "asPath": f"/flows/{foreign.id}", "query": {}}
        one.raw({"name": f"{editor}.open", "payload": {}, "router_data": address})
        one.lives()
        own = editor_message(flows[mine.token])
        one.send(f"{editor}.submit", {"message": own})
        assert '"edits"' in one.until('"cid":"c1"' if '"cid":"c1"' in "".join(one.heard[-1:]) else own["flow_id"])
        told = "".join(one.heard)
    assert "Casa Boreal" not in told
    nothing_of_ours([told.replace(str(foreign.id), "")], str(theirs.principal.organization_id))
    unchanged(clean_db, before, theirs.principal.organization_id)


def test_a_tabs_token_opens_nothing_for_another_person(product: TestClient, accounts: Accounts) -> None:
    """Not after they have gone, and not while they are there: a state belongs to a token together with its cookie."""
    mine, theirs = signed_up(accounts, "Casa Aurora"), signed_up(accounts, "Casa Boreal")
    token = str(uuid4())
    guard = "reflex___state____state.pytake_app___ui___session____session_state.guard"
    with tab(product, mine.token, token) as victim:
        victim.send(guard)
        victim.until("Casa Aurora")
        for cookie in ("", theirs.token):
            with tab(product, cookie, token) as thief:
                thief.settled()
                assert "Casa Aurora" not in "".join(thief.heard)
        victim.lives()
    for cookie in ("", theirs.token):
        with tab(product, cookie, token) as thief:
            thief.settled()
            assert "Casa Aurora" not in "".join(thief.heard)

    def goes_on() -> bool:
        with tab(product, mine.token, token) as again:
            again.settled()
            return "Casa Aurora" in "".join(again.heard)

    # Their own tab does, once the server has seen that the one before it is gone: until then Reflex takes this one for
    # a copy of it and gives it a state of its own.
    wait_until(goes_on, timeout=20)


def test_another_sites_page_and_endless_frames(product: TestClient, accounts: Accounts) -> None:
    owner = signed_up(accounts, "Casa Aurora")
    with pytest.raises(WebSocketDisconnect), tab(product, owner.token, Origin="https://evil.example"):
        pass
    with tab(product, owner.token) as one:
        one.text("42/_event," + json.dumps(["event", {"name": "x", "payload": {"a": "x" * 1_100_000}}]))
        with pytest.raises(WebSocketDisconnect) as closed:
            one.lives()
        assert closed.value.code == 1009
    answer = product.get("/_event/?EIO=4&transport=polling", headers={"Cookie": f"{COOKIE}={owner.token}"})
    assert answer.status_code in (400, 403, 404)  # sockets only
    assert product.post("/_upload", files={"files": b"x"}).status_code in (404, 405, 503)


def test_a_bound_token() -> None:
    assert bound_token("a", "b") == bound_token("a", "b")
    assert len({bound_token("a", "b"), bound_token("a", "c"), bound_token("b", "b"), bound_token("ab", "")}) == 4
    scope = {"type": "websocket", "path": "/_event/", "query_string": b"EIO=4&token=t&transport=websocket"}
    one = with_bound_token({**scope, "headers": [(b"cookie", f"a=b; {COOKIE}=c".encode())]})
    assert one["query_string"] == f"EIO=4&transport=websocket&token={bound_token('t', 'c')}".encode()
    # A second token, or a cookie that can't be read, is no way around it.
    twice = with_bound_token({**scope, "query_string": b"token=t&token=u", "headers": [(b"cookie", b"{}; ;=")]})
    assert twice["query_string"] == f"token={bound_token('t', '')}".encode()
    nameless = {**scope, "query_string": b"EIO=4", "headers": []}
    assert with_bound_token(nameless) == nameless
