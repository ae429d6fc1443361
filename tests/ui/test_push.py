"""The live bridge: who hears what, how it is gathered, and the parts of Reflex it leans on."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis as redis_package
from reflex.app import EventNamespace
from reflex.state import StateUpdate
from reflex.utils.token_manager import SocketRecord, TokenManager
from reflex_base.constants.state import FIELD_MARKER

from pytake_app.config import Settings
from pytake_app.core.errors import UnavailableError
from pytake_app.core.live import Live
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.ui import push
from pytake_app.ui.push import MAX_POKES, Bridge, LiveState
from pytake_app.ui.session import SessionState
from tests.waiting import wait_until_async

HERE = "this-worker"
WHO = Principal(uuid4(), uuid4(), Role.AGENT, uuid4())
BOUNDED = replace(WHO, permissions=WHO.permissions - {Permission.CONVERSATIONS_SEE_ALL})
"""Sees only some conversations."""


class Sockets:
    """Stands for Reflex's namespace: which tabs have a socket on this worker, and what was written to them."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self._token_manager = SimpleNamespace(instance_id=HERE, token_to_socket={})

    def open(self, *tokens: str, instance: str = HERE) -> None:
        for token in tokens:
            self._token_manager.token_to_socket[token] = SocketRecord(instance_id=instance, sid=f"sid-{token}")

    def close(self, token: str) -> None:
        del self._token_manager.token_to_socket[token]

    async def emit_update(self, update: StateUpdate, token: str) -> None:
        assert update.delta is not None
        self.sent.append((token, update.delta))

    def pokes(self, token: str) -> list[list[dict[str, Any]]]:
        """The frames a tab received."""
        return [delta[LiveState.get_full_name()]["pokes" + FIELD_MARKER] for to, delta in self.sent if to == token]


@pytest.fixture
def sockets() -> Sockets:
    return Sockets()


@pytest.fixture
def bridge(sockets: Sockets) -> Bridge:
    made = Bridge()
    made.attach(SimpleNamespace(event_namespace=sockets))  # type: ignore[arg-type]
    return made


def topics(frame: list[dict[str, Any]]) -> list[str]:
    return [poke["topic"] for poke in frame]


# -- watching ---------------------------------------------------------------------------------------------------------


def test_a_slot_watches_exactly_what_was_said_last(bridge: Bridge) -> None:
    bridge.watch("tab", "inbox", ("org:1:conversations",))
    bridge.watch("tab", "inbox", ("org:1:conversations", "org:1:queues"))
    assert bridge.watchers("org:1:queues") == {"tab"}
    bridge.watch("tab", "inbox", ("org:1:queues",))
    assert bridge.watchers("org:1:conversations") == frozenset()
    bridge.watch("tab", "inbox", ())
    assert bridge.watchers("org:1:queues") == frozenset()


def test_a_topic_stays_watched_while_another_slot_needs_it(bridge: Bridge) -> None:
    bridge.watch("tab", "inbox", ("org:1:conversations",))
    bridge.watch("tab", "phone", ("org:1:conversations",))
    bridge.watch("tab", "phone", ())
    assert bridge.watchers("org:1:conversations") == {"tab"}


def test_forgetting_a_tab_leaves_nothing_behind(bridge: Bridge) -> None:
    bridge.watch("one", "inbox", ("org:1:conversations",))
    bridge.watch("two", "inbox", ("org:1:conversations",))
    bridge.accept({"topic": "org:1:conversations"})
    bridge.forget("one")
    assert bridge.watchers("org:1:conversations") == {"two"}
    bridge.forget("two")
    bridge.forget("two")
    assert bridge.watchers("org:1:conversations") == frozenset()
    assert (bridge._topics, bridge._slots, bridge._waiting) == ({}, {}, {})


def test_nobody_watches_means_nothing_waits(bridge: Bridge) -> None:
    assert bridge.accept({"topic": "org:9:conversations"}) is False
    assert not bridge._waiting


def test_looking_does_not_create_topics(bridge: Bridge) -> None:
    bridge.watchers("org:1:conversations")
    assert not bridge._topics


# -- delivering -------------------------------------------------------------------------------------------------------


async def test_only_watchers_of_the_topic_hear(bridge: Bridge, sockets: Sockets) -> None:
    sockets.open("mine", "other")
    bridge.watch("mine", "inbox", ("org:1:conversations",))
    bridge.watch("other", "inbox", ("org:2:conversations",))
    assert bridge.accept({"topic": "org:1:conversations", "conversation_id": "c"})
    assert await bridge.flush() == 1
    assert [token for token, _ in sockets.sent] == ["mine"]
    assert sockets.pokes("mine") == [[{"frame": 1, "topic": "org:1:conversations", "conversation_id": "c"}]]


