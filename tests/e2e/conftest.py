"""Fixtures of the end-to-end tests: one running product for all of them.

``running_app`` is a started ``tests.product.Product`` (``.url``, ``.console``, ``.logs()``). Tests share it and keep
apart by registering an organization of their own. ``page`` and ``browser`` come from ``tests/conftest.py``.

``second_app`` is another one, with its first administrator and first number from the environment (``FIRST`` in
``browsing.py``) and one worker; Meta's side is ``graph``. `test_up.py`, which comes last, kills its processes.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import FIRST
from tests.product import Product
from tests.support.graph_stub import GraphStub

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
    yield from _running({})


@pytest.fixture(scope="session")
def graph() -> Iterator[GraphStub]:
    """Meta's side, for ``second_app``."""
    with GraphStub.in_thread() as stub:
        yield stub


@pytest.fixture(scope="session")
def second_app(graph: GraphStub) -> Iterator[Product]:
    """A product with its first administrator and first number from the environment."""
    yield from _running(
        {
            "WORKERS": "1",
            "PYTAKE_ADMIN_EMAIL": FIRST.email,
            "PYTAKE_ADMIN_PASSWORD": FIRST.password,
            "WHATSAPP_PHONE_NUMBER_ID": FIRST.number,
            "WHATSAPP_BUSINESS_ACCOUNT_ID": FIRST.business_account,
            "WHATSAPP_ACCESS_TOKEN": "token-of-the-story",
            "WHATSAPP_APP_SECRET": FIRST.app_secret,
            "WHATSAPP_WEBHOOK_VERIFY_TOKEN": FIRST.verify_token,
            "WHATSAPP_API_BASE_URL": graph.base_url,
        }
    )


def _running(variables: dict[str, str]) -> Iterator[Product]:
    folder = Path(tempfile.mkdtemp(prefix="pytake-e2e-"))
    folder.chmod(0o711)
    product = Product(folder, variables)
    product.start()
    yield product
    product.stop()
    shutil.rmtree(folder, ignore_errors=True)
