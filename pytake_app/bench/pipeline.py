"""`./pytake bench pipeline`: signed webhooks through the running roles to a loopback Graph API.

It starts real processes of the product on a throw-away data directory (or on DATABASE_URL and REDIS_URL): the webhook's
server, the workers, the outbox and the scheduler. Load generator and Graph stand-in are one more process, on the same
machine. One JSON line a phase.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid4

import orjson
import psutil
import psycopg
from sqlalchemy import make_url, text

from pytake_app.bench import pipeline_scenarios as scenarios
from pytake_app.bench.pipeline_costs import SERVER_SETTINGS, Snapshot
from pytake_app.bench.pipeline_load import Phase
from pytake_app.bench.pipeline_scenarios import Scenario, World, memory_of, watched
from pytake_app.config import Settings
from pytake_app.core.db import Database
from pytake_app.core.ids import new_id
from pytake_app.core.services import Services
from pytake_app.embedded.migrate import upgrade
from pytake_app.embedded.postgres import SUPERUSER, EmbeddedPostgres
from pytake_app.embedded.process import with_parent
from pytake_app.embedded.redis import EmbeddedRedis
from pytake_app.embedded.up import web_command
from pytake_app.messaging.sql import hot
from pytake_app.whatsapp.runtime import write_credentials

APP_SECRET = "bench-app-secret"  # noqa: S105  # of the throw-away account
_START_SECONDS = 60.0

_ORGANIZATION = """
INSERT INTO organizations (id, name, slug, plan, status, time_zone, locale, currency, settings, created_at)
VALUES (:id, 'Bench', :slug, 'free', 'active', 'America/Sao_Paulo', 'pt_BR', 'BRL', '{}', now())
"""
_ACCOUNT = """
INSERT INTO channel_accounts (id, organization_id, channel, name, external_id, business_account_id, phone, credentials,
                              settings, sandbox, status, status_detail, created_at, updated_at)
VALUES (:id, :organization, 'whatsapp', 'Bench', :number, '1', '551140000000', :cipher, :own, false, 'active', '',
        now(), now())
"""
_FLOW = """
INSERT INTO flows (id, organization_id, name, slug, status, draft_revision, draft_document, draft_updated_at,
                   draft_changes, live_version, triggers, created_at, updated_at)
