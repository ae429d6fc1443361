"""Database access: one transaction per call, tenancy by PostgreSQL role and row-level security.

Four roles, created by migrations, none of which can bypass row-level security:

* `pytake_app`: sees the rows of the organization named in `app.organization_id` for this transaction, no others.
* `pytake_system`: the pipeline, across organizations (policies grant it, table by table).
* `pytake_auth`: look-ups before the organization is known: organizations, users, sessions, tokens.
* `pytake_admin`: administration of organizations by super admins: what they are and how much they use, nothing theirs.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, cast
from uuid import UUID

import orjson
import psycopg
import structlog
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlmodel import Session

from pytake_app.config import Settings
from pytake_app.core.errors import UnavailableError
from pytake_app.core.tenancy import Actor, acting

Role = Literal["pytake_app", "pytake_system", "pytake_auth", "pytake_admin"]
Pool = Role | Literal["pytake_system hot"]
"""The hot paths' connections act as the pipeline's role, and plan each statement once (`_ONE_PLAN`)."""
AfterCommit = Callable[[], None]

_HOOKS = "after_commit_hooks"
# The pipeline's statements look up few rows by key in tables whose size changes from nothing to millions between two
# ANALYZEs. Left to stale statistics the planner reads whole tables; nested index look-ups are right at any size.
# A table that was tiny when the statement was prepared must not be read whole and kept for the inner side either.
_QUEUE_PLANS = tuple(
    f"SET enable_{path} = off" for path in ("seqscan", "hashjoin", "mergejoin", "bitmapscan", "material")
)
# The hot paths' statements are the same day and night. Left alone PostgreSQL plans many of them again each time, for a
# better estimate of what is known: a quarter of its time when messages come one by one.
_ONE_PLAN = "SET plan_cache_mode = force_generic_plan"
# A process that is stopped in the middle of a transaction holds its contacts' lanes and rows: not for ever.
_FROZEN = "SET idle_in_transaction_session_timeout = '30s'"
# A server, or a network, that is gone without a word is noticed within half a minute, not after hours (libpq).
_KEEPALIVES = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
_OVERFLOW = 4
_PING_AFTER = 1.0
"""Seconds of rest after which a connection is asked whether it still lives before it is used."""
_USED = "used"
_SET_TENANT = text(
    "SELECT set_config('app.organization_id', :organization_id, true), set_config('app.actor', :actor, true)"
)
_SET_ACTOR = text("SELECT set_config('app.actor', :actor, true)")

log = structlog.get_logger(__name__)


def _dumps(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def after_commit(session: Session, hook: AfterCommit) -> None:
    """Run `hook` once this session's transaction has committed; dropped on rollback.

    Pokes and jobs go through here, so that nothing is acted on before it is committed. A hook must be
    quick; one that fails is logged and doesn't undo the commit (sweepers find what a lost poke leaves).
    """
    session.info.setdefault(_HOOKS, []).append(hook)


def run_hooks(hooks: list[AfterCommit]) -> None:
    """Run after-commit hooks, each on its own: a failed poke must not stop the others."""
    for hook in hooks:
        try:
            hook()
        except Exception:
            # It is committed; sweepers find what a lost poke leaves.
            log.warning("after_commit_hook_failed", exc_info=True)


def actor_setting(actor: Actor | None) -> str:
    """An actor as the triggers of the audit log read it from `app.actor`; empty for the product itself."""
    if actor is None or actor.kind == "system":
        return ""
    named = {"kind": actor.kind, "id": str(actor.id or ""), "name": actor.name, "address": actor.address}
    return _dumps(named).replace("\\u0000", "")


def is_connection_error(error: BaseException) -> bool:
    """Whether the database is away, as against the statement being wrong."""
    return isinstance(error, OperationalError)


class Database:
    """Connection pools, one per role, opened on first use.

    Parameters:
        settings: gives the URL and the pool size.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.statement_seconds: float | None = None
        """Seconds after which a statement of a person's request is given up; set where requests are answered."""
        self._engines: dict[Pool, Engine] = {}

    def engine(self, pool: Pool) -> Engine:
        """The pool whose connections act as the role of its name."""
        engine = self._engines.get(pool)
        if engine is None:
            engine = self._engines[pool] = self._make_engine(pool)
        return engine

    def pools(self) -> dict[Pool, Engine]:
        """The pools that are open."""
        return dict(self._engines)

    @property
    def most(self) -> int:
        """Connections that one pool opens at most."""
        return self._settings.database_pool_size + _OVERFLOW

    def _make_engine(self, pool: Pool) -> Engine:
        role = pool.partition(" ")[0]
        engine = create_engine(
            self._settings.sqlalchemy_url,
            pool_size=self._settings.database_pool_size,
            max_overflow=_OVERFLOW,
            pool_timeout=5,
            pool_recycle=1800,
            hide_parameters=True,  # they are people's data, and errors are logged
            json_serializer=_dumps,
            json_deserializer=orjson.loads,
            connect_args={"connect_timeout": 5, "application_name": f"pytake {pool}", **_KEEPALIVES},
        )

        @event.listens_for(engine, "connect")
        def _assume_role(connection: object, _record: ConnectionPoolEntry) -> None:
            cursor = connection.cursor()  # type: ignore[attr-defined]  # a DBAPI connection
            cursor.execute(f"SET ROLE {role}")
            cursor.execute("SET TIME ZONE 'UTC'")
            # Compiling a statement of tens of milliseconds takes hundreds, on a server where nobody turned it off.
            cursor.execute("SET jit = off")
            if role == "pytake_system":
                for setting in (*_QUEUE_PLANS, _FROZEN):
                    cursor.execute(setting)
                if pool != role:
                    cursor.execute(_ONE_PLAN)
            elif self.statement_seconds:
                limit = round(self.statement_seconds * 1000)
                cursor.execute(f"SET statement_timeout = {limit}")
                cursor.execute(f"SET idle_in_transaction_session_timeout = {2 * limit}")
            cursor.close()
            connection.commit()  # type: ignore[attr-defined]

        @event.listens_for(engine, "checkout")
        def _ask(connection: DBAPIConnection, record: ConnectionPoolEntry, _pooled: PoolProxiedConnection) -> None:
            # SQLAlchemy's own question comes before each transaction: a round trip that the pipeline, whose
            # connections hardly rest, pays thousands of times a minute.
            if time.monotonic() - record.info.get(_USED, time.monotonic()) < _PING_AFTER:
                return
            try:
                engine.dialect.do_ping(connection)
            except psycopg.Error as error:
                raise InvalidatePoolError from error

        @event.listens_for(engine, "checkin")
        def _rest(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
            record.info[_USED] = time.monotonic()

        return engine

    @contextmanager
    def tenant(self, organization_id: UUID, *, actor: Actor | None = None) -> Iterator[Session]:
        """One transaction that sees only `organization_id`'s rows.

        Parameters:
            actor: in whose name, for the audit log; by default that of the request being answered (`acting`).

        Raises:
            UnavailableError: the database can't be reached.
        """
        with self._transaction("pytake_app") as session:
            parameters = {"organization_id": str(organization_id), "actor": actor_setting(actor or acting.get())}
            session.execute(_SET_TENANT, parameters)
            session.info["organization_id"] = organization_id
            yield session

    @contextmanager
    def system(self) -> Iterator[Session]:
        """One transaction across organizations, for the pipeline only."""
        with self._transaction("pytake_system") as session:
            yield session

    @contextmanager
    def auth(self) -> Iterator[Session]:
        """One transaction for look-ups before the organization is known."""
        with self._transaction("pytake_auth") as session:
            yield session

    @contextmanager
    def auth_as(self, actor: Actor) -> Iterator[Session]:
        """As `auth`, for changes that the audit log writes down."""
        with self.auth() as session:
            session.execute(_SET_ACTOR, {"actor": actor_setting(actor)})
            yield session

    @contextmanager
    def administration(self) -> Iterator[Session]:
        """One transaction to administer organizations; their people's data is out of its reach."""
        with self._transaction("pytake_admin") as session:
            session.execute(_SET_ACTOR, {"actor": actor_setting(acting.get())})
            yield session

    @contextmanager
    def system_connection(self) -> Iterator[Connection]:
        """A Core connection in one transaction, across organizations, for hot paths."""
        with self._guard(), self.engine("pytake_system").begin() as connection:
            yield connection

    @contextmanager
    def driver_connection(self, *, hot: bool = False) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """The driver's own connection of the pipeline's role; the caller commits. What is not committed is rolled back.

        Parameters:
            hot: of the pool for what is done with each message.
        """
        with self._guard():
            pooled = self.engine("pytake_system hot" if hot else "pytake_system").raw_connection()
        try:
            driver = cast("psycopg.Connection[tuple[Any, ...]]", pooled.driver_connection)
            yield driver
        except BaseException as error:
            if pooled.is_valid and driver.broken:
                pooled.invalidate(error)
            raise
        finally:
            pooled.close()

    @contextmanager
    def _transaction(self, role: Role) -> Iterator[Session]:
        hooks: list[AfterCommit] = []
        with self._guard(), Session(self.engine(role), expire_on_commit=False) as session:
            session.info[_HOOKS] = hooks
            with session.begin():
                yield session
        run_hooks(hooks)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            # Deadlocks and serialization failures are OperationalErrors too: also worth another try.
            raise UnavailableError("The database can't be reached or is busy; try again.", retry_after=2) from error

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
