"""`up` as a whole: it heals, it stops in time, its data outlives it, and it starts quickly the second time."""

import os
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

from tests.product import ROOT, Product
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.chaos, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def product(second_app: Product) -> Product:
    """Nobody needs it any more: its processes get killed."""
    return second_app


def test_prints_the_address_and_the_first_steps(product: Product) -> None:
    assert f"PyTake is running at {product.url}" in product.console
    assert "make an account" in product.console
    assert "sandbox phone" in product.console


def test_everything_is_on_one_port(product: Product) -> None:
    for path in ("/", "/health", "/ready", "/metrics", "/docs", "/openapi.json"):
        with urllib.request.urlopen(product.url + path, timeout=10) as response:
            assert response.status == 200, path


def test_second_up_is_refused_with_pid_and_address(product: Product) -> None:
    assert product.process is not None
    result = subprocess.run(
        [sys.executable, "-m", "pytake_app", "up", "--data-dir", str(product.data_dir)],
        cwd=ROOT,
        env={**os.environ, "ENVIRONMENT": "test", "DATABASE_URL": "", "REDIS_URL": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert f"process {product.process.pid}, {product.url}" in result.stderr
    assert product.ready()


@pytest.mark.parametrize("role", ["worker", "outbox", "scheduler", "granian", "redis-server", "postgres"])
def test_killed_process_comes_back(product: Product, role: str) -> None:
    before = {process.pid for process in product.role(role)}
    assert len(before) == 1
    psutil.Process(before.pop()).kill()
    wait_until(
        lambda: [p for p in product.role(role) if p.pid not in before and p.status() != psutil.STATUS_ZOMBIE],
        timeout=40,
        message=f"{role} runs again",
    )
    wait_until(product.ready, timeout=40, message="ready again")


def test_stop_is_quick_complete_and_keeps_the_data(product: Product) -> None:
    wait_until(product.ready, timeout=30)
    pids = product.pids()
    assert len(pids) > 5
    started = time.monotonic()
    assert product.stop() == 0
    assert time.monotonic() - started < 10
    wait_until(lambda: not any(_alive(pid) for pid in pids), timeout=5, message="no process is left")
    started = time.monotonic()
    product.start()
    assert time.monotonic() - started < 60  # ten seconds on a machine that has nothing else to do
    log = (product.data_dir / "logs" / "postgres.log").read_text()
    assert "not properly shut down" not in log.rsplit("received fast shutdown request", 1)[-1]


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
