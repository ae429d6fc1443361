"""The sockets of one process: events reach each of them in the order in which they happened."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import structlog

from pytake_app.api import live_events
from pytake_app.api.services import Services
from pytake_app.api.socket_counts import SocketCounts
from pytake_app.core.ending import end
from pytake_app.core.errors import ProblemError
from pytake_app.core.live import EventLog, event_key
from pytake_app.core.tenancy import Permission, Principal

log = structlog.get_logger(__name__)

JsonObject = dict[str, Any]

QUEUE_SIZE = 200
CONNECTIONS_PER_ORGANIZATION = 500
BATCH = 200
REPLAY_LIMIT = 2000
"""A client that missed more than this loads again instead."""
_READY_SECONDS = 5.0


@dataclass(eq=False)
class Connection:
    """One socket. Without a subscription it hears of every conversation of its organization.

    While `held` is a list, live events wait in it: what was missed goes first.
    """

    principal: Principal
    queue: asyncio.Queue[JsonObject | str] = field(default_factory=lambda: asyncio.Queue(QUEUE_SIZE))
    conversations: set[str] = field(default_factory=set)
    lost: bool = False
    held: list[tuple[str, str]] | None = None

    def wants(self, conversation_id: str) -> bool:
        """Whether the client asked to hear of this conversation (empty: of none in particular)."""
        return not self.conversations or not conversation_id or conversation_id in self.conversations

    def offer(self, event: JsonObject | str) -> None:
        """Queue an event. A client that doesn't keep up is told to load again rather than held in memory."""
        if self.lost:
            return
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.lost = True
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait({"type": "reconnected", "reason": "too_slow"})

    def hear(self, event_id: str, text: str) -> None:
        """A live event, already written as JSON."""
        if self.held is not None:
            self.held.append((event_id, text))
            if len(self.held) > REPLAY_LIMIT:
                self.held = None
                self.offer({"type": "reconnected", "reason": "too_slow"})
        else:
            self.offer(text)

    def release(self, after: str) -> None:
        """Live again: what waited and is newer than `after` (or never had an id) is told now."""
        held, self.held = self.held or [], None
        for event_id, text in held:
            if not event_id or event_key(event_id) > event_key(after):
                self.offer(text)


