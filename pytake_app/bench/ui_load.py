"""`./pytake bench ui-load`: how fast webhooks are acknowledged while interface sessions keep the same web process busy.

The web server and the roles are started as `up` starts them, on a throw-away data directory. Three phases: webhooks
alone, webhooks beside the tabs, and the same with the tabs watching the organization that the messages are for (every
message then pokes every tab, and tabs read their list again). One JSON line a phase.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from pytake_app.accounts.tokens import hash_token, new_token
from pytake_app.api.deps import COOKIE
from pytake_app.bench.pipeline import (
    APP_SECRET,
    LoadProcess,
    Product,
    environment_for,
    free_port,
    machine,
    make_number,
    servers,
)
from pytake_app.bench.pipeline_load import Phase
from pytake_app.config import Settings
from pytake_app.core.ids import new_id
from pytake_app.core.services import Services
from pytake_app.embedded.environment import reflex_environment
from pytake_app.embedded.up import prepare_front_end

_ORGANIZATION = text("SELECT organization_id FROM users WHERE email = :email")
# Copies of the first one's rows under other ids.
COLLEAGUE = text(
    "INSERT INTO users SELECT (jsonb_populate_record(u, CAST(:changes AS jsonb))).* FROM users u WHERE email = :of"
)
_SIGN_IN = text(
    "INSERT INTO auth_sessions SELECT (jsonb_populate_record(s, CAST(:changes AS jsonb))).* "
    "FROM auth_sessions s JOIN users u ON u.id = s.user_id WHERE u.email = :of LIMIT 1"
)


class Tabs:
    """The interface sessions as a process of their own."""

    def __init__(self, url: str, cookies: list[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pytake_app.bench.ui_sessions"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin is not None
        plan = {"url": url, "cookies": cookies}
        self._process.stdin.write(orjson.dumps(plan) + b"\n")
        self._process.stdin.flush()
        self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the tabs could not be opened")
        result: dict[str, Any] = orjson.loads(line)
        return result

    def close(self) -> dict[str, Any]:
        """Close them; what they saw."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        result = self._line()
        self._process.wait(10)
        return result


def people(services: Services, url: str, count: int, name: str = "bench") -> tuple[UUID, list[str]]:
    """An organization with `count` people who are signed in; answers its id and their cookies.

    Parameters:
        name: begins their e-mail addresses; another one for each organization of a run.

    One is registered as everybody is. The others are made of that row: registering is limited, and the limits on
    requests count for each person.
    """
    email = f"{name}@example.com"
    form = {"email": email, "password": "Bench-7391-load", "full_name": "Bench", "organization_name": "Bench"}
    request = urllib.request.Request(  # noqa: S310  # this machine's own address
        f"{url}/auth/web/register", urllib.parse.urlencode(form).encode(), {"Origin": url}
    )
    urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(request, timeout=20).read()
    cookies: list[str] = []
    with services.database.auth() as session:
        connection = session.connection()
        organization = connection.execute(_ORGANIZATION, {"email": email}).scalar_one()
        for n in range(count):
            token, user = new_token(), new_id()
            colleague = {"id": user, "email": f"{name}-{n}@example.com"}
            sign_in = {"id": new_id(), "user_id": user, "token_hash": hash_token(token)}
            for statement, changes in ((COLLEAGUE, colleague), (_SIGN_IN, sign_in)):
                connection.execute(statement, {"changes": orjson.dumps(changes).decode(), "of": email})
            cookies.append(f"{COOKIE}={token}")
    return UUID(str(organization)), cookies


def run(argv: Sequence[str]) -> int:
    """Measure; one JSON line a phase."""
    parser = argparse.ArgumentParser(prog="./pytake bench ui-load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each phase")
    parser.add_argument("--rate", type=float, default=50.0, help="webhooks a second")
    parser.add_argument("--tabs", type=int, default=50)
    parser.add_argument("--web-workers", type=int, default=1)
    parser.add_argument("--only", default="", help="comma-separated phases: alone, beside, watching")
    options = parser.parse_args(list(argv))
    data_dir = Path(tempfile.mkdtemp(prefix="pytake-bench-"))
    data_dir.chmod(0o711)
    try:
        with servers(data_dir) as (database_url, redis_url):
            environment = environment_for(database_url, redis_url, data_dir, 2) | {
                "WEB_WORKERS": str(options.web_workers),
                "PORT": str(free_port()),
                # The only sign-up is this program's own.
                "ENVIRONMENT": "test",
            }
            _measure(options, environment, data_dir)
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)
    return 0


def _measure(options: argparse.Namespace, environment: dict[str, str], data_dir: Path) -> None:
    settings = Settings(
        database_url=environment["DATABASE_URL"],
        redis_url=environment["REDIS_URL"],
        secret_key=environment["SECRET_KEY"],
        port=int(environment["PORT"]),
        web_workers=options.web_workers,
    )
    prepare_front_end(settings, lambda _line: None)
    announced = {name: value for name, value in os.environ.items() if name.startswith("PYTAKE_FRONTEND")}
    product = Product(
        environment | announced | reflex_environment(building=False), data_dir, settings.port, web=settings
    )
    services = Services(settings)
    url = f"http://127.0.0.1:{settings.port}"
    try:
        product.start_all(2)
        _wait(f"{url}/ready")
        organization, cookies = people(services, url, options.tabs)
        names = options.only.split(",") if options.only else ["alone", "beside", "watching"]
        ports = {name: free_port() for name in names}
        # Before the first webhook: the server remembers for half a minute which numbers there are.
        numbers = {
            name: make_number(
                services, f"http://127.0.0.1:{port}", organization=organization if name == "watching" else None
            )
            for name, port in ports.items()
        }
        for name in names:
            tabs = None if name == "alone" else Tabs(url, cookies)
            figures = _phase(name, options, product, numbers[name], ports[name])
            seen = {"ui": tabs.close()} if tabs is not None else {}
            line = {"bench": "ui-load", **figures, **seen, "web_workers": options.web_workers, "machine": machine()}
            print(orjson.dumps(line).decode(), flush=True)
    finally:
        product.stop()
        services.close()


def _phase(name: str, options: argparse.Namespace, product: Product, number: str, graph_port: int) -> dict[str, Any]:
    phases = [
        Phase("warm_up", 2, rate=20, contacts=500),
        Phase(name, options.seconds, rate=options.rate, contacts=500, drain_seconds=20),
    ]
    load = LoadProcess(
        {
            "host": "127.0.0.1", "port": product.port, "path": "/api/v1/webhook/whatsapp", "secret": APP_SECRET,
            "number": number, "graph_port": graph_port, "phases": [asdict(phase) for phase in phases],
            "connections": 16,
        }
    )  # fmt: skip
    try:
        load.go()
        load.read()
        before, began = product.cpu_seconds(), time.monotonic()
        figures = load.read()
        after, seconds = product.cpu_seconds(), time.monotonic() - began
        figures["cpu_percent"] = {
            role: round((after[role] - before.get(role, 0.0)) / seconds * 100, 1) for role in after
        }
        return figures
    finally:
        load.stop()


def _wait(url: str, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
            if answer.status == 200:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} does not answer")
        time.sleep(0.1)
