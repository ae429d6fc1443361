"""Shared fixtures: a real PostgreSQL and a real Redis, started once for the run.

What a test asks for:

* ``settings``      Settings of this run (``ENVIRONMENT=test``); ``get_settings()`` returns the same values.
* ``clean_db``      a ``Database`` whose tables are empty. Use it for everything that commits (most tests).
* ``db``            the same ``Database`` without emptying it: for tests that bring their own organization.
* ``database_url``, ``redis_url``   URLs of the servers; the schema is migrated.
* ``empty_database_url``            a fresh database without any table (for tests of migrations).
* ``redis_client``  a client of the emptied Redis database.
* ``frozen_clock``  a clock that stands still until moved.
* ``graph_stub``    a loopback Graph API (``graph_stub_thread`` in blocking tests); see ``tests/support/graph_stub.py``.
* ``browser``, ``page``             Chromium (module-scoped, so that no event loop of Playwright outlives the module:
                    don't mix them with ``async def`` tests in one file).

``tests/waiting.py`` has ``wait_until``; ``tests/factories.py`` makes rows.

To save two seconds a run while developing, point ``PYTAKE_TEST_DATABASE_URL`` (a role that may create databases and
roles) and ``PYTAKE_TEST_REDIS_URL`` at running servers; a fresh database is made for each run.
"""

import contextlib
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

# Before anything of the application is imported: a developer's own settings must not reach the tests.
for _name in (
    "DATABASE_URL",
    "REDIS_URL",
    "JWT_SECRET",
    "PYTAKE_DATA_DIR",
    "PYTAKE_ADMIN_EMAIL",
    "PYTAKE_ADMIN_PASSWORD",
    "WHATSAPP_ACCESS_TOKEN",
    "WHATSAPP_PHONE_NUMBER_ID",
    "WHATSAPP_BUSINESS_ACCOUNT_ID",
    "WHATSAPP_WEBHOOK_VERIFY_TOKEN",
    "WHATSAPP_APP_SECRET",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
):
    os.environ.pop(_name, None)
TEST_SECRET_KEY = "only-for-tests-Zr8vT1qLx0WkPn3EoYb6uHcJdMfSgA"
os.environ["ENVIRONMENT"] = "test"
os.environ["SECRET_KEY"] = TEST_SECRET_KEY
# Tests start the product's processes some hundred times. Each would compile all of its modules anew (a quarter of its
# start) where the environment forbids to keep what was compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

import psutil  # noqa: E402
import psycopg  # noqa: E402
import pytest  # noqa: E402
import redis as redis_package  # noqa: E402
from sqlalchemy import Engine, create_engine, make_url, text  # noqa: E402
from sqlalchemy.pool import NullPool  # noqa: E402

from pytake_app.config import Settings, get_settings  # noqa: E402
from pytake_app.core.clock import FrozenClock  # noqa: E402
from pytake_app.core.db import Database  # noqa: E402
from pytake_app.core.memory import settle_heap  # noqa: E402
from pytake_app.embedded.migrate import upgrade  # noqa: E402
from pytake_app.embedded.postgres import SUPERUSER, EmbeddedPostgres  # noqa: E402
from pytake_app.embedded.redis import EmbeddedRedis  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

Settings.model_config["env_file"] = None

pytest_plugins = ["tests.support.fixtures"]

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM_FLAGS = [
    "--no-sandbox",  # Chromium's own sandbox refuses root, and CI is root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a microphone that beeps
    "--use-fake-ui-for-media-stream",
]


END_TO_END = "tests/e2e/"


def pytest_configure() -> None:
    """SIGTERM ends the run as Ctrl-C does, so that fixtures end the processes that they started."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: object) -> None:
    # A second one, while fixtures clean up, shall not interrupt that.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            # pytest-xdist would give its processes no time to clean up.
            if any("sys.stdin.readline" in word for word in child.cmdline()):
                child.terminate()
    raise KeyboardInterrupt


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the end-to-end tests: when the run has two processes, one is busy with them for most of it."""
    items.sort(key=lambda item: not item.nodeid.startswith(END_TO_END))


