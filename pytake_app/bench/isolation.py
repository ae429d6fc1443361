"""`./pytake bench isolation`: what row-level security costs the lists. One JSON line.

Twenty organizations share 200,000 conversations. The statements that each list sends are taken down once, then asked
again in turns by the application's role, which the policies bind, and by a superuser, whom none binds: medians, and
their ratio. The issue allows 1.10.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg
from sqlalchemy import event, make_url, text
from sqlmodel import Session

from pytake_app.accounts import audit
from pytake_app.accounts.audit import AuditFilter
from pytake_app.bench.inbox_fill import fill
from pytake_app.bench.isolation_fill import fill_rest
from pytake_app.bench.pipeline import machine, servers
from pytake_app.config import Settings
from pytake_app.contacts import service as contacts
from pytake_app.conversations import service as conversations
from pytake_app.conversations.schemas import ConversationFilter
from pytake_app.core.ids import new_id
from pytake_app.core.services import Services
from pytake_app.core.tenancy import DEFAULTS, Principal, Role
from pytake_app.embedded.postgres import SUPERUSER
from pytake_app.flows import service as flows
from pytake_app.messaging import desk
from pytake_app.queues import operations

Statement = tuple[str, Any]
_SETTINGS = ("SET jit = off", "SET TIME ZONE 'UTC'")
_NAMED = "SELECT set_config('app.organization_id', %s, false)"


def run(argv: Sequence[str]) -> int:
    """Fill, measure, print; 1 when a list costs more than a tenth more."""
    parser = argparse.ArgumentParser(prog="./pytake bench isolation", description=__doc__)
    parser.add_argument("--organizations", type=int, default=20)
    parser.add_argument("--conversations", type=int, default=200_000, help="of all organizations together")
    parser.add_argument("--messages", type=int, default=200_000, help="of all organizations together")
    parser.add_argument("--rows", type=int, default=5_000, help="of queue, outbox and audit log in each organization")
    parser.add_argument("--runs", type=int, default=200, help="of each statement by each role")
    options = parser.parse_args(list(argv))
    data_dir = Path(tempfile.mkdtemp(prefix="pytake-bench-"))
    data_dir.chmod(0o711)
    try:
        with servers(data_dir) as (database_url, redis_url):
            settings = Settings(
                database_url=database_url, redis_url=redis_url, secret_key="bench" * 10, data_dir=data_dir
            )
            services = Services(settings)
            try:
                figures = _measure(services, database_url, options)
            finally:
                services.close()
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)
    print(orjson.dumps({"bench": "isolation", "part": "rows", **figures, "machine": machine()}).decode(), flush=True)
    return int(figures["all_ratio"] > 1.1)


def _measure(services: Services, database_url: str, options: argparse.Namespace) -> dict[str, Any]:
    me = new_id()
    own = [
        fill(
            services.database,
            conversations=options.conversations // options.organizations,
            messages=options.messages // options.organizations,
            agent=me,
        )
        for _ in range(options.organizations)
    ]
    queue_of = {one: fill_rest(services.database, one, options.rows) for one in own}
    organization = own[len(own) // 2]
    superuser = make_url(database_url).set(username=SUPERUSER, drivername="postgresql")
    plain = make_url(database_url).set(drivername="postgresql")
    with (
        psycopg.connect(superuser.render_as_string(hide_password=False), autocommit=True) as unbound,
        psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as bound,
    ):
        unbound.execute("VACUUM ANALYZE")
        bound.execute("SET ROLE pytake_app")
        for connection in (bound, unbound):
            for setting in _SETTINGS:
                connection.execute(setting)
            connection.execute(_NAMED, (str(organization),))
        lists: dict[str, Any] = {}
        sums = [0.0, 0.0]
        for name, ask in _lists(services, me, organization, queue_of[organization]).items():
            statements = _taken_down(services, organization, ask)
            medians = _in_turns((bound, unbound), statements, options.runs)
            sums = [total + one for total, one in zip(sums, medians, strict=True)]
            lists[name] = {
                "bound_ms": round(medians[0], 3), "unbound_ms": round(medians[1], 3),
                "ratio": round(medians[0] / medians[1], 3), "statements": len(statements),
            }  # fmt: skip
    return {
        "organizations": options.organizations, "conversations": options.conversations, "messages": options.messages,
        "lists": lists, "all_ratio": round(sums[0] / sums[1], 3),
    }  # fmt: skip


def _lists(services: Services, me: UUID, organization: UUID, queue: UUID) -> dict[str, Callable[[Session], object]]:
    role = Role.ORG_ADMIN
    who = Principal(me, organization, role, new_id(), permissions=DEFAULTS[role])
    with services.database.tenant(organization) as session:
        thread = session.connection().execute(text("SELECT id FROM conversations LIMIT 1")).scalar_one()
    inbox = ConversationFilter(status=["open"])
    return {
        "conversations": lambda session: conversations.list_conversations(session, who, inbox, limit=50),
        "everything": lambda session: conversations.list_conversations(session, who, ConversationFilter(), limit=50),
        "counts": lambda session: conversations.conversation_stats(session, who),
        "messages": lambda session: conversations.list_messages(session, who, thread, limit=50),
        "contacts": lambda session: contacts.list_contacts(session, who, limit=50),
        "flows": lambda session: flows.list_flows(session, who),
        "outbox": lambda session: desk.messages(session, who, limit=50),
        "queue": lambda session: operations.list_items(
            session, who, queue, statuses=("waiting", "offered", "in_service"), limit=50, clock=services.clock
        ),
        "queue history": lambda session: operations.list_items(
            session, who, queue, statuses=("completed",), limit=50, clock=services.clock
        ),
        "audit": lambda session: audit.list_entries(session, who, AuditFilter(), limit=50),
    }


def _taken_down(services: Services, organization: UUID, ask: Callable[[Session], object]) -> list[Statement]:
    """The statements that a list sends, with their values."""
    found: list[Statement] = []
    engine = services.database.engine("pytake_app")

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_rest: object) -> None:
        if "set_config" not in statement:
            found.append((statement, values))

    with services.database.tenant(organization) as session:
        event.listen(engine, "before_cursor_execute", note)
        try:
            ask(session)
        finally:
            event.remove(engine, "before_cursor_execute", note)
    return found


def _in_turns(connections: Sequence[Any], statements: list[Statement], runs: int) -> list[float]:
    """Milliseconds of all statements together, the median of each connection's runs; who begins changes."""
    times: list[list[float]] = [[] for _ in connections]
    for turn in range(runs + 10):
        order = list(range(len(connections)))
        for number in order if turn % 2 else reversed(order):
            began = time.perf_counter()
            for statement, values in statements:
                cursor = connections[number].execute(statement, values)
                if cursor.description is not None:
                    cursor.fetchall()
            if turn >= 10:  # the first ones warm caches and plans
                times[number].append((time.perf_counter() - began) * 1000)
    return [statistics.median(one) for one in times]
