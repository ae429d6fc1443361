"""`./pytake doctor`: checks an installation and says, for each thing that is not right, how to mend it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import psycopg
import redis as redis_client
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from pytake_app.config import Settings, get_settings
from pytake_app.core.errors import UnavailableError
from pytake_app.core.secretkey import weakness
from pytake_app.core.services import Services
from pytake_app.embedded.accounts import NoUnprivilegedAccount, can_traverse, identity_for
from pytake_app.embedded.attach import NotRunning, absolute_data_dir, attach
from pytake_app.embedded.bootstrap import is_current
from pytake_app.embedded.checks import find_chromium
from pytake_app.embedded.environment import ROOT
from pytake_app.embedded.lock import read_holder
from pytake_app.embedded.migrate import revisions
from pytake_app.embedded.up import UpError, address_of, require_free_port
from pytake_app.messaging import doctor as pipeline
from pytake_app.ui.build import built_frontend

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One line of the report; ``remedy`` says what to do about it."""

    level: Level
    subject: str
    detail: str
    remedy: str = ""


def run_doctor(data_dir: Path | None = None, *, mend: bool = False) -> int:
    """Print every finding; returns 1 when something has failed, else 0.

    Parameters:
        mend: also put right what can be: wake lost lanes, settle or queue again sends that nobody reports on.
    """
    if data_dir is not None:
        os.environ["PYTAKE_DATA_DIR"] = str(data_dir)
    worst = 0
    for finding in examine(mend=mend):
        mark = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}[finding.level]
        print(f"{mark}  {finding.subject}: {finding.detail}")
        if finding.remedy:
            print(f"      → {finding.remedy}")
        worst = max(worst, int(finding.level == "fail"))
    return worst


def examine(*, mend: bool = False) -> Iterator[Finding]:
    """All findings, cheap ones first; with `mend`, what was put right is one."""
    yield _python()
    yield _environment()
    try:
        get_settings.cache_clear()
        settings = get_settings()
    except ValidationError as error:
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"]).upper() or "settings"
            yield Finding("fail", "settings", f"{name}: {problem['msg']}", "mend it in .env or where it is set")
        return
    yield _data_dir(settings)
    yield _secret(settings)
    yield from _secret_files(settings)
    yield _port(settings)
    try:
        settings = attach()
    except (NotRunning, NoUnprivilegedAccount) as error:
        yield Finding("warn", "services", str(error), "./pytake up")
    else:
        yield _postgres(settings)
        yield _redis(settings)
        yield from _clocks(settings)
        yield _migrations(settings)
        yield from _stuck(settings, mend=mend)
    yield _front_end()
    yield _chromium()


def _python() -> Finding:
    return Finding("ok", "python", ".".join(map(str, sys.version_info[:3])))


def _environment() -> Finding:
    if is_current(ROOT):
        return Finding("ok", "packages", "requirements.txt is installed in .venv")
    return Finding("warn", "packages", "not what requirements.txt asks for", "./pytake --version installs them")


def _data_dir(settings: Settings) -> Finding:
    path = absolute_data_dir(settings)
    place = path if path.exists() else path.parent
    if not os.access(place, os.W_OK | os.X_OK):
        remedy = "give this account the right to write there, or set PYTAKE_DATA_DIR"
        return Finding("fail", "data directory", f"{place} is not writable", remedy)
    try:
        identity = identity_for(path / "postgres")
    except NoUnprivilegedAccount as error:
        return Finding("fail", "data directory", str(error), "useradd --system pytake")
    if not settings.database_url and not can_traverse(path, identity):
        where = (path / "postgres").resolve()
        return Finding("ok", "data directory", f"{path}; the database itself is in {where}")
    return Finding("ok", "data directory", str(path))


def _secret(settings: Settings) -> Finding:
    key = settings.secret_key.get_secret_value()
    if not key:
        return Finding("ok", "secret key", "none set: one is made in the data directory (development)")
    problem = weakness(key)
    if problem:
        level: Level = "fail" if settings.environment == "production" else "warn"
        remedy = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        return Finding(level, "secret key", f"SECRET_KEY {problem}", remedy)
    if settings.previous_secret_keys:
        remedy = "./pytake rotate-secrets, then take PREVIOUS_SECRET_KEYS away"
        return Finding("ok", "secret key", "strong; older keys still count", remedy)
    return Finding("ok", "secret key", "strong")


def _secret_files(settings: Settings) -> Iterator[Finding]:
    """Files that hold secrets and that others on the machine may read."""
    files = (ROOT / ".env", absolute_data_dir(settings) / "secret_key", Path(settings.secret_key_file or ROOT / ".env"))
    for path in dict.fromkeys(files):
        if path.is_file() and path.stat().st_mode & 0o077:
            mode = f"{path.stat().st_mode & 0o777:o}"
            yield Finding("warn", "secret files", f"{path} may be read by others ({mode})", f"chmod 600 {path}")


