"""What operators and monitoring ask: API info, health, readiness, metrics."""

from __future__ import annotations

from typing import Any, Literal

import redis
import sqlalchemy.exc
from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import text

from pytake_app import __version__
from pytake_app.api.deps import ServicesDep
from pytake_app.api.services import Services
from pytake_app.core.errors import UnavailableError
from pytake_app.core.exposition import exposition

router = APIRouter(tags=["system"])

State = Literal["ok", "away"]


class Health(BaseModel):
    """Whether this process works, and what it depends on."""

    status: Literal["ok", "degraded"]
    version: str
    components: dict[str, State]


def api_info() -> dict[str, Any]:
    """What `GET /` tells an API client."""
    return {
        "name": "PyTake",
        "version": __version__,
        "api": "/api/v1",
        "documentation": "/docs",
        "reference": "/redoc",
        "openapi": "/openapi.json",
        "health": "/health",
    }


def component_states(services: Services) -> dict[str, State]:
    """Ask PostgreSQL and Redis for a sign of life."""
    return {"postgresql": _postgresql(services), "redis": _redis(services)}


def _postgresql(services: Services) -> State:
    try:
        with services.database.system_connection() as connection:
            connection.execute(text("SELECT 1"))
    except (UnavailableError, sqlalchemy.exc.SQLAlchemyError):
        return "away"
    return "ok"


def _redis(services: Services) -> State:
    try:
        services.redis.ping()
    except redis.RedisError:
        return "away"
    return "ok"


@router.get("/", include_in_schema=False)
def root() -> dict[str, Any]:
    """API info."""
    return api_info()


@router.get("/health")
def health(services: ServicesDep) -> Health:
    """Liveness: 200 while the process can answer, with the states of what it depends on."""
    components = component_states(services)
    good = all(state == "ok" for state in components.values())
    return Health(status="ok" if good else "degraded", version=__version__, components=components)


@router.get("/ready", responses={503: {"model": Health}})
def ready(services: ServicesDep, response: Response) -> Health:
    """Readiness: 200 when requests can be served, else 503."""
    result = health(services)
    if result.status != "ok":
        response.status_code = 503
        response.headers["Retry-After"] = "2"
    return result


@router.get("/metrics", include_in_schema=False)
def metrics() -> Response:
    """Prometheus metrics of this process; of all processes that share `PROMETHEUS_MULTIPROC_DIR` when it is set."""
    body, content_type = exposition()
    return Response(body, media_type=content_type)
