"""The product as real processes on servers of its own, with the other side of the wire; faults are done to it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from pytake_app.bench.pipeline import APP_SECRET, Product, environment_for, free_port, make_number
from pytake_app.chaos.checker import Answer, Kept, Verdict, Violation, check
from pytake_app.chaos.other_side import OtherSide, external_id
from pytake_app.config import Settings
from pytake_app.core.errors import UnavailableError
from pytake_app.core.services import Services
from pytake_app.embedded.migrate import upgrade
from pytake_app.embedded.postgres import EmbeddedPostgres
from pytake_app.embedded.redis import EmbeddedRedis

_MARK = re.compile(r"PT(\d{9})")
LEASE_SECONDS = 3
GRACE_SECONDS = 10
SEND_SECONDS = 2

_UNSETTLED = """
SELECT (SELECT count(*) FROM inbound_events WHERE state = 'pending')
     + (SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending', 'unsure'))
     + (SELECT count(*) FROM media_assets WHERE fetch_after IS NOT NULL)
"""


class Roles(Product):
    """Processes of the roles; a second webhook server gets a port of its own, and each process a clock."""

    def __init__(self, environment: dict[str, str], log_dir: Path) -> None:
        super().__init__(environment, log_dir)
        self.ports: dict[str, int] = {}
        self.clocks: dict[str, Path] = {}
        self._shift = 0.0

    def start(self, name: str) -> None:
        """Start a role: `webhook`, `worker`, `outbox` or `scheduler`, with any suffix."""
        if name.startswith("webhook"):
            self.port = self.ports.setdefault(name, free_port())
        if name not in self.clocks:
            self.clocks[name] = self.log_dir / f"clock-{name}-{len(list(self.log_dir.glob('clock-*')))}"
        _shift(self.clocks[name], self._shift)
        self.environment["CLOCK_SHIFT_FILE"] = str(self.clocks[name])
        super().start(name)

    def rename(self, old: str, new: str) -> None:
        """A running process takes the place of one that is gone."""
        self.processes[new] = self.processes.pop(old)
        self.clocks[new] = self.clocks.pop(old)
        if old in self.ports:
            self.ports[new] = self.port = self.ports.pop(old)

    def set_clock(self, seconds: float, *names: str) -> None:
        """Put clocks forward (or back), counted from the right time; of all unless named, one after the other."""
        if not names:
            self._shift = seconds
        for name in names or list(self.clocks):
            _shift(self.clocks[name], seconds)


def _shift(path: Path, seconds: float) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(str(seconds))
    fresh.replace(path)


@dataclass
class Stage:
    """Everything that plays. Make it by `stage()`. Faults last `pace` times as long as usual."""

    roles: Roles
    services: Services
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    other: OtherSide
    data_dir: Path
    names: list[str]
    pace: float = 1.0
    last_sequence: int = 0
    first_number: int = 1
    first_call: int = 0

    # -- looking ----------------------------------------------------------------------------------------------------

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """What the database holds."""
        with self.services.database.system_connection() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]

    def count(self, statement: str) -> int:
        """The number; -1 while the database is away."""
        try:
            return int(self.rows(statement)[0][0])
        except (UnavailableError, SQLAlchemyError):
            return -1

    def wait_for_answers(self, more: int, seconds: float = 40.0) -> None:
        """Until Graph got so many more answers."""
        wanted = self.other.answered + more
        self.wait(lambda: self.other.answered >= wanted, seconds, f"{more} more answers")

    @staticmethod
    def wait(condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Until `condition` holds.

        Raises:
            TimeoutError: not within `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {seconds:g} s: {what}")
            time.sleep(0.05)

    # -- harming ----------------------------------------------------------------------------------------------------

    def kill(self, name: str) -> None:
        """SIGKILL a role."""
        self.roles.kill(name)

    def freeze(self, name: str) -> None:
        """SIGSTOP a role: it does nothing, and holds what it has."""
        os.killpg(self.roles.processes[name].pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        os.killpg(self.roles.processes[name].pid, signal.SIGCONT)

    def restart(self, name: str) -> None:
        """SIGKILL a role and start it again."""
        self.kill(name)
        self.roles.start(name)

    def kill_postgres(self) -> None:
        """As when the machine's memory runs out: the server and all its processes end at once."""
        pid = int((self.postgres.cluster / "postmaster.pid").read_text().splitlines()[0])
        postmaster = psutil.Process(pid)
        # The postmaster first, else it would start what is missing again.
        doomed = [postmaster, *postmaster.children(recursive=True)]
        for process in doomed:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(doomed, 10)
        self.postgres.stop()

    def kill_redis(self) -> None:
        """SIGKILL, and its files are gone too."""
        child = self.redis.child
        assert child is not None
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
        self.redis.stop()
        home = self.data_dir / "redis"
        for path in home.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.suffix in (".rdb", ".aof"):
                path.unlink()

    @contextlib.contextmanager
    def full_disk(self, *names: str) -> Iterator[None]:
        """Inside, these roles can write no file beyond 4 KiB: the kernel refuses, as it does on a full disk."""
        found = [
            process
            for name in names
            for top in [psutil.Process(self.roles.processes[name].pid)]
            for process in (top, *top.children(recursive=True))
        ]
        for process in found:
            process.rlimit(psutil.RLIMIT_FSIZE, (4096, psutil.RLIM_INFINITY))
        try:
            yield
        finally:
            for process in found:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))

    # -- judging ----------------------------------------------------------------------------------------------------

    def settle(self, seconds: float) -> bool:
        """Wait until nothing is under way any more; whether it came to that."""
        with contextlib.suppress(TimeoutError):
            self.wait(lambda: self.other.settled and self.count(_UNSETTLED) == 0, seconds, "all settled")
            # A moment for repetitions to show.
            time.sleep(0.3)
            self.wait(lambda: self.other.settled and self.count(_UNSETTLED) == 0, seconds, "all settled")
            return True
        return False

    def verdict(self) -> Verdict:
        """Compare the three logs since the last verdict."""
        sent = self.other.sent[self.first_number - 1 :]
        calls = self.other.calls[self.first_call :]
        people = len({entry.person for entry in self.other.sent})
        found = check(sent, calls, self.kept(), people)
        self.first_number, self.first_call = len(self.other.sent) + 1, len(self.other.calls)
        self.last_sequence = max(self.last_sequence, self.count("SELECT coalesce(max(sequence), 0) FROM outbox"))
        return found

    def kept(self) -> Kept:
        """What the database has since the last verdict."""
        number = self.other.number
        bounds = {"first": external_id(number, self.first_number), "last": external_id(number, 999_999_999)}
        events = self.rows(
            "SELECT external_id, state FROM inbound_events WHERE kind = 'message' "
            "AND external_id BETWEEN :first AND :last ORDER BY id", **bounds,
        )  # fmt: skip
        messages = self.rows(
            "SELECT m.external_id, c.phone FROM messages m JOIN contacts c ON c.id = m.contact_id "
            "WHERE m.direction = 'in' AND m.external_id BETWEEN :first AND :last", **bounds,
        )  # fmt: skip
        answers = self.rows(
            "SELECT m.text, o.recipient, o.sequence, o.state, m.status, m.external_id FROM outbox o "
            "JOIN messages m ON m.id = o.message_id AND m.created_at = o.created_at WHERE o.sequence > :last",
            last=self.last_sequence,
        )
        people, conversations, waiting = self.rows(
            "SELECT (SELECT count(*) FROM contacts), (SELECT count(*) FROM conversations), "
            "(SELECT count(*) FROM pending_statuses)"
        )[0]
        return Kept(
            [(int(row[0][-9:]), row[1]) for row in events],
            [(int(row[0][-9:]), str(row[1])) for row in messages],
            [Answer(_number(row[0]), row[1], row[2], row[3], row[4], row[5] or "") for row in answers],
            self._files() if any(entry.media for entry in self.other.sent[self.first_number - 1 :]) else frozenset(),
            people,
            conversations,
            waiting,
        )

    def _files(self) -> frozenset[str]:
        found = self.rows("SELECT sha256, path FROM media_assets WHERE path <> ''")
        return frozenset(digest for digest, path in found if _digest(self.data_dir / path) == digest)

    def keep_evidence(self, folder: Path, violations: Sequence[Violation]) -> None:
        """Write what was found, both outer logs, the database's rows and the processes' logs into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, entries in (("sender", self.other.sent), ("graph", self.other.calls)):
            with (folder / f"{name}.jsonl").open("wb") as target:
                target.writelines(orjson.dumps(entry) + b"\n" for entry in entries)
        for table, order in (("inbound_events", "id"), ("outbox", "sequence"), ("messages", "id"), ("timers", "id")):
            with (folder / f"{table}.jsonl").open("wb") as target:
                found = self.rows(f"SELECT to_jsonb(t) FROM {table} t ORDER BY {order}")  # noqa: S608
                target.writelines(orjson.dumps(row[0]) + b"\n" for row in found)
        for log in [*self.data_dir.glob("*.log"), *(self.data_dir / "logs").glob("*.log")]:
            shutil.copy(log, folder / log.name)
        (folder / "violations.txt").write_text("".join(f"{violation}\n" for violation in violations))


def _number(said: str) -> int:
    mark = _MARK.search(said)
    return int(mark.group(1)) if mark else 0


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


@contextlib.contextmanager
def stage(
    *, rate: float = 60.0, people: int = 40, seed: int = 0, durable: bool = True, pace: float = 1.0
) -> Iterator[Stage]:
    """One of each role and two workers, on throw-away servers; leases and graces are short.

    Parameters:
        rate: messages a second.
        people: who write.
        seed: of the other side's picks.
        pace: how long faults last, compared with usual.
        durable: false spares the disk's syncs; PostgreSQL survives SIGKILL all the same.
    """
    with ExitStack() as stack:
        data_dir = Path(tempfile.mkdtemp(prefix="pytake-chaos-"))
        data_dir.chmod(0o711)  # under root, PostgreSQL's own account must get through
        stack.callback(shutil.rmtree, data_dir, ignore_errors=True)
        postgres = EmbeddedPostgres(data_dir, durable=durable)
        postgres.start()
        stack.callback(postgres.stop)
        redis = EmbeddedRedis(data_dir)
        redis.start()
        stack.callback(redis.stop)
        upgrade(postgres.url)
        environment = environment_for(postgres.url, redis.url, data_dir, workers=2) | {
            "ENVIRONMENT": "test",
            "OUTBOX_LEASE_SECONDS": str(LEASE_SECONDS),
            "OUTBOX_UNSURE_GRACE_SECONDS": str(GRACE_SECONDS),
            "SEND_TIMEOUT_SECONDS": str(SEND_SECONDS),
        }
        secret_key = environment["SECRET_KEY"]
        services = Services(Settings(database_url=postgres.url, redis_url=redis.url, secret_key=secret_key))  # type: ignore[arg-type]
        stack.callback(services.close)
        graph_port = free_port()
        number = make_number(services, f"http://127.0.0.1:{graph_port}")
        with services.database.system_connection() as connection:
            # Few people write a lot: the pair rate would be what is waited for.
            statement = (
                "UPDATE channel_accounts SET settings = settings || CAST(:own AS jsonb) WHERE external_id = :number"
            )
            connection.execute(text(statement), {"own": '{"pair_interval": 0}', "number": number})
        roles = Roles(environment, data_dir)
        stack.callback(roles.stop)
        roles.start_all(workers=2)
        other = OtherSide(APP_SECRET, number, graph_port, [roles.port], people, rate, seed)
        stack.enter_context(other.running())
        yield Stage(roles, services, postgres, redis, other, data_dir, list(roles.processes), pace)
