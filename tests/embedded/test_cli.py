"""The command line: commands that run beside `up`, and what `test` does before the tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytake_app import cli
from pytake_app.bench import inbox_distribution
from pytake_app.embedded import audit, checks

ROOT = Path(__file__).resolve().parents[2]


def pytake(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATABASE_URL": "", "REDIS_URL": "", **variables}
    return subprocess.run(
        [sys.executable, "-m", "pytake_app", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_migrate_starts_the_embedded_database_for_a_moment(services_dir: Path) -> None:
    home = services_dir / "migrate"
    home.mkdir(mode=0o711)
    first = pytake("migrate", "--data-dir", str(home))
    assert first.returncode == 0, first.stderr
    assert "migrated from an empty database to" in first.stdout
    second = pytake("migrate", "--data-dir", str(home))
    assert second.stdout.startswith("already at ")
    assert not (home / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize("role", sorted(cli.ROLES))
def test_a_role_without_services_says_what_to_do(role: str, tmp_path: Path) -> None:
    result = pytake(role, PYTAKE_DATA_DIR=str(tmp_path))
    assert result.returncode == 1
    assert "start ./pytake up first, or set DATABASE_URL" in result.stderr
    assert "Traceback" not in result.stderr


def test_help_lists_every_command() -> None:
    result = pytake("--help")
    for command in ("up", "test", "web", "worker", "outbox", "scheduler", "migrate", "doctor", "bench"):
        assert f"    {command} " in result.stdout


def test_a_relative_data_directory_counts_from_the_caller(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTAKE_CWD", str(tmp_path))
    options = cli.build_parser().parse_args(["up", "--data-dir", "mine"])
    assert options.data_dir == tmp_path / "mine"


def test_help_on_a_benchmark_measures_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[str] = []
    monkeypatch.setattr(inbox_distribution, "measure", lambda: measured.append("distribution") or 0)
    with pytest.raises(SystemExit) as ended:
        cli.main(["bench", "inbox", "--only", "distribution", "--help"])
    assert (ended.value.code, measured) == (0, [])
    assert "--conversations" in capsys.readouterr().out


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The programs that `test` ran; all of them succeed."""
    ran: list[list[str]] = []
    monkeypatch.setattr(checks, "_run", lambda command: ran.append(list(command)) or 0)
    # Asking the service of advisories takes seconds; test_audit.py is about that.
    monkeypatch.setattr(audit, "audit", lambda: audit.Audit("ok", "no known vulnerability"))
    monkeypatch.setattr(checks, "_front_end", lambda: True)
    monkeypatch.setattr(checks, "find_chromium", lambda: "/usr/bin/chromium")
    return ran


def test_arguments_go_to_pytest_alone(commands: list[list[str]]) -> None:
    assert cli.main(["test", "-k", "lock", "--maxfail=1"]) == 0
    assert commands == [[sys.executable, "-m", "pytest", "-k", "lock", "--maxfail=1"]]


def test_lint_types_and_tests_run_in_this_order(commands: list[list[str]]) -> None:
    assert cli.main(["test"]) == 0
    assert [command[2] for command in commands] == ["ruff", "mypy", "pytest"]


@pytest.mark.parametrize("broken", ["ruff", "mypy", "pytest"])
def test_any_failure_fails_the_command(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    monkeypatch.setattr(checks, "_run", lambda command: int(command[2] == broken))
    assert cli.main(["test"]) == 1


def test_missing_chromium_says_what_to_install(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checks, "find_chromium", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cli.main(["test"]) == 1
    assert "apt-get install chromium" in capsys.readouterr().err
    assert commands == []
