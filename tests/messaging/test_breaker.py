"""The circuit breaker by itself, on a clock of the test's own."""

from pytake_app.messaging.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Breaker


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _opened(clock: Hand) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        breaker.failed()
    return breaker


def test_it_stays_closed_while_some_calls_succeed() -> None:
    breaker = Breaker(Hand())
    for _ in range(5):
        for _ in range(FAILURES - 1):
            assert not breaker.failed()
        breaker.succeeded()
    assert breaker.state == "closed"
    assert breaker.room(50) == 50


def test_it_opens_after_failures_on_end_and_lets_one_probe_through_after_the_pause() -> None:
    clock = Hand()
    breaker = _opened(clock)
    assert breaker.state == "open"
    assert breaker.room(50) == 0
    clock.now += LONGEST_PAUSE
    assert breaker.room(50) == 1
    assert breaker.state == "probing"
    assert breaker.room(50) == 0


def test_a_good_probe_closes_it_and_a_bad_one_opens_it_again() -> None:
    clock = Hand()
    breaker = _opened(clock)
    clock.now += LONGEST_PAUSE
    breaker.room(1)
    assert breaker.failed()
    assert breaker.state == "open"
    assert breaker.pause >= FIRST_PAUSE / 2
    clock.now += LONGEST_PAUSE * 2
    breaker.room(1)
    assert breaker.succeeded()
    assert breaker.room(9) == 9


def test_calls_that_were_under_way_when_it_opened_do_not_lengthen_the_pause() -> None:
    breaker = _opened(Hand())
    until = breaker.until
    assert not any(breaker.failed() for _ in range(200))
    assert breaker.until == until


def test_a_probe_that_was_not_made_leaves_room_for_another() -> None:
    clock = Hand()
    breaker = _opened(clock)
    clock.now += LONGEST_PAUSE
    assert breaker.room(3) == 1
    breaker.unsettled()
    assert breaker.room(3) == 1
