"""Every event handler of the pages × everybody who may open a socket: section `handlers` of `matrix.txt`.

The frames go through the whole application, as browsers send them (see `tests/ui/test_forged_events.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
import reflex as rx
from fastapi.testclient import TestClient
from sqlmodel import select

from pytake_app.accounts.models import User
from pytake_app.accounts.service import Accounts, WebSession
from pytake_app.core.db import Database
from pytake_app.flows.models import Flow
from pytake_app.ui import session
from pytake_app.ui.push import bridge
from pytake_app.ui.tabs import bound_token
from tests.security.isolation.matrix import ROLES, WHO, rows, written
from tests.security.isolation.test_api import fingerprint
from tests.ui.test_forged_events import HYDRATE, Tab, accounts, editor_message, nothing_of_ours, product, signed_up, tab

__all__ = ["accounts", "product"]

EVERYWHERE = {"setvar"}
"""Handlers that each State has: one row, and tried on each."""
ABSTRACT = {"ComponentState"}
"""Reflex's bases: no browser can name them, for no state is made of them."""
LEAD_ON = "_redirect"
REFUSAL = "liberada para voc"
"""Of `common.no_permission`, in the language of somebody who asks for none."""
ONWARD = ("State.hydrate_and_load", "OnLoadInternalState.on_load_internal")
"""These go on to the handlers of the page that the tab names."""


def names() -> dict[str, list[str]]:
    """The row's name of every handler, with the names that the socket calls it by."""
    found: dict[str, list[str]] = {}
    waiting: list[type[rx.State]] = [rx.State]
    while waiting:
        state = waiting.pop()
        waiting += state.__subclasses__()
        if state.__module__.startswith("tests.") or state.__name__ in ABSTRACT:
            continue
        for name in state.event_handlers:
            row = f"*.{name}" if name in EVERYWHERE else f"{state.__name__}.{name}"
            found.setdefault(row, []).append(f"{state.get_full_name()}.{name}")
    return found


def test_every_handler_has_a_row_and_every_row_a_handler(product: TestClient) -> None:
    found, decided = names(), rows("handlers")
    usual = dict(zip(WHO, ("login", "login", "own", "ok", "ok", "ok", "ok"), strict=True))
    missing = [written(name, usual) for name in sorted(set(found) - set(decided))]
    assert not missing, "decide what these do, and add them to matrix.txt:\n" + "\n".join(missing)
    assert sorted(set(decided) - set(found)) == [], "rows of handlers that are gone"
    assert [name for name, called in found.items() if len(called) > 1 and not name.startswith("*")] == []
    for name, row in decided.items():
        words = set(row.answers.values())
        assert words <= {"login", "refused", "ok", "own", "404", "open", "nothing"}, name
        assert row.answers["nobody"] == row.answers["ended"] != "ok", name


@dataclass
class Calling:
    """One caller's cookie, and what they call about: always the house's own flow."""

    who: str
    cookie: str
    organization: UUID
    flow: Flow
    marks: list[str] = field(default_factory=list)
    """What is told of an organization that this caller is not in is a leak."""


def calls(name: str, called: list[str], one: Calling) -> list[dict[str, Any]]:
    """The frames that use the handler as its page does."""
    flow_id = str(one.flow.id)
    address = {"pathname": f"/flows/{flow_id}", "asPath": f"/flows/{flow_id}", "query": {}}
    here = {"flow_id": flow_id, "tab": "t1", "nodes": [], "join": True}
    payloads: dict[str, dict[str, Any]] = {
        "EditorState.submit": {"message": editor_message(one.flow)},
        "EditorState.catch_up": {"message": {"flow_id": flow_id, "revision": 0}},
        "EditorState.here": {"message": here},
        "FrontendEventExceptionState.handle_frontend_exception": {"info": "x", "component_stack": "y"},
        "OnLoadInternalState.set_is_hydrated": {"value": True},
        "State.set_is_hydrated": {"value": True},
        "UpdateVarsInternalState.update_vars_internal": {"vars": {}},
    }
    if name == "*.setvar":
        return [
            {"name": full, "payload": {"var_name": var, "value": "evil-value"}, "router_data": {}}
            for full in called
            for var in ("user_name", "role", "organization_id", "permissions", "reply", "pokes", "error", "_flow_id")
        ]
    frames = [{"name": called[0], "payload": payloads.get(name, {}), "router_data": address}]
    if name == "EditorState.here":  # of the flow that the tab has open
        opened = called[0].removesuffix("here") + "open"
        frames.insert(0, {"name": opened, "payload": {}, "router_data": address})
    return frames


