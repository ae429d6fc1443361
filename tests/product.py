"""The whole product as a child process, started as `./pytake up` does. For end-to-end, chaos and bench tests."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[1]
# The first build of the front end is part of the first start.
START_TIMEOUT = 240.0


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Product:
    """A running PyTake.

    Parameters:
        data_dir: its data directory (passable for PostgreSQL's account: mode 0711).
        variables: additional environment, e.g. ``WHATSAPP_API_BASE_URL``.
    """

    data_dir: Path
    variables: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[Any] | None" = None

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def console(self) -> str:
        """What it has printed so far."""
        path = self.data_dir / "console.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, timeout: float = START_TIMEOUT) -> "Product":
        """Start it and wait until `/ready` answers 200."""
        # Everybody comes from one address here.
        many = {"REGISTRATIONS_PER_HOUR": "1000", "RATE_LIMITS": '{"auth": "5000 per minute"}'}
        environment = {**os.environ, "ENVIRONMENT": "test", **many, **self.variables}
        for name in ("DATABASE_URL", "REDIS_URL", "PYTAKE_DATA_DIR"):
            if name not in self.variables:
                environment.pop(name, None)
        with (self.data_dir / "console.log").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pytake_app", "up", "--port", str(self.port), "--data-dir", str(self.data_dir)],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(self._up, timeout=timeout, interval=0.1, message=f"{self.url}/ready answers")
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{self.console}\n{self.logs()}") from None
        except BaseException:  # pytest-timeout's, Ctrl-C: nobody else would stop it
            self.stop()
            raise
        return self

    def _up(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise AssertionError("`up` has ended")
        return self.ready() and "PyTake is running at" in self.console

    def ready(self) -> bool:
        """True when `/ready` answers 200 now."""
        try:
            with urllib.request.urlopen(f"{self.url}/ready", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def logs(self, lines: int = 25) -> str:
        """The last lines of each child's log."""
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
            for path in sorted((self.data_dir / "logs").glob("*.log"))
        )

    def pids(self) -> list[int]:
        """Process ids of everything below `up`."""
        if self.process is None:
            return []
        return [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]

    def role(self, name: str) -> list[psutil.Process]:
        """The children that run a role (`worker`, `outbox`, `scheduler`, `granian`, `postgres`, `redis-server`)."""
        if self.process is None:
            return []
        return [child for child in psutil.Process(self.process.pid).children() if _runs(child, name)]

    def stop(self, timeout: float = 15.0) -> int:
        """SIGTERM and wait; returns the exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process = None


def _runs(process: psutil.Process, role: str) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:  # it has ended; a zombie has no command line
        return False
    return command[-1:] == [role] or any(part.split("/")[-1] == role for part in command[:3])
