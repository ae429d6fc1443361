"""How long a connection waits, by a clock that the test moves."""

import socket
from collections.abc import Callable, Iterator
from math import inf
from typing import Any

import httpx
import pytest

from pytake_app.channels.lean.connection import Connection, Origin
from tests.support.other_side import answer


class Future:
    """As much of one as a connection needs."""

    def __init__(self) -> None:
        self.is_done = False

    def done(self) -> bool:
        return self.is_done

    def set_result(self, _: None) -> None:
        self.is_done = True


class Timer:
    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at = at
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """A loop whose time stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def create_future(self) -> Future:
        return Future()

    def call_at(self, at: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(at, call))
        return self.timers[-1]

    def to(self, at: float) -> None:
        """Move to ``at``, calling whatever is due on the way."""
        while due := [timer for timer in self.timers if timer.at <= at and not timer.cancelled]:
            timer = min(due, key=lambda one: one.at)
            self.timers.remove(timer)
            self.now = max(self.now, timer.at)
            timer.call()
        self.now = at


class Transport:
    def __init__(self, inside: socket.socket) -> None:
        self.inside = inside
        self.written: list[bytes] = []
        self.aborted = False
        self.unsent = 0

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def get_extra_info(self, _: str) -> socket.socket:
        return self.inside


class Stage:
    """A connection between a loop and a transport that are none."""

    def __init__(self, inside: socket.socket) -> None:
        self.loop: Any = Loop()
        self.transport: Any = Transport(inside)
        self.lost: list[Connection] = []
        self.connection = Connection(self.loop, Origin(False, "h", 80), 1000, self.lost.append)
        self.connection.connection_made(self.transport)

    def ask(self, *, read: float = 30, write: float = 30, deadline: float = inf) -> Any:
        return self.connection.ask(b"request", read=read, write=write, deadline=deadline)


@pytest.fixture
def stage() -> Iterator[Stage]:
    inside, outside = socket.socketpair()
    with inside, outside:
        yield Stage(inside)


def test_each_byte_gives_new_time(stage: Stage) -> None:
    asked = stage.ask()
    wire = answer(b"{}")
    for n, byte in enumerate(wire):
        stage.loop.to(1000 + 29 * n)
        assert not asked.done()
        stage.connection.data_received(bytes([byte]))
    assert asked.done()
    assert stage.connection.answer().body == b"{}"


def test_silence_ends_the_wait(stage: Stage) -> None:
    asked = stage.ask()
    stage.connection.data_received(b"HTTP/1.1 ")
    stage.loop.to(1029.9)
    assert not asked.done()
    stage.loop.to(1030.1)
    assert asked.done()
    with pytest.raises(httpx.ReadTimeout):
        stage.connection.answer()
    assert not stage.connection.usable()


def test_the_whole_has_its_time_in_spite_of_progress(stage: Stage) -> None:
    asked = stage.ask(deadline=1040)
    for n in range(8):
        stage.loop.to(1000 + 5 * n)
        stage.connection.data_received(b"HTTP/1.1 200 OK\r\nX: y\r\n"[n : n + 1])
    stage.loop.to(1039.9)
    assert not asked.done()
    stage.loop.to(1040.1)
    with pytest.raises(httpx.ReadTimeout):
        stage.connection.answer()


def test_what_came_as_time_ran_out_is_looked_for_once_more(stage: Stage) -> None:
    """A loop that was held up calls its timers before it reads its sockets."""
    asked = stage.ask()
    stage.loop.to(1030)
    assert not asked.done()
    stage.connection.data_received(answer(b"late"))
    stage.loop.to(1100)
    assert stage.connection.answer().body == b"late"
    assert stage.connection.usable()


def test_writing_has_its_own_time_and_reading_begins_after_it(stage: Stage) -> None:
    asked = stage.ask(read=10, write=60)
    stage.connection.pause_writing()
    stage.loop.to(1050)
    assert not asked.done()
    stage.connection.resume_writing()
    stage.loop.to(1059.9)
    assert not asked.done()
    stage.loop.to(1060.1)
    with pytest.raises(httpx.ReadTimeout):
        stage.connection.answer()


def test_who_does_not_take_the_request_in_time_is_given_up(stage: Stage) -> None:
    asked = stage.ask(read=90, write=60)
    stage.connection.pause_writing()
    stage.loop.to(1100)
    assert asked.done()
    with pytest.raises(httpx.WriteTimeout):
        stage.connection.answer()


def test_a_break_while_writing_is_one_of_writing(stage: Stage) -> None:
    stage.ask()
    stage.connection.pause_writing()
    stage.connection.connection_lost(ConnectionResetError())
    with pytest.raises(httpx.WriteError) as caught:
        stage.connection.answer()
    assert isinstance(caught.value.__cause__, ConnectionResetError)
    assert stage.lost == [stage.connection]


def test_one_timer_serves_request_after_request(stage: Stage) -> None:
    for n in range(100):
        stage.loop.to(1000 + n / 10)
        stage.ask()
        stage.connection.data_received(answer())
    assert len(stage.loop.timers) == 1
    # A shorter time than the one it was set for counts.
    asked = stage.ask(read=1)
    stage.loop.to(1011.1)
    assert asked.done()
    with pytest.raises(httpx.ReadTimeout):
        stage.connection.answer()
    stage.connection.connection_lost(None)
    assert [timer for timer in stage.loop.timers if not timer.cancelled] == []


def test_without_bounds_there_is_no_timer(stage: Stage) -> None:
    stage.ask(read=inf, write=inf)
    assert stage.loop.timers == []


def test_an_answer_to_half_a_request_spoils_the_connection(stage: Stage) -> None:
    stage.ask()
    stage.transport.unsent = 5
    stage.connection.data_received(answer())
    assert stage.connection.answer().status == 200
    assert not stage.connection.usable()


def test_a_connection_is_fresh_within_its_time_and_while_nothing_lies_unread(stage: Stage) -> None:
    stage.ask()
    stage.connection.data_received(answer())
    assert stage.connection.fresh(1029, 30)
    assert not stage.connection.fresh(1030, 30)
    stage.connection.eof_received()
    assert not stage.connection.fresh(1001, 30)
