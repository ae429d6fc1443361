"""`doctor` finds what is wrong with an installation and exits accordingly."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from pytake_app.config import Settings, get_settings
from pytake_app.core.db import Database
from pytake_app.core.services import Services
from pytake_app.embedded import doctor
from pytake_app.embedded.migrate import downgrade, revisions, upgrade
from tests.support.tenants import make_tenant

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def variables(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Environment variables of this test, on top of the run's."""
    yield monkeypatch
    monkeypatch.undo()
    get_settings.cache_clear()


def findings() -> dict[str, doctor.Finding]:
    return {finding.subject: finding for finding in doctor.examine()}


def test_a_sound_installation(variables: pytest.MonkeyPatch, clean_db: Database) -> None:
    found = findings()
    for subject in ("python", "data directory", "PostgreSQL", "Redis", "schema", "pipeline", "secret key"):
        assert found[subject].level == "ok", found[subject]


def test_schema_behind_the_code(variables: pytest.MonkeyPatch, empty_database_url: str) -> None:
    variables.setenv("DATABASE_URL", empty_database_url)
    found = findings()["schema"]
    assert (found.level, found.remedy) == ("fail", "./pytake migrate")


def test_services_that_do_not_answer(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    variables.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    found = findings()
    assert found["PostgreSQL"].level == "fail"
    assert found["Redis"].level == "fail"
    assert "REDIS_URL" in found["Redis"].remedy


@pytest.mark.parametrize(
    ("key", "level"),
    [("a" * 40, "warn"), ("short", "warn"), ("kV8x2-Qm7RzT_w4Yb9LpN1cHs6JdF3gA", "ok")],
)
def test_secret_strength(variables: pytest.MonkeyPatch, key: str, level: str) -> None:
    variables.setenv("SECRET_KEY", key)
    assert findings()["secret key"].level == level


def test_production_with_a_weak_secret_fails_and_says_how_to_mend(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "pytake_app", "doctor", "--data-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "ENVIRONMENT": "production", "SECRET_KEY": "weak"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert "FAIL  settings" in result.stdout
    assert "SECRET_KEY must be set" in result.stdout


def test_every_setting_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    names = set()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        names.add(str(alias.choices[0]) if alias is not None and not isinstance(alias, str) else name.upper())
    assert sorted(name for name in names if f"#{name}=" not in example) == []


def test_migrations_go_up_and_down_and_up(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    current, head = revisions(empty_database_url)
    assert current == head
    downgrade(empty_database_url, "base")
    assert revisions(empty_database_url)[0] is None
    upgrade(empty_database_url)
    assert revisions(empty_database_url)[0] == head


def test_clocks_that_differ_are_told(variables: pytest.MonkeyPatch, settings: Settings, clean_db: Database) -> None:
    assert findings()["clocks"].level == "ok"
    right = time.time
    variables.setattr("pytake_app.embedded.doctor.time", SimpleNamespace(time=lambda: right() + 60))
    found = findings()["clocks"]
    assert found.level == "warn"
    assert "PostgreSQL's 60 s behind, Redis's 60 s behind" in found.detail


def test_stuck_rows_are_told_and_mended(variables: pytest.MonkeyPatch, settings: Settings, clean_db: Database) -> None:
    services = Services(settings)
    tenant = make_tenant(clean_db, services.clock)
    old = datetime.now(UTC) - timedelta(hours=1)
    with clean_db.system_connection() as connection:
        connection.execute(
            text(
                "INSERT INTO inbound_events (organization_id, channel_account_id, lane, contact_key, kind, "
                "external_id, payload, state, attempts, next_attempt_at, received_at) "
                "VALUES (:org, :account, 3, '-', 'notice', 'n', '{}', 'pending', 0, :old, :old)"
            ),
            {"org": tenant.organization_id, "account": tenant.account.id, "old": old},
        )
    services.redis.delete("pytake:lanes:dirty")
    found = [finding for finding in doctor.examine() if finding.subject == "pipeline"]
    assert [(finding.level, finding.detail[:1]) for finding in found] == [("warn", "1")]
    assert "--mend" in found[0].remedy
    assert services.redis.scard("pytake:lanes:dirty") == 0
    mended = [finding.detail for finding in doctor.examine(mend=True) if finding.subject == "pipeline"]
    assert mended[0].startswith("mended: ")
    assert services.redis.smembers("pytake:lanes:dirty") == {b"3"}
    services.close()
