"""How handlers reach the domains: process-wide connections, and one transaction in a thread.

```python
flows = await in_tenant(who, flows_service.list_flows, limit=50)   # calls list_flows(session, limit=50)
```

The function runs in a worker thread (database code is synchronous), in one transaction that sees only the
caller's organization, committed when it returns.
"""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import Concatenate, ParamSpec, Protocol, TypeVar
from uuid import UUID

from sqlmodel import Session

from pytake_app.config import Settings, get_settings
from pytake_app.core.db import Database
from pytake_app.core.live import Live
from pytake_app.core.presence import Presence
from pytake_app.core.services import process_services

P = ParamSpec("P")
R = TypeVar("R")


class HasOrganization(Protocol):
    """Whoever belongs to an organization: a principal."""

    @property
    def organization_id(self) -> UUID:
        """The tenant."""


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings."""
    return get_settings()


@lru_cache(maxsize=1)
def database() -> Database:
    """The process's connection pools, shared with the API that runs beside the pages."""
    return process_services().database


@lru_cache(maxsize=1)
def live() -> Live:
    """The process's pokes."""
    return process_services().live


@lru_cache(maxsize=1)
def presence() -> Presence:
    """Who is at what, process-wide."""
    return process_services().presence


async def in_tenant(
    who: HasOrganization, fn: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Run `fn(session, …)` in a thread, in one transaction of the caller's organization.

    Raises:
        ProblemError: what the service raised; `UnavailableError` when the database is away.
    """

    def work() -> R:
        with database().tenant(who.organization_id) as session:
            return fn(session, *args, **kwargs)

    return await asyncio.to_thread(work)
