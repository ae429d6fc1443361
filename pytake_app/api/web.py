"""The pages' cookie session: native form posts that answer with a redirect, so that they work without any script.

A wrong input leads back to the page with `?error=<code>`. What was typed, never the password, goes along in a cookie
for a minute: addresses stand in logs of proxies and in browsers' histories.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import available_timezones

import orjson
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from pytake_app.accounts.attempts import DEVICE_LIFETIME
from pytake_app.accounts.challenges import LIFETIME as STEP_LIFETIME
from pytake_app.accounts.challenges import SecondStepError
from pytake_app.accounts.schemas import RegisterRequest
from pytake_app.accounts.service import WebSession
from pytake_app.api.deps import COOKIE, DEVICE_COOKIE, ServicesDep, client_of, is_same_origin, is_secure
from pytake_app.api.services import Services
from pytake_app.core.errors import ForbiddenError, ProblemError

router = APIRouter(prefix="/auth/web", include_in_schema=False)

STEP_COOKIE = "pytake_step"
FORM_COOKIE = "pytake_form"
"""What was typed into a form that was not accepted, as a JSON object in percent-encoding; read by the pages' state."""
FORM_SECONDS = 60
Text = Annotated[str, Form(max_length=1024)]


def safe_next(target: str, default: str) -> str:
    """`target` if it is a path on this site, else `default`; browsers read `//host` and `/\\host` as other hosts."""
    if not target.startswith("/") or target.startswith("//") or "\\" in target:
        return default
    if any(ord(character) < 0x20 for character in target):
        return default
    parts = urlsplit(target)
    return default if parts.scheme or parts.netloc else target


def require_own_form(request: Request, services: Services) -> None:
    """Refuse a form that another site's page sent.

    Raises:
        ForbiddenError: `csrf`.
    """
    if not is_same_origin(request, services.settings.public_url):
        raise ForbiddenError("This form was sent from another site.", code="csrf")


def signed_in(request: Request, services: Services, session: WebSession, target: str) -> RedirectResponse:
    """Go on with a new session."""
    response = RedirectResponse(target, status_code=303)
    set_session_cookies(response, request, services, session)
    return response


def set_session_cookies(response: Response, request: Request, services: Services, session: WebSession) -> None:
    """Give a browser its new session, and the cookie by which it is known to the account from now on."""
    secure = is_secure(request, services.settings.public_url)
    response.set_cookie(
        COOKIE, session.token, max_age=session.max_age, path="/", httponly=True, samesite="lax", secure=secure
    )
    response.set_cookie(
        DEVICE_COOKIE,
        services.accounts.attempts.device_cookie(session.principal.email, request.cookies.get(DEVICE_COOKIE, "")),
        max_age=int(DEVICE_LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=secure,
    )


def back(
    request: Request, services: Services, page: str, error: str, *, onward: str = "", **typed: str
) -> RedirectResponse:
    """Back to the page whose form was not accepted.

    Parameters:
        onward: where the person was heading.
        typed: to be filled in again; never a password.
    """
    query = {"error": error, **({"next": onward} if onward else {})}
    response = RedirectResponse(f"{page}?{urlencode(query)}", status_code=303)
    remember(response, request, services, **typed)
    return response


def remember(response: Response, request: Request, services: Services, **typed: str) -> None:
    """Have the page that the answer leads to filled in with what was typed."""
    kept = {name: value for name, value in typed.items() if value}
    if kept:
        response.set_cookie(
            FORM_COOKIE,
            quote(orjson.dumps(kept), safe=""),
            max_age=FORM_SECONDS,
            path="/",
            httponly=True,
            samesite="strict",
            secure=is_secure(request, services.settings.public_url),
        )


def second_step(request: Request, services: Services, step: SecondStepError, target: str) -> RedirectResponse:
    """Go on to the second step of signing in; what it is about stays in a cookie of the form's own."""
    page = "/login/code" if step.purpose == "verify" else "/login/setup"
    response = RedirectResponse(f"{page}?{urlencode({'next': target})}" if target else page, status_code=303)
    response.set_cookie(
        STEP_COOKIE,
        step.token,
        max_age=int(STEP_LIFETIME.total_seconds()),
        path="/auth/web",
        httponly=True,
        samesite="strict",
        secure=is_secure(request, services.settings.public_url),
    )
    return response


def _clear(response: RedirectResponse) -> RedirectResponse:
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return response


@router.post("/register")
def register(
    request: Request,
    services: ServicesDep,
    email: Text = "",
    password: Text = "",
    full_name: Text = "",
    organization_name: Text = "",
    locale: Text = "pt_BR",
    time_zone: Text = "",
    next: Text = "",  # noqa: A002  # the form field's name
) -> RedirectResponse:
    """Create an organization, sign in, go to the first steps."""
    require_own_form(request, services)
    typed = {"email": email[:320], "full_name": full_name[:120], "organization_name": organization_name[:120]}
    try:
        body = RegisterRequest.model_validate(
            {
                "email": email,
                "password": password,
                "full_name": full_name,
                "organization_name": organization_name or None,
                "locale": locale if locale in ("pt_BR", "en", "es") else "pt_BR",
                "time_zone": time_zone if time_zone in available_timezones() else None,
            }
        )
        session = services.accounts.register_web(body, client_of(request))
    except ValidationError as error:
        wrong = error.errors()[0]["loc"]
        code = f"{wrong[0] if wrong else 'input'}_invalid"
        return back(request, services, "/register", code, onward=next, **typed)
    except ProblemError as error:
        return back(request, services, "/register", error.code, onward=next, **typed)
    return signed_in(request, services, session, safe_next(next, "/start"))


@router.post("/login")
def login(
    request: Request,
    services: ServicesDep,
    email: Text = "",
    password: Text = "",
    next: Text = "",  # noqa: A002  # the form field's name
) -> RedirectResponse:
    """Sign in and go on to where the person was heading."""
    require_own_form(request, services)
    try:
        session = services.accounts.login_web(email, password, client_of(request))
    except SecondStepError as step:
        return second_step(request, services, step, safe_next(next, ""))
    except ProblemError as error:
        return back(request, services, "/login", error.code, onward=next, email=email[:320])
    return signed_in(request, services, session, safe_next(next, "/inbox"))


@router.post("/logout")
def logout(request: Request, services: ServicesDep) -> RedirectResponse:
    """End this browser's session."""
    require_own_form(request, services)
    who = services.accounts.resolve_cookie(request.cookies.get(COOKIE, ""))
    if who is not None:
        services.accounts.logout(who, client_of(request))
    return _clear(RedirectResponse("/login", status_code=303))


@router.post("/logout-everywhere")
def logout_everywhere(request: Request, services: ServicesDep) -> RedirectResponse:
    """End the person's sessions on every device."""
    require_own_form(request, services)
    who = services.accounts.resolve_cookie(request.cookies.get(COOKIE, ""))
    if who is not None:
        services.accounts.logout_everywhere(who, client_of(request))
    return _clear(RedirectResponse("/login", status_code=303))