async def test_what_happens_together_comes_in_one_frame(bridge: Bridge, sockets: Sockets) -> None:
    sockets.open("tab")
    bridge.watch("tab", "inbox", ("a", "b"))
    for poke in ({"topic": "a"}, {"topic": "b"}, {"topic": "a"}, {"topic": "a", "n": 2}):
        bridge.accept(poke)
    await bridge.flush()
    assert [topics(frame) for frame in sockets.pokes("tab")] == [["a", "b", "a"]]
    assert await bridge.flush() == 0


async def test_each_frame_differs_so_that_the_browser_sees_a_change(bridge: Bridge, sockets: Sockets) -> None:
    sockets.open("tab")
    bridge.watch("tab", "inbox", ("a",))
    for _ in range(3):
        bridge.accept({"topic": "a"})
        await bridge.flush()
    assert [frame[0]["frame"] for frame in sockets.pokes("tab")] == [1, 2, 3]


async def test_a_flood_becomes_one_reload(bridge: Bridge, sockets: Sockets) -> None:
    sockets.open("tab")
    bridge.watch("tab", "inbox", ("a",))
    for number in range(MAX_POKES + 1):
        bridge.accept({"topic": "a", "n": number})
    await bridge.flush()
    (frame,) = sockets.pokes("tab")
    assert topics(frame) == ["live:reconnected"]
    assert len(json.dumps(frame)) < 200


async def test_a_gap_is_told_to_everybody(bridge: Bridge, sockets: Sockets) -> None:
    sockets.open("one", "two")
    bridge.watch("one", "inbox", ("a",))
    bridge.watch("two", "editor", ("b",))
    assert bridge.accept({"topic": "live:reconnected"})
    assert await bridge.flush() == 2


async def test_tabs_that_left_are_dropped_unsent(bridge: Bridge, sockets: Sockets) -> None:
    sockets.open("here", "gone")
    sockets.open("elsewhere", instance="another-worker")
    for token in ("here", "gone", "elsewhere"):
        bridge.watch(token, "inbox", ("a",))
    sockets.close("gone")
    bridge.accept({"topic": "a"})
    assert await bridge.flush() == 1
    assert bridge.watchers("a") == {"here"}
    assert {token for token, _ in sockets.sent} == {"here"}


async def as_(who: Principal) -> Principal:
    return who


async def test_nobody_hears_of_conversations_they_dont_see(sockets: Sockets) -> None:
    mine, other = uuid4(), uuid4()
    away = False

    async def seen(who: Principal, ids: Collection[UUID]) -> set[UUID]:
        assert who == BOUNDED, "asked for nobody else"
        if away:
            raise UnavailableError("away")
        return {mine} & set(ids)

    bridge = Bridge(seen)
    bridge.attach(SimpleNamespace(event_namespace=sockets))  # type: ignore[arg-type]
    for tab, who in {"all": WHO, "some": BOUNDED}.items():
        sockets.open(tab)
        bridge.watch(tab, "inbox", ("org:1:conversations", "org:1:queues"))
        bridge.ask(tab, who, lambda who=who: as_(who))  # type: ignore[misc]
    ours = {"topic": "org:1:conversations", "event": "message_received", "conversation_id": str(mine)}
    theirs = {**ours, "conversation_id": str(other), "message_ids": [str(uuid4())]}
    line = {"topic": "org:1:queues", "event": "queue_updated", "item_id": str(uuid4())}
    for poke in (ours, theirs, line):
        bridge.accept(poke)
    assert await bridge.flush() == 2
    (heard,), (everything,) = sockets.pokes("some"), sockets.pokes("all")
    assert [poke.get("conversation_id") for poke in everything] == [str(mine), str(other), None]
    assert [poke.get("conversation_id") for poke in heard] == [str(mine), None]
    assert str(other) not in json.dumps(heard)
    bridge.accept(theirs)
    assert await bridge.flush() == 1, "nothing of it, not even an empty frame"
    # What one may see follows what the organization decides.
    bridge.ask("some", BOUNDED, lambda: as_(WHO))
    await bridge.drop_signed_out()
    bridge.accept(theirs)
    await bridge.flush()
    assert sockets.pokes("some")[-1][0]["conversation_id"] == str(other)
    # Nothing can be asked just now: load again rather than too much or nothing.
    bridge.ask("some", BOUNDED, lambda: as_(BOUNDED))
    away = True
    bridge.accept(theirs)
    await bridge.flush()
    assert topics(sockets.pokes("some")[-1]) == ["live:reconnected"]


async def test_what_is_one_persons_is_told_to_them(bridge: Bridge, sockets: Sockets) -> None:
    sockets.open("mine", "theirs")
    colleague = replace(WHO, user_id=uuid4())
    for tab, who in {"mine": WHO, "theirs": colleague}.items():
        bridge.watch(tab, "notifications", ("org:1:notifications",))
        bridge.ask(tab, who, lambda who=who: as_(who))  # type: ignore[misc]
    for event in sorted(push.PERSONAL):
        bridge.accept({"topic": "org:1:notifications", "event": event, "user_id": str(WHO.user_id)})
    assert await bridge.flush() == 1
    assert len(sockets.pokes("mine")[0]) == len(push.PERSONAL)
    assert sockets.pokes("theirs") == []


