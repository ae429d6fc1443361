"""The shared fixtures do what tests rely on: an emptied database, a flushed Redis, one truth about settings."""

import redis
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from pytake_app.config import Settings, get_settings
from pytake_app.core.db import Database


def _organizations(url: str) -> int:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM organizations")).scalar_one())


def test_clean_db_empties_what_was_committed(clean_db: Database, database_url: str, settings: Settings) -> None:
    with create_engine(database_url, poolclass=NullPool).begin() as connection:
        columns = connection.execute(
            text(
                "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'organizations'"
                " AND is_nullable = 'NO' AND column_default IS NULL"
            )
        ).all()
        values = {
            "uuid": "gen_random_uuid()",
            "jsonb": "'{}'",
            "boolean": "true",
            "integer": "0",
            "timestamp with time zone": "now()",
        }
        names = ", ".join(name for name, _ in columns)
        row = ", ".join(values.get(kind, "'x'") for _, kind in columns)
        connection.execute(text(f"INSERT INTO organizations ({names}) VALUES ({row})"))
    assert _organizations(database_url) == 1


def test_the_next_test_sees_nothing_of_it(clean_db: Database, database_url: str) -> None:
    assert _organizations(database_url) == 0


def test_redis_is_flushed(redis_client: redis.Redis) -> None:
    assert redis_client.dbsize() == 0
    redis_client.set("left", "behind")


def test_redis_is_flushed_again(redis_client: redis.Redis) -> None:
    assert redis_client.dbsize() == 0


def test_settings_agree_everywhere(settings: Settings, database_url: str) -> None:
    assert get_settings() == settings
    assert settings.environment == "test"
    assert settings.sqlalchemy_url == database_url
    assert settings.admin_email == ""