def sign_of(name: str, word: str, one: Calling) -> str:
    """What is heard when a handler does as decided; events that a handler answers with come some time after it."""
    state, _, handler = name.partition(".")
    editor = state == "EditorState"
    if word == "login":
        return '"signed_out"' if editor else "/login"
    if word == "refused":
        return '"forbidden"' if editor else REFUSAL
    if word not in ("ok", "own"):
        return ""
    signs = {"submit": '"edits"', "here": '"roster"', "guard_guest": LEAD_ON, "lead_on": LEAD_ON}
    return str(one.organization) if handler in ("changed", "guard") else signs.get(handler, "")


def handlers_frames(one: Tab, frames: list[dict[str, Any]], sign: str) -> list[str]:
    """What the tab hears of them, and at last its whole state."""
    at = len(one.heard)
    for frame in frames:
        one.raw(frame)
    if sign:
        one.until(sign)
    one.raw({"name": HYDRATE, "payload": {}, "router_data": {}})  # events of a tab are done in order
    one.until("is_hydrated")
    one.lives()
    return one.heard[at:]


def watched(token: str, cookie: str) -> set[str]:
    """The topics that this tab hears of."""
    slots = bridge._slots.get(bound_token(token, cookie), {})
    return {topic for topics in slots.values() for topic in topics}


def word_for(name: str, told: str, topics: set[str], one: Calling) -> str:
    """The matrix's word; what an `ok` is to bring is looked at as well."""
    own = {f"org:{one.organization}", f"flow:{one.flow.id}"} if one.who != "other" else {f"org:{one.organization}"}
    strays = [topic for topic in topics if not any(topic == mine or topic.startswith(f"{mine}:") for mine in own)]
    assert not strays, (name, strays)
    if name == "*.setvar":
        assert "evil-value" not in told
        return "nothing"
    state, _, handler = name.partition(".")
    leads_to_login = LEAD_ON in told and "/login" in told
    if leads_to_login or '"refused":"signed_out"' in told:
        assert not topics, name
        return "login"
    if '"refused":"forbidden"' in told or REFUSAL in told:
        assert not topics, name
        return "refused"
    did = {
        "watch": bool(topics),
        "open": f"flow:{one.flow.id}" in topics,
        "submit": '"edits"' in told,
        "catch_up": '"edits"' in told or '"reload"' in told,
        "here": '"roster"' in told,
        "changed": str(one.organization) in told,
        "guard": str(one.organization) in told,
        "guard_guest": LEAD_ON in told,
        "lead_on": LEAD_ON in told and "/inbox" in told,
    }
    if handler in did and state != "State":
        if did[handler]:
            return "own" if one.who == "other" else "ok"
        return "404" if state == "EditorState" else "open"
    return "open"


@pytest.fixture
def house(accounts: Accounts, clean_db: Database) -> Iterator[tuple[WebSession, Flow]]:
    """The organization that everything is about, and a flow of its."""
    owner = signed_up(accounts, "Casa Aurora")
    with clean_db.tenant(owner.principal.organization_id) as tenant:
        flow = tenant.exec(select(Flow)).first()
        assert flow is not None
    yield owner, flow
    session.forget_all()


@pytest.mark.parametrize("who", WHO)
def test_each_handler(
    who: str, product: TestClient, house: tuple[WebSession, Flow], accounts: Accounts, clean_db: Database
) -> None:
    """A tab of its own for each, so that nothing is left over from another."""
    owner, flow = house
    caller = signed_up(accounts, "Casa Boreal") if who == "other" else owner
    if who in ROLES:
        with clean_db.auth() as auth:
            auth.exec(select(User).where(User.id == owner.principal.user_id)).one().role = ROLES[who]
    elif who == "ended":
        accounts.logout(owner.principal)
    session.forget_all()
    house_id = owner.principal.organization_id
    one = Calling(who, "" if who == "nobody" else caller.token, caller.principal.organization_id, flow)
    if who in ("nobody", "ended", "other"):
        one.marks = ["Casa Aurora", str(house_id), str(owner.principal.user_id), owner.principal.email]
    before, decided, wrong = fingerprint(clean_db, house_id), rows("handlers"), {}
    for name, called in sorted(names().items()):
        token = str(uuid4())
        with tab(product, one.cookie, token) as page:
            told = handlers_frames(page, calls(name, called, one), sign_of(name, decided[name].answers[who], one))
            nothing_of_ours(told, *one.marks)
            word = word_for(name, "".join(told), watched(token, one.cookie), one)
        if name in ONWARD and word == "login":
            continue  # the page's own handlers came in time: they answer for themselves, in rows of their own
        if word != decided[name].answers[who]:
            wrong[name] = (word, decided[name].answers[who], "".join(told)[-900:])
    assert not wrong, json.dumps(wrong, indent=1)
    after = fingerprint(clean_db, house_id)
    changed = {table for table in before if after[table] != before[table]} - {"auth_sessions"}  # last used
    if who in ("admin", "super"):
        assert "flows" in changed  # or the rest would prove nothing
    else:
        assert changed == set()
