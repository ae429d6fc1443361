"""Swagger UI and ReDoc, with their scripts served from here (shipped by the package `fastapi-offline`)."""

from __future__ import annotations

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from pytake_app.core.pagepolicy import script_hashes

STATIC_URL = "/static/docs"
_STATIC = Path(fastapi_offline.__file__).parent / "static"
# ReDoc's bundle names a logo on an outside host: only our own origin is let through. Both write styles of their own.
_POLICY = (
    "default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src blob:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)


# Functions of the module, not of an application: FastAPI remembers those it has looked at, and all they hold.
_router = APIRouter()


@_router.get("/docs", include_in_schema=False)
async def swagger(request: Request) -> HTMLResponse:
    """Swagger UI."""
    return _page(
        get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=f"{request.app.title} API",
            swagger_js_url=f"{STATIC_URL}/swagger-ui-bundle.js",
            swagger_css_url=f"{STATIC_URL}/swagger-ui.css",
            swagger_favicon_url="/favicon.ico",
            swagger_ui_parameters={"persistAuthorization": False, "docExpansion": "none"},
        )
    )


@_router.get("/redoc", include_in_schema=False)
async def redoc(request: Request) -> HTMLResponse:
    """ReDoc."""
    return _page(
        get_redoc_html(
            openapi_url="/openapi.json",
            title=f"{request.app.title} API",
            redoc_js_url=f"{STATIC_URL}/redoc.standalone.js",
            redoc_favicon_url="/favicon.ico",
            with_google_fonts=False,
        )
    )


def install(app: FastAPI) -> None:
    """Add `/docs`, `/redoc` and their static files."""
    app.mount(STATIC_URL, StaticFiles(directory=_STATIC), name="docs-static")
    app.include_router(_router)


def _page(response: HTMLResponse) -> HTMLResponse:
    scripts = " ".join(script_hashes(bytes(response.body)))
    response.headers["Content-Security-Policy"] = _POLICY.format(scripts=scripts)
    return response
