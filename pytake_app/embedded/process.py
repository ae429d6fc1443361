"""Child processes: started so that they die with their parent, logged to a capped file, stopped within a deadline."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

LOG_CAP_BYTES = 10 * 1024 * 1024
_PR_SET_PDEATHSIG = 1
_IMPORTANT = re.compile(
    rb"\b(ERROR|CRITICAL|FATAL|PANIC)\b|\"level\": ?\"(error|critical)\"|\[(error|critical)\s*\]|^Traceback|^\w+Error:"
    rb"|^MAIL to "  # mails of an installation without a mail server (outgoing/mail.py)
)

# Resolved before any fork: loading a library between fork and exec is not safe.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None

LineSink = Callable[[str, str], None]


class ChildFailed(RuntimeError):
    """A child process ended, or did not become ready, although it was needed."""


@dataclass(frozen=True)
class Identity:
    """The unprivileged account a child runs as when the parent is root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class ChildSpec:
    """How to start and stop one child.

    ``stop_signal`` is the polite request; ``death_signal`` is what the kernel sends when the supervisor itself dies
    (Linux only). ``grace`` is in seconds, after which the child is killed.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    identity: Identity | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM
    grace: float = 6.0
    echo: bool = True


def with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """What a new process is to run first (`preexec_fn`), so that it ends with the thread that started it (Linux)."""
    parent = os.getpid()

    def prepare() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(127)

    return prepare


class CappedLog:
    """A log file that keeps at most two files of ``cap`` bytes: the current one and its predecessor (``.1``)."""

    def __init__(self, path: Path, cap: int = LOG_CAP_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._cap = path, cap
        self._file: IO[bytes] = path.open("ab", buffering=0)
        self._size = self._file.tell()

    def write(self, line: bytes) -> None:
        if self._size + len(line) > self._cap and self._size:
            self._file.close()
            self._path.replace(self._path.with_suffix(self._path.suffix + ".1"))
            self._file = self._path.open("ab", buffering=0)
            self._size = 0
        self._file.write(line)
        self._size += len(line)

    def close(self) -> None:
        self._file.close()


class Child:
    """One running child process with its log.

    Must be started from a thread that lives as long as the child should: the kernel's parent-death signal follows the
    *thread* that forked (prctl(2), PR_SET_PDEATHSIG).
    """

    def __init__(self, spec: ChildSpec, log_path: Path, on_line: LineSink | None = None) -> None:
        self.spec = spec
        self.log_path = log_path
        self.tail: deque[str] = deque(maxlen=30)
        self._on_line = on_line
        self._process: subprocess.Popen[bytes] | None = None
        self._pump: threading.Thread | None = None
        self.started_at = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def returncode(self) -> int | None:
        return self._process.poll() if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process.

        Raises:
            ChildFailed: the program could not be executed.
        """
        spec = self.spec
        identity = spec.identity
        try:
            self._process = subprocess.Popen(
                list(spec.argv),
                env=dict(spec.env) or None,
                cwd=spec.cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a terminal's Ctrl-C reaches the supervisor only, which stops in order
                user=identity.uid if identity else None,
                group=identity.gid if identity else None,
                extra_groups=[] if identity else None,
                preexec_fn=with_parent(spec.death_signal),  # after the change of user, which would clear it
            )
        except OSError as error:
            raise ChildFailed(f"{spec.name} could not be started: {error}") from error
        self.started_at = time.monotonic()
        self._pump = threading.Thread(target=self._copy_output, name=f"log-{spec.name}", daemon=True)
        self._pump.start()

    def _copy_output(self) -> None:
        process = self._process
        if process is None or process.stdout is None:
            return
        log = CappedLog(self.log_path)
        try:
            for line in iter(process.stdout.readline, b""):
                log.write(line)
                text = line.decode("utf-8", "replace").rstrip()
                self.tail.append(text)
                if self._on_line and self.spec.echo and _IMPORTANT.search(line):
                    self._on_line(self.spec.name, text)
        finally:
            log.close()
            process.stdout.close()

    def request_stop(self, sig: signal.Signals | None = None) -> None:
        """Send the stop signal without waiting; does nothing when the process has ended."""
        if self.running and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(sig or self.spec.stop_signal)

    def wait(self, seconds: float) -> bool:
        """Wait up to ``seconds`` for the end; true when it has ended."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(seconds, 0.01))
        except subprocess.TimeoutExpired:
            return False
        if self._pump:
            self._pump.join(0.5)
        return True

    def kill(self) -> None:
        """Kill the child and what it started in its session."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.wait(2)

    def stop(self, grace: float | None = None) -> None:
        """Ask the process to end; kill it after ``grace`` seconds (default: the spec's)."""
        self.request_stop()
        if not self.wait(self.spec.grace if grace is None else grace):
            self.kill()
        else:
            self._sweep_group()

    def _sweep_group(self) -> None:
        """Kill what outlived its leader (a worker of a web server that was killed, say)."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def explain(self) -> str:
        """The last lines of output, for an error message."""
        return "\n".join(list(self.tail)[-8:])
