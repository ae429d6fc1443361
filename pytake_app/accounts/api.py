"""Endpoints of accounts."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from pytake_app.accounts.schemas import (
    LoginRequest,
    LogoutRequest,
    MeAnswer,
    RefreshRequest,
    RegisterRequest,
    TokenAnswer,
)
from pytake_app.api.deps import CurrentPrincipal, ServicesDep, client_of

router = APIRouter(tags=["auth"])


@router.post("/auth/register", status_code=201)
def register(body: RegisterRequest, request: Request, services: ServicesDep) -> TokenAnswer:
    """Create an organization and its first administrator."""
    return services.accounts.register(body, client_of(request))


@router.post("/auth/login")
def login(body: LoginRequest, request: Request, services: ServicesDep) -> TokenAnswer:
    """Sign in.

    Where a second step is needed the answer is 401 with a `challenge_token`: `totp_required` goes on at
    `/auth/totp/verify`, `totp_setup_required` at `/auth/totp/enroll`.
    """
    return services.accounts.login(body.email, body.password, client_of(request))


@router.post("/auth/refresh")
def refresh(body: RefreshRequest, request: Request, services: ServicesDep) -> TokenAnswer:
    """Exchange a refresh token for a new pair. Each is good once; a second use ends the session."""
    return services.accounts.refresh(body.refresh_token, client_of(request))


@router.post("/auth/logout", status_code=204)
def logout(
    who: CurrentPrincipal, request: Request, services: ServicesDep, body: LogoutRequest | None = None
) -> Response:
    """End this session."""
    services.accounts.logout(who, client_of(request))
    if body is not None and body.refresh_token:
        services.accounts.logout_by_refresh_token(body.refresh_token)
    return Response(status_code=204)


@router.post("/auth/logout-everywhere", status_code=204)
def logout_everywhere(who: CurrentPrincipal, request: Request, services: ServicesDep) -> Response:
    """End every session of the caller, on every device."""
    services.accounts.logout_everywhere(who, client_of(request))
    return Response(status_code=204)


@router.get("/auth/me")
def me(who: CurrentPrincipal, services: ServicesDep) -> MeAnswer:
    """Who is asking."""
    return services.accounts.me(who)
