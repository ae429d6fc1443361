"""Known vulnerabilities of the packages in requirements.txt, as part of `./pytake test` (pip-audit)."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pytake_app.embedded.environment import ROOT

TIMEOUT = 90.0
"""Seconds for the whole look-up; a service that can't be reached is noticed within a few of them."""
_REQUEST_TIMEOUT = "4"
Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True, slots=True)
class Audit:
    """What came of it: `skipped` when the service of advisories couldn't be asked."""

    verdict: Literal["ok", "found", "skipped"]
    sentence: str
    findings: tuple[str, ...] = ()


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(command), cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL, check=False
    )


def audit(run: Run = _run) -> Audit:
    """Ask for known vulnerabilities of the pinned packages. Never raises: what can't be asked is said.

    Parameters:
        run: performs a command; for tests.
    """
    if importlib.util.find_spec("pip_audit") is None:
        return Audit("skipped", "pip-audit is not installed")
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", "requirements.txt", "--no-deps", "--disable-pip",
        "--format", "json", "--progress-spinner", "off", "--timeout", _REQUEST_TIMEOUT,
    ]  # fmt: skip
    try:
        result = run(command)
    except (OSError, subprocess.TimeoutExpired):
        return Audit("skipped", "the service of advisories did not answer in time")
    try:
        packages = json.loads(result.stdout)["dependencies"]
        asked = [package for package in packages if "skip_reason" not in package]
        findings = tuple(
            f"{package['name']} {package['version']}: {found['id']}"
            + (f", mended in {', '.join(found['fix_versions'])}" if found.get("fix_versions") else "")
            for package in asked
            for found in package.get("vulns", ())
        )
    except (ValueError, KeyError, TypeError):
        lines = result.stderr.strip().splitlines()
        return Audit("skipped", f"the service of advisories can't be asked ({_short(lines[-1] if lines else '')})")
    if not asked:
        return Audit("skipped", "the service of advisories knows none of the packages: a mirror without advisories")
    if findings:
        return Audit("found", f"{len(findings)} known vulnerabilities", findings)
    return Audit("ok", f"no known vulnerability in {len(asked)} packages")


def _short(line: str) -> str:
    return re.sub(r"https?://\S+", "…", line)[:160] or "no answer"


def licenses() -> list[tuple[str, str]]:
    """(package, licence) of what requirements.txt names, as the packages say themselves; for `./pytake licenses`."""
    found = []
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        name = re.split(r"[\[=<>~ ]", line.strip(), maxsplit=1)[0]
        if not name or name.startswith("#"):
            continue
        try:
            about = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            found.append((name, "not installed"))
            continue
        classifiers = [c.rpartition(" :: ")[2] for c in about.get_all("Classifier") or () if c.startswith("License ::")]
        said = [str(about[field]) for field in ("License-Expression", "License") if field in about]
        first = (said or [""])[0].splitlines()[:1]
        best = said[0] if "License-Expression" in about else ", ".join(classifiers) or "".join(first) or "unknown"
        found.append((f"{name} {about['Version']}", best))
    return sorted(found, key=lambda one: one[0].lower())