def _port(settings: Settings) -> Finding:
    pid, address = read_holder(absolute_data_dir(settings))
    if pid and Path(f"/proc/{pid}").exists():
        return Finding("ok", "port", f"PyTake is running at {address} (process {pid})")
    try:
        require_free_port(settings.host, settings.port)
    except UpError as error:
        return Finding("warn", "port", str(error), "set PORT or give --port")
    return Finding("ok", "port", f"{address_of(settings)} is free")


def _postgres(settings: Settings) -> Finding:
    try:
        with psycopg.connect(_plain_url(settings), connect_timeout=5) as connection:
            version = connection.info.server_version // 10000
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        return Finding("fail", "PostgreSQL", reason, "check DATABASE_URL and that the server runs")
    return Finding("ok", "PostgreSQL", f"version {version} answers")


def _redis(settings: Settings) -> Finding:
    client = redis_client.Redis.from_url(settings.redis_url, socket_connect_timeout=5, socket_timeout=5)
    try:
        information: Any = client.info()  # typed for both kinds of client
        policy, version = information.get("maxmemory_policy", "noeviction"), information.get("redis_version")
    except redis_client.RedisError as error:
        return Finding("fail", "Redis", str(error), "check REDIS_URL and that the server runs")
    finally:
        client.close()
    if policy != "noeviction":
        return Finding("warn", "Redis", f"maxmemory-policy is {policy}: jobs may be dropped", "set it to noeviction")
    return Finding("ok", "Redis", f"version {version} answers")


def _clocks(settings: Settings) -> Iterator[Finding]:
    """Whether this machine's clock and the servers' agree: rows that a clock ahead writes wait for the others."""
    try:
        client = redis_client.Redis.from_url(settings.redis_url, socket_connect_timeout=5, socket_timeout=5)
        with client, psycopg.connect(_plain_url(settings), connect_timeout=5) as connection:
            began = time.time()
            row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
            seconds, micros = cast("tuple[int, int]", client.time())
            apart = {"PostgreSQL": row[0] - began if row else 0.0, "Redis": seconds + micros / 1e6 - time.time()}
    except (psycopg.OperationalError, redis_client.RedisError):
        return  # told already
    wrong = [f"{name}'s {abs(by):.0f} s {'ahead' if by > 0 else 'behind'}" for name, by in apart.items() if abs(by) > 2]
    if wrong:
        detail = f"compared with this machine's: {', '.join(wrong)}"
        yield Finding("warn", "clocks", detail, "let NTP keep the clocks of all machines")
    else:
        yield Finding("ok", "clocks", "this machine's, PostgreSQL's and Redis' agree")


def _migrations(settings: Settings) -> Finding:
    try:
        found, head = revisions(settings.sqlalchemy_url)
    except SQLAlchemyError as error:
        return Finding("fail", "schema", type(error).__name__, "check DATABASE_URL")
    if found != head:
        return Finding("fail", "schema", f"at {found or 'nothing'}, the code wants {head}", "./pytake migrate")
    return Finding("ok", "schema", f"at {head}")


def _stuck(settings: Settings, *, mend: bool) -> Iterator[Finding]:
    """Rows of the pipeline that nothing has touched although they were due."""
    services = Services(settings)
    try:
        if mend:
            done = {name: count for name, count in pipeline.mend(services).items() if count}
            counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in done.items())
            woken = "every waiting lane and the senders were woken"
            yield Finding("ok", "pipeline", f"mended: {counts or 'nothing had to be'}; {woken}")
        found = pipeline.examine(services)
    except (UnavailableError, psycopg.Error, SQLAlchemyError, redis_client.RedisError) as error:
        yield Finding("warn", "pipeline", f"could not be examined: {type(error).__name__}", "./pytake migrate")
        return
    finally:
        services.close()
    if not any(finding.count for finding in found if finding.check.serious):
        yield Finding("ok", "pipeline", f"nothing is stuck ({len(found)} questions asked)")
    for finding in found:
        if finding.count is None:
            yield Finding("warn", "pipeline", f"{finding.check.text}: could not be counted within half a minute")
        elif finding.count:
            level: Level = "warn" if finding.check.serious else "ok"
            remedy = "are worker, outbox and scheduler running? else ./pytake doctor --mend" if level == "warn" else ""
            yield Finding(level, "pipeline", f"{finding.count} {finding.check.text}", remedy)


def _plain_url(settings: Settings) -> str:
    return settings.sqlalchemy_url.replace("postgresql+psycopg://", "postgresql://", 1)


def _front_end() -> Finding:
    if built_frontend() is not None:
        return Finding("ok", "front end", "built")
    return Finding("warn", "front end", "not built for the present sources", "./pytake up builds it")


def _chromium() -> Finding:
    found = find_chromium()
    if found:
        return Finding("ok", "chromium", found)
    return Finding("warn", "chromium", "not found; only ./pytake test needs it", "apt-get install chromium")
