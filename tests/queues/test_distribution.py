"""The decision alone: who gets which conversation, whatever the numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from pytake_app.queues.distribution import DECLINE_PAUSE, HEAD_START, Candidate, Ticket, distribute, may_take

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUEUES = [UUID(int=n) for n in range(1, 4)]
SKILLS = ["inglês", "notas", "técnico"]


def agent(n: int, load: int = 0, capacity: int = 4, queues: list[UUID] | None = None, **values: object) -> Candidate:
    levels = dict.fromkeys(queues or QUEUES, 0)
    return Candidate(UUID(int=1000 + n), load, capacity, levels, **values)  # type: ignore[arg-type]


def ticket(n: int, waited: float = 0, method: str = "least_busy", queue: int = 0, **values: object) -> Ticket:
    entered = NOW - timedelta(minutes=waited)
    return Ticket(UUID(int=2000 + n), QUEUES[queue], method, entered, **values)  # type: ignore[arg-type]


CANDIDATES = st.lists(
    st.builds(
        lambda load, capacity, queues, skills, idle: (load, capacity, queues, skills, idle),
        st.integers(0, 5), st.integers(1, 5), st.lists(st.sampled_from(QUEUES), min_size=1, unique=True),
        st.frozensets(st.sampled_from(SKILLS)), st.one_of(st.none(), st.integers(0, 90)),
    ),
    max_size=8,
)  # fmt: skip
TICKETS = st.lists(
    st.tuples(
        st.integers(0, 600), st.sampled_from(["manual", "round_robin", "least_busy", "skill_based"]),
        st.integers(0, 2), st.integers(0, 3), st.integers(0, 50), st.frozensets(st.sampled_from(SKILLS), max_size=2),
        st.one_of(st.none(), st.integers(0, 7)), st.sets(st.integers(0, 7), max_size=3),
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(CANDIDATES, TICKETS)
def test_no_conversation_twice_nobody_beyond_their_capacity_nobody_free_passed_over(
    people: list[tuple[int, int, list[UUID], frozenset[str], int | None]], waiting: list[tuple]
) -> None:
    def candidates() -> list[Candidate]:
        return [
            agent(n, load, capacity, queues, skills=skills,
                  last_assigned_at=None if idle is None else NOW - timedelta(minutes=idle))
            for n, (load, capacity, queues, skills, idle) in enumerate(people)
        ]  # fmt: skip

    tickets = [
        ticket(n, waited, method, queue, priority=priority, queue_priority=points,
               skills=skills if method == "skill_based" else frozenset(),
               sticky_agent_id=None if sticky is None else UUID(int=1000 + sticky),
               declined={UUID(int=1000 + one): NOW for one in declined})
        for n, (waited, method, queue, priority, points, skills, sticky, declined) in enumerate(waiting)
    ]  # fmt: skip
    before, after = candidates(), candidates()
    pairs = distribute(tickets, after, NOW)
    assert len({pair.item_id for pair in pairs}) == len(pairs)
    by_id = {one.item_id: one for one in tickets}
    for one, then in zip(before, after, strict=True):
        given_now = [pair for pair in pairs if pair.agent_id == one.agent_id]
        assert then.load == one.load + len(given_now)
        assert len(given_now) <= one.free
        assert all(may_take(one, by_id[pair.item_id], NOW) for pair in given_now)
    left = [one for one in tickets if one.item_id not in {pair.item_id for pair in pairs}]
    for one in left:
        # Who still waits waits for a reason: nobody who may take it has room (or it is picked by hand).
        assert one.method == "manual" or not any(may_take(person, one, NOW) and person.free for person in after)
    # The order of who came in does not matter, and the same question has the same answer.
    assert distribute(tickets[::-1], candidates(), NOW) == pairs


@settings(max_examples=100, deadline=None)
@given(TICKETS)
def test_one_agent_serves_in_the_order_of_waiting_with_head_starts(waiting: list[tuple]) -> None:
    tickets = [
        ticket(n, waited, "least_busy", 0, priority=priority, queue_priority=points)
        for n, (waited, _, _, priority, points, *_) in enumerate(waiting)
    ]
    pairs = distribute(tickets, [agent(1, capacity=100)], NOW)
    ranks = [next(one.rank for one in tickets if one.item_id == pair.item_id) for pair in pairs]
    assert len(pairs) == len(tickets)
    assert ranks == sorted(ranks)


def test_the_urgent_come_first_but_nobody_waits_for_ever() -> None:
    late, urgent = ticket(1, waited=1), ticket(2, waited=0, priority=3)
    assert distribute([late, urgent], [agent(1, capacity=1)], NOW)[0].item_id == urgent.item_id
    patient = ticket(1, waited=2 * HEAD_START.total_seconds() / 60 + 1)
    assert distribute([patient, urgent], [agent(1, capacity=1)], NOW)[0].item_id == patient.item_id


def test_each_method_chooses_by_its_own_measure() -> None:
    busy, idle = agent(1, load=3, last_assigned_at=NOW - timedelta(hours=1)), agent(2, last_assigned_at=NOW)
    assert distribute([ticket(1)], [busy, idle], NOW)[0].agent_id == idle.agent_id
    busy, idle = agent(1, load=3, last_assigned_at=NOW - timedelta(hours=1)), agent(2, last_assigned_at=NOW)
    assert distribute([ticket(1, method="round_robin")], [busy, idle], NOW)[0].agent_id == busy.agent_id
    turns = distribute([ticket(n, method="round_robin") for n in range(6)], [agent(1), agent(2), agent(3)], NOW)
    assert [pair.agent_id.int - 1000 for pair in turns] == [1, 2, 3, 1, 2, 3]
    polyglot = agent(1, skills=frozenset(SKILLS))
    english, nobody = agent(2, load=1, skills=frozenset({"inglês"})), agent(3)
    asked = ticket(1, method="skill_based", skills=frozenset({"inglês"}))
    assert distribute([asked], [polyglot, english, nobody], NOW)[0].agent_id == english.agent_id
    assert distribute([asked], [nobody], NOW) == []
    assert distribute([ticket(1, method="manual")], [agent(1)], NOW) == []


def test_the_last_agent_is_waited_for_a_while() -> None:
    sticky = {"sticky_agent_id": UUID(int=1001), "sticky_until": NOW + timedelta(seconds=30)}
    assert distribute([ticket(1, **sticky)], [agent(1, load=4), agent(2)], NOW) == []
    assert distribute([ticket(1, **sticky)], [agent(1, load=3), agent(2)], NOW)[0].agent_id == UUID(int=1001)
    over = distribute([ticket(1, **sticky)], [agent(1, load=4), agent(2)], NOW + timedelta(seconds=31))
    assert over[0].agent_id == UUID(int=1002)
    # Who isn't at work is not waited for.
    assert distribute([ticket(1, **sticky)], [agent(2)], NOW)[0].agent_id == UUID(int=1002)


def test_who_declined_is_not_asked_again_at_once() -> None:
    declined = ticket(1, declined={UUID(int=1001): NOW})
    assert distribute([declined], [agent(1)], NOW + timedelta(seconds=5)) == []
    assert distribute([declined], [agent(1), agent(2)], NOW)[0].agent_id == UUID(int=1002)
    assert distribute([declined], [agent(1)], NOW + DECLINE_PAUSE)[0].agent_id == UUID(int=1001)
