"""Live events over WebSocket: pokes from Redis, looked up again under the caller's tenant, then sent.

`WS /api/v1/conversations/ws` and `/api/v1/ws`. The access token comes by query (`?token=`), as a subprotocol
(`Sec-WebSocket-Protocol: bearer, <token>`) or in the first message (`{"type": "auth", "token": "…"}`); the pages' own
cookie works from our own origin. Events: `message_received`, `message_sent`, `message_status_updated`,
`conversation_updated`, `typing_start`, `typing_stop`; `reconnected` after a gap: load again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import anyio
import orjson
import structlog
from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

from pytake_app.api.deps import COOKIE, CurrentPrincipal, get_services, is_same_origin
from pytake_app.api.services import Services
from pytake_app.conversations import service as conversations
from pytake_app.core.errors import ProblemError
from pytake_app.core.tenancy import Principal

router = APIRouter(tags=["real time"])

log = structlog.get_logger(__name__)

JsonObject = dict[str, Any]

AUTH_SECONDS = 10.0
HEARTBEAT_SECONDS = 25.0
CHECK_SECONDS = 30.0
"""A revoked session's sockets close within this time."""
QUEUE_SIZE = 200
MAX_FRAME = 16 * 1024
MAX_SUBSCRIPTIONS = 200
CONNECTIONS_PER_ORGANIZATION = 500
EVENTS = frozenset({"message_received", "message_sent", "message_status_updated", "conversation_updated"})
TYPING = frozenset({"typing_start", "typing_stop"})
_POLICY = 1008
_TOO_BIG = 1009
_TRY_LATER = 1013


@dataclass(eq=False)
class Connection:
    """One socket. Without a subscription it hears of every conversation of its organization."""

    principal: Principal
    queue: asyncio.Queue[JsonObject] = field(default_factory=lambda: asyncio.Queue(QUEUE_SIZE))
    conversations: set[str] = field(default_factory=set)
    lost: bool = False

    def wants(self, conversation_id: str) -> bool:
        """Whether the client asked to hear of this conversation."""
        return not self.conversations or conversation_id in self.conversations

    def offer(self, event: JsonObject) -> None:
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


class Hub:
    """Listens to pokes while anybody is connected, for one process and event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._by_organization: dict[UUID, set[Connection]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self._resolvers: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(4)
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
            self._listener = asyncio.get_running_loop().create_task(self._listen())
        return True

    def remove(self, connection: Connection) -> None:
        """Forget a socket; the last one stops the listening."""
        own = self._by_organization.get(connection.principal.organization_id)
        if own is not None:
            own.discard(connection)
            if not own:
                del self._by_organization[connection.principal.organization_id]
        if not self._by_organization and self._listener is not None:
            self._listener.cancel()
            self._listener = None

    async def aclose(self) -> None:
        """Stop listening."""
        tasks = [*self._resolvers, *([self._listener] if self._listener else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listener = None

    async def _listen(self) -> None:
        async for poke in self._services.live.listen():
            topic = str(poke.get("topic", ""))
            if topic == "live:reconnected":
                for connections in self._by_organization.values():
                    for connection in connections:
                        connection.offer({"type": "reconnected"})
                continue
            scope, _, rest = topic.partition(":")
            organization, _, subject = rest.partition(":")
            if scope != "org" or subject != "conversations":
                continue
            with contextlib.suppress(ValueError):
                self._dispatch(UUID(organization), poke)

    def _dispatch(self, organization_id: UUID, poke: JsonObject) -> None:
        event, conversation_id = str(poke.get("event", "")), str(poke.get("conversation_id", ""))
        wanting = [one for one in self.of(organization_id) if one.wants(conversation_id)]
        if not wanting:
            return
        if event in TYPING:
            actor = str(poke.get("user_id", ""))
            for connection in wanting:
                if str(connection.principal.user_id) != actor:
                    connection.offer({"type": event, "conversation_id": conversation_id, "user_id": actor})
        elif event in EVENTS:
            task = asyncio.get_running_loop().create_task(self._resolve(organization_id, wanting, poke))
            self._resolvers.add(task)
            task.add_done_callback(self._resolvers.discard)

    async def _resolve(self, organization_id: UUID, wanting: list[Connection], poke: JsonObject) -> None:
        """Read what the poke speaks of, as one of those who will see it may."""
        async with self._slots:
            try:
                events = await asyncio.to_thread(self._read, organization_id, wanting[0].principal, poke)
            except ProblemError as error:
                if error.status == 503:
                    events = [{"type": "reconnected"}]
                else:
                    return
        for connection in wanting:
            for event in events:
                connection.offer(event)
                self.delivered += 1

    def _read(self, organization_id: UUID, principal: Principal, poke: JsonObject) -> list[JsonObject]:
        event, conversation_id = poke["event"], poke["conversation_id"]
        given = [*(poke.get("message_ids") or ()), *([poke["message_id"]] if poke.get("message_id") else [])]
        ids = [UUID(str(value)) for value in given]
        with self._services.database.tenant(organization_id) as session:
            if ids:
                messages = conversations.messages_by_id(session, principal, ids)
                return [
                    {
                        "type": event,
                        "conversation_id": str(message.conversation_id),
                        "message": message.model_dump(mode="json"),
                    }
                    for message in messages
                ]
            detail = conversations.get_conversation(session, principal, UUID(conversation_id))
        return [{"type": event, "conversation_id": conversation_id, "conversation": detail.model_dump(mode="json")}]


def hub_of(connection: WebSocket) -> Hub:
    """The process's hub, made with the first socket."""
    state = connection.app.state
    hub: Hub | None = getattr(state, "hub", None)
    if hub is None:
        hub = state.hub = Hub(get_services(connection))
    return hub


