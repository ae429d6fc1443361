"""`./pytake test`: everything the tests need is fetched or made by itself; lint and types are part of the verdict."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pytake_app.embedded.environment import ROOT

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_APT_TIMEOUT = 900
# Two processes, each with a PostgreSQL and a Redis of its own: while one waits for a browser the other computes.
_AT_ONCE = ("--numprocesses=2", "--dist=loadscope", "--no-loadscope-reorder")


def find_chromium() -> str | None:
    """Path of a Chromium: ``PYTAKE_CHROMIUM`` or one of the usual names on PATH."""
    given = os.environ.get("PYTAKE_CHROMIUM")
    if given:
        return given if Path(given).exists() else None
    return next((found for found in map(shutil.which, CHROMIUM_NAMES) if found), None)


def run_tests(arguments: Sequence[str]) -> int:
    """Run lint, types and all tests, or, with arguments, pytest alone on them. Returns the exit status."""
    os.environ["ENVIRONMENT"] = "test"
    if any(argument in ("-h", "--help") for argument in arguments):
        return _run([sys.executable, "-m", "pytest", "--help"])
    if arguments:
        return _run([sys.executable, "-m", "pytest", *arguments])
    if not _ensure_chromium():
        return 1
    with ThreadPoolExecutor(1) as beside:
        # mypy has one core to itself, and the audit waits for an answer: the front end is built meanwhile.
        reading = beside.submit(_read_only_checks)
        built = _front_end()
    failed = reading.result()
    if not built:
        failed.append("front end")
    status = _run([sys.executable, "-m", "pytest", *_AT_ONCE])
    if failed:
        print(f"failed before the tests: {', '.join(failed)} (see above)", file=sys.stderr, flush=True)
        return status or 1
    return status


def _read_only_checks() -> list[str]:
    """What only reads the sources: lint, types, the audit of dependencies. Returns the names of those that failed."""
    commands = {"ruff": ["check", "."], "mypy": []}
    failed = [name for name, arguments in commands.items() if not _step(name, [sys.executable, "-m", name, *arguments])]
    if not _audit():
        failed.append("dependency audit")
    return failed


def _run(command: Sequence[str]) -> int:
    sys.stdout.flush()
    return subprocess.run(list(command), cwd=ROOT, check=False).returncode


def _step(name: str, command: Sequence[str]) -> bool:
    started = time.monotonic()
    status = _run(command)
    print(f"{name}: {'ok' if status == 0 else 'FAILED'} ({time.monotonic() - started:.1f} s)", flush=True)
    return status == 0


def _audit() -> bool:
    from pytake_app.embedded.audit import audit

    started = time.monotonic()
    found = audit()
    print(f"dependency audit: {found.verdict}, {found.sentence} ({time.monotonic() - started:.1f} s)", flush=True)
    for line in found.findings:
        print(f"  {line}", file=sys.stderr, flush=True)
    return found.verdict != "found"


def _front_end() -> bool:
    from pytake_app.config import get_settings
    from pytake_app.embedded.up import prepare_front_end

    started = time.monotonic()
    try:
        prepare_front_end(get_settings(), lambda line: print(f"  {line}", flush=True))
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"front end: FAILED\n{error}", file=sys.stderr, flush=True)
        return False
    print(f"front end: ok ({time.monotonic() - started:.1f} s)", flush=True)
    return True


def _ensure_chromium() -> bool:
    if find_chromium():
        return True
    wanted = (
        "The browser tests need Chromium, which was not found. Install it and run the command again:\n"
        "  Debian:    apt-get install chromium\n"
        "  Fedora:    dnf install chromium\n"
        "  elsewhere: any Chromium or Chrome, named by PYTAKE_CHROMIUM=/path/to/it\n"
        "Tests without a browser:  ./pytake test -m 'not e2e'"
    )
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(wanted, file=sys.stderr)
        return False
    print("Installing Chromium for the browser tests", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"]
    for command in (["apt-get", "update", "-q"], install):
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_APT_TIMEOUT, check=False
        )
        if result.returncode != 0:
            print(f"{' '.join(command)} failed:\n{(result.stderr or result.stdout)[-1500:]}", file=sys.stderr)
            if command is install:
                print(wanted, file=sys.stderr)
                return False
    return find_chromium() is not None
