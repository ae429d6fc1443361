"""Endpoints of passwords, second factors and sign-ins."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Request, Response

from pytake_app.accounts import passwords
from pytake_app.accounts.schemas import TokenAnswer
from pytake_app.accounts.security_schemas import (
    ChallengeCode,
    ChallengeRequest,
    CodeOnly,
    ConfirmedEmail,
    EmailChange,
    EmailState,
    EmailToken,
    EnrollAnswer,
    ForgotRequest,
    PasswordAndCode,
    PasswordChange,
    PasswordOnly,
    RecoveryCodes,
    ResetRequest,
    SecurityUpdate,
    SecurityView,
    SignInView,
    StrengthRequest,
    StrengthView,
    TotpSetup,
)
from pytake_app.api.deps import CurrentPrincipal, ServicesDep, client_of
from pytake_app.core.pagination import Page

router = APIRouter(prefix="/auth", tags=["auth"])


# -- for nobody in particular -----------------------------------------------------------------------------------------


@router.post("/password/forgot", status_code=202, response_class=Response)
def forgot_password(
    body: ForgotRequest, request: Request, services: ServicesDep, background: BackgroundTasks
) -> Response:
    """Mail a link that sets a new password. The answer is the same whether there is such an account or not."""
    services.password_resets.count(body.email, client_of(request))
    # After the answer, so that its time doesn't tell either.
    background.add_task(services.password_resets.send, body.email, client_of(request))
    return Response(status_code=202, background=background)


@router.post("/password/reset", status_code=204)
def reset_password(body: ResetRequest, request: Request, services: ServicesDep) -> Response:
    """Set a new password by a mailed link; every session ends. 409 `reset_invalid` for a link that is no good."""
    services.password_resets.reset(body.token, body.password, client_of(request))
    return Response(status_code=204)


@router.post("/password/strength")
def password_strength(body: StrengthRequest) -> StrengthView:
    """How hard a password is to guess, and whether it would be accepted. Nothing is kept."""
    score, code = passwords.judge(body.password, email=body.email, name=body.name)
    return StrengthView(score=score, code=code)


@router.post("/email/confirm")
def confirm_email(body: EmailToken, request: Request, services: ServicesDep) -> ConfirmedEmail:
    """Confirm an address by a mailed link. 409 `confirmation_invalid` for a link that is no good."""
    return ConfirmedEmail(email=services.email_confirmations.confirm(body.token, client_of(request)))


@router.post("/totp/verify")
def verify_second_factor(body: ChallengeCode, request: Request, services: ServicesDep) -> TokenAnswer:
    """Step two of a sign-in: a code of the app, or a recovery code. 401 `challenge_invalid`, 422 `code_invalid`."""
    return services.second_steps.verify(body.challenge_token, body.code, client_of(request))


@router.post("/totp/enroll")
def enroll_second_factor(body: ChallengeRequest, services: ServicesDep) -> TotpSetup:
    """Step two of a sign-in where a second factor is required and there is none yet: what the app needs."""
    return TotpSetup.model_validate(services.second_steps.begin(body.challenge_token))


@router.post("/totp/enroll/confirm")
def confirm_enrolment(body: ChallengeCode, request: Request, services: ServicesDep) -> EnrollAnswer:
    """Turn the new second factor on by a first code, and sign in."""
    codes, answer = services.second_steps.enroll(body.challenge_token, body.code, client_of(request))
    return EnrollAnswer(**dict(answer), recovery_codes=codes)


# -- one's own --------------------------------------------------------------------------------------------------------


@router.get("/security")
def security(who: CurrentPrincipal, services: ServicesDep) -> SecurityView:
    """The caller's password and second factor."""
    return services.own_security.view(who)


@router.patch("/security")
def update_security(body: SecurityUpdate, who: CurrentPrincipal, services: ServicesDep) -> SecurityView:
    """Whether the caller hears of sign-ins from new devices."""
    return services.own_security.set_notices(who, tell_new_device=body.tell_new_device)


@router.post("/password/change", status_code=204)
def change_password(body: PasswordChange, request: Request, who: CurrentPrincipal, services: ServicesDep) -> Response:
    """A new password for the caller; their other sessions end. 422 `password_wrong` for a wrong present one."""
    services.own_security.change_password(who, body.password, body.new_password, client_of(request))
    return Response(status_code=204)


@router.get("/email")
def email(who: CurrentPrincipal, services: ServicesDep) -> EmailState:
    """The caller's address, and whether something is still to be done about it."""
    return services.email_confirmations.state(who)


@router.post("/email/change")
def change_email(body: EmailChange, request: Request, who: CurrentPrincipal, services: ServicesDep) -> EmailState:
    """Another address for the caller. It counts once the link that it gets was used; at once where no mail is sent.

    422 `password_wrong`. 409 `email_taken` only where no mail is sent: elsewhere nobody is told who has an account.
    """
    return services.email_confirmations.change(who, body.password, body.email, client_of(request))


@router.post("/email/send-again")
def send_email_link(who: CurrentPrincipal, services: ServicesDep) -> EmailState:
    """Mail the links that confirm the caller's addresses once more; the earlier ones stop working."""
    return services.email_confirmations.send_again(who)


@router.post("/totp/setup")
def set_up_second_factor(
    body: PasswordOnly, request: Request, who: CurrentPrincipal, services: ServicesDep
) -> TotpSetup:
    """Begin to set a second factor up: what the app needs. It counts once `/auth/totp/confirm` has had a code."""
    return TotpSetup.model_validate(services.own_security.begin(who, body.password, client_of(request)))


@router.post("/totp/confirm")
def confirm_second_factor(
    body: CodeOnly, request: Request, who: CurrentPrincipal, services: ServicesDep
) -> RecoveryCodes:
    """Turn the second factor on by a first code. The recovery codes are told this once; other sessions end."""
    return RecoveryCodes(recovery_codes=services.own_security.confirm(who, body.code, client_of(request)))


@router.post("/totp/disable", status_code=204)
def disable_second_factor(
    body: PasswordAndCode, request: Request, who: CurrentPrincipal, services: ServicesDep
) -> Response:
    """Turn the second factor off, by password and code."""
    services.own_security.turn_off(who, body.password, body.code, client_of(request))
    return Response(status_code=204)


@router.post("/totp/recovery-codes")
def new_recovery_codes(
    body: PasswordAndCode, request: Request, who: CurrentPrincipal, services: ServicesDep
) -> RecoveryCodes:
    """New recovery codes, told this once; the earlier ones stop working."""
    codes = services.own_security.new_recovery_codes(who, body.password, body.code, client_of(request))
    return RecoveryCodes(recovery_codes=codes)


@router.get("/sessions")
def sessions(who: CurrentPrincipal, services: ServicesDep) -> Page[SignInView]:
    """Where the caller is signed in."""
    return Page[SignInView](items=services.own_security.sign_ins(who))


@router.delete("/sessions/{sign_in_id}", status_code=204)
def end_session(sign_in_id: UUID, who: CurrentPrincipal, services: ServicesDep) -> Response:
    """Sign one of the caller's devices out."""
    services.own_security.end_sign_in(who, sign_in_id)
    return Response(status_code=204)


@router.post("/sessions/revoke-others", status_code=204)
def end_other_sessions(who: CurrentPrincipal, services: ServicesDep) -> Response:
    """Sign every other device of the caller out."""
    services.own_security.end_others(who)
    return Response(status_code=204)
