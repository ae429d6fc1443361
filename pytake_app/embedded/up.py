"""`./pytake up`: the whole product on one machine and one port."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from pytake_app import __version__
from pytake_app.config import Settings, get_settings
from pytake_app.embedded.accounts import NoUnprivilegedAccount
from pytake_app.embedded.console import Console
from pytake_app.embedded.environment import ROOT, development_secret, reflex_environment
from pytake_app.embedded.lock import AlreadyRunning, InstanceLock
from pytake_app.embedded.postgres import EmbeddedPostgres, PostgresError
from pytake_app.embedded.process import ChildFailed, ChildSpec
from pytake_app.embedded.redis import EmbeddedRedis, RedisError
from pytake_app.embedded.supervisor import Managed, StopRequested, Supervisor

WEB_READY_TIMEOUT = 90.0
MIGRATION_TIMEOUT = 600.0


class UpError(RuntimeError):
    """`up` cannot go on; the message is a sentence for the person at the terminal."""


@dataclass(frozen=True)
class UpOptions:
    """What the command line gave; ``None`` leaves a value to the settings."""

    host: str | None = None
    port: int | None = None
    data_dir: Path | None = None


def web_command(settings: Settings) -> list[str]:
    """The web server's command line."""
    return [
        sys.executable, "-m", "granian", "--interface", "asgi", "--host", settings.host, "--port", str(settings.port),
        "--workers", str(settings.web_workers), "--loop", "uvloop", "--ws", "--no-access-log",
        "--respawn-failed-workers", "--workers-kill-timeout", "3",
        # Counts connections, idle ones too: at the default (1,024) so many open tabs, or one bored visitor's
        # silent sockets, keep everybody else out.
        "--backpressure", "8192",
        # Headers that dribble in or don't end.
        "--http1-header-read-timeout", "10000", "--http1-buffer-size", "65536", "--http2-max-headers-size", "65536",
        "pytake_app.pytake_app:asgi",
    ]  # fmt: skip


def prepare_front_end(settings: Settings, progress: Callable[[str], None]) -> None:
    """Choose the build to serve; make it when the present sources have none (a container image brings its own).

    Raises:
        pytake_app.ui.build.BuildError: it could not be built.
    """
    from pytake_app.ui.build import announce, built_frontend, ensure_built

    build = built_frontend()
    if build is None:
        ensure_built(settings, progress)
    else:
        announce(build)


def address_of(settings: Settings) -> str:
    """The address a browser on this machine opens."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104  # only compared
    return f"http://{host}:{settings.port}"


def require_free_port(host: str, port: int) -> None:
    """Check that the port can be listened on.

    Raises:
        UpError: it is in use, or may not be used by this account.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise UpError(f"This account may not listen on port {port}; choose one above 1023 with --port.") from error
        except OSError as error:
            raise UpError(
                f"Port {port} on {host} is in use by another program or not available ({error.strerror}). "
                f"Choose another: ./pytake up --port {port + 1 if port < 65535 else 8080}"
            ) from error


