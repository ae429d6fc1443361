"""Keeps child processes running: restarts what died, with backoff, and stops everything in order within a deadline."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from pytake_app.embedded.console import Console
from pytake_app.embedded.process import Child, ChildFailed, ChildSpec

FIRST_BACKOFF = 0.5
LONGEST_BACKOFF = 30.0
STABLE_AFTER = 60.0
# Together below the ten seconds that `up` promises: the application first, then what it depends on.
APPLICATION_GRACE = 5.0
SERVICES_GRACE = 3.5


class StopRequested(BaseException):
    """SIGTERM or Ctrl-C arrived. Not an Exception: nothing that handles errors may swallow it."""


@dataclass
class Managed:
    """A child that is kept running.

    ``before_restart`` prepares its files again; ``service`` marks what the application depends on (stopped last).
    """

    spec: ChildSpec
    log_path: Path
    service: bool = False
    before_restart: Callable[[], None] | None = None
    child: Child | None = None
    failures: int = 0
    restart_at: float | None = None

    @property
    def name(self) -> str:
        return self.spec.name


class Supervisor:
    """Starts children, watches them and stops them. Use from the main thread only: it owns the signal handlers."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._managed: list[Managed] = []
        self._busy = False
        self._stop_pending = False
        self._stopping = False

    # -- signals ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Turn SIGTERM, SIGINT and SIGHUP into ``StopRequested`` in the main thread."""
        names = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {name: signal.signal(name, self._on_signal) for name in names}
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            return
        if self._busy:
            self._stop_pending = True
            return
        raise StopRequested

    @contextlib.contextmanager
    def _uninterrupted(self) -> Iterator[None]:
        """A signal waits until the block ends: between fork and bookkeeping a child would be lost."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
        if self._stop_pending:
            self._stop_pending = False
            raise StopRequested

    # -- running ----------------------------------------------------------------------------------------------------

    def add(self, managed: Managed) -> Managed:
        """Start a child and keep it running from now on.

        Raises:
            ChildFailed: the program could not be executed.
        """
        with self._uninterrupted():
            self._managed.append(managed)
            self._spawn(managed)
        return managed

    def adopt(self, managed: Managed) -> Managed:
        """Keep running a child that was started elsewhere."""
        self._managed.append(managed)
        return managed

    def _spawn(self, managed: Managed) -> None:
        managed.restart_at = None
        managed.child = Child(managed.spec, managed.log_path, self._console.child)
        managed.child.start()

    def check(self) -> None:
        """One round: note what has died, restart what is due."""
        now = self._clock()
        for managed in self._managed:
            child = managed.child
            if child is not None and child.running:
                if managed.failures and now - child.started_at > STABLE_AFTER:
                    managed.failures = 0
                continue
            if managed.restart_at is None:
                self._schedule(managed, now)
            elif now >= managed.restart_at:
                self._restart(managed, now)

    def _schedule(self, managed: Managed, now: float) -> None:
        child = managed.child
        if child is not None:
            child.kill()  # what it started may have outlived it and hold its port or socket
        delay = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(managed.failures, 10))
        managed.failures += 1
        managed.restart_at = now + delay
        how = describe_end(child.returncode if child else None)
        self._console.step(f"{managed.name} {how}; starting it again in {delay:g} s (log: {managed.log_path})")

    def _restart(self, managed: Managed, now: float) -> None:
        try:
            with self._uninterrupted():
                if managed.before_restart:
                    managed.before_restart()
                self._spawn(managed)
        except (ChildFailed, OSError, RuntimeError) as error:
            self._console.error(f"{managed.name}: {error}")
            managed.child = None
            self._schedule(managed, now)

    def watch(self, interval: float = 0.2) -> None:
        """Keep everything running until a signal arrives (``StopRequested``)."""
        while True:
            self.check()
            time.sleep(interval)

    def wait_for(self, ready: Callable[[], bool], needed: Managed, timeout: float, attempts: int = 3) -> None:
        """Watch the children until ``ready`` is true.

        Raises:
            ChildFailed: ``needed`` died ``attempts`` times, or ``timeout`` seconds passed.
        """
        deadline = self._clock() + timeout
        while not ready():
            self.check()
            last = needed.child.explain() if needed.child else ""
            if needed.failures >= attempts:
                raise ChildFailed(f"{needed.name} does not stay up (log: {needed.log_path}):\n{last}")
            if self._clock() > deadline:
                raise ChildFailed(f"{needed.name} was not ready in {timeout:.0f} s (log: {needed.log_path}):\n{last}")
            time.sleep(0.05)

    # -- the end ----------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop the application's processes, then the services; each group is killed after its grace."""
        self._stopping = True
        self._console.quiet_children = True
        application = [managed.child for managed in self._managed if not managed.service and managed.child]
        services = [managed.child for managed in self._managed if managed.service and managed.child]
        _stop_all(application, APPLICATION_GRACE)
        _stop_all(services, SERVICES_GRACE)


def _stop_all(children: list[Child], grace: float) -> None:
    for child in children:
        child.request_stop()
    deadline = time.monotonic() + grace
    late = [child for child in children if not child.wait(deadline - time.monotonic())]
    for child in late:
        # PostgreSQL's immediate shutdown, recovered from its log at the next start; fatal to everything else too.
        child.request_stop(signal.SIGQUIT)
    for child in late:
        child.wait(0.5)
    for child in children:
        child.kill()


def describe_end(returncode: int | None) -> str:
    """How a process ended, in words."""
    if returncode is None:
        return "could not be started"
    if returncode < 0:
        try:
            return f"was ended by {signal.Signals(-returncode).name}"
        except ValueError:
            return f"was ended by signal {-returncode}"
    return f"ended with status {returncode}"
