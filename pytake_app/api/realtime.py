"""Live events over WebSocket: pokes from Redis, looked up again under the caller's tenant, then sent.

`WS /api/v1/conversations/ws` and `/api/v1/ws`. The access token comes by query (`?token=`), as a subprotocol
(`Sec-WebSocket-Protocol: bearer, <token>`) or in the first message (`{"type": "auth", "token": "…"}`); the pages' own
cookie works from our own origin. Events: `message_received`, `message_sent`, `message_status_updated`,
`conversation_updated`, `typing_start`, `typing_stop`, `presence_changed`, `queue_updated`, `agent_status_updated`,
`notification`, `draft_updated`; `reconnected` after a gap: load again.

Events have an `event_id` (those of the moment, such as typing, have none). `connected` says the last one so far.
After a break the client sends `{"type": "resume", "last_event_id": "…"}`: it hears what it missed, in order, and
`resumed`, or `reconnected` when that can't be told without a gap.
`GET /conversations/events?since=` tells the same by polling.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any
from uuid import UUID

import anyio
import orjson
import redis
import structlog
from fastapi import APIRouter, Query, Request, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

from pytake_app.api.deps import COOKIE, CurrentPrincipal, ServicesDep, client_of, get_services, is_same_origin
from pytake_app.api.hub import QUEUE_SIZE, Connection, Hub
from pytake_app.api.live_events import COMMANDS, TYPING, hidden_from, is_for, listens, may_listen, resolve
from pytake_app.api.services import Services
from pytake_app.api.socket_counts import SocketCounts
from pytake_app.conversations import service as conversations
from pytake_app.conversations.attendance import Attendance
from pytake_app.conversations.desk_schemas import EventsPage, EventView
from pytake_app.core.errors import ProblemError
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.queues import service as queues

__all__ = ["QUEUE_SIZE", "Connection", "Hub", "hub_of", "router"]

router = APIRouter(tags=["real time"])

log = structlog.get_logger(__name__)

JsonObject = dict[str, Any]

AUTH_SECONDS = 10.0
HEARTBEAT_SECONDS = 25.0
CHECK_SECONDS = 30.0
"""A revoked session's sockets close within this time."""
MAX_FRAME = 16 * 1024
MAX_SUBSCRIPTIONS = 200
_NOT_TEXT = 1003
_POLICY = 1008
_TOO_BIG = 1009
_TRY_LATER = 1013


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
    try:
        await hub.count_again(principal.organization_id)
        await hub.greet(connection, user_id=str(principal.user_id), heartbeat_seconds=HEARTBEAT_SECONDS)
        async with anyio.create_task_group() as group:

            async def until_done(work: Coroutine[Any, Any, None]) -> None:
                try:
                    await work
                except (WebSocketDisconnect, RuntimeError, OSError):
                    log.debug("socket_left")
                group.cancel_scope.cancel()

            group.start_soon(until_done, _receive(socket, services, hub, connection))
            group.start_soon(until_done, _send(socket, connection))
            group.start_soon(until_done, _watch(socket, services, hub, connection))
    finally:
        hub.remove(connection)
        hub.count_again(principal.organization_id)  # not waited for: this task may be canceled


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
            first = _decoded(await asyncio.wait_for(_text(socket), AUTH_SECONDS) or "")
            token = str(first.get("token", "")) if first and first.get("type") == "auth" else ""
        return await asyncio.to_thread(_resolve, services, token, cookie, client_of(socket).address)
    except (TimeoutError, ProblemError) as error:
        reason = error.code if isinstance(error, ProblemError) else "too_late"
        log.warning("socket_refused", code=reason, address=client_of(socket).address)
        await socket.close(_POLICY, "unauthorized")
    except WebSocketDisconnect:
        log.debug("socket_left_before_sign_in")
    return None


def _resolve(services: Services, token: str, cookie: str, address: str) -> Principal:
    found = services.accounts.resolve_cookie(cookie) if cookie and not token else None
    who = found or services.accounts.resolve_bearer(token, address)
    may_listen(who)
    return who


async def _watch(socket: WebSocket, services: Services, hub: Hub, connection: Connection) -> None:
    """Close the socket soon after its session has ended, and follow what its person may do. An access token's own
    expiry ends nothing: the session goes on."""
    while True:
        await asyncio.to_thread(_be_heard, services, connection.principal)
        await asyncio.sleep(CHECK_SECONDS)
        try:
            present = await asyncio.to_thread(services.accounts.present, connection.principal)
        except ProblemError:
            continue  # the database is away: decide when it is back
        if present is None or not listens(present):
            await socket.close(_POLICY, "the session has ended")
            return
        connection.principal = present
        if hub.counts.is_due(present.organization_id):
            await hub.count_again(present.organization_id)


def _be_heard(services: Services, principal: Principal) -> None:
    """An agent's connection is there: as good as a heartbeat. A program's is nobody's."""
    if principal.api_key_id is not None:
        return
    try:
        with services.database.tenant(principal.organization_id) as session:
            queues.heartbeat(session, principal, clock=services.clock)
    except ProblemError as error:
        log.info("agent_not_heard", code=error.code)