class Up:
    """One run of the product."""

    def __init__(self, options: UpOptions, console: Console | None = None) -> None:
        self._options = options
        self._console = console or Console()
        self._supervisor = Supervisor(self._console)
        self._postgres: EmbeddedPostgres | None = None
        self._redis: EmbeddedRedis | None = None

    def run(self) -> int:
        """Start everything, keep it running, stop it at SIGTERM or Ctrl-C. Returns the exit status."""
        console = self._console
        with self._supervisor.signals():
            lock: InstanceLock | None = None
            status = 0
            try:
                settings = self._prepare()
                lock = InstanceLock(settings.data_dir, address_of(settings)).acquire()
                self._start(settings)
                self._supervisor.watch()
            except StopRequested:
                console.line()
                console.step("stopping")
            except (AlreadyRunning, UpError) as error:
                console.error(str(error))
                status = 1
            except (PostgresError, RedisError, ChildFailed, NoUnprivilegedAccount, OSError) as error:
                console.error(f"PyTake could not start: {error}")
                status = 1
            finally:
                self._supervisor.stop()
                _kill_descendants()
                if lock is not None:
                    lock.release()
                    console.step("stopped")
        return status

    # -- before anything runs ---------------------------------------------------------------------------------------

    def _prepare(self) -> Settings:
        """Settle the settings, make the data directory, put what was chosen into the environment."""
        options = self._options
        if options.host:
            os.environ["HOST"] = options.host
        if options.port:
            os.environ["PORT"] = str(options.port)
        if options.data_dir:
            os.environ["PYTAKE_DATA_DIR"] = str(options.data_dir)
        get_settings.cache_clear()
        settings = get_settings()
        data_dir = settings.data_dir if settings.data_dir.is_absolute() else ROOT / settings.data_dir
        _make_data_dir(data_dir)
        os.environ["PYTAKE_DATA_DIR"] = str(data_dir.resolve())
        if not settings.secret_key.get_secret_value():
            os.environ["SECRET_KEY"] = development_secret(data_dir)
        get_settings.cache_clear()
        return get_settings()

    # -- the start --------------------------------------------------------------------------------------------------

    def _start(self, settings: Settings) -> None:
        console = self._console
        console.line(f"PyTake {__version__}")
        require_free_port(settings.host, settings.port)
        console.step(f"data directory {settings.data_dir}")
        settings = self._start_services(settings)
        front_end = _Background(lambda: self._build_front_end(settings))
        self._migrate(settings)
        front_end.result()
        self._start_application(settings)
        console.line()
        console.line(f"  PyTake is running at {address_of(settings)}")
        console.line()
        console.line("  1. Open the address and make an account.")
        console.line("  2. Draw a flow, or take the one that is there, and publish it.")
        console.line(f"  3. Talk to it on the sandbox phone: {address_of(settings)}/sandbox")
        console.line()
        console.line(f"  Logs: {settings.data_dir / 'logs'}    Stop: Ctrl-C")
        console.line()

    def _start_services(self, settings: Settings) -> Settings:
        console, logs = self._console, settings.data_dir / "logs"
        if not settings.database_url:
            self._postgres = postgres = EmbeddedPostgres(settings.data_dir, logs, on_line=console.child)
            if not (postgres.cluster / "PG_VERSION").exists():
                console.step("making the database (first start)")
            postgres.prepare()
            os.environ["DATABASE_URL"] = postgres.url
            postgres.await_predecessor()
            postgres.child = self._supervisor.add(
                Managed(postgres.spec(), logs / "postgres.log", service=True, before_restart=postgres.await_predecessor)
            ).child
        if not settings.redis_url:
            self._redis = redis = EmbeddedRedis(settings.data_dir, logs, on_line=console.child)
            redis.prepare()
            os.environ["REDIS_URL"] = redis.url
            redis.child = self._supervisor.add(Managed(redis.spec(), logs / "redis.log", service=True)).child
        if self._postgres:
            self._postgres.wait_ready()
            console.step("PostgreSQL is ready")
        if self._redis:
            self._redis.wait_ready()
            console.step("Redis is ready")
        get_settings.cache_clear()
        return get_settings()

    def _migrate(self, settings: Settings) -> None:
        # A process of its own: the supervisor stays small, and a stop request can end it.
        log = settings.data_dir / "logs" / "migrate.log"
        result = subprocess.run(
            [sys.executable, "-m", "pytake_app", "migrate"],
            cwd=ROOT,
            env=os.environ,
            capture_output=True,
            text=True,
            timeout=MIGRATION_TIMEOUT,
            check=False,
        )
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(result.stdout + result.stderr)
        if result.returncode != 0:
            raise UpError(f"The database migrations failed (log: {log}):\n{(result.stderr or result.stdout)[-1500:]}")
        self._console.step("database schema is up to date")

    def _build_front_end(self, settings: Settings) -> None:
        try:
            prepare_front_end(settings, self._console.step)
        except Exception as error:
            log = settings.data_dir / "logs" / "front-end.log"
            log.write_text(f"{error}\n")
            end = "\n".join(str(error).strip().splitlines()[-12:])
            raise UpError(f"The front end could not be built (log: {log}):\n{end}") from error
        self._console.step("front end is built")

    def _start_application(self, settings: Settings) -> None:
        logs = settings.data_dir / "logs"
        # Every process adds to the same figures; those of the last run are gone with its processes.
        metrics = settings.data_dir / "metrics"
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir()
        base = {**os.environ, "PYTHONUNBUFFERED": "1", "PROMETHEUS_MULTIPROC_DIR": str(metrics)}

        def managed(name: str, argv: list[str], extra: dict[str, str] | None = None) -> Managed:
            spec = ChildSpec(name=name, argv=argv, env={**base, **(extra or {})}, cwd=ROOT)
            return self._supervisor.add(Managed(spec, logs / f"{name}.log"))

        web = managed("web", web_command(settings), reflex_environment(building=False))
        roles = [*(("worker", number) for number in range(1, settings.workers + 1)), ("outbox", 0), ("scheduler", 0)]
        for role, number in roles:
            managed(f"{role}-{number}" if number else role, [sys.executable, "-m", "pytake_app", role])
        self._supervisor.wait_for(lambda: _answers(f"{address_of(settings)}/ready"), web, WEB_READY_TIMEOUT)
        self._console.step(f"web, {settings.workers} workers, outbox and scheduler are running")


class _Background:
    """A function on a thread, whose error surfaces where its result is asked for."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._function()
        except BaseException as error:  # noqa: BLE001  # handed over to the thread that asks for the result
            self._error = error

    def result(self) -> None:
        while self._thread.is_alive():
            self._thread.join(0.1)  # in short pieces, so that a stop request is heard
        if self._error is not None:
            raise self._error


def _make_data_dir(path: Path) -> None:
    try:
        if not path.exists():
            path.mkdir(parents=True)
            # Passable, not listable: PostgreSQL's own account must get through; what is inside protects itself.
            path.chmod(0o711)
        (path / "logs").mkdir(exist_ok=True)
        (path / "logs").chmod(0o700)
    except OSError as error:
        raise UpError(f"The data directory {path} cannot be made or written: {error.strerror}") from error


def _kill_descendants() -> None:
    """End what is not supervised, such as a front-end build or a migration that a stop request interrupted."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.kill()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  # our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError, TimeoutError):
        return False
