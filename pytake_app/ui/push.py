"""Live bridge: pokes on Redis → the browser tabs that watch their topic. The only place that touches Reflex internals.

A page watches topics from a handler (never chosen by the client without a check):

```python
push.watch(self, who, "inbox", f"org:{who.organization_id}:conversations")   # replaces what the slot watched
```

and its JavaScript receives them, coalesced (one frame per 80 ms at most):

```js
import { onPoke } from "$/public/pt_live.js";
useEffect(() => onPoke("conversation:", (pokes) => refetch()), []);
```

or, in Python, `OnPoke.create(prefix="org:", on_poke=State.reload)` (`ui/components/client.py`) calls a handler.
A poke says *what* changed (ids, sequence numbers); the browser re-reads it by REST. Pub/sub may lose messages:
after any gap (socket or Redis) a `live:reconnected` poke tells every listener to reload.
Nobody hears of a conversation that they don't see, nor of what is told to somebody else.
`push_vars` sends state variables straight to the watchers of a topic without a lock and without storing them.

Runs once in every web worker; only tabs whose socket is on this worker are served by it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from typing import Any
from uuid import UUID

import reflex as rx
import structlog
from reflex.state import StateUpdate
from reflex_base.constants.state import FIELD_MARKER

from pytake_app.conversations import service as conversations
from pytake_app.core.ending import end
from pytake_app.core.errors import ProblemError
from pytake_app.core.live import Live
from pytake_app.core.tenancy import Permission, Principal
from pytake_app.ui.backend import in_tenant
from pytake_app.ui.session import COOKIE, principal_of, read_cookie

COALESCE_SECONDS = 0.08
CHECK_SECONDS = 30.0
"""A revoked session's tabs hear nothing more after this time."""
MAX_POKES = 30
"""Pokes a frame; when more wait, they are replaced by one that says: reload."""

PERSONAL = frozenset({"notification", "draft_updated"})
"""Pokes told to the one person that they name."""
_RELOAD = {"topic": "live:reconnected"}

log = structlog.get_logger(__name__)

Poke = dict[str, Any]


async def _seen(who: Principal, conversation_ids: Collection[UUID]) -> set[UUID]:
    return await in_tenant(who, conversations.seen_among, who, conversation_ids)


def _named(poke: Poke) -> UUID | None:
    try:
        return UUID(str(poke.get("conversation_id", "")))
    except ValueError:
        return None


