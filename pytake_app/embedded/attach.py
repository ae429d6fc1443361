"""Commands that are run beside `up`: find the embedded services of the data directory, or start them for a moment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from pytake_app.config import Settings, get_settings
from pytake_app.embedded.environment import ROOT, development_secret
from pytake_app.embedded.postgres import EmbeddedPostgres
from pytake_app.embedded.redis import EmbeddedRedis


class NotRunning(RuntimeError):
    """The embedded services of this data directory are not running."""


def absolute_data_dir(settings: Settings) -> Path:
    """The data directory; a relative one counts from the repository, wherever the command was given."""
    return (settings.data_dir if settings.data_dir.is_absolute() else ROOT / settings.data_dir).resolve()


def attach(data_dir: Path | None = None) -> Settings:
    """Settings with the addresses of running services: those set, else the embedded ones of the data directory.

    Raises:
        NotRunning: nothing is set and the embedded services do not answer.
    """
    settings = _settle(data_dir)
    home = absolute_data_dir(settings)
    if not settings.database_url:
        postgres = EmbeddedPostgres(home) if (home / "postgres").exists() else None
        if postgres is None or not postgres.answers():
            raise NotRunning("PostgreSQL is not running here: start ./pytake up first, or set DATABASE_URL.")
        os.environ["DATABASE_URL"] = postgres.url
    if not settings.redis_url:
        redis = EmbeddedRedis(home)
        if not redis.answers():
            raise NotRunning("Redis is not running here: start ./pytake up first, or set REDIS_URL.")
        os.environ["REDIS_URL"] = redis.url
    return _settle(data_dir)


@contextlib.contextmanager
def database(data_dir: Path | None = None) -> Iterator[Settings]:
    """Settings whose database answers; an embedded one that is not running is started and stopped again."""
    settings = _settle(data_dir)
    if settings.database_url:
        yield settings
        return
    postgres = EmbeddedPostgres(absolute_data_dir(settings))
    started = not ((postgres.cluster / "PG_VERSION").exists() and postgres.answers())
    if started:
        postgres.start()
    try:
        os.environ["DATABASE_URL"] = postgres.url
        yield _settle(data_dir)
    finally:
        os.environ.pop("DATABASE_URL", None)
        if started:
            postgres.stop()


def _settle(data_dir: Path | None) -> Settings:
    if data_dir is not None:
        os.environ["PYTAKE_DATA_DIR"] = str(data_dir)
    get_settings.cache_clear()
    settings = get_settings()
    home = absolute_data_dir(settings)
    os.environ["PYTAKE_DATA_DIR"] = str(home)
    if not settings.secret_key.get_secret_value() and home.is_dir():
        os.environ["SECRET_KEY"] = development_secret(home)
    get_settings.cache_clear()
    return get_settings()
