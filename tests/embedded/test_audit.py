"""Known vulnerabilities fail the tests; a service that can't be asked doesn't, and doesn't hold them up."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from pytake_app.embedded import audit as module
from pytake_app.embedded import checks
from pytake_app.embedded.audit import Audit, audit, licenses


def answering(packages: Any = None, *, stderr: str = "", status: int = 0) -> Any:
    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        assert "--timeout" in command
        stdout = "" if packages is None else json.dumps({"dependencies": packages, "fixes": []})
        return subprocess.CompletedProcess(list(command), status, stdout, stderr)

    return run


SOUND = {"name": "one", "version": "1.0", "vulns": []}
HOLED = {"name": "two", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}, {"id": "CVE-2"}]}


def test_known_vulnerabilities_are_named() -> None:
    found = audit(answering([SOUND, HOLED], status=1))
    assert found.verdict == "found"
    assert found.findings == ("two 2.0: PYSEC-1, mended in 2.1", "two 2.0: CVE-2")


def test_none_known() -> None:
    assert audit(answering([SOUND])) == Audit("ok", "no known vulnerability in 1 packages")


@pytest.mark.parametrize(
    ("run", "part"),
    [
        (answering(stderr="ERROR:pip_audit: ConnectionError: https://advisories.example/x"), "can't be asked"),
        (answering([{"name": "one", "skip_reason": "not found"}]), "knows none"),
        (answering([]), "knows none"),
    ],
)
def test_what_cannot_be_asked_is_said(run: Any, part: str) -> None:
    found = audit(run)
    assert found.verdict == "skipped"
    assert part in found.sentence
    assert "http" not in found.sentence


def test_a_service_that_hangs_is_given_up() -> None:
    def hangs(command: Sequence[str]) -> Any:
        raise subprocess.TimeoutExpired(list(command), module.TIMEOUT)

    assert audit(hangs).verdict == "skipped"
    assert module.TIMEOUT <= 120


@pytest.mark.parametrize(("verdict", "passes"), [("ok", True), ("skipped", True), ("found", False)])
def test_the_test_command_fails_for_findings_only(
    monkeypatch: pytest.MonkeyPatch, verdict: Any, *, passes: bool
) -> None:
    monkeypatch.setattr(module, "audit", lambda: Audit(verdict, "because", ("x",)))
    assert checks._audit() is passes


def test_every_package_says_its_licence() -> None:
    found = dict(licenses())
    assert len(found) > 40
    assert all(licence for licence in found.values())
    assert "not installed" not in found.values()
