"""Fixtures of stand-ins for outside services."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.support.graph_stub import GraphStub


@pytest_asyncio.fixture
async def graph_stub() -> AsyncIterator[GraphStub]:
    """A loopback Graph API on the test's own event loop."""
    async with GraphStub() as stub:
        yield stub


@pytest.fixture
def graph_stub_thread() -> Iterator[GraphStub]:
    """A loopback Graph API in a thread of its own, for code that blocks or runs in other processes."""
    with GraphStub.in_thread() as stub:
        yield stub