class Bridge:
    """Topics and the tabs that watch them, for one process. All methods run on the web worker's event loop.

    Parameters:
        seen: which of some conversations a person sees; asked only for those who don't see every one.
    """

    def __init__(self, seen: Callable[[Principal, Collection[UUID]], Awaitable[set[UUID]]] = _seen) -> None:
        self._seen = seen
        self._people: dict[str, Principal] = {}
        self._slots: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        self._topics: dict[str, set[str]] = defaultdict(set)
        self._waiting: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._present: dict[str, Callable[[], Awaitable[Principal | None]]] = {}
        self._sequence = 0
        self._app: rx.App | None = None

    def attach(self, app: rx.App) -> None:
        """Say whose sockets to write to."""
        self._app = app

    def watch(self, token: str, slot: str, topics: tuple[str, ...]) -> None:
        """This tab's `slot` watches exactly `topics` from now on."""
        self._release(token, slot)
        if topics:
            self._slots[token][slot] = topics
            for topic in topics:
                self._topics[topic].add(token)

    def _release(self, token: str, slot: str) -> None:
        before = self._slots.get(token, {}).pop(slot, ())
        kept = {topic for topics in self._slots.get(token, {}).values() for topic in topics}
        for topic in before:
            if topic not in kept:
                self._topics[topic].discard(token)
                if not self._topics[topic]:
                    del self._topics[topic]

    def ask(self, token: str, who: Principal, present: Callable[[], Awaitable[Principal | None]]) -> None:
        """This tab is `who`'s; `present` tells who they are from now on, None once they have signed out."""
        self._people[token] = who
        self._present[token] = present

    async def drop_signed_out(self) -> None:
        """Forget the tabs whose sign-in has ended (topics are checked when watched, and a socket outlives that), and
        follow what the others may see."""
        for token, present in list(self._present.items()):
            try:
                who = await present()
            except ProblemError:
                continue  # the database is away: decide when it is back
            if who is None:
                self.forget(token)
            elif token in self._people:
                self._people[token] = who

    def forget(self, token: str) -> None:
        """The tab is gone."""
        self._present.pop(token, None)
        self._people.pop(token, None)
        for slot in list(self._slots.get(token, {})):
            self._release(token, slot)
        self._slots.pop(token, None)
        self._waiting.pop(token, None)

    def watchers(self, topic: str) -> frozenset[str]:
        """The tabs that watch a topic."""
        return frozenset(self._topics.get(topic, ()))

    def accept(self, poke: dict[str, Any]) -> bool:
        """Queue a poke for its watchers; False when nobody watches."""
        everybody = poke["topic"] == "live:reconnected"
        tokens = frozenset(self._slots) if everybody else self.watchers(poke["topic"])
        for token in tokens:
            queue = self._waiting[token]
            if poke not in queue:
                queue.append(poke)
        return bool(tokens)

    def _frame(self, queue: list[Poke]) -> list[Poke]:
        pokes = queue if len(queue) <= MAX_POKES else [_RELOAD]
        self._sequence += 1
        return [{"frame": self._sequence, **poke} for poke in pokes]

    async def flush(self) -> int:
        """Send what waits; returns the number of frames written."""
        waiting, self._waiting = self._waiting, defaultdict(list)
        sent = 0
        for token, queue in waiting.items():
            if not self._is_here(token):
                self.forget(token)
                continue
            heard = await self._heard(self._people.get(token), queue)
            if heard:
                await self._emit(token, LiveState, {"pokes": self._frame(heard)})
                sent += 1
        return sent

    async def _heard(self, who: Principal | None, pokes: list[Poke]) -> list[Poke]:
        """Those of the pokes that are for this person."""
        if who is None:
            return pokes
        me = str(who.user_id)
        own = [one for one in pokes if one.get("event") not in PERSONAL or str(one.get("user_id", "")) == me]
        named = {found for one in own if (found := _named(one)) is not None}
        if not named or who.has(Permission.CONVERSATIONS_SEE_ALL):
            return own
        try:
            seen = await self._seen(who, named)
        except ProblemError:
            return [_RELOAD]  # it can't be known now: the page asks by itself
        return [one for one in own if (found := _named(one)) is None or found in seen]

    async def push_vars(self, topic: str, state: type[rx.State], variables: dict[str, Any]) -> None:
        """Set variables of `state` in this worker's tabs that watch `topic`; nothing is stored on the server."""
        for token in self.watchers(topic):
            if self._is_here(token):
                await self._emit(token, state, variables)
            else:
                self.forget(token)

    # -- Reflex internals, pinned by tests/ui/test_push.py -------------------------------------------------------

    def _is_here(self, token: str) -> bool:
        namespace = self._app.event_namespace if self._app is not None else None
        if namespace is None:
            return False
        manager = namespace._token_manager
        record = manager.token_to_socket.get(token)
        return record is not None and record.instance_id == manager.instance_id

    async def _emit(self, token: str, state: type[rx.State], variables: dict[str, Any]) -> None:
        if self._app is None or self._app.event_namespace is None:
            return
        delta = {state.get_full_name(): {name + FIELD_MARKER: value for name, value in variables.items()}}
        await self._app.event_namespace.emit_update(StateUpdate(delta=delta), token)

    async def run(self, live: Live) -> None:
        """Listen for ever. A lifespan task of every web worker."""
        wake = asyncio.Event()

        async def deliver() -> None:
            while True:
                await wake.wait()
                await asyncio.sleep(COALESCE_SECONDS)
                wake.clear()
                try:
                    await self.flush()
                except Exception:
                    # One bad moment must not end it for every page of this process.
                    log.warning("push_failed", exc_info=True)

        async def check() -> None:
            while True:
                await asyncio.sleep(CHECK_SECONDS)
                try:
                    await self.drop_signed_out()
                except Exception:
                    # The same: the next look may go well.
                    log.warning("push_check_failed", exc_info=True)

        tasks = [asyncio.create_task(deliver()), asyncio.create_task(check())]
        try:
            async for poke in live.listen():
                if self.accept(poke):
                    wake.set()
        finally:
            await end(tasks)


bridge = Bridge()


class LiveState(rx.State):
    """The tab's stream of pokes; written by the bridge only. Each poke: `{frame, topic, …}`."""

    pokes: list[dict[str, Any]] = []


def watch(state: rx.State, who: Principal, slot: str, *topics: str) -> None:
    """This tab's `slot` (e.g. `"inbox"`, `"thread"`) watches exactly `topics`. Call it from a handler, after the caller
    was found to belong to the organization that the topics name; `on_load` runs again after each reconnect.

    Parameters:
        who: the handler's caller, as whom the tab hears.
    """
    token = state.router.session.client_token
    bridge.watch(token, slot, topics)
    cookie = read_cookie(state, COOKIE)
    bridge.ask(token, who, lambda: principal_of(cookie))