async def test_variables_go_to_watchers_only(bridge: Bridge, sockets: Sockets) -> None:
    sockets.open("tab", "other")
    bridge.watch("tab", "x", ("a",))
    bridge.watch("gone", "x", ("a",))
    await bridge.push_vars("a", SessionState, {"user_name": "Ana"})
    assert sockets.sent == [("tab", {SessionState.get_full_name(): {"user_name" + FIELD_MARKER: "Ana"}})]
    assert bridge.watchers("a") == {"tab"}


async def test_without_an_app_nothing_is_sent() -> None:
    lone = Bridge()
    lone.watch("tab", "inbox", ("a",))
    lone.accept({"topic": "a"})
    assert await lone.flush() == 0


# -- with the real Redis ----------------------------------------------------------------------------------------------


@pytest.fixture
async def listening(bridge: Bridge, settings: Settings) -> AsyncIterator[Live]:
    live = Live(settings)
    task = asyncio.create_task(bridge.run(live))
    yield live
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_published_by_another_process_reaches_the_tab(
    bridge: Bridge, sockets: Sockets, listening: Live, redis_client: redis_package.Redis
) -> None:
    sockets.open("tab")
    bridge.watch("tab", "inbox", ("org:1:conversations",))

    async def heard() -> bool:
        await asyncio.to_thread(listening.publish, "org:1:conversations", {"event": "message_in"})
        return bool(sockets.sent)

    await wait_until_async(heard, message="a frame")
    assert sockets.pokes("tab")[0][0]["event"] == "message_in"


async def test_a_lost_redis_is_told_as_a_gap(
    bridge: Bridge, sockets: Sockets, listening: Live, redis_client: redis_package.Redis
) -> None:
    sockets.open("tab")
    bridge.watch("tab", "inbox", ("org:1:conversations",))

    async def subscribed() -> bool:
        return bool(redis_client.pubsub_channels())

    await wait_until_async(subscribed)
    redis_client.client_kill_filter(_type="pubsub")

    async def told() -> bool:
        return any(topics(frame) == ["live:reconnected"] for frame in sockets.pokes("tab"))

    await wait_until_async(told, message="the gap")


async def test_one_broken_socket_does_not_end_the_stream(
    bridge: Bridge, sockets: Sockets, listening: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets.open("tab")
    bridge.watch("tab", "inbox", ("a",))
    failures: list[str] = []
    write = sockets.emit_update

    async def breaks_once(update: StateUpdate, token: str) -> None:
        if not failures:
            failures.append(token)
            raise ConnectionError("gone in the middle")
        await write(update, token)

    monkeypatch.setattr(sockets, "emit_update", breaks_once)

    async def heard() -> bool:
        await asyncio.to_thread(listening.publish, "a", {})
        return bool(sockets.sent)

    await wait_until_async(heard, message="a frame after the failure")
    assert failures == ["tab"]


# -- Reflex internals -------------------------------------------------------------------------------------------------


def test_reflex_still_has_what_the_bridge_uses() -> None:
    assert list(inspect.signature(EventNamespace.emit_update).parameters) == ["self", "update", "token"]
    assert inspect.iscoroutinefunction(EventNamespace.emit_update)
    manager = TokenManager.create()
    assert manager.token_to_socket == {}
    assert manager.instance_id
    assert {"instance_id", "sid"} <= set(SocketRecord.__dataclass_fields__)
    assert FIELD_MARKER == "_rx_state_"
    assert StateUpdate(delta={"s": {"v": 1}}).delta == {"s": {"v": 1}}


def test_the_namespace_keeps_its_tokens_where_we_look(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytake_app.pytake_app import app

    namespace = app.event_namespace
    assert isinstance(namespace, EventNamespace)
    assert isinstance(namespace._token_manager, TokenManager)


def test_the_state_and_marker_match_what_the_browser_reads() -> None:
    """`LiveBridge` gets `LiveState.pokes`; the delta must name that very variable."""
    assert str(LiveState.pokes).endswith("pokes" + FIELD_MARKER)
    assert LiveState.get_full_name().replace(".", "__") in str(LiveState.pokes)


def test_watch_takes_the_tab_from_the_socket_not_from_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Bridge()
    monkeypatch.setattr(push, "bridge", mine)
    router = SimpleNamespace(session=SimpleNamespace(client_token="tab-7"), headers=SimpleNamespace(cookie=""))
    state = SimpleNamespace(router=router)
    push.watch(state, WHO, "inbox", "org:1:conversations", "org:1:queues")  # type: ignore[arg-type]
    assert mine.watchers("org:1:queues") == {"tab-7"}