class Hub:
    """Listens to pokes while anybody is connected, for one process and event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._by_organization: dict[UUID, set[Connection]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self._pending: dict[UUID, deque[JsonObject]] = defaultdict(deque)
        self._workers: dict[UUID, asyncio.Task[None]] = {}
        self._seen: dict[UUID, str] = {}
        self._slots = asyncio.Semaphore(4)
        self._ready = asyncio.Event()
        self.counts = SocketCounts(services.redis, services.clock)
        self._changes = 0
        self.delivered = 0

    @property
    def count(self) -> int:
        """How many sockets are open here."""
        return sum(len(connections) for connections in self._by_organization.values())

    def of(self, organization_id: UUID) -> Iterable[Connection]:
        """An organization's sockets."""
        return tuple(self._by_organization.get(organization_id, ()))

    def add(self, connection: Connection) -> bool:
        """Take a socket in; False when the organization has too many."""
        own = self._by_organization[connection.principal.organization_id]
        if len(own) >= CONNECTIONS_PER_ORGANIZATION:
            return False
        own.add(connection)
        if self._listener is None or self._listener.done():
            self._ready.clear()
            self._listener = asyncio.get_running_loop().create_task(self._listen())
        return True

    def remove(self, connection: Connection) -> None:
        """Forget a socket; the last one stops the listening."""
        organization_id = connection.principal.organization_id
        own = self._by_organization.get(organization_id)
        if own is not None:
            own.discard(connection)
            if not own:
                del self._by_organization[organization_id]
                self._seen.pop(organization_id, None)
        if not self._by_organization and self._listener is not None:
            self._listener.cancel()
            self._listener = None

    def count_again(self, organization_id: UUID) -> asyncio.Future[None]:
        """Tell the other processes how many sockets of the organization are open here."""
        self._changes += 1
        own = [one.principal.user_id for one in self.of(organization_id)]
        work = self.counts.tell
        return asyncio.get_running_loop().run_in_executor(None, work, organization_id, self._changes, own)

    async def aclose(self) -> None:
        """Stop listening."""
        await end([*self._workers.values(), *([self._listener] if self._listener else [])])
        self._listener = None

    # -- beginning and going on -------------------------------------------------------------------------------------

    async def greet(self, connection: Connection, **more: object) -> None:
        """Say from which event on the client hears everything: what it loads after this has no gap."""
        connection.held = []
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), _READY_SECONDS)
        organization_id = connection.principal.organization_id
        last = await asyncio.to_thread(self._services.live.last_event, organization_id)
        self._seen.setdefault(organization_id, last)
        connection.offer({"type": "connected", **more, "last_event_id": last})
        connection.release(last)

    async def resume(self, connection: Connection, since: str) -> None:
        """Tell what happened after `since`, then go on live; `reconnected` when that can't be told without a gap."""
        organization_id = connection.principal.organization_id
        if connection.held is None:
            connection.held = []
        missed: EventLog = await asyncio.to_thread(
            self._services.live.events_since, organization_id, since, REPLAY_LIMIT
        )
        if not missed.complete or missed.more:
            last = await asyncio.to_thread(self._services.live.last_event, organization_id)
            connection.offer({"type": "reconnected", "reason": "trimmed", "last_event_id": last})
            connection.release(last)
            return
        told = 0
        pokes = [poke for poke in missed.pokes if self._concerns(connection, poke)]
        for at in range(0, len(pokes), BATCH):
            part = pokes[at : at + BATCH]
            try:
                hidden = await self._hidden(organization_id, [connection.principal], part)
                kept = hidden.get(connection.principal.user_id, set())
                part = [poke for poke in part if str(poke.get("conversation_id") or "") not in kept]
                events = await self._resolve(organization_id, connection.principal, part)
            except ProblemError:
                connection.offer({"type": "reconnected", "reason": "unavailable"})
                connection.release(missed.last_event_id)
                return
            for event in (one for found in events for one in found):
                # Waits for the client rather than losing what it asked for.
                await connection.queue.put(event)
                told += 1
        await connection.queue.put({"type": "resumed", "last_event_id": missed.last_event_id, "events": told})
        connection.release(missed.last_event_id)

    def _concerns(self, connection: Connection, poke: JsonObject) -> bool:
        wanted = connection.wants(str(poke.get("conversation_id") or ""))
        return wanted and live_events.is_for(poke, connection.principal)

    # -- listening --------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        async for poke in self._services.live.listen():
            topic = str(poke.get("topic", ""))
            if topic == "live:connected":
                self._ready.set()
            elif topic == "live:reconnected":
                self._ready.set()
                for organization_id in tuple(self._by_organization):
                    await self._catch_up(organization_id)
            else:
                scope, _, rest = topic.partition(":")
                organization, _, subject = rest.partition(":")
                if scope == "org" and subject in live_events.SUBJECTS:
                    with contextlib.suppress(ValueError):
                        self._dispatch(UUID(organization), poke)

    async def _catch_up(self, organization_id: UUID) -> None:
        """After Redis was away: what was published meanwhile stands in its log, or everybody loads again."""
        since = self._seen.get(organization_id, "")
        missed = await asyncio.to_thread(self._services.live.events_since, organization_id, since, REPLAY_LIMIT)
        if missed.complete and not missed.more:
            for poke in missed.pokes:
                self._dispatch(organization_id, poke)
            return
        self._seen[organization_id] = await asyncio.to_thread(self._services.live.last_event, organization_id)
        for connection in self.of(organization_id):
            connection.offer({"type": "reconnected"})

    def _dispatch(self, organization_id: UUID, poke: JsonObject) -> None:
        event_id = str(poke.get("event_id") or "")
        if event_id:
            if event_key(event_id) <= event_key(self._seen.get(organization_id, "")):
                return  # told already, by catching up
            self._seen[organization_id] = event_id
        if not any(self._concerns(connection, poke) for connection in self.of(organization_id)):
            return
        self._pending[organization_id].append(poke)
        if organization_id not in self._workers:
            task = asyncio.get_running_loop().create_task(self._work(organization_id))
            self._workers[organization_id] = task

    async def _work(self, organization_id: UUID) -> None:
        """Read and tell what is pending, in order; what came meanwhile is read together."""
        try:
            await self._work_off(organization_id, self._pending[organization_id])
        finally:
            # Here and not later: whatever is pending from now on begins a task of its own.
            self._pending.pop(organization_id, None)
            self._workers.pop(organization_id, None)

    async def _work_off(self, organization_id: UUID, pending: deque[JsonObject]) -> None:
        while pending:
            part = [pending.popleft() for _ in range(min(len(pending), BATCH))]
            listeners = tuple(self.of(organization_id))
            if not listeners:
                continue
            try:
                # Read once for everybody, with everybody's eyes; then each hears of what they see themselves.
                anyone = listeners[0].principal
                found = await self._resolve(organization_id, live_events.all_seeing(anyone), part)
                masked = found
                if any(one.principal.masks_phones for one in listeners):
                    masked = await self._resolve(organization_id, live_events.all_seeing(anyone, masked=True), part)
                hidden = await self._hidden(organization_id, [one.principal for one in listeners], part)
            except ProblemError as error:
                log.warning("live_events_unreadable", code=error.code)
                for connection in self.of(organization_id):
                    connection.offer({"type": "reconnected"})
                continue
            for poke, events, for_masked in zip(part, found, masked, strict=True):
                self._tell(organization_id, poke, events, for_masked, hidden)

    async def _resolve(
        self, organization_id: UUID, principal: Principal, pokes: list[JsonObject]
    ) -> list[list[JsonObject]]:
        async with self._slots:
            return await asyncio.to_thread(
                live_events.resolve, self._services.database, organization_id, principal, pokes
            )

    async def _hidden(
        self, organization_id: UUID, principals: list[Principal], pokes: list[JsonObject]
    ) -> dict[UUID, set[str]]:
        if all(who.has(Permission.CONVERSATIONS_SEE_ALL) for who in principals):
            return {}
        async with self._slots:
            return await asyncio.to_thread(
                live_events.hidden_from, self._services.database, organization_id, principals, pokes
            )

    def _tell(
        self,
        organization_id: UUID,
        poke: JsonObject,
        events: list[JsonObject],
        masked: list[JsonObject],
        hidden: dict[UUID, set[str]],
    ) -> None:
        event_id = str(poke.get("event_id") or "")
        clear = [orjson.dumps(event).decode() for event in events]  # once, whoever many hear it
        ends = clear if masked is events else [orjson.dumps(event).decode() for event in masked]
        about = str(poke.get("conversation_id") or "")
        for connection in self.of(organization_id):
            bounded = not connection.principal.has(Permission.CONVERSATIONS_SEE_ALL)
            # Who came since it was read, or lost the permission since: heard nothing of it is better than too much.
            if about and bounded and about in hidden.get(connection.principal.user_id, (about,)):
                continue
            if self._concerns(connection, poke):
                for text in ends if connection.principal.masks_phones else clear:
                    connection.hear(event_id, text)
                    self.delivered += 1
