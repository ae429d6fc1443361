"""Fixtures of the end-to-end tests: one running product for all of them.

``running_app`` is a started ``tests.product.Product`` (``.url``, ``.console``, ``.logs()``). Tests share it and keep
apart by registering an organization of their own. ``page`` and ``browser`` come from ``tests/conftest.py``.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.product import Product

_HERE = Path(__file__).parent

# Two tests share two cores, and a build machine may be slower still: what comes is waited for, however long it takes.
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this directory is an end-to-end test."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def running_app() -> Iterator[Product]:
    """The whole product, started as `./pytake up` does, on a free port with an empty data directory."""
    folder = Path(tempfile.mkdtemp(prefix="pytake-e2e-"))
    folder.chmod(0o711)
    product = Product(folder)
    product.start()
    yield product
    product.stop()
    shutil.rmtree(folder, ignore_errors=True)