VALUES (:id, :organization, 'Bench', 'bench', 'active', 1, :document, now(), 0, 1, '[]', now(), now())
"""
_VERSION = """
INSERT INTO flow_versions (id, organization_id, flow_id, version, document, checksum, note, published_at)
VALUES (:id, :organization, :flow, 1, :document, '-', '', now())
"""

# Any text goes through the switch to buttons; a text while they wait (none of the options) leaves through `other` and
# comes to the switch again: every message is a resume or a start, a switch, an interactive message and a timer.
FLOW: dict[str, Any] = {
    "spec_version": "1.0",
    "name": "Benchmark",
    "settings": {"expiry_minutes": 60},
    "nodes": [
        {"id": "in", "type": "trigger_universal", "config": {}},
        {
            "id": "route",
            "type": "switch",
            "config": {
                "value": "{{ message.text | slice: 0, 4 }}",
                "cases": [{"id": word, "value": word[:4]} for word in ("menu", "price", "agent")],
            },
        },
        *(
            {
                "id": name,
                "type": "msg_buttons",
                "config": {
                    "body": name + ": {{ message.text }}",
                    "buttons": [{"id": "yes", "title": "Sim"}, {"id": "no", "title": "Não"}],
                },
            }
            for name in ("menu", "price", "agent", "rest")
        ),
    ],
    "edges": [
        {"id": "e0", "source": "in", "port": "next", "target": "route"},
        {"id": "e1", "source": "route", "port": "case:menu", "target": "menu"},
        {"id": "e2", "source": "route", "port": "case:price", "target": "price"},
        {"id": "e3", "source": "route", "port": "case:agent", "target": "agent"},
        {"id": "e4", "source": "route", "port": "default", "target": "rest"},
        *(
            {"id": f"o-{name}", "source": name, "port": "other", "target": "route"}
            for name in ("menu", "price", "agent", "rest")
        ),
    ],
}  # fmt: skip


@dataclass
class Product:
    """The roles as processes, on one database and one Redis. Used by the kill tests too.

    Parameters:
        web: with these settings the whole web server runs, as `up` starts it; else the webhook alone.
    """

    environment: dict[str, str]
    log_dir: Path
    port: int = 0
    web: Settings | None = None
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start a role: `webhook`, `worker-<n>`, `outbox` or `scheduler` (with any suffix)."""
        role = name.partition("-")[0]
        if role == "webhook":
            self.port = self.port or free_port()
            command = web_command(self.web) if self.web is not None else [
                sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(self.port),
                "--workers", "1", "--loop", "uvloop", "--no-access-log", "--workers-kill-timeout", "3",
                "pytake_app.api.ingest_asgi:app",
            ]  # fmt: skip
        else:
            command = [sys.executable, "-m", "pytake_app", role]
        log: IO[bytes] = (self.log_dir / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            command, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=with_parent(signal.SIGTERM),  # noqa: PLW1509
        )  # fmt: skip
        log.close()

    def start_all(self, workers: int = 2) -> None:
        """Start one of each role and `workers` workers; returns when webhooks are answered."""
        for name in ("webhook", *(f"worker-{n}" for n in range(1, workers + 1)), "outbox", "scheduler"):
            self.start(name)
        self.wait_for_webhook()

    def wait_for_webhook(self) -> None:
        """Until the webhook's server takes connections."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if time.monotonic() > deadline:
                raise TimeoutError("the webhook's server did not start; see " + str(self.log_dir))
            time.sleep(0.05)

    def kill(self, name: str) -> None:
        """SIGKILL a role's whole process group."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time used so far by each role."""
        used: dict[str, float] = {}
        for name, process in self.processes.items():
            with contextlib.suppress(psutil.Error):
                top = psutil.Process(process.pid)
                used[name] = sum(_cpu(p) for p in (top, *top.children(recursive=True)))
        # The embedded servers are children of this process.
        for server in ("postgres", "redis"):
            found = [p for p in psutil.Process().children(recursive=True) if _is(p, server)]
            if found:
                used[server] = sum(_cpu(p) for p in found)
        return used

    def memory_bytes(self) -> dict[str, int]:
        """Memory of each role and of the embedded servers."""
        used = {name: memory_of([psutil.Process(process.pid)]) for name, process in self.processes.items()}
        children = psutil.Process().children()
        for server in ("postgres", "redis"):
            used[server] = memory_of([p for p in children if _is(p, server)])
        return {name: size for name, size in used.items() if size}

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after ten seconds."""
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        for name in list(self.processes):
            process = self.processes[name]
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            self.kill(name)


def _is(process: psutil.Process, name: str) -> bool:
    with contextlib.suppress(psutil.Error):
        return name in process.name()
    return False


def _cpu(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        # Its own and that of children that have ended.
        return float(sum(process.cpu_times()[:4]))
    return 0.0


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def servers(data_dir: Path, settings: Mapping[str, str] | None = None) -> Iterator[tuple[str, str]]:
    """URLs of PostgreSQL (migrated) and Redis: those of the environment, or embedded ones below `data_dir`.

    Parameters:
        settings: of the embedded PostgreSQL, beside its own.
    """
    with contextlib.ExitStack() as stack:
        database_url, redis_url = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
        if not database_url:
            postgres = EmbeddedPostgres(data_dir, settings=settings)
            postgres.start()
            stack.callback(postgres.stop)
            database_url = postgres.url
        if not redis_url:
            redis = EmbeddedRedis(data_dir)
            redis.start()
            stack.callback(redis.stop)
            redis_url = redis.url
        upgrade(database_url)
        yield database_url, redis_url


def environment_for(database_url: str, redis_url: str, data_dir: Path, workers: int) -> dict[str, str]:
    """The environment of the product's processes."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PYTAKE_DATA_DIR": str(data_dir),
        "SECRET_KEY": "bench-" + "0123456789abcdef" * 3,
        "WORKERS": str(workers),
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
    }