def pytest_collection_finish() -> None:
    """What was collected stays: the tests' processes collect garbage as the product's do."""
    settle_heap()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal out tests by file, whose tests share fixtures; those of tests/e2e together, who share a running product.

    pytest-xdist's own groups (`--dist=loadgroup`) do nothing under pytest 9.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return END_TO_END if nodeid.startswith(END_TO_END) else nodeid.split("::", 1)[0]

    return ByFile(config, log)


_TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'alembic_version'
"""


@pytest.fixture(scope="session", autouse=True)
def _no_process_is_left() -> Iterator[None]:
    """After the last test, and after all other fixtures, no process that they started runs."""
    yield
    _, alive = psutil.wait_procs(psutil.Process().children(recursive=True), 5)
    left = []
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            command = " ".join(process.cmdline())
            if "multiprocessing.resource_tracker" not in command:  # ends with this process
                left.append(f"{process.pid} {command[:200]}")
                process.kill()
    assert left == [], "processes are left behind"


@pytest.fixture(scope="session")
def services_dir() -> Iterator[Path]:
    """The data directory of this run's servers; removed at the end."""
    path = Path(tempfile.mkdtemp(prefix="pytake-test-"))
    path.chmod(0o711)  # under root, PostgreSQL's own account must get through
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(services_dir: Path) -> Iterator[str]:
    """URL of a maintenance database on this run's server, as a role that may create databases and roles."""
    given = os.environ.get("PYTAKE_TEST_DATABASE_URL")
    if given:
        yield _with_driver(given)
        return
    server = EmbeddedPostgres(services_dir, durable=False)
    server.start()
    yield server.url
    server.stop()


def _with_driver(url: str) -> str:
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _fresh_database(postgres_url: str) -> str:
    name = f"pytake_test_{uuid4().hex[:12]}"
    engine = create_engine(postgres_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)


def _drop_database(postgres_url: str, url: str) -> None:
    maintenance = make_url(postgres_url)
    if not os.environ.get("PYTAKE_TEST_DATABASE_URL"):
        # FORCE ends autovacuum's worker too, should one be at this database; only the superuser may.
        maintenance = maintenance.set(username=SUPERUSER)
    engine = create_engine(maintenance, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)"))


@pytest.fixture(scope="session")
def database_url(postgres_url: str) -> Iterator[str]:
    """URL of this run's own database, migrated to the newest revision."""
    url = _fresh_database(postgres_url)
    upgrade(url)
    yield url
    _drop_database(postgres_url, url)


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """URL of a new database without any table."""
    url = _fresh_database(postgres_url)
    yield url
    _drop_database(postgres_url, url)


@pytest.fixture(scope="session")
def redis_url(services_dir: Path) -> Iterator[str]:
    """URL of this run's Redis."""
    given = os.environ.get("PYTAKE_TEST_REDIS_URL")
    if given:
        yield given
        return
    server = EmbeddedRedis(services_dir, durable=False)
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def settings(database_url: str, redis_url: str, services_dir: Path) -> Iterator[Settings]:
    """Settings of this run; also in the environment, so that ``get_settings()`` and child processes agree."""
    variables = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "PYTAKE_DATA_DIR": str(services_dir / "data")}
    os.environ.update(variables)
    get_settings.cache_clear()
    yield get_settings()
    for name in variables:
        os.environ.pop(name, None)
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def db(settings: Settings) -> Iterator[Database]:
    """The application's database, as it was left by the tests before."""
    database = Database(settings)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def _owner_engine(database_url: str) -> Iterator[Engine]:
    url = make_url(database_url)
    if not os.environ.get("PYTAKE_TEST_DATABASE_URL"):
        url = url.set(username=SUPERUSER)  # may switch foreign keys off, see `clean_db`
    engine = create_engine(url, pool_size=1)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def _reference_tables(_owner_engine: Engine) -> frozenset[str]:
    """Tables that a migration filled: they keep their rows."""
    with _owner_engine.connect() as connection:
        return frozenset(_filled_tables(connection.connection.driver_connection))


def _filled_tables(connection: object) -> list[str]:
    assert isinstance(connection, psycopg.Connection)
    tables = [row[0] for row in connection.execute(_TABLES).fetchall()]
    if not tables:
        return []
    union = " UNION ALL ".join(f"""(SELECT '{name}' WHERE EXISTS (SELECT 1 FROM "{name}"))""" for name in tables)
    return [row[0] for row in connection.execute(union).fetchall()]


