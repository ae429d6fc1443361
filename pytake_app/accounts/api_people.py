"""Endpoints of the organization's people and of invitations."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from pytake_app.accounts import invitations, members
from pytake_app.accounts.security_schemas import (
    InvitationAccept,
    InvitationCreate,
    InvitationOffer,
    InvitationToken,
    InvitationView,
    MemberView,
    ResetLink,
    UserCreate,
    UserStatus,
    UserUpdate,
)
from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession, client_of
from pytake_app.api.services import Services
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from pytake_app.core.ratelimit import Bucket
from pytake_app.core.schemas import View
from pytake_app.core.tenancy import Permission, Principal

router = APIRouter(prefix="/users", tags=["users"])
joining_router = APIRouter(prefix="/invitations", tags=["auth"])


MAILS_PER_ORGANIZATION = "100 per hour"
MAILS_PER_RECEIVER = "5 per hour"
"""Invitations and links to reset go to addresses that anybody may have written down: nobody is flooded by them."""


PEOPLE_PER_ORGANIZATION = "200 per hour"
"""Whether an address has an account is told to whoever adds people: not of a list of addresses."""


def count_mail(services: Services, who: Principal, receiver: UUID | None = None) -> None:
    """Count a mail to somebody, before it is known whether there is anybody to write to.

    Raises:
        ForbiddenError: the caller writes to nobody.
        TooManyRequestsError: the organization, or to this `receiver` (a person or an invitation), has sent too many.
    """
    who.needs(Permission.USERS_MANAGE)
    buckets = [Bucket(MAILS_PER_ORGANIZATION, ("people-mails", str(who.organization_id)))]
    if receiver is not None:
        buckets.append(Bucket(MAILS_PER_RECEIVER, ("people-mails-to", str(who.organization_id), str(receiver))))
    services.limiter.require_all(buckets)


class Joined(View):
    """The new account's e-mail; sign in with it."""

    email: str


@router.get("")
def list_users(
    who: CurrentPrincipal,
    session: TenantSession,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
    q: Annotated[str, Query(max_length=200, description="part of a name or an e-mail")] = "",
) -> Page[MemberView]:
    """The organization's people by name."""
    return members.list_members(session, who, limit=limit, cursor=cursor, q=q)


@router.post("", status_code=201)
def create_user(body: UserCreate, who: CurrentPrincipal, services: ServicesDep) -> MemberView:
    """Add somebody with a first password. 409 `email_taken`; 403 `email_unconfirmed`: the caller's own address."""
    who.needs(Permission.USERS_MANAGE)
    services.limiter.require(PEOPLE_PER_ORGANIZATION, "people-added", str(who.organization_id))
    hashed = members.check_new(who, body)
    with services.database.tenant(who.organization_id) as session:
        return members.create_member(
            session, who, body, hashed, database=services.database, settings=services.settings, clock=services.clock
        )


# Before `/{user_id}`: `invitations` must not be read as somebody's id.
@router.get("/invitations")
def list_invitations(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Page[InvitationView]:
    """Open and expired invitations."""
    return Page[InvitationView](items=invitations.list_invitations(session, who, clock=services.clock))


# Without `Idempotency-Key`: answers under a key are kept, and this one may hold a credential. A repeat is a conflict.
@router.post("/invitations", status_code=201)
def invite(
    body: InvitationCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> InvitationView:
    """Ask somebody to join, by mail; where no mail is sent, `link` is to be handed over.

    409 `email_taken`, `invitation_open`; 403 `email_unconfirmed`: the caller's own address.
    """
    count_mail(services, who)
    return invitations.invite(
        session, who, body, database=services.database, settings=services.settings, clock=services.clock
    )


@router.post("/invitations/{invitation_id}/resend")
def resend_invitation(
    invitation_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> InvitationView:
    """Send a new link, good for a week; the earlier one stops working."""
    count_mail(services, who, invitation_id)
    return invitations.resend(session, who, invitation_id, settings=services.settings, clock=services.clock)


@router.delete("/invitations/{invitation_id}", status_code=204)
def revoke_invitation(
    invitation_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> Response:
    """Take an invitation back."""
    invitations.revoke(session, who, invitation_id, clock=services.clock)
    return Response(status_code=204)


@router.get("/{user_id}")
def get_user(user_id: UUID, who: CurrentPrincipal, session: TenantSession) -> MemberView:
    """One of the organization's people."""
    return members.get_member(session, who, user_id)


@router.patch("/{user_id}")
def update_user(
    user_id: UUID, body: UserUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> MemberView:
    """Change name, role, departments, or whether somebody may sign in. 409 `last_admin`, `not_yourself`."""
    return members.update_member(session, who, user_id, body, clock=services.clock)


@router.put("/{user_id}/status")
def put_status(
    user_id: UUID, body: UserStatus, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> MemberView:
    """Let somebody sign in, or no longer. 409 `last_admin`, `not_yourself`; 403 `plan_limit`."""
    request = UserUpdate(is_active=body.is_active)
    return members.update_member(session, who, user_id, request, clock=services.clock)


@router.delete("/{user_id}", status_code=204)
def remove_user(user_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Response:
    """Remove somebody for good; their name stays in what they wrote. 409 `last_admin`, `not_yourself`."""
    members.remove_member(session, who, user_id, clock=services.clock)
    return Response(status_code=204)


@router.post("/{user_id}/password-reset")
def send_password_reset(
    user_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ResetLink:
    """Mail somebody a link that sets a new password; where no mail is sent, `link` is to be handed over."""
    count_mail(services, who, user_id)
    return members.send_reset(session, who, user_id, settings=services.settings, clock=services.clock)


@router.delete("/{user_id}/second-factor")
def end_second_factor(
    user_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> MemberView:
    """Take the second factor from somebody who lost it; they are told, and signed out."""
    return members.end_second_factor(session, who, user_id, settings=services.settings, clock=services.clock)


@router.delete("/{user_id}/sessions", status_code=204)
def end_user_sessions(user_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Response:
    """Sign somebody out everywhere."""
    members.end_sign_ins(session, who, user_id, clock=services.clock)
    return Response(status_code=204)


@joining_router.post("/offer")
def invitation_offer(body: InvitationToken, services: ServicesDep) -> InvitationOffer:
    """Who invites whom, and where to. 404 `invitation_invalid`."""
    return services.joining.offer(body.token)


@joining_router.post("/accept", status_code=201)
def accept_invitation(body: InvitationAccept, request: Request, services: ServicesDep) -> Joined:
    """Join with a name and a password; then sign in. 404 `invitation_invalid`."""
    return Joined(email=services.joining.accept(body, client_of(request)))
