"""Who is at a conversation, and who is writing an answer: in Redis, forgotten by itself, never the truth.

Writing holds a soft lock: others are warned, and their sending is refused unless they insist. It lasts `LOCK_SECONDS`
after the last sign of writing, so that a browser that crashed holds nobody up.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import orjson
import redis
import structlog

from pytake_app.conversations.desk_schemas import PresenceUpdate, PresenceView, PresentPerson
from pytake_app.core.errors import ConflictError
from pytake_app.core.live import Live
from pytake_app.core.presence import Presence
from pytake_app.core.services import Services
from pytake_app.core.tenancy import Permission, Principal
from pytake_app.jobs import enqueue as jobs

log = structlog.get_logger(__name__)

LOCK_SECONDS = 15
TYPING_EVERY = 20
"""WhatsApp shows its typing sign for 25 seconds (Cloud API, Typing indicators); it is renewed a little before."""

# Taken when free or one's own; answers whoever holds it.
_TAKE = """
local held = redis.call('GET', KEYS[1])
if not held or held == ARGV[1] then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]); return ARGV[1] end
return held
"""
_FREE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(frozen=True, slots=True)
class Attendance:
    """Presence at conversations, for one process.

    Parameters:
        services: give Redis, the clock and the publisher of pokes.
    """

    services: Services

    def tell(self, principal: Principal, conversation_id: UUID, said: PresenceUpdate) -> PresenceView:
        """The caller's tab is here (or has left), writing or not. The conversation must be the caller's to see."""
        thing, tab = _thing(conversation_id), f"{principal.user_id}:{said.tab}"
        presence, now = self._presence, self.services.clock.now().timestamp()
        before = presence.said(thing, tab)
        if said.left:
            presence.drop(thing, tab)
        else:
            person = {"user_id": str(principal.user_id), "name": principal.name, "writing": said.writing}
            presence.put(thing, tab, person, now=now)
        if principal.has(Permission.CONVERSATIONS_HANDLE):
            self._hold(principal, conversation_id, writing=said.writing and not said.left)
        was = None if before is None else bool(before.get("writing"))
        if was is None or said.left or was != said.writing:
            self._announce(principal, conversation_id)
        return self.view(conversation_id)

    def wrote(self, principal: Principal, conversation_id: UUID, *, writing: bool) -> None:
        """The caller has begun or stopped writing, as told over the socket."""
        if principal.has(Permission.CONVERSATIONS_HANDLE):
            self._hold(principal, conversation_id, writing=writing)

    def view(self, conversation_id: UUID) -> PresenceView:
        """Who is here; each person once."""
        found = self._presence.present(_thing(conversation_id), now=self.services.clock.now().timestamp())
        holder = self._holder(conversation_id)
        people: dict[str, PresentPerson] = {}
        for one in found:
            writing = bool(one.get("writing")) or (one["user_id"] in people and people[one["user_id"]].writing)
            people[one["user_id"]] = PresentPerson(user_id=one["user_id"], name=one.get("name", ""), writing=writing)
        return PresenceView(people=list(people.values()), lock=holder, lock_seconds=LOCK_SECONDS)

    def refuse(self, principal: Principal, conversation_id: UUID, *, anyway: bool) -> None:
        """Refuse to send what would be a second answer.

        Raises:
            ConflictError: code `someone_writing`: a colleague is writing an answer.
        """
        holder = None if anyway else self._holder(conversation_id)
        if holder is not None and holder.user_id != principal.user_id:
            raise ConflictError(f"{holder.name or 'A colleague'} is writing an answer.", code="someone_writing")

    def sent(self, principal: Principal, conversation_id: UUID) -> None:
        """The caller's answer is out: others may write."""
        self._hold(principal, conversation_id, writing=False)

    def show_typing(self, conversation_id: UUID, channel_account_id: UUID, last_inbound: str | None) -> None:
        """Let the contact see that somebody writes, where the channel can; at most every `TYPING_EVERY` seconds."""
        if last_inbound is None:
            return
        client = self.services.redis
        try:
            if client.set(f"pytake:typing:{conversation_id}", b"1", nx=True, ex=TYPING_EVERY):
                sign = {"account": str(channel_account_id), "id": last_inbound, "typing": True}
                jobs.push_signals(client, [orjson.dumps(sign)])
        except redis.RedisError as error:
            log.warning("typing_lost", error=type(error).__name__)

    @property
    def _presence(self) -> Presence:
        return self.services.presence

    @property
    def _live(self) -> Live:
        return self.services.live

    def _hold(self, principal: Principal, conversation_id: UUID, *, writing: bool) -> None:
        me = orjson.dumps({"user_id": str(principal.user_id), "name": principal.name})
        try:
            if writing:
                self.services.redis.eval(_TAKE, 1, _lock(conversation_id), me, str(LOCK_SECONDS))
            else:
                self.services.redis.eval(_FREE, 1, _lock(conversation_id), me)
        except redis.RedisError as error:
            log.warning("presence_lost", error=type(error).__name__)

    def _holder(self, conversation_id: UUID) -> PresentPerson | None:
        try:
            held = self.services.redis.get(_lock(conversation_id))
        except redis.RedisError as error:
            log.warning("presence_lost", error=type(error).__name__)
            return None
        return PresentPerson(**orjson.loads(held), writing=True) if held else None  # type: ignore[arg-type]

    def _announce(self, principal: Principal, conversation_id: UUID) -> None:
        payload = {"event": "presence_changed", "conversation_id": str(conversation_id)}
        self._live.publish(f"org:{principal.organization_id}:conversations", payload)


def _thing(conversation_id: UUID) -> str:
    return f"conversation:{conversation_id}"


def _lock(conversation_id: UUID) -> str:
    return f"pytake:writing:{conversation_id}"
