"""`up` that cannot go on says why in a sentence and ends with status 1, before anything is started."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pytake_app.embedded.environment import development_secret
from pytake_app.embedded.lock import AlreadyRunning, InstanceLock

ROOT = Path(__file__).resolve().parents[2]


def up(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytake_app", "up", *arguments],
        cwd=ROOT,
        env={**os.environ, "ENVIRONMENT": "development", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_second_up_on_the_same_data_directory(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lock = InstanceLock(tmp_path, "http://127.0.0.1:4321").acquire()
    try:
        result = up("--data-dir", str(tmp_path), "--port", str(port))
    finally:
        lock.release()
    assert result.returncode == 1
    assert "PyTake is already running on the data directory" in result.stderr
    assert f"process {os.getpid()}, http://127.0.0.1:4321" in result.stderr
    assert not (tmp_path / "postgres").exists()


def test_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    first = InstanceLock(tmp_path, "http://one").acquire()
    with pytest.raises(AlreadyRunning) as caught:
        InstanceLock(tmp_path, "http://two").acquire()
    assert (caught.value.pid, caught.value.address) == (os.getpid(), "http://one")
    first.release()
    InstanceLock(tmp_path, "http://two").acquire().release()


def test_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = up("--data-dir", str(tmp_path), "--port", str(port))
    assert result.returncode == 1
    assert f"Port {port} on 127.0.0.1 is in use" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "postgres").exists()


def test_production_without_a_secret_is_refused(tmp_path: Path) -> None:
    result = up("--data-dir", str(tmp_path), ENVIRONMENT="production", SECRET_KEY="")
    assert result.returncode == 2
    assert "SECRET_KEY must be set" in result.stderr
    assert "Traceback" not in result.stderr


def test_bad_port_is_refused() -> None:
    result = up("--port", "99999")
    assert result.returncode == 2
    assert "99999 is not a port" in result.stderr


def test_development_secret_is_made_once_and_private(tmp_path: Path) -> None:
    first = development_secret(tmp_path)
    assert len(first) >= 48
    assert development_secret(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