def make_number(
    services: Services, graph_url: str, flow: dict[str, Any] = FLOW, *, organization: UUID | None = None
) -> str:
    """A number that sends to `graph_url` and a live flow, in an organization of its own unless one is given.

    Returns:
        the number's platform id.
    """
    makes_organization = organization is None
    organization = organization or new_id()
    account, flow_id, number = new_id(), new_id(), str(uuid4().int)[:15]
    cipher = write_credentials(services.secrets, {"access_token": "bench", "app_secret": APP_SECRET})
    document = orjson.dumps(flow).decode()
    settings = orjson.dumps({"api_base_url": graph_url, "messages_per_second": 100_000, "mark_read": False}).decode()
    statements: list[tuple[str, dict[str, Any]]] = [
        (_ORGANIZATION, {"id": organization, "slug": number}),
        (_ACCOUNT, {"id": account, "organization": organization, "number": number, "cipher": cipher, "own": settings}),
        (_FLOW, {"id": flow_id, "organization": organization, "document": document}),
        (_VERSION, {"id": new_id(), "organization": organization, "flow": flow_id, "document": document}),
    ]
    # Before every other flow that the organization may have.
    statements.append(
        ("UPDATE channel_accounts SET default_flow_id = :flow WHERE id = :id", {"flow": flow_id, "id": account})
    )
    _as_tenant(services.database, organization, statements if makes_organization else statements[1:])
    return number


def _as_tenant(database: Database, organization: UUID, statements: list[tuple[str, dict[str, Any]]]) -> None:
    with database.tenant(organization) as session:
        for statement, values in statements:
            session.connection().execute(text(statement), values)


class LoadProcess:
    """The load generator and Graph stand-in as a process of its own."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pytake_app.bench.pipeline_load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._write(orjson.dumps(plan))
        self.graph_port = int(self.read()["graph_port"])

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()

    def go(self) -> None:
        """Everything is set up: send."""
        self._write(b"go")

    def read(self) -> dict[str, Any]:
        """The next line it prints."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load generator ended early")
        result: dict[str, Any] = orjson.loads(line)
        return result

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cpus": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
    }


def run(argv: Sequence[str]) -> int:
    """Measure; one JSON line a phase."""
    parser = argparse.ArgumentParser(prog="./pytake bench pipeline", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each phase")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--in-flight", type=int, default=200, help="of the sustained phase")
    parser.add_argument("--contacts", type=int, default=2000)
    parser.add_argument("--graph-delay", type=float, default=0.0, help="seconds until Graph answers")
    parser.add_argument("--statuses", default="", help="comma-separated statuses that Graph sends back")
    parser.add_argument("--count", type=int, default=10_000, help="messages of the phase fixed")
    parser.add_argument("--backlog", type=int, default=100_000, help="messages of the phase backlog")
    parser.add_argument("--timers", type=int, default=100_000, help="timers of the phase timers")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the phase memory")
    parser.add_argument("--history", type=int, default=0, help="messages to have before phases are measured again")
    parser.add_argument("--costs", action="store_true", help="statements, rows and log volume a message")
    parser.add_argument(
        "--only", default="", help="comma-separated phases: rate50, rate100, sustained (these three if none is named), "
        "graph100, ack300, latency100, rate1000, backlog, timers, memory, fixed",
    )  # fmt: skip
    options = parser.parse_args(list(argv))
    plan = _plan(options)
    data_dir = Path(tempfile.mkdtemp(prefix="pytake-bench-"))
    data_dir.chmod(0o711)
    try:
        with servers(data_dir, SERVER_SETTINGS if options.costs else None) as (database_url, redis_url):
            _measure(options, plan, environment_for(database_url, redis_url, data_dir, options.workers), data_dir)
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)
    return 0


def _plan(options: argparse.Namespace) -> list[Scenario]:
    seconds, contacts, delay = options.seconds, options.contacts, options.graph_delay

    def rate(name: str, each_second: float) -> Scenario:
        return Scenario(Phase(name, seconds, rate=each_second, contacts=contacts, graph_delay=delay))

    def closed(name: str, in_flight: int, graph_delay: float) -> Scenario:
        return Scenario(
            Phase(name, seconds, in_flight=in_flight, contacts=contacts, graph_delay=graph_delay, warm_up=2.0)
        )

    known: dict[str, Callable[[], Scenario]] = {
        "rate50": lambda: rate("rate50", 50),
        "rate100": lambda: rate("rate100", 100),
        "latency100": lambda: rate("latency100", 100),
        "ack300": lambda: rate("ack300", 300),
        "rate1000": lambda: rate("rate1000", 1000),
        "sustained": lambda: closed("sustained", options.in_flight, delay),
        "graph100": lambda: closed("graph100", max(400, options.in_flight), 0.1),
        "fixed": lambda: Scenario(Phase("fixed", 600, in_flight=options.in_flight, count=options.count,
                                        contacts=contacts, graph_delay=delay)),
        "backlog": lambda: scenarios.backlog(options.backlog, contacts),
        "timers": lambda: scenarios.timers(options.timers, contacts),
        "memory": lambda: scenarios.memory(options.minutes, 200, contacts),
    }  # fmt: skip
    names = [name for name in options.only.split(",") if name and name != "warm_up"]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"no such phase: {', '.join(unknown)}")
    if not names and not options.history:
        names = ["rate50", "rate100", "sustained"]
    # Everybody has written once, as on any day but the first.
    plan = [Scenario(Phase("warm_up", 120, in_flight=100, count=contacts, contacts=contacts))]
    plan += [known[name]() for name in names]
    if options.history:
        plan += scenarios.history(options.history, seconds, options.in_flight, contacts)
    return plan


