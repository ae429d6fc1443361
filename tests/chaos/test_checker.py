"""The checker of the kill tests finds what it is there to find: each planted fault, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from pytake_app.chaos.checker import Answer, Call, Kept, Sent, check, summary

ANA, RUI = "5511980000001", "5511980000002"


@dataclass
class Story:
    """Ana wrote 1, 2 and 3, Rui 4; each was acknowledged before the next was sent, all were answered and read."""

    sent: list[Sent] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    events: list[tuple[int, str]] = field(default_factory=list)
    messages: list[tuple[int, str]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    files: frozenset[str] = frozenset({"digest"})
    contacts: int = 2
    conversations: int = 2
    waiting: int = 0

    def __post_init__(self) -> None:
        for number, person in ((1, ANA), (2, ANA), (3, ANA), (4, RUI)):
            self.sent.append(Sent(number, person, posted=float(number), acked=number + 0.5))
            self.calls.append(Call(number + 0.7, number, person, "taken", True, f"w{number}", "read"))
            self.events.append((number, "done"))
            self.messages.append((number, person))
            self.answers.append(Answer(number, person, 10 + number, "sent", "read", f"w{number}"))
        self.sent[3].media = "digest"

    def found(self) -> str:
        kept = Kept(
            self.events, self.messages, self.answers, self.files, self.contacts, self.conversations, self.waiting
        )
        return summary(check(self.sent, self.calls, kept, people=2).violations)


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert Story().found() == "none"


def _lose_the_event(story: Story) -> None:
    del story.events[1], story.messages[1], story.answers[1], story.calls[1]


def _lose_the_answer(story: Story) -> None:
    del story.calls[2]


def _repeat_the_call(story: Story) -> None:
    story.calls.append(replace(story.calls[0], at=9.0, wamid="w9", told=""))


def _handle_twice(story: Story) -> None:
    story.messages.append((2, ANA))
    story.answers.append(Answer(2, ANA, 20, "sent", "read", "w2"))


def _swap_calls(story: Story) -> None:
    story.calls[0], story.calls[1] = story.calls[1], story.calls[0]


def _swap_in_the_outbox_only(story: Story) -> None:
    """They were sent at once, so either may come first; but they left otherwise than they stood in the outbox."""
    story.sent[0].acked = story.sent[1].acked = 5.0
    story.sent[2].posted, story.sent[2].acked = 6.0, 7.0
    story.calls[0], story.calls[1] = story.calls[1], story.calls[0]


def _answer_somebody_else(story: Story) -> None:
    story.calls[3].person = ANA


def _refuse_only(story: Story) -> None:
    story.calls[3].taken = False


def _leave_pending(story: Story) -> None:
    story.events[0] = (1, "pending")


def _leave_queued(story: Story) -> None:
    story.answers[0] = replace(story.answers[0], state="dead")


def _forget_the_status(story: Story) -> None:
    story.answers[1] = replace(story.answers[1], status="sent")


def _know_another_id(story: Story) -> None:
    story.answers[1] = replace(story.answers[1], wamid="w4")


def _lose_the_file(story: Story) -> None:
    story.files = frozenset()


def _split_a_person(story: Story) -> None:
    story.contacts = 3


def _never_acknowledge(story: Story) -> None:
    story.sent[2].acked = 0.0


def _answer_from_before(story: Story) -> None:
    story.calls.append(Call(9.0, 99, ANA, "taken", True, "w99"))


def _statuses_without_messages(story: Story) -> None:
    story.waiting = 2


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (_lose_the_event, "3 lost, 1 unanswered"),
        (_lose_the_answer, "1 disagreement, 1 lost"),
        (_refuse_only, "1 disagreement, 1 lost"),
        (_repeat_the_call, "1 sent_twice"),
        (_handle_twice, "1 answered_twice, 1 disorder, 1 handled_twice"),
        (_swap_calls, "2 disorder"),
        (_swap_in_the_outbox_only, "1 disorder"),
        (_answer_somebody_else, "1 wrong_person"),
        (_leave_pending, "1 not_handled"),
        (_leave_queued, "1 not_sent"),
        (_forget_the_status, "1 status_lost"),
        (_know_another_id, "1 disagreement"),
        (_lose_the_file, "1 file_lost"),
        (_split_a_person, "1 people"),
        (_never_acknowledge, "1 never_acknowledged"),
        (_answer_from_before, "1 sent_again"),
        (_statuses_without_messages, "1 status_lost"),
    ],
)
def test_what_was_planted_is_found(plant: Callable[[Story], None], found: str) -> None:
    story = Story()
    plant(story)
    assert story.found() == found


def test_messages_sent_at_once_may_be_answered_in_either_order() -> None:
    story = Story()
    story.sent[0].acked = story.sent[1].acked = 2.9
    story.calls[0], story.calls[1] = story.calls[1], story.calls[0]
    story.answers[0], story.answers[1] = (
        replace(story.answers[0], sequence=12),
        replace(story.answers[1], sequence=11),
    )
    assert story.found() == "none"