def _empty(connection: "psycopg.Connection[tuple[object, ...]]", tables: list[str]) -> None:
    """Delete all rows: for the few that a test makes ten times faster than truncating all that refers to them."""
    superuser = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if superuser == (True,):
        deletes = "; ".join(f'DELETE FROM "{name}"' for name in tables)
        connection.execute(f"SET LOCAL session_replication_role = replica; {deletes}")
    else:
        # The audit log can't be emptied, by whomever.
        names = ", ".join(f'"{name}"' for name in tables if name != "audit_log")
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")


@pytest.fixture
def clean_db(db: Database, _owner_engine: Engine, _reference_tables: frozenset[str]) -> Database:
    """The application's database, emptied. Tests commit for real, so rolling back would not do."""
    with _owner_engine.connect() as pooled:
        connection = pooled.connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        connection.execute("SET LOCAL lock_timeout = '10s'")
        filled = [name for name in _filled_tables(connection) if name not in _reference_tables]
        if filled:
            _empty(connection, filled)
        connection.commit()
    return db


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis_package.Redis]:
    """A client of this run's Redis, emptied first."""
    client = redis_package.Redis.from_url(redis_url)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def frozen_clock() -> FrozenClock:
    """A clock that stands still until moved."""
    return FrozenClock()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium, one for the module. Skips never: `./pytake test` installs it, so its absence is a failure."""
    from playwright.sync_api import sync_playwright

    from pytake_app.embedded.checks import find_chromium

    program = find_chromium()
    if program is None:
        pytest.fail("Chromium was not found: apt-get install chromium, or name it by PYTAKE_CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        _watch_policy(chromium)
        yield chromium
        chromium.close()


REFUSED_BY_POLICY: list[str] = []
"""What browsers of this run refused by a page's content security policy, what failed in Reflex's calls of our scripts
(it tells the console of them, they are no errors of the page), or in what they did later, since somebody looked."""

_FAULTS = re.compile(r"Content Security Policy|^_call_(script|function)\b|^_rejected\b")

# Reflex takes note of promises that fail and hides them from the browser's own reports (`pageerror`).
_TELL_REJECTED = """
addEventListener("unhandledrejection", ({ reason }) => {
  if (reason instanceof TypeError && !/fetch/i.test(reason.message)) console.log("_rejected", reason.stack);
});
"""


def _watch_policy(chromium: "Browser") -> None:
    """Every tab of every context tells what its page's policy refused, and what failed in its scripts unheard."""
    new_context = chromium.new_context

    def watched(**options: Any) -> "BrowserContext":
        context = new_context(**options)
        context.add_init_script(_TELL_REJECTED)
        context.on("console", _heard)
        return context

    chromium.new_context = watched  # type: ignore[method-assign]


def _heard(message: "ConsoleMessage") -> None:
    if _FAULTS.search(message.text):
        REFUSED_BY_POLICY.append(message.text[:600])


@pytest.fixture(autouse=True)
def _nothing_refused_by_policy() -> Iterator[None]:
    """No page does what its own policy forbids; a test that provokes it empties the list."""
    REFUSED_BY_POLICY.clear()
    yield
    assert REFUSED_BY_POLICY == []


@pytest.fixture
def page(browser: "Browser", request: pytest.FixtureRequest) -> "Iterator[Page]":
    """A page in a fresh context (Portuguese, 1440 by 900). A failing test leaves a picture in `test-results/`."""
    context = browser.new_context(
        locale="pt-BR", viewport={"width": 1440, "height": 900}, timezone_id="America/Sao_Paulo"
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    yield page
    report = request.node.stash.get(_REPORT, None)
    if report is not None and report.failed:
        folder = ROOT / "test-results"
        folder.mkdir(exist_ok=True)
        page.screenshot(path=folder / f"{request.node.name[:80].replace('/', '-')}.png", full_page=True)
    context.close()


_REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep the report of the call, for fixtures that act on failure."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.when == "call":
        item.stash[_REPORT] = report
    return report  # type: ignore[return-value]