def _superuser_url(services: Services) -> str:
    url = make_url(services.settings.sqlalchemy_url).set(drivername="postgresql", username=SUPERUSER)
    return url.render_as_string(hide_password=False)


def _snapshot(services: Services, options: argparse.Namespace) -> Snapshot | None:
    if not options.costs:
        return None
    with psycopg.connect(_superuser_url(services), autocommit=True) as connection:
        return Snapshot.take(connection)


def _world(services: Services, product: Product, number: str) -> World:
    with hot(services.database) as connection:
        row = connection.execute(
            "SELECT organization_id, id, default_flow_id FROM channel_accounts WHERE external_id = %s", (number,)
        ).fetchone()
    assert row is not None
    organization, account, flow = row
    return World(services, product, _superuser_url(services), organization, account, flow, number)


def _measure(options: argparse.Namespace, plan: list[Scenario], environment: dict[str, str], data_dir: Path) -> None:
    product = Product(environment, data_dir, free_port())
    settings = Settings(
        database_url=environment["DATABASE_URL"],
        redis_url=environment["REDIS_URL"],
        secret_key=environment["SECRET_KEY"],
        workers=options.workers,
    )
    services = Services(settings)
    graph_port = free_port()
    number = make_number(services, f"http://127.0.0.1:{graph_port}")
    world = _world(services, product, number)
    load = LoadProcess(
        {
            "host": "127.0.0.1", "port": product.port, "path": "/api/v1/webhook/whatsapp", "secret": APP_SECRET,
            "number": number, "graph_port": graph_port, "phases": [asdict(scenario.phase) for scenario in plan],
            "statuses": [word for word in options.statuses.split(",") if word],
        }
    )  # fmt: skip
    measured: dict[str, dict[str, Any]] = {}
    try:
        product.start_all(options.workers)
        load.go()
        for scenario in plan:
            if scenario.before is not None:
                scenario.before(world)
            before, counted = product.cpu_seconds(), _snapshot(services, options)
            if scenario.phase.hold:
                load.go()
            if scenario.released is not None:
                scenario.released(world)
            with watched(world, scenario):
                figures = load.read()
            world.next_number = int(figures.pop("first")) + int(figures["sent"])
            figures |= scenario.figures
            if figures["phase"] == "warm_up":
                # What autovacuum does within its first minute.
                with hot(services.database) as connection:
                    connection.execute("RESET ROLE")
                    connection.execute("ANALYZE")
            after = product.cpu_seconds()
            done = max(1, int(figures["completed"]))
            figures["cpu_ms_per_message"] = {
                name: round((after[name] - before.get(name, 0.0)) * 1000 / done, 3) for name in after
            }
            if counted is not None and (later := _snapshot(services, options)) is not None:
                figures["costs"] = later.since(counted, done)
            if (wanted := scenarios.mark(figures["phase"], figures)) is not None:
                figures["mark"] = wanted
            if (earlier := measured.get(scenario.compared_with)) is not None:
                figures["change_percent"] = {
                    name: round((figures[name] / earlier[name] - 1) * 100, 1)
                    for name in ("per_second", "ms_p50", "ms_p95", "ack_ms_p95") if earlier[name]
                }  # fmt: skip
            measured[figures["phase"]] = figures
            print(orjson.dumps({"bench": "pipeline", **figures, "machine": machine()}).decode(), flush=True)
    finally:
        load.stop()
        product.stop()
        services.close()