@router.websocket("/conversations/ws")
async def conversations_socket(socket: WebSocket) -> None:
    """Live events."""
    await _serve(socket)


@router.websocket("/ws")
async def socket(socket: WebSocket) -> None:
    """The same endpoint under its short name."""
    await _serve(socket)


async def _serve(socket: WebSocket) -> None:
    services = get_services(socket)
    token, by_protocol = _token_of(socket)
    cookie = socket.cookies.get(COOKIE, "")
    if not token and cookie and not is_same_origin(socket, services.settings.public_url):
        cookie = ""
    await socket.accept(subprotocol="bearer" if by_protocol else None)
    principal = await _authenticate(socket, services, token, cookie)
    if principal is None:
        return
    hub = hub_of(socket)
    connection = Connection(principal)
    if not hub.add(connection):
        await socket.close(_TRY_LATER, "too many connections")
        return
    connection.offer({"type": "connected", "user_id": str(principal.user_id), "heartbeat_seconds": HEARTBEAT_SECONDS})
    try:
        async with anyio.create_task_group() as group:

            async def until_done(work: Coroutine[Any, Any, None]) -> None:
                try:
                    await work
                except (WebSocketDisconnect, RuntimeError, OSError):
                    log.debug("socket_left")
                group.cancel_scope.cancel()

            group.start_soon(until_done, _receive(socket, services, connection))
            group.start_soon(until_done, _send(socket, connection))
            group.start_soon(until_done, _watch(socket, services, principal))
    finally:
        hub.remove(connection)


def _token_of(socket: WebSocket) -> tuple[str, bool]:
    token = socket.query_params.get("token", "")
    if token:
        return token, False
    offered = [part.strip() for part in socket.headers.get("sec-websocket-protocol", "").split(",")]
    if len(offered) == 2 and offered[0] == "bearer":
        return offered[1], True
    return "", False


async def _authenticate(socket: WebSocket, services: Services, token: str, cookie: str) -> Principal | None:
    """Who connects; the socket is closed when nobody does."""
    try:
        if not token and not cookie:
            first = _decoded(await asyncio.wait_for(socket.receive_text(), AUTH_SECONDS))
            token = str(first.get("token", "")) if first and first.get("type") == "auth" else ""
        return await asyncio.to_thread(_resolve, services, token, cookie)
    except (TimeoutError, ProblemError):
        await socket.close(_POLICY, "unauthorized")
    except (WebSocketDisconnect, KeyError):
        log.debug("socket_left_before_sign_in")
    return None


