"""Who gets which waiting conversation. Pure: values in, pairs out.

Fairness: a priority is a head start, not a lane of its own. One step of an item's priority is worth `HEAD_START` of
waiting, one point of a queue's priority a minute; who has waited longest, head starts included, is first. So the order
of two people never changes while they wait, and nobody waits for ever behind others who are more urgent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

Method = Literal["manual", "round_robin", "least_busy", "skill_based"]

HEAD_START = timedelta(minutes=15)
"""What one step of an item's priority (low, medium, high, urgent) is worth."""
QUEUE_POINT = timedelta(minutes=1)
"""What one point of a queue's priority is worth against other queues."""
DECLINE_PAUSE = timedelta(minutes=2)
"""Who declined or missed a conversation is not offered it again for so long."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Candidate:
    """An agent at work. `load`: conversations they have now; `levels`: the queues they answer, with their level."""

    agent_id: UUID
    load: int
    capacity: int
    levels: dict[UUID, int]
    skills: frozenset[str] = frozenset()
    last_assigned_at: datetime | None = None

    @property
    def free(self) -> int:
        """How many more they can take."""
        return max(0, self.capacity - self.load)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A waiting conversation. `skills`: what its agent must know; `declined`: who declined or missed it, and when."""

    item_id: UUID
    queue_id: UUID
    method: Method
    entered_at: datetime
    priority: int = 1
    queue_priority: int = 0
    skills: frozenset[str] = frozenset()
    declined: dict[UUID, datetime] = field(default_factory=dict)
    sticky_agent_id: UUID | None = None
    sticky_until: datetime | None = None

    @property
    def rank(self) -> tuple[datetime, UUID]:
        """Where it stands; lower is sooner."""
        return self.entered_at - self.priority * HEAD_START - self.queue_priority * QUEUE_POINT, self.item_id


@dataclass(frozen=True, slots=True)
class Pair:
    """This conversation goes to this agent."""

    item_id: UUID
    agent_id: UUID


def normal(skills: Iterable[str]) -> frozenset[str]:
    """Skills as they are compared: case and surrounding blanks aside."""
    return frozenset(skill.strip().casefold() for skill in skills if skill.strip())


def may_take(candidate: Candidate, ticket: Ticket, now: datetime) -> bool:
    """Whether the agent answers this queue, knows what is asked for and hasn't just declined; room aside."""
    if ticket.queue_id not in candidate.levels or not ticket.skills <= candidate.skills:
        return False
    declined = ticket.declined.get(candidate.agent_id)
    return declined is None or now - declined >= DECLINE_PAUSE


def _order(method: Method, ticket: Ticket, candidate: Candidate) -> tuple[float | int | datetime | UUID, ...]:
    """Sort key of the agents who may take a ticket; the first is asked."""
    level, idle = -candidate.levels[ticket.queue_id], candidate.last_assigned_at or _LONG_AGO
    share = candidate.load / candidate.capacity
    if method == "round_robin":
        return (idle, level, candidate.agent_id)
    if method == "skill_based":
        # Of those who know enough the best in this queue; among equals who knows least else, so that those who know
        # much stay free for what only they can do.
        return (level, len(candidate.skills - ticket.skills), share, idle, candidate.agent_id)
    return (share, level, idle, candidate.agent_id)


def choose(ticket: Ticket, candidates: Sequence[Candidate], now: datetime) -> Candidate | None:
    """The agent for a ticket; None: nobody now."""
    able = [one for one in candidates if may_take(one, ticket, now)]
    sticky = next((one for one in able if one.agent_id == ticket.sticky_agent_id), None)
    if sticky is not None:
        if sticky.free:
            return sticky
        if ticket.sticky_until is not None and now < ticket.sticky_until:
            return None
    if ticket.method == "manual":
        return None
    free = [one for one in able if one.free]
    return min(free, key=lambda one: _order(ticket.method, ticket, one)) if free else None


def distribute(tickets: Iterable[Ticket], candidates: Iterable[Candidate], now: datetime) -> list[Pair]:
    """Pair waiting conversations with agents.

    Parameters:
        tickets: in any order.
        candidates: agents at work; their load and last assignment are counted on as they are given something.

    Returns:
        pairs, first served first; no conversation twice, no agent beyond their capacity.
    """
    people = list(candidates)
    pairs: list[Pair] = []
    room = sum(one.free for one in people)
    for turn, ticket in enumerate(sorted(tickets, key=lambda one: one.rank)):
        if not room:
            break
        chosen = choose(ticket, people, now)
        if chosen is not None:
            chosen.load += 1
            # Distinct moments: the next of this round goes to somebody else.
            chosen.last_assigned_at = now + timedelta(microseconds=turn)
            pairs.append(Pair(ticket.item_id, chosen.agent_id))
            room -= 1
    return pairs
