"""Why a waiting conversation has no agent yet, and what would help. Pure: the decision of `distribution` in words.

Answers are a code, the suffix of a catalogue key, and what the sentence names.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from pydantic import JsonValue

from pytake_app.queues.distribution import DECLINE_PAUSE, Candidate, Ticket, choose
from pytake_app.queues.item_schemas import Suggestion, Why

NAMED = 5
"""A sentence names no more people than this."""
PRESENT = ("online", "busy")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may answer. `elsewhere`: names of the queues they answer."""

    candidate: Candidate
    name: str
    status: str
    queues: tuple[str, ...] = ()

    @property
    def takes(self) -> bool:
        """Whether distribution asks them."""
        return self.status == "online" and self.candidate.capacity > 0

    @property
    def first_name(self) -> str:
        """How colleagues call them."""
        return self.name.split(" ", 1)[0] if self.name else ""


@dataclass(frozen=True, slots=True)
class Line:
    """The queue as one of its waiting items sees it. `ahead`: how many of the queue are before it; `opens_at`: when a
    closed queue opens again, None: nobody knows."""

    queue_name: str
    ahead: int
    is_open: bool = True
    opens_at: datetime | None = None


def _names(people: Collection[Person]) -> list[JsonValue]:
    return [cast("JsonValue", one.first_name) for one in people][:NAMED]


def explain(ticket: Ticket, line: Line, people: Sequence[Person], now: datetime, skills: Sequence[str] = ()) -> Why:
    """Why a received, waiting conversation has nobody.

    Parameters:
        people: everybody who may answer, at work or not.
        skills: the ticket's as they were written.
    """
    queue: JsonValue = line.queue_name
    answering = [one for one in people if ticket.queue_id in one.candidate.levels]
    if not answering:
        return Why(code="nobody_answers", params={"queue": queue})
    here = [one for one in answering if one.takes]
    if not here:
        if not line.is_open:
            return Why(code="closed", params={"opens_at": line.opens_at.isoformat() if line.opens_at else None})
        away = sorted(answering, key=lambda one: (one.status == "offline", one.name))
        return Why(code="nobody_here", params={"queue": queue, "away": _names(away)})
    able = [one for one in here if ticket.skills <= one.candidate.skills]
    if not able:
        knowing = [one for one in people if ticket.skills <= one.candidate.skills]
        known: list[JsonValue] = [{"name": one.first_name, "status": one.status} for one in knowing[:NAMED]]
        return Why(code="skill", params={"skills": cast("list[JsonValue]", list(skills)), "agents": known})
    sticky = next((one for one in able if one.candidate.agent_id == ticket.sticky_agent_id), None)
    held = ticket.sticky_until is not None and now < ticket.sticky_until
    if sticky is not None and held and not sticky.candidate.free and not _declined(ticket, sticky, now):
        until = ticket.sticky_until.isoformat() if ticket.sticky_until is not None else None
        return Why(code="sticky", params={"agent": sticky.first_name, "until": until})
    chosen = choose(ticket, [one.candidate for one in able], now)
    if chosen is None and ticket.method == "manual":
        return Why(code="manual", params={"queue": queue})
    if line.ahead:
        return Why(code="behind", params={"ahead": line.ahead})
    if chosen is not None:
        return Why(code="next", params={"queue": queue})
    free = [one for one in able if one.candidate.free]
    if free:
        return Why(code="declined", params={"agents": _names(free)})
    elsewhere: list[JsonValue] = [
        {"name": one.first_name, "queues": cast("list[JsonValue]", list(one.queues[:NAMED]))}
        for one in people
        if one.takes and one.candidate.free and one not in answering
    ]
    return Why(code="nobody_free", params={"queue": queue, "full": _names(able), "elsewhere": elsewhere[:NAMED]})


def _declined(ticket: Ticket, one: Person, now: datetime) -> bool:
    at = ticket.declined.get(one.candidate.agent_id)
    return at is not None and now - at < DECLINE_PAUSE


def suggest(ticket: Ticket, people: Sequence[Person], now: datetime) -> list[Suggestion]:
    """What an administrator could do about it, the best first: give it to somebody with room (of the queue, knowing
    what is asked, before others), else raise the capacity of who answers the queue and has the smallest."""
    found: list[Suggestion] = []

    def fitting(one: Person) -> tuple[bool, bool, float, str]:
        own = ticket.queue_id in one.candidate.levels
        able = ticket.skills <= one.candidate.skills
        return not own, not able, one.candidate.load / max(1, one.candidate.capacity), one.name

    free = [one for one in people if one.takes and one.candidate.free and not _declined(ticket, one, now)]
    if free:
        best = min(free, key=fitting)
        found.append(_suggestion("assign", best.candidate))
    full = [
        one
        for one in people
        if one.takes
        and not one.candidate.free
        and ticket.queue_id in one.candidate.levels
        and ticket.skills <= one.candidate.skills
    ]
    if full:
        least = min(full, key=lambda one: (one.candidate.load, one.candidate.capacity, one.name))
        found.append(_suggestion("raise_capacity", least.candidate))
    return found


def _suggestion(action: str, one: Candidate) -> Suggestion:
    return Suggestion.model_validate(
        {"action": action, "agent_id": one.agent_id, "load": one.load, "capacity": one.capacity}
    )