async def _send(socket: WebSocket, connection: Connection) -> None:
    while True:
        try:
            event = await asyncio.wait_for(connection.queue.get(), HEARTBEAT_SECONDS)
        except TimeoutError:
            event = {"type": "ping"}
        if isinstance(event, str):
            await socket.send_text(event)
            continue
        if event.get("reason") == "too_slow":
            connection.lost = False
        await socket.send_text(orjson.dumps(event).decode())


async def _text(socket: WebSocket) -> str | None:
    """The next message; None: it isn't text.

    Raises:
        WebSocketDisconnect: the other side has left.
    """
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000), message.get("reason"))
    text: str | None = message.get("text")
    return text


def _decoded(text: str) -> JsonObject | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


async def _receive(socket: WebSocket, services: Services, hub: Hub, connection: Connection) -> None:
    while True:
        text = await _text(socket)
        if text is None:
            await socket.close(_NOT_TEXT, "text only")
            return
        if len(text) > MAX_FRAME:
            await socket.close(_TOO_BIG, "too big")
            return
        message = _decoded(text)
        kind = message.get("type") if message else None
        if message is None or not isinstance(kind, str):
            connection.offer({"type": "error", "code": "malformed"})
        elif kind not in COMMANDS:
            connection.offer({"type": "error", "code": "unknown_type"})
        elif kind == "ping":
            connection.offer({"type": "pong"})
        elif kind == "resume":
            await hub.resume(connection, str(message.get("last_event_id", "")))
        elif kind in ("subscribe", "unsubscribe"):
            _subscribe(connection, kind, message)
        elif kind in TYPING:
            await _typing(services, connection, kind, message)


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
    """Tell colleagues that this person is typing; only of conversations that are theirs, and who may write there."""
    ids = _ids(message)
    principal = connection.principal
    if not ids or len(ids) != 1:
        connection.offer({"type": "error", "code": "bad_conversation"})
        return

    def tell() -> None:
        principal.needs(Permission.CONVERSATIONS_HANDLE)
        services.limiter.require("60 per minute", "typing", str(principal.user_id))
        writing = kind == "typing_start"
        attendance = Attendance(services)
        with services.database.tenant(principal.organization_id) as session:
            seen = conversations.get_conversation(session, principal, UUID(ids[0]))
            heard = conversations.last_heard(session, seen.id) if writing and seen.can_send else None
        attendance.wrote(principal, seen.id, writing=writing)
        if writing:
            attendance.show_typing(seen.id, seen.channel_account_id, heard)
        payload = {"event": kind, "conversation_id": ids[0], "user_id": str(principal.user_id)}
        services.live.publish(f"conversation:{ids[0]}", payload)
        services.live.publish(f"org:{principal.organization_id}:conversations", payload)

    try:
        await asyncio.to_thread(tell)
    except ProblemError as error:
        connection.offer({"type": "error", "code": error.code})


@router.get("/conversations/events")
def events(
    who: CurrentPrincipal,
    services: ServicesDep,
    since: Annotated[
        str, Query(max_length=50, description="`last_event_id` of the answer before; empty to begin")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> EventsPage:
    """What happened since, oldest first: the same events as over the WebSocket, for clients that can't hold one.

    Begin without `since`, load what you show, then ask from `last_event_id` on, every few seconds. `reset`: it can't
    be told without a gap; load again.
    """
    who.require(Role.VIEWER)
    may_listen(who)
    live, organization_id = services.live, who.organization_id
    missed = live.events_since(organization_id, since, limit)
    if not missed.complete:
        return EventsPage(items=[], last_event_id=live.last_event(organization_id), reset=bool(since))
    pokes = [poke for poke in missed.pokes if is_for(poke, who)]
    hidden = hidden_from(services.database, organization_id, [who], pokes).get(who.user_id, set())
    pokes = [poke for poke in pokes if str(poke.get("conversation_id") or "") not in hidden]
    found = resolve(services.database, organization_id, who, pokes)
    items = [EventView.model_validate(event) for told in found for event in told]
    return EventsPage(items=items, last_event_id=missed.last_event_id, reset=False, more=missed.more)


class SocketStats(BaseModel):
    """Sockets of the caller's organization, in all processes, and of how many people they are."""

    connections: int
    users: int


@router.get("/ws/stats")
def stats(request: Request, who: CurrentPrincipal, services: ServicesDep) -> SocketStats:
    """How many sockets are open."""
    try:
        open_now = SocketCounts(services.redis, services.clock).read(who.organization_id)
    except redis.RedisError as error:
        log.warning("socket_counts_away", error=type(error).__name__)
        hub: Hub | None = getattr(request.app.state, "hub", None)
        open_now = [str(one.principal.user_id) for one in hub.of(who.organization_id)] if hub else []
    return SocketStats(connections=len(open_now), users=len(set(open_now)))
