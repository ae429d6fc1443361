"""The supervisor as a real process: restarts, order and deadline of the end, death with its parent."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pytake_app.embedded.console import Console
from pytake_app.embedded.process import CappedLog, Child, ChildFailed, ChildSpec
from pytake_app.embedded.supervisor import Managed, Supervisor, describe_end
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


class Supervised:
    """A running supervisor and its children."""

    def __init__(self, folder: Path, *kinds: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.embedded.supervised", str(folder), *kinds],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def pid(self, kind: str) -> int:
        """Process id of a child, once it has said so."""

        def read() -> int:
            try:
                return int((self.folder / f"{kind}.pid").read_text() or 0)
            except FileNotFoundError:
                return 0

        return wait_until(read, timeout=15, message=f"{kind} has started")

    def output(self) -> str:
        """All that was printed, once the process has ended."""
        return self.process.communicate(timeout=15)[0]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[object]:
    started: list[Supervised] = []

    def start(*kinds: str) -> Supervised:
        started.append(Supervised(tmp_path, *kinds))
        return started[-1]

    yield start
    for supervised in started:
        supervised.process.kill()
        supervised.process.communicate()


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_killed_child_is_started_again(run) -> None:
    supervised = run("calm")
    first = supervised.pid("calm")
    psutil.Process(first).kill()
    second = wait_until(lambda: (pid := supervised.pid("calm")) != first and pid, timeout=15)
    assert psutil.pid_exists(second)
    supervised.process.send_signal(signal.SIGTERM)
    assert "calm was ended by SIGKILL; starting it again in 0.5 s" in supervised.output()


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_everything(run, sig: signal.Signals) -> None:
    supervised = run("service", "calm")
    pids = [supervised.pid("service"), supervised.pid("calm")]
    started = time.monotonic()
    supervised.process.send_signal(sig)
    assert supervised.process.wait(10) == 0
    assert time.monotonic() - started < 3
    assert all(_gone(pid) for pid in pids)


def test_stubborn_child_is_killed_within_ten_seconds(run) -> None:
    supervised = run("service", "stubborn")
    pid = supervised.pid("stubborn")
    started = time.monotonic()
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.process.wait(11) == 0
    assert time.monotonic() - started < 10
    assert _gone(pid)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's parent-death signal is Linux's")
def test_children_die_with_a_killed_supervisor(run) -> None:
    supervised = run("service", "calm")
    pids = [supervised.pid("service"), supervised.pid("calm")]
    supervised.process.kill()
    wait_until(lambda: all(_gone(pid) for pid in pids), timeout=10, message="no orphan is left")


def test_backoff_doubles_and_is_capped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    supervisor = Supervisor(Console(), clock=lambda: now[0])
    spec = ChildSpec(name="failing", argv=[sys.executable, "-c", "import sys; sys.exit(3)"])
    managed = supervisor.add(Managed(spec, tmp_path / "failing.log"))
    delays = []
    for _ in range(9):
        assert managed.child is not None
        managed.child.wait(10)
        supervisor.check()
        assert managed.restart_at is not None
        delays.append(managed.restart_at - now[0])
        now[0] = managed.restart_at
        supervisor.check()
    supervisor.stop()
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert "ended with status 3" in capsys.readouterr().out


def test_wait_for_gives_up_on_a_child_that_never_stays_up(tmp_path: Path) -> None:
    supervisor = Supervisor(Console())
    spec = ChildSpec(name="failing", argv=[sys.executable, "-c", "import sys; print('ERROR no port'); sys.exit(3)"])
    managed = supervisor.add(Managed(spec, tmp_path / "failing.log"))
    with pytest.raises(ChildFailed, match="failing does not stay up") as caught:
        supervisor.wait_for(lambda: False, managed, timeout=30, attempts=2)
    supervisor.stop()
    assert "ERROR no port" in str(caught.value)


def test_missing_program_is_a_clear_error(tmp_path: Path) -> None:
    child = Child(ChildSpec(name="ghost", argv=[str(tmp_path / "none")]), tmp_path / "ghost.log")
    with pytest.raises(ChildFailed, match="ghost could not be started"):
        child.start()


def test_only_important_lines_reach_the_console(tmp_path: Path) -> None:
    code = 'print(\'all is well\'); print(\'2026 ERROR it broke\'); print(\'{"level": "error", "event": "x"}\')'
    seen: list[str] = []
    child = Child(
        ChildSpec(name="talker", argv=[sys.executable, "-c", code]),
        tmp_path / "talker.log",
        lambda _name, line: seen.append(line),
    )
    child.start()
    assert child.wait(10)
    wait_until(lambda: len(seen) == 2)
    assert seen[0].endswith("ERROR it broke")
    assert (tmp_path / "talker.log").read_text().startswith("all is well\n")


def test_log_is_capped(tmp_path: Path) -> None:
    log = CappedLog(tmp_path / "a.log", cap=100)
    for number in range(50):
        log.write(f"line {number:03}\n".encode())
    log.close()
    assert (tmp_path / "a.log").stat().st_size <= 100
    assert (tmp_path / "a.log.1").stat().st_size <= 100
    assert (tmp_path / "a.log").read_text().endswith("line 049\n")
    assert len(list(tmp_path.iterdir())) == 2


def test_ends_in_words() -> None:
    assert describe_end(None) == "could not be started"
    assert describe_end(-9) == "was ended by SIGKILL"
    assert describe_end(1) == "ended with status 1"
