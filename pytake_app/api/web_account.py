"""The rest of the signed-out pages' forms: second step, forgotten password, invitation. As `api/web.py`."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import ValidationError

from pytake_app.accounts.challenges import SecondStepError
from pytake_app.accounts.security_schemas import InvitationAccept, TotpSetup
from pytake_app.api.deps import ServicesDep, client_of
from pytake_app.api.web import (
    STEP_COOKIE,
    Text,
    back,
    remember,
    require_own_form,
    safe_next,
    second_step,
    set_session_cookies,
    signed_in,
)
from pytake_app.core.errors import ProblemError

router = APIRouter(prefix="/auth/web", include_in_schema=False)


def _forget_step(response: RedirectResponse | JSONResponse) -> None:
    response.delete_cookie(STEP_COOKIE, path="/auth/web", httponly=True, samesite="strict")


@router.post("/totp")
def verify(
    request: Request,
    services: ServicesDep,
    code: Text = "",
    next: Text = "",  # noqa: A002  # the form field's name
) -> RedirectResponse:
    """Step two of signing in: a code."""
    require_own_form(request, services)
    token = request.cookies.get(STEP_COOKIE, "")
    try:
        session = services.second_steps.verify_web(token, code, client_of(request))
    except ProblemError as error:
        if error.code == "challenge_invalid":
            return back(request, services, "/login", error.code, onward=next)
        return back(request, services, "/login/code", error.code, onward=next)
    response = signed_in(request, services, session, safe_next(next, "/inbox"))
    _forget_step(response)
    return response


@router.post("/enroll/begin")
def begin_enrolment(request: Request, services: ServicesDep) -> TotpSetup:
    """What the authenticator app of somebody needs who may not sign in without a second factor."""
    require_own_form(request, services)
    return TotpSetup.model_validate(services.second_steps.begin(request.cookies.get(STEP_COOKIE, "")))


@router.post("/enroll")
def enroll(request: Request, services: ServicesDep, code: Text = "") -> JSONResponse:
    """Turn the new second factor on, and sign in. The page shows the recovery codes before it goes on."""
    require_own_form(request, services)
    codes, session = services.second_steps.enroll_web(request.cookies.get(STEP_COOKIE, ""), code, client_of(request))
    response = JSONResponse({"recovery_codes": codes}, headers={"Cache-Control": "no-store"})
    set_session_cookies(response, request, services, session)
    _forget_step(response)
    return response


@router.post("/forgot")
def forgot(request: Request, services: ServicesDep, background: BackgroundTasks, email: Text = "") -> RedirectResponse:
    """Mail a link that sets a new password; the same answer whether there is such an account or not."""
    require_own_form(request, services)
    try:
        services.password_resets.count(email[:320], client_of(request))
    except ProblemError as error:
        return back(request, services, "/forgot", error.code, email=email[:320])
    background.add_task(services.password_resets.send, email[:320], client_of(request))
    response = RedirectResponse("/forgot?done=sent", status_code=303)
    response.background = background
    return response


@router.post("/reset")
def reset(request: Request, services: ServicesDep, token: Text = "", password: Text = "") -> RedirectResponse:
    """Set a new password by a mailed link."""
    require_own_form(request, services)
    try:
        email = services.password_resets.reset(token[:200], password, client_of(request))
    except ProblemError as error:
        page = f"/reset/{quote(token[:200], safe='')}" if error.code != "reset_invalid" else "/forgot"
        return back(request, services, page, error.code)
    response = RedirectResponse("/login?done=password_reset", status_code=303)
    remember(response, request, services, email=email)
    return response


@router.post("/invitation")
def join(
    request: Request,
    services: ServicesDep,
    token: Text = "",
    full_name: Text = "",
    password: Text = "",
    locale: Text = "",
) -> RedirectResponse:
    """Join an organization, and sign in."""
    require_own_form(request, services)
    page = f"/invite/{quote(token[:200], safe='')}"
    try:
        body = InvitationAccept.model_validate(
            {
                "token": token,
                "full_name": full_name,
                "password": password,
                "locale": locale if locale in ("pt_BR", "en", "es") else None,
            }
        )
        email = services.joining.accept(body, client_of(request))
    except ValidationError as error:
        wrong = error.errors()[0]["loc"]
        return back(request, services, page, f"{wrong[0] if wrong else 'input'}_invalid")
    except ProblemError as error:
        return back(request, services, page, error.code)
    try:
        session = services.accounts.login_web(email, password, client_of(request))
    except SecondStepError as step:
        return second_step(request, services, step, "")
    except ProblemError as error:
        return back(request, services, "/login", error.code, email=email)
    return signed_in(request, services, session, "/inbox")
