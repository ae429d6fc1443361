"""Whose password is hashed next: strangers never stand before people that are known, nor guessers before newcomers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from pytake_app.accounts import turns
from pytake_app.accounts.turns import Lane
from pytake_app.core.errors import UnavailableError
from tests.api.fixtures import HOST, PASSWORD, Caller
from tests.waiting import wait_until

HOME = {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}


class Crowd:
    """People at a lane whose first one stays in its slot until `hold` is set."""

    def __init__(self, lane: Lane, pool: ThreadPoolExecutor) -> None:
        self.lane, self._pool = lane, pool
        self.hold = threading.Event()
        self.served: list[str] = []
        began = threading.Event()
        self.first = pool.submit(self._stay, began)
        assert began.wait(10)

    def _stay(self, began: threading.Event) -> None:
        with self.lane.turn("10.9.9.9"):
            began.set()
            self.hold.wait(30)

    def come(self, address: str, *, waits: int) -> Future[None]:
        """Somebody more; returns when so many wait."""

        def one() -> None:
            with self.lane.turn(address):
                self.served.append(address)

        future = self._pool.submit(one)
        wait_until(lambda: self.lane.waiting == waits)
        return future


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as made:
        yield made


def test_who_tried_least_goes_first_and_then_who_came_first(pool: ThreadPoolExecutor) -> None:
    lane = Lane(1)
    for _ in range(3):
        with lane.turn("10.0.0.1"):
            pass
    crowd = Crowd(lane, pool)
    waiting = [
        crowd.come(address, waits=n)
        for n, address in enumerate(("10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.3"), start=1)
    ]
    crowd.hold.set()
    for one in (crowd.first, *waiting):
        one.result(10)
    assert crowd.served == ["10.0.0.2", "10.0.0.3", "10.0.0.2", "10.0.0.1"]
    assert lane.waiting == 0


def test_a_full_line_takes_a_newcomer_for_a_guesser_and_nobody_for_a_newcomer(pool: ThreadPoolExecutor) -> None:
    lane = Lane(1, line=2)
    crowd = Crowd(lane, pool)
    newcomer, guesser = crowd.come("10.0.0.1", waits=1), crowd.come("10.0.0.1", waits=2)
    other = pool.submit(lambda: _serve(crowd, "10.0.0.2"))
    with pytest.raises(UnavailableError) as busy:
        guesser.result(10)
    assert (busy.value.status, busy.value.code, busy.value.retry_after) == (503, "too_busy", turns.RETRY_AFTER)
    with pytest.raises(UnavailableError), lane.turn("10.0.0.3"):  # no more tries than they, but later
        pass
    crowd.hold.set()
    for one in (newcomer, other):
        one.result(10)
    assert crowd.served == ["10.0.0.1", "10.0.0.2"]
    with lane.turn("10.0.0.3"):
        assert lane.waiting == 0


def test_while_guessers_wait_a_slot_rests_and_is_free_for_a_newcomer(pool: ThreadPoolExecutor) -> None:
    now = 1000.0
    lane = Lane(1, rests=True, clock=lambda: now)
    with lane.turn("10.0.0.1"):
        pass
    crowd = Crowd(lane, pool)
    guesser = crowd.come("10.0.0.1", waits=1)
    now += 0.6  # so long the one before took
    crowd.hold.set()
    crowd.first.result(10)
    second = crowd.come("10.0.0.1", waits=2)  # no slot for him, free as it is
    with lane.turn("10.0.0.2"):
        assert crowd.served == []
        assert lane.waiting == 2
    for one in (guesser, second):
        one.result(10)
    assert crowd.served == ["10.0.0.1"] * 2
    wait_until(lambda: lane._resting == 0)
    with lane.turn("10.0.0.3"):
        assert lane.waiting == 0


def test_newcomers_have_places_of_their_own(pool: ThreadPoolExecutor) -> None:
    lane = Lane(1, line=1, newcomers=1)
    crowd = Crowd(lane, pool)
    waiting = [crowd.come(f"10.0.0.{n}", waits=n) for n in (1, 2)]
    for address in ("10.0.0.1", "10.0.0.3"):
        with pytest.raises(UnavailableError), lane.turn(address):
            pass
    crowd.hold.set()
    for one in waiting:
        one.result(10)
    assert crowd.served == ["10.0.0.1", "10.0.0.2"]


def _serve(crowd: Crowd, address: str) -> None:
    with crowd.lane.turn(address):
        crowd.served.append(address)


def test_who_waited_too_long_leaves_and_the_slot_is_not_lost(pool: ThreadPoolExecutor) -> None:
    lane = Lane(1, patience=0.05)
    crowd = Crowd(lane, pool)
    with pytest.raises(UnavailableError), lane.turn("10.0.0.1"):
        pass
    assert lane.waiting == 0
    crowd.hold.set()
    crowd.first.result(10)
    for _ in range(2):  # an error inside gives the slot back too
        with pytest.raises(ZeroDivisionError), lane.turn("10.0.0.1"):
            raise ZeroDivisionError


def test_tries_are_forgotten_with_time_and_right_ones_do_not_count() -> None:
    now = 1000.0
    lane = Lane(1, clock=lambda: now)
    for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
        with lane.turn(address):
            pass
    lane.right("10.0.0.2")
    assert lane._tries == {"10.0.0.1": (2, now)}
    now += turns.REMEMBERED
    with lane.turn("10.0.0.1"):
        assert lane._tries == {"10.0.0.1": (1, now)}
    for address in ("2001:db8:1:2::7", "2001:db8:1:2:ffff::1"):  # one subscriber has the whole /64
        with lane.turn(address):
            pass
    assert [count for count, _ in lane._tries.values()] == [1, 2]


def test_strangers_in_every_slot_do_not_keep_a_known_device_out(
    caller: Caller, client: TestClient, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"email": caller.email, "password": PASSWORD}
    assert client.post("/auth/web/login", data=form, headers=HOME).headers["location"] == "/inbox"
    lane = Lane(1, line=0)
    for module in ("service", "passwords"):
        monkeypatch.setattr(f"pytake_app.accounts.{module}.STRANGERS", lane)
    crowd = Crowd(lane, pool)
    try:
        known = client.post("/auth/web/login", data=form, headers=HOME)
        assert (known.status_code, known.headers["location"]) == (303, "/inbox")
        answers = []
        for email in (caller.email, "nobody@example.com"):  # the refusal doesn't tell who has an account
            client.cookies.clear()
            answer = client.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
            body = answer.json()
            body.pop("request_id")
            answers.append((answer.status_code, answer.headers["retry-after"], body))
        assert answers[0] == answers[1]
        assert (answers[0][0], answers[0][1], answers[0][2]["code"]) == (503, "5", "too_busy")
        fresh = {"email": "new@example.com", "password": PASSWORD, "full_name": "Ana Souza"}
        assert client.post("/api/v1/auth/register", json=fresh).json()["code"] == "too_busy"
    finally:
        crowd.hold.set()
    crowd.first.result(10)
    assert client.post("/api/v1/auth/login", json=form).status_code == 200