def _resolve(services: Services, token: str, cookie: str) -> Principal:
    found = services.accounts.resolve_cookie(cookie) if cookie and not token else None
    return found or services.accounts.resolve_bearer(token)


async def _watch(socket: WebSocket, services: Services, principal: Principal) -> None:
    """Close the socket soon after its session has ended. An access token's own expiry doesn't: the session goes on."""
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        try:
            live = await asyncio.to_thread(services.accounts.is_live, principal.session_id)
        except ProblemError:
            continue  # the database is away: decide when it is back
        if not live:
            await socket.close(_POLICY, "the session has ended")
            return


async def _send(socket: WebSocket, connection: Connection) -> None:
    while True:
        try:
            event = await asyncio.wait_for(connection.queue.get(), HEARTBEAT_SECONDS)
        except TimeoutError:
            event = {"type": "ping"}
        if event.get("reason") == "too_slow":
            connection.lost = False
        await socket.send_text(orjson.dumps(event).decode())


def _decoded(text: str) -> JsonObject | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


async def _receive(socket: WebSocket, services: Services, connection: Connection) -> None:
    while True:
        text = await socket.receive_text()
        if len(text) > MAX_FRAME:
            await socket.close(_TOO_BIG, "too big")
            return
        message = _decoded(text)
        kind = message.get("type") if message else None
        if message is None or not isinstance(kind, str):
            connection.offer({"type": "error", "code": "malformed"})
        elif kind == "ping":
            connection.offer({"type": "pong"})
        elif kind in ("subscribe", "unsubscribe"):
            _subscribe(connection, kind, message)
        elif kind in TYPING:
            await _typing(services, connection, kind, message)
        elif kind != "pong":
            connection.offer({"type": "error", "code": "unknown_type"})


def _ids(message: JsonObject) -> list[str] | None:
    given = message.get("conversation_ids", [message.get("conversation_id")])
    try:
        return [str(UUID(str(value))) for value in given] if isinstance(given, list) else None
    except ValueError:
        return None


def _subscribe(connection: Connection, kind: str, message: JsonObject) -> None:
    ids = _ids(message)
    if ids is None or (kind == "subscribe" and len(connection.conversations) + len(ids) > MAX_SUBSCRIPTIONS):
        connection.offer({"type": "error", "code": "bad_subscription"})
        return
    if kind == "subscribe":
        connection.conversations |= set(ids)
    else:
        connection.conversations -= set(ids)
    connection.offer({"type": "subscribed", "conversation_ids": sorted(connection.conversations)})


async def _typing(services: Services, connection: Connection, kind: str, message: JsonObject) -> None:
    """Tell colleagues that this person is typing; only of conversations that are theirs."""
    ids = _ids(message)
    principal = connection.principal
    if not ids or len(ids) != 1:
        connection.offer({"type": "error", "code": "bad_conversation"})
        return

    def tell() -> None:
        services.limiter.require("60 per minute", "typing", str(principal.user_id))
        with services.database.tenant(principal.organization_id) as session:
            conversations.get_conversation(session, principal, UUID(ids[0]))
        payload = {"event": kind, "conversation_id": ids[0], "user_id": str(principal.user_id)}
        services.live.publish(f"conversation:{ids[0]}", payload)
        services.live.publish(f"org:{principal.organization_id}:conversations", payload)

    try:
        await asyncio.to_thread(tell)
    except ProblemError as error:
        connection.offer({"type": "error", "code": error.code})


class SocketStats(BaseModel):
    """Sockets of the caller's organization in the process that answers."""

    connections: int
    users: int


@router.get("/ws/stats")
async def stats(request: Request, who: CurrentPrincipal) -> SocketStats:
    """How many sockets are open."""
    hub: Hub | None = getattr(request.app.state, "hub", None)
    own = tuple(hub.of(who.organization_id)) if hub else ()
    return SocketStats(connections=len(own), users=len({one.principal.user_id for one in own}))
