"""What a web process does once before anybody asks, so that the first person doesn't wait for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.routing import BaseRoute

from pytake_app.api.services import Services
from pytake_app.core.errors import ProblemError
from pytake_app.core.tenancy import Principal, Role
from pytake_app.flows import service as flows
from pytake_app.flows.listing import Filters

log = structlog.get_logger(__name__)
_NOBODY = Principal(user_id=UUID(int=0), organization_id=UUID(int=0), role=Role.VIEWER, session_id=UUID(int=0))
"""Somebody of an organization that doesn't exist: row-level security shows them nothing."""


def warm(services: Services, routes: Sequence[BaseRoute] = ()) -> None:
    """Work out what the operations take, open a connection, configure the mappers and compile the statements of the
    list of flows, the page that most people open first. Blocking; without a database it says so in the log and leaves
    it to the first request.

    Parameters:
        routes: of the application.
    """
    began = time.perf_counter()
    for route in routes:  # FastAPI looks into an included router when it is first asked
        route.matches({"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []})
    try:
        with services.database.tenant(_NOBODY.organization_id) as session:
            flows.list_flows(session, _NOBODY, where=Filters(), figures=True, clock=services.clock)
    except (SQLAlchemyError, ProblemError) as error:
        log.info("not_warmed", error=type(error).__name__)
        return
    log.info("warmed", milliseconds=round((time.perf_counter() - began) * 1000))
