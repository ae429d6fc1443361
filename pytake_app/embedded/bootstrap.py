"""Makes ``.venv`` and installs ``requirements.txt`` when it changed. Run by the launcher with the machine's own python.

Standard library only, and no import of the application: nothing is installed yet when this runs.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

STAMP = "pytake-requirements"
MINIMUM = (3, 11)
# The interpreter behind a virtual environment: making an environment anew must not depend on the one it replaces.
BASE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)


class BootstrapError(RuntimeError):
    """The environment could not be made; the message says what to do."""


def fingerprint(requirements: Path, python_version: str) -> str:
    """What must be equal for an installed environment to be still right: the requirements and python's version."""
    digest = hashlib.sha256(requirements.read_bytes())
    digest.update(python_version.encode())
    return digest.hexdigest()


def is_current(root: Path) -> bool:
    """True when ``.venv`` works and holds what ``requirements.txt`` asks for now."""
    venv = root / ".venv"
    stamp = venv / STAMP
    try:
        recorded = stamp.read_text().split()
    except FileNotFoundError:
        return False
    if len(recorded) != 2 or not (venv / "bin" / "python").exists():  # a dangling link when python was removed
        return False
    return recorded[0] == fingerprint(root / "requirements.txt", recorded[1])


def ensure(root: Path, python: str = BASE_PYTHON) -> bool:
    """Make the environment current; true when something had to be done.

    Raises:
        BootstrapError: python's venv module is incomplete, or pip failed.
    """
    if is_current(root):
        return False
    with (root / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two first starts at once: the second waits and finds it done
        if is_current(root):
            return False
        _install(root, python)
    return True


def _install(root: Path, python: str) -> None:
    venv = root / ".venv"
    interpreter = venv / "bin" / "python"
    stamp = venv / STAMP
    stamp.unlink(missing_ok=True)
    if not (interpreter.exists() and (venv / "bin" / "pip").exists()):
        _make_venv(venv, python)
    requirements = root / "requirements.txt"
    count = sum(1 for line in requirements.read_text().splitlines() if line.strip() and not line.startswith("#"))
    _say(f"Installing {count} packages and what they need (the first time takes a minute or two)")
    started = time.monotonic()
    _pip(interpreter, requirements)
    version = subprocess.run(
        [str(interpreter), "-c", "import sys; print('.'.join(map(str, sys.version_info[:3])))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    stamp.write_text(f"{fingerprint(requirements, version)} {version}\n")
    _say(f"Installed in {time.monotonic() - started:.0f} s")


def _make_venv(venv: Path, python: str) -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise BootstrapError(
            "This python3 comes without venv/ensurepip. Install them and run the command again:\n"
            f"  Debian, Ubuntu:  apt-get install python{version}-venv\n"
            "  elsewhere:       your system's package for python's venv module"
        )
    _say(f"Making .venv with python {version}")
    if venv.exists():
        shutil.rmtree(venv)
    result = subprocess.run([python, "-m", "venv", str(venv)], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        shutil.rmtree(venv, ignore_errors=True)
        raise BootstrapError(
            f"python could not make .venv:\n{(result.stdout + result.stderr).strip()[-1500:]}\n"
            f"On Debian and Ubuntu this is usually mended by: apt-get install python{version}-venv"
        )


def _pip(interpreter: Path, requirements: Path) -> None:
    command = [str(interpreter), "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
               "--progress-bar", "off", "-r", str(requirements)]  # fmt: skip
    last: deque[str] = deque(maxlen=25)
    live = sys.stderr.isatty()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            last.append(line.rstrip())
            if live and line.startswith(("Collecting", "Installing")):
                sys.stderr.write(f"\r\x1b[K  {line.split(' (')[0].strip()[:76]}")
                sys.stderr.flush()
    if live:
        sys.stderr.write("\r\x1b[K")
    if process.returncode != 0:
        raise BootstrapError("Installing the requirements failed:\n  " + "\n  ".join(last))


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main() -> int:
    """Entry point of the launcher; the first argument is the repository's directory."""
    if sys.version_info[:2] < MINIMUM:
        _say("PyTake needs python 3.11 or newer")
        return 1
    # An account of its own runs PostgreSQL and must be able to read the programs.
    os.umask(os.umask(0o022) & ~0o055)
    try:
        ensure(Path(sys.argv[1]))
    except BootstrapError as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
