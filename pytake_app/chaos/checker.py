"""The proof: the sender's log, the database and the Graph stand-in's log must tell the same story. Pure.

Every webhook that was acknowledged has one event, one message and one answer; every answer was taken by the platform
once, went to the person who asked, and each person's answers came in order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

RANKS = {"sent": 2, "delivered": 4, "read": 5}
"""How far a status is; the database must show the furthest that was acknowledged."""


@dataclass(slots=True)
class Sent:
    """A message in the sender's log. Times are monotonic seconds; `acked` is 0 until a copy was acknowledged.
    `media`: SHA-256 of the file that came with it."""

    number: int
    person: str
    posted: float
    acked: float = 0.0
    media: str = ""


@dataclass(slots=True)
class Call:
    """A call in the stand-in's log. `taken`: the platform has the message, whatever the caller was told."""

    at: float
    number: int
    person: str
    what: str
    taken: bool = False
    wamid: str = ""
    told: str = ""
    """The furthest status of it that was acknowledged."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An outgoing message in the database, with its row of the outbox."""

    number: int
    person: str
    sequence: int
    state: str
    status: str
    wamid: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What the database has. `events` and `messages` are by number; `files` the digests of files that are whole."""

    events: Sequence[tuple[int, str]] = ()
    messages: Sequence[tuple[int, str]] = ()
    answers: Sequence[Answer] = ()
    files: frozenset[str] = frozenset()
    people: int = 0
    conversations: int = 0
    waiting_statuses: int = 0


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was not kept: which (`kind`), about which message, and what was found."""

    kind: str
    number: int
    found: str

    def __str__(self) -> str:
        return f"{self.kind} PT{self.number:09d}: {self.found}"


@dataclass(slots=True)
class Verdict:
    """What the comparison says."""

    messages: int = 0
    calls: int = 0
    taken: int = 0
    violations: list[Violation] = field(default_factory=list)


def check(sent: Sequence[Sent], calls: Sequence[Call], kept: Kept, people: int = 0) -> Verdict:
    """Compare the three logs.

    Parameters:
        sent: everything sent in the time looked at, in any order.
        calls: the stand-in's log of that time, in order of arrival.
        kept: what the database has of that time.
        people: how many have ever written (0: not compared).
    """
    verdict = Verdict(len(sent), len(calls), sum(call.taken for call in calls))
    known = {entry.number: entry for entry in sent}
    parts = (
        _incoming(known, kept),
        _answers(known, kept),
        _calls(known, calls),
        _order(known, calls, kept),
        _agreement(calls, kept),
        _statuses(calls, kept),
        _rows(known, kept, people),
    )
    verdict.violations = sorted((found for part in parts for found in part), key=lambda v: (v.number, v.kind))
    return verdict


def _incoming(known: dict[int, Sent], kept: Kept) -> Iterator[Violation]:
    events: dict[int, list[str]] = defaultdict(list)
    for number, state in kept.events:
        events[number].append(state)
    messages = Counter(number for number, _ in kept.messages)
    writers = dict(kept.messages)
    for number, entry in known.items():
        if not entry.acked:
            yield Violation("never_acknowledged", number, "no copy of the webhook was answered with 200")
        if not events[number]:
            yield Violation("lost", number, "acknowledged, but no event is stored")
        elif events[number] != ["done"]:
            yield Violation("not_handled", number, f"its events: {', '.join(events[number])}")
        if messages[number] != 1:
            yield Violation("handled_twice" if messages[number] else "lost", number, f"{messages[number]} messages")
        elif writers[number] != entry.person:
            yield Violation("wrong_person", number, "filed under somebody else")
        if entry.media and entry.media not in kept.files:
            yield Violation("file_lost", number, "the file that came with it is not there, or not whole")
    for number in {*events, *messages} - set(known):
        if events[number] or messages[number]:
            yield Violation("never_sent", number, "stored, but nobody sent it")


def _answers(known: dict[int, Sent], kept: Kept) -> Iterator[Violation]:
    answers = Counter(answer.number for answer in kept.answers)
    for number in known:
        if answers[number] != 1:
            yield Violation("answered_twice" if answers[number] else "unanswered", number, f"{answers[number]} answers")
    for answer in kept.answers:
        if answer.number not in known:
            yield Violation("answered_again", answer.number, "an answer to what was not asked in this time")
        elif answer.person != known[answer.number].person:
            yield Violation("wrong_person", answer.number, "the answer is for somebody else")
        if answer.state != "sent":
            yield Violation("not_sent", answer.number, f"the outbox says {answer.state}")


def _calls(known: dict[int, Sent], calls: Sequence[Call]) -> Iterator[Violation]:
    taken = Counter(call.number for call in calls if call.taken)
    for number in known:
        if taken[number] == 0:
            yield Violation("lost", number, "the platform never got the answer")
        elif taken[number] > 1:
            yield Violation("sent_twice", number, f"the platform got the answer {taken[number]} times")
    for call in calls:
        if call.number not in known:
            if call.taken:
                yield Violation("sent_again", call.number, "the platform got an answer to what was not asked")
        elif call.person != known[call.number].person:
            yield Violation("wrong_person", call.number, "the platform was told to send it to somebody else")


def _order(known: dict[int, Sent], calls: Sequence[Call], kept: Kept) -> Iterator[Violation]:
    """What was acknowledged before the next was sent must be answered before the next; and the outbox' order holds."""
    sequences = {answer.number: answer.sequence for answer in kept.answers}
    by_person: dict[str, list[Sent]] = defaultdict(list)
    seen: set[int] = set()
    for call in calls:
        if call.taken and call.number in known and call.number not in seen:
            seen.add(call.number)
            by_person[call.person].append(known[call.number])
    for answered in by_person.values():
        newest = last = None
        for entry in answered:
            if newest is not None and entry.acked and entry.acked < newest.posted:
                yield Violation("disorder", entry.number, f"answered after PT{newest.number:09d}, which came later")
            if last is not None and sequences.get(entry.number, 0) < sequences.get(last.number, 0):
                yield Violation("disorder", entry.number, f"left after PT{last.number:09d}, which was behind it")
            newest = entry if newest is None or entry.posted > newest.posted else newest
            last = entry


def _agreement(calls: Sequence[Call], kept: Kept) -> Iterator[Violation]:
    """The message is known by the id that the platform gave it, and *sent* is said of nothing that never was."""
    taken = {call.wamid: call.number for call in calls if call.taken}
    for answer in kept.answers:
        if answer.state == "sent" and taken.get(answer.wamid) != answer.number:
            yield Violation("disagreement", answer.number, "the id on it is none that the platform gave it")


def _statuses(calls: Sequence[Call], kept: Kept) -> Iterator[Violation]:
    told = {call.wamid: call.told for call in calls if call.taken and call.told}
    for answer in kept.answers:
        wanted = told.get(answer.wamid)
        if wanted and RANKS.get(answer.status, 0) != RANKS[wanted]:
            yield Violation("status_lost", answer.number, f"it was {wanted}, the message says {answer.status}")


def _rows(known: dict[int, Sent], kept: Kept, people: int) -> Iterator[Violation]:
    if people and (kept.people, kept.conversations) != (people, people):
        found = f"{people} people wrote: {kept.people} contacts, {kept.conversations} conversations"
        yield Violation("people", min(known, default=0), found)
    if kept.waiting_statuses:
        yield Violation("status_lost", min(known, default=0), f"{kept.waiting_statuses} statuses found no message")


def summary(violations: Iterable[Violation]) -> str:
    """How many of each kind."""
    counts = Counter(violation.kind for violation in violations)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "none"
